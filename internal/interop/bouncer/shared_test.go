package bouncer_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

const shop user.PoolID = "shop"

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// behind starts a server with a bouncer that has one connection for all, and opens a store through it.
func behind(t *testing.T, config postgres.Config) (*postgrestest.Server, *postgrestest.Bouncer, *postgres.Store) {
	t.Helper()
	s := postgrestest.NewServer(t)
	b := postgrestest.NewBouncer(t, s, "default_pool_size=1")
	st, err := postgres.Open(t.Context(), b.URL("postgres")+"?default_query_exec_mode=exec&pool_max_conns=8", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.Commit(t.Context(), storage.Put(&storage.Pool{ID: shop, Issuer: "https://shop.test", Created: noon})); err != nil {
		t.Fatal(err)
	}
	return s, b, st
}

func document(id string) *storage.Document {
	return &storage.Document{Pool: shop, Kind: "note", ID: id, Body: []byte("{}"), Created: noon, Updated: noon}
}

// TestNothingFallsBetween commits by many on the one connection of the server: each statement is noted
// with its transaction, and those of a commit have one that nobody else's statements are in. Every
// second commit is refused, and none of them leaves the connection in a transaction that failed.
func TestNothingFallsBetween(t *testing.T) {
	const callers, commits = 8, 20
	_, b, st := behind(t, postgres.Config{Also: func(c storage.UserChange) []postgres.Exec {
		// Two statements of one commit, and what stands between them shows whose they are.
		note := postgres.Exec{SQL: `INSERT INTO notes (who) VALUES ($1)`, Args: []any{string(c.User.ID)}}
		return []postgres.Exec{note, note}
	}})
	if _, err := st.Pool().Exec(t.Context(), `CREATE TABLE notes (n bigserial, who text, backend int DEFAULT pg_backend_pid(), transaction text DEFAULT pg_current_xact_id()::text)`); err != nil {
		t.Fatal(err)
	}
	taken := document("taken")
	if err := st.Commit(t.Context(), storage.Put(taken)); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for n := range commits {
				u := &user.User{Pool: shop, ID: user.ID(fmt.Sprintf("%032d", c*commits+n)), Status: user.Confirmed, Created: noon, Updated: noon}
				if err := st.Commit(t.Context(), storage.Put(u)); err != nil {
					t.Errorf("Commit = %v", err)
				}
				other := *u
				other.ID, other.Version = user.ID(fmt.Sprintf("%032d", 1000+c*commits+n)), 0
				if err := st.Commit(t.Context(), storage.Put(&other), storage.Put(document("taken"))); !errors.Is(err, storage.ErrStale) {
					t.Errorf("Commit of what is there already = %v, want ErrStale", err)
				}
			}
		})
	}
	all.Wait()
	const query = `SELECT count(*), count(DISTINCT who), count(DISTINCT transaction), count(DISTINCT backend), count(DISTINCT who || transaction) FROM notes`
	var notes, users, transactions, backends, pairs int
	if err := st.Pool().QueryRow(t.Context(), query).Scan(&notes, &users, &transactions, &backends, &pairs); err != nil {
		t.Fatal(err)
	}
	const want = callers * commits
	if notes != 2*want || users != want || transactions != want || pairs != want {
		t.Errorf("%d notes of %d users in %d transactions (%d pairs), want %d of %d, each in one of its own", notes, users, transactions, pairs, 2*want, want)
	}
	if backends != 1 {
		t.Errorf("%d connections of the server were used, want the one that is never thrown away", backends)
	}
	servers, err := b.Show(t.Context(), "servers")
	if err != nil || len(servers) != 1 || servers[0]["state"] != "idle" {
		t.Errorf("the bouncer has %v, %v, want one idle connection", servers, err)
	}
}

// TestStartup tells what the URL may hold: a bouncer refuses what it would have to set anew for each
// transaction, and says so when the store is opened.
func TestStartup(t *testing.T) {
	_, b, _ := behind(t, postgres.Config{Schema: "auth"})
	for query, refused := range map[string]string{
		"search_path=auth":                       "search_path",
		"statement_timeout=1000":                 "statement_timeout",
		"lock_timeout=1000":                      "lock_timeout",
		"options=-c%20search_path%3Dauth":        "options",
		"application_name=shop":                  "",
		"connect_timeout=5&pool_max_conns=3":     "",
		"sslmode=disable&timezone=Europe/Berlin": "",
	} {
		st, err := postgres.Open(t.Context(), b.URL("postgres")+"?default_query_exec_mode=exec&"+query, postgres.Config{Schema: "auth", Migrated: true})
		switch {
		case err == nil && refused == "":
			st.Close()
		case err == nil:
			t.Errorf("%s is passed over", query)
			st.Close()
		case refused == "" || !strings.Contains(err.Error(), refused):
			t.Errorf("Open with %s = %v, want a word about %q", query, err, refused)
		}
	}
}

// TestModes: where statements are prepared by name, the next transaction finds another connection, or
// another's statement of that name.
func TestModes(t *testing.T) {
	_, b, _ := behind(t, postgres.Config{})
	for mode, works := range map[string]bool{"exec": true, "cache_describe": true, "describe_exec": true, "cache_statement": false, "": false} {
		address := b.URL("postgres")
		if mode != "" {
			address += "?default_query_exec_mode=" + mode
		}
		err := many(t, address)
		if (err == nil) != works {
			t.Errorf("mode %q: %v, want success %t", mode, err, works)
		}
		if err != nil && !strings.Contains(err.Error(), "add default_query_exec_mode=exec") {
			t.Errorf("mode %q: %v, want what to do about it", mode, err)
		}
	}
	if _, err := postgres.Open(t.Context(), b.URL("postgres")+"?default_query_exec_mode=simple_protocol", postgres.Config{}); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("Open with values inside of statements = %v, want ErrInvalid", err)
	}
}

// many reads and writes by several clients in turn, and returns the first error.
func many(t *testing.T, address string) error {
	t.Helper()
	for n := range 3 {
		st, err := postgres.Open(t.Context(), address, postgres.Config{})
		if err != nil {
			return err
		}
		defer st.Close()
		if err := st.Commit(t.Context(), storage.Put(document(fmt.Sprintf("%s-%d", address, n)))); err != nil {
			return err
		}
		if _, err := st.Read(t.Context(), shop, storage.Want{Now: noon}); err != nil {
			return err
		}
	}
	return nil
}
