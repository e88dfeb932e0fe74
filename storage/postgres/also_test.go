package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

const shop user.PoolID = "shop"

const accounts = `CREATE TABLE accounts (user_id text PRIMARY KEY REFERENCES userpool_users (id) ON DELETE CASCADE, plan text NOT NULL CHECK (plan <> ''))`

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// account adds the app's row where a user first is somebody, and refuses a user named "refused".
func account(c storage.UserChange) []postgres.Exec {
	if !c.Created() {
		return nil
	}
	plan := "free"
	if c.User.Attributes["name"] == "refused" {
		plan = ""
	}
	return []postgres.Exec{{SQL: `INSERT INTO accounts (user_id, plan) VALUES ($1, $2)`, Args: []any{string(c.User.ID), plan}}}
}

func email(n int) string { return fmt.Sprintf("person%d@example.com", n) }

// userID returns the n-th user id: a random UUID, the same each time.
func userID(n int) user.ID {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	a, b := r.Uint64(), r.Uint64()
	return user.ID(fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", uint32(a), uint16(a>>32), a>>52, b>>52, b&(1<<48-1)))
}

func person(n int) *user.User {
	return &user.User{
		Pool: shop, ID: userID(n), Status: user.Confirmed, Epoch: 1, Created: noon.Add(time.Duration(n) * time.Second), Updated: noon,
		Logins:     []user.Login{{Namespace: user.Name, Value: email(n), Display: email(n)}},
		Attributes: user.Attributes{"email": email(n), "name": fmt.Sprint("Ada ", n)},
	}
}

// attempt returns the n-th user as a sign-up at the address of another.
func attempt(n, at int) *user.User {
	u := person(n)
	u.Status, u.Logins = user.Unconfirmed, nil
	u.Attempt = &user.Attempt{Login: user.Login{Namespace: user.Name, Value: email(at), Display: email(at)}, Expires: noon.Add(time.Hour)}
	return u
}

// open opens a store on the database at url, which the end of the test closes.
func open(t testing.TB, url string, config postgres.Config) *postgres.Store {
	t.Helper()
	st, err := postgres.Open(t.Context(), url, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

// opened returns a store on a database of its own, with a pool in it.
func opened(t testing.TB, config postgres.Config) *postgres.Store {
	t.Helper()
	st := open(t, postgrestest.Database(t), config)
	commit(t, st, storage.Put(&storage.Pool{ID: shop, Created: noon}))
	return st
}

func commit(t testing.TB, st storage.Store, changes ...storage.Change) {
	t.Helper()
	if err := st.Commit(t.Context(), changes...); err != nil {
		t.Fatalf("Commit: %v", err)
	}
}

// stored returns the n-th user as it is stored, or nil.
func stored(t testing.TB, st storage.Store, n int) *user.User {
	t.Helper()
	got, err := st.Read(t.Context(), shop, storage.Want{Now: noon, User: user.ByID(userID(n))})
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return got.User
}

// exec runs the app's own statements.
func exec(t testing.TB, st *postgres.Store, queries ...string) {
	t.Helper()
	for _, q := range queries {
		if _, err := st.Pool().Exec(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}

func count(t testing.TB, st *postgres.Store, query string, args ...any) (n int) {
	t.Helper()
	if err := st.Pool().QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAlsoJoinsTheCommit(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{Also: account})
	exec(t, st, accounts)
	commit(t, st, storage.Put(person(1)), storage.Put(attempt(2, 2)))
	if n := count(t, st, `SELECT count(*) FROM accounts`); n != 1 {
		t.Errorf("%d accounts, want 1: an unproven sign-up is nobody", n)
	}
	u := stored(t, st, 2)
	u.Status, u.Logins, u.Attempt = user.Confirmed, []user.Login{u.Attempt.Login}, nil
	commit(t, st, storage.Put(u))
	if n := count(t, st, `SELECT count(*) FROM accounts WHERE user_id = $1`, string(userID(2))); n != 1 {
		t.Error("the confirmed sign-up has no account")
	}
	refused := person(3)
	refused.Attributes["name"] = "refused"
	err := st.Commit(t.Context(), storage.Put(refused))
	if c, ok := errors.AsType[*storage.ChangeError](err); !ok || c.Index != 0 || errors.Is(err, storage.ErrRetry) {
		t.Errorf("a commit whose app statement fails = %v, want the change that caused it", err)
	}
	if stored(t, st, 3) != nil {
		t.Error("a refused commit wrote the user")
	}
	commit(t, st, storage.Delete(stored(t, st, 1)))
	if n := count(t, st, `SELECT count(*) FROM accounts`); n != 1 {
		t.Errorf("%d accounts after the delete, want 1", n)
	}
}

func TestForeignKeyOfTheAppRefusesTheDelete(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]string{"no action": "", "restrict": "ON DELETE RESTRICT", "deferred": "DEFERRABLE INITIALLY DEFERRED"} {
		st := opened(t, postgres.Config{})
		exec(t, st, `CREATE TABLE orders (user_id text REFERENCES userpool_users (id) `+rule+`)`)
		commit(t, st, storage.Put(person(1)), storage.Put(person(2)))
		exec(t, st, `INSERT INTO orders VALUES ('`+string(userID(1))+`')`)
		err := st.Commit(t.Context(), storage.Delete(stored(t, st, 1)))
		if !errors.Is(err, storage.ErrReferenced) {
			t.Errorf("%s: Delete = %v, want ErrReferenced", name, err)
		}
		if stored(t, st, 1) == nil {
			t.Errorf("%s: the user is gone", name)
		}
		commit(t, st, storage.Delete(stored(t, st, 2)))
	}
}

// A row of the app's that holds on to a sign-up stops neither the sweeper nor the next sign-up.
func TestHeldAttemptStopsNobody(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	exec(t, st, `CREATE TABLE visits (user_id text REFERENCES userpool_users (id))`)
	for n := range 3 {
		commit(t, st, storage.Put(attempt(n, 9)))
	}
	for n := range 3 {
		exec(t, st, `INSERT INTO visits VALUES ('`+string(userID(n))+`')`)
	}
	commit(t, st, storage.Put(attempt(3, 9)), storage.Put(&storage.Ticket{Pool: shop, ID: "t", Created: noon, Expires: noon.Add(time.Minute)}))
	if erased, err := st.Sweep(t.Context(), noon.Add(2*time.Hour), 100); err != nil {
		t.Errorf("Sweep = %d, %v", erased, err)
	}
	if n := count(t, st, `SELECT count(*) FROM userpool_tickets`); n != 0 {
		t.Errorf("%d tickets left, want the sweep to go on", n)
	}
	if n := count(t, st, `SELECT count(*) FROM userpool_users`); n != 3 {
		t.Errorf("%d sign-ups left, want the three that are held", n)
	}
}

// waits returns when somebody waits for another's lock in the database, or has come to an end.
func waits(t testing.TB, st *postgres.Store, end <-chan error) {
	t.Helper()
	const waiting = `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for len(end) == 0 && count(t, st, waiting) == 0 {
		runtime.Gosched()
	}
}

// Who is confirmed while sign-ups are swept one by one, because one of them is held, is not among them:
// the clocks of processes differ.
func TestConfirmedMeanwhileIsNotSwept(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	exec(t, st, `CREATE TABLE visits (user_id text REFERENCES userpool_users (id))`)
	commit(t, st, storage.Put(attempt(1, 1)), storage.Put(attempt(2, 2)))
	exec(t, st, `INSERT INTO visits VALUES ('`+string(userID(1))+`')`)
	tx, err := st.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	u := stored(t, st, 2)
	u.Status, u.Logins, u.Attempt = user.Confirmed, []user.Login{u.Attempt.Login}, nil
	if err := st.CommitIn(t.Context(), tx, storage.Put(u)); err != nil {
		t.Fatal(err)
	}
	swept := make(chan error, 1)
	go func() {
		_, err := st.Sweep(t.Context(), noon.Add(2*time.Hour), 100)
		swept <- err
	}()
	waits(t, st, swept)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-swept; err != nil || stored(t, st, 2) == nil {
		t.Errorf("Sweep = %v, and the user who was confirmed meanwhile is there: %t", err, stored(t, st, 2) != nil)
	}
}

func TestCommitIn(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{Also: account})
	exec(t, st, accounts)
	tx, err := st.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(person(1))); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stored(t, st, 1) != nil || count(t, st, `SELECT count(*) FROM accounts`) != 0 {
		t.Error("a rolled back transaction left something")
	}
	commit(t, st, storage.Put(person(2)))
	if tx, err = st.Pool().Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(person(3)), storage.Put(person(2))); !errors.Is(err, storage.ErrStale) {
		t.Errorf("CommitIn = %v, want ErrStale", err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(person(4))); err != nil {
		t.Errorf("the transaction after a refusal: %v", err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stored(t, st, 3) != nil || stored(t, st, 4) == nil || count(t, st, `SELECT count(*) FROM accounts`) != 2 {
		t.Error("want the user of the second call, and not of the refused one")
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(person(5))); err == nil {
		t.Error("CommitIn in a transaction that has ended succeeded")
	}
}

// A transaction with a snapshot of its own would see no session, attempt or delete of others, not even
// one that it waited for.
func TestCommitInNeedsReadCommitted(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	for level, want := range map[pgx.TxIsoLevel]error{
		"": nil, pgx.ReadCommitted: nil, pgx.RepeatableRead: storage.ErrInvalid, pgx.Serializable: storage.ErrInvalid,
	} {
		tx, err := st.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: level})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.CommitIn(t.Context(), tx, storage.Put(person(1))); !errors.Is(err, want) {
			t.Errorf("CommitIn in a transaction that is %q = %v, want %v", level, err, want)
		}
		if _, err := tx.Exec(t.Context(), `SELECT 1`); err != nil {
			t.Errorf("the transaction does not go on: %v", err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Commits are READ COMMITTED whatever the role begins: one that waits for another at a login counts
// what that has written.
func TestIsolationOfTheRole(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	exec(t, st, `ALTER ROLE CURRENT_USER IN DATABASE `+postgrestest.Name(st.Pool().Config().ConnString())+` SET default_transaction_isolation = 'repeatable read'`)
	st.Pool().Reset()
	commit(t, st, storage.Put(attempt(1, 9)), storage.Put(attempt(2, 9)))
	tx, err := st.Pool().BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(attempt(3, 9))); err != nil {
		t.Fatal(err)
	}
	put := make(chan error, 1)
	go func() { put <- st.Commit(t.Context(), storage.Put(attempt(4, 9))) }()
	waits(t, st, put)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-put; err != nil {
		t.Error(err)
	}
	if n := count(t, st, `SELECT count(*) FROM userpool_attempts`); n != 3 {
		t.Errorf("%d attempts at one login, want 3", n)
	}
}

// What stands in for a key that no record can have is one that no record can have.
func TestNobodysKey(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\x00", "a\xff"} {
		u := person(1)
		u.Logins[0].Value = postgres.Key(text)
		if _, err := storage.Check([]storage.Change{storage.Put(u)}); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("a record may have what stands in for %q: %v", text, err)
		}
	}
}

func TestUserView(t *testing.T) {
	t.Parallel()
	st := opened(t, postgres.Config{})
	u := person(1)
	u.Logins = append([]user.Login{{Namespace: "idp:x", Value: "1077"}}, u.Logins...)
	u.Attributes["phone_number"] = "+15550100"
	u.Groups = []string{"ops", "staff"}
	commit(t, st, storage.Put(u), storage.Put(attempt(2, 2)))
	var id, pool, status, login, emailed, phone, name string
	var created time.Time
	row := st.Pool().QueryRow(t.Context(), `SELECT id, pool_id, status, login, email, phone_number, name, created FROM userpool_user`)
	if err := row.Scan(&id, &pool, &status, &login, &emailed, &phone, &name, &created); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(id, pool, status, login, emailed, phone, name, created.UTC())
	if want := fmt.Sprint(userID(1), shop, "confirmed", email(1), email(1), "+15550100", u.Attributes["name"], u.Created); got != want {
		t.Errorf("the view says %s, want %s", got, want)
	}
	if n := count(t, st, `SELECT count(*) FROM userpool_user WHERE groups ? 'staff'`); n != 1 {
		t.Errorf("%d users of the view are in the group, want 1", n)
	}
}
