package pool_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// BenchmarkCaseOfNames measures, for each user of a pool of 20,000, what a plan costs that compares
// all names, and what it costs to give and to take the case of their names.
func BenchmarkCaseOfNames(b *testing.B) {
	const people = 20_000
	st, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "userpool.db"), sqlite.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	c := &cases{b, nodes(b, st, 1)}
	k := c.nodes[0]
	k.put(func(s *pool.Settings) { s.SignIn.Identifiers = []pool.Identifier{pool.Username} })
	for i := range people / 100 {
		var changes []storage.Change
		for j := range 100 {
			l, err := user.Username(fmt.Sprint("User", i*100+j), user.CaseInsensitive)
			if err != nil {
				b.Fatal(err)
			}
			changes = append(changes, storage.Put(&user.User{
				Pool: k.ID(), ID: user.NewID(), Status: user.Confirmed, Epoch: 1,
				Logins: []user.Login{l}, Created: k.clock.Now(), Updated: k.clock.Now(),
			}))
		}
		if err := st.Commit(b.Context(), changes...); err != nil {
			b.Fatal(err)
		}
	}
	move := func(b *testing.B, sensitive bool) {
		if err := c.sensitive(sensitive); err != nil {
			b.Fatal(err)
		}
		c.settle()
	}
	perUser := func(b *testing.B) { b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*people), "ns/user") }
	b.Run("move", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			move(b, i%2 == 0)
		}
		perUser(b)
	})
	move(b, true)
	b.Run("plan", func(b *testing.B) {
		s, _ := k.policy()
		s.SignIn.CaseSensitive = false
		for b.Loop() {
			if _, err := k.admin().Plan(b.Context(), s); err != nil {
				b.Fatal(err)
			}
		}
		perUser(b)
	})
}
