package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// holdings are what somebody may have got hold of: everything that a pool hands out for ada, each
// with a way to use it.
type holdings struct {
	id              user.ID
	tokens, browser *pool.Done
	uses            map[string]func(k *kit) error
}

// hold gets hold of everything. Some of it needs a confirmed user, whom it leaves.
func (k *kit) hold() holdings {
	k.t.Helper()
	k.confirmed(ada)
	h := holdings{tokens: k.done(ada), browser: k.browse(ada), id: k.user(ada).ID}
	account := k.account(h.tokens)
	page := k.opens(h.browser)
	reset := k.forgot(ada)
	code := k.code(ada, 2)
	verifier, err := k.Verifier()
	if err != nil {
		k.t.Fatal(err)
	}
	h.uses = map[string]func(*kit) error{
		"sign-in":        func(k *kit) error { return second(pool.Finished(k.signIn(ada, right))) },
		"refresh":        func(k *kit) error { return second(k.refresh(h.tokens)) },
		"access token":   func(k *kit) error { return second(k.Account(k.t.Context(), h.tokens.Tokens.Access)) },
		"verifier":       func(k *kit) error { return second(verifier.Verify(k.t.Context(), h.tokens.Tokens.Access.Reveal())) },
		"account":        func(k *kit) error { return second(account.Get(k.t.Context())) },
		"cookie":         func(k *kit) error { return k.visit(h.browser) },
		"page":           func(k *kit) error { return second(page.Get(k.t.Context())) },
		"reset code":     func(k *kit) error { return k.reset(reset, code, password.New("a password of whoever has the code")) },
		"change":         func(k *kit) error { return second(account.ChangePassword(k.t.Context(), changing(another, right))) },
		"other sessions": func(k *kit) error { return second(page.EndOtherSessions(k.t.Context(), pool.EndOtherSessionsInput{})) },
	}
	return h
}

func changing(to, from password.Secret) pool.ChangePasswordInput {
	return pool.ChangePasswordInput{Old: from, New: to, Caller: home}
}

// dead wants nothing that was held to be good any more.
func (h holdings) dead(k *kit, what string) {
	k.t.Helper()
	for name, use := range h.uses {
		if err := use(k); err == nil {
			k.t.Errorf("%s: %s works", what, name)
		}
	}
}

// ends are what ends all that was held, by the owner or by an administrator.
var ends = map[string]func(k *kit, h holdings) error{
	"change by tokens": func(k *kit, h holdings) error {
		return second(k.account(h.tokens).ChangePassword(k.t.Context(), changing(another, right)))
	},
	"change in a browser": func(k *kit, h holdings) error {
		return second(k.opens(h.browser).ChangePassword(k.t.Context(), changing(another, right)))
	},
	"reset": func(k *kit, _ holdings) error {
		k.clock.advance(time.Second)
		ticket := k.forgot(ada)
		return k.reset(ticket, k.code(ada, 3), another)
	},
	"set by an administrator": func(k *kit, h holdings) error {
		return k.admin().SetPassword(k.t.Context(), pool.SetPasswordInput{ID: h.id, Password: another, Permanent: true})
	},
	"temporary by an administrator": func(k *kit, h holdings) error {
		return k.admin().SetPassword(k.t.Context(), pool.SetPasswordInput{ID: h.id, Password: another})
	},
	"reset by an administrator": func(k *kit, h holdings) error {
		return second(k.admin().ResetPassword(k.t.Context(), pool.RequireResetInput{ID: h.id}))
	},
}

// CVE class 14: a password that is set, by whomever and however, ends whatever was there before.
func TestCVE14_ANewPasswordEndsEverything(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, k *kit) {
				h := k.hold()
				if err := end(k, h); err != nil {
					t.Fatal(err)
				}
				h.dead(k, name)
			})
		})
	}
}

// CVE class 39: a refresh asks anew what may be, whatever has happened since the sign-in.
func TestCVE39_RefreshAsksAnew(t *testing.T) {
	t.Parallel()
	for name, act := range outs {
		onEach(t, func(t *testing.T, k *kit) {
			k.confirmed(ada)
			d := k.done(ada)
			if _, err := k.refresh(d); err != nil { // before
				t.Fatal(err)
			}
			k.clock.advance(time.Second) // within the grace, where an answer is given again
			if err := act(k, k.user(ada).ID); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("%s: refresh = %v, want ErrNotAuthorized", name, err)
			}
		})
	}
	t.Run("group", func(t *testing.T) {
		k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Groups: []pool.Group{{Name: "staff"}}} })
		k.confirmed(ada)
		id := k.user(ada).ID
		if err := k.admin().AddToGroup(t.Context(), id, "staff"); err != nil {
			t.Fatal(err)
		}
		d := k.done(ada)
		if err := k.admin().RemoveFromGroup(t.Context(), id, "staff"); err != nil {
			t.Fatal(err)
		}
		next, err := k.refresh(d)
		if err != nil {
			t.Fatal(err)
		}
		if access, _ := k.read(next); len(access.Groups) != 0 {
			t.Errorf("groups = %v after leaving", access.Groups)
		}
	})
}

// outs are what keeps a user out from then on.
var outs = map[string]func(k *kit, id user.ID) error{
	"disabled": func(k *kit, id user.ID) error { return k.admin().Disable(k.t.Context(), id) },
	"deleted":  func(k *kit, id user.ID) error { return k.admin().DeleteUser(k.t.Context(), id) },
	"reset required": func(k *kit, id user.ID) error {
		return second(k.admin().ResetPassword(k.t.Context(), pool.RequireResetInput{ID: id}))
	},
	"signed out": func(k *kit, id user.ID) error { return k.admin().SignOutEverywhere(k.t.Context(), id) },
	"temporary password": func(k *kit, id user.ID) error {
		return k.admin().SetPassword(k.t.Context(), pool.SetPasswordInput{ID: id, Password: another})
	},
	"external": func(k *kit, id user.ID) error { // as a merge with an identity elsewhere would leave it
		err := k.admin().SignOutEverywhere(k.t.Context(), id)
		k.change(ada, func(u *user.User) { u.Status, u.Password = user.External, nil })
		return err
	},
}

// CVE class 40: who is kept out comes in by no other door: neither by what they hold, nor by
// beginning anew.
func TestCVE40_NoOtherDoor(t *testing.T) {
	t.Parallel()
	for name, act := range outs {
		if name == "signed out" {
			continue // and may sign in again
		}
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, k *kit) {
				h := k.hold()
				if err := act(k, h.id); err != nil {
					t.Fatal(err)
				}
				h.dead(k, name)
				if name == "reset required" || name == "temporary password" {
					return // there is a way back, which the owner alone can go
				}
				k.clock.advance(time.Hour)
				before := len(k.box.To(ada))
				ticket := k.forgot(ada)
				k.clock.advance(time.Second)
				k.delivered()
				if ms := k.box.To(ada); len(ms) != before {
					t.Errorf("a code was sent: %v", ms[before:])
				}
				if err := k.reset(ticket, "12345678", another); err == nil {
					t.Error("a reset works")
				}
			})
		})
	}
}

// A sign-up that is disabled is let in by none of its steps, and neither is one that is enabled
// again by those of before.
func TestCVE40_NoDoorForADisabledSignUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		step, err := k.signIn(ada, right)
		need, ok := step.(*pool.NeedConfirm)
		if err != nil || !ok {
			t.Fatalf("SignIn = %T, %v", step, err)
		}
		second := k.code(ada, 2)
		id := k.user(ada).ID
		closed := func(when string) {
			t.Helper()
			for name, err := range map[string]error{
				"code": confirm(k, ticket, code), "code after the password": confirm(k, need.Ticket, second),
			} {
				if !errors.Is(err, pool.ErrTicketGone) {
					t.Errorf("%s %s = %v, want ErrTicketGone", name, when, err)
				}
			}
		}
		if err := k.admin().Disable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		closed("while disabled")
		if step, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-in = %T, %v, want ErrNotAuthorized", step, err)
		}
		if err := k.admin().Enable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		closed("after all")
	})
}

// CVE class 15: what a thief copied is dead once its owner signs out, wherever that is done.
func TestCVE15_StolenSessionIsDeadAfterSignOut(t *testing.T) {
	t.Parallel()
	for name, out := range map[string]func(k *kit, d, browser *pool.Done) error{
		"refresh token": func(k *kit, d, browser *pool.Done) error {
			return errors.Join(k.SignOut(k.t.Context(), pool.SignOutInput{Token: d.Tokens.Refresh}), k.opens(browser).SignOut(k.t.Context(), home))
		},
		"access token": func(k *kit, d, browser *pool.Done) error {
			return errors.Join(k.account(d).SignOut(k.t.Context(), home), k.opens(browser).SignOut(k.t.Context(), home))
		},
		"everywhere": func(k *kit, d, _ *pool.Done) error { return k.account(d).SignOutEverywhere(k.t.Context(), home) },
		"everywhere by browser": func(k *kit, _, browser *pool.Done) error {
			return k.opens(browser).SignOutEverywhere(k.t.Context(), home)
		},
		"by an administrator": func(k *kit, _, _ *pool.Done) error { return k.admin().SignOutEverywhere(k.t.Context(), k.user(ada).ID) },
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, k *kit) {
				h := k.hold()
				if err := out(k, h.tokens, h.browser); err != nil {
					t.Fatal(err)
				}
				for _, what := range []string{"refresh", "access token", "verifier", "account", "cookie", "page", "change", "other sessions"} {
					if h.uses[what](k) == nil {
						t.Errorf("%s works", what)
					}
				}
			})
		})
	}
}
