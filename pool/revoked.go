package pool

import (
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// revocations are the sessions that are over while access tokens of them may still be valid, of all
// pools: one that is loaded later knows what was revoked before. Those of all sessions of a user
// have no session id, and end the ones of an epoch below theirs.
type revocations struct {
	mu     sync.RWMutex
	latest map[revokedKey]*storage.Revocation
}

type revokedKey struct {
	pool user.PoolID
	storage.SessionKey
}

func (r *revocations) add(rev *storage.Revocation) {
	key := revokedKey{rev.Pool, storage.SessionKey{User: rev.User, ID: rev.Session}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latest == nil {
		r.latest = map[revokedKey]*storage.Revocation{}
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

// covers reports whether the session of a token of a pool is over.
func (r *revocations) covers(pool user.PoolID, c token.Claims) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	key := revokedKey{pool, storage.SessionKey{User: user.ID(c.Subject), ID: c.Session}}
	if _, over := r.latest[key]; over {
		return true
	}
	key.ID = ""
	if all := r.latest[key]; all != nil && c.Epoch < all.Epoch {
		return true
	}
	key.User = user.ID(c.Actor)
	by := r.latest[key] // of whom the token does not tell the epoch; it tells whole seconds
	return c.Actor != "" && by != nil && c.IssuedAt.Before(by.Expires.Add(-keepRevoked))
}
