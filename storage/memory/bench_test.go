//go:build unix

package memory_test

import (
	"syscall"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// cpu reports the processor time of the process per operation: machines are shared, and the wall
// clock counts the neighbours.
func cpu(b *testing.B) func() {
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

// logins returns the logins of all members, in an order that no cache can guess.
func logins(users int) []string {
	all := make([]string, users)
	for i := range all {
		all[i] = member(i * 7919 % users).Logins[0].Value
	}
	return all
}

// BenchmarkUserByLogin reads a user by login and, for the floor, does so on a bare map with the same
// copy of a user.
func BenchmarkUserByLogin(b *testing.B) {
	for _, size := range []struct {
		name  string
		users int
	}{{"1k", 1_000}, {"1M", 1_000_000}} {
		b.Run(size.name, func(b *testing.B) {
			st := crowd(b, size.users)
			lookup(b, size.users, func(login string) *user.User {
				got, err := st.Read(b.Context(), "p", storage.Want{Now: t0, User: user.ByLogin(login)})
				if err != nil {
					b.Fatal(err)
				}
				return got.User
			})
		})
		b.Run("bare/"+size.name, func(b *testing.B) {
			rows := make(map[string]memory.Packed, size.users)
			for n := range size.users {
				u := member(n)
				rows[u.Logins[0].Value] = memory.Pack(u)
			}
			lookup(b, size.users, func(login string) *user.User { return memory.Unpack(rows[login]) })
		})
	}
}

func lookup(b *testing.B, users int, find func(login string) *user.User) {
	all, i := logins(users), 0
	b.ReportAllocs()
	b.ResetTimer()
	defer cpu(b)()
	for b.Loop() {
		if find(all[i%users]) == nil {
			b.Fatal("a member is missing")
		}
		i++
	}
}

// crowd returns a store with that many members.
func crowd(b *testing.B, users int) *memory.Store {
	st := open(b)
	for n := 0; n < users; n += 100 {
		var changes []storage.Change
		for i := n; i < min(n+100, users); i++ {
			changes = append(changes, storage.Put(member(i)))
		}
		commit(b, st, changes...)
	}
	return st
}
