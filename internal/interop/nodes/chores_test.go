package nodes_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// work is what a process did under a lease.
type work struct {
	node int
	entry
}

// tenancy is a time for which a process had a lease.
type tenancy struct {
	node        int
	from, until time.Time
}

// exclusive checks, by what the living processes noted, that no lease was ever had by two, and that what
// needs one was done only under it. It returns what was done, by lease.
func (c *cluster) exclusive() map[string][]work {
	c.t.Helper()
	did, had := map[string][]work{}, map[string][]tenancy{}
	for i := range c.nodes {
		mine := map[string][]tenancy{}
		for _, e := range c.ask(i, "log", request{}).Log {
			ts := mine[e.Lease]
			last := len(ts) - 1
			switch {
			case e.Did:
				did[e.Lease] = append(did[e.Lease], work{i, e})
			case e.Until.IsZero(): // let go
				if last >= 0 && e.At.Before(ts[last].until) {
					ts[last].until = e.At
				}
			case last >= 0 && !e.At.After(ts[last].until): // renewed
				ts[last].until = e.Until
			default:
				mine[e.Lease] = append(ts, tenancy{i, e.At, e.Until})
			}
		}
		for name, ts := range mine {
			had[name] = append(had[name], ts...)
		}
	}
	for name, ts := range had {
		slices.SortFunc(ts, func(a, b tenancy) int { return a.from.Compare(b.from) })
		for i := 1; i < len(ts); i++ {
			if ts[i].from.Before(ts[i-1].until) && ts[i].node != ts[i-1].node {
				c.t.Errorf("processes %d and %d have the lease %s at once", ts[i-1].node, ts[i].node, name)
			}
		}
	}
	for name, ws := range did {
		slices.SortFunc(ws, func(a, b work) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Seal, b.Seal)) })
		for _, w := range ws {
			if !slices.ContainsFunc(had[name], func(t tenancy) bool {
				return t.node == w.node && !w.At.Before(t.from) && w.At.Before(t.until)
			}) {
				c.t.Errorf("process %d did %s without its lease", w.node, name)
			}
		}
	}
	return did
}

// While all processes take sign-ups and sign-ins, one of them seals, one sweeps, one runs the hook, and
// each mail is sent once.
func TestChoresAreDoneByOne(t *testing.T) {
	t.Parallel()
	c := run(t)
	const people = 40
	var all sync.WaitGroup
	for i := range 2 * count {
		all.Go(func() {
			for n := i; n < people; n += 2 * count {
				login := fmt.Sprintf("person%d@example.com", n)
				up := c.ask(n, "sign-up", request{Login: login, Password: secret, IP: address(n)})
				c.ask(n+1, "confirm", request{Ticket: up.Ticket, Code: c.mail.wait(login, 1).code, IP: address(n)})
				for range 5 {
					a := c.ask(n+2, "sign-in", request{Login: login, Password: secret, IP: address(n)})
					c.ask(n+3, "refresh", request{Refresh: a.Refresh})
				}
			}
		})
	}
	all.Wait()
	c.sent()
	if n := len(c.hooked()); n != people {
		t.Errorf("the hook was told of %d people, want %d", n, people)
	}
	c.intact()
	did := c.exclusive()
	for _, lease := range []string{"sweep", "seal/people", "hook/people/PostConfirmation"} {
		nodes := map[int]int{}
		for _, w := range did[lease] {
			nodes[w.node]++
		}
		if len(nodes) != 1 {
			t.Errorf("%s was done by %v (times by process), want one process", lease, nodes)
		}
	}
	for i, w := range did["seal/people"] {
		if w.Seal != int64(i+1) {
			t.Errorf("seal %d is in place %d", w.Seal, i+1)
		}
	}
	copies := c.mail.copies()
	if len(copies) != people {
		t.Errorf("%d different mails came, want %d", len(copies), people)
	}
	for id, n := range copies {
		if n != 1 {
			t.Errorf("mail %s came %d times", id, n)
		}
	}
	senders := map[int]bool{}
	for lease, ws := range did {
		for _, w := range ws {
			senders[w.node] = senders[w.node] || strings.HasPrefix(lease, "outbox/")
		}
	}
	t.Logf("%d mails, sent by %v", len(copies), senders)
}

// sent waits until no mail and no hook is left to do.
func (c *cluster) sent() {
	c.t.Helper()
	c.until("the outbox is empty", 50*time.Second, func() bool {
		return c.count(`SELECT count(*) FROM userpool_outgoing`) == 0
	})
}

// hooked returns how often the hook was told of each user.
func (c *cluster) hooked() map[string]int {
	c.t.Helper()
	text, err := os.ReadFile(c.Hooked)
	if err != nil {
		c.t.Fatal(err)
	}
	n := map[string]int{}
	for line := range strings.Lines(string(text)) {
		_, user, _ := strings.Cut(strings.TrimSpace(line), " ")
		n[user]++
	}
	return n
}

// intact waits until all is sealed, and checks the chain, by a process that lives.
func (c *cluster) intact() {
	c.t.Helper()
	for i, p := range c.nodes {
		select {
		case <-p.ended:
			continue
		default:
		}
		c.until("all is sealed", 30*time.Second, func() bool {
			report := c.ask(i, "audit", request{}).Report
			if !report.Intact() {
				c.t.Fatalf("the chain is broken: %v", report.Problems)
			}
			return report.Unsealed == 0 && report.Sealed > 0
		})
		return
	}
}
