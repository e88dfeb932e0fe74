package nodes_test

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// Processes are killed while people sign in, wherever they are in their commits, and others started.
func TestKilledNodesLoseNothing(t *testing.T) {
	t.Parallel()
	f := launch(t)
	finish := f.load()
	for i := range 2 * count {
		time.Sleep(time.Duration(50+37*i) * time.Millisecond)
		f.nodes[i%count].kill()
		f.replace(i % count)
	}
	calls, ups := finish()
	f.advance(time.Minute) // over the leases of those who died
	f.sent()
	f.intact()
	f.whole()
	copies := f.mail.copies()
	repeated := 0
	for _, n := range copies {
		repeated += n - 1
	}
	if len(copies) < int(ups)+crowd {
		t.Errorf("%d mails came, want at least those of %d sign-ups", len(copies), ups+crowd)
	}
	t.Logf("%d calls, %d of them at another process; %d mails, %d of them twice", calls, f.moved.Load(), len(copies), repeated)
}

// whole checks that no commit is there by half: everybody who is somebody has the program's row, nobody
// else has one, and each session has the event of its sign-in.
func (c *cluster) whole() {
	c.t.Helper()
	for what, query := range map[string]string{
		"users without their row":   `SELECT count(*) FROM userpool_users WHERE status <> 0 AND id NOT IN (SELECT user_id FROM accounts)`,
		"rows without their user":   `SELECT count(*) FROM accounts WHERE user_id NOT IN (SELECT id FROM userpool_users WHERE status <> 0)`,
		"sessions without a user":   `SELECT count(*) FROM userpool_sessions WHERE user_id NOT IN (SELECT id FROM userpool_users)`,
		"users without a login":     `SELECT count(*) FROM userpool_users WHERE status <> 0 AND id NOT IN (SELECT user_id FROM userpool_logins)`,
		"sign-ups without a ticket": `SELECT count(*) FROM userpool_users WHERE status = 0 AND id NOT IN (SELECT user_id FROM userpool_tickets)`,
	} {
		if n := c.count(query); n != 0 {
			c.t.Errorf("there are %d %s", n, what)
		}
	}
	if n := c.count(`SELECT count(*) FROM accounts`); n <= crowd {
		c.t.Errorf("nobody but the first %d became a user", n)
	}
	signIns, users := 0, map[string]bool{}
	for _, e := range c.ask(0, "events", request{}).Events {
		if e.Kind == "sign_in" && e.Outcome == "success" {
			signIns++
			users[string(e.User)] = true
		}
	}
	if n := c.count(`SELECT count(*) FROM userpool_sessions`); n > signIns {
		c.t.Errorf("there are %d sessions, and events of %d sign-ins", n, signIns)
	}
	if n := c.count(`SELECT count(DISTINCT user_id) FROM userpool_sessions`); n > len(users) {
		c.t.Errorf("%d people have sessions, and events tell of %d", n, len(users))
	}
}

// A process that dies after its commit, before it could say so, leaves what the next one answers from.
func TestKilledBetweenCommitAndAnswer(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		t.Run(fmt.Sprintf("after=%v", after), func(t *testing.T) {
			t.Parallel()
			f := launch(t)
			a := f.person(0, "ada@example.com")
			f.ask(1, "trap", request{Trap: trap{At: "session", After: after, Signal: syscall.SIGKILL}})
			if _, err := f.nodes[1].ask("refresh", request{Refresh: a.Refresh}); !errors.Is(err, errNoNode) {
				t.Fatalf("the process lives: %v", err)
			}
			next, err := f.call(2, "refresh", request{Refresh: a.Refresh})
			if err != nil {
				t.Fatalf("the token whose answer was lost: %v", err)
			}
			generation := f.count(`SELECT generation FROM userpool_sessions`)
			f.ask(3, "refresh", request{Refresh: next.Refresh})
			if got := f.count(`SELECT generation FROM userpool_sessions`); got != generation+1 {
				t.Errorf("the successor moved the generation from %d to %d", generation, got)
			}
		})
	}
}
