package pool

import (
	"context"
	"errors"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/storage"
)

// secretFailures counts wrong client secrets from a network. It is apart from the other wrong
// answers, and what it bounds is what is written and told of them: nobody guesses a secret of 32
// characters, but whoever shares a network with a server could keep it out.
const secretFailures = "failures:client"

// asking is who makes a visitor's call: the app client as it says of itself, and whom it makes it
// for. All reading of users goes by one, so no call forgets to ask for the secret.
type asking struct {
	client string // "" means the pool's only one
	secret password.Secret
	from   Caller
	// admitted remembers that the network was within its budget in an earlier round of the call: what
	// was judged then is to be counted, and it refuses that no more.
	admitted bool
	leaves   bool // to sign out, which whoever is refused all else may do
	// passkey is the credential id that the answer to a ticket names; nil means none. Alien remembers
	// that its owner is not whom the ticket is for.
	passkey []byte
	alien   bool
}

// visitor returns who is to be let in.
func (a *asking) visitor() Caller {
	if a.leaves {
		return Caller{}
	}
	return a.from
}

// counters returns the counter that a call is read with where it shows a secret.
func (a *asking) counters(p *Pool) []storage.CounterKey {
	if a.secret.IsZero() {
		return nil
	}
	return []storage.CounterKey{p.sourceKey(p.state.Load(), a.from, secretFailures)}
}

// proven returns the client that a call names, where it has shown that it is that one; counted are
// the counters that were read for it. A wrong secret is counted against the network before it is
// told (security.md T5), and the answer is that of a client that there is not. The right one is let
// in from a network that has had enough, too: strangers behind the same address, or with none, must
// not shut a server out of its own pool (security.md T6).
func (p *Pool) proven(
	ctx context.Context, a *asking, r round, counted []storage.Counter,
) (Client, error) {
	c, err := r.state.settings.client(a.client)
	if err != nil {
		return Client{}, err
	}
	if a.secret.IsZero() {
		if c.Confidential {
			return Client{}, ErrUnknownClient
		}
		return c, nil
	}
	if c.Confidential && p.opens(r.state.clients[c.ID].Secrets, c.ID, a.secret) {
		return c, nil
	}
	o := occurrence{from: a.from, Kind: clientEvent, Outcome: refused, Reason: "secret", Client: c.ID}
	if err := overBudget(counted[0], sourceRule, r.now); err != nil {
		return Client{}, p.unjudged(ctx, o, networkFull, err)
	}
	return Client{}, p.wrongSecret(ctx, counted[0].Key, o, r.now)
}

// wrongSecret lets the verdict on a client secret leave once it is counted.
func (p *Pool) wrongSecret(ctx context.Context, network storage.CounterKey, o occurrence, now time.Time) error {
	err := p.commit(ctx, storage.Count{Key: network, Rule: sourceRule, Now: now}, p.event(now, o))
	if full, ok := errors.AsType[*storage.LimitError](err); ok {
		return p.unjudged(ctx, o, networkFull, &LimitError{Until: full.Until})
	} else if err != nil {
		return err
	}
	return ErrUnknownClient
}
