package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

const shop = crowd.Pool

var noon = crowd.Noon

// seeds are the databases of benchmarks, each made once in a process.
var seeds seedFiles

type seedFiles struct {
	mu    sync.Mutex
	dir   string
	paths map[string]string
}

func (s *seedFiles) remove() {
	if s.dir != "" {
		os.RemoveAll(s.dir)
	}
}

// path returns a database of n users.
func (s *seedFiles) path(b *testing.B, n int) string { return s.of(b, "people", n, crowd.Person) }

// of returns a database of n users of a kind.
func (s *seedFiles) of(b *testing.B, kind string, n int, person func(n int) *user.User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := fmt.Sprintf("%s-%d.db", kind, n)
	if p, ok := s.paths[name]; ok {
		return p
	}
	if s.dir == "" {
		dir, err := os.MkdirTemp("", "userpool-seed-")
		if err != nil {
			b.Fatal(err)
		}
		s.dir, s.paths = dir, make(map[string]string)
	}
	p := filepath.Join(s.dir, name)
	if err := seed(b.Context(), p, n, person); err != nil {
		b.Fatal(err)
	}
	s.paths[name] = p
	return p
}

// seed writes n users, many in a commit and many commits at a time.
func seed(ctx context.Context, path string, n int, person func(n int) *user.User) error {
	// A large log, so that the pages of the indexes, hit at random, are written once in a while
	// only.
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"+
		"&_pragma=synchronous(NORMAL)&_pragma=wal_autocheckpoint(100000)&_pragma=cache_size(-400000)&_pragma=mmap_size(2000000000)")
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := sqlite.New(ctx, db, sqlite.Config{Synchronous: sqlite.Normal})
	if err != nil {
		return err
	}
	defer st.Close()
	if err := st.Commit(ctx, storage.Put(&storage.Pool{ID: shop, Searchable: []string{"name"}, Created: noon})); err != nil {
		return err
	}
	const batch, callers = 90, 8
	batches := make(chan int)
	failed := make(chan error, callers)
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			for from := range batches {
				var changes []storage.Change
				for i := from; i < min(n, from+batch); i++ {
					changes = append(changes, storage.Put(crowd.Person(i)))
				}
				if err := st.Commit(ctx, changes...); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	for from := 0; from < n && len(failed) == 0; from += batch {
		select {
		case batches <- from:
		case err := <-failed:
			failed <- err
		}
	}
	close(batches)
	wait.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
