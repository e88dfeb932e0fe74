package pooltest_test

import (
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// People of a confidential client come and go like others, and the test asks about their tokens with
// the secret that the kit has made.
func TestConfidentialClient(t *testing.T) {
	t.Parallel()
	settings := pool.Settings{Clients: []pool.Client{{ID: "server", Confidential: true}, {ID: "app"}}}
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &settings}))
	ada := k.Person("ada@example.com", pooltest.Locked())
	app, err := k.App(t.Context(), "server", k.ClientSecret(), pool.Caller{})
	if err != nil {
		t.Fatal(err)
	}
	active := func(want bool) {
		t.Helper()
		if is, err := app.Introspect(t.Context(), ada.Tokens().Access); err != nil || is.Active != want {
			t.Errorf("Introspect = %+v, %v, want active %v", is, err, want)
		}
	}
	active(true)
	ada.SignOut()
	active(false)
	secrets, err := k.Admin(pool.Actor{Name: "test"}).ListClientSecrets(t.Context(), "server")
	if err != nil || len(secrets) != 1 {
		t.Errorf("the kit has made %d secrets, %v, want one", len(secrets), err)
	}
}

// A client more does not keep people out who sign in to the first.
func TestPeopleBesideANewClient(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	ada := k.Person("ada@example.com")
	if _, err := k.Admin(pool.Actor{Name: "test"}).CreateClient(t.Context(), pool.Client{Confidential: true}); err != nil {
		t.Fatal(err)
	}
	ada.SignIn()
	k.Person("bob@example.com")
	if s := k.ClientSecret(); !s.IsZero() {
		t.Error("a public client has a secret")
	}
}
