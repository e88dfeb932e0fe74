package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

// outcomes is what became of commits, as they were told.
type outcomes struct {
	sync.Mutex
	of map[int]error // of the n-th user
}

// keep commits users from n on until done is closed, and notes what it was told. It tells when it is
// well under way.
func (o *outcomes) keep(ctx context.Context, st storage.Store, n int, begun func(), done <-chan struct{}) {
	for first := n; ; n++ {
		select {
		case <-done:
			return
		default:
		}
		if n == first+10 {
			begun()
		}
		err := st.Commit(ctx, storage.Put(person(n)))
		o.Lock()
		o.of[n] = err
		o.Unlock()
	}
}

// judge looks whether what was told is true: what was acknowledged is there, what was not written is
// not, and nothing else was told than these and that nobody knows.
func (o *outcomes) judge(t *testing.T, st storage.Store) (acknowledged, unwritten, unknown int) {
	t.Helper()
	for n, err := range o.of {
		there := stored(t, st, n) != nil
		switch {
		case err == nil:
			acknowledged++
			if !there {
				t.Errorf("user %d was acknowledged, and is lost", n)
			}
		case errors.Is(err, storage.ErrRetry):
			unwritten++
			if there {
				t.Errorf("user %d is there, after %v", n, err)
			}
		case errors.Is(err, storage.ErrUnknown):
			unknown++
		default:
			t.Errorf("user %d: %v, want ErrRetry or ErrUnknown", n, err)
		}
	}
	return acknowledged, unwritten, unknown
}

// under runs commits of four writers while something is done to the server, and after it until they
// pass again, and judges them.
func under(t *testing.T, st *postgres.Store, what string, do func()) {
	t.Helper()
	o, done := &outcomes{of: map[int]error{}}, make(chan struct{})
	var all, begun sync.WaitGroup
	begun.Add(4)
	for w := range 4 {
		all.Go(func() { o.keep(t.Context(), st, w*100_000, begun.Done, done) })
	}
	begun.Wait()
	do()
	close(done)
	all.Wait()
	recovers(t, st)
	acknowledged, unwritten, unknown := o.judge(t, st)
	t.Logf("%s: %d acknowledged, %d not written, %d unknown", what, acknowledged, unwritten, unknown)
}

// recovers fails unless commits pass again by themselves.
func recovers(t *testing.T, st storage.Store) {
	t.Helper()
	var err error
	for range 100 {
		d := &storage.Document{Pool: shop, Kind: "recovered", ID: rand.Text(), Created: noon, Updated: noon}
		if err = st.Commit(t.Context(), storage.Put(d)); err == nil {
			return
		}
	}
	t.Errorf("the store does not recover: %v", err)
}

// ending makes commits of users take a while at their very end, so that what befalls a server also
// befalls them there.
func ending(t *testing.T, st *postgres.Store) {
	t.Helper()
	exec(t, st, `CREATE TABLE slow (id text)`,
		`CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.001); RETURN NULL; END'`,
		`CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow()`)
}

func slow(c storage.UserChange) []postgres.Exec {
	return []postgres.Exec{{SQL: `INSERT INTO slow VALUES ($1)`, Args: []any{string(c.User.ID)}}}
}

// TestFault restarts, kills and starts the server anew, and terminates or cancels its sessions, all
// under load: no commit is told a lie, and the store goes on by itself.
func TestFault(t *testing.T) {
	t.Parallel()
	s := postgrestest.NewServer(t, "max_connections=30")
	for name, do := range map[string]func(signal func(string)){
		"restarted":  func(func(string)) { s.Restart() },
		"killed":     func(func(string)) { s.Kill(); s.Start() },
		"terminated": func(signal func(string)) { signal("pg_terminate_backend") },
		"cancelled":  func(signal func(string)) { signal("pg_cancel_backend") },
	} {
		st := open(t, s.Database()+"?pool_max_conns=6", postgres.Config{Also: slow})
		commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
		ending(t, st)
		under(t, st, name, func() {
			do(func(function string) {
				const others = `SELECT count(*) FROM (SELECT pg_sleep(0.003)) AS s, LATERAL (SELECT FUNCTION(pid) FROM pg_stat_activity
					WHERE datname LIKE 't%' AND state = 'active' AND pid <> pg_backend_pid() AND s IS NOT NULL) AS ended`
				for range 30 {
					s.Exec(strings.Replace(others, "FUNCTION", function, 1))
				}
			})
		})
		st.Close()
	}
}

// TestSQLSTATE lets a server fail with errors that are hard to come by, before the end of a
// transaction and at it: the truth is told, and the one connection is as before.
func TestSQLSTATE(t *testing.T) {
	t.Parallel()
	st := open(t, postgrestest.Database(t)+"?pool_max_conns=1", postgres.Config{Also: func(c storage.UserChange) []postgres.Exec {
		code, when, _ := strings.Cut(c.User.Attributes["name"], " ")
		return []postgres.Exec{{SQL: `INSERT INTO faulty VALUES ($1, $2)`, Args: []any{code, when}}}
	}})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	exec(t, st, `CREATE TABLE faulty (code text, time text)`,
		`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION USING ERRCODE = NEW.code, MESSAGE = ''it fails''; END'`,
		`CREATE TRIGGER now BEFORE INSERT ON faulty FOR EACH ROW WHEN (NEW.time = 'now') EXECUTE FUNCTION fail()`,
		`CREATE CONSTRAINT TRIGGER later AFTER INSERT ON faulty DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.time = 'later') EXECUTE FUNCTION fail()`)
	backend := count(t, st, `SELECT pg_backend_pid()`)
	n := 0
	for code, want := range map[string]struct{ now, later error }{
		"40001": {storage.ErrRetry, storage.ErrRetry},
		"40P01": {storage.ErrRetry, storage.ErrRetry},
		"40003": {storage.ErrUnknown, storage.ErrUnknown},
		"08006": {storage.ErrUnknown, storage.ErrUnknown},
		"53100": {storage.ErrRetry, storage.ErrUnknown},
		"53200": {storage.ErrRetry, storage.ErrUnknown},
		"57014": {storage.ErrRetry, storage.ErrUnknown},
		"58030": {storage.ErrRetry, storage.ErrUnknown},
		"XX000": {storage.ErrRetry, storage.ErrUnknown},
		"23514": {nil, nil},
		"P0001": {nil, nil},
	} {
		for when, want := range map[string]error{"now": want.now, "later": want.later} {
			n++
			p := person(n)
			p.Attributes = user.Attributes{"name": code + " " + when}
			err := st.Commit(t.Context(), storage.Put(p))
			if err == nil || stored(t, st, n) != nil {
				t.Errorf("%s %s: Commit = %v, and the user is there: %t", code, when, err, stored(t, st, n) != nil)
			}
			for _, class := range []error{storage.ErrRetry, storage.ErrUnknown} {
				if errors.Is(err, class) != (class == want) {
					t.Errorf("%s %s: Commit = %v, want %v", code, when, err, want)
				}
			}
		}
	}
	if got := count(t, st, `SELECT pg_backend_pid()`); got != backend {
		t.Error("a failed commit cost the connection")
	}
}

// chores are calls beside commits and reads.
func chores(ctx context.Context, st *postgres.Store) map[string]func() error {
	return map[string]func() error{
		"Lease": func() error {
			_, err := st.Lease(ctx, storage.Lease{Name: "chore", Holder: "me", Now: noon, Until: noon.Add(time.Minute)})
			return err
		},
		"Sweep":   func() error { _, err := st.Sweep(ctx, noon, 10); return err },
		"Trim":    func() error { _, err := st.Trim(ctx, shop, 1, 10); return err },
		"Drop":    func() error { _, err := st.Drop(ctx, shop, 10); return err },
		"Due":     func() error { _, err := st.Due(ctx, nil, -1, noon, 10); return err },
		"Changed": func() error { _, err := st.Changed(ctx, ""); return err },
		"Now":     func() error { _, err := st.Now(ctx); return err },
	}
}

// TestChoresOutOfTime: a chore that waits for longer than the role permits has done nothing.
func TestChoresOutOfTime(t *testing.T) {
	t.Parallel()
	url := postgrestest.Database(t)
	st := open(t, url, postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	got, err := st.Pools(t.Context(), storage.PoolQuery{ID: shop})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, st, storage.Delete(got.Pools[0]))
	exec(t, st, `ALTER DATABASE `+postgrestest.Name(url)+` SET lock_timeout = '50ms'`)
	st.Pool().Reset()
	tx, err := st.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `LOCK TABLE userpool_sessions, userpool_leases`); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Lease", "Sweep", "Drop"} {
		if err := chores(t.Context(), st)[name](); !errors.Is(err, storage.ErrRetry) {
			t.Errorf("%s that waits for another = %v, want ErrRetry", name, err)
		}
	}
}

// TestOutOfConnections: a server that has none left says so at once, and the store goes on when it has.
func TestOutOfConnections(t *testing.T) {
	t.Parallel()
	s := postgrestest.NewServer(t, "max_connections=6", "superuser_reserved_connections=0")
	st := open(t, s.URL(), postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	var taken []*pgx.Conn
	st.Pool().Reset()
	for len(taken) < 6 {
		conn, err := pgx.Connect(t.Context(), s.URL())
		if err != nil {
			continue // the ones of the store end
		}
		taken = append(taken, conn)
	}
	for name, call := range chores(t.Context(), st) {
		if err := call(); !errors.Is(err, storage.ErrRetry) {
			t.Errorf("%s without a connection = %v, want ErrRetry", name, err)
		}
	}
	start := time.Now()
	for range 20 {
		if err := st.Commit(t.Context(), storage.Put(person(1))); !errors.Is(err, storage.ErrRetry) {
			t.Errorf("Commit without a connection = %v, want ErrRetry", err)
		}
		if _, err := st.Read(t.Context(), shop, storage.Want{Now: noon}); !errors.Is(err, storage.ErrRetry) {
			t.Errorf("Read without a connection = %v, want ErrRetry", err)
		}
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("40 calls without a connection took %v", d)
	}
	if _, err := postgres.Open(t.Context(), s.URL(), postgres.Config{}); err == nil {
		t.Error("Open without a connection succeeded")
	}
	for _, conn := range taken {
		conn.Close(t.Context())
	}
	recovers(t, st)
}

// TestReadOnly: a server that takes no commits is read, and told apart; where it is promoted the store
// goes on.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := postgrestest.NewServer(t)
	st := open(t, s.URL(), postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	reads := ofApp(t, s.URL(), nil) // Open does not even connect
	refuses := func(what string) {
		t.Helper()
		for how, st := range map[string]*postgres.Store{"Open": st, "New": reads} {
			if err := st.Commit(t.Context(), storage.Put(person(1))); !errors.Is(err, storage.ErrRetry) {
				t.Errorf("Commit of %s on %s = %v, want ErrRetry", how, what, err)
			}
		}
		if stored(t, reads, 1) != nil {
			t.Errorf("%s took a commit", what)
		}
	}
	s.Exec(`ALTER DATABASE postgres SET default_transaction_read_only = on`)
	st.Pool().Reset()
	reads.Pool().Reset()
	refuses("a database that is read-only")
	s.Exec(`BEGIN READ WRITE; ALTER DATABASE postgres RESET default_transaction_read_only; COMMIT`)
	recovers(t, st)

	s.Stop()
	st.Pool().Reset()
	reads.Pool().Reset()
	if err := os.WriteFile(filepath.Join(s.Data(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.Start()
	refuses("a standby")
	s.Exec(`SELECT pg_promote()`)
	recovers(t, st)
}

// TestTimeLimits: a role's limits of time end a commit that waits for another's lock.
func TestTimeLimits(t *testing.T) {
	t.Parallel()
	for _, limit := range []string{"lock_timeout", "statement_timeout"} {
		url := postgrestest.Database(t)
		st := open(t, url, postgres.Config{})
		commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}), storage.Put(person(1)))
		exec(t, st, `ALTER DATABASE `+postgrestest.Name(url)+` SET `+limit+` = '50ms'`)
		st.Pool().Reset()
		tx, err := st.Pool().Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `UPDATE userpool_users SET status = status`); err != nil {
			t.Fatal(err)
		}
		p := stored(t, st, 1)
		p.Attributes = user.Attributes{"name": "Grace"}
		start := time.Now()
		if err := st.Commit(t.Context(), storage.Put(p)); !errors.Is(err, storage.ErrRetry) {
			t.Errorf("Commit that waits with %s = %v, want ErrRetry", limit, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s of 50 ms ended a commit after %v", limit, d)
		}
		if stored(t, st, 1).Attributes["name"] == "Grace" {
			t.Errorf("what %s ended was written", limit)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		recovers(t, st)
	}
}

// TestSilentServer stops the server where it stands: whose context ends leaves, at once from a read and
// soon from a commit, whose outcome nobody knows. The store goes on with the server.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	s := postgrestest.NewServer(t)
	st := open(t, s.URL()+"?pool_max_conns=4", postgres.Config{})
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	s.Pause()
	ends := func(limit time.Duration, call func(ctx context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := call(ctx)
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, storage.ErrUnknown) {
			t.Errorf("a call to a silent server = %v, want the context's error or ErrUnknown", err)
		}
		if d := time.Since(start); d > limit {
			t.Errorf("a call to a silent server left after %v", d)
		}
	}
	var all sync.WaitGroup
	for n := range 8 { // more than there are connections
		all.Go(func() {
			ends(5*time.Second, func(ctx context.Context) error { return st.Commit(ctx, storage.Put(person(n))) })
			ends(2*time.Second, func(ctx context.Context) error {
				_, err := st.Read(ctx, shop, storage.Want{Now: noon})
				return err
			})
		})
	}
	all.Wait()
	s.Resume()
	recovers(t, st)
	if n := count(t, st, `SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'`); n != 0 {
		t.Errorf("%d connections stand in a transaction", n)
	}
}

// ofApp returns a store on connections that the app has made, to a database with our tables.
func ofApp(t testing.TB, url string, tracer pgx.QueryTracer) *postgres.Store {
	t.Helper()
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	c.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	st, err := postgres.New(t.Context(), pool, postgres.Config{Migrated: true})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// untimed notes what is sent to the server without an end by which an answer must have come.
type untimed struct {
	sync.Mutex
	sent []string
}

func (u *untimed) note(ctx context.Context, query string) context.Context {
	if _, ok := ctx.Deadline(); !ok {
		u.Lock()
		defer u.Unlock()
		u.sent = append(u.sent, query)
	}
	return ctx
}

func (u *untimed) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	return u.note(ctx, d.SQL)
}
func (u *untimed) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (u *untimed) TraceBatchStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceBatchStartData) context.Context {
	return u.note(ctx, d.Batch.QueuedQueries[0].SQL)
}
func (u *untimed) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (u *untimed) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

// TestEverythingIsTimed: a server that takes what is sent, and never answers, holds nobody up for ever,
// also where the caller's context has no end: who follows the feed, or is at a chore, asks again.
func TestEverythingIsTimed(t *testing.T) {
	t.Parallel()
	var u untimed
	url := postgrestest.Database(t)
	open(t, url, postgres.Config{})
	st := ofApp(t, url, &u)
	u.sent = nil // of New, whose end is the caller's
	ctx := context.Background()
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	calls := chores(ctx, st)
	calls["Commit"] = func() error { return st.Commit(ctx, storage.Put(person(1))) }
	calls["Read"] = func() error { _, err := st.Read(ctx, shop, storage.Want{Now: noon}); return err }
	calls["Users"] = func() error { _, err := st.Users(ctx, shop, storage.UserQuery{Now: noon}); return err }
	calls["Pools"] = func() error { _, err := st.Pools(ctx, storage.PoolQuery{}); return err }
	for name, call := range calls {
		if err := call(); err != nil && name != "Drop" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(u.sent) > 0 {
		t.Errorf("sent without a bound on the time: %q", u.sent)
	}
}
