package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
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
	if q.Now.IsZero() || q.Where != nil && len(q.Where.Value) > storage.MaxTerm {
		return out, fmt.Errorf("%w: a list of users needs the time, and a value of at most %d bytes", storage.ErrInvalid, storage.MaxTerm)
	}
	list, err := listOf(q)
	if err != nil {
		return out, err
	}
	after, n, err := begin(q.After, list, q.Limit)
	if err != nil {
		return out, err
	}
	err = s.list(ctx, pool, func(c *conn, key int64) error {
		if err := searchable(c, key, q.Where); err != nil {
			return err
		}
		rows, err := queryUsers(c, key, q, after)
		if err != nil {
			return err
		}
		defer rows.Close()
		w := walk{query: q, pool: pool, list: list, limit: n}
		out.Users, out.Next, err = w.page(rows)
		return err
	})
	return out, err
}

// listOf names the list that a query walks along, so that no cursor of another is taken for one.
func listOf(q storage.UserQuery) (string, error) {
	switch {
	case q.Where != nil && q.Where.Name == storage.LoginTerm:
		return "login", nil
	case q.Where != nil && q.Where.Prefix:
		return "prefix", nil
	case q.Where != nil:
		return "value", nil
	case q.Order == storage.ByCreated:
		return "created", nil
	case q.Order == storage.ByID:
		return "id", nil
	}
	return "", fmt.Errorf("%w: no such order", storage.ErrInvalid)
}

// searchable refuses a list by a name whose index the pool does not have yet.
func searchable(c *conn, pool int64, w *storage.Where) error {
	if w == nil || w.Name == storage.GroupTerm || w.Name == storage.LoginTerm {
		return nil
	}
	var text string
	if err := c.row(`SELECT searchable FROM userpool_pools WHERE key = ?`, pool).Scan(&text); err != nil {
		return err
	}
	names, err := record.DecodeStrings(text)
	if err == nil && !slices.Contains(names, w.Name) {
		err = storage.ErrNotReady
	}
	return err
}

// queryUsers reads one row more than a page may look at.
func queryUsers(c *conn, pool int64, q storage.UserQuery, after place) (*sql.Rows, error) {
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

// walk is the way along a list for one page.
type walk struct {
	query storage.UserQuery
	pool  user.PoolID
	list  string
	limit int
}

// page takes users until there are as many as the page holds, or as it may look at.
func (w walk) page(rows *sql.Rows) (users []*user.User, next string, err error) {
	var last place
	for examined := 0; rows.Next(); examined++ {
		if examined == storage.Examined || len(users) == w.limit {
			return users, last.cursor(), nil
		}
		var value string
		var expires when
		u, err := scanUser(rows, w.pool, &value, &expires)
		if err != nil {
			return nil, "", err
		}
		last = place{List: w.list, Text: value, At: u.Created.UnixMicro(), ID: string(u.ID)}
		if !expires.over(w.query.Now) && w.matches(u, value) {
			users = append(users, u)
		}
	}
	return users, "", rows.Err()
}

// matches judges what no index decides.
func (w walk) matches(u *user.User, value string) bool {
	q := w.query
	switch {
	case w.list == "login" && !q.Where.First(u, value):
		return false
	case q.Status != "" && u.Status != q.Status:
		return false
	case q.Disabled != nil && u.Disabled != *q.Disabled:
		return false
	case !q.CreatedMin.IsZero() && u.Created.Before(q.CreatedMin.Truncate(time.Microsecond)):
		return false
	}
	return q.CreatedMax.IsZero() || u.Created.Before(q.CreatedMax.Truncate(time.Microsecond))
}
