package memory

import (
	"context"
	"fmt"
	"strconv"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Changed implements [storage.Store]. A cursor counts the moves that were told.
func (s *Store) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	if err := s.rlock(ctx); err != nil {
		return storage.Feed{}, err
	}
	defer s.mu.RUnlock()
	var told int64
	if since != "" {
		var err error
		if told, err = strconv.ParseInt(string(since), 10, 64); err != nil || told < 0 || told > s.moves {
			return storage.Feed{}, fmt.Errorf("%w: not a cursor of this store", storage.ErrInvalid)
		}
	}
	var f storage.Feed
	for at := range s.feed.from(place{at: told + 1}) {
		if len(f.Pools)+len(f.Revocations) == storage.MaxPage {
			f.More = true
			break
		}
		id := user.PoolID(at.key.owner)
		p := s.pools[id]
		if at.key.id == "" {
			f.Pools = append(f.Pools, storage.PoolChange{Pool: id, Epoch: p.epoch, Deleted: p.deleted})
		} else {
			f.Revocations = append(f.Revocations, revocationRow(p.revocations.rows[at.key].Revocation))
		}
		told = at.at
	}
	f.Next = storage.Cursor(strconv.FormatInt(told, 10))
	return f, nil
}
