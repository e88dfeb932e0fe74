package postgrestest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/internal/postgrestest"
)

// TestReplica has a replica follow, and take over where its primary dies.
func TestReplica(t *testing.T) {
	t.Parallel()
	primary := postgrestest.NewServer(t)
	primary.Exec("CREATE TABLE seen (n int)")
	primary.Exec("INSERT INTO seen VALUES (1)")
	replica := primary.NewReplica()
	primary.Synchronous()
	primary.Exec("INSERT INTO seen VALUES (2)")
	replica.CatchUp(primary)
	if got := value(t, replica.URL(), "SELECT count(*)::text FROM seen"); got != "2" {
		t.Errorf("the replica has %s rows, want 2", got)
	}
	conn, err := pgx.Connect(t.Context(), replica.URL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO seen VALUES (3)"); err == nil {
		t.Error("a replica took a write")
	}
	conn.Close(t.Context())
	primary.Exec("INSERT INTO seen VALUES (4)")
	primary.Kill()
	replica.Promote()
	replica.Exec("INSERT INTO seen VALUES (5)")
	if got := value(t, replica.URL(), "SELECT string_agg(n::text, ' ' ORDER BY n) FROM seen"); got != "1 2 4 5" {
		t.Errorf("the new primary has %s, want 1 2 4 5", got)
	}
}
