package nodes_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// The times within which others take over from a process that is killed: by real time, where a minute is
// not too long.

// A sealer's lease is 10 s, and others ask for it when half of that is over since they asked last.
func TestT10_KilledSealerIsReplaced(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.person(0, "ada@example.com")
	c.intact()
	at := c.doer("seal/people")
	c.nodes[at].kill()
	last := c.ask(at+1, "audit", request{}).Report.Head.Number
	took := c.until("another seals", 17*time.Second, func() bool {
		for i := range count - 1 {
			c.ask(at+1+i, "sign-in", request{Login: "ada@example.com", Password: secret})
		}
		return c.ask(at+1, "audit", request{}).Report.Head.Number > last
	})
	t.Logf("another process seals after %v", took.Round(10*time.Millisecond))
}

// Where nobody asks the others for anything, they come by within a minute.
func TestT10_IdleNodesSealWhatAKilledOneWrote(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.person(0, "ada@example.com")
	c.intact()
	at := c.doer("seal/people")
	c.ask(at, "trap", request{Trap: trap{At: "seal", Signal: syscall.SIGKILL}})
	c.ask(at, "sign-in", request{Login: "ada@example.com", Password: secret})
	<-c.nodes[at].ended
	c.advance(time.Minute)
	took := c.until("another seals", 5*time.Second, func() bool {
		return c.ask(at+1, "audit", request{}).Report.Unsealed == 0
	})
	t.Logf("another process seals a minute and %v after", took.Round(10*time.Millisecond))
}

// A process dies when the mail server has taken a mail on and it has not noted that: the mail comes again
// when its lease of 30 s is over, by the same message id. Others' mail does not wait.
func TestKilledSenderIsReplaced(t *testing.T) {
	t.Parallel()
	c := run(t)
	c.ask(0, "trap", request{Trap: trap{At: "mail", After: true, Signal: syscall.SIGKILL}})
	var began time.Time
	ups := 0
	for alive := true; alive; {
		began = time.Now()
		up := request{Login: fmt.Sprintf("person%d@example.com", ups), Password: secret, IP: address(ups)}
		_, _ = c.nodes[0].ask("sign-up", up)
		ups++
		select {
		case <-c.nodes[0].ended:
			alive = false
		case <-time.After(500 * time.Millisecond):
		}
	}
	c.ask(1, "sign-up", request{Login: "ada@example.com", Password: secret})
	c.mail.wait("ada@example.com", 1)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a mail of somebody else came after %v", took)
	}
	c.sent()
	took := time.Since(began)
	if took < 25*time.Second || took > 35*time.Second {
		t.Errorf("all was sent after %v, want about the 30 s of a lease", took)
	}
	if repeated := c.settledMail(ups + 1); repeated != 1 {
		t.Errorf("%d mails came twice, want the one in hand", repeated)
	}
	t.Logf("another process sends after %v", took.Round(10*time.Millisecond))
}

// A process that runs a hook has a lease of 30 s for it, and others ask for it when half of that is over since
// they asked last: so long a hook waits after a death, and half a lease after a process that was stopped.
func TestS8_HooksGoOnElsewhere(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		end  func(p *process)
		wait time.Duration
	}{
		"stopped": {func(p *process) { _ = p.stop() }, 15 * time.Second},
		"killed":  {(*process).kill, 45 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := run(t)
			c.person(0, "ada@example.com")
			c.sent()
			at := c.doer("hook/people/PostConfirmation")
			for i := range count { // all have asked who runs it
				c.person(i, fmt.Sprintf("person%d@example.com", i))
			}
			c.sent()
			tt.end(c.nodes[at])
			up := c.ask(at+1, "sign-up", request{Login: "bob@example.com", Password: secret})
			code := c.mail.wait("bob@example.com", 1).code
			c.ask(at+1, "confirm", request{Ticket: up.Ticket, Code: code})
			c.advance(tt.wait)
			took := c.until("another runs the hook", 5*time.Second, func() bool { return len(c.hooked()) == count+2 })
			t.Logf("another runs the hook %v and %v after", tt.wait, took.Round(10*time.Millisecond))
		})
	}
}
