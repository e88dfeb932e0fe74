//go:build unix

package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// BenchmarkLists asks for pages of 60 users, as Cognito's are, of a thousand and of a million.
func BenchmarkLists(b *testing.B) {
	for _, size := range []struct {
		name string
		n    int
	}{{"1k", 1000}, {"1M", 1000000}} {
		b.Run(size.name, func(b *testing.B) {
			path := seeds.of(b, "listed", size.n, crowd.Listed)
			file, err := os.Stat(path)
			if err != nil {
				b.Fatal(err)
			}
			st, err := sqlite.Open(b.Context(), path, sqlite.Config{})
			if err != nil {
				b.Fatal(err)
			}
			defer st.Close()
			for _, l := range asked(b, st, size.n) {
				b.Run(l.name, func(b *testing.B) {
					b.ReportAllocs()
					defer cpu(b)()
					for b.Loop() {
						q := l.query(rand.IntN(size.n - 100))
						q.Now, q.Limit = noon, 60
						page, err := st.Users(b.Context(), shop, q)
						if err != nil || len(page.Users) != l.users {
							b.Fatalf("%d users, %v, want %d", len(page.Users), err, l.users)
						}
					}
					b.ReportMetric(float64(file.Size())/float64(size.n), "B/user")
				})
			}
		})
	}
}

// listQuery is a way of asking for a page about the n-th user.
type listQuery struct {
	name  string
	users int
	query func(n int) storage.UserQuery
}

func asked(b *testing.B, st storage.Store, size int) []listQuery {
	by := func(name string, value func(n int) string, prefix bool) func(int) storage.UserQuery {
		return func(n int) storage.UserQuery {
			return storage.UserQuery{Where: &storage.Where{Name: name, Value: value(n), Prefix: prefix}}
		}
	}
	// Where a page in the middle begins, as the page before it says.
	deep, err := st.Users(b.Context(), shop, storage.UserQuery{
		Now: noon, CreatedMin: noon.Add(time.Duration(size/2) * 1234567 * time.Microsecond), Limit: 1,
	})
	if err != nil || deep.Next == "" {
		b.Fatalf("no page in the middle: %v", err)
	}
	return []listQuery{
		{"login", 1, by(storage.LoginTerm, crowd.Email, false)},
		{"login-prefix", 10, by(storage.LoginTerm, func(n int) string { return fmt.Sprintf("person%06d", n/10) }, true)},
		{"value", 1, by("name", func(n int) string { return fmt.Sprintf("ada lovelace %d", n) }, false)},
		{"value-prefix", 60, by("name", func(int) string { return "ada lovelace 1" }, true)},
		{"group", 60, by(storage.GroupTerm, crowd.Group, false)},
		{"first-page", 60, func(int) storage.UserQuery { return storage.UserQuery{} }},
		{"deep-page", 60, func(int) storage.UserQuery { return storage.UserQuery{After: deep.Next} }},
	}
}
