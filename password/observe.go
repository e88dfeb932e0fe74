package password

import (
	"context"
	"time"
)

// Run is what the door tells of one hash that somebody came for: how long it took, and nothing of
// whose it was but the pool.
type Run struct {
	Pool   string        // of the [From] that it was for
	Waited time.Duration // for its turn
	Took   time.Duration // to compute; 0 where Err says that it was not
	Err    error         // a *[BusyError], or that of the context; nil means that it ran
}

// Observed returns the same door, which tells seen of each hash that comes through what is returned
// here: in the caller's goroutine, once the hash has made room for the next. Times are by now.
func (d *Hasher) Observed(now func() time.Time, seen func(context.Context, Run)) *Hasher {
	return &Hasher{door: d.door, from: d.from, now: now, seen: seen}
}

// Load returns how many hashes run at the moment, and how many wait for their turn.
func (d *Hasher) Load() (running, waiting int) {
	d.door.mu.Lock()
	defer d.door.mu.Unlock()
	running, waiting = d.door.running, -d.door.running
	for _, lane := range d.door.queue.root.children {
		waiting += lane.jobs // which wait or run
	}
	return running, waiting
}

// enter is that of the door, told of where somebody wants to hear.
func (d *Hasher) enter(ctx context.Context, p Params) (leave func(), err error) {
	if d.seen == nil {
		return d.door.enter(ctx, d.from, p)
	}
	now, seen := d.now, d.seen // so that d need not outlive the call
	came := now()
	done, err := d.door.enter(ctx, d.from, p)
	began := now()
	run := Run{Pool: d.from.Pool, Waited: began.Sub(came), Err: err}
	if err != nil {
		seen(ctx, run)
		return nil, err
	}
	return func() {
		run.Took = now().Sub(began)
		done()
		seen(ctx, run)
	}, nil
}
