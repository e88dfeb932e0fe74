package sqlite

import (
	"database/sql"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// tx is a write transaction as one commit sees it.
type tx struct {
	statements
	pool  int64 // key of the commit's pool
	wrote bool  // something, since the commit began

	pools   map[user.PoolID]int64 // keys of live pools that were looked up
	lastKey int64                 // of a user; 0 means not looked up
}

// forget drops what was looked up, since what it came from was rolled back.
func (t *tx) forget() { t.pools, t.lastKey = nil, 0 }

// exec runs a statement of ours.
func (t *tx) exec(query string, args ...any) (int64, error) {
	n, err := t.statements.exec(query, args...)
	if n > 0 {
		t.wrote = true
	}
	return n, ours(err)
}

// app runs a statement of the app's.
func (t *tx) app(e Exec) error {
	t.wrote = true
	if _, err := t.statements.exec(e.SQL, e.Args...); err != nil {
		return theirs(fmt.Errorf("the app's statement: %w", err))
	}
	return nil
}

// guard runs a statement that must change one row, or the record is stale.
func (t *tx) guard(query string, args ...any) error {
	n, err := t.exec(query, args...)
	switch {
	case err != nil && taken(err):
		return storage.ErrStale
	case err != nil:
		return err
	case n == 0:
		return storage.ErrStale
	}
	return nil
}

// one reads one row; found is false where there is none.
func (t *tx) one(query string, args []any, dest ...any) (found bool, err error) {
	err = t.row(query, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, ours(err)
}

const livePool = `SELECT key FROM userpool_pools WHERE id = ? AND deleted = 0`

// enter looks up the pool that a commit is about.
func (t *tx) enter(id user.PoolID) error {
	if key, ok := t.pools[id]; ok {
		t.pool = key
		return nil
	}
	found, err := t.one(livePool, []any{string(id)}, &t.pool)
	if err != nil {
		return err
	}
	if !found {
		return storage.ErrNoPool
	}
	if t.pools == nil {
		t.pools = make(map[user.PoolID]int64)
	}
	t.pools[id] = t.pool
	return nil
}

// newUser returns the key of a user that is about to be inserted. Keys are given out here and not
// by the insert, so that the logins, which are what fails, can come before it.
func (t *tx) newUser() (int64, error) {
	if t.lastKey == 0 {
		if _, err := t.one(`SELECT coalesce(max(key), 0) FROM userpool_users`, nil, &t.lastKey); err != nil {
			return 0, err
		}
	}
	t.lastKey++
	return t.lastKey, nil
}
