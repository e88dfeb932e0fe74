package password

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// ErrBusy is the class of [BusyError].
var ErrBusy = errors.New("password: too many passwords are being checked")

// BusyError means that so many wait already that waiting too would only be a longer failure. No work
// was done. It is an [ErrBusy].
type BusyError struct {
	RetryAfter time.Duration // about how long until those who wait now are through
}

// Error says when to come again.
func (e *BusyError) Error() string {
	return fmt.Sprintf("%v: try again in %v", ErrBusy, e.RetryAfter)
}

// Unwrap returns [ErrBusy].
func (e *BusyError) Unwrap() error { return ErrBusy }

// queueLength is how many may wait for each that hashes, and queueTime about how long the last of
// them does, at 20 ms a hash.
const (
	queueLength = 64
	queueTime   = 2 * time.Second
)

// Hasher is the door that all hashes of a process go through. It lets so many run at once, since
// more of them only take longer and hold 19 MiB each, and so many wait. It is safe for concurrent
// use; [NewHasher] makes one.
type Hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
	count   atomic.Uint64
}

// NewHasher returns a door for n hashes at once; n <= 0 means one per processor (GOMAXPROCS).
func NewHasher(n int) *Hasher {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return &Hasher{slots: make(chan struct{}, n)}
}

// Hash is [Params.Hash] behind the door. It waits at most as long as ctx lives, and fails with a
// *[BusyError] where too many wait. What is refused without work is refused without waiting.
func (d *Hasher) Hash(ctx context.Context, p Params, s Secret) (Hash, error) {
	if _, err := text(s); err != nil {
		return Hash{}, err
	}
	if err := d.enter(ctx); err != nil {
		return Hash{}, err
	}
	defer d.leave()
	h, err := p.Hash(s)
	if err == nil {
		d.count.Add(1)
	}
	return h, err
}

// Verify is [Hash.Verify] behind the door. It waits as [Hasher.Hash] does. An error means that
// nothing was judged: ctx has ended, too many wait, or h is an [ErrHash].
func (d *Hasher) Verify(ctx context.Context, h Hash, s Secret, form Form) (bool, error) {
	if err := h.check(); err != nil {
		return false, err
	}
	if h.Digest == nil {
		return false, fmt.Errorf("%w: it has no digest", ErrHash)
	}
	if err := d.enter(ctx); err != nil {
		return false, err
	}
	defer d.leave()
	ok, runs := h.verify(s, form)
	d.count.Add(runs)
	return ok, nil
}

// Count returns how many hashes were computed here. Tests compare it: paths that must look alike do
// the same work.
func (d *Hasher) Count() uint64 { return d.count.Load() }

func (d *Hasher) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("wait to check a password: %w", err)
	}
	select {
	case d.slots <- struct{}{}:
		return nil
	default:
	}
	defer d.waiting.Add(-1)
	if d.waiting.Add(1) > int64(queueLength*cap(d.slots)) {
		return &BusyError{RetryAfter: queueTime}
	}
	select {
	case d.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait to check a password: %w", ctx.Err())
	}
}

func (d *Hasher) leave() { <-d.slots }
