package sqlite_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

const accounts = `CREATE TABLE accounts (user_id TEXT PRIMARY KEY REFERENCES userpool_users (id) ON DELETE CASCADE, plan TEXT NOT NULL CHECK (plan <> ''))`

// account adds the app's row where a user first is somebody, and refuses a user named "refused".
func account(c storage.UserChange) []sqlite.Exec {
	if !c.Created() {
		return nil
	}
	plan := "free"
	if c.User.Attributes["name"] == "refused" {
		plan = ""
	}
	return []sqlite.Exec{{SQL: `INSERT INTO accounts (user_id, plan) VALUES (?, ?)`, Args: []any{string(c.User.ID), plan}}}
}

func count(t testing.TB, st *sqlite.Store, query string, args ...any) (n int) {
	t.Helper()
	if err := st.DB().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// attempt returns the n-th user as a sign-up at the address of another.
func attempt(n, at int) *user.User {
	u := crowd.Person(n)
	u.Status, u.Logins = user.Unconfirmed, nil
	u.Attempt = &user.Attempt{Login: user.Login{Namespace: user.Name, Value: crowd.Email(at), Display: crowd.Email(at)}, Expires: noon.Add(time.Hour)}
	return u
}

func TestAlsoJoinsTheCommit(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{Also: account})
	exec(t, st.DB(), accounts)
	commit(t, st, storage.Put(crowd.Person(1)), storage.Put(attempt(2, 2)))
	if n := count(t, st, `SELECT count(*) FROM accounts`); n != 1 {
		t.Errorf("%d accounts, want 1: an unproven sign-up is nobody", n)
	}
	u := stored(t, st, 2)
	u.Status, u.Logins, u.Attempt = user.Confirmed, []user.Login{u.Attempt.Login}, nil
	commit(t, st, storage.Put(u))
	if n := count(t, st, `SELECT count(*) FROM accounts WHERE user_id = ?`, string(crowd.ID(2))); n != 1 {
		t.Error("the confirmed sign-up has no account")
	}
	refused := crowd.Person(3)
	refused.Attributes["name"] = "refused"
	if err := st.Commit(t.Context(), storage.Put(refused)); err == nil {
		t.Error("a commit whose app statement fails succeeded")
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
		st := opened(t, sqlite.Config{})
		exec(t, st.DB(), `CREATE TABLE orders (user_id TEXT REFERENCES userpool_users (id) `+rule+`)`)
		commit(t, st, storage.Put(crowd.Person(1)), storage.Put(crowd.Person(2)))
		exec(t, st.DB(), `INSERT INTO orders VALUES ('`+string(crowd.ID(1))+`')`)
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
	st := opened(t, sqlite.Config{})
	exec(t, st.DB(), `CREATE TABLE visits (user_id TEXT REFERENCES userpool_users (id))`)
	for n := range 3 {
		commit(t, st, storage.Put(attempt(n, 9)))
	}
	for n := range 3 {
		exec(t, st.DB(), `INSERT INTO visits VALUES ('`+string(crowd.ID(n))+`')`)
	}
	commit(t, st, storage.Put(attempt(3, 9)), storage.Put(&storage.Ticket{Pool: shop, ID: "t", Created: noon, Expires: noon.Add(time.Minute)}))
	exec(t, st.DB(), `UPDATE userpool_users SET body = 'damaged' WHERE id = '`+string(crowd.ID(3))+`'`)
	erased, err := st.Sweep(t.Context(), noon.Add(2*time.Hour), 100)
	if err != nil {
		t.Errorf("Sweep = %d, %v", erased, err)
	}
	if n := count(t, st, `SELECT count(*) FROM userpool_tickets`); n != 0 {
		t.Errorf("%d tickets left, want the sweep to go on", n)
	}
}

// valuer is an argument that panics when it is asked for its value.
type valuer struct{}

func (valuer) Value() (driver.Value, error) { panic("asked") }

func TestPanickingArgumentHitsItsCaller(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{Also: func(storage.UserChange) []sqlite.Exec { return []sqlite.Exec{{SQL: `SELECT ?`, Args: []any{valuer{}}}} }})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not reach the caller")
			}
		}()
		st.Commit(t.Context(), storage.Put(crowd.Person(1)))
	}()
	commit(t, st, storage.Put(&storage.Document{Pool: shop, Kind: "k", ID: "d", Created: noon, Updated: noon}))
}

func TestCommitIn(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{Also: account})
	exec(t, st.DB(), accounts)
	tx, err := st.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(crowd.Person(1))); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if stored(t, st, 1) != nil || count(t, st, `SELECT count(*) FROM accounts`) != 0 {
		t.Error("a rolled back transaction left something")
	}
	commit(t, st, storage.Put(crowd.Person(2)))
	stale := crowd.Person(2)
	if tx, err = st.DB().BeginTx(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(crowd.Person(3)), storage.Put(stale)); !errors.Is(err, storage.ErrStale) {
		t.Errorf("CommitIn = %v, want ErrStale", err)
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(crowd.Person(4))); err != nil {
		t.Errorf("the transaction after a refusal: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if stored(t, st, 3) != nil || stored(t, st, 4) == nil || count(t, st, `SELECT count(*) FROM accounts`) != 2 {
		t.Error("want the user of the second call, and not of the refused one")
	}
	if err := st.CommitIn(t.Context(), tx, storage.Put(crowd.Person(5))); err == nil {
		t.Error("CommitIn in a transaction that has ended succeeded")
	}
}

func TestUserView(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{})
	u := crowd.Person(1)
	u.Logins = append([]user.Login{{Namespace: "idp:x", Value: "1077"}}, u.Logins...)
	u.Attributes["phone_number"] = "+15550100"
	u.Groups = []string{"ops", "staff"}
	commit(t, st, storage.Put(u), storage.Put(attempt(2, 2)))
	var id, pool, status, login, emailed, phone, name string
	row := st.DB().QueryRowContext(t.Context(), `SELECT id, pool_id, status, login, email, phone_number, name FROM userpool_user`)
	if err := row.Scan(&id, &pool, &status, &login, &emailed, &phone, &name); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(id, pool, status, login, emailed, phone, name)
	if want := fmt.Sprint(crowd.ID(1), shop, "confirmed", crowd.Email(1), crowd.Email(1), "+15550100", u.Attributes["name"]); got != want {
		t.Errorf("the view says %s, want %s", got, want)
	}
	var groups string
	if err := st.DB().QueryRowContext(t.Context(), `SELECT groups FROM userpool_user`).Scan(&groups); err != nil || groups != `["ops","staff"]` {
		t.Errorf("the view says groups %s, %v", groups, err)
	}
	in := `SELECT count(*) FROM userpool_user AS u, json_each(u.groups) AS g WHERE g.value = 'staff'`
	if n := count(t, st, in); n != 1 {
		t.Errorf("%d users of the view are in the group, want 1", n)
	}
	if n := count(t, st, `SELECT count(*) FROM userpool_user`); n != 1 {
		t.Errorf("%d users in the view, want 1: an unproven sign-up is nobody", n)
	}
}

// Values that an app writes into its SQL do not fill the memory with statements.
func TestAppStatementsAreNotKeptForEver(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{Synchronous: sqlite.Normal, Also: func(c storage.UserChange) []sqlite.Exec {
		return []sqlite.Exec{{SQL: fmt.Sprintf(`INSERT INTO notes VALUES ('%s')`, c.User.ID)}}
	}})
	exec(t, st.DB(), `CREATE TABLE notes (user_id TEXT)`)
	for n := range 700 {
		commit(t, st, storage.Put(crowd.Person(n)))
	}
	if kept := sqlite.Statements(st); kept > 520 {
		t.Errorf("%d statements are kept after 700 users, want them bounded", kept)
	}
}

// A row of a status that this version does not know is an error, and the next read goes on.
func TestUnknownStatus(t *testing.T) {
	t.Parallel()
	st := opened(t, sqlite.Config{Readers: 1})
	commit(t, st, storage.Put(crowd.Person(1)), storage.Put(crowd.Person(2)))
	exec(t, st.DB(), `UPDATE userpool_users SET status = 77 WHERE id = '`+string(crowd.ID(1))+`'`)
	for range 3 {
		if _, err := st.Read(t.Context(), shop, storage.Want{Now: noon, User: user.ByID(crowd.ID(1))}); err == nil {
			t.Error("Read of a status that is not known succeeded")
		}
		if stored(t, st, 2) == nil {
			t.Error("the next read found nothing")
		}
	}
}
