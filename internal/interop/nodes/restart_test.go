package nodes_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// fleet is a cluster as its users see it while processes come and go.
type fleet struct {
	*cluster
	mu    sync.RWMutex // held for writing while a process is replaced
	moved atomic.Int64 // calls that were made again, at the next process
}

// launch starts a fleet. Refresh tokens have the longest grace there is: on a busy machine a call that is
// made again may be late.
func launch(t testing.TB) *fleet {
	t.Helper()
	web := pool.Client{ID: "web", Tokens: pool.TokenSettings{Grace: time.Minute}}
	return &fleet{cluster: run(t, func(s *setup) { s.Settings = &pool.Settings{Clients: []pool.Client{web}} })}
}

// call asks a process, and the next one where that is not there, stands still or is going: what a balancer
// does. Lost answers make it ask twice, as they would.
func (f *fleet) call(i int, call string, in request) (answer, error) {
	for try := 0; ; try++ {
		f.mu.RLock()
		p := f.nodes[(i+try)%count]
		f.mu.RUnlock()
		out, err := answer{}, errNoNode
		if !p.frozen() {
			out, err = p.ask(call, in)
		}
		if gone := errors.Is(err, errNoNode) || errors.Is(err, pool.ErrClosed); !gone || try > 4*count {
			return out, err
		}
		f.moved.Add(1)
		time.Sleep(time.Duration(try) * 5 * time.Millisecond)
	}
}

// replace starts a process in the place of one that has ended.
func (f *fleet) replace(i int) {
	f.t.Helper()
	p, err := f.begin(f.setup)
	if err != nil {
		f.t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes[i] = p
}

// load lets people sign in and refresh, and others sign up and confirm, without a pause, until finish is
// called. That checks that every session that was acknowledged is there, by its newest refresh token, and
// returns how many calls and how many sign-ups there were.
func (f *fleet) load() (finish func() (calls, ups int64)) {
	f.t.Helper()
	const sessions = 50 // of each person: the hundred-and-first would end the first
	var running sync.WaitGroup
	var calls, ups atomic.Int64
	stop := make(chan struct{})
	tokens := make([][]string, crowd)
	do := func(n int, call string, in request) answer {
		out, err := f.call(n, call, in)
		if err != nil {
			f.t.Errorf("%s: %v", call, err)
		}
		calls.Add(1)
		return out
	}
	for i := range crowd {
		f.person(i, fmt.Sprintf("person%d@example.com", i))
	}
	for i := range crowd {
		running.Go(func() {
			var newcomer, ticket string
			for n := 0; !ended(stop) && !f.t.Failed(); n++ {
				if in := fmt.Sprintf("person%d@example.com", i); n < sessions {
					a := do(n, "sign-in", request{Login: in, Password: secret, IP: address(1000*i + n)})
					tokens[i] = append(tokens[i], a.Refresh)
				}
				at := n * 7 % len(tokens[i])
				tokens[i][at] = do(n+1, "refresh", request{Refresh: tokens[i][at]}).Refresh
				if n%4 == 0 {
					newcomer = fmt.Sprintf("new%d-%d@example.com", i, n)
					ticket = do(n+2, "sign-up", request{Login: newcomer, Password: secret, IP: address(1000*i + n)}).Ticket
					ups.Add(1)
				} else if got := f.mail.all(newcomer); newcomer != "" && len(got) > 0 {
					_, err := f.call(n, "confirm", request{Ticket: ticket, Code: got[0].code, IP: address(1000*i + n)})
					// A lost answer makes two sign-ups of one, or two confirmations.
					if err != nil && !errors.Is(err, pool.ErrBadCode) && !errors.Is(err, pool.ErrTicketGone) {
						f.t.Errorf("confirm: %v", err)
					}
					newcomer = ""
				}
			}
		})
	}
	return func() (int64, int64) {
		f.t.Helper()
		close(stop)
		running.Wait()
		for i, mine := range tokens {
			for n, token := range mine {
				if _, err := f.call(n, "refresh", request{Refresh: token}); err != nil {
					f.t.Errorf("session %d of person %d is lost: %v", n, i, err)
				}
			}
		}
		return calls.Load(), ups.Load()
	}
}

// crowd is how many people make load.
const crowd = 6

func ended(stop chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}

// Each process in turn is stopped as an operator does it, and started anew, while people sign in. The mail
// server is away at first, and then slow: a process that stops waits for what it is sending.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	f := launch(t)
	finish := f.load()
	for i := range count {
		f.mail.be(i < count/2, 300*time.Millisecond)
		began := time.Now()
		if err := f.nodes[i].stop(); err != nil {
			t.Error(err)
		}
		stopped := time.Since(began)
		f.replace(i)
		t.Logf("process %d stopped in %v, and was there again after %v", i, stopped, time.Since(began))
	}
	calls, ups := finish()
	waits := f.count(`SELECT count(*) FROM userpool_outgoing`)
	f.mail.be(false, 0)
	// Within a lease: the answer about one may be lost as a process stops.
	f.until("what could be sent is sent", 50*time.Second, func() bool {
		return f.count(`SELECT count(*) FROM userpool_outgoing WHERE due <= $1`, time.Now().UnixMicro()) == 0
	})
	f.advance(time.Hour / 2) // over the pauses of what failed, with nothing under way
	f.sent()
	f.intact()
	copies := f.mail.copies()
	if len(copies) != int(ups)+crowd {
		t.Errorf("%d mails came, want those of %d sign-ups", len(copies), ups+crowd)
	}
	for id, n := range copies {
		if n != 1 {
			t.Errorf("mail %s came %d times", id, n)
		}
	}
	t.Logf("%d calls, %d of them at another process; %d mails waited", calls, f.moved.Load(), waits)
}
