package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	takeLease = `INSERT INTO userpool_leases (holder, until, name) VALUES (?1, ?2, ?3)
		ON CONFLICT (name) DO UPDATE SET holder = ?1, until = ?2 WHERE holder = ?1 OR until <= ?4`
	giveLease = `DELETE FROM userpool_leases WHERE name = ? AND holder = ?`
)

// Lease implements [storage.Store].
func (s *Store) Lease(ctx context.Context, l storage.Lease) (held bool, err error) {
	if err := s.usable(ctx); err != nil {
		return false, err
	}
	if l.Name == "" || l.Holder == "" || l.Now.IsZero() {
		return false, fmt.Errorf("%w: a lease has a name, a holder and a time", storage.ErrInvalid)
	}
	now, until := l.Now.UnixMicro(), l.Until.UnixMicro()
	err = s.writer.do(ctx, &job{run: func(t *tx) error {
		held = false
		if until <= now {
			_, err := t.exec(giveLease, l.Name, l.Holder)
			return err
		}
		n, err := t.exec(takeLease, l.Holder, until, l.Name, now)
		held = n > 0
		return err
	}})
	return held && err == nil, err
}

// expiring are the tables that Sweep looks through, and what erases one row of each.
var expiring = []struct {
	query string
	erase func(t *tx, pool int64, key int64, owner, id string) error
}{
	{
		`SELECT 0, 0, '', name FROM userpool_leases WHERE until <= ? ORDER BY until LIMIT ?`,
		func(t *tx, _, _ int64, _, name string) error {
			return t.all([]string{`DELETE FROM userpool_leases WHERE name = ?`}, name)
		},
	},
	{
		`SELECT pool, 0, user_id, id FROM userpool_sessions WHERE ends <= ? ORDER BY ends LIMIT ?`,
		func(t *tx, pool, _ int64, owner, id string) error { t.pool = pool; return t.eraseSession(owner, id) },
	},
	{
		`SELECT pool, 0, '', id FROM userpool_tickets WHERE expires <= ? ORDER BY expires LIMIT ?`,
		func(t *tx, pool, _ int64, _, id string) error {
			if err := t.all(withTicket, pool, id); err != nil {
				return err
			}
			return t.all([]string{`DELETE FROM userpool_tickets WHERE pool = ? AND id = ?`}, pool, id)
		},
	},
	{
		`SELECT 0, key, '', '' FROM userpool_users WHERE expires <= ? AND expires IS NOT NULL ORDER BY expires LIMIT ?`,
		func(t *tx, _, key int64, _, _ string) error { _, err := t.eraseUnlessHeld(key); return err },
	},
	{
		`SELECT pool, 0, owner, name FROM userpool_counters WHERE expires <= ? AND expires IS NOT NULL ORDER BY expires LIMIT ?`,
		func(t *tx, pool, _ int64, owner, name string) error {
			return t.all([]string{deleteCounter}, pool, owner, name)
		},
	},
	{
		`SELECT 0, key, '', '' FROM userpool_outgoing WHERE not_after <= ? AND not_after IS NOT NULL ORDER BY not_after LIMIT ?`,
		func(t *tx, _, key int64, _, _ string) error {
			return t.all([]string{`DELETE FROM userpool_outgoing WHERE key = ?`}, key)
		},
	},
	{
		`SELECT 0, seq, '', '' FROM userpool_revocations WHERE expires <= ? ORDER BY expires LIMIT ?`,
		func(t *tx, _, seq int64, _, _ string) error {
			return t.all([]string{`DELETE FROM userpool_revocations WHERE seq = ?`}, seq)
		},
	},
}

// Sweep implements [storage.Store]. It holds up commits for as long as it takes: n of some hundreds
// is a few milliseconds.
func (s *Store) Sweep(ctx context.Context, now time.Time, n int) (erased int, err error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	err = s.writer.do(ctx, &job{run: func(t *tx) error {
		erased = 0
		for _, e := range expiring {
			rows, err := t.expired(e.query, now, n-erased)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := e.erase(t, r.pool, r.key, r.owner, r.id); err != nil {
					return err
				}
			}
			erased += len(rows)
		}
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return erased, nil
}

type expiredRow struct {
	pool, key int64
	owner, id string
}

func (t *tx) expired(query string, now time.Time, n int) ([]*expiredRow, error) {
	if n <= 0 {
		return nil, nil
	}
	rows, err := t.query(query, now.UnixMicro(), n)
	out, err := collect(rows, err, func(r row) (*expiredRow, error) {
		e := new(expiredRow)
		return e, r.Scan(&e.pool, &e.key, &e.owner, &e.id)
	})
	return out, ours(err)
}

const (
	trimEvents = `DELETE FROM userpool_events WHERE (pool, time, id) IN (SELECT pool, time, id FROM userpool_events
		INDEXED BY userpool_events_seal WHERE pool = ? AND seal BETWEEN 1 AND ? ORDER BY seal, time, id LIMIT ?)`
	firstSealed = `SELECT coalesce(min(seal), ?) FROM userpool_events INDEXED BY userpool_events_seal WHERE pool = ? AND seal BETWEEN 1 AND ?`
	trimSeals   = `DELETE FROM userpool_seals WHERE pool = ? AND number < ?`
)

// Trim implements [storage.Store].
func (s *Store) Trim(ctx context.Context, pool user.PoolID, seal int64, n int) (left bool, err error) {
	if err := s.usable(ctx); err != nil {
		return false, err
	}
	err = s.writer.do(ctx, &job{run: func(t *tx) error {
		left = false
		var key, newest, first int64
		found, err := t.one(`SELECT key FROM userpool_pools WHERE id = ? AND deleted = 0`, []any{string(pool)}, &key)
		if err != nil || !found {
			return err
		}
		if _, err := t.one(newestSeal, []any{key}, &newest); err != nil {
			return err
		}
		last := min(seal, newest-1)
		if _, err := t.exec(trimEvents, key, last, max(n, 0)); err != nil {
			return err
		}
		if _, err := t.one(firstSealed, []any{last + 1, key, last}, &first); err != nil {
			return err
		}
		left = first <= last
		_, err = t.exec(trimSeals, key, first)
		return err
	}})
	return left, err
}

// dropping erases at most so many rows of one pool from each table. Users come last: what hangs on
// them must be found until then.
var dropping = []string{
	`DELETE FROM userpool_sessions WHERE (pool, user_id, id) IN (SELECT pool, user_id, id FROM userpool_sessions WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_tickets WHERE (pool, id) IN (SELECT pool, id FROM userpool_tickets WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_counters WHERE (pool, owner, name) IN (SELECT pool, owner, name FROM userpool_counters WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_documents WHERE key IN (SELECT key FROM userpool_documents WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_outgoing WHERE key IN (SELECT key FROM userpool_outgoing WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_revocations WHERE seq IN (SELECT seq FROM userpool_revocations WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_events WHERE (pool, time, id) IN (SELECT pool, time, id FROM userpool_events WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_seals WHERE (pool, number) IN (SELECT pool, number FROM userpool_seals WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_user_index WHERE (pool, name, value, user_id) IN (SELECT pool, name, value, user_id FROM userpool_user_index WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_attempts WHERE (pool, ns, value, user) IN (SELECT pool, ns, value, user FROM userpool_attempts WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_logins WHERE (pool, ns, value) IN (SELECT pool, ns, value FROM userpool_logins WHERE pool = ? LIMIT ?)`,
	`DELETE FROM userpool_users WHERE key IN (SELECT key FROM userpool_users WHERE pool = ? LIMIT ?)`,
}

// Drop implements [storage.Store]. Users that rows of the app refer to are [storage.ErrReferenced]:
// the app's own rows of a pool go first.
func (s *Store) Drop(ctx context.Context, pool user.PoolID, n int) (left bool, err error) {
	if err := s.usable(ctx); err != nil {
		return false, err
	}
	err = s.writer.do(ctx, &job{deletes: true, run: func(t *tx) error {
		left = false
		var key int64
		found, err := t.one(`SELECT key FROM userpool_pools WHERE id = ? AND deleted = 1`, []any{string(pool)}, &key)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("%w: pool %q is not deleted", storage.ErrInvalid, pool)
		}
		left, err = t.drop(key, max(n, 0))
		return err
	}})
	return left, err
}

// drop erases at most n rows and looks whether there are more.
func (t *tx) drop(pool int64, n int) (left bool, err error) {
	for _, query := range dropping {
		done, err := t.exec(query, pool, n)
		if err != nil && referenced(err) {
			return true, storage.ErrReferenced
		}
		if err != nil {
			return false, err
		}
		if n -= int(done); n == 0 {
			return t.any(pool)
		}
	}
	return false, nil
}

var anyLeft = []string{
	`SELECT 1 FROM userpool_users WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_logins WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_attempts WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_user_index WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_sessions WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_tickets WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_counters WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_documents WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_outgoing WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_revocations WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_events WHERE pool = ? LIMIT 1`,
	`SELECT 1 FROM userpool_seals WHERE pool = ? LIMIT 1`,
}

func (t *tx) any(pool int64) (bool, error) {
	for _, query := range anyLeft {
		var one int
		if found, err := t.one(query, []any{pool}, &one); found || err != nil {
			return found, err
		}
	}
	return false, nil
}
