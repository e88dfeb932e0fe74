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
//
// Nor does a number say which server gave it. One that was restored from a copy, or a replica that
// took over before it had everything, gives the numbers anew that the last ones had, and who goes on
// at theirs would never hear of what is revoked under numbers below (security.md T3). So a cursor
// says since when its server runs: on another everything is told again. A server that crashes and
// recovers by itself does not start anew, and gives again at most the numbers after the last commit
// that anybody has seen: so no walk begins further on than after the last row that was told.
const (
	feedBounds = `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
		(extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint`
	movedPools  = `SELECT id, epoch, deleted, moved FROM userpool_pools WHERE (moved, id) > ($1, $2) ORDER BY moved, id LIMIT $3`
	revocations = `SELECT pool, id, user_id, session, epoch, expires, moved FROM userpool_revocations
		WHERE (moved, pool, id) > ($1, $2, $3) ORDER BY moved, pool, id LIMIT $4`
)

// seen is a cursor: how far a walk along the feed has come, and where the next one begins.
type seen struct {
	Pools  mark  `json:"p"`
	Revs   mark  `json:"r"`
	Next   int64 `json:"n"` // the oldest transaction under way when this walk began; 0 for a new walk
	Server int64 `json:"s"` // when the server of this walk started; 0 before everything
}

// next returns where the walk after this one begins.
func (s seen) next() seen {
	told := mark{Moved: min(s.Next-1, max(s.Pools.Moved, s.Revs.Moved))}
	// Every text is after the empty one, so rows of that transaction are told again too.
	return seen{Pools: told, Revs: told, Server: s.Server}
}

// ahead tells whether the cursor is of another server than the one that runs since then, or beyond
// what that has given, which is before xmax.
func (s seen) ahead(server, xmax int64) bool {
	begun := s.Next
	if begun == 0 {
		begun = s.Pools.Moved + 1
	}
	return s.Server != 0 && s.Server != server || begun > xmax
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
		at = seen{}
		f, _, err = s.walk(ctx, &at)
		f.Anew = true
	}
	if err != nil {
		return storage.Feed{}, err
	}
	f.More = len(f.Pools) == storage.MaxPage || len(f.Revocations) == storage.MaxPage
	if !f.More {
		at = at.next()
	}
	f.Next = at.cursor()
	return f, nil
}

// walk reads one page of the feed. ahead tells that the cursor is none of this server's history.
func (s *Store) walk(ctx context.Context, at *seen) (f storage.Feed, ahead bool, err error) {
	var xmin, xmax, server int64
	b := new(pgx.Batch)
	b.Queue(feedBounds).QueryRow(func(row pgx.Row) error { return row.Scan(&xmin, &xmax, &server) })
	begun, pools, revs := *at, at.Pools, at.Revs
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
	at.Server = server
	if at.Next == 0 {
		at.Next = xmin
	}
	return f, begun.ahead(server, xmax), nil
}
