package lifecycle_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/storagetest"
)

var errDisk = errors.New("the disk is on fire")

// ways are what a store may do to one call, or to all from it on: is the number of the call since.
var ways = []struct {
	name string
	is   func(w *world, since int) storagetest.Fault
}{
	{"fails", once(storagetest.Fault{Err: errDisk})},
	{"is to be tried again", once(storagetest.Fault{Err: storage.ErrRetry})},
	{"is unknown, and was not done", once(storagetest.Fault{Err: storage.ErrUnknown})},
	{"is unknown, and was done", once(storagetest.Fault{Err: storage.ErrUnknown, Done: true})},
	{"is the first to fail", andThen(storagetest.Fault{Err: errDisk})},
	{"is the first to fail, and unknown", andThen(storagetest.Fault{Err: storage.ErrUnknown})},
	{"is done, and the first to fail", andThen(storagetest.Fault{Err: storage.ErrUnknown, Done: true})},
	{"is made for nobody", func(w *world, since int) storagetest.Fault {
		return once(storagetest.Fault{Wait: w.hangUp})(w, since)
	}},
	{"is answered to nobody", func(w *world, since int) storagetest.Fault {
		return once(storagetest.Fault{Then: w.hangUp})(w, since)
	}},
}

func once(f storagetest.Fault) func(*world, int) storagetest.Fault {
	return func(_ *world, since int) storagetest.Fault {
		if since == 0 {
			return f
		}
		return storagetest.Fault{}
	}
}

// andThen is a fault after which the store does not answer any more.
func andThen(f storagetest.Fault) func(*world, int) storagetest.Fault {
	return func(_ *world, since int) storagetest.Fault {
		switch {
		case since < 0:
			return storagetest.Fault{}
		case since > 0:
			return storagetest.Fault{Err: errDisk}
		}
		return f
	}
}

// Whichever call of the store fails, in whichever way, in whatever anybody does: nothing is half
// done, the answer says what is known, and to call again is safe.
func TestEveryFault(t *testing.T) {
	t.Parallel()
	if brief() {
		return
	}
	// What is to be tried next of each operation: that its k-th call fails in a way.
	type trial struct{ k, way int }
	trials := map[string]*trial{}
	for _, o := range operations {
		if len(o.calls) > 0 {
			trials[o.name] = &trial{k: 1}
		}
	}
	r, steps, faults := rand.New(rand.NewPCG(1, 2)), 0, 0
	at := place{
		likes: func() (operation, bool) {
			some := of(operations, func(o operation) bool { return trials[o.name] != nil })
			switch n := r.IntN(6); {
			case n < 2 || len(some) == 0:
				return operation{}, false
			case n == 2: // there is seldom an address to take back
				some = movers
			}
			return some[r.IntN(len(some))], true
		},
		meets: func(w *world, o operation, attempt int) way {
			l := trials[o.name]
			if l == nil || attempt > 1 {
				return nil
			}
			return func(n int) storagetest.Fault {
				if n == 0 {
					return storagetest.Fault{}
				}
				return ways[l.way].is(w, n-l.k)
			}
		},
		after: func(w *world, o operation) {
			switch l := trials[o.name]; {
			case l == nil || !w.well && w.losses == 0:
			case !w.struck: // it was over by then
				delete(trials, o.name)
			default:
				faults++
				if l.way++; l.way == len(ways) {
					*l = trial{k: l.k + 1}
				}
			}
		},
	}
	for seed := uint64(1); len(trials) > 0; seed++ {
		l, err := random(seed, 500).live(t.Context(), inMemory, at)
		if err != nil {
			t.Fatalf("life %d, step %d: %v\n\t%s", seed, len(l.told), err, strings.Join(l.told[max(0, len(l.told)-30):], "\n\t"))
		}
		if steps += len(l.told); steps > 100_000 {
			t.Fatalf("never tried: %v", slices.Sorted(maps.Keys(trials)))
		}
	}
	t.Logf("%d faults in %d steps", faults, steps)
}

// troubled meets every attempt but the fourth with trouble, which begins at one call in eight.
func troubled(w *world, _ operation, attempt int) way {
	if attempt > 3 {
		return nil
	}
	began, is := -1, once(storagetest.Fault{})
	return func(int) storagetest.Fault {
		switch {
		case began >= 0:
			began++
		case w.luck.IntN(8) == 0:
			began, is = 0, ways[w.luck.IntN(len(ways))].is
		}
		return is(w, began)
	}
}

// forgers are what a pool may make of the answer to a commit that it should have looked into.
var forgers = map[string]mutant{
	"what is unknown is taken for done": {answer: func(_ *mutant, err error, _ []storage.Change) error {
		if errors.Is(err, storage.ErrUnknown) {
			return nil
		}
		return err
	}},
	"what is unknown is sent again": {answer: func(m *mutant, err error, changes []storage.Change) error {
		if errors.Is(err, storage.ErrUnknown) {
			return m.Store.Commit(context.Background(), changes...)
		}
		return err
	}},
	"what is unknown is taken for moved": {answer: func(_ *mutant, err error, _ []storage.Change) error {
		if errors.Is(err, storage.ErrUnknown) {
			return &storage.ChangeError{Err: storage.ErrStale}
		}
		return err
	}},
	"what was not written is taken for done": {answer: func(_ *mutant, err error, _ []storage.Change) error {
		if errors.Is(err, storage.ErrRetry) {
			return nil
		}
		return err
	}},
	"what failed is taken for a refusal": {answer: func(_ *mutant, err error, _ []storage.Change) error {
		if errors.Is(err, errDisk) {
			return &storage.ChangeError{Err: storage.ErrConflict}
		}
		return err
	}},
}

// Trouble finds a pool that makes the wrong thing of an answer.
func TestForgersAreFound(t *testing.T) {
	t.Parallel()
	if brief() {
		return
	}
	for name, m := range forgers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isFound(t, inMemory, place{meets: troubled, stands: func(st storage.Store) storage.Store {
				own := m
				own.Store = st
				return &own
			}})
		})
	}
}
