package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
)

// journey goes over every kind of statement once.
func journey(t *testing.T, st storage.Store) {
	t.Helper()
	counter := storage.CounterKey{Pool: shop, Owner: string(userID(1)), Name: "guesses"}
	rule := storage.Rule{Free: 2, Base: time.Second, Max: time.Minute}
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Issuer: "https://shop.test", Clients: []string{"c1"}, Created: noon}))
	commit(t, st, storage.Put(person(1)), storage.Put(attempt(2, 2)),
		storage.Put(&storage.Document{Pool: shop, Kind: "settings", ID: "only", Body: []byte("{}"), Created: noon, Updated: noon}))
	commit(t, st, storage.Count{Key: counter, Rule: rule, Now: noon}, storage.Require(stored(t, st, 1)))
	commit(t, st, storage.Count{Key: counter, Rule: rule, Now: noon, Expect: storage.Locks})
	if err := st.Commit(t.Context(), storage.Count{Key: counter, Rule: rule, Now: noon}); !errors.Is(err, storage.ErrLimited) {
		t.Errorf("a third failure = %v, want ErrLimited", err)
	}
	page, err := st.Users(t.Context(), shop, storage.UserQuery{Now: noon})
	if err != nil || len(page.Users) != 2 {
		t.Errorf("Users = %d, %v, want two", len(page.Users), err)
	}
	if feed, err := st.Changed(t.Context(), ""); err != nil || len(feed.Pools) != 1 {
		t.Errorf("Changed = %+v, %v, want a pool", feed, err)
	}
	if _, err := st.Due(t.Context(), nil, -1, noon, 10); err != nil {
		t.Error(err)
	}
	if _, err := st.Sweep(t.Context(), noon.Add(2*time.Hour), 10); err != nil {
		t.Error(err)
	}
	if stored(t, st, 2) != nil {
		t.Error("the expired sign-up was not swept")
	}
}

// Two schemas of one database know nothing of each other, wherever search_path leads.
func TestSchema(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	for _, schema := range []string{"auth", "select", ""} {
		st := open(t, url, postgres.Config{Schema: schema})
		journey(t, st)
		if schema != "" {
			if n := count(t, st, `SELECT count(*) FROM information_schema.tables WHERE table_schema = $1 AND table_name = 'userpool_users'`, schema); n != 1 {
				t.Errorf("schema %q has %d tables of users, want 1", schema, n)
			}
		}
	}
	for _, bad := range []string{"Auth", "a.b", `a"b`, "1a", strings.Repeat("a", 64), "a\x00"} {
		if _, err := postgres.Open(t.Context(), url, postgres.Config{Schema: bad}); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("Open in schema %q = %v, want ErrInvalid", bad, err)
		}
	}
}

// Behind a pooler that gives a connection to each transaction nothing may be prepared.
func TestNothingPrepared(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"exec", "cache_describe", "describe_exec"} {
		st := open(t, postgrestest.Database(t)+"?default_query_exec_mode="+mode, postgres.Config{Schema: "auth"})
		journey(t, st)
		if n := count(t, st, `SELECT count(*) FROM pg_prepared_statements`); n != 0 {
			t.Errorf("mode %s: %d statements are prepared, want none", mode, n)
		}
	}
}

// A program whose role may not change tables opens those that another has migrated.
func TestMigrated(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	_, err := postgres.Open(t.Context(), url, postgres.Config{Migrated: true})
	if e, ok := errors.AsType[*postgres.SchemaError](err); !ok || e.Version != 0 {
		t.Fatalf("Open before Migrate = %v, want a *SchemaError", err)
	}
	admin := open(t, url, postgres.Config{})
	exec(t, admin, `CREATE ROLE app_`+postgrestest.Name(url)+` LOGIN`,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app_`+postgrestest.Name(url))
	t.Cleanup(func() {
		admin.Pool().Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY app_`+postgrestest.Name(url))
		admin.Pool().Exec(context.WithoutCancel(t.Context()), `DROP ROLE app_`+postgrestest.Name(url))
	})
	as := strings.Replace(url, "userpool@", "app_"+postgrestest.Name(url)+"@", 1)
	if _, err := postgres.Open(t.Context(), as, postgres.Config{}); err == nil {
		t.Error("a role that may not change tables migrated")
	}
	journey(t, open(t, as, postgres.Config{Migrated: true}))
	exec(t, admin, `INSERT INTO userpool_schema (version, min_reader) VALUES (99, 98)`)
	if _, err := postgres.Open(t.Context(), as, postgres.Config{Migrated: true}); err == nil {
		t.Error("Open on tables of a version beyond our reading succeeded")
	}
}

// Who was given a schema need not be one who may make schemas.
func TestMigrateIntoSchemaThatWasGiven(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	role := "owner_" + postgrestest.Name(url)
	admin := open(t, url, postgres.Config{})
	exec(t, admin, `CREATE ROLE `+role+` LOGIN`, `CREATE SCHEMA auth AUTHORIZATION `+role)
	t.Cleanup(func() {
		admin.Pool().Exec(context.WithoutCancel(t.Context()), `DROP OWNED BY `+role+` CASCADE`)
		admin.Pool().Exec(context.WithoutCancel(t.Context()), `DROP ROLE `+role)
	})
	as := strings.Replace(url, "userpool@", role+"@", 1)
	journey(t, open(t, as, postgres.Config{Schema: "auth"}))
	if _, err := postgres.Open(t.Context(), as, postgres.Config{Schema: "other"}); err == nil {
		t.Error("a role made a schema that may not")
	}
	_, err := postgres.Open(t.Context(), as, postgres.Config{Schema: "other", Migrated: true})
	if _, ok := errors.AsType[*postgres.SchemaError](err); !ok {
		t.Errorf("Open in a schema that is not there = %v, want a *SchemaError", err)
	}
}

// Nodes of one program start at once on an empty database.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	failed := make(chan error)
	for range 4 {
		go func() {
			st, err := postgres.Open(context.Background(), url, postgres.Config{Schema: "auth"})
			if err == nil {
				st.Close()
			}
			failed <- err
		}()
	}
	for range 4 {
		if err := <-failed; err != nil {
			t.Error(err)
		}
	}
}

// A server that is not there, or ends sessions, is a passing thing.
func TestServerGone(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	const others = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
	for n := range 20 {
		if n%5 == 0 {
			count(t, st, others)
		}
		err := st.Commit(t.Context(), storage.Put(person(n)))
		if err != nil && !errors.Is(err, storage.ErrRetry) && !errors.Is(err, storage.ErrUnknown) {
			t.Errorf("Commit on a session that was ended = %v, want ErrRetry or ErrUnknown", err)
		}
		if there := stored(t, st, n) != nil; !there && err == nil {
			t.Error("an acknowledged commit is lost")
		}
	}
	if _, err := postgres.Open(t.Context(), "postgres://nobody@127.0.0.1:1/nowhere?connect_timeout=2", postgres.Config{}); err == nil {
		t.Error("Open without a server succeeded")
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	for range 2 {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := st.Commit(t.Context(), storage.Put(person(1))); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Commit after Close = %v, want ErrClosed", err)
	}
	if _, err := st.Read(t.Context(), shop, storage.Want{Now: noon}); !errors.Is(err, storage.ErrClosed) {
		t.Errorf("Read after Close = %v, want ErrClosed", err)
	}
}
