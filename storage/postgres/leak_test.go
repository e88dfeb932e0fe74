package postgres_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
)

// ours returns the stacks of goroutines that pgx or this store runs, other than those of tests.
func ours() (left []string) {
	buf := make([]byte, 4<<20)
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if !strings.Contains(stack, "testing.tRunner") && (strings.Contains(stack, "jackc/") || strings.Contains(stack, "storage/postgres.")) {
			left = append(left, stack)
		}
	}
	return left
}

// sockets returns how many files of this process are connections.
func sockets() (n int) {
	files, _ := os.ReadDir("/proc/self/fd")
	for _, f := range files {
		if to, _ := os.Readlink("/proc/self/fd/" + f.Name()); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// TestNothingIsLeft opens stores in every way, with calls under way when they are closed and with
// servers that fail half-way: no goroutine, connection or file is left of any. It runs alone.
func TestNothingIsLeft(t *testing.T) {
	s := postgrestest.NewServer(t, "max_connections=20")
	ctx := t.Context()
	watcher, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Close(ctx)
	was, files := len(ours()), sockets()
	none := func(what string) {
		t.Helper()
		connections := 0
		for range 1000 { // they part in the background
			const others = `SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
			if err := watcher.QueryRow(ctx, others).Scan(&connections); err != nil {
				t.Fatal(err)
			}
			if len(ours()) <= was && sockets() <= files && connections == 0 {
				return
			}
			runtime.Gosched()
		}
		t.Errorf("after %s: %d goroutines more, %d sockets more, %d connections\n%s", what,
			len(ours())-was, sockets()-files, connections, strings.Join(ours(), "\n\n"))
	}
	busy := func(st *postgres.Store) (wait func()) {
		commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
		var all, begun sync.WaitGroup
		begun.Add(8)
		for n := range 8 {
			all.Go(func() {
				for i := 0; ; i++ {
					if i == 2 {
						begun.Done()
					}
					err := st.Commit(ctx, storage.Put(person(n*10_000+i)))
					if errors.Is(err, storage.ErrClosed) {
						return
					}
					if err != nil {
						t.Errorf("Commit before Close = %v", err)
						return
					}
				}
			})
		}
		begun.Wait()
		return all.Wait
	}

	st, err := postgres.Open(ctx, s.Database(), postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	wait := busy(st)
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	wait()
	none("Close with calls under way")

	pool, err := pgxpool.New(ctx, s.Database())
	if err != nil {
		t.Fatal(err)
	}
	if st, err = postgres.New(ctx, pool, postgres.Config{}); err != nil {
		t.Fatal(err)
	}
	wait = busy(st)
	if err := st.Close(); err != nil {
		t.Error(err)
	}
	wait()
	if n := pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("the app's pool misses %d connections after Close", n)
	}
	pool.Close()
	none("Close of a store on the app's pool")

	empty := s.Database()
	for what, open := range map[string]func() error{
		"a database that is not there": func() error { return opens(ctx, s.URL()+"x", postgres.Config{}) },
		"tables that are not there":    func() error { return opens(ctx, empty, postgres.Config{Migrated: true}) },
		"a schema that cannot be":      func() error { return opens(ctx, empty, postgres.Config{Schema: "A"}) },
		"a mode that is not allowed": func() error {
			return opens(ctx, empty+"?default_query_exec_mode=simple_protocol", postgres.Config{})
		},
		"a role that may not": func() error {
			s.Exec("CREATE ROLE guest LOGIN")
			return opens(ctx, strings.Replace(empty, "userpool@", "guest@", 1), postgres.Config{})
		},
		"a context that ends": func() error {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			return opens(ended, empty, postgres.Config{})
		},
		"a server that is silent": func() error {
			s.Pause()
			defer s.Resume()
			ended, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			return opens(ended, empty, postgres.Config{})
		},
	} {
		if open() == nil {
			t.Errorf("Open with %s succeeded", what)
		}
		none(what)
	}
}

func opens(ctx context.Context, url string, config postgres.Config) error {
	st, err := postgres.Open(ctx, url, config)
	if err == nil {
		st.Close()
	}
	return err
}
