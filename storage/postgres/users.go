package postgres

import (
	"context"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/keyset"
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
	w, after, err := keyset.BeginUsers(q)
	if err != nil {
		return out, err
	}
	return page(ctx, s, q.Stale, func(ctx context.Context, from source) (storage.UserPage, bool, error) {
		return s.users(ctx, from, pool, w, after)
	})
}

func (s *Store) users(
	ctx context.Context, from source, pool user.PoolID, w keyset.Users, after keyset.Place,
) (out storage.UserPage, found bool, err error) {
	for n := w.Limit; ; n *= 4 {
		n = min(n, w.Left())
		found, more, err := s.walkUsers(ctx, from, pool, &w, after, n)
		if !found || err != nil {
			return storage.UserPage{}, found, err
		}
		if !more || w.Full() {
			return w.Page(more), true, nil
		}
		after = w.Last()
	}
}

// walkUsers looks at the next n users of a list, and tells whether there are more. Few pages need
// more than one walk: those that skip most of what they look at.
func (s *Store) walkUsers(
	ctx context.Context, from source, pool user.PoolID, w *keyset.Users, after keyset.Place, n int,
) (found, more bool, err error) {
	ready := true
	b := new(pgx.Batch)
	b.Queue(s.sql(selectSearchable), key(pool)).QueryRow(func(row pgx.Row) error {
		var text string
		if err := row.Scan(&text); err != nil {
			return none(err)
		}
		found = true
		names, err := record.DecodeStrings(text)
		ready = w.Ready(func(name string) bool { return slices.Contains(names, name) })
		return err
	})
	query, args := usersQuery(pool, w.Query, after, n+1)
	b.Queue(s.sql(query), args...).Query(func(rows pgx.Rows) error {
		for ; rows.Next(); n-- {
			if more = n == 0 || w.Full(); more {
				return nil
			}
			var value string
			var expires *int64
			u, err := scanUser(rows, pool, &value, &expires)
			if err != nil {
				return err
			}
			w.Take(u, value, when(expires))
		}
		return rows.Err()
	})
	if err = s.snapshotOf(ctx, from, b); err == nil && !ready {
		err = storage.ErrNotReady
	}
	return found, more, err
}

// usersQuery asks for n users of a list.
func usersQuery(pool user.PoolID, q storage.UserQuery, after keyset.Place, n int) (query string, args []any) {
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
