package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/userpool-go/userpool/storage"
)

// Commit implements [storage.Store]. Commits of concurrent callers share one transaction.
func (s *Store) Commit(ctx context.Context, changes ...storage.Change) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	pool, err := storage.Check(changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	p, err := newPlan(pool, changes, s.config.Also)
	if err != nil {
		return err
	}
	return s.writer.do(ctx, &job{run: p.run, size: p.size, deletes: p.deletes})
}

// CommitIn applies changes inside a transaction of the app's, on the handle of [Store.DB]: they
// count when the app commits, and are undone when it rolls back. It is for programs that must own
// the transaction; [Config].Also serves the others better, because until the app's transaction ends
// every commit of the store waits for it.
//
// It runs in a savepoint: after an error nothing of it is left, and the transaction goes on. Errors
// are those of [storage.Store], and nobody retries: the app decides what an ErrStale means to it.
// Config.Also is called as in Commit.
func (s *Store) CommitIn(ctx context.Context, tx *sql.Tx, changes ...storage.Change) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	pool, err := storage.Check(changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	p, err := newPlan(pool, changes, s.config.Also)
	if err != nil {
		return err
	}
	return commitIn(&foreign{tx, context.WithoutCancel(ctx)}, p)
}

func commitIn(s statements, p *plan) error {
	if _, err := s.exec("SAVEPOINT userpool"); err != nil {
		return lost(err)
	}
	err := p.run(&tx{statements: s})
	if err != nil {
		if _, e := s.exec("ROLLBACK TO userpool"); e != nil {
			err = &brokenError{errors.Join(err, e)}
		}
	}
	if _, e := s.exec("RELEASE userpool"); err == nil && e != nil {
		err = &brokenError{e}
	}
	if b, ok := errors.AsType[*brokenError](err); ok {
		return lost(b.err)
	}
	return err
}

// foreign is a transaction of the app's. The app's context must not end inside a statement: SQLite
// would roll back the whole transaction.
type foreign struct {
	tx  *sql.Tx
	ctx context.Context
}

func (f *foreign) exec(query string, args ...any) (int64, error) {
	r, err := f.tx.ExecContext(f.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (f *foreign) query(query string, args ...any) (*sql.Rows, error) {
	return f.tx.QueryContext(f.ctx, query, args...)
}

func (f *foreign) row(query string, args ...any) *sql.Row {
	return f.tx.QueryRowContext(f.ctx, query, args...)
}
