package sqlite

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// The backlog of a pool that does not get rid of its mail can be long, so nothing here looks at all
// of it: from pool to pool, from class to class, and within a class along the index until there
// are enough.
const (
	poolsWithMail = `WITH RECURSIVE p (pool) AS (
			SELECT min(pool) FROM userpool_outgoing
			UNION ALL SELECT (SELECT min(o.pool) FROM userpool_outgoing AS o WHERE o.pool > p.pool) FROM p WHERE p.pool IS NOT NULL)
		SELECT u.key, u.id FROM p CROSS JOIN userpool_pools AS u ON u.key = p.pool WHERE u.deleted = 0 ORDER BY u.id`
	poolWithID = `SELECT key, id FROM userpool_pools WHERE id = ? AND deleted = 0`
	nextClass  = `SELECT min(class) FROM userpool_outgoing WHERE pool = ? AND class > ?`

	// Of an owner's messages that are due, only the first by (created, id).
	dueHeads = `SELECT ` + outgoingColumnNames + ` FROM userpool_outgoing AS o
		WHERE pool = ?1 AND class = ?2 AND due <= ?3 AND (lane = ?4 OR ?4 < 0) AND (not_after IS NULL OR not_after > ?3)
			AND NOT EXISTS (SELECT 1 FROM userpool_outgoing AS e WHERE e.pool = ?1 AND e.owner = o.owner AND (e.created, e.id) < (o.created, o.id)
				AND e.due <= ?3 AND (e.not_after IS NULL OR e.not_after > ?3))
		ORDER BY due, id LIMIT ?5`
)

// head is a message that may be sent, and the how-manieth of its pool it is.
type head struct {
	turn int
	*storage.Outgoing
}

// Due implements [storage.Store].
func (s *Store) Due(ctx context.Context, pools []user.PoolID, lane int, now time.Time, n int) (out []*storage.Outgoing, err error) {
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if n <= 0 {
		return nil, nil
	}
	var heads []head
	err = s.read(ctx, func(c *conn) error {
		keys, err := mailPools(c, pools)
		if err != nil {
			return err
		}
		heads, err = turns(c, keys, lane, now, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(heads, func(a, b head) int {
		return cmp.Or(cmp.Compare(a.turn, b.turn), a.Due.Compare(b.Due))
	})
	for _, h := range heads[:min(n, len(heads))] {
		out = append(out, h.Outgoing)
	}
	return out, nil
}

// turns returns at least the n messages whose turn it is, or all that are due. It asks each pool for
// its share, and for more only where others have too little: hundreds of pools with a backlog cost
// no more than one.
func turns(c *conn, pools []*livePoolRow, lane int, now time.Time, n int) (heads []head, err error) {
	for share := (n-1)/max(1, len(pools)) + 1; ; share *= 4 {
		heads = heads[:0]
		more := false
		for _, p := range pools {
			found, err := dueOf(c, p, lane, now, share)
			if err != nil {
				return nil, err
			}
			for turn, o := range found {
				heads = append(heads, head{turn, o})
			}
			more = more || len(found) == share
		}
		if !more || len(heads) >= n {
			return heads, nil
		}
	}
}

// manyPools is from how many on it is cheaper to look for those that have mail.
const manyPools = 16

// livePoolRow is a pool that is not deleted.
type livePoolRow struct {
	key int64
	id  user.PoolID
}

// mailPools returns the pools to look into, by id.
func mailPools(c *conn, pools []user.PoolID) (out []*livePoolRow, err error) {
	scan := func(r row) (*livePoolRow, error) {
		p := new(livePoolRow)
		return p, r.Scan(&p.key, &p.id)
	}
	if pools == nil || len(pools) > manyPools {
		rows, err := c.query(poolsWithMail)
		out, err = collect(rows, err, scan)
		if pools == nil || err != nil {
			return out, err
		}
		named := make(map[user.PoolID]bool, len(pools))
		for _, id := range pools {
			named[id] = true
		}
		return slices.DeleteFunc(out, func(p *livePoolRow) bool { return !named[p.id] }), nil
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(pools))) {
		p, err := absent(scan(c.row(poolWithID, string(id))))
		if err != nil {
			return nil, err
		}
		if p != nil {
			out = append(out, p)
		}
	}
	return out, nil
}

// dueOf returns at most n messages of one pool: lower classes first, then what was due first.
func dueOf(c *conn, pool *livePoolRow, lane int, now time.Time, n int) (out []*storage.Outgoing, err error) {
	for class := int64(-1 << 63); len(out) < n; {
		var next *int64
		if err := c.row(nextClass, pool.key, class).Scan(&next); err != nil || next == nil {
			return out, err
		}
		class = *next
		rows, err := c.query(dueHeads, pool.key, class, now.UnixMicro(), lane, n-len(out))
		found, err := collect(rows, err, func(r row) (*storage.Outgoing, error) { return scanOutgoing(r, pool.id) })
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
