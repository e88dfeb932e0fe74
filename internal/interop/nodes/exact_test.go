package nodes_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// parallel asks all processes at once, n times in all, and returns what each call came to.
func (c *cluster) parallel(n int, call string, in func(i int) request) (answers []answer, errs []error) {
	return c.spread(n, call, count, in)
}

// spread is parallel at the first few processes.
func (c *cluster) spread(n int, call string, nodes int, in func(i int) request) (answers []answer, errs []error) {
	answers, errs = make([]answer, n), make([]error, n)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			answers[i], errs[i] = c.nodes[i%nodes].ask(call, in(i))
		})
	}
	close(begin)
	all.Wait()
	return answers, errs
}

// tally counts errors by class; "" is a success.
func (c *cluster) tally(errs []error) map[error]int {
	c.t.Helper()
	n := map[error]int{}
next:
	for _, err := range errs {
		for _, class := range classes {
			if errors.Is(err, class) {
				n[class]++
				continue next
			}
		}
		if n[nil]++; err != nil {
			c.t.Errorf("a call came to %v", err)
		}
	}
	return n
}

func TestT4_OneTokenAtFourNodesHasOneSuccessor(t *testing.T) {
	t.Parallel()
	c := run(t)
	first := c.person(0, "ada@example.com")
	c.hold()
	answers, errs := c.parallel(64, "refresh", func(int) request { return request{Refresh: first.Refresh} })
	if n := c.tally(errs); n[nil] != 64 {
		t.Fatalf("64 refreshes with one token at once came to %v, want 64 successes", n)
	}
	for _, a := range answers {
		if a.Refresh != answers[0].Refresh {
			t.Fatal("one token has two successors")
		}
	}
	next := c.ask(1, "refresh", request{Refresh: answers[0].Refresh})
	c.advance(11 * time.Second) // over the grace
	if _, err := c.nodes[2].ask("refresh", request{Refresh: first.Refresh}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("a replayed token at another process: %v, want ErrNotAuthorized", err)
	}
	for i, p := range c.nodes {
		if _, err := p.ask("refresh", request{Refresh: next.Refresh}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the family lives on at process %d: %v", i, err)
		}
		c.until("the end of the family", 5*time.Second, func() bool {
			_, err := p.ask("verify", request{Access: next.Access})
			return errors.Is(err, token.ErrRevoked)
		})
	}
}

func TestS1_OneCodeAtFourNodesHasOneWinner(t *testing.T) {
	t.Parallel()
	c := run(t)
	up := c.ask(0, "sign-up", request{Login: "ada@example.com", Password: secret})
	in := request{Ticket: up.Ticket, Code: c.mail.wait("ada@example.com", 1).code}
	_, errs := c.parallel(16, "confirm", func(int) request { return in })
	if n := c.tally(errs); n[nil] != 1 || n[pool.ErrTicketGone] != 15 {
		t.Errorf("one code at four processes came to %v, want one success and 15 ErrTicketGone", n)
	}
	forgot := c.ask(1, "forgot", request{Login: "ada@example.com"})
	code := c.mail.wait("ada@example.com", 2).code
	_, errs = c.parallel(16, "reset", func(i int) request {
		return request{Ticket: forgot.Ticket, Code: code, Password: fmt.Sprintf("a password of process %d", i)}
	})
	if n := c.tally(errs); n[nil] != 1 || n[pool.ErrTicketGone] != 15 {
		t.Errorf("one code to reset by at four processes came to %v, want one success and 15 ErrTicketGone", n)
	}
	for i, err := range errs {
		_, in := c.nodes[(i+1)%count].ask("sign-in", request{
			Login: "ada@example.com", Password: fmt.Sprintf("a password of process %d", i), IP: address(i),
		})
		if err == nil && in != nil {
			t.Errorf("the winner's password does not open the account: %v", in)
		} else if err != nil && in == nil {
			t.Error("a loser's password opens the account")
		}
		c.advance(30 * time.Minute) // over the locks of the wrong ones
	}
}

func TestT5_GuessesAtFourNodesGetFiveVerdicts(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.person(0, "ada@example.com")
	c.hold()
	_, errs := c.parallel(100, "sign-in", func(i int) request {
		return request{Login: "ada@example.com", Password: "incorrect horse battery staple", IP: address(i)}
	})
	if n := c.tally(errs); n[pool.ErrNotAuthorized] != 100 {
		t.Errorf("100 wrong guesses came to %v, want 100 ErrNotAuthorized", n)
	}
	right := request{Login: "ada@example.com", Password: secret, IP: address(200)}
	for i, p := range c.nodes {
		if _, err := p.ask("sign-in", right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the right password at process %d while locked: %v, want ErrNotAuthorized", i, err)
		}
	}
	verdicts, locks := 0, 0
	for _, e := range c.ask(0, "events", request{}).Events {
		if e.Kind != "sign_in" || e.Outcome != "refused" || e.Reason == "locked" {
			continue
		}
		verdicts += e.Count
		if !e.Until.IsZero() {
			locks++
		}
	}
	if verdicts != 5 || locks != 1 {
		t.Errorf("100 wrong guesses at four processes at once got %d verdicts and %d locks, want 5 and 1", verdicts, locks)
	}
	c.advance(2 * time.Second)
	c.ask(3, "sign-in", right)
}

func TestT6_ANetworkHasOneBudgetAtFourNodes(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.hold()
	_, errs := c.parallel(200, "sign-in", func(i int) request {
		return request{Login: fmt.Sprintf("nobody%d@example.com", i), Password: secret, IP: "10.9.9.9"}
	})
	if n := c.tally(errs); n[pool.ErrNotAuthorized] != 100 || n[pool.ErrLimited] != 100 {
		t.Errorf("200 wrong guesses of one network came to %v, want 100 verdicts and 100 refusals", n)
	}
}

// The budget of 10 sign-ins a second is 100 in ten seconds, of which 75 are anybody's. It is leased in
// slices of 3, and each process begins with one.
func TestT6_APoolHasOneBudgetAtFourNodes(t *testing.T) {
	t.Parallel()
	c := run(t, func(s *setup) { s.Settings = &pool.Settings{Limits: pool.LimitSettings{SignIns: 10}} })
	c.hold()
	_, errs := c.parallel(300, "sign-in", func(i int) request {
		return request{Login: fmt.Sprintf("nobody%d@example.com", i), Password: secret, IP: address(i)}
	})
	n := c.tally(errs)
	if n[pool.ErrNotAuthorized] < 75 || n[pool.ErrNotAuthorized] > 75+3*count || n[pool.ErrLimited] != 300-n[pool.ErrNotAuthorized] {
		t.Errorf("300 sign-ins at once came to %v, want 75 to %d verdicts", n, 75+3*count)
	}
	t.Logf("%d of 75 to %d", n[pool.ErrNotAuthorized], 75+3*count)
}
