package pooltest_test

import (
	"context"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/user"
)

// People are there however the pool takes them in.
func TestPeopleOfEveryDoor(t *testing.T) {
	t.Parallel()
	vouch := hook.Set{PreSignUp: func(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) {
		return hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, nil
	}}
	logins := []pool.Identifier{pool.Username, pool.Email, pool.Phone}
	for name, c := range map[string]pool.Config{
		"sign-up":         {Settings: &pool.Settings{}},
		"closed":          {Settings: &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}}},
		"administrators":  {Settings: &pool.Settings{SignUp: pool.SignUpSettings{ByAdmin: true}}},
		"vouched for":     {Settings: &pool.Settings{}, Hooks: vouch},
		"closed, by name": {Settings: &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}, SignIn: pool.SignInSettings{Identifiers: logins}}},
	} {
		k := pooltest.New(t, pooltest.WithConfig(c))
		who := []*pooltest.Person{k.Person("ada@example.com", pooltest.Attribute("name", "Ada"))}
		if len(c.Settings.SignIn.Identifiers) > 0 {
			who = append(who, k.Person("ada"), k.Person("+4915112345678"))
		}
		for _, p := range who {
			u, err := k.Admin(pool.Actor{Name: "test"}).FindUser(t.Context(), p.Login)
			if err != nil || u.ID != p.ID() || u.Status != user.Confirmed || !u.EmailVerified && !u.PhoneVerified {
				t.Errorf("%s: %s is %+v, %v", name, p.Login, u, err)
			}
		}
	}
}

// A second address is proven, and is a login where the pool takes its kind.
func TestVerified(t *testing.T) {
	t.Parallel()
	settings := pool.Settings{SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Email, pool.Phone}}}
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &settings}))
	ada := k.Person("ada@example.com", pooltest.Verified("+4915112345678"))
	u, err := k.Admin(pool.Actor{Name: "test"}).FindUser(t.Context(), "+4915112345678")
	if err != nil || u.ID != ada.ID() || !u.EmailVerified || !u.PhoneVerified {
		t.Errorf("found %+v, %v, want %s with two proven addresses", u, err, ada.ID())
	}
	if a, err := k.Account(t.Context(), ada.Tokens().Access); err != nil {
		t.Error(err)
	} else if p, err := a.Get(t.Context()); err != nil || p.Phone != "+4915112345678" {
		t.Errorf("Get = %+v, %v", p, err)
	}
}

// The pools of a directory have people of their own.
func TestPeopleOfADirectory(t *testing.T) {
	t.Parallel()
	d := pooltest.NewDirectory(t, nil, pool.DirectoryConfig{})
	for _, id := range []user.PoolID{"acme", "bolt"} {
		settings := pool.Settings{Groups: []pool.Group{{Name: "owner"}}}
		if _, err := d.Create(t.Context(), pool.Actor{Name: "test"}, id, "http://localhost/"+string(id), settings); err != nil {
			t.Fatal(err)
		}
	}
	acme, bolt := d.Kit("acme"), d.Kit("bolt")
	ada := acme.Person("ada@example.com", pooltest.InGroup("owner"), pooltest.TemporaryPassword())
	ada.Cookie() // named by its own pool
	if u := bolt.Person("ada@example.com"); u.ID() == ada.ID() {
		t.Error("two pools have one user")
	}
	if n := len(d.Mail.To("ada@example.com")); n != 2 {
		t.Errorf("%d messages, want one of each pool", n)
	}
}
