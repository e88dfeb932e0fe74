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
