package pool_test

import (
	"errors"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// client makes a client.
func (k *kit) client(c pool.Client) pool.Client {
	k.t.Helper()
	c, err := k.admin().CreateClient(k.t.Context(), c)
	if err != nil {
		k.t.Fatalf("CreateClient: %v", err)
	}
	return c
}

// A client that is made has an id of its own, by which the pool is found in the store, and works on
// every node at once.
func TestCreateClient(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		c := a.client(pool.Client{Name: "Shop", Confidential: true})
		if !regexp.MustCompile(`^[a-z2-7]{26}$`).MatchString(c.ID) || c.Tokens.Access == 0 {
			t.Errorf("client = %+v, want an id of 26 letters and digits, and defaults", c)
		}
		secret := b.secret(c.ID)
		for _, k := range []*kit{a, b} {
			in := pool.ForgotPasswordInput{Client: c.ID, ClientSecret: secret, Username: ada}
			if _, err := k.ForgotPassword(t.Context(), in); err != nil {
				t.Errorf("with the new client: %v", err)
			}
		}
		page, err := a.store.Pools(t.Context(), storage.PoolQuery{Client: c.ID})
		if err != nil || len(page.Pools) != 1 || page.Pools[0].ID != "default" {
			t.Errorf("pools of the client = %v, %v", page.Pools, err)
		}
		s, _ := a.policy()
		if len(s.Clients) != 2 || s.Clients[1].Name != "Shop" {
			t.Errorf("clients = %+v", s.Clients)
		}
		if c, err = b.admin().UpdateClient(t.Context(), c.ID, func(c *pool.Client) { c.Name = "Store" }); err != nil || c.Name != "Store" || !c.Confidential {
			t.Errorf("UpdateClient = %+v, %v", c, err)
		}
		if err := a.admin().DeleteClient(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		in := pool.ForgotPasswordInput{Client: c.ID, ClientSecret: secret, Username: ada}
		if _, err := b.ForgotPassword(t.Context(), in); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("with the deleted client = %v", err)
		}
		if page, err = a.store.Pools(t.Context(), storage.PoolQuery{Client: c.ID}); err != nil || len(page.Pools) != 0 {
			t.Errorf("pools of the deleted client = %v, %v", page.Pools, err)
		}
		if docs, err := a.store.Documents(t.Context(), "default", storage.DocumentQuery{Kind: "client"}); err != nil || len(docs.Documents) != 0 {
			t.Errorf("%d documents of secrets are left, %v", len(docs.Documents), err)
		}
	})
}

// Of clients that are made, changed and deleted at once none is lost.
func TestClientsAtOnce(t *testing.T) {
	t.Parallel()
	k := open(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			c, err := k.admin().CreateClient(t.Context(), pool.Client{})
			for errors.Is(err, pool.ErrUnavailable) {
				c, err = k.admin().CreateClient(t.Context(), pool.Client{})
			}
			if err == nil && i%2 == 0 {
				for err = pool.ErrUnavailable; errors.Is(err, pool.ErrUnavailable); {
					err = k.admin().DeleteClient(t.Context(), c.ID)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(k.Settings().Clients); n != 3 {
		t.Errorf("%d clients, want the first and two", n)
	}
}

func isSettings(err error) bool {
	_, ok := errors.AsType[*pool.SettingsError](err)
	return ok
}

// What cannot be made of a client changes nothing.
func TestClientsRefused(t *testing.T) {
	t.Parallel()
	k := open(t)
	ctx, admin, other := t.Context(), k.admin(), k.client(pool.Client{Name: "other"})
	update := func(id string, change func(*pool.Client)) error { return second(admin.UpdateClient(ctx, id, change)) }
	before := k.Settings()
	for what, err := range map[string]error{
		"an id":              expect(second(admin.CreateClient(ctx, pool.Client{ID: "web"})), pool.ErrInvalid),
		"no sense":           isNot(isSettings(second(admin.CreateClient(ctx, pool.Client{StepLifetime: 1})))),
		"update of none":     expect(update("web", func(*pool.Client) {}), pool.ErrUnknownClient),
		"update of ''":       expect(update("", func(*pool.Client) {}), pool.ErrUnknownClient),
		"another id":         expect(update("default", func(c *pool.Client) { c.ID = "web" }), pool.ErrInvalid),
		"another's id":       expect(update("default", func(c *pool.Client) { c.ID = other.ID }), pool.ErrInvalid),
		"update to nonsense": isNot(isSettings(update("default", func(c *pool.Client) { c.Flows = []pool.Flow{"srp"} }))),
		"delete of none":     expect(admin.DeleteClient(ctx, "web"), pool.ErrUnknownClient),
		"by nobody":          expect(k.Admin(pool.Actor{}).DeleteClient(ctx, other.ID), pool.ErrInvalid),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if after := k.Settings(); !slices.EqualFunc(after.Clients, before.Clients, func(a, b pool.Client) bool { return a.ID == b.ID && a.Name == b.Name }) {
		t.Errorf("clients = %+v, want %+v", after.Clients, before.Clients)
	}
	if err := admin.DeleteClient(ctx, "default"); err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteClient(ctx, other.ID); !isSettings(err) {
		t.Errorf("delete of the last = %v", err)
	}
	fixed := open(t, apps(server))
	for what, err := range map[string]error{
		"create": second(fixed.admin().CreateClient(ctx, pool.Client{})),
		"update": second(fixed.admin().UpdateClient(ctx, "server", func(*pool.Client) {})),
		"delete": fixed.admin().DeleteClient(ctx, "server"),
	} {
		if !errors.Is(err, pool.ErrFixedInCode) {
			t.Errorf("%s of what is in code = %v", what, err)
		}
	}
}

func isNot(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("not as expected")
}

// A client that is taken away takes what it was given with it: refresh tokens, access tokens and
// tickets are good for nothing from the next call on (CVE class 39).
func TestCVE39_DeletedClients(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		a.permanent(ada)
		c := a.client(pool.Client{Confidential: true})
		secret := a.secret(c.ID)
		in := pool.SignInInput{Client: c.ID, ClientSecret: secret, Username: ada, With: pool.Password{Value: right}}
		d, err := pool.Finished(a.SignIn(t.Context(), in))
		if err != nil {
			t.Fatal(err)
		}
		up, err := a.SignUp(t.Context(), pool.SignUpInput{Client: c.ID, ClientSecret: secret, Username: "bob@example.com", Password: right})
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		app, err := b.App(t.Context(), c.ID, secret, pool.Caller{})
		if err != nil {
			t.Fatal(err)
		}
		account, err := b.Account(t.Context(), d.Tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.admin().DeleteClient(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
		for what, tt := range map[string]struct{ got, want error }{
			"refresh":            {second(b.Refresh(t.Context(), pool.RefreshInput{Client: c.ID, ClientSecret: secret, Token: d.Tokens.Refresh})), pool.ErrUnknownClient},
			"refresh by another": {second(b.Refresh(t.Context(), pool.RefreshInput{Client: "default", Token: d.Tokens.Refresh})), pool.ErrNotAuthorized},
			"resend":             {second(b.ResendCode(t.Context(), pool.ResendInput{ClientSecret: secret, Ticket: up.Ticket})), pool.ErrUnknownClient},
			"account":            {second(account.Get(t.Context())), pool.ErrNotAuthorized},
			"verify":             {second(v.Verify(t.Context(), d.Tokens.Access.Reveal())), token.ErrRevoked},
			"introspect":         {second(app.Introspect(t.Context(), d.Tokens.Access)), pool.ErrUnknownClient},
		} {
			if !errors.Is(tt.got, tt.want) {
				t.Errorf("%s = %v, want %v", what, tt.got, tt.want)
			}
		}
	})
}

// What is taken away from a client, or from its user, counts at the next refresh (CVE class 39).
func TestCVE39_ClientsAtRefresh(t *testing.T) {
	t.Parallel()
	grouped := func(s *pool.Settings) { s.Groups = []pool.Group{{Name: "staff"}} }
	for name, tt := range map[string]struct {
		take func(k *kit, client string) error
		want error // nil means that the group is gone
	}{
		"the user":   {func(k *kit, _ string) error { return k.admin().Disable(t.Context(), k.user(ada).ID) }, pool.ErrNotAuthorized},
		"the group":  {func(k *kit, _ string) error { return k.admin().RemoveFromGroup(t.Context(), k.user(ada).ID, "staff") }, nil},
		"the client": {func(k *kit, c string) error { return k.admin().DeleteClient(t.Context(), c) }, pool.ErrUnknownClient},
		"the flow": {func(k *kit, c string) error {
			return second(k.admin().UpdateClient(t.Context(), c, func(c *pool.Client) { c.Flows = []pool.Flow{pool.FlowPassword} }))
		}, pool.ErrFlowNotAllowed},
		"the secret": {func(k *kit, c string) error {
			return k.admin().DeleteClientSecret(t.Context(), c, k.secrets(c)[0].ID)
		}, pool.ErrUnknownClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			k.put(grouped)
			k.permanent(ada)
			if err := k.admin().AddToGroup(t.Context(), k.user(ada).ID, "staff"); err != nil {
				t.Fatal(err)
			}
			c := k.client(pool.Client{Confidential: true})
			secret := k.secret(c.ID)
			d, err := pool.Finished(k.SignIn(t.Context(), pool.SignInInput{Client: c.ID, ClientSecret: secret, Username: ada, With: pool.Password{Value: right}}))
			if err != nil {
				t.Fatal(err)
			}
			refresh := func(s password.Secret) (*pool.Done, error) {
				return pool.Finished(k.Refresh(t.Context(), pool.RefreshInput{Client: c.ID, ClientSecret: s, Token: d.Tokens.Refresh}))
			}
			if d, err = refresh(secret); err != nil {
				t.Fatal(err)
			}
			if err := tt.take(k, c.ID); err != nil {
				t.Fatal(err)
			}
			next, err := refresh(secret)
			if !errors.Is(err, tt.want) {
				t.Errorf("refresh = %v, want %v", err, tt.want)
			}
			if tt.want == nil && len(k.verified(next).Groups) != 0 {
				t.Error("the group is still in the token")
			}
		})
	}
}

// verified returns what an access token says.
func (k *kit) verified(d *pool.Done) *token.Claims {
	k.t.Helper()
	v, err := k.Verifier()
	if err != nil {
		k.t.Fatal(err)
	}
	c, err := v.Verify(k.t.Context(), d.Tokens.Access.Reveal())
	if err != nil {
		k.t.Fatal(err)
	}
	return c
}
