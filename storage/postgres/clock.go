package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

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
	b := new(pgx.Batch)
	b.Queue(`SELECT clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(&now) })
	if err := s.snapshot(ctx, b); err != nil {
		return time.Time{}, err
	}
	return now.UTC(), nil
}
