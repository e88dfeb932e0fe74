package postgres_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
)

// A replica that takes over gives the numbers of the transactions that it has lost to others. Who has
// read on as far as those must not be blind to what is revoked under them (security.md T3).
func TestT3_FeedOfAnotherServer(t *testing.T) {
	t.Parallel()
	primary := postgrestest.NewServer(t)
	st := open(t, primary.URL(), postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	revoke(t, st, "kept")
	replica := primary.NewReplica()
	replica.CatchUp(primary)
	replica.Stop()
	for n := range 20 {
		revoke(t, st, fmt.Sprint("lost", n))
	}
	cursor := everything(t, st, "").Next
	primary.Kill()
	replica.Start()
	replica.Promote()

	after := open(t, replica.URL(), postgres.Config{})
	revoke(t, after, "new")
	for n := range 100 {
		commit(t, after, storage.Put(person(n))) // past the numbers that the cursor knows
	}
	f := everything(t, after, cursor)
	if !f.Anew || !slices.Equal(revokedIn(f), []string{"kept", "new"}) || len(f.Pools) != 1 {
		t.Errorf("of the new server the feed tells %v and %d pools, anew %v", revokedIn(f), len(f.Pools), f.Anew)
	}
	if again := everything(t, after, f.Next); again.Anew || slices.Contains(revokedIn(again), "kept") {
		t.Errorf("the second walk along one server tells %v, anew %v", revokedIn(again), again.Anew)
	}
}

// A server that crashes and recovers by itself forgets the numbers of transactions that failed last.
// It is the same server, and gives them again.
func TestT3_FeedNeverPassesWhatItTold(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	revoke(t, st, "told")
	cursor := everything(t, st, "").Next
	for range 3 {
		for range 10 {
			if err := st.Commit(t.Context(), storage.Put(person(1)), storage.Require(person(2))); err == nil {
				t.Fatal("a commit that requires nobody passed")
			}
		}
		f := everything(t, st, cursor)
		if cursor = f.Next; !slices.Equal(revokedIn(f), []string{"told"}) {
			t.Errorf("the last that was told is not where the next walk begins: %v", revokedIn(f))
		}
	}
}

// A server that starts again is not known to have kept everything.
func TestT3_FeedAfterARestart(t *testing.T) {
	t.Parallel()
	server := postgrestest.NewServer(t)
	st := open(t, server.URL(), postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	revoke(t, st, "before")
	first := everything(t, st, "")
	if first.Anew {
		t.Error("the first walk is one anew")
	}
	server.Restart()
	st = open(t, server.URL(), postgres.Config{})
	if f := everything(t, st, first.Next); !f.Anew || !slices.Equal(revokedIn(f), []string{"before"}) {
		t.Errorf("after a restart the feed tells %v, anew %v", revokedIn(f), f.Anew)
	}
}

func revoke(t *testing.T, st storage.Store, id string) {
	t.Helper()
	commit(t, st, storage.Put(&storage.Revocation{Pool: shop, ID: id, User: "u", Epoch: 1, Expires: noon}))
}

// everything reads the feed from a cursor until it has no more.
func everything(t *testing.T, st storage.Store, since storage.Cursor) (all storage.Feed) {
	t.Helper()
	for all.Next, all.More = since, true; all.More; {
		f, err := st.Changed(t.Context(), all.Next)
		if err != nil {
			t.Fatal(err)
		}
		f.Pools, f.Revocations = append(all.Pools, f.Pools...), append(all.Revocations, f.Revocations...)
		f.Anew = f.Anew || all.Anew
		all = f
	}
	return all
}

func revokedIn(f storage.Feed) (ids []string) {
	for _, r := range f.Revocations {
		ids = append(ids, r.ID)
	}
	return ids
}
