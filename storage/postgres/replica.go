package postgres

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
)

const (
	replicaTime = 2 * time.Second  // before the primary is asked instead
	replicaRest = 10 * time.Second // after it failed
)

// standby asks whether a server follows another, and which version its tables have.
const standby = `SELECT pg_is_in_recovery(), coalesce(max(version), 0) FROM userpool_schema`

var errNoReplica = errors.New("postgres: not a replica with the tables of this version")

// replica is a server that follows ours, and answers what may be stale. One that fails is left alone
// for a while, so that those who could do without it do not wait for it. After that the first to ask
// tries it, and the others do not wait for that either.
type replica struct {
	pool  *pgxpool.Pool // nil means that there is none
	state atomic.Int32
}

const (
	answers int32 = iota
	rests
	rested // and may be tried
)

// ask tells whether to ask the replica now.
func (r *replica) ask() bool {
	return r.pool != nil && (r.state.Load() == answers || r.state.CompareAndSwap(rested, rests))
}

// answered notes how the replica did.
func (r *replica) answered(err error) {
	if err == nil {
		r.state.Store(answers)
		return
	}
	r.state.Store(rests)
	time.AfterFunc(replicaRest, func() { r.state.CompareAndSwap(rests, rested) })
}

// source is where a list is read from.
type source struct {
	pool  *pgxpool.Pool
	stale bool // a replica
}

// primary is where everything is read from, unless who asks permits otherwise.
func (s *Store) primary() source { return source{pool: s.pool} }

// listing reads a page from a source. known tells whether the pool is there.
type listing[P any] func(context.Context, source) (page P, known bool, err error)

// page reads from the replica where that may be stale, and else from the primary. Whatever keeps the
// replica from it, from a pool that it does not have yet to a server that is none any more, is for
// the primary to answer.
func page[P any](ctx context.Context, s *Store, mayBeStale bool, read listing[P]) (P, error) {
	if mayBeStale && s.replica.ask() {
		in, cancel := context.WithTimeout(ctx, replicaTime)
		found, known, err := read(in, source{s.replica.pool, true})
		cancel()
		if errors.Is(err, storage.ErrNotReady) {
			known, err = false, nil // as of then
		}
		s.replica.answered(err)
		if known && err == nil {
			return found, nil
		}
	}
	found, known, err := read(ctx, s.primary())
	if !known || err != nil {
		return *new(P), err
	}
	return found, nil
}

// snapshotOf is snapshot of a source. A replica must be one, and at our version of the tables: what
// the primary was migrated to a moment ago may not be there yet.
func (s *Store) snapshotOf(ctx context.Context, from source, queries *pgx.Batch) error {
	follows, version := true, len(migrations)
	if from.stale {
		queries.Queue(s.sql(standby)).QueryRow(func(row pgx.Row) error { return row.Scan(&follows, &version) })
	}
	err := snapshot(ctx, from.pool, queries)
	if err == nil && (!follows || version < len(migrations)) {
		return errNoReplica
	}
	return err
}
