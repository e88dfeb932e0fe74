package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// An id that was taken away and is given again, however, is another client's: neither a secret nor a
// session, a ticket or a token of before is good for it, on any node, while those of the clients
// beside it stay.
func TestS7_ClientIDsComeBackEmpty(t *testing.T) {
	t.Parallel()
	shop := pool.Client{ID: "shop", Confidential: true}
	add := func(k *kit, c pool.Client) { k.put(func(s *pool.Settings) { s.Clients = append(s.Clients, c) }) }
	for name, take := range map[string]func(k *kit){
		"deleted":  func(k *kit) { _ = k.admin().DeleteClient(t.Context(), "shop") },
		"left out": func(k *kit) { k.put(func(s *pool.Settings) { s.Clients = s.Clients[:1] }) },
	} {
		t.Run(name, func(t *testing.T) {
			onTwo(t, func(t *testing.T, a, b *kit) {
				add(a, shop)
				a.permanent(ada)
				old := a.secret("shop")
				signIn := func(k *kit, client string, s password.Secret) (*pool.Done, error) {
					in := pool.SignInInput{Client: client, ClientSecret: s, Username: ada, With: pool.Password{Value: right}}
					return pool.Finished(k.SignIn(t.Context(), in))
				}
				was, err := signIn(a, "shop", old)
				if err != nil {
					t.Fatal(err)
				}
				beside, err := signIn(a, "default", password.Secret{})
				if err != nil {
					t.Fatal(err)
				}
				up, err := a.SignUp(t.Context(), pool.SignUpInput{Client: "shop", ClientSecret: old, Username: "bob@example.com", Password: right})
				if err != nil {
					t.Fatal(err)
				}
				face := a.account(was)
				a.clock.advance(time.Minute)
				take(a)
				add(b, shop)
				if n := len(a.secrets("shop")); n != 0 {
					t.Errorf("it has %d secrets of before", n)
				}
				s := b.secret("shop")
				app, err := a.App(t.Context(), "shop", s, pool.Caller{})
				if err != nil {
					t.Fatal(err)
				}
				verify := func(k *kit, s token.Secret) error {
					v, err := k.Verifier()
					if err != nil {
						t.Fatal(err)
					}
					return second(v.Verify(t.Context(), s.Reveal()))
				}
				for _, k := range []*kit{a, b} {
					again, err := signIn(k, "shop", s)
					if err != nil {
						t.Fatal(err)
					}
					for what, err := range map[string]error{
						"its secret":    expect(second(signIn(k, "shop", old)), pool.ErrUnknownClient),
						"its refresh":   expect(second(k.Refresh(t.Context(), pool.RefreshInput{Client: "shop", ClientSecret: s, Token: was.Tokens.Refresh})), pool.ErrNotAuthorized),
						"its access":    expect(second(k.Account(t.Context(), was.Tokens.Access)), pool.ErrNotAuthorized),
						"its account":   expect(second(face.Get(t.Context())), pool.ErrNotAuthorized),
						"its ticket":    expect(second(k.ResendCode(t.Context(), pool.ResendInput{ClientSecret: s, Ticket: up.Ticket})), pool.ErrTicketGone),
						"another's":     second(k.account(beside).Get(t.Context())),
						"verified":      expect(verify(k, was.Tokens.Access), token.ErrRevoked),
						"a new session": errors.Join(verify(k, again.Tokens.Access), second(k.account(again).Get(t.Context()))),
					} {
						if err != nil {
							t.Errorf("%s: %v", what, err)
						}
					}
				}
				for _, s := range []token.Secret{was.Tokens.Access, was.Tokens.Refresh} {
					if i, err := app.Introspect(t.Context(), s); err != nil || i.Active {
						t.Errorf("introspect = %+v, %v", i, err)
					}
				}
				if list, err := a.account(beside).Sessions(t.Context()); err != nil || len(list) != 3 {
					t.Errorf("%d sessions, %v, want that beside it and two new ones", len(list), err)
				}
			})
		})
	}
}

// A client that ceases to be confidential has no secrets any more, also when it is so again; its
// sessions stay, and are its own only with a new one.
func TestT4_SecretsEndWithConfidence(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		confidential := func(is bool) {
			t.Helper()
			err := second(a.admin().UpdateClient(t.Context(), "default", func(c *pool.Client) { c.Confidential = is }))
			if err != nil {
				t.Fatal(err)
			}
		}
		a.permanent(ada)
		confidential(true)
		old := a.secret("default")
		d, err := a.signInWith(old)
		if err != nil {
			t.Fatal(err)
		}
		confidential(false)
		if _, err := b.signInWith(old); !errors.Is(err, pool.ErrUnknownClient) {
			t.Errorf("a public client with a secret = %v", err)
		}
		if _, err := b.signInWith(password.Secret{}); err != nil {
			t.Errorf("a public client = %v", err)
		}
		confidential(true)
		for what, s := range map[string]password.Secret{"the old secret": old, "none": {}} {
			if _, err := b.Refresh(t.Context(), pool.RefreshInput{ClientSecret: s, Token: d.Tokens.Refresh}); !errors.Is(err, pool.ErrUnknownClient) {
				t.Errorf("with %s = %v, want ErrUnknownClient", what, err)
			}
		}
		in := pool.RefreshInput{ClientSecret: b.secret("default"), Token: d.Tokens.Refresh}
		if _, err := b.Refresh(t.Context(), in); err != nil {
			t.Errorf("with a new one = %v", err)
		}
	})
}
