package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// The code that an administrator has sent sets a new password, with the ticket that goes with it.
func TestAdminResetPassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d, id, old := k.done(ada), k.user(ada).ID, k.forgot(ada)
		oldCode := k.code(ada, 2)
		res, err := k.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: id})
		if err != nil || res.Delivery.Destination != ada {
			t.Fatalf("ResetPassword = %+v, %v", res, err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the old password = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a refresh = %v, want ErrNotAuthorized", err)
		}
		if err := k.reset(old, oldCode, another); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a code of before = %v, want ErrBadCode", err)
		}
		if err := k.reset(res.Ticket, k.code(ada, 3), another); err != nil {
			t.Fatalf("the code = %v", err)
		}
		if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
			t.Errorf("the new password = %v", err)
		}
		if err := k.admin().Disable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := k.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: id}); !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("of somebody disabled = %v, want ErrNotAllowed", err)
		}
	})
}

// A password that an administrator sets opens what guessing has locked for good, and its owner is
// told.
func TestT5_AdminSetsAPasswordAnew(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 5 {
		k.signIn(ada, wrong)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Fatalf("while locked = %v", err)
	}
	in := pool.SetPasswordInput{ID: k.user(ada).ID, Password: another, Permanent: true}
	if err := k.admin().SetPassword(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Finished(k.signIn(ada, another)); err != nil {
		t.Errorf("the new password = %v", err)
	}
	for _, m := range k.mails(ada, 3)[1:] {
		if m.Kind != message.PasswordChanged && m.Kind != message.SignInAttempts || strings.Contains(m.Text, another.Reveal()) {
			t.Errorf("mail %s: %s", m.Kind, m.Text)
		}
	}
	in.Permanent = false
	if err := k.admin().SetPassword(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(7 * 24 * time.Hour)
	if _, err := k.signIn(ada, another); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("a temporary password after 7 days = %v, want ErrNotAuthorized", err)
	}
}

// A password that an administrator gives keeps the policy, and one that is made is asked about
// nowhere.
func TestAdminsPasswordsKeepThePolicy(t *testing.T) {
	t.Parallel()
	l, asks := asking(t, true)
	k := open(t, asks, func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email}
		c.Settings.Passwords = password.Policy{History: 2, RequireSymbols: true, RequireNumbers: true, MinLength: 20}
	})
	made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	if asked := l.questions(); len(asked) > 0 {
		t.Errorf("%d questions about a password that was made", len(asked))
	}
	sent := temporary(k.mails(ada, 1)[0])
	first, second := password.New("1 correct horse battery staple!"), password.New("2 correct horse battery staple!")
	for _, tt := range []struct {
		name  string
		value password.Secret
		want  error
	}{
		{"the one that was made", password.New(sent), pool.ErrInvalid},
		{"without a digit", right, pool.ErrInvalid},
		{"short", password.New("1 horse!"), pool.ErrInvalid},
		{"none", password.Secret{}, pool.ErrInvalid},
		{"breached", password.New("1! " + leaked.Reveal()), nil},
		{"a first", first, nil},
		{"the same", first, pool.ErrInvalid},
		{"a second", second, nil},
		{"the one before", first, pool.ErrInvalid},
	} {
		was := k.user(ada).Version
		err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: made.ID, Password: tt.value, Permanent: true})
		if !errors.Is(err, tt.want) || (k.user(ada).Version != was) != (tt.want == nil) {
			t.Errorf("%s = %v, want %v", tt.name, err, tt.want)
		}
	}
	if asked := l.questions(); len(asked) == 0 {
		t.Error("nobody was asked about passwords that were given")
	}
	l.fail(func() {})
	if err := k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: made.ID, Password: password.New("3 correct horse battery staple!")}); !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("while nobody can be asked = %v, want ErrUnavailable", err)
	}
	l.fail(nil)
	for i := range 120 { // more than a network may
		in := pool.CreateUserInput{Username: fmt.Sprint("user", i), Suppress: true, Password: first}
		if _, err := k.admin().CreateUser(t.Context(), in); err != nil {
			t.Fatalf("user %d: %v", i, err)
		}
	}
	up := pool.SignUpInput{Username: "bobby", Attributes: user.Attributes{"email": "bob@example.com"}, Password: first}
	if _, err := k.SignUp(t.Context(), up); err != nil {
		t.Fatal(err)
	}
	in := pool.SetPasswordInput{ID: k.user("bobby").ID, Password: password.New("bobby-bobby-bobby-1-!"), Permanent: true}
	if err := k.admin().SetPassword(t.Context(), in); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("a password made of the name of a sign-up = %v, want ErrInvalid", err)
	}
}
