package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
)

// Two processes on one store have clocks that are each within five seconds of the database's: what one
// hands out the other takes, though it seems to be of the future, and for no longer.
func TestS14_TokensOfAClockAhead(t *testing.T) {
	t.Parallel()
	st, keys := memory.New(), ring(t, seal.Generate())
	late := openOn(t, st, func(c *pool.Config) { c.Keys = keys })
	ahead := openOn(t, st, func(c *pool.Config) { c.Keys, c.Sender = keys, late.box })
	ahead.box = late.box
	ahead.clock.advance(10 * time.Second)
	ahead.confirmed(ada)
	v, err := late.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	access := ahead.done(ada).Tokens.Access
	if _, err := v.Verify(t.Context(), access.Reveal()); err != nil {
		t.Errorf("a token of ten seconds ahead: %v", err)
	}
	if _, err := late.Account(t.Context(), access); err != nil {
		t.Errorf("an account by it: %v", err)
	}
	ahead.clock.advance(time.Second)
	further := ahead.done(ada).Tokens.Access
	if _, err := v.Verify(t.Context(), further.Reveal()); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("a token of eleven seconds ahead: %v, want ErrInvalid", err)
	}
	late.clock.advance(10*time.Second + 15*time.Minute)
	if _, err := v.Verify(t.Context(), access.Reveal()); !errors.Is(err, token.ErrExpired) {
		t.Errorf("at its end: %v, want ErrExpired", err)
	}
}

// A revocation is kept for as long as any process takes the token, however their clocks differ: the
// last seconds of a token that was revoked are no better than the first.
func TestT3_RevocationsOutliveTheClocks(t *testing.T) {
	t.Parallel()
	st, keys := memory.New(), ring(t, seal.Generate())
	day := func(c *pool.Config) {
		c.Settings = &pool.Settings{Clients: []pool.Client{{ID: "default", Tokens: pool.TokenSettings{Access: 24 * time.Hour}}}}
	}
	late := openOn(t, st, day, func(c *pool.Config) { c.Keys = keys })
	ahead := openOn(t, st, day, func(c *pool.Config) { c.Keys, c.Sender = keys, late.box })
	ahead.box = late.box
	ahead.clock.advance(10 * time.Second)
	ahead.confirmed(ada)
	one, all := ahead.done(ada), ahead.done(ada)
	v, err := late.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if err := late.SignOut(t.Context(), pool.SignOutInput{Token: one.Tokens.Refresh}); err != nil {
		t.Fatal(err)
	}
	a, err := late.Account(t.Context(), all.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.SignOutEverywhere(t.Context(), pool.Caller{}); err != nil {
		t.Fatal(err)
	}
	late.clock.advance(24*time.Hour + 9*time.Second)
	ahead.clock.advance(24*time.Hour + 9*time.Second)
	waitFor(t, func() bool { // sweeps and polls have come by
		n, err := st.Sweep(t.Context(), ahead.clock.Now(), 100)
		return err == nil && n == 0
	})
	newcomer := openOn(t, st, day, func(c *pool.Config) { c.Keys, c.Now = keys, late.clock.Now })
	fresh, err := newcomer.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	for name, access := range map[string]token.Secret{"signed out": one.Tokens.Access, "signed out everywhere": all.Tokens.Access} {
		if _, err := v.Verify(t.Context(), access.Reveal()); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("%s: a token in its last second: %v, want ErrRevoked", name, err)
		}
		if _, err := fresh.Verify(t.Context(), access.Reveal()); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("%s: the same in a process that starts: %v, want ErrRevoked", name, err)
		}
	}
}
