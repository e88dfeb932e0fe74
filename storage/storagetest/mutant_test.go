package storagetest_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
)

// mutants are stores that break one rule, each as an adapter is likely to break it: nearly always
// by looking first and writing afterwards. The race of the same name must catch it.
var mutants = map[string]func(m *mutant) storage.Store{
	"Count":         func(m *mutant) storage.Store { return looseCount{m} },
	"Ticket":        func(m *mutant) storage.Store { return looseStamps{m} },
	"OneWriter":     func(m *mutant) storage.Store { return looseStamps{m} },
	"Require":       func(m *mutant) storage.Store { return looseRequire{m} },
	"Raise":         func(m *mutant) storage.Store { return &looseRaise{mutant: m} },
	"Canceled":      func(m *mutant) storage.Store { return &brittleGroup{mutant: m} },
	"Kept":          func(m *mutant) storage.Store { return &looseTally{mutant: m} },
	"Login":         func(m *mutant) storage.Store { return looseLogin{m} },
	"Rivals":        func(m *mutant) storage.Store { return looseLogin{m} },
	"OppositeOrder": func(m *mutant) storage.Store { return &lockedInOrder{mutant: m} },
	"Places":        func(m *mutant) storage.Store { return loosePlaces{m} },
	"Sessions":      func(m *mutant) storage.Store { return &looseSessions{mutant: m} },
	"DeletedUser":   func(m *mutant) storage.Store { return looseRequire{m} },
	"Sweep":         func(m *mutant) storage.Store { return looseSweep{m, &mutant{}} },
	"MovedAlias":    func(m *mutant) storage.Store { return tornCommit{m} },
	"OneMoment":     func(m *mutant) storage.Store { return tornRead{m} },
	"Lease":         func(m *mutant) storage.Store { return &looseLease{mutant: m} },
	"Seal":          func(m *mutant) storage.Store { return deafSeal{m} },
	"Feed":          func(m *mutant) storage.Store { return hastyFeed{m, &mutant{}} },
}

func TestMutantsAreCaught(t *testing.T) {
	t.Parallel()
	for _, r := range storagetest.Races() {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			breaks, ok := mutants[r.Name]
			if !ok {
				t.Fatal("this race has no mutant: nothing shows that it can fail")
			}
			base := memory.New()
			defer base.Close()
			err := r.Run(t.Context(), base, breaks(newMutant(base, r.Size)))
			if err == nil {
				t.Fatal("the mutant was not caught")
			}
			t.Logf("caught: %v", err)
		})
	}
}

// mutant is a sound store with what a broken one needs: a place where callers wait for each other
// between a look and a write, so that the race is lost every time.
type mutant struct {
	storage.Store
	everyone sync.WaitGroup

	calls atomic.Int64 // how many calls have come through that another caller waits for
}

func newMutant(st storage.Store, callers int) *mutant {
	m := &mutant{Store: st}
	m.everyone.Add(callers)
	return m
}

// meet waits until every caller has come as far.
func (m *mutant) meet() {
	m.everyone.Done()
	m.everyone.Wait()
}

// happened notes that a call has come through.
func (m *mutant) happened() { m.calls.Add(1) }

// linger gives others a moment for n calls more: who makes them may be done.
func (m *mutant) linger(n int64) { m.wait(m.calls.Load()+n, 2*time.Millisecond) }

// await waits until n calls have come through, that are sure to come.
func (m *mutant) await(n int64) { m.wait(n, 10*time.Second) }

func (m *mutant) wait(n int64, most time.Duration) {
	for start := time.Now(); m.calls.Load() < n && time.Since(start) < most; {
		runtime.Gosched()
	}
}

// without returns the changes that drop does not take.
func without(changes []storage.Change, drop func(storage.Change) bool) []storage.Change {
	var out []storage.Change
	for _, c := range changes {
		if !drop(c) {
			out = append(out, c)
		}
	}
	return out
}

// first returns the first change of type C.
func first[C storage.Change](changes []storage.Change) (found C, ok bool) {
	for _, c := range changes {
		if c, ok := c.(C); ok {
			return c, true
		}
	}
	return found, false
}

// refuse is how an adapter refuses the only change that matters here.
func refuse(err error) error { return &storage.ChangeError{Err: err} }
