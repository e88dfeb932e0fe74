package pool

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Why a call was refused without a verdict. It stands in the event, and the visitor does not learn
// it.
const (
	accountLocked  = "locked"  // guessing at the account
	networkFull    = "network" // wrong answers or requests of the caller's network
	networkBlocked = "blocked" // by the settings, whoever is there
	poolFull       = "pool"    // the budget of the whole pool
	doorFull       = "busy"    // the password door
	hookFull       = "hook"    // as many runs of a hook as may go on
	forbidden      = "role"    // of an administrator: it lacks a permission, or the user is not below it
)

const (
	gatherFor   = time.Minute
	maxGathered = 256 // kinds of refusal that a process tells apart in a minute
)

// refusals gathers the calls that were refused without a verdict. They commit nothing, and an event
// of each would let whoever is refused fill the table: so there is one event a minute for those of
// one kind, reason, network and user, with their number (security.md T10). Those of networks and
// users beyond the first 256 are told by kind and reason alone.
type refusals struct {
	*Pool
	mu       sync.Mutex
	gathered map[refusal]tally
	since    time.Time // of the first of them

	writing   sync.Mutex
	unwritten []storage.Change // events as they will be stored, or were if an answer was lost
}

// refusal is what gathered calls have in common.
type refusal struct {
	kind, reason string
	network      netip.Addr
	user         user.ID
	actor        string
}

// tally is how many there were, and under whose event key their network is sealed.
type tally struct {
	n   int
	who *user.User
}

// unjudged remembers that a call was refused without a verdict, and returns the refusal. It does the
// same for whoever exists and whoever does not.
func (p *Pool) unjudged(ctx context.Context, o occurrence, reason string, refusal error) error {
	p.refusals.add(o, reason)
	p.dir.watch.refusal(ctx, p.config.ID, o.Kind, reason)
	return refusal
}

// full remembers a refusal of the password door, and returns err.
func (p *Pool) full(ctx context.Context, o occurrence, err error) error {
	if _, limited := errors.AsType[*LimitError](err); limited {
		return p.unjudged(ctx, o, doorFull, err)
	}
	return err
}

// afford takes one of the pool's budget for what a call is about to do, and remembers a refusal.
func (p *Pool) afford(ctx context.Context, o occurrence, b *budget, perSecond int, known bool) error {
	err := b.take(ctx, perSecond, idOf(o.who), known)
	if _, limited := errors.AsType[*LimitError](err); limited {
		return p.unjudged(ctx, o, poolFull, err)
	}
	return err
}

func (r *refusals) add(o occurrence, reason string) {
	k := refusal{o.Kind, reason, o.from.network().Addr(), idOf(o.who), o.Actor}
	who := &user.User{ID: k.user} // no more of a person than the event needs is kept
	if o.who != nil {
		who.EventKey = o.who.EventKey
	}
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.gathered[k]; !known && len(r.gathered) >= maxGathered {
		k, who = refusal{kind: o.Kind, reason: reason}, nil
	}
	if len(r.gathered) == 0 {
		r.gathered, r.since = map[refusal]tally{}, now
	}
	r.gathered[k] = tally{r.gathered[k].n + 1, who}
	r.dir.refusing.add(r.Pool)
}

// writeRefusals writes what was gathered in all pools until ctx ends; Close writes the rest.
func (d *Directory) writeRefusals(ctx context.Context) {
	for pause(ctx, time.Second) {
		if err := d.round(ctx, "refusals", d.tellOldRefusals); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "refusals wait to be written", "error", err)
		}
	}
}

// tellOldRefusals writes what has been gathered for long enough.
func (d *Directory) tellOldRefusals(ctx context.Context) error { return d.tellRefusals(ctx, gatherFor) }

// tellRefusals writes what has been gathered for so long in the pools where something was.
func (d *Directory) tellRefusals(ctx context.Context, gathering time.Duration) (failed error) {
	for _, p := range d.refusing.take() {
		if err := p.refusals.write(ctx, gathering); err != nil {
			failed = errors.Join(failed, fmt.Errorf("pool %q: %w", p.config.ID, err))
		}
		if p.refusals.wait() {
			d.refusing.add(p)
		}
	}
	return failed
}

// wait reports whether anything is to be written.
func (r *refusals) wait() bool {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.gathered)+len(r.unwritten) > 0
}

// write puts into the history what has been gathered for so long. What could not be written is tried
// again as it is, before anything newer: no refusal is told twice.
func (r *refusals) write(ctx context.Context, gathering time.Duration) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if len(r.unwritten) == 0 {
		r.unwritten = r.take(gathering)
	}
	for len(r.unwritten) > 0 {
		batch := r.unwritten[:min(len(r.unwritten), 100)]
		// Stale: only the answer was lost.
		if err := r.commit(ctx, batch...); err != nil && !errors.Is(err, storage.ErrStale) {
			return err
		}
		r.unwritten = r.unwritten[len(batch):]
	}
	return nil
}

// take returns the events of what has been gathered for so long, and begins anew.
func (r *refusals) take(gathering time.Duration) (events []storage.Change) {
	now := r.now()
	r.mu.Lock()
	gathered := r.gathered
	if since := now.Sub(r.since); len(gathered) == 0 || since >= 0 && since < gathering {
		r.mu.Unlock()
		return nil
	}
	r.gathered = nil
	r.mu.Unlock()
	for k, t := range gathered {
		events = append(events, r.event(now, occurrence{
			Kind: k.kind, Outcome: refused, Reason: k.reason, Actor: k.actor, Count: t.n,
			who: t.who, from: Caller{IP: k.network},
		}))
	}
	return events
}
