package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// The backlog of a pool that does not get rid of its mail can be long, and there can be hundreds of
// such pools, so nothing here looks at all of it: from pool to pool, from class to class, and within
// a class along the index until there are enough.
const (
	// The pools that have mail, of those in $5 if that is not NULL.
	poolsWithMail = `WITH RECURSIVE found (pool) AS (
			SELECT min(pool) FROM userpool_outgoing
			UNION ALL SELECT (SELECT min(o.pool) FROM userpool_outgoing AS o WHERE o.pool > f.pool) FROM found AS f WHERE f.pool IS NOT NULL),
		named (pool) AS (SELECT pool FROM found WHERE pool IS NOT NULL AND ($5::text[] IS NULL OR pool = ANY($5::text[])))`
	fewPools = `WITH RECURSIVE named (pool) AS (SELECT DISTINCT unnest($5::text[]) COLLATE "C")`

	// Of an owner's messages that are due, only the first by (created, id). A pool is asked for $4
	// times its part of the $3 messages in all, and each message tells for how many that is.
	dueHeads = `, served (pool) AS (SELECT n.pool FROM named AS n JOIN userpool_pools AS p ON p.id = n.pool AND NOT p.deleted),
		share (n) AS (SELECT least($3::bigint, ($3::bigint - 1) / greatest(count(*), 1) * $4::bigint + $4::bigint) FROM served),
		classes (pool, class) AS (
			SELECT s.pool, (SELECT min(o.class) FROM userpool_outgoing AS o WHERE o.pool = s.pool) FROM served AS s
			UNION ALL SELECT c.pool, (SELECT min(o.class) FROM userpool_outgoing AS o WHERE o.pool = c.pool AND o.class > c.class)
				FROM classes AS c WHERE c.class IS NOT NULL),
		heads AS (SELECT h.*, row_number() OVER (PARTITION BY h.pool ORDER BY h.class, h.due, h.id) AS turn
			FROM classes AS c CROSS JOIN LATERAL (
				SELECT o.* FROM userpool_outgoing AS o
				WHERE o.pool = c.pool AND o.class = c.class AND o.due <= $1::bigint AND (o.lane = $2::bigint OR $2::bigint < 0)
					AND (o.not_after IS NULL OR o.not_after > $1::bigint)
					AND o.id = (SELECT e.id FROM userpool_outgoing AS e WHERE e.pool = o.pool AND e.owner = o.owner
						AND e.due <= $1::bigint AND (e.not_after IS NULL OR e.not_after > $1::bigint) ORDER BY e.created, e.id LIMIT 1)
				ORDER BY o.due, o.id LIMIT (SELECT n FROM share)) AS h
			WHERE c.class IS NOT NULL)
		SELECT s.n, ` + outgoingColumnNames + ` FROM heads AS o CROSS JOIN share AS s WHERE o.turn <= s.n
			ORDER BY o.turn, o.due, o.pool LIMIT $3::bigint`
)

// manyPools is from how many on it is cheaper to look for those that have mail.
const manyPools = 16

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
	query, ids := poolsWithMail, []string(nil)
	if pools != nil {
		ids = keys(pools)
		if len(ids) <= manyPools {
			query = fewPools
		}
	}
	// Hundreds of pools with a backlog cost no more than one: only where others have too little is a
	// pool asked for more than its part.
	for times := 1; ; times *= 4 {
		due, more, err := s.due(ctx, query+dueHeads, now.UnixMicro(), lane, n, times, ids)
		if err != nil || !more || len(due) == n {
			return due, err
		}
	}
}

// due asks once, and tells whether a pool has more than it was asked for.
func (s *Store) due(ctx context.Context, query string, args ...any) (due []*storage.Outgoing, more bool, err error) {
	of := map[user.PoolID]int{}
	b := new(pgx.Batch)
	b.Queue(alongIndexes)
	b.Queue(s.sql(query), args...).Query(func(rows pgx.Rows) (err error) {
		due, err = collect(rows, func(r pgx.Row) (*storage.Outgoing, error) {
			share := 0
			o, err := scanOutgoing(r, &share)
			of[o.Pool]++
			more = more || of[o.Pool] == share
			return o, err
		})
		return err
	})
	if err := s.snapshot(ctx, b); err != nil {
		return nil, false, err
	}
	return due, more, nil
}
