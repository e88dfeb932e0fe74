package lifecycle_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// asked returns a number that the environment gives, or another.
func asked(name string, otherwise uint64) uint64 {
	if n, err := strconv.ParseUint(os.Getenv(name), 10, 64); err == nil {
		return n
	}
	return otherwise
}

// brief reports whether what takes minutes is left out.
func brief() bool { return testing.Short() || underDetector }

// stores are those that lives are lived on, and how many steps of them there is time for.
var stores = []struct {
	name  string
	steps uint64
	open  func(*testing.T) func() (storage.Store, error)
}{
	{"memory", 1500, func(*testing.T) func() (storage.Store, error) { return inMemory }},
	{"sqlite", 300, onDisk},
	{"postgres", 30, onServer},
}

// Whatever visitors, account owners and administrators do, in whatever order, the pools are as the
// model says after every step, and what should be dead is.
func TestLifecycle(t *testing.T) { t.Parallel(); onStores(t, place{}) }

// The same holds where the store fails now and then in any of all ways, in chores, too.
func TestLifecycleInTrouble(t *testing.T) { t.Parallel(); onStores(t, place{meets: troubled}) }

func onStores(t *testing.T, at place) {
	seed := asked("USERPOOL_SEED", uint64(time.Now().UnixNano()))
	for _, on := range stores {
		steps := on.steps
		if brief() {
			steps /= 5
		}
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			live(t, seed, asked("USERPOOL_STEPS", steps), on.open(t), at)
		})
	}
}

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

func inMemory() (storage.Store, error) { return memory.New(), nil }

func onDisk(t *testing.T) func() (storage.Store, error) {
	dir, n := t.TempDir(), 0
	return func() (storage.Store, error) {
		n++
		file := filepath.Join(dir, fmt.Sprintf("userpool%d.db", n))
		return sqlite.Open(context.WithoutCancel(t.Context()), file, sqlite.Config{Synchronous: sqlite.Normal})
	}
}

func onServer(t *testing.T) func() (storage.Store, error) {
	ctx := context.WithoutCancel(t.Context())
	return func() (storage.Store, error) { return postgres.Open(ctx, postgrestest.Schema(t), postgres.Config{}) }
}

// live lives a number of steps, in lives of a thousand, and tells of a failure by the shortest
// history that was found.
func live(t *testing.T, seed, steps uint64, open func() (storage.Store, error), at place) {
	t.Helper()
	for ; steps > 0; seed++ {
		h := random(seed, int(min(steps, 1000)))
		steps -= uint64(len(h))
		if l, err := h.live(t.Context(), open, at); err != nil {
			t.Fatalf("USERPOOL_SEED=%d, %v", seed, h[:len(l.told)].explain(t.Context(), at, err, l.told))
		}
	}
}

// An operation that never goes well proves nothing.
func TestEveryOperationGoesWell(t *testing.T) {
	t.Parallel()
	if brief() {
		return
	}
	idle := slices.Clone(operations)
	for seed := uint64(1); len(idle) > 0 && seed <= 10; seed++ {
		l, err := random(seed, 1000).live(t.Context(), inMemory, place{})
		if err != nil {
			t.Fatalf("USERPOOL_SEED=%d: %v", seed, err)
		}
		idle = of(idle, func(o operation) bool { return l.well[o.name] == 0 })
	}
	for _, o := range idle {
		t.Errorf("%q never went well", o.name)
	}
}
