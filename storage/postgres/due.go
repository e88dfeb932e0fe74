package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// The backlog of a pool that does not get rid of its mail can be long, so nothing here looks at all
// of it: from pool to pool, from class to class, and within a class along the index until there
// are enough.
const (
	allWithMail = `WITH RECURSIVE served (pool) AS (
			SELECT min(pool) FROM userpool_outgoing
			UNION ALL SELECT (SELECT min(o.pool) FROM userpool_outgoing AS o WHERE o.pool > s.pool) FROM served AS s WHERE s.pool IS NOT NULL)`
	someWithMail = `WITH RECURSIVE served (pool) AS (SELECT DISTINCT unnest($5::text[]) COLLATE "C")`

	// Of an owner's messages that are due, only the first by (created, id).
	dueHeads = `, classes (pool, class) AS (
			SELECT s.pool, (SELECT min(o.class) FROM userpool_outgoing AS o WHERE o.pool = s.pool)
				FROM served AS s JOIN userpool_pools AS p ON p.id = s.pool AND NOT p.deleted
			UNION ALL SELECT c.pool, (SELECT min(o.class) FROM userpool_outgoing AS o WHERE o.pool = c.pool AND o.class > c.class)
				FROM classes AS c WHERE c.class IS NOT NULL),
		heads AS (SELECT h.*, row_number() OVER (PARTITION BY h.pool ORDER BY h.class, h.due, h.id) AS turn
			FROM classes AS c CROSS JOIN LATERAL (
				SELECT o.* FROM userpool_outgoing AS o
				WHERE o.pool = c.pool AND o.class = c.class AND o.due <= $1::bigint AND (o.lane = $2::bigint OR $2::bigint < 0)
					AND (o.not_after IS NULL OR o.not_after > $1::bigint)
					AND NOT EXISTS (SELECT 1 FROM userpool_outgoing AS e WHERE e.pool = o.pool AND e.owner = o.owner
						AND (e.created, e.id) < (o.created, o.id) AND e.due <= $1::bigint AND (e.not_after IS NULL OR e.not_after > $1::bigint))
				ORDER BY o.due, o.id LIMIT $3::bigint) AS h
			WHERE c.class IS NOT NULL)
		SELECT ` + outgoingColumnNames + ` FROM heads AS o WHERE o.turn <= $4::bigint ORDER BY o.turn, o.due, o.pool LIMIT $3::bigint`
)

// Due implements [storage.Store].
func (s *Store) Due(ctx context.Context, pools []user.PoolID, lane int, now time.Time, n int) ([]*storage.Outgoing, error) {
	done, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	if n <= 0 {
		return nil, nil
	}
	query, args := allWithMail+dueHeads, []any{now.UnixMicro(), lane, n, n}
	if pools != nil {
		ids := make([]string, len(pools))
		for i, p := range pools {
			ids[i] = key(p)
		}
		query, args = someWithMail+dueHeads, append(args, ids)
	}
	rows, err := s.pool.Query(ctx, s.sql(query), args...)
	if err != nil {
		return nil, unread(ctx, err)
	}
	due, err := collect(rows, func(r pgx.Row) (*storage.Outgoing, error) { return scanOutgoing(r) })
	return due, unread(ctx, err)
}
