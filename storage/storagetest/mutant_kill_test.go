package storagetest_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/storage/storagetest"
)

// broken are durable stores, by how the name of their database begins: a child that is started
// again knows no more than that.
var broken = map[string]func(st storage.Store) storage.Store{
	"torn":  func(st storage.Store) storage.Store { return oneByOne{st} },
	"early": func(st storage.Store) storage.Store { return early{st} },
}

// adapter opens a memory store where there is no address, and else a file, as its name says.
var adapter = storagetest.Adapter{
	New: func(testing.TB) string { return "" },
	Open: func(ctx context.Context, address string) (storage.Store, error) {
		if address == "" {
			return memory.New(), nil
		}
		st, err := sqlite.Open(ctx, address, sqlite.Config{})
		if err != nil {
			return nil, err
		}
		how, _, _ := strings.Cut(filepath.Base(address), ".")
		return broken[how](st), nil
	},
}

// oneByOne applies a commit of several changes in several transactions.
type oneByOne struct{ storage.Store }

func (s oneByOne) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		if err := s.Store.Commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// early acknowledges a commit before it is made.
type early struct{ storage.Store }

func (s early) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		if _, counts := c.(storage.Count); counts {
			go s.Store.Commit(ctx, changes...)
			return nil
		}
	}
	return s.Store.Commit(ctx, changes...)
}

func TestBrokenStoresAreCaughtByAKill(t *testing.T) {
	t.Parallel()
	for how, want := range map[string]string{"torn": "by halves", "early": "was acknowledged"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			a := adapter
			a.New = func(testing.TB) string { return filepath.Join(t.TempDir(), how+".db") }
			failures := record(t, func(t testing.TB) { storagetest.Kill(t, a, 50) })
			if !strings.Contains(strings.Join(failures, "\n"), want) {
				t.Errorf("50 kills found %q, want a commit that is %q", failures, want)
			}
		})
	}
}
