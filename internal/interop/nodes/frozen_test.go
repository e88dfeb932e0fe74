package nodes_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// frozen reports whether a process stands still.
func (p *process) frozen() bool {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Process.Pid))
	_, state, _ := bytes.Cut(stat, []byte(") ")) // after the name
	return len(state) > 0 && state[0] == 'T'
}

// doer returns which process did last what needs a lease.
func (c *cluster) doer(lease string) (node int) {
	c.t.Helper()
	var last time.Time
	for i := range c.nodes {
		for _, e := range c.ask(i, "log", request{}).Log {
			if e.Did && e.Lease == lease && e.At.After(last) {
				node, last = i, e.At
			}
		}
	}
	return node
}

// A sealer that is frozen for longer than its lease, just before it writes a seal, writes it no more when
// it goes on: another has sealed those events, and the number is taken.
func TestT10_FrozenSealerKeepsTheChain(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.person(0, "ada@example.com")
	c.intact()
	in := request{Login: "ada@example.com", Password: secret}
	at := c.doer("seal/people")
	c.ask(at, "trap", request{Trap: trap{At: "seal", Signal: syscall.SIGSTOP}})
	c.ask(at, "sign-in", in)
	c.until("the sealer is frozen", 20*time.Second, c.nodes[at].frozen)
	c.ask(at+1, "sign-in", in)
	time.Sleep(2 * time.Second) // as long as the lease lasts nobody takes its place
	if n := c.ask(at+1, "audit", request{}).Report.Unsealed; n == 0 {
		t.Error("somebody sealed while the sealer had its lease")
	}
	c.advance(16 * time.Second)
	c.ask(at+1, "sign-in", in)
	c.until("another seals", 5*time.Second, func() bool {
		return c.ask(at+1, "audit", request{}).Report.Unsealed == 0
	})
	c.nodes[at].signal(syscall.SIGCONT)
	for i := range 2 * count {
		c.ask(i, "sign-in", in)
	}
	c.intact()
	c.exclusive()
}

// A process that is frozen while it sends mail sends again what it had in hand, by the same message id, and
// nothing else of what others have sent meanwhile, though it has read it under its leases.
func TestFrozenSenderRepeatsWhatItHadInHand(t *testing.T) {
	t.Parallel()
	const people, workers = 150, 8
	c := run(t)
	for _, p := range c.nodes[1:] {
		p.signal(syscall.SIGSTOP)
		c.until("the others are frozen", 5*time.Second, p.frozen)
	}
	c.mail.be(true, 0)
	_, errs := c.spread(people, "sign-up", 1, func(i int) request {
		return request{Login: fmt.Sprintf("person%d@example.com", i), Password: secret, IP: address(i)}
	})
	if n := c.tally(errs); n[nil] != people {
		t.Fatalf("%d sign-ups came to %v", people, n)
	}
	c.until("all failed once", 30*time.Second, func() bool {
		return c.count(`SELECT count(*) FROM userpool_outgoing WHERE tries = 0`) == 0
	})
	c.mail.be(false, 5*time.Second)
	c.advance(time.Minute) // all is due at once
	c.until("all workers have one in hand", 10*time.Second, func() bool { return len(c.mail.all("")) == workers })
	c.nodes[0].signal(syscall.SIGSTOP)
	c.until("the sender is frozen", 5*time.Second, c.nodes[0].frozen)
	c.mail.be(false, 0)
	c.advance(31 * time.Second)
	for _, p := range c.nodes[1:] {
		p.signal(syscall.SIGCONT)
	}
	c.sent()
	c.nodes[0].signal(syscall.SIGCONT)
	c.intact()
	c.until("it has given all lanes back", 20*time.Second, func() bool { return c.lanes(0) == 0 })
	repeated := c.settledMail(people)
	if repeated > workers {
		t.Errorf("%d mails came twice, want those in hand of %d workers at most", repeated, workers)
	}
	t.Logf("%d mails of %d came twice", repeated, people)
}

// lanes returns in how many lanes a process is sending.
func (c *cluster) lanes(i int) int {
	c.t.Helper()
	held := map[string]bool{}
	for _, e := range c.ask(i, "log", request{}).Log {
		switch {
		case e.Did || !strings.HasPrefix(e.Lease, "outbox/"):
		case e.Until.IsZero():
			delete(held, e.Lease)
		default:
			held[e.Lease] = true
		}
	}
	return len(held)
}

// settledMail checks that so many different mails came, and returns how many came again.
func (c *cluster) settledMail(want int) (repeated int) {
	c.t.Helper()
	copies := c.mail.copies()
	if len(copies) != want {
		c.t.Errorf("%d different mails came, want %d", len(copies), want)
	}
	for _, n := range copies {
		repeated += n - 1
	}
	return repeated
}

// Processes are frozen wherever they are, for longer than all leases, while people sign in at the others.
func TestFrozenNodesBreakNothing(t *testing.T) {
	t.Parallel()
	f := launch(t)
	finish := f.load()
	for i := range count {
		f.nodes[i].signal(syscall.SIGSTOP)
		f.until("it is frozen", 5*time.Second, f.nodes[i].frozen)
		f.advance(31 * time.Second)
		time.Sleep(500 * time.Millisecond)
		f.nodes[i].signal(syscall.SIGCONT)
		time.Sleep(100 * time.Millisecond)
	}
	calls, ups := finish()
	f.sent()
	f.intact()
	f.whole()
	repeated := f.settledMail(int(ups) + crowd)
	t.Logf("%d calls; %d mails of %d came twice", calls, repeated, ups+crowd)
}
