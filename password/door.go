package password

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// ErrBusy is the class of [BusyError].
var ErrBusy = errors.New("password: too many passwords are being checked")

// BusyError means that so many wait already that waiting too would only be a longer failure. No work
// was done. It is an [ErrBusy].
type BusyError struct {
	RetryAfter time.Duration // about how long until those who wait now are through, at least a second
}

// Error says when to come again.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%v: try again in %v", ErrBusy, e.RetryAfter)
}

// Unwrap returns [ErrBusy].
func (e *BusyError) Unwrap() error { return ErrBusy }

// From says for whom a hash is computed. The door shares itself out by it: first between strangers
// and known devices, then by pool, by source in it, by account there. The zero From is one stranger
// like any other; whoever says no more than that shares that one's place.
type From struct {
	Pool    string
	Source  string // where the request came from, such as an address or its network
	Account string // the login as compared, whether or not there is such a user
	Known   bool   // a device that this account was signed in on has shown a token that says so
}

// The door at default parameters: a hash takes about hashTime, and for each that runs so many wait:
// the last of them about 2 s, which is as long as people do.
const (
	hashTime    = 20 * time.Millisecond
	queueLength = 100
)

// door lets hashes run. It counts what they hold, in threads and KiB, and queues the rest.
type door struct {
	count    atomic.Uint64
	capacity weight

	mu      sync.Mutex
	free    weight
	running int
	queue   queue
}

// weight is what a hash holds while it runs.
type weight struct{ threads, memory uint64 }

func newDoor(n int) *door {
	w := weight{uint64(n), uint64(n) * uint64(Default().Memory)}
	return &door{capacity: w, free: w, queue: newQueue(uint64(n) * queueLength)}
}

// enter waits for its turn, for as long as ctx lives. Leave must be called when the work is done.
func (d *door) enter(ctx context.Context, from From, p Params) (leave func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("wait to check a password: %w", err)
	}
	j := &job{from: from, cost: cost(p), weight: d.weigh(p), turn: make(chan struct{}), shed: make(chan struct{})}
	if err := d.come(j); err != nil {
		return nil, err
	}
	select {
	case <-j.turn:
		return func() { d.leave(j) }, nil
	case <-j.shed:
		return nil, d.busy()
	case <-ctx.Done():
		d.leave(j)
		return nil, fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

// come queues j, for which another one may have to go.
func (d *door) come(j *job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.queue.push(j) {
		out := d.queue.displaced(j)
		if out == nil {
			return &BusyError{RetryAfter: d.wait()}
		}
		d.queue.remove(out)
		d.queue.forget(out)
		close(out.shed)
		d.queue.add(j)
	}
	d.advance()
	return nil
}

func (d *door) busy() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &BusyError{RetryAfter: d.wait()}
}

// leave ends j, whether it ran, still waits, or has just been shed.
func (d *door) leave(j *job) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-j.shed:
		return
	default:
	}
	if !d.queue.remove(j) {
		d.free.threads += j.threads
		d.free.memory += j.memory
		d.running--
	}
	d.queue.forget(j)
	d.advance()
}

// advance lets in whose turn it is. A job that does not fit yet is not overtaken: a heavy one would
// otherwise wait for as long as light ones come.
func (d *door) advance() {
	for j := d.queue.next(); j != nil && d.fits(j); j = d.queue.next() {
		d.queue.remove(j)
		d.queue.charge(j)
		d.free.threads -= j.threads
		d.free.memory -= j.memory
		d.running++
		close(j.turn)
	}
}

func (d *door) fits(j *job) bool {
	return j.threads <= d.free.threads && j.memory <= d.free.memory
}

// weigh returns what a hash holds. One that is more than the whole door runs alone.
func (d *door) weigh(p Params) weight {
	return weight{min(uint64(p.Threads), d.capacity.threads), min(uint64(p.Memory), d.capacity.memory)}
}

// wait estimates how long until those who wait now are through.
func (d *door) wait() time.Duration {
	each := cost(Default()) * d.capacity.threads
	return max(time.Second, (time.Duration(d.queue.cost/each) * hashTime).Round(time.Second))
}

// cost is the work of a hash: every pass fills its memory once.
func cost(p Params) uint64 { return uint64(p.Memory) * uint64(p.Time) }
