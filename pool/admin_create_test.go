package pool_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/user"
)

// An invitation is all that it takes to come in, once.
func TestCreateUser(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{
			Username: "Ada@example.com", EmailVerified: true, Groups: []string{"staff", "admin", "staff"},
			Attributes: user.Attributes{"name": "Ada", "locale": "de", "nickname": ""},
		})
		if err != nil {
			t.Fatal(err)
		}
		if made.Status != user.ForceChangePassword || made.Disabled || made.Username != "Ada@example.com" || !made.EmailVerified ||
			!maps.Equal(made.Attributes, user.Attributes{"name": "Ada", "locale": "de"}) || !slices.Equal(made.Groups, []string{"admin", "staff"}) ||
			!made.Expires.Equal(k.clock.Now().Add(password.DefaultTemporaryValidity)) {
			t.Errorf("CreateUser = %+v", made)
		}
		for _, get := range []func() (pool.User, error){
			func() (pool.User, error) { return k.admin().GetUser(t.Context(), made.ID) },
			func() (pool.User, error) { return k.admin().FindUser(t.Context(), "ADA@example.com") },
		} {
			if got, err := get(); err != nil || fmt.Sprint(got) != fmt.Sprint(made) {
				t.Errorf("= %+v, %v, want %+v", got, err, made)
			}
		}
		mail := k.mails("Ada@example.com", 1)[0]
		if mail.Kind != message.Invitation || mail.Locale != "de" || !strings.Contains(mail.Text, "Ada@example.com") {
			t.Fatalf("mail = %+v", mail)
		}
		step, err := k.signIn(ada, password.New(temporary(mail)))
		need, ok := step.(*pool.NeedNewPassword)
		if !ok {
			t.Fatalf("sign-in by the password of the invitation = %T, %v", step, err)
		}
		if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.NewPassword{Value: right}})); err != nil {
			t.Fatal(err)
		}
		if got, err := k.admin().GetUser(t.Context(), made.ID); err != nil || got.Status != user.Confirmed || !got.Expires.IsZero() {
			t.Errorf("afterwards %+v, %v", got, err)
		}
	}, groups("staff", "admin"))
}

// temporary returns the password of an invitation, which stands on the last indented line.
func temporary(m message.Message) (last string) {
	for line := range strings.Lines(m.Text) {
		if word, indented := strings.CutPrefix(line, "    "); indented {
			last = strings.TrimSpace(word)
		}
	}
	return last
}

// Whoever is made a user owns a chosen name, and of addresses those that are vouched for.
func TestT7_AdminOwnsWhatIsVouchedFor(t *testing.T) {
	t.Parallel()
	const mail = "Ada@example.com"
	for name, tt := range map[string]struct {
		in     pool.CreateUserInput
		takes  []pool.Identifier
		logins string
		proven string // addresses
		field  string // that is refused; "" means none
	}{
		"a name alone":               {pool.CreateUserInput{Username: "ada", Suppress: true}, nil, "ada", "", ""},
		"an address, unvouched":      {pool.CreateUserInput{Username: mail}, nil, "", "", "EmailVerified"},
		"an address, vouched":        {pool.CreateUserInput{Username: mail, EmailVerified: true}, nil, mail, mail, ""},
		"an address, twice":          {pool.CreateUserInput{Username: mail, Attributes: user.Attributes{"email": ada}, EmailVerified: true}, nil, mail, mail, ""},
		"another address":            {pool.CreateUserInput{Username: mail, Attributes: user.Attributes{"email": "eve@example.com"}, EmailVerified: true}, nil, "", "", "Attributes.email"},
		"the other kind vouched":     {pool.CreateUserInput{Username: mail, Attributes: user.Attributes{"phone_number": phone}, PhoneVerified: true}, nil, "", "", "EmailVerified"},
		"a number, unvouched":        {pool.CreateUserInput{Username: phone}, nil, "", "", "PhoneVerified"},
		"a name and an address":      {pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": mail}}, nil, "ada", "", ""},
		"a name and a proven one":    {pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": mail}, EmailVerified: true}, nil, "ada " + mail, mail, ""},
		"a proven one that is no ID": {pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": mail}, EmailVerified: true}, []pool.Identifier{pool.Username}, "ada", mail, ""},
		"all of it": {pool.CreateUserInput{
			Username: "ada", Attributes: user.Attributes{"email": mail, "phone_number": phone}, EmailVerified: true, PhoneVerified: true,
		}, nil, "ada " + mail + " " + phone, mail + phone, ""},
		"nothing to vouch for":   {pool.CreateUserInput{Username: "ada", Suppress: true, EmailVerified: true}, nil, "", "", "EmailVerified"},
		"nowhere to invite to":   {pool.CreateUserInput{Username: "ada"}, nil, "", "", "Channel"},
		"no number to invite to": {pool.CreateUserInput{Username: mail, EmailVerified: true, Channel: message.SMS}, nil, "", "", "Channel"},
		"suppressed, by SMS":     {pool.CreateUserInput{Username: "ada", Suppress: true, Channel: message.SMS}, nil, "", "", "Channel"},
		"permanent, none given":  {pool.CreateUserInput{Username: "ada", Permanent: true}, nil, "", "", "Password"},
		"a word for verified":    {pool.CreateUserInput{Username: "ada", Suppress: true, Attributes: user.Attributes{"email_verified": "true"}}, nil, "", "", "Attributes.email_verified"},
		"no such group":          {pool.CreateUserInput{Username: "ada", Suppress: true, Groups: []string{"root"}}, nil, "", "", "Groups"},
		"a kind not taken":       {pool.CreateUserInput{Username: mail, EmailVerified: true}, []pool.Identifier{pool.Username}, "", "", "Username"},
		"a guessable password":   {pool.CreateUserInput{Username: "ada", Suppress: true, Password: password.New("password1")}, nil, "", "", "Password"},
		"made of the name":       {pool.CreateUserInput{Username: "zorblaxine", Suppress: true, Password: password.New("zorblaxine1")}, nil, "", "", "Password"},
		"one that mails cannot":  {pool.CreateUserInput{Username: mail, EmailVerified: true, Password: password.New("tab\tand some more of it")}, nil, "", "", "Password"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ids := tt.takes
			if ids == nil {
				ids = []pool.Identifier{pool.Username, pool.Email, pool.Phone}
			}
			k := open(t, takes(ids...))
			k.store.reset()
			made, err := k.admin().CreateUser(t.Context(), tt.in)
			if tt.field != "" {
				v, _ := errors.AsType[*pool.ValidationError](err)
				if v == nil || len(v.Fields) != 1 || v.Fields[0].Field != tt.field {
					t.Errorf("= %v, want a fault of %s alone", err, tt.field)
				}
				if reads, commits := k.store.counted(); reads+len(commits) > 0 {
					t.Errorf("%d reads and %d commits after a fault", reads, len(commits))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var logins []string
			u := k.user(strings.ToLower(tt.in.Username))
			for _, l := range u.Logins {
				logins = append(logins, l.Display)
			}
			if got := strings.Join(logins, " "); got != tt.logins {
				t.Errorf("owns %q, want %q", got, tt.logins)
			}
			proven := ""
			if made.EmailVerified {
				proven = made.Email
			}
			if made.PhoneVerified {
				proven += made.Phone
			}
			if proven != tt.proven {
				t.Errorf("has proven %q, want %q", proven, tt.proven)
			}
		})
	}
}

// A login has one owner, whoever came first: a user, or a sign-up that loses then.
func TestT7_AdminAndVisitorWantOneLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		k.invited(ada)
		if _, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: ticket, Code: code}); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("a sign-up confirmed after an administrator gave the address away = %v, want ErrLoginTaken", err)
		}
		k.store.reset()
		for _, in := range []pool.CreateUserInput{
			{Username: ada, EmailVerified: true},
			{Username: "countess", Attributes: user.Attributes{"email": ada}, EmailVerified: true},
		} {
			if _, err := k.admin().CreateUser(t.Context(), in); !errors.Is(err, pool.ErrLoginTaken) {
				t.Errorf("again as %s = %v, want ErrLoginTaken", in.Username, err)
			}
		}
		if _, err := k.admin().FindUser(t.Context(), "countess"); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("of whom was refused there is %v", err)
		}

		var wait sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for range 8 {
			wait.Go(func() {
				_, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "bob@example.com", EmailVerified: true, Suppress: true})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, pool.ErrLoginTaken) {
					t.Errorf("CreateUser = %v", err)
				}
			})
		}
		if wait.Wait(); won != 1 {
			t.Errorf("of 8 at once %d made the user, want 1", won)
		}
	}, takes(pool.Username, pool.Email))
}

// A temporary password that was replaced is sent to nobody, though its message was waiting.
func TestT4_AnInvitationDiesWithItsPassword(t *testing.T) {
	t.Parallel()
	var k *kit
	var down atomic.Bool
	down.Store(true)
	tried := make(chan struct{}, 100)
	k = open(t, func(c *pool.Config) {
		c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
			if down.Load() {
				tried <- struct{}{}
				return errors.New("down")
			}
			return k.box.Send(ctx, m)
		})
	})
	made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	<-tried
	if err := k.admin().ResendInvitation(t.Context(), pool.ResendInvitationInput{ID: made.ID}); err != nil {
		t.Fatal(err)
	}
	down.Store(false)
	waitFor(t, func() bool {
		k.clock.advance(time.Minute) // until what failed is tried again
		return len(k.box.To(ada)) > 0
	})
	first := k.mails(ada, 1)[0] // messages to one person keep their order
	step, err := k.signIn(ada, password.New(temporary(first)))
	if _, ok := step.(*pool.NeedNewPassword); !ok {
		t.Errorf("the password of the first mail that came = %T, %v", step, err)
	}
}

// The hook may refuse whom an administrator makes; what it vouches for is ignored, and nobody is
// confirmed.
func TestCreateUserHooks(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []hook.Event
	var say error
	refuse := errors.New("not here")
	note := func(e hook.Event) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, e)
	}
	k := open(t, with(hook.Set{
		PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			note(e.Event)
			return hook.PreSignUpAnswer{Confirm: true, VerifyPhone: true}, say
		},
		PostConfirmation: func(_ context.Context, e hook.PostConfirmation) error { note(e.Event); return nil },
		CustomMessage: func(_ context.Context, e hook.CustomMessage) (hook.CustomMessageAnswer, error) {
			if e.Kind == message.Invitation {
				note(e.Event)
			}
			return hook.CustomMessageAnswer{Subject: "Welcome", Text: "{username} " + e.Code}, nil
		},
	}))
	in := pool.CreateUserInput{Username: ada, EmailVerified: true, Password: right, Attributes: user.Attributes{"name": "Ada"}, Metadata: map[string]string{"plan": "pro"}}
	made, err := k.admin().CreateUser(t.Context(), in)
	if err != nil || made.Status != user.ForceChangePassword {
		t.Fatalf("CreateUser = %+v, %v", made, err)
	}
	if m := k.mails(ada, 1)[0]; m.Text != ada+" "+right.Reveal() {
		t.Errorf("mail = %q", m.Text)
	}
	mu.Lock()
	if len(told) != 2 || told[0].Source != hook.AdminCreateUser || told[0].Attributes["email"] != ada || told[0].Metadata["plan"] != "pro" ||
		told[1].Source != hook.AdminCreateUser || told[1].User != made.ID {
		t.Errorf("hooks were told %+v", told)
	}
	say = refuse
	mu.Unlock()
	in.Username = "bob@example.com"
	if _, err := k.admin().CreateUser(t.Context(), in); !errors.Is(err, refuse) {
		t.Errorf("CreateUser = %v, want the hook's error", err)
	}
	if _, err := k.admin().FindUser(t.Context(), in.Username); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("somebody whom the hook refused is there: %v", err)
	}
}
