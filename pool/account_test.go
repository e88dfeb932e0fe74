package pool_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// A change of password ends the other sessions, replaces the acting one and tells the owner
// (security.md T3).
func TestT3_ChangePasswordEndsOtherSessions(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d, other := k.done(ada), k.done(ada)
	a, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := a.Get(t.Context())
	if err != nil || profile.Email != ada || profile.ID != k.user(ada).ID {
		t.Fatalf("Get = %+v, %v", profile, err)
	}
	if _, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: wrong, New: another}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("wrong old password = %v, want ErrNotAuthorized", err)
	}
	done, err := pool.Finished(a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
	if err != nil {
		t.Fatalf("ChangePassword: %v", err)
	}
	for name, old := range map[string]*pool.Done{"acting": d, "other": other} {
		if _, err := k.refresh(old); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s session of before = %v, want it ended", name, err)
		}
	}
	if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("account of the session before = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.refresh(done); err != nil {
		t.Errorf("the session that replaced it: %v", err)
	}
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), other.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("access token of before = %v, want ErrRevoked", err)
	}
	if _, err := v.Verify(t.Context(), done.Tokens.Access.Reveal()); err != nil {
		t.Errorf("new access token: %v", err)
	}
	if ms := k.mails(ada, 2); ms[1].Kind != message.PasswordChanged {
		t.Errorf("the owner got %s, want a notice", ms[1].Kind)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	one, two := k.done(ada), k.done(ada)
	a, err := k.Account(t.Context(), one.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	k.clock.advance(time.Millisecond) // events are listed by time
	if err := a.SignOutEverywhere(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	if e := k.last(k.user(ada).ID); e.Kind != "sign_out" || e.Reason != "everywhere" || e.IP != home.IP {
		t.Errorf("event = %+v, want where it was asked from", e)
	}
	for _, d := range []*pool.Done{one, two} {
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.Account(t.Context(), d.Tokens.Access); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("Account = %v, want ErrNotAuthorized", err)
		}
	}
	three := k.done(ada)
	if a, err = k.Account(t.Context(), three.Tokens.Access); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(time.Millisecond)
	if err := a.SignOut(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	if e := k.last(k.user(ada).ID); e.Kind != "sign_out" || e.Reason != "" || e.IP != home.IP {
		t.Errorf("event = %+v, want where it was asked from", e)
	}
	if err := a.SignOut(t.Context(), home); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("again = %v, want ErrNotAuthorized", err)
	}
}

// An ID token and a garbled one open no account (CVE class 65).
func TestAccountRefuses(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	for name, tok := range map[string]token.Secret{
		"ID token": d.Tokens.ID, "refresh token": d.Tokens.Refresh, "nothing": {}, "truncated": token.NewSecret(d.Tokens.Access.Reveal()[:100]),
	} {
		if _, err := k.Account(t.Context(), tok); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s: Account = %v, want ErrNotAuthorized", name, err)
		}
	}
	a, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	k.disable(ada)
	if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("disabled: Get = %v, want ErrNotAuthorized", err)
	}
}

// A policy with a history lets no password come back that it looks at, by change or by reset.
func TestPasswordHistory(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		number := func(n int) password.Secret { return password.New(fmt.Sprintf("password number %d", n)) }
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: number(0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
			t.Fatal(err)
		}
		change := func(from, to int) error {
			d, err := pool.Finished(k.signIn(ada, number(from)))
			if err != nil {
				t.Fatal(err)
			}
			a, err := k.Account(t.Context(), d.Tokens.Access)
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: number(from), New: number(to)})
			return err
		}
		for n := range 3 {
			if err := change(n, n+1); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []int{3, 2, 1} {
			if err := change(3, n); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("back to number %d = %v, want ErrInvalid", n, err)
			}
		}
		if err := change(3, 0); err != nil {
			t.Errorf("back to the one before those three: %v", err)
		}
		k.clock.advance(time.Minute)
		ticket := k.forgot(ada)
		code := k.code(ada, 6) // after the first, and four notices
		if err := k.reset(ticket, code, number(3)); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("reset to one of before = %v, want ErrInvalid", err)
		}
		if err := k.reset(ticket, code, number(9)); err != nil {
			t.Errorf("reset to a new one: %v", err)
		}
	}, func(c *pool.Config) { c.Settings = &pool.Settings{Passwords: password.Policy{History: 3}} })
}
