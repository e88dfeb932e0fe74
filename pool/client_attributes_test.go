package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// An app is shown the attributes that it may read, in tokens and in the account, and sets none but
// those that it may write; administrators see and set all of them.
func TestClientAttributes(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) {
		c.Settings = &pool.Settings{
			Attributes: user.Schema{{Name: "custom:plan"}},
			Clients:    []pool.Client{{ID: "default", Read: []string{"nickname", "email"}, Write: []string{"nickname"}}},
		}
	})
	in := pool.SignUpInput{Username: ada, Password: right, Attributes: user.Attributes{"nickname": "Ada", "custom:plan": "pro"}}
	_, err := k.SignUp(t.Context(), in)
	if v, ok := errors.AsType[*pool.ValidationError](err); !ok || len(v.Fields) != 1 || v.Fields[0].Field != "Attributes.custom:plan" || v.Fields[0].Rule != string(user.RuleReadOnly) {
		t.Errorf("sign up with what may not be written = %v", err)
	}
	k.permanent(ada)
	id := k.user(ada).ID
	said := user.Attributes{"nickname": "Ada", "custom:plan": "pro", "name": "Ada Lovelace"}
	if err := k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: id, Attributes: said}); err != nil {
		t.Fatal(err)
	}
	d := k.done(ada)
	account := k.account(d)
	p, err := account.Get(t.Context())
	if err != nil || p.Email != ada || p.EmailVerified || len(p.Attributes) != 1 || p.Attributes["nickname"] != "Ada" {
		t.Errorf("the account = %+v, %v", p, err)
	}
	c, _ := k.says(ada)
	if c.Email != ada || c.EmailVerified != nil || c.Name != "" || len(c.Attributes) != 1 || c.Attributes["nickname"] != "Ada" {
		t.Errorf("the ID token = %+v", c)
	}
	if u, err := k.admin().GetUser(t.Context(), id); err != nil || len(u.Attributes) != 3 || !u.EmailVerified {
		t.Errorf("an administrator sees %+v, %v", u, err)
	}
	for name, want := range map[string]error{"nickname": nil, "custom:plan": pool.ErrInvalid, "name": pool.ErrInvalid} {
		in := pool.ChangeAttributesInput{Attributes: user.Attributes{name: "other"}}
		if err := account.UpdateAttributes(t.Context(), in); !errors.Is(err, want) {
			t.Errorf("set %s = %v, want %v", name, err, want)
		}
	}
}

// What an app is not shown it does not find out by setting it either: a right guess at what it may not
// change is refused like a wrong one, and what is required does not go.
func TestHiddenAttributesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) {
		c.Settings = &pool.Settings{
			Attributes: user.Schema{{Name: "custom:risk", AdminOnly: true}, {Name: "custom:born", Immutable: true}, {Name: "name", Required: true}},
			Clients:    []pool.Client{{ID: "default", Read: []string{}}},
		}
	})
	k.permanent(ada)
	said := user.Attributes{"custom:risk": "high", "custom:born": "1815", "name": "Ada", "nickname": "Countess"}
	in := pool.CreateUserInput{Username: "eve@example.com", EmailVerified: true, Password: right, Permanent: true, Attributes: said}
	if _, err := k.admin().CreateUser(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	account := k.account(k.done("eve@example.com"))
	for name, guesses := range map[string][]string{
		"custom:risk": {"high", "low"}, "custom:born": {"1815", "1816"}, "email": {"eve@example.com", ada}, "name": {""},
	} {
		for _, guess := range guesses {
			err := account.UpdateAttributes(t.Context(), pool.ChangeAttributesInput{Attributes: user.Attributes{name: guess}})
			if !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("%s = %q: %v, want ErrInvalid", name, guess, err)
			}
		}
	}
	for _, value := range []string{"Countess", "Enchantress", ""} {
		in := pool.ChangeAttributesInput{Attributes: user.Attributes{"nickname": value}}
		if err := account.UpdateAttributes(t.Context(), in); err != nil {
			t.Errorf("nickname = %q: %v", value, err)
		}
	}
	if u := k.user("eve@example.com"); u.Attributes["name"] != "Ada" || u.Attributes["nickname"] != "" || u.Attributes["custom:risk"] != "high" {
		t.Errorf("the user says %v", u.Attributes)
	}
}

// A step is good for as long as its client says.
func TestStepLifetime(t *testing.T) {
	t.Parallel()
	k := open(t, apps(pool.Client{ID: "app", StepLifetime: 15 * time.Minute}))
	k.confirmed(ada)
	step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: k.signUp("bob@example.com"), Code: k.code("bob@example.com", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if got := step.(*pool.NeedPassword).Expires; !got.Equal(start.Add(15 * time.Minute)) {
		t.Errorf("the step ends at %v, want in 15 minutes", got)
	}
}
