//go:build unix

package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// cpu starts to measure the processor time of the whole process, and returns what reports it.
func cpu(b *testing.B) (report func()) {
	used := func() int64 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return r.Utime.Nano() + r.Stime.Nano()
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

// BenchmarkUserByLogin reads users by address, beside the bare statement with the same decoding.
func BenchmarkUserByLogin(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1k", 1000}, {"1M", 1000000}} {
		b.Run(size.name, func(b *testing.B) {
			path := seeds.path(b, size.n)
			file, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			st, err := sqlite.Open(b.Context(), path, sqlite.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			bare := bareStatement(b, st.DB())
			for _, reader := range []struct {
				name string
				read func(login string) (*user.User, error)
			}{
				{"bare", bare},
				{"store", func(login string) (*user.User, error) {
					got, err := st.Read(b.Context(), shop, storage.Want{Now: noon, User: user.ByLogin(login)})
					return got.User, err
				}},
			} {
				b.Run(reader.name, func(b *testing.B) {
					b.ReportAllocs()
					defer cpu(b)()
					for b.Loop() {
						n := rand.IntN(size.n)
						u, err := reader.read(crowd.Email(n))
						if err != nil || u == nil || u.Attributes["email"] != crowd.Email(n) {
							b.Fatalf("read of %s: %v, %v", crowd.Email(n), u, err)
						}
					}
					b.ReportMetric(float64(file.Size())/float64(size.n), "B/user")
				})
			}
		})
	}
}

// bareStatement is what a program would write that knows nothing but the tables.
func bareStatement(b *testing.B, db *sql.DB) func(login string) (*user.User, error) {
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	stmt, err := conn.PrepareContext(b.Context(), `SELECT u.id, u.version, u.status, u.disabled, u.epoch, u.created, u.updated, u.digest, u.body
		FROM userpool_logins AS l JOIN userpool_users AS u ON u.key = l.user WHERE l.pool = 1 AND l.ns = ? AND l.value = ?`)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stmt.Close() })
	return func(login string) (*user.User, error) {
		u := &user.User{Pool: shop, Status: user.Confirmed}
		var status int
		var created, updated int64
		var digest, body []byte
		err := stmt.QueryRowContext(context.Background(), string(user.Name), login).Scan(
			&u.ID, &u.Version, &status, &u.Disabled, &u.Epoch, &created, &updated, &digest, &body)
		if err != nil {
			return nil, err
		}
		u.Created, u.Updated = time.UnixMicro(created).UTC(), time.UnixMicro(updated).UTC()
		err = record.DecodeUser(u, body, digest)
		u.MarkLoaded()
		return u, err
	}
}

// BenchmarkCommit is durable sign-ups, each caller waiting for its own: one transaction each, or
// those of concurrent callers in one.
func BenchmarkCommit(b *testing.B) {
	for _, way := range []string{"each", "grouped"} {
		for _, callers := range []int{16, 64} {
			b.Run(fmt.Sprintf("%s/%d", way, callers), func(b *testing.B) {
				st := openForCommits(b, way)
				defer cpu(b)()
				commitFrom(b, st, callers)
			})
		}
	}
}

// BenchmarkBesideReaders is the same beside four readers that never rest.
func BenchmarkBesideReaders(b *testing.B) {
	const callers, readers = 64, 4
	for _, way := range []string{"each", "grouped"} {
		b.Run(fmt.Sprintf("%s/%d", way, callers), func(b *testing.B) {
			st := openForCommits(b, way)
			if err := st.Commit(b.Context(), storage.Put(crowd.Person(1<<30))); err != nil {
				b.Fatal(err)
			}
			ctx, stop := context.WithCancel(b.Context())
			defer stop()
			var reads atomic.Int64
			for range readers {
				go func() {
					for ctx.Err() == nil {
						st.Read(ctx, shop, storage.Want{Now: noon, User: user.ByLogin(crowd.Email(1 << 30))})
						reads.Add(1)
					}
				}()
			}
			defer cpu(b)()
			before, start := reads.Load(), time.Now()
			commitFrom(b, st, callers)
			b.ReportMetric(float64(reads.Load()-before)/time.Since(start).Seconds(), "reads/s")
		})
	}
}

func openForCommits(b *testing.B, way string) *sqlite.Store {
	st, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "pool.db"), sqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	if way == "each" {
		sqlite.Ungroup(st)
	}
	if err := st.Commit(b.Context(), storage.Put(&storage.Pool{ID: shop, Created: noon})); err != nil {
		b.Fatal(err)
	}
	return st
}

var people atomic.Int64

// commitFrom makes b.N commits of one new user, from so many callers at a time.
func commitFrom(b *testing.B, st *sqlite.Store, callers int) {
	left := atomic.Int64{}
	left.Store(int64(b.N))
	done := make(chan error)
	b.ResetTimer()
	for range callers {
		go func() {
			for left.Add(-1) >= 0 {
				if err := st.Commit(context.Background(), storage.Put(crowd.Person(int(people.Add(1))))); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}
