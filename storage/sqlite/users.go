package sqlite

import (
	"context"
	"database/sql"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/keyset"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

// The lists of users begin with what decides the order: a text, a time, and the id that every user
// has. Each is the walk along one index.
const (
	usersByID = `SELECT '', u.expires, ` + userColumnNames + ` FROM userpool_users AS u
		WHERE u.pool = ? AND u.id > ? ORDER BY u.id LIMIT ?`
	usersByCreated = `SELECT '', u.expires, ` + userColumnNames + ` FROM userpool_users AS u
		WHERE u.pool = ? AND (u.created, u.id) > (?, ?) AND u.created < ? ORDER BY u.created, u.id LIMIT ?`
	usersByValue = `SELECT i.value, u.expires, ` + userColumnNames + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = ? AND i.name = ? AND i.value = ? AND i.user_id > ? ORDER BY i.user_id LIMIT ?`
	usersByPrefix = `SELECT i.value, u.expires, ` + userColumnNames + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = ? AND i.name = ? AND (i.value, i.user_id) > (?, ?) AND i.value < ? ORDER BY i.value, i.user_id LIMIT ?`
	usersByOwnLogin = `SELECT l.value, u.expires, ` + userColumnNames + ` FROM userpool_logins AS l JOIN userpool_users AS u ON u.key = l.user
		WHERE l.pool = ? AND l.ns = ? AND l.value = ? AND l.value <> ?`
	usersByLogins = `SELECT l.value, u.expires, ` + userColumnNames + ` FROM userpool_logins AS l JOIN userpool_users AS u ON u.key = l.user
		WHERE l.pool = ? AND l.ns = ? AND l.value >= ? AND l.value <> ? AND l.value < ? ORDER BY l.value LIMIT ?`
)

// Users implements [storage.Store].
func (s *Store) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (out storage.UserPage, err error) {
	if err := s.usable(ctx); err != nil {
		return out, err
	}
	w, after, err := keyset.BeginUsers(q)
	if err != nil {
		return out, err
	}
	err = s.list(ctx, pool, func(c *conn, key int64) error {
		if err := searchable(c, key, w); err != nil {
			return err
		}
		rows, err := queryUsers(c, key, q, after)
		if err != nil {
			return err
		}
		defer rows.Close()
		out, err = pageOfUsers(rows, pool, w)
		return err
	})
	return out, err
}

// pageOfUsers takes users until the page is full.
func pageOfUsers(rows *sql.Rows, pool user.PoolID, w keyset.Users) (out storage.UserPage, err error) {
	for rows.Next() {
		if w.Full() {
			return w.Page(true), nil
		}
		var value string
		var expires when
		u, err := scanUser(rows, pool, &value, &expires)
		if err != nil {
			return out, err
		}
		w.Take(u, value, expires.Time)
	}
	return w.Page(false), rows.Err()
}

// searchable refuses a list by a name whose index the pool does not have yet.
func searchable(c *conn, pool int64, w keyset.Users) error {
	var text string
	if err := c.row(`SELECT searchable FROM userpool_pools WHERE key = ?`, pool).Scan(&text); err != nil {
		return err
	}
	names, err := record.DecodeStrings(text)
	if err == nil && !w.Ready(func(name string) bool { return slices.Contains(names, name) }) {
		err = storage.ErrNotReady
	}
	return err
}

// queryUsers reads one row more than a page may look at.
func queryUsers(c *conn, pool int64, q storage.UserQuery, after keyset.Place) (*sql.Rows, error) {
	const n = storage.Examined + 1
	w := q.Where
	switch {
	case w != nil && w.Name == storage.LoginTerm && w.Prefix:
		// No login is empty, and none is owned twice: after a page comes what is not its last.
		return c.query(usersByLogins, pool, string(user.Name), max(after.Text, w.Value), after.Text, beyond(w.Value), n)
	case w != nil && w.Name == storage.LoginTerm:
		return c.query(usersByOwnLogin, pool, string(user.Name), w.Value, after.Text)
	case w != nil && w.Prefix:
		return c.query(usersByPrefix, pool, w.Name, max(after.Text, w.Value), after.ID, beyond(w.Value), n)
	case w != nil:
		return c.query(usersByValue, pool, w.Name, w.Value, after.ID, n)
	case q.Order == storage.ByID:
		return c.query(usersByID, pool, after.ID, n)
	}
	// The bounds on the time are bounds of the walk.
	if !q.CreatedMin.IsZero() && q.CreatedMin.UnixMicro() > after.At {
		after.At, after.ID = q.CreatedMin.UnixMicro(), ""
	}
	before := int64(1<<63 - 1)
	if !q.CreatedMax.IsZero() {
		before = q.CreatedMax.UnixMicro()
	}
	return c.query(usersByCreated, pool, after.At, after.ID, before, n)
}

// beyond returns what comes after every text that begins with a prefix.
func beyond(prefix string) any {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return []byte{0} // a blob: SQLite sorts it after every text
}
