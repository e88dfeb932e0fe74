package pooltest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/token"
)

func TestJourneyInSixLines(t *testing.T) {
	k, ctx, ada := pooltest.New(t), t.Context(), "ada@example.com"
	up, _ := k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: pooltest.Password})
	k.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: k.Mail.Code(ada)})
	if _, err := pool.Finished(k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: pooltest.Password}})); err != nil {
		t.Fatal(err)
	}
}

// The link is opened on another device, which has no ticket: there the password confirms.
func TestJourneyByLink(t *testing.T) {
	t.Parallel()
	settings := pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}}
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &settings, ConfirmURL: "http://localhost/confirm"}))
	ctx, ada := t.Context(), "ada@example.com"
	if _, err := k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: pooltest.Password}); err != nil {
		t.Fatal(err)
	}
	_, link, _ := strings.Cut(k.Mail.Link(ada), "?link=")
	step, err := k.ConfirmLink(ctx, pool.LinkInput{Link: link})
	need, ok := step.(*pool.NeedPassword)
	if err != nil || !ok {
		t.Fatalf("ConfirmLink = %T, %v, want *NeedPassword", step, err)
	}
	answer := pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: pooltest.Password}}
	if _, err := pool.Finished(k.Respond(ctx, answer)); err != nil {
		t.Error(err)
	}
	if bob := k.Person("bob@example.com"); bob.ID() == "" {
		t.Error("a person of a pool that sends links is nobody")
	}
}

// handler is what a program's own tests are about.
func handler(t *testing.T, k *pooltest.Kit) http.Handler {
	t.Helper()
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	return v.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := token.FromContext(r.Context())
		w.Header().Set("X-User", c.Subject)
	}))
}

func TestWhoMaySee(t *testing.T) {
	t.Parallel()
	whoMaySee(t)
}

// In a bubble nothing is left over that would keep it from ending, and nothing in the kit waits.
func TestWhoMaySeeInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, whoMaySee)
}

func whoMaySee(t *testing.T) {
	k := pooltest.New(t)
	app := handler(t, k)
	ada := k.Person("ada@example.com")
	gone := k.Person("bob@example.com")
	gone.SignOut()
	get := func(who *pooltest.Person, want int) {
		t.Helper()
		w := httptest.NewRecorder()
		app.ServeHTTP(w, who.Request("GET", "/"))
		if w.Code != want {
			t.Errorf("GET / as %s = %d, want %d", who.Login, w.Code, want)
		}
		if want == http.StatusOK && w.Header().Get("X-User") != string(who.ID()) {
			t.Errorf("GET / as %s is seen as %q, want %q", who.Login, w.Header().Get("X-User"), who.ID())
		}
	}
	get(ada, 200)
	get(gone, 401)
	get(k.Person("cleo@example.com", pooltest.SignedOut()), 401)
	get(k.Person("dan@example.com", pooltest.Disabled()), 401)
	get(k.Person("gus@example.com", pooltest.TemporaryPassword()), 401)
	get(k.Person("eve@example.com", pooltest.Locked()), 200) // a lock is on guessing
	get(k.Person("flo@example.com", pooltest.Unconfirmed()), 401)
	k.Clock.Advance(31 * 24 * time.Hour)
	get(ada, 401)
	ada.SignIn()
	get(ada, 200)
}

// The timers of a bubble move neither the clock of the kit nor what hangs on it.
func TestBubbleTimeIsNotTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := pooltest.New(t)
		eve := k.Person("eve@example.com", pooltest.Locked())
		before := k.Clock.Now()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if now := k.Clock.Now(); !now.Equal(before) {
			t.Errorf("after a day of the bubble the clock says %v, want %v", now, before)
		}
		if err := signIn(k, eve); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-in after a day of the bubble = %v, want ErrNotAuthorized", err)
		}
		k.Clock.Advance(time.Second)
		if err := signIn(k, eve); err != nil {
			t.Errorf("sign-in after the lock: %v", err)
		}
	})
}

func signIn(k *pooltest.Kit, p *pooltest.Person) error {
	_, err := pool.Finished(k.SignIn(p.Request("GET", "/").Context(), pool.SignInInput{
		Username: p.Login, With: pool.Password{Value: pooltest.Password},
	}))
	return err
}
