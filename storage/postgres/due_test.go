package postgres_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage/postgres"
)

// Idle nodes ask every second what is due: to compile the question takes a hundred times as long as to
// answer it. The server tells the plan of each statement as it ran.
func TestDueIsNotCompiled(t *testing.T) {
	t.Parallel()
	config, err := pgxpool.ParseConfig(postgrestest.Database(t) + "?pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan string, 100)
	config.ConnConfig.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { told <- n.Message }
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	st, err := postgres.New(t.Context(), pool, postgres.Config{})
	if err != nil {
		t.Fatal(err)
	}
	exec(t, st, `LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_level = notice;
		SET jit = on; SET jit_above_cost = 1`)
	plan := func(what string, of func(ctx context.Context) error) (compiled bool) {
		if err := of(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen := ""
		for len(told) > 0 {
			seen += <-told
		}
		if !strings.Contains(seen, what) {
			t.Errorf("no plan of %s was told: %s", what, seen)
		}
		return strings.Contains(seen, "JIT:")
	}
	others := func(ctx context.Context) error {
		_, err := pool.Exec(ctx, `SELECT count(*) FROM userpool_users`)
		return err
	}
	due := func(ctx context.Context) error { _, err := st.Due(ctx, nil, -1, noon, 10); return err }
	before := plan("userpool_users", others)
	if plan("userpool_outgoing", due) {
		t.Error("Due was compiled")
	}
	if plan("userpool_users", others) != before {
		t.Error("Due left the connection other than it was")
	}
}
