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
