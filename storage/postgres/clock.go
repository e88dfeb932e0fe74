package postgres

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/storage"
)

var _ storage.Clock = (*Store)(nil)

// Now implements [storage.Clock]: it asks the primary.
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer done()
	// clock_timestamp is that of the statement; now() would be that of a transaction.
	if err := s.pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now); err != nil {
		return time.Time{}, unread(ctx, err)
	}
	return now.UTC(), nil
}
