package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

func TestOwnSessions(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("eve@example.com")
		old := k.done(ada)
		k.clock.advance(time.Hour)
		browser := k.browse(ada)
		k.clock.advance(time.Minute)
		d := k.done(ada)
		theirs := k.account(k.done("eve@example.com"))
		a := k.account(d)
		all, err := a.Sessions(t.Context())
		if err != nil || len(all) != 3 {
			t.Fatalf("Sessions = %+v, %v, want three", all, err)
		}
		if !all[0].This || all[1].This || all[2].This || all[1].Kind != token.Browser || all[2].Kind != token.Grant ||
			all[0].Client != "default" || !all[2].SignedIn.Equal(start) || !all[0].Expires.After(k.clock.Now()) {
			t.Errorf("Sessions = %+v", all)
		}
		// Nobody ends what is another's.
		if err := theirs.EndSession(t.Context(), pool.EndSessionInput{ID: all[2].ID}); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("another's session = %v, want ErrNotFound", err)
		}
		for name, id := range map[string]string{"none": "", "unknown": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "a user": string(k.user(ada).ID)} {
			if err := a.EndSession(t.Context(), pool.EndSessionInput{ID: id}); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("%s = %v, want ErrNotFound", name, err)
			}
		}
		if _, err := k.refresh(old); err != nil {
			t.Fatalf("after all that it is over: %v", err)
		}
		k.clock.advance(time.Millisecond) // events are listed by time
		if err := a.EndSession(t.Context(), pool.EndSessionInput{ID: all[1].ID, Caller: home}); err != nil {
			t.Fatal(err)
		}
		if err := k.visit(browser); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the browser that was ended = %v, want ErrNotAuthorized", err)
		}
		if e := k.last(k.user(ada).ID); e.Kind != "sign_out" || e.IP != home.IP {
			t.Errorf("event = %+v", e)
		}
		if left, err := a.Sessions(t.Context()); err != nil || len(left) != 2 {
			t.Errorf("Sessions = %d, %v, want two", len(left), err)
		}
	})
}

// A session that is ended is revoked for verifiers, and a list does not show what is over.
func TestT3_EndedSessionsAreRevoked(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	other, d := k.done(ada), k.done(ada)
	a := k.account(d)
	all, err := a.Sessions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if !s.This {
			if err := a.EndSession(t.Context(), pool.EndSessionInput{ID: s.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), other.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("its access token = %v, want ErrRevoked", err)
	}
	if _, err := v.Verify(t.Context(), d.Tokens.Access.Reveal()); err != nil {
		t.Errorf("the acting one's: %v", err)
	}
	k.change(ada, func(u *user.User) { u.Epoch++ })
	d = k.done(ada)
	if all, err := k.account(d).Sessions(t.Context()); err != nil || len(all) != 1 || !all[0].This {
		t.Errorf("Sessions = %+v, %v, want the live one alone", all, err)
	}
}

// Logging out of everywhere else ends what a thief holds, and leaves the one who asks signed in, for
// as long as before (CVE class 15).
func TestCVE15_EndOtherSessions(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	stolen, browser, d := k.done(ada), k.browse(ada), k.done(ada)
	ticket := k.forgot(ada)
	code := k.code(ada, 2)
	signedIn := k.clock.Now()
	k.clock.advance(5 * time.Minute)
	in := pool.EndOtherSessionsInput{With: pool.Password{Value: right}, Caller: home}
	next, err := pool.Finished(k.account(d).EndOtherSessions(t.Context(), in))
	if err != nil {
		t.Fatal(err)
	}
	for name, over := range map[string]*pool.Done{"stolen": stolen, "acting": d} {
		if _, err := k.refresh(over); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s session = %v, want it ended", name, err)
		}
		if _, err := k.Account(t.Context(), over.Tokens.Access); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s access token = %v, want ErrNotAuthorized", name, err)
		}
	}
	if err := k.visit(browser); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("browser = %v, want it ended", err)
	}
	if err := k.reset(ticket, code, another); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a code of before = %v, want ErrBadCode", err)
	}
	a := k.account(next)
	all, err := a.Sessions(t.Context())
	if err != nil || len(all) != 1 || !all[0].This || !all[0].SignedIn.Equal(signedIn) {
		t.Errorf("Sessions = %+v, %v, want the acting one, signed in when it was", all, err)
	}
	if want := signedIn.Add(30 * 24 * time.Hour); !all[0].Expires.Equal(want) {
		t.Errorf("it ends at %v, want %v: nothing was proven anew", all[0].Expires, want)
	}
	if _, err := k.refresh(next); err != nil {
		t.Errorf("refresh = %v", err)
	}
	if _, err := a.EndOtherSessions(t.Context(), in); err != nil {
		t.Errorf("again = %v", err)
	}
}

// A browser that ends all others keeps a cookie, and no tokens.
func TestT2_EndOtherSessionsReplacesTheCookie(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d, stolen := k.browse(ada), k.browse(ada)
	a, _, err := k.Session(t.Context(), d.Cookie)
	if err != nil {
		t.Fatal(err)
	}
	next, err := pool.Finished(a.EndOtherSessions(t.Context(), pool.EndOtherSessionsInput{}))
	if err != nil || next.Cookie.IsZero() || !next.Tokens.Refresh.IsZero() || next.Expires.IsZero() {
		t.Fatalf("EndOtherSessions = %+v, %v, want a cookie", next, err)
	}
	for _, over := range []*pool.Done{d, stolen} {
		if err := k.visit(over); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("cookie of before = %v, want ErrNotAuthorized", err)
		}
	}
	if err := k.visit(next); err != nil {
		t.Errorf("the new one = %v", err)
	}
}
