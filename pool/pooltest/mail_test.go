package pooltest_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage/memory"
)

// The newest code is there when the call that asked for it has returned.
func TestCodeIsTheNewest(t *testing.T) {
	t.Parallel()
	k, ctx := pooltest.New(t), t.Context()
	up, err := k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: pooltest.Password})
	if err != nil {
		t.Fatal(err)
	}
	old := k.Mail.Code(ada)
	again, err := k.ResendCode(ctx, pool.ResendInput{Ticket: up.Ticket})
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: old})
	if !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("confirm with the old ticket = %v, want ErrTicketGone", err)
	}
	newest := pool.CodeInput{Ticket: again.Ticket, Code: k.Mail.Code("ADA@example.com")}
	if _, err := k.ConfirmSignUp(ctx, newest); err != nil {
		t.Errorf("confirm: %v", err)
	}
	if n := len(k.Mail.To(ada)); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

// Several mails that nobody has looked for come in the order in which they were caused.
func TestMailKeepsItsOrder(t *testing.T) {
	t.Parallel()
	for range 8 { // one in two would pass by luck
		k, ctx := pooltest.New(t), t.Context()
		k.Person(ada, pooltest.Unconfirmed())
		step, err := k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: pooltest.Password}})
		ask, ok := step.(*pool.NeedConfirm)
		if !ok {
			t.Fatalf("SignIn = %T, %v, want *NeedConfirm", step, err)
		}
		answer := pool.RespondInput{Ticket: ask.Ticket, With: pool.Code{Value: k.Mail.Code(ada)}}
		if _, err := pool.Finished(k.Respond(ctx, answer)); err != nil {
			t.Errorf("the newest code is refused: %v", err)
		}
	}
}

// What was due before the clock moves is sent before, as it would have been: its code is good then.
func TestAdvanceSendsBeforeItMoves(t *testing.T) {
	t.Parallel()
	k, ctx := pooltest.New(t), t.Context()
	up, err := k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: pooltest.Password})
	if err != nil {
		t.Fatal(err)
	}
	k.Clock.Advance(25 * time.Hour)
	_, err = k.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: k.Mail.Code(ada)})
	if !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("confirm after a day = %v, want ErrTicketGone", err)
	}
}

func TestAdvanceSweeps(t *testing.T) {
	t.Parallel()
	for name, advance := range map[string]bool{"advanced": true, "not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := memory.New()
			t.Cleanup(func() { st.Close() })
			k := pooltest.New(t, pooltest.WithStore(st))
			k.Person(ada, pooltest.Unconfirmed())
			later := k.Clock.Now().Add(25 * time.Hour)
			if advance {
				k.Clock.Advance(25 * time.Hour)
			}
			n, err := st.Sweep(t.Context(), later, 1000)
			if err != nil || (n == 0) != advance {
				t.Errorf("Sweep = %d, %v, which should be 0 only where the clock was advanced", n, err)
			}
		})
	}
}

// Readers who come at once do not send anything twice.
func TestParallelReaders(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	k.Person(ada, pooltest.Unconfirmed())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if n := len(k.Mail.To(ada)); n != 1 {
				t.Errorf("%d messages, want 1", n)
			}
		})
	}
	wg.Wait()
}

func TestPerson(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	p := k.Person("Ada@Example.com", pooltest.Attribute("name", "Ada"), pooltest.Attribute("locale", "en"))
	account, err := k.Account(t.Context(), p.Tokens().Access)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := account.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	as := profile.Attributes
	if p.Login != "Ada@Example.com" || profile.ID != p.ID() || as["name"] != "Ada" || as["locale"] != "en" {
		t.Errorf("person %s is %+v", p.ID(), profile)
	}
	first := p.Tokens()
	p.SignIn()
	if p.Tokens().Access.Reveal() == first.Access.Reveal() {
		t.Error("another sign-in gave the same token")
	}
	flo := k.Person("flo@example.com", pooltest.Unconfirmed())
	if flo.ID() != "" || !flo.Tokens().Access.IsZero() || flo.Request("GET", "/").Header.Get("Authorization") != "" {
		t.Error("somebody unconfirmed has an id or a token")
	}
	if p.Request("GET", "/").RemoteAddr == flo.Request("GET", "/").RemoteAddr {
		t.Error("two people call from one address")
	}
}

// People in a crowd do not use up what is counted by network address.
func TestCrowd(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	for i := range 30 {
		k.Person(string(rune('a'+i%26))+string(rune('a'+i/26))+"@example.com", pooltest.Locked())
	}
}
