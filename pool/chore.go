package pool

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 1000
	follows    = time.Second
)

// sweep erases what has expired until ctx ends.
func (p *Pool) sweep(ctx context.Context) {
	for {
		if err := p.sweepOnce(ctx); err != nil && !over(ctx) {
			p.config.Logger.WarnContext(ctx, "sweep failed", "error", err)
		}
		if !pause(ctx, sweepEvery) {
			return
		}
	}
}

// sweepOnce erases what has expired by now, unless another process does: one at a time does it.
func (p *Pool) sweepOnce(ctx context.Context) error {
	now := p.now()
	lease := storage.Lease{Name: "sweep", Holder: p.holder, Now: now, Until: now.Add(sweepEvery)}
	held, err := p.store.Lease(ctx, lease)
	for n := sweepBatch; err == nil && held && n == sweepBatch; {
		n, err = p.store.Sweep(ctx, p.now(), sweepBatch)
	}
	return err
}

// follow keeps this process on the pool's newest settings, keys and revocations until ctx ends
// (security.md T3, S18).
func (p *Pool) follow(ctx context.Context) {
	for pause(ctx, follows) {
		if err := p.catchUp(ctx); err != nil && !over(ctx) {
			p.config.Logger.WarnContext(ctx, "feed failed", "pool", p.config.ID, "error", err)
		}
	}
}

// catchUp takes all that the feed has. Open calls it before anything is verified, and then follow
// alone.
func (p *Pool) catchUp(ctx context.Context) (failed error) {
	for {
		feed, err := p.store.Changed(ctx, p.since)
		if err != nil {
			return errors.Join(failed, err)
		}
		// Settings that cannot be read now are asked for again by the next call that meets their
		// epoch. Revocations further on must not wait for them.
		failed = errors.Join(failed, p.take(ctx, feed))
		p.since = feed.Next
		if !feed.More {
			return failed
		}
	}
}

func (p *Pool) take(ctx context.Context, feed storage.Feed) error {
	for _, r := range feed.Revocations {
		if r.Pool == p.config.ID {
			p.revoked.add(r)
		}
	}
	p.revoked.forget(p.now())
	for _, c := range feed.Pools {
		if c.Pool == p.config.ID && !c.Deleted {
			if _, err := p.current(ctx, c.Epoch); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause waits, and tells whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// revocations are the sessions that are over while access tokens of them may still be valid. Those
// of all sessions of a user have no session id, and end the ones of an epoch below theirs.
type revocations struct {
	mu     sync.RWMutex
	latest map[storage.SessionKey]*storage.Revocation
}

func (r *revocations) add(rev *storage.Revocation) {
	key := storage.SessionKey{User: rev.User, ID: rev.Session}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		r.latest = map[storage.SessionKey]*storage.Revocation{}
	}
	if have := r.latest[key]; have == nil || have.Epoch <= rev.Epoch {
		r.latest[key] = rev
	}
}

// forget drops what no valid token can be of any more.
func (r *revocations) forget(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for k, rev := range r.latest {
		if !rev.Expires.After(now) {
			delete(r.latest, k)
		}
	}
}

// covers reports whether the session of a token is over.
func (r *revocations) covers(c token.Claims) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if _, over := r.latest[storage.SessionKey{User: user.ID(c.Subject), ID: c.Session}]; over {
		return true
	}
	all := r.latest[storage.SessionKey{User: user.ID(c.Subject)}]
	return all != nil && c.Epoch < all.Epoch
}
