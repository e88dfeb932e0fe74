package pool

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// observedStore is a store that tells of each call.
type observedStore struct {
	storage.Store
	*watch
}

// around returns a store that tells of its calls, where somebody wants to hear.
func (w *watch) around(st storage.Store) storage.Store {
	if w.Observer.Store == nil {
		return st
	}
	return observedStore{st, w}
}

// timed makes a call and tells of it.
func timed[A any](
	ctx context.Context, s observedStore, operation string, pool user.PoolID, call func() (A, error),
) (A, error) {
	began := s.now()
	a, err := call()
	tell(ctx, s.watch, s.Observer.Store, StoreCall{operation, pool, began, s.now().Sub(began), outcome(err)})
	return a, err
}

func (s observedStore) Read(ctx context.Context, pool user.PoolID, w storage.Want) (storage.Got, error) {
	return timed(ctx, s, "read", pool, func() (storage.Got, error) { return s.Store.Read(ctx, pool, w) })
}

func (s observedStore) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	return timed(ctx, s, "users", pool, func() (storage.UserPage, error) { return s.Store.Users(ctx, pool, q) })
}

func (s observedStore) Sessions(
	ctx context.Context, pool user.PoolID, q storage.SessionQuery,
) (storage.SessionPage, error) {
	return timed(ctx, s, "sessions", pool, func() (storage.SessionPage, error) { return s.Store.Sessions(ctx, pool, q) })
}

func (s observedStore) Documents(
	ctx context.Context, pool user.PoolID, q storage.DocumentQuery,
) (storage.DocumentPage, error) {
	return timed(ctx, s, "documents", pool, func() (storage.DocumentPage, error) { return s.Store.Documents(ctx, pool, q) })
}

func (s observedStore) Events(ctx context.Context, pool user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	return timed(ctx, s, "events", pool, func() (storage.EventPage, error) { return s.Store.Events(ctx, pool, q) })
}

func (s observedStore) Pools(ctx context.Context, q storage.PoolQuery) (storage.PoolPage, error) {
	// Its id may be what a visitor asked for: no label.
	return timed(ctx, s, "pools", "", func() (storage.PoolPage, error) { return s.Store.Pools(ctx, q) })
}

func (s observedStore) Drop(ctx context.Context, pool user.PoolID, n int) (bool, error) {
	return timed(ctx, s, "drop", pool, func() (bool, error) { return s.Store.Drop(ctx, pool, n) })
}

func (s observedStore) Commit(ctx context.Context, changes ...storage.Change) error {
	_, err := timed(ctx, s, "commit", poolOf(changes), func() (struct{}, error) {
		return struct{}{}, s.Store.Commit(ctx, changes...)
	})
	return err
}

func (s observedStore) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	return timed(ctx, s, "lease", "", func() (bool, error) { return s.Store.Lease(ctx, l) })
}

func (s observedStore) Due(
	ctx context.Context, pools []user.PoolID, lane int, now time.Time, n int,
) ([]*storage.Outgoing, error) {
	return timed(ctx, s, "due", "", func() ([]*storage.Outgoing, error) { return s.Store.Due(ctx, pools, lane, now, n) })
}

func (s observedStore) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	return timed(ctx, s, "changed", "", func() (storage.Feed, error) { return s.Store.Changed(ctx, since) })
}

func (s observedStore) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	return timed(ctx, s, "sweep", "", func() (int, error) { return s.Store.Sweep(ctx, now, n) })
}

func (s observedStore) Trim(ctx context.Context, pool user.PoolID, seal int64, n int) (bool, error) {
	return timed(ctx, s, "trim", pool, func() (bool, error) { return s.Store.Trim(ctx, pool, seal, n) })
}

// poolOf returns the pool that a commit is of.
func poolOf(changes []storage.Change) user.PoolID {
	if len(changes) == 0 {
		return ""
	}
	switch c := changes[0].(type) {
	case storage.PutRecord:
		return storage.TargetOf(c.Record).Pool
	case storage.DeleteRecord:
		return storage.TargetOf(c.Record).Pool
	case storage.RequireRecord:
		return storage.TargetOf(c.Record).Pool
	case storage.Count:
		return c.Key.Pool
	case storage.Clear:
		return c.Key.Pool
	case storage.Raise:
		return c.Key.Pool
	case storage.Defer:
		return c.Pool
	case storage.Seal:
		return c.Pool
	}
	return ""
}
