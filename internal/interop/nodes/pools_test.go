package nodes_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// A pool that all processes make at once is made by one; all serve it from then on, and after one has deleted
// it none does: at once where the store is read, and soon where it is not.
func TestS7_PoolsComeAndGoAtEveryNode(t *testing.T) {
	t.Parallel()
	c := run(t, func(s *setup) { s.Many = true })
	_, errs := c.parallel(2*count, "create-pool", func(int) request { return request{Login: "shop"} })
	if n := c.tally(errs); n[nil] != 1 || n[pool.ErrExists] != 2*count-1 {
		t.Fatalf("one pool made eight times came to %v, want one success and 7 ErrExists", n)
	}
	in := request{Pool: "shop", Login: "ada@example.com", Password: secret}
	up := c.ask(0, "sign-up", in)
	c.ask(1, "confirm", request{Pool: "shop", Ticket: up.Ticket, Code: c.mail.wait(in.Login, 1).code})
	a := c.ask(2, "sign-in", in)
	for i := range count {
		c.ask(i, "verify", request{Pool: "shop", Access: a.Access})
	}
	c.sent()
	c.ask(3, "delete-pool", request{Login: "shop"})
	for i, p := range c.nodes {
		if _, err := p.ask("sign-in", in); !errors.Is(err, pool.ErrClosed) && !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("process %d goes on with a pool that is deleted: %v", i, err)
		}
		took := c.until("its tokens are over", 2*time.Second, func() bool {
			_, err := p.ask("verify", request{Pool: "shop", Access: a.Access})
			return errors.Is(err, pool.ErrNotFound) || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRevoked)
		})
		t.Logf("process %d refuses its tokens after %v", i, took.Round(time.Millisecond))
	}
	_, errs = c.parallel(count, "create-pool", func(int) request { return request{Login: "shop"} })
	if n := c.tally(errs); n[pool.ErrExists] != count {
		t.Errorf("the name of a deleted pool came to %v, want ErrExists", n)
	}
	c.until("its rows are gone", 10*time.Second, func() bool {
		return c.count(`SELECT count(*) FROM userpool_users`)+c.count(`SELECT count(*) FROM userpool_sessions`) == 0
	})
}
