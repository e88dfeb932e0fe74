package pool_test

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// asked is a store that counts what it is asked.
type asked struct {
	storage.Store
	reads, writes atomic.Int64
}

func (s *asked) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	s.reads.Add(1)
	return s.Store.Read(ctx, p, w)
}

func (s *asked) Documents(ctx context.Context, p user.PoolID, q storage.DocumentQuery) (storage.DocumentPage, error) {
	s.reads.Add(1)
	return s.Store.Documents(ctx, p, q)
}

func (s *asked) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	s.reads.Add(1)
	return s.Store.Events(ctx, p, q)
}

func (s *asked) Pools(ctx context.Context, q storage.PoolQuery) (storage.PoolPage, error) {
	s.reads.Add(1)
	return s.Store.Pools(ctx, q)
}

func (s *asked) Due(ctx context.Context, ps []user.PoolID, lane int, now time.Time, n int) ([]*storage.Outgoing, error) {
	s.reads.Add(1)
	return s.Store.Due(ctx, ps, lane, now, n)
}

func (s *asked) Changed(ctx context.Context, c storage.Cursor) (storage.Feed, error) {
	s.reads.Add(1)
	return s.Store.Changed(ctx, c)
}

func (s *asked) Commit(ctx context.Context, cs ...storage.Change) error {
	s.writes.Add(1)
	return s.Store.Commit(ctx, cs...)
}

func (s *asked) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	s.writes.Add(1)
	return s.Store.Lease(ctx, l)
}

// BenchmarkPools says what the pools of a directory cost on SQLite: the time to open one that nobody
// asked for yet (ns/op), and once all are open, their memory and goroutines, and what they read and
// write in a second in which nothing happens. It waits for a minute before it looks.
func BenchmarkPools(b *testing.B) {
	for _, n := range []int{1, 500} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchPools(b, n) })
	}
}

func benchPools(b *testing.B, n int) {
	file, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "userpool.db"), sqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	st := &asked{Store: file}
	config := pool.DirectoryConfig{Config: pool.Config{Sender: mailbox.New(), Keys: cityKeys}}
	open := func() *pool.Directory {
		d, err := pool.OpenDirectory(b.Context(), st, config)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	d := open()
	for i := range n {
		id := user.PoolID(fmt.Sprint("p", i))
		if _, err := d.Create(b.Context(), operator, id, issuerOf(id), pool.Settings{}); err != nil {
			b.Fatal(err)
		}
	}
	goroutines, before := runtime.NumGoroutine(), uint64(0)
	opened := 0
	for b.Loop() {
		if opened%n == 0 {
			b.StopTimer()
			if err := d.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
			d = open()
			goroutines, before = runtime.NumGoroutine(), heap()
			b.StartTimer()
		}
		if _, err := d.Pool(b.Context(), user.PoolID(fmt.Sprint("p", opened%n))); err != nil {
			b.Fatal(err)
		}
		opened++
	}
	for i := range n {
		if _, err := d.Pool(b.Context(), user.PoolID(fmt.Sprint("p", i))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before)/float64(n), "B/pool")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/float64(n), "goroutines/pool")
	time.Sleep(65 * time.Second) // by then the first round is over
	reads, writes, from := st.reads.Load(), st.writes.Load(), time.Now()
	time.Sleep(10 * time.Second)
	seconds := time.Since(from).Seconds()
	b.ReportMetric(float64(st.reads.Load()-reads)/seconds, "idle-reads/s")
	b.ReportMetric(float64(st.writes.Load()-writes)/seconds, "idle-writes/s")
	if err := d.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// heap returns how many bytes live.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
