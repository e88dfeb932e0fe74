// Package memory keeps user pools in memory, for tests, trials and programs that may forget.
//
// It keeps the whole contract of [storage.Store]: all or nothing, stamps, unique logins, exact
// counters, pages that hold still while others write. It forgets everything when the process ends,
// and says so by Ephemeral, so that a pool on it needs no keyring:
//
//	st := memory.New()
//	defer st.Close()
//	err := st.Commit(ctx, storage.Put(&storage.Pool{ID: "shop", Created: now}))
//
// Inside, a pool is a handful of tables: a table is a map of rows, with ordered lists beside it by
// which rows are listed and found. A row is never changed, only replaced, and each replacement
// leaves behind how to take it back; a commit that is refused half way is undone that way. One lock
// guards it all, and everything is copied on its way in and out.
package memory

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Store is a [storage.Store] in memory. Make one with [New].
type Store struct {
	mu     sync.RWMutex
	closed bool

	pools   map[user.PoolID]*pool // deleted ones too: neither id nor issuer is used again
	byID    list                  // of the pools
	issuers map[string]user.PoolID
	clients map[string]user.PoolID
	leases  map[string]lease
	feed    list  // revocations, and pools by their last move, in the order of moving
	moves   int64 // how many there have been
}

type lease struct {
	holder string
	until  time.Time
}

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Ephemeral = (*Store)(nil)
)

// New returns an empty store.
func New() *Store {
	return &Store{
		pools:   make(map[user.PoolID]*pool),
		issuers: make(map[string]user.PoolID),
		clients: make(map[string]user.PoolID),
		leases:  make(map[string]lease),
	}
}

// Ephemeral reports true: see [storage.Ephemeral].
func (s *Store) Ephemeral() bool { return true }

// Close frees what the store holds. Every later call returns [storage.ErrClosed].
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.pools, s.byID, s.issuers, s.clients, s.leases, s.feed = nil, list{}, nil, nil, nil, list{}
	return nil
}

// Lease implements [storage.Store].
func (s *Store) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	if l.Name == "" || l.Holder == "" || l.Now.IsZero() {
		return false, fmt.Errorf("%w: a lease has a name, a holder and a time", storage.ErrInvalid)
	}
	now, until := cut(l.Now), cut(l.Until)
	held, ok := s.leases[l.Name]
	if ok && held.holder != l.Holder && held.until.After(now) {
		return false, nil
	}
	if until.After(now) {
		s.leases[l.Name] = lease{l.Holder, until}
		return true, nil
	}
	if held.holder == l.Holder {
		delete(s.leases, l.Name)
	}
	return false, nil
}

// lock takes the store for writing, unless it is closed or the caller has left.
func (s *Store) lock(ctx context.Context) error {
	s.mu.Lock()
	err := s.usable(ctx)
	if err != nil {
		s.mu.Unlock()
	}
	return err
}

// rlock takes the store for reading, unless it is closed or the caller has left.
func (s *Store) rlock(ctx context.Context) error {
	s.mu.RLock()
	err := s.usable(ctx)
	if err != nil {
		s.mu.RUnlock()
	}
	return err
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return storage.ErrClosed
	}
	return ctx.Err()
}

// live returns a pool that exists, or nil.
func (s *Store) live(id user.PoolID) *pool {
	if p := s.pools[id]; p != nil && !p.deleted {
		return p
	}
	return nil
}
