package pool_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// Who is deleted is gone in one commit: sessions, logins, what waits to be sent, and where they
// were.
func TestS13_DeletedUsersLeaveNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.store.keepMail(true)
		d, err := pool.Finished(k.signInFrom(from(1), ada, right))
		if err != nil {
			t.Fatal(err)
		}
		browser, id := k.browse(ada), k.user(ada).ID
		if _, err := k.admin().ResetPassword(t.Context(), pool.RequireResetInput{ID: id}); err != nil {
			t.Fatal(err)
		}
		v, err := k.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		if err := k.admin().DeleteUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh = %v", err)
		}
		if _, err := v.Verify(t.Context(), d.Tokens.Access.Reveal()); err == nil {
			t.Error("the access token still verifies")
		}
		if _, _, err := k.Session(t.Context(), browser.Cookie); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("browser session = %v", err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-in = %v", err)
		}
		if due, err := k.store.Due(t.Context(), nil, -1, k.clock.Now().Add(time.Hour), 10); err != nil || slices.ContainsFunc(due, func(o *storage.Outgoing) bool { return o.Owner == id }) {
			t.Errorf("%d messages wait, %v", len(due), err)
		}
		page, err := k.ListEvents(t.Context(), pool.EventQuery{User: id})
		if err != nil || len(page.Events) == 0 {
			t.Fatal(page, err)
		}
		for _, e := range page.Events {
			if e.IP.IsValid() {
				t.Errorf("event %s still says where they were", e.Kind)
			}
		}
		if report, err := k.VerifyEvents(t.Context()); err != nil || !report.Intact() {
			t.Errorf("VerifyEvents = %+v, %v", report, err)
		}
		if err := k.admin().DeleteUser(t.Context(), id); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("again = %v, want ErrNotFound", err)
		}
		if again := k.invited(ada); again == id {
			t.Error("the id was used again")
		}
	})
}

// The app's own rows are in the commits of administrators, and may refuse a delete.
func TestAdminAndTheAppsRows(t *testing.T) {
	t.Parallel()
	var st *sqlite.Store
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{Also: func(c storage.UserChange) []sqlite.Exec {
		switch {
		case c.Created():
			return []sqlite.Exec{{SQL: `INSERT INTO accounts (user_id, name) VALUES (?, ?)`, Args: []any{string(c.User.ID), c.User.Attributes["name"]}}}
		case c.Deleted():
			return []sqlite.Exec{{SQL: `DELETE FROM accounts WHERE user_id = ?`, Args: []any{string(c.User.ID)}}}
		}
		return []sqlite.Exec{{SQL: `UPDATE accounts SET name = ? WHERE user_id = ?`, Args: []any{c.User.Attributes["name"], string(c.User.ID)}}}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{
		`CREATE TABLE accounts (user_id TEXT PRIMARY KEY, name TEXT)`,
		`CREATE TABLE orders (user_id TEXT REFERENCES userpool_users(id))`,
	} {
		if _, err := st.DB().ExecContext(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	k := openOn(t, st)
	rows := func(want ...string) {
		t.Helper()
		var got []string
		rows, err := st.DB().QueryContext(t.Context(), `SELECT name FROM accounts ORDER BY name`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			got = append(got, name)
		}
		if !slices.Equal(got, want) || rows.Err() != nil {
			t.Errorf("rows %q, want %q", got, want)
		}
	}
	k.signUp("bob@example.com")
	rows()
	if err := k.admin().ConfirmSignUp(t.Context(), pool.ConfirmUserInput{ID: k.user("bob@example.com").ID, EmailVerified: true}); err != nil {
		t.Fatal(err)
	}
	id := k.invited(ada)
	rows("", "")
	if err := k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"name": "Ada"}}); err != nil {
		t.Fatal(err)
	}
	rows("", "Ada")
	if _, err := st.DB().ExecContext(t.Context(), `INSERT INTO orders (user_id) VALUES (?)`, string(id)); err != nil {
		t.Fatal(err)
	}
	if err := k.admin().DeleteUser(t.Context(), id); !errors.Is(err, storage.ErrReferenced) {
		t.Errorf("DeleteUser of somebody with orders = %v, want ErrReferenced", err)
	}
	rows("", "Ada")
	if _, err := st.DB().ExecContext(t.Context(), `DELETE FROM orders`); err != nil {
		t.Fatal(err)
	}
	if err := k.admin().DeleteUser(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	rows("")
}
