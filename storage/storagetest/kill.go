package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// killWriters is how many goroutines of a child commit at the same time, so that a kill finds
// groups of commits under way.
const killWriters = 4

// load is the n-th commit of one writer in one round: seven records of every kind that a sign-up
// or a sign-in writes, together.
type load struct{ round, writer, n int }

func (l load) user() user.ID { return userID(l.round<<16 | l.writer<<12 | l.n) }
func (l load) name() string  { return fmt.Sprintf("%d-%d-%d", l.round, l.writer, l.n) }

func (l load) changes() []storage.Change {
	u := person(0, l.name())
	u.ID = l.user()
	e := event(l.name(), noon)
	e.User = u.ID
	return []storage.Change{
		putOf(u), putOf(session(u.ID, 1)), putOf(ticket(l.name(), u.ID)), putOf(e),
		putOf(document("load", l.name())),
		storage.Count{Key: counterKey(string(u.ID), "n"), Rule: fiveAnHour, Now: noon},
	}
}

// found returns how many parts of the load are stored, and of how many.
func (l load) found(ctx context.Context, st storage.Store) (parts, of int, err error) {
	got, err := readHome(ctx, st, storage.Want{
		User: user.ByLogin(l.name()), Session: storage.SessionKey{User: l.user(), ID: session("", 1).ID},
		Tickets: []string{l.name()}, Documents: []storage.DocumentKey{{Kind: "load", ID: l.name()}},
		Counters: []storage.CounterKey{counterKey(string(l.user()), "n")},
	})
	if err != nil {
		return 0, 0, err
	}
	byID, err := readHome(ctx, st, storage.Want{User: user.ByID(l.user())})
	if err != nil {
		return 0, 0, err
	}
	events, err := st.Events(ctx, home, storage.EventQuery{User: l.user()})
	for _, there := range []bool{
		got.User != nil, got.Session != nil, got.Tickets[0] != nil, got.Documents[0] != nil,
		got.Counters[0].N == 1, byID.User != nil, len(events.Events) == 1,
	} {
		of++
		if there {
			parts++
		}
	}
	return parts, of, err
}

// writeUntilKilled is the child's work: commit without end, and tell each that was acknowledged.
func writeUntilKilled(ctx context.Context, st storage.Store, round string) error {
	var r int
	if _, err := fmt.Sscan(round, &r); err != nil {
		return err
	}
	fmt.Println("ready")
	var all sync.WaitGroup
	failed := make([]error, killWriters)
	for w := range killWriters {
		all.Go(func() {
			for n := 0; n < 1<<12 && failed[w] == nil; n++ {
				if failed[w] = commit(ctx, st, load{r, w, n}.changes()...); failed[w] == nil {
					fmt.Fprintf(os.Stdout, "%d %d\n", w, n)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// killRounds kills a writing child so many times, on one database.
func killRounds(t testing.TB, a Adapter, rounds int) {
	s := &scene{TB: t, ctx: t.Context(), adapter: a, address: a.New(t)}
	s.reopen(func(st storage.Store) {
		s.st = st
		s.commit(storage.Put(pool(home)))
	})
	users := 0
	for round := range rounds {
		users += s.killOnce(round)
		if t.Failed() {
			t.Fatalf("after %d of %d rounds", round+1, rounds)
		}
	}
	s.reopen(func(st storage.Store) {
		s.st = st
		if got := s.stored(pool(home)).(*storage.Pool).Users; got != int64(users) {
			s.Errorf("the pool counts %d users, %d are there", got, users)
		}
		if got := len(s.users(storage.UserQuery{Order: storage.ByID})); got != users {
			s.Errorf("the list has %d users, %d were found after the kills", got, users)
		}
	})
	t.Logf("%d rounds, %d commits found whole", rounds, users)
}

// reopen runs do on a handle that it opens and closes.
func (s *scene) reopen(do func(st storage.Store)) {
	s.Helper()
	st, err := s.adapter.Open(s.ctx, s.address)
	if err != nil {
		s.Fatalf("open the database: %v", err)
	}
	do(st)
	if err := st.Close(); err != nil {
		s.Errorf("close the database: %v", err)
	}
}

// killOnce lets a child write, kills it, and returns how many commits it left, all whole. In every
// second round a handle of this process is open throughout, so that nobody has to recover first.
func (s *scene) killOnce(round int) (whole int) {
	if round%2 == 0 {
		acked := s.killed(round)
		s.reopen(func(st storage.Store) { whole = s.survey(st, round, acked) })
		return whole
	}
	s.reopen(func(st storage.Store) { whole = s.survey(st, round, s.killed(round)) })
	return whole
}

// killed starts a child and kills it at a random moment. It returns how many commits of each
// writer were acknowledged.
func (s *scene) killed(round int) (acked [killWriters]int) {
	s.Helper()
	c, err := startChild(s.ctx, fmt.Sprint("write:", round), s.address)
	if err != nil {
		s.Fatalf("round %d: %v", round, err)
	}
	note := func(line string) {
		var w, n int
		if _, err := fmt.Sscan(line, &w, &n); err == nil && w < killWriters {
			acked[w] = max(acked[w], n+1)
		}
	}
	for range rand.IntN(24) {
		note(c.line())
	}
	for start, d := time.Now(), rand.N(3*time.Millisecond); time.Since(start) < d; {
	}
	c.cmd.Process.Kill()
	for line := c.line(); line != ""; line = c.line() {
		note(line)
	}
	c.cmd.Wait()
	if s.adapter.Settle != nil {
		if err := s.adapter.Settle(s.ctx, s.address); err != nil {
			s.Fatalf("round %d: wait for what the child had sent: %v", round, err)
		}
	}
	if c.log.Len() > 0 {
		s.Errorf("round %d: the child failed before it was killed: %s", round, c.log)
	}
	return acked
}

// survey looks for every commit of a round: the acknowledged ones and, of each writer, the one that
// may have been under way, and one more that cannot have been.
func (s *scene) survey(st storage.Store, round int, acked [killWriters]int) (whole int) {
	s.Helper()
	for w, n := range acked {
		for i := range n + 2 {
			parts, of, err := load{round, w, i}.found(s.ctx, st)
			switch {
			case err != nil:
				s.Fatalf("round %d: read after the kill: %v", round, err)
			case parts == of:
				whole++
			case i < n:
				s.Errorf("round %d, writer %d: commit %d was acknowledged, but %d of its %d parts are there",
					round, w, i, parts, of)
			case parts > 0:
				s.Errorf("round %d, writer %d: commit %d is there by halves: %d of %d parts", round,
					w, i, parts, of)
			}
			if i > n && parts > 0 {
				s.Errorf("round %d, writer %d: commit %d is there, though %d had not been answered", round, w, i, n)
			}
		}
	}
	return whole
}
