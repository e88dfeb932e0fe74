package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

// The lists of users begin with what decides the order: a text, a time, and the id that every user
// has. Each is the walk along one index.
const (
	usersByID = `SELECT '', u.expires, ` + userColumnNames + ` FROM userpool_users AS u
		WHERE u.pool = $1 AND u.id > $2 ORDER BY u.id LIMIT $3`
	usersByCreated = `SELECT '', u.expires, ` + userColumnNames + ` FROM userpool_users AS u
		WHERE u.pool = $1 AND (u.created, u.id) > ($2, $3) AND u.created < $4 ORDER BY u.created, u.id LIMIT $5`
	usersByValue = `SELECT i.value, u.expires, ` + userColumnNames + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = $1 AND i.name = $2 AND i.value = $3 AND i.user_id > $4 ORDER BY i.user_id LIMIT $5`
	usersByPrefix = `SELECT i.value, u.expires, ` + userColumnNames + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = $1 AND i.name = $2 AND (i.value, i.user_id) > ($3, $4) AND ($5::text IS NULL OR i.value < $5::text COLLATE "C")
		ORDER BY i.value, i.user_id LIMIT $6`
	usersByOwnLogin = `SELECT l.value, u.expires, ` + userColumnNames + ` FROM userpool_logins AS l JOIN userpool_users AS u ON u.id = l.user_id
		WHERE l.pool = $1 AND l.ns = $2 AND l.value = $3 AND l.value <> $4`
	usersByLogins = `SELECT l.value, u.expires, ` + userColumnNames + ` FROM userpool_logins AS l JOIN userpool_users AS u ON u.id = l.user_id
		WHERE l.pool = $1 AND l.ns = $2 AND l.value >= $3 AND l.value <> $4 AND ($5::text IS NULL OR l.value < $5::text COLLATE "C")
		ORDER BY l.value LIMIT $6`

	selectSearchable = `SELECT searchable FROM userpool_pools WHERE id = $1 AND NOT deleted`
)

// Users implements [storage.Store].
func (s *Store) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (out storage.UserPage, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return out, err
	}
	defer done()
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
	found, ready := false, true
	b := new(pgx.Batch)
	b.Queue(s.sql(selectSearchable), key(pool)).QueryRow(func(row pgx.Row) error {
		var text string
		if err := row.Scan(&text); err != nil {
			return none(err)
		}
		found = true
		if q.Where == nil || q.Where.Name == storage.GroupTerm || q.Where.Name == storage.LoginTerm {
			return nil
		}
		names, err := record.DecodeStrings(text)
		ready = slices.Contains(names, q.Where.Name)
		return err
	})
	query, args := usersQuery(pool, q, after)
	b.Queue(s.sql(query), args...).Query(func(rows pgx.Rows) (err error) {
		w := walk{query: q, pool: pool, list: list, limit: n}
		out.Users, out.Next, err = w.page(rows)
		return err
	})
	err = s.snapshot(ctx, b)
	switch {
	case err != nil:
		return storage.UserPage{}, err
	case found && !ready:
		return storage.UserPage{}, storage.ErrNotReady
	case !found:
		return storage.UserPage{}, nil
	}
	return out, nil
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

// usersQuery asks for one row more than a page may look at.
func usersQuery(pool user.PoolID, q storage.UserQuery, after place) (query string, args []any) {
	const n = storage.Examined + 1
	w := q.Where
	switch {
	case w != nil && w.Name == storage.LoginTerm && w.Prefix:
		// No login is empty, and none is owned twice: after a page comes what is not its last.
		return usersByLogins, []any{key(pool), string(user.Name), max(after.Text, key(w.Value)), after.Text, beyond(key(w.Value)), n}
	case w != nil && w.Name == storage.LoginTerm:
		return usersByOwnLogin, []any{key(pool), string(user.Name), key(w.Value), after.Text}
	case w != nil && w.Prefix:
		return usersByPrefix, []any{key(pool), key(w.Name), max(after.Text, key(w.Value)), after.ID, beyond(key(w.Value)), n}
	case w != nil:
		return usersByValue, []any{key(pool), key(w.Name), key(w.Value), after.ID, n}
	case q.Order == storage.ByID:
		return usersByID, []any{key(pool), after.ID, n}
	}
	// The bounds on the time are bounds of the walk.
	if !q.CreatedMin.IsZero() && q.CreatedMin.UnixMicro() > after.At {
		after.At, after.ID = q.CreatedMin.UnixMicro(), ""
	}
	before := int64(math.MaxInt64)
	if !q.CreatedMax.IsZero() {
		before = q.CreatedMax.UnixMicro()
	}
	return usersByCreated, []any{key(pool), after.At, after.ID, before, n}
}

// beyond returns the first text after every one that begins with a prefix, nil where there is none.
// The order of UTF-8 by bytes is that of code points.
func beyond(prefix string) *string {
	for len(prefix) > 0 {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if last == 0xd7ff {
			last = 0xdfff // surrogates are no characters
		}
		if last < utf8.MaxRune {
			return new(prefix + string(last+1))
		}
	}
	return nil
}

// walk is the way along a list for one page.
type walk struct {
	query storage.UserQuery
	pool  user.PoolID
	list  string
	limit int
}

// page takes users until there are as many as the page holds, or as it may look at.
func (w walk) page(rows pgx.Rows) (users []*user.User, next string, err error) {
	var last place
	for examined := 0; rows.Next(); examined++ {
		if examined == storage.Examined || len(users) == w.limit {
			return users, last.cursor(), nil
		}
		var value string
		var expires *int64
		u, err := scanUser(rows, w.pool, &value, &expires)
		if err != nil {
			return nil, "", err
		}
		last = place{List: w.list, Text: value, At: u.Created.UnixMicro(), ID: string(u.ID)}
		over := expires != nil && !when(expires).After(w.query.Now)
		if !over && w.matches(u, value) {
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
