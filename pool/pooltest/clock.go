package pooltest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/internal/chore"
)

// Clock is the clock of a pool. It begins at the present second, or where pool.Config.Now says, and
// stands still until it is advanced: what time.Sleep does, in a synctest bubble too, does not move
// it. Only the pool itself moves it on, by a microsecond each time it looks, so that of two things
// the later one is later: two mails to one person go out in their order.
//
// A verifier that stands alone follows the clock with Now in its token.Config. It is safe for
// concurrent use.
type Clock struct {
	t    testing.TB
	hand *chore.Hand
	mu   sync.Mutex
	now  time.Time
}

func newClock(t testing.TB, hand *chore.Hand, now func() time.Time) *Clock {
	if now == nil {
		now = time.Now
	}
	return &Clock{t: t, hand: hand, now: now().UTC().Truncate(time.Second)} // as tokens tell the time
}

// Now returns the time, in UTC.
func (c *Clock) Now() time.Time { return c.move(0) }

// tick is the clock as the pool sees it. A microsecond is what it stores.
func (c *Clock) tick() time.Time { return c.move(time.Microsecond) }

// move moves the clock, and returns the time that it is then.
func (c *Clock) move(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// Advance moves the clock, and lets the pool do what is due by then: deliver mail, sweep what has
// expired, follow other nodes. What was due before is done before, so that mail goes out while its
// code is good. Advance(0) does what is due now.
func (c *Clock) Advance(d time.Duration) {
	c.t.Helper()
	if d < 0 {
		c.t.Fatalf("pooltest: the clock cannot go back by %v", -d)
	}
	run(c.t, c.hand)
	if d == 0 {
		return
	}
	c.move(d)
	run(c.t, c.hand)
}

// run lets the pool do what is due, unless the test has closed it.
func run(t testing.TB, hand *chore.Hand) {
	t.Helper()
	if err := hand.Run(t.Context()); err != nil && !errors.Is(err, pool.ErrClosed) {
		t.Fatalf("pooltest: what is due could not be done: %v", err)
	}
}
