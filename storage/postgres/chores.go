package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	takeLease = `INSERT INTO userpool_leases AS l (name, holder, until) VALUES ($1, $2, $3)
		ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3 WHERE l.holder = $2 OR l.until <= $4`
	giveLease = `DELETE FROM userpool_leases WHERE name = $1 AND holder = $2`
)

// Lease implements [storage.Store].
func (s *Store) Lease(ctx context.Context, l storage.Lease) (held bool, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	if l.Name == "" || l.Holder == "" || l.Now.IsZero() {
		return false, fmt.Errorf("%w: a lease has a name, a holder and a time", storage.ErrInvalid)
	}
	if now, until := l.Now.UnixMicro(), l.Until.UnixMicro(); until > now {
		taken, err := s.exec(ctx, takeLease, l.Name, l.Holder, until, now)
		return taken > 0, err
	}
	_, err = s.exec(ctx, giveLease, l.Name, l.Holder)
	return false, err
}

// exec runs a statement that is a transaction by itself, and tells how many rows it wrote.
func (s *Store) exec(caller context.Context, query string, args ...any) (rows int, err error) {
	err = s.work(caller, func(ctx context.Context, conn *pgxpool.Conn) error {
		tag, err := conn.Exec(ctx, s.sql(query), args...)
		rows = int(tag.RowsAffected())
		return err
	})
	return rows, err
}

// work runs a transaction in the time that a commit has. A chore that a server holds up for longer would
// not be done by anybody: its lease goes on.
func (s *Store) work(caller context.Context, f func(context.Context, *pgxpool.Conn) error) error {
	ctx, cancel := context.WithTimeout(caller, commitTime)
	defer cancel()
	conn, err := acquire(caller, ctx, s.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = f(ctx, conn)
	switch {
	case err == nil:
		return nil
	case caller.Err() == nil:
		err = ours(err)
	}
	return lost(err, true)
}

// A sign-up that is confirmed meanwhile, by a process whose clock is behind, stays.
const (
	expired    = `status = 0 AND expires IS NOT NULL AND expires <= $1::bigint`
	sweepUsers = `WITH doomed AS (SELECT pool, id, body FROM userpool_users WHERE ` + expired + `
		ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)` + eraseDoomed
	expiredUsers = `SELECT id FROM userpool_users WHERE ` + expired + ` ORDER BY expires LIMIT $2`
	sweepUser    = `WITH doomed AS (SELECT pool, id, body FROM userpool_users WHERE ` + expired + `
		AND id = $2 FOR UPDATE SKIP LOCKED)` + eraseDoomed
)

// Each erases at most $2 records that have expired at $1, with what they own. What another process
// is at is left to it. Users whom rows of the app refer to stay.
var sweeps = []string{
	`DELETE FROM userpool_leases WHERE name IN (SELECT name FROM userpool_leases WHERE until <= $1::bigint ORDER BY until LIMIT $2 FOR UPDATE SKIP LOCKED)`,

	`WITH RECURSIVE dead AS (SELECT pool, user_id, id FROM userpool_sessions WHERE ends <= $1::bigint ORDER BY ends LIMIT $2 FOR UPDATE SKIP LOCKED),
		below AS (SELECT pool, user_id, id FROM dead UNION SELECT s.pool, s.user_id, s.id
			FROM userpool_sessions AS s JOIN below AS b ON s.pool = b.pool AND s.user_id = b.user_id AND s.parent = b.id)
	DELETE FROM userpool_sessions AS s USING below AS b WHERE s.pool = b.pool AND s.user_id = b.user_id AND s.id = b.id`,

	`WITH dead AS (SELECT pool, id FROM userpool_tickets WHERE expires <= $1::bigint ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED),
		cnt AS (DELETE FROM userpool_counters AS c USING dead AS d WHERE c.pool = d.pool AND c.owner = d.id),
		mail AS (DELETE FROM userpool_outgoing AS o USING dead AS d WHERE o.pool = d.pool AND o.ticket = d.id AND o.ticket <> '')
	DELETE FROM userpool_tickets AS t USING dead AS d WHERE t.pool = d.pool AND t.id = d.id`,

	sweepUsers,

	`DELETE FROM userpool_counters AS c USING (SELECT pool, owner, name FROM userpool_counters WHERE expires <= $1::bigint AND expires IS NOT NULL
		ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED) AS d WHERE c.pool = d.pool AND c.owner = d.owner AND c.name = d.name`,

	`DELETE FROM userpool_outgoing AS o USING (SELECT pool, id FROM userpool_outgoing WHERE not_after <= $1::bigint AND not_after IS NOT NULL
		ORDER BY not_after LIMIT $2 FOR UPDATE SKIP LOCKED) AS d WHERE o.pool = d.pool AND o.id = d.id`,

	`DELETE FROM userpool_revocations AS r USING (SELECT pool, id FROM userpool_revocations WHERE expires <= $1::bigint
		ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED) AS d WHERE r.pool = d.pool AND r.id = d.id`,
}

// Sweep implements [storage.Store].
func (s *Store) Sweep(ctx context.Context, now time.Time, n int) (erased int, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	for _, query := range sweeps {
		if erased >= n {
			break
		}
		done, err := s.erase(ctx, query, now.UnixMicro(), n-erased)
		if query == sweepUsers && err != nil && !broken(codeOf(err)) {
			done, err = s.sweepEach(ctx, now, n-erased)
		}
		if err != nil {
			return erased, err
		}
		erased += done
	}
	return min(erased, n), nil // sessions below others come along
}

// alongIndexes is for transactions of chores. How many rows their statements come to is foreseen so
// badly that the server would read and hash whole tables for the thousand rows that are asked for, and
// compile what then runs for less time than that takes. Engines that know neither setting do nothing.
const alongIndexes = `SELECT set_config(s.name, 'off', true) FROM (VALUES ('enable_seqscan'), ('enable_hashjoin'), ('enable_mergejoin'), ('jit')) AS s (name)
	WHERE current_setting(s.name, true) IS NOT NULL`

// chore runs f in a transaction of chores.
func (s *Store) chore(ctx context.Context, f func(context.Context, pgx.Tx) error) error {
	return s.work(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, alongIndexes); err != nil {
				return err
			}
			return f(ctx, tx)
		})
	})
}

// erase runs a statement that erases many rows, and tells how many.
func (s *Store) erase(ctx context.Context, query string, args ...any) (n int, err error) {
	err = s.chore(ctx, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, s.sql(query), args...)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}

// sweepEach erases expired sign-ups one by one, because there is a row among them that cannot go:
// one that a foreign key of the app's refuses, or that is damaged, must not hold up the others.
func (s *Store) sweepEach(ctx context.Context, now time.Time, n int) (done int, err error) {
	var dead []string
	b := new(pgx.Batch)
	b.Queue(s.sql(expiredUsers), now.UnixMicro(), n).Query(func(rows pgx.Rows) (err error) {
		dead, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err := s.snapshot(ctx, b); err != nil {
		return 0, err
	}
	for _, id := range dead {
		if _, err := s.exec(ctx, sweepUser, now.UnixMicro(), id); err != nil && broken(codeOf(err)) {
			return done, err
		}
		done++ // looked at, like those that went
	}
	return done, nil
}

const (
	holdSeals  = `SELECT coalesce(max(number), 0) FROM userpool_seals WHERE pool = $1`
	trimEvents = `DELETE FROM userpool_events AS e USING (SELECT pool, id FROM userpool_events WHERE pool = $1 AND seal BETWEEN 1 AND $2
		ORDER BY seal, time, id LIMIT $3) AS d WHERE e.pool = d.pool AND e.id = d.id`
	firstSealed = `SELECT min(seal) FROM userpool_events WHERE pool = $1 AND seal BETWEEN 1 AND $2`
	trimSeals   = `DELETE FROM userpool_seals WHERE pool = $1 AND number < $2`
)

// Trim implements [storage.Store].
func (s *Store) Trim(ctx context.Context, pool user.PoolID, seal int64, n int) (left bool, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	err = s.chore(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
		left, err = s.trim(ctx, tx, pool, seal, n)
		return err
	})
	return left && err == nil, err
}

// trim is Trim in a transaction.
func (s *Store) trim(ctx context.Context, tx pgx.Tx, pool user.PoolID, seal int64, n int) (left bool, err error) {
	epoch, newest := int64(0), int64(0)
	if err := tx.QueryRow(ctx, s.sql(selectEpoch), key(pool)).Scan(&epoch); err != nil {
		return false, none(err)
	}
	if err := tx.QueryRow(ctx, s.sql(holdSeals), key(pool)).Scan(&newest); err != nil {
		return false, err
	}
	last := min(seal, newest-1)
	if _, err := tx.Exec(ctx, s.sql(trimEvents), key(pool), last, max(n, 0)); err != nil {
		return false, err
	}
	var first *int64
	if err := tx.QueryRow(ctx, s.sql(firstSealed), key(pool), last).Scan(&first); err != nil {
		return false, err
	}
	left = first != nil
	if first == nil {
		first = new(last + 1)
	}
	_, err = tx.Exec(ctx, s.sql(trimSeals), key(pool), *first)
	return left, err
}

// dropping erases at most so many rows of one pool from each table. Users come last: what hangs on
// them must be found until then.
var dropping = []string{
	`DELETE FROM userpool_sessions WHERE (pool, user_id, id) IN (SELECT pool, user_id, id FROM userpool_sessions WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_tickets WHERE (pool, id) IN (SELECT pool, id FROM userpool_tickets WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_counters WHERE (pool, owner, name) IN (SELECT pool, owner, name FROM userpool_counters WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_documents WHERE (pool, kind, id) IN (SELECT pool, kind, id FROM userpool_documents WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_outgoing WHERE (pool, id) IN (SELECT pool, id FROM userpool_outgoing WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_revocations WHERE (pool, id) IN (SELECT pool, id FROM userpool_revocations WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_events WHERE (pool, id) IN (SELECT pool, id FROM userpool_events WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_seals WHERE (pool, number) IN (SELECT pool, number FROM userpool_seals WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_user_index WHERE (pool, name, value, user_id) IN (SELECT pool, name, value, user_id FROM userpool_user_index WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_attempts WHERE (pool, ns, value, user_id) IN (SELECT pool, ns, value, user_id FROM userpool_attempts WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_logins WHERE (pool, ns, value) IN (SELECT pool, ns, value FROM userpool_logins WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_users WHERE id IN (SELECT id FROM userpool_users WHERE pool = $1 LIMIT $2)`,
	`DELETE FROM userpool_counts WHERE (pool, stripe) IN (SELECT pool, stripe FROM userpool_counts WHERE pool = $1 LIMIT $2)`,
}

const (
	isDeleted = `SELECT EXISTS (SELECT 1 FROM userpool_pools WHERE id = $1 AND deleted)`
	anyLeft   = `SELECT EXISTS (SELECT 1 FROM userpool_users WHERE pool = $1) OR EXISTS (SELECT 1 FROM userpool_logins WHERE pool = $1)
		OR EXISTS (SELECT 1 FROM userpool_attempts WHERE pool = $1) OR EXISTS (SELECT 1 FROM userpool_user_index WHERE pool = $1)
		OR EXISTS (SELECT 1 FROM userpool_sessions WHERE pool = $1) OR EXISTS (SELECT 1 FROM userpool_tickets WHERE pool = $1)
		OR EXISTS (SELECT 1 FROM userpool_counters WHERE pool = $1) OR EXISTS (SELECT 1 FROM userpool_documents WHERE pool = $1)
		OR EXISTS (SELECT 1 FROM userpool_outgoing WHERE pool = $1) OR EXISTS (SELECT 1 FROM userpool_revocations WHERE pool = $1)
		OR EXISTS (SELECT 1 FROM userpool_events WHERE pool = $1) OR EXISTS (SELECT 1 FROM userpool_seals WHERE pool = $1)
		OR EXISTS (SELECT 1 FROM userpool_counts WHERE pool = $1)`
)

// Drop implements [storage.Store]. Users that rows of the app refer to are [storage.ErrReferenced]:
// the app's own rows of a pool go first.
func (s *Store) Drop(ctx context.Context, pool user.PoolID, n int) (left bool, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return false, err
	}
	defer done()
	deleted := false
	if err := s.ask(ctx, isDeleted, key(pool), &deleted); err != nil {
		return false, err
	}
	if !deleted {
		return false, fmt.Errorf("%w: pool %q is not deleted", storage.ErrInvalid, pool)
	}
	for _, query := range dropping {
		if n <= 0 {
			break
		}
		erased, err := s.erase(ctx, query, key(pool), n)
		if c := codeOf(err); c == foreignKey || c == restrict {
			return true, storage.ErrReferenced
		}
		if err != nil {
			return false, err
		}
		n -= erased
	}
	err = s.ask(ctx, anyLeft, key(pool), &left)
	return left, err
}

// ask reads whether something is so of a pool.
func (s *Store) ask(ctx context.Context, query, pool string, so *bool) error {
	b := new(pgx.Batch)
	b.Queue(alongIndexes)
	b.Queue(s.sql(query), pool).QueryRow(func(row pgx.Row) error { return row.Scan(so) })
	return s.snapshot(ctx, b)
}
