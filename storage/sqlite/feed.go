package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	feedEnd     = `SELECT (SELECT coalesce(max(moved), 0) FROM userpool_pools), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'userpool_revocations'), 0)`
	movedPools  = `SELECT id, epoch, deleted, moved FROM userpool_pools WHERE moved > ? ORDER BY moved LIMIT ?`
	revocations = `SELECT r.seq, p.id, r.id, r.user_id, r.session, r.epoch, r.expires
		FROM userpool_revocations AS r JOIN userpool_pools AS p ON p.key = r.pool WHERE r.seq > ? ORDER BY r.seq LIMIT ?`
)

// seen is a cursor: how far the feed of pools and that of revocations were told.
type seen struct{ moved, seq int64 }

func (s seen) cursor() storage.Cursor { return storage.Cursor(fmt.Sprintf("%d.%d", s.moved, s.seq)) }

func parseSeen(c storage.Cursor) (s seen, err error) {
	if c == "" {
		return s, nil
	}
	moved, seq, ok := strings.Cut(string(c), ".")
	s.moved, err = strconv.ParseInt(moved, 10, 64)
	if err == nil {
		s.seq, err = strconv.ParseInt(seq, 10, 64)
	}
	if !ok || err != nil || s.moved < 0 || s.seq < 0 {
		return s, fmt.Errorf("%w: not a cursor of this store", storage.ErrInvalid)
	}
	return s, nil
}

// Changed implements [storage.Store].
func (s *Store) Changed(ctx context.Context, since storage.Cursor) (f storage.Feed, err error) {
	if err := s.usable(ctx); err != nil {
		return f, err
	}
	at, err := parseSeen(since)
	if err != nil {
		return f, err
	}
	err = s.read(ctx, func(c *conn) error {
		if f.Anew, err = at.beyond(c); err != nil {
			return err
		}
		if f.Pools, err = at.pools(c); err != nil {
			return err
		}
		f.Revocations, err = at.revocations(c)
		return err
	})
	f.Next = at.cursor()
	f.More = len(f.Pools) == storage.MaxPage || len(f.Revocations) == storage.MaxPage
	return f, err
}

// beyond tells whether the cursor is ahead of the file, which was restored from a copy of before, and
// starts over: what has happened since is told again rather than missed.
func (s *seen) beyond(c *conn) (bool, error) {
	var moved, seq int64
	if err := c.row(feedEnd).Scan(&moved, &seq); err != nil {
		return false, err
	}
	if s.moved <= moved && s.seq <= seq {
		return false, nil
	}
	*s = seen{}
	return true, nil
}

func (s *seen) pools(c *conn) ([]storage.PoolChange, error) {
	rows, err := c.query(movedPools, s.moved, storage.MaxPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []storage.PoolChange
	for rows.Next() {
		var p storage.PoolChange
		if err := rows.Scan(&p.Pool, &p.Epoch, &p.Deleted, &s.moved); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

func (s *seen) revocations(c *conn) ([]*storage.Revocation, error) {
	rows, err := c.query(revocations, s.seq, storage.MaxPage)
	return collect(rows, err, func(r row) (*storage.Revocation, error) {
		v := new(storage.Revocation)
		var pool user.PoolID
		var expires when
		err := r.Scan(&s.seq, &pool, &v.ID, &v.User, &v.Session, &v.Epoch, &expires)
		v.Pool, v.Expires = pool, expires.Time
		return v, err
	})
}
