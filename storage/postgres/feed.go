package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
)

// A row of the feed carries the number of the transaction that wrote it. Transactions do not become
// visible in the order of their numbers, so who has read up to one could miss one below that was
// still under way. The feed is therefore told again from the oldest transaction that was under way
// when the last walk along it began: nothing is missed, and some is told twice.
const (
	feedBounds  = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint`
	movedPools  = `SELECT id, epoch, deleted, moved FROM userpool_pools WHERE (moved, id) > ($1, $2) ORDER BY moved, id LIMIT $3`
	revocations = `SELECT pool, id, user_id, session, epoch, expires, moved FROM userpool_revocations
		WHERE (moved, pool, id) > ($1, $2, $3) ORDER BY moved, pool, id LIMIT $4`
)

// seen is a cursor: how far a walk along the feed has come, and where the next one begins.
type seen struct {
	Pools mark  `json:"p"`
	Revs  mark  `json:"r"`
	Next  int64 `json:"n"` // the oldest transaction under way when this walk began; 0 for a new walk
}

// mark is a place among rows: after that of a transaction, of a pool, with an id.
type mark struct {
	Moved int64  `json:"m"`
	Pool  string `json:"p,omitempty"`
	ID    string `json:"i,omitempty"`
}

func (s seen) cursor() storage.Cursor {
	b, _ := json.Marshal(s) // of texts and numbers: cannot fail
	return storage.Cursor(b)
}

func parseSeen(c storage.Cursor) (s seen, err error) {
	if c == "" {
		return s, nil
	}
	if json.Unmarshal([]byte(c), &s) != nil || s.Pools.Moved < 0 || s.Revs.Moved < 0 || s.Next < 0 {
		return s, fmt.Errorf("%w: not a cursor of this store", storage.ErrInvalid)
	}
	return s, nil
}

// Changed implements [storage.Store].
func (s *Store) Changed(ctx context.Context, since storage.Cursor) (f storage.Feed, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return f, err
	}
	defer done()
	at, err := parseSeen(since)
	if err != nil {
		return f, err
	}
	f, ahead, err := s.walk(ctx, &at)
	if err == nil && ahead {
		// The database was restored from a copy of before: what has happened since is told again
		// rather than missed.
		at = seen{}
		f, _, err = s.walk(ctx, &at)
	}
	if err != nil {
		return storage.Feed{}, err
	}
	f.More = len(f.Pools) == storage.MaxPage || len(f.Revocations) == storage.MaxPage
	if !f.More {
		at = seen{Pools: mark{Moved: at.Next - 1}, Revs: mark{Moved: at.Next - 1}}
		// Every text is after the empty one, so rows of the transaction before are told again too.
	}
	f.Next = at.cursor()
	return f, nil
}

// walk reads one page of the feed. ahead tells that the cursor is beyond what the database knows.
func (s *Store) walk(ctx context.Context, at *seen) (f storage.Feed, ahead bool, err error) {
	var xmin, xmax int64
	b := new(pgx.Batch)
	b.Queue(feedBounds).QueryRow(func(row pgx.Row) error { return row.Scan(&xmin, &xmax) })
	pools, revs := at.Pools, at.Revs
	b.Queue(s.sql(movedPools), pools.Moved, key(pools.ID), storage.MaxPage).Query(func(rows pgx.Rows) error {
		return each(rows, func() error {
			var p storage.PoolChange
			err := rows.Scan((*string)(&p.Pool), &p.Epoch, &p.Deleted, &at.Pools.Moved)
			at.Pools.ID = string(p.Pool)
			f.Pools = append(f.Pools, p)
			return err
		})
	})
	b.Queue(s.sql(revocations), revs.Moved, key(revs.Pool), key(revs.ID), storage.MaxPage).Query(func(rows pgx.Rows) error {
		return each(rows, func() error {
			v := new(storage.Revocation)
			var expires *int64
			err := rows.Scan((*string)(&v.Pool), &v.ID, (*string)(&v.User), &v.Session, &v.Epoch, &expires, &at.Revs.Moved)
			v.Expires, at.Revs.Pool, at.Revs.ID = when(expires), string(v.Pool), v.ID
			f.Revocations = append(f.Revocations, v)
			return err
		})
	})
	if err := s.snapshot(ctx, b); err != nil {
		return storage.Feed{}, false, err
	}
	if at.Next == 0 {
		at.Next = xmin
	}
	return f, pools.Moved >= xmax || revs.Moved >= xmax || at.Next > xmax, nil
}
