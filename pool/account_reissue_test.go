package pool_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// goesOn returns what the holder of d has after an act by its access token, which came to next: where
// no password was given the refresh token of before stays good.
func goesOn(d, next *pool.Done) *pool.Done {
	if !next.Tokens.Refresh.IsZero() || !next.Cookie.IsZero() {
		return next
	}
	on := *next
	on.Tokens.Refresh = d.Tokens.Refresh
	return &on
}

// reissues are the acts of an account after which the acting session goes on as another: what is to be
// there before, and the act, with a password or nothing.
var reissues = map[string]struct {
	before  func(k *kit)
	act     func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error)
	without bool // a password: it was asked for as the act began
}{
	"ConfirmAuthenticator": {without: true, act: func(k *kit, a *pool.Account, _ pool.Response) (pool.Step, error) {
		setup, err := a.AddAuthenticator(k.t.Context(), pool.AddAuthenticatorInput{})
		if err != nil {
			return nil, err
		}
		in := pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: setup.Seed.Code(k.clock.Now())}
		return a.ConfirmAuthenticator(k.t.Context(), in)
	}},
	"RemoveAuthenticator": {before: (*kit).hasAppAndKey, act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
		return a.RemoveAuthenticator(k.t.Context(), pool.RemoveAuthenticatorInput{ID: k.user(ada).Factors.Apps[0].ID, With: with})
	}},
	"ConfirmCodes": {without: true, act: func(k *kit, a *pool.Account, _ pool.Response) (pool.Step, error) {
		need, err := a.AddCodes(k.t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
		if err != nil {
			return nil, err
		}
		in := pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: need.Ticket, Code: k.factorCode(ada)}
		return a.ConfirmCodes(k.t.Context(), in)
	}},
	"RemoveCodes": {
		before: func(k *kit) { k.change(ada, func(u *user.User) { u.Factors = &user.Factors{Email: start} }) },
		act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
			return a.RemoveCodes(k.t.Context(), pool.RemoveCodesInput{By: mfa.KindEmail, With: with})
		},
	},
	"ConfirmPasskey": {without: true, act: func(k *kit, a *pool.Account, _ pool.Response) (pool.Step, error) {
		need, err := a.AddPasskey(k.t.Context(), pool.AddPasskeyInput{})
		if err != nil {
			return nil, err
		}
		return a.ConfirmPasskey(k.t.Context(), made(k.t, need, passkeytest.New(localhost)))
	}},
	"RemovePasskey": {before: (*kit).hasAppAndKey, act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
		return a.RemovePasskey(k.t.Context(), pool.RemovePasskeyInput{ID: k.givePasskey(ada), With: with})
	}},
	"AskForPasskey": {before: (*kit).hasAppAndKey, act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
		return a.AskForPasskey(k.t.Context(), pool.AskForPasskeyInput{With: with})
	}},
	"MakeRecoveryCodes": {before: (*kit).hasAppAndKey, act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
		return a.MakeRecoveryCodes(k.t.Context(), pool.MakeRecoveryCodesInput{With: with})
	}},
	"ConfirmAddress": {without: true, act: func(k *kit, a *pool.Account, _ pool.Response) (pool.Step, error) {
		if _, err := a.ChangeAddress(k.t.Context(), pool.ChangeAddressInput{To: ada2}); err != nil {
			return nil, err
		}
		return a.ConfirmAddress(k.t.Context(), pool.ConfirmAddressInput{Channel: message.Email, Code: k.code(ada2, 1)})
	}},
	"RemoveAddress": {
		before: func(k *kit) {
			k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"phone_number": phone} })
		},
		act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
			return a.RemoveAddress(k.t.Context(), pool.RemoveAddressInput{Channel: message.SMS, With: with})
		},
	},
	"EndOtherSessions": {act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
		return a.EndOtherSessions(k.t.Context(), pool.EndOtherSessionsInput{With: with})
	}},
	"ChangeUsername": {act: func(k *kit, a *pool.Account, with pool.Response) (pool.Step, error) {
		return a.ChangeUsername(k.t.Context(), pool.ChangeUsernameInput{Username: "countess", With: with})
	}},
}

// elsewhere are the other ways from one session of an account to another.
var elsewhere = []string{"ChangePassword", "StepUp"} // by the password, and TestT2_AccessTokensRenewNothing

// hasAppAndKey gives ada an app and a passkey that only sign-ins know of.
func (k *kit) hasAppAndKey() {
	k.enrolled(ada)
	k.givePasskey(ada)
}

// reads has the bearer of an access token look at themselves.
func (k *kit) reads(d *pool.Done) error {
	a, err := k.Account(k.t.Context(), d.Tokens.Access)
	if err != nil {
		return err
	}
	return second(a.Get(k.t.Context()))
}

// An access token, which every API that it is shown to could keep, gives its thief no refresh token,
// whatever is done by it while the sign-in is fresh: the owner's stays good, and only it. Access tokens
// of before an act that ends sessions are over with it (security.md T3). With the password the session is
// replaced.
func TestT2_AccessTokensGiveNoRefreshTokens(t *testing.T) {
	t.Parallel()
	for m := range reflect.TypeFor[*pool.Account]().Methods() {
		_, listed := reissues[m.Name]
		if steps := m.Type.NumOut() > 0 && m.Type.Out(0) == reflect.TypeFor[pool.Step](); steps && !listed && !slices.Contains(elsewhere, m.Name) {
			t.Errorf("%s gives a session, and is not listed", m.Name)
		}
	}
	for name, tt := range reissues {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onTwo(t, func(t *testing.T, b, k *kit) {
				k.confirmed("ada")
				if tt.before != nil {
					tt.before(k)
				}
				other, d := k.done(ada), k.done(ada)
				epoch := k.verified(d).Epoch
				next, err := pool.Finished(tt.act(k, k.account(d), nil))
				if err != nil || next.Tokens.Access.IsZero() || !next.Tokens.Refresh.IsZero() {
					t.Fatalf("by an access token = %+v, %v, want access without a refresh token", next, err)
				}
				if err := k.reads(next); err != nil {
					t.Errorf("the session, by the new token: %v", err)
				}
				ends := k.verified(next).Epoch > epoch
				for _, k := range []*kit{k, b} { // one of which may have heard nothing yet
					if err := k.reads(d); errors.Is(err, pool.ErrNotAuthorized) != ends {
						t.Errorf("the session, by the token of before: %v, where others end: %v", err, ends)
					}
				}
				if _, err := k.refresh(other); (err != nil) != ends {
					t.Errorf("another session: %v, where others end: %v", err, ends)
				}
				owner, err := k.refresh(d)
				if err != nil {
					t.Fatalf("its owner's refresh token: %v", err)
				}
				if c, was := k.verified(owner), k.verified(next); c.Session != was.Session || c.ACR != was.ACR || !c.AuthTime.Equal(was.AuthTime) {
					t.Errorf("the session goes on as %+v, was %+v", c, was)
				}
			}, mfaOff, mayAct)
		})
	}
}

// An access token of before an act is worth nothing to who asks for it elsewhere, at once, though the
// session goes on.
func TestT3_IntrospectionBesideAnAct(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		a.permanent(ada)
		secret := a.secret("server")
		in := pool.SignInInput{Client: "server", ClientSecret: secret, Username: ada, With: pool.Password{Value: right}}
		d, err := pool.Finished(a.SignIn(t.Context(), in))
		if err != nil {
			t.Fatal(err)
		}
		app, err := b.App(t.Context(), "server", secret, pool.Caller{})
		if err != nil {
			t.Fatal(err)
		}
		next, err := pool.Finished(a.account(d).EndOtherSessions(t.Context(), pool.EndOtherSessionsInput{}))
		if err != nil {
			t.Fatal(err)
		}
		for what, tt := range map[string]struct {
			token  token.Secret
			active bool
		}{
			"of before": {d.Tokens.Access, false}, "new": {next.Tokens.Access, true}, "refresh": {d.Tokens.Refresh, true},
		} {
			if i, err := app.Introspect(t.Context(), tt.token); err != nil || i.Active != tt.active {
				t.Errorf("%s: %+v, %v, want active: %v", what, i, err, tt.active)
			}
		}
	}, apps(server))
}

// With the password, who acts has shown more than the token: the session is replaced, and who held a
// refresh token of before is left with nothing.
func TestT3_ActsByThePasswordReplaceTheSession(t *testing.T) {
	t.Parallel()
	for name, tt := range reissues {
		if tt.without {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, mfaOff, mayAct)
			k.confirmed("ada")
			if tt.before != nil {
				tt.before(k)
			}
			d := k.done(ada)
			next, err := pool.Finished(tt.act(k, k.account(d), pool.Password{Value: right}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("the refresh token of before: %v, want ErrNotAuthorized", err)
			}
			if err := k.reads(d); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("the access token of before: %v, want ErrNotAuthorized", err)
			}
			if _, err := k.refresh(next); err != nil {
				t.Errorf("the new one: %v", err)
			}
		})
	}
}

// Refreshes beside an act by the access token share one successor, as they do alone, and the session goes
// on by it: neither undoes the other.
func TestT4_RefreshesBesideAnAct(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed("ada")
		k.hasAppAndKey()
		d := k.done(ada)
		a, was := k.account(d), k.verified(d)
		next := make([]*pool.Done, 12)
		together(len(next), func(n int) {
			var err error
			if n%4 > 0 {
				next[n], err = k.refresh(d)
			} else if _, err = a.MakeRecoveryCodes(t.Context(), pool.MakeRecoveryCodesInput{}); errors.Is(err, pool.ErrNotAuthorized) {
				err = nil // another has ended what its access token is of
			}
			if err != nil {
				t.Errorf("%d: %v", n, err)
			}
		})
		if t.Failed() {
			return
		}
		for _, other := range next {
			if other != nil && other.Tokens.Refresh.Reveal() != next[1].Tokens.Refresh.Reveal() {
				t.Error("two successors of one refresh token")
			}
		}
		last, err := k.refresh(next[1])
		if err != nil {
			t.Fatalf("the successor: %v", err)
		}
		if c := k.verified(last); c.Epoch == was.Epoch || c.Session != was.Session {
			t.Errorf("the session goes on as %+v", c)
		}
	}, mfaOff, mayAct)
}
