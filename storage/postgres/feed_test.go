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

// Rows that were restored from a dump have the numbers of another server, which may be higher than any
// here. Until a program opens the tables they are told at every walk, however many they are; what is
// revoked under the lower numbers of this server is told nevertheless. From then on they have numbers
// of here.
func TestT3_FeedOfARestoredDump(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	st := open(t, url, postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	revoke(t, st, "restored")
	const pools = 2*storage.MaxPage + 1
	exec(t, st, fmt.Sprintf(`INSERT INTO userpool_pools (id, version, issuer, searchable, clients, created, epoch, deleted, moved)
		SELECT 'p' || n, 1, '', searchable, clients, created, 1, false, moved FROM userpool_pools, generate_series(2, %d) AS n`, pools),
		`UPDATE userpool_pools SET moved = moved + 1000000000`, `UPDATE userpool_revocations SET moved = moved + 1000000000`)
	told := everything(t, st, "")
	if len(told.Pools) != pools || told.Anew {
		t.Errorf("of %d pools %d are told, anew %v", pools, len(told.Pools), told.Anew)
	}
	revoke(t, st, "new")
	told = everything(t, st, told.Next)
	if got := revokedIn(told); len(told.Pools) != pools || !slices.Equal(got, []string{"new", "restored"}) || told.Anew {
		t.Errorf("then %d pools are told, and %v, anew %v", len(told.Pools), got, told.Anew)
	}

	const foreign = `SELECT (SELECT count(*) FROM userpool_pools WHERE moved >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint) +
		(SELECT count(*) FROM userpool_revocations WHERE moved >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)`
	if n := count(t, st, foreign); n != pools+1 {
		t.Errorf("%d rows have numbers of another server, want all %d", n, pools+1)
	}
	st = open(t, url, postgres.Config{})
	if n := count(t, st, foreign); n != 0 {
		t.Errorf("opened, %d rows have numbers of another server", n)
	}
	told = everything(t, st, told.Next)
	if got := revokedIn(told); len(told.Pools) != pools || !slices.Contains(got, "restored") || told.Anew {
		t.Errorf("with numbers of this server %d pools are told, and %v, anew %v", len(told.Pools), got, told.Anew)
	}
}
