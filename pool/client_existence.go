package pool

import (
	"context"

	"github.com/userpool-go/userpool/storage"
)

// told lets it leave whether an address has an owner, to a client of [Client].InsecureTellExistence
// alone. It is counted first, so that a network learns of no more than it may ask for.
func (p *Pool) told(ctx context.Context, r reading, rule storage.Rule, o occurrence, verdict error) error {
	o.Outcome = refused
	err := p.commit(ctx, storage.Count{Key: r.source.Key, Rule: rule, Now: r.now}, p.event(r.now, o))
	if err != nil {
		return overMail(err)
	}
	return verdict
}

// nobody reports whether a client may be told that a login is nobody's, and it is.
func (r reading) nobody() bool {
	return r.client.InsecureTellExistence && r.owner() == nil && r.attempt == nil
}
