package postgres_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

// copied is a store with a replica that stands still: it has two users and an event.
type copied struct {
	*postgres.Store
	primary, replica *postgrestest.Server
	connections      *pgxpool.Pool
}

func newCopied(t *testing.T) *copied {
	t.Helper()
	primary := postgrestest.NewServer(t)
	before := open(t, primary.URL(), postgres.Config{})
	commit(t, before, storage.Put(&storage.Pool{ID: shop, Searchable: []string{"color"}, Created: noon}))
	commit(t, before, storage.Put(person(1)), storage.Put(person(2)), storage.Put(event(1)))
	replica := primary.NewReplica()
	replica.CatchUp(primary)
	replica.Exec("SELECT pg_wal_replay_pause()")
	connections, err := pgxpool.New(t.Context(), replica.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(connections.Close)
	return &copied{open(t, primary.URL(), postgres.Config{Replica: connections}), primary, replica, connections}
}

func event(n int) *storage.Event {
	return &storage.Event{
		Pool: shop, ID: fmt.Sprint("e", n), Time: noon.Add(time.Duration(n) * time.Second), User: userID(1), Kind: "k", Header: []byte("h"), Leaf: make([]byte, 32),
	}
}

// has wants so many users and events, of a list that may be stale or not.
func (c *copied) has(t testing.TB, stale bool, want int) {
	t.Helper()
	users, err := c.Users(t.Context(), shop, storage.UserQuery{Now: noon, Stale: stale})
	if err != nil || len(users.Users) != want {
		t.Errorf("where stale is %v there are %d users, %v, want %d", stale, len(users.Users), err, want)
	}
	events, err := c.Events(t.Context(), shop, storage.EventQuery{User: userID(1), Stale: stale})
	if err != nil || len(events.Events) != want-1 {
		t.Errorf("where stale is %v there are %d events, %v, want %d", stale, len(events.Events), err, want-1)
	}
}

// A replica answers those who permit it, and nobody else.
func TestReplica(t *testing.T) {
	t.Parallel()
	c := newCopied(t)
	gone := stored(t, c, 2)
	gone.Disabled = true
	commit(t, c, storage.Put(gone), storage.Put(person(3)), storage.Put(event(2)))
	c.has(t, false, 3)
	c.has(t, true, 2)

	// A page of one follows a page of the other.
	ids := map[user.ID]int{}
	for n, after := 0, ""; n == 0 || after != ""; n++ {
		page, err := c.Users(t.Context(), shop, storage.UserQuery{Now: noon, Order: storage.ByID, Limit: 1, After: after, Stale: n%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.Users {
			ids[u.ID]++
			if stale := n%2 == 0; u.ID == userID(2) && u.Disabled == stale {
				t.Errorf("where stale is %v the user is disabled: %v", stale, u.Disabled)
			}
		}
		after = page.Next
	}
	if ids[userID(1)] != 1 || ids[userID(2)] != 1 || ids[userID(3)] > 1 {
		t.Errorf("pages of the one and the other have %v, want each whom both know once", ids)
	}

	// What it does not have at all the primary answers: another pool, and an index that is new.
	commit(t, c, storage.Put(&storage.Pool{ID: "new", Created: noon}))
	newcomer := person(9)
	newcomer.Pool = "new"
	commit(t, c, storage.Put(newcomer))
	page, err := c.Users(t.Context(), "new", storage.UserQuery{Now: noon, Stale: true})
	if err != nil || len(page.Users) != 1 {
		t.Errorf("of a pool that the replica lacks there are %d users, %v", len(page.Users), err)
	}
	pools, err := c.Pools(t.Context(), storage.PoolQuery{ID: shop})
	if err != nil {
		t.Fatal(err)
	}
	pools.Pools[0].Searchable = []string{"size"}
	commit(t, c, storage.Put(pools.Pools[0]))
	size := storage.UserQuery{Now: noon, Where: &storage.Where{Name: "size", Value: "l"}, Stale: true}
	if _, err := c.Users(t.Context(), shop, size); err != nil {
		t.Errorf("by an index that the replica lacks: %v", err)
	}
	size.Where.Name = "weight"
	if _, err := c.Users(t.Context(), shop, size); !errors.Is(err, storage.ErrNotReady) {
		t.Errorf("by an index that nobody has: %v, want ErrNotReady", err)
	}
	c.has(t, true, 2) // none of that is the replica's fault

	c.replica.Exec("SELECT pg_wal_replay_resume()")
	c.replica.CatchUp(c.primary)
	c.has(t, true, 3)
}

// The primary answers where the replica cannot, and nobody waits for it twice.
func TestReplicaFails(t *testing.T) {
	t.Parallel()
	c := newCopied(t)
	c.replica.Exec("SELECT pg_wal_replay_resume()")
	// applied has the replica apply what one statement does, and nothing of what undoes it.
	applied := func(statement string) {
		c.primary.Exec(statement)
		c.replica.CatchUp(c.primary)
		c.replica.Exec("SELECT pg_wal_replay_pause()")
	}
	for n, tt := range []struct {
		name       string
		fail, mend func()
	}{
		{"is stopped", c.replica.Stop, func() { c.replica.Start(); c.replica.CatchUp(c.primary) }},
		{"hangs", c.replica.Pause, c.replica.Resume},
		{"is not migrated", func() {
			applied("UPDATE userpool_schema SET version = 0")
			c.primary.Exec("UPDATE userpool_schema SET version = 1")
		}, func() { c.replica.Exec("SELECT pg_wal_replay_resume()") }},
		{"has no tables", func() {
			applied("ALTER TABLE userpool_users RENAME TO moved")
			c.primary.Exec("ALTER TABLE moved RENAME TO userpool_users")
		}, func() { c.replica.Exec("SELECT pg_wal_replay_resume()") }},
		{"is promoted", c.replica.Promote, func() {}},
	} {
		tt.fail()
		c.Store = open(t, c.primary.URL(), postgres.Config{Replica: c.connections}) // one that has not heard of it
		commit(t, c, storage.Put(person(3+n)), storage.Put(event(2+n)))
		c.has(t, true, 3+n)
		asked := c.asked()
		for range 20 {
			c.has(t, true, 3+n)
		}
		if now := c.asked(); now != asked {
			t.Errorf("a replica that %s was asked %d times more", tt.name, now-asked)
		}
		tt.mend()
		if t.Failed() {
			t.Fatalf("the replica %s", tt.name)
		}
	}
}

// asked is how often a connection to the replica was asked for.
func (c *copied) asked() int64 {
	s := c.connections.Stat()
	return s.AcquireCount() + s.CanceledAcquireCount() + s.EmptyAcquireCount()
}
