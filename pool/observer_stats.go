package pool

import (
	"context"
	"maps"
	"sync"
	"time"
)

// Stats are how a process stands at the moment: what gauges ask for. It says nothing of anybody.
type Stats struct {
	HashesRunning int // at the password door
	HashesWaiting int
	Pools         int // that this process knows to exist
	Loaded        int // of these
	Failed        int // that could not be loaded when they were last asked for
	Sending       int // lanes of messages that are worked on
	// Due is of how many persons messages were due when this process last looked, those that are
	// being sent included; it looks at some 256.
	Due int
	// Followed is when this process last heard of what others changed and revoked, see
	// [Directory.Health].
	Followed time.Time
	// Chores are when a round of each chore, by [ChoreRound].Name, last went well. One that has had
	// none is not there; sound ones have one every second, and "names", "rotate" and "sweep" every
	// minute. What is minutes old is worth a look at the log.
	Chores map[string]time.Time
}

// Stats returns how this process stands with all pools. It asks the store nothing, and may be called
// by an [Observer]; but it goes through all pools that are known, so where those are thousands not at
// every call.
func (d *Directory) Stats() Stats {
	s := Stats{Due: int(d.outbox.due.Load()), Followed: d.followed(), Chores: d.rounded.all()}
	s.HashesRunning, s.HashesWaiting = d.door.Load()
	d.outbox.mu.Lock()
	s.Sending = len(d.outbox.working)
	d.outbox.mu.Unlock()
	s.Loaded = len(d.resident())
	d.mu.Lock()
	defer d.mu.Unlock()
	s.Pools, s.Failed = len(d.pools), d.failed
	return s
}

// Stats returns how this process stands, with all pools of the pool's [Directory] where it has one.
func (p *Pool) Stats() Stats { return p.dir.Stats() }

// rounded is when a round of each chore last went well.
type rounded struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (r *rounded) note(name string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = map[string]time.Time{}
	}
	r.at[name] = now
}

func (r *rounded) all() map[string]time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.at)
}

// round makes one round of a chore, notes that it went well, and tells of it.
func (d *Directory) round(ctx context.Context, name string, once func(context.Context) error) error {
	began := d.watch.now()
	err := once(ctx)
	now := d.watch.now()
	if err == nil {
		d.rounded.note(name, now)
	}
	if d.watch.Chore != nil {
		tell(ctx, d.watch, d.watch.Chore, ChoreRound{name, now.Sub(began), outcome(err)})
	}
	return err
}
