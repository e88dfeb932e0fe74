package sqlite_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// Members of a group that fail late, each after it has written, take nobody along.
func TestLateFailureTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{Also: account})
	exec(t, st.DB(), accounts)
	const callers = 64
	var wg sync.WaitGroup
	var errs [callers]error
	gate := make(chan struct{})
	for n := range callers {
		u := crowd.Person(n)
		if n%4 == 0 {
			u.Attributes["name"] = "refused" // by a constraint of the app's, at the very end of the commit
		}
		wg.Go(func() {
			<-gate
			errs[n] = st.Commit(t.Context(), storage.Put(u))
		})
	}
	close(gate)
	wg.Wait()
	for n, err := range errs {
		if (err != nil) != (n%4 == 0) || (stored(t, st, n) == nil) != (n%4 == 0) {
			t.Errorf("commit %d = %v, stored %v", n, err, stored(t, st, n) != nil)
		}
	}
}

// A context that ends while its commit is under way changes neither that commit nor its neighbours'.
func TestCancelledMemberOfAGroup(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	var wg sync.WaitGroup
	var errs [200]error
	for n := range errs {
		ctx, cancel := context.WithCancel(t.Context())
		wg.Go(func() { errs[n] = st.Commit(ctx, storage.Put(crowd.Person(n))) })
		if n%3 == 0 {
			wg.Go(cancel)
		} else {
			defer cancel()
		}
	}
	wg.Wait()
	for n, err := range errs {
		if err != nil && (n%3 != 0 || !errors.Is(err, context.Canceled)) {
			t.Errorf("commit %d = %v", n, err)
		}
		if (stored(t, st, n) != nil) != (err == nil) {
			t.Errorf("commit %d = %v, but stored: %v", n, err, stored(t, st, n) != nil)
		}
	}
}

// A program may recover from a panic and go on: nothing of that commit is left, and the next one
// works.
func TestPanicLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	commit(t, st, storage.Put(crowd.Person(1)))
	if with := sqlite.Panic(st); with != "after the erasure: <nil>" {
		t.Fatalf("it panicked with %v", with)
	}
	commit(t, st, storage.Put(crowd.Person(2)))
	for n := 1; n <= 2; n++ {
		if stored(t, st, n) == nil {
			t.Errorf("user %d is not found by their login", n)
		}
	}
}

// A full disk is an error that says that nobody knows, or that nothing was written; what was
// acknowledged stays, and the file opens again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shop.db")
	st := open(t, path, sqlite.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	sqlite.LimitPages(t, st, 120)
	var acknowledged []int
	var failed error
	for n := range 5000 {
		if failed = st.Commit(t.Context(), storage.Put(crowd.Person(n))); failed != nil {
			break
		}
		acknowledged = append(acknowledged, n)
	}
	if failed == nil {
		t.Fatal("the disk never filled up")
	}
	if !errors.Is(failed, storage.ErrUnknown) && !errors.Is(failed, storage.ErrRetry) {
		t.Errorf("Commit on a full disk = %v, want ErrUnknown", failed)
	}
	check := func(st storage.Store) {
		t.Helper()
		for _, n := range acknowledged {
			if stored(t, st, n) == nil {
				t.Fatalf("user %d was acknowledged and is gone", n)
			}
		}
	}
	check(st)
	st.Close()
	again := open(t, path, sqlite.Config{})
	check(again)
	commit(t, again, storage.Put(crowd.Person(9999)))
}
