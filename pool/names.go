package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/storage"
)

// NewClientID returns an id for a new [Client]: 26 random letters and digits, as Cognito's are. An
// id of this form names its pool too: no other pool of the store has it, or ever will, and
// [Directory.ByClient] finds the pool by it. Ids that are chosen, such as "web", are unique in their
// pool alone (security.md S7).
func NewClientID() string { return strings.ToLower(rand.Text()) }

// generatedID reports whether a client id is of the form that [NewClientID] gives.
func generatedID(id string) bool {
	return len(id) == 26 && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// generated returns the client ids that name the pool, in order.
func (s Settings) generated() (ids []string) {
	for _, c := range s.Clients {
		if generatedID(c.ID) {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// ownNames returns the change that makes the issuer, and the client ids of settings that are given
// or about to be stored, the pool's own, or none where they are: no two pools of a store mint in one
// name (security.md S7).
func (p *Pool) ownNames(ctx context.Context, s *Settings) ([]storage.Change, error) {
	page, err := p.store.Pools(ctx, storage.PoolQuery{ID: p.config.ID})
	if err != nil {
		return nil, unavailable(err)
	}
	if len(page.Pools) == 0 {
		return nil, unavailable(storage.ErrNoPool)
	}
	stored := page.Pools[0]
	ids := stored.Clients
	if s != nil {
		ids = s.generated()
	}
	if stored.Issuer == p.config.Issuer && slices.Equal(stored.Clients, ids) {
		return nil, nil
	}
	stored.Issuer, stored.Clients = p.config.Issuer, ids
	return []storage.Change{storage.Put(stored)}, nil
}

// foreign says which name of a pool is another's, where that refused a commit.
func foreign(err error) error {
	taken, ok := errors.AsType[*storage.ConflictError](err)
	if !ok {
		return err
	}
	what := "a client id"
	if taken.Namespace == storage.Issuer {
		what = "the issuer"
	} else if taken.Namespace != storage.Client {
		return err
	}
	return fmt.Errorf("%w: %s is, or was, another pool's of this store: %w", ErrExists, what, err)
}
