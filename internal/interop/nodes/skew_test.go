package nodes_test

import (
	"errors"
	"testing"
	"time"
)

// Clocks of processes differ by up to five seconds (security.md S14), and what one hands out the others
// take at once.
func TestS14_ClocksThatDiffer(t *testing.T) {
	t.Parallel()
	c := prepare(t)
	skew := [count]time.Duration{0, 4 * time.Second, -900 * time.Millisecond, 2 * time.Second}
	errs := c.each(func(i int) (err error) {
		s := c.setup
		s.Skew = skew[i]
		c.nodes[i], err = c.begin(s)
		return err
	})
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	for i, login := range []string{"ada@example.com", "bob@example.com", "eve@example.com", "kim@example.com"} {
		a := c.person(i, login)
		for j := range 2 * count {
			a = c.ask(i+j, "refresh", request{Refresh: a.Refresh})
			for k := range count {
				c.ask(k, "verify", request{Access: a.Access})
				c.ask(k, "sessions", request{Access: a.Access})
			}
		}
		forgot := c.ask(i+1, "forgot", request{Login: login, IP: address(i)})
		c.ask(i+2, "reset", request{
			Ticket: forgot.Ticket, Code: c.mail.wait(login, 2).code, Password: "another battery staple", IP: address(i),
		})
		for k := range count {
			c.ask(i+k, "sign-in", request{Login: login, Password: "another battery staple", IP: address(i)})
		}
	}
	c.intact()
	for id, n := range c.mail.copies() {
		if n != 1 {
			t.Errorf("mail %s came %d times", id, n)
		}
	}
}
