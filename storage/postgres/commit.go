package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
)

const (
	commitTries  = 8                // where other commits are in the way
	commitTime   = 30 * time.Second // of one that was taken up
	patience     = time.Second      // of that, when its caller has gone
	rollbackTime = 5 * time.Second
)

// What a statement waits for it must see afterwards, whatever level a role begins transactions at: the
// snapshot of a transaction would count sessions and attempts as they were before.
const (
	beginCommit   = "BEGIN ISOLATION LEVEL READ COMMITTED"
	readCommitted = `SELECT 1/count(*) FROM (SELECT current_setting('transaction_isolation') AS level) AS t WHERE level = 'read committed'`
)

var errIsolation = fmt.Errorf("%w: CommitIn needs a transaction that is READ COMMITTED", storage.ErrInvalid)

// Commit implements [storage.Store]. It is one round trip, and one or two more where it was refused or a
// user has all the sessions there may be.
func (s *Store) Commit(ctx context.Context, changes ...storage.Change) error {
	done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	pool, err := storage.Check(changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	p, err := newPlan(pool, changes, s.config.Also)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := s.try(ctx, p)
		if errors.Is(err, errCrowded) {
			p.crowd()
			err = s.try(ctx, p)
		}
		if !atOnce(err) || try == commitTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(storage.NewStamp()) % (time.Duration(try) * 2 * time.Millisecond)):
		}
	}
}

// errCrowded means that a user has all the sessions that there may be.
var errCrowded = errors.New("postgres: a user has too many sessions")

// try sends a commit once. The caller's context counts until there is a connection for it.
func (s *Store) try(caller context.Context, p *plan) error {
	conn, err := acquire(caller, caller, s.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	ctx, cancel := takenUp(caller)
	defer cancel()
	f := s.send(ctx, conn, p, beginCommit, "COMMIT")
	if f == nil {
		return nil
	}
	if caller.Err() == nil {
		f.err = ours(f.err)
	}
	rollback(ctx, conn)
	if codeOf(f.err) == readOnly { // it led to the primary once: the next finds who is it now
		_ = conn.Conn().Close(ctx)
	}
	return s.refused(ctx, conn, p, f)
}

// acquire returns a connection, which is to be released. It waits within ctx, which may be shorter
// than the caller's.
func acquire(caller, ctx context.Context, from *pgxpool.Pool) (*pgxpool.Conn, error) {
	conn, err := from.Acquire(ctx)
	switch {
	case err == nil:
		return conn, nil
	case caller.Err() != nil:
		return nil, caller.Err()
	}
	return nil, fmt.Errorf("%w: %w", storage.ErrRetry, ours(err))
}

// takenUp is the context of a commit that was taken up: it runs to its end. Where its caller goes, and
// the server is so slow that nobody knows whether it ever answers, it is given up soon, its outcome
// unknown.
func takenUp(caller context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(caller), commitTime)
	stop := context.AfterFunc(caller, func() { time.AfterFunc(patience, cancel) })
	return ctx, func() { stop(); cancel() }
}

// rollback ends a transaction of which a statement failed. A connection in which it stayed open
// would be thrown away, and whoever makes commits fail would make us connect anew for each.
func rollback(ctx context.Context, conn *pgxpool.Conn) {
	if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTime)
		defer cancel()
		_, _ = conn.Exec(ctx, "ROLLBACK") // a failure shows in its status, and the pool drops it
	}
}

// failure is the first statement that failed.
type failure struct {
	at  int // index into the items; len(items) for what ends the transaction, -1 for what begins it
	err error
}

// batcher is a connection, or a transaction of the app's.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// send sends all statements at once, between two that begin and end.
func (s *Store) send(ctx context.Context, to batcher, p *plan, begin, end string) *failure {
	b := new(pgx.Batch)
	b.Queue(begin)
	for _, i := range p.items {
		query := i.sql
		if !i.app {
			query = s.sql(query)
		}
		b.Queue(query, i.args...)
	}
	b.Queue(end)
	results := to.SendBatch(ctx, b)
	for at := -1; at <= len(p.items); at++ {
		if _, err := results.Exec(); err != nil {
			results.Close()
			return &failure{at, err}
		}
	}
	if err := results.Close(); err != nil {
		return &failure{len(p.items), err}
	}
	return nil
}

// refused turns a failure into what the caller is told, when nothing of the commit is left.
func (s *Store) refused(ctx context.Context, from batcher, p *plan, f *failure) error {
	code := codeOf(f.err)
	if f.at < 0 || undone(code) {
		return lost(f.err, false)
	}
	if f.at == len(p.items) {
		if err := p.referenced(code); err != nil {
			return err
		}
		return lost(f.err, true)
	}
	i := p.items[f.at]
	err := error(nil)
	if i.sql == insertSession && code == divisionByZero {
		return errCrowded
	}
	if i.sql == trimAttempts && (code == foreignKey || code == restrict) {
		p.items = slices.Delete(p.items, f.at, f.at+1) // rows of the app's hold on to one: it stays
		return fmt.Errorf("%w: %w", storage.ErrRetry, f.err)
	}
	switch {
	case i.app && code != "" && !broken(code):
		err = fmt.Errorf("the app's statement: %w", f.err)
	case i.refuses != nil:
		err = i.refuses(code)
	}
	if err != nil && i.counter != nil {
		was, e := s.counter(ctx, from, i.count)
		if e != nil { // the commit was refused, all the same
			return fmt.Errorf("%w: %w", storage.ErrRetry, e)
		}
		if err = i.counter(was); err == nil {
			return fmt.Errorf("%w: a counter opened meanwhile", storage.ErrRetry)
		}
	}
	if err != nil && (i.sql == requireUser || i.sql == holdRequired) {
		epoch := int64(0)
		switch e := none(from.QueryRow(ctx, s.sql(selectEpoch), string(p.pool)).Scan(&epoch)); {
		case e != nil:
			return fmt.Errorf("%w: %w", storage.ErrRetry, e)
		case epoch == 0:
			return storage.ErrNoPool
		}
	}
	switch {
	case err == nil:
		return lost(f.err, false)
	case i.change < 0:
		return err
	}
	return &storage.ChangeError{Index: i.change, Err: err}
}

// referenced returns what a deferred foreign key of the app's means at the end of a commit that
// deletes users.
func (p *plan) referenced(code string) error {
	if code != foreignKey {
		return nil
	}
	for _, i := range p.items {
		if i.sql == eraseUser {
			return &storage.ChangeError{Index: i.change, Err: storage.ErrReferenced}
		}
	}
	return nil
}

// CommitIn applies changes inside a transaction of the app's: they count when the app commits, and
// are undone when it rolls back. It is for programs that must own the transaction; [Config].Also
// serves the others better, because until the app's transaction ends, commits on the same records
// wait for it.
//
// It runs in a savepoint: after an error nothing of it is left, and the transaction goes on. Errors
// are those of [storage.Store], and nobody retries: the app decides what an ErrStale means to it.
// Config.Also is called as in Commit. A transaction of another level than READ COMMITTED is
// [storage.ErrInvalid]: it would not see what it waited for.
func (s *Store) CommitIn(ctx context.Context, tx pgx.Tx, changes ...storage.Change) error {
	done, err := s.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	pool, err := storage.Check(changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	p, err := newPlan(pool, changes, s.config.Also)
	if err != nil {
		return err
	}
	p.add(item{phase: phaseLock, change: -1, sql: readCommitted, refuses: refuse(errIsolation, divisionByZero)})
	p.crowd() // nothing is sent twice in a transaction of the app's
	f := s.send(ctx, tx, p, "SAVEPOINT userpool", "RELEASE SAVEPOINT userpool")
	if f == nil {
		return nil
	}
	if f.at >= 0 {
		if _, err := tx.Exec(ctx, "ROLLBACK TO SAVEPOINT userpool"); err != nil {
			return fmt.Errorf("%w: %w", storage.ErrRetry, errors.Join(f.err, err)) // the app cannot commit it either
		}
	}
	return s.refused(ctx, tx, p, f)
}
