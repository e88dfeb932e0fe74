package password

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Hasher is the door that all hashes of a process go through. It lets so many run at once, since
// more of them only take longer and hold 19 MiB each; so many wait, and the rest is told at once
// that it is busy. A hash that is dearer than the default counts for as much as it is, in memory
// and in work; one that is more than the whole door runs alone.
//
// Who waits is let in fairly: strangers and known devices in turn, then pools, then sources, then
// accounts, each by the work that it has had. Of the places to wait, a source gets at most a
// quarter, and a quarter is kept for known devices; where all are taken, one that has fewer takes the
// place of whoever came last of the one that has most. What nobody else wants is lent, so that a
// single source may use every core of an idle machine; it costs the next comer no more than the end
// of one hash.
//
// The collector frees what a hash held: a process needs about twice what runs at once, or, where
// GOMEMLIMIT says that there is less, that.
//
// It is safe for concurrent use. [NewHasher] makes one, and [Hasher.For] says who comes.
type Hasher struct {
	door *door
	from From

	now  func() time.Time
	seen func(context.Context, Run) // nil means that nobody asks, and that no time is taken
}

// NewHasher returns a door for n hashes at once; n <= 0 means one per processor (GOMAXPROCS).
func NewHasher(n int) *Hasher {
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	return &Hasher{door: newDoor(n)}
}

// For returns the same door for what is done on behalf of from. The Hasher of [NewHasher] is for the
// zero [From].
func (d *Hasher) For(from From) *Hasher { return &Hasher{d.door, from, d.now, d.seen} }

// Hash is [Params.Hash] behind the door. It waits at most as long as ctx lives, and fails with a
// *[BusyError] where too many wait. What is refused without work is refused without waiting.
func (d *Hasher) Hash(ctx context.Context, p Params, s Secret) (Hash, error) {
	if _, err := text(s); err != nil {
		return Hash{}, err
	}
	if err := p.check(); err != nil {
		return Hash{}, err
	}
	leave, err := d.enter(ctx, p)
	if err != nil {
		return Hash{}, err
	}
	defer leave()
	h, err := p.Hash(s)
	if err == nil {
		d.door.count.Add(1)
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
	leave, err := d.enter(ctx, h.Params)
	if err != nil {
		return false, err
	}
	defer leave()
	ok, runs := h.verify(s, form)
	d.door.count.Add(runs)
	return ok, nil
}

// Used reports whether s is one of the passwords that old were made of, newest first. It looks at
// [MaxHistory] of them and no more, each time through the door anew, stops at the first that
// matches, and passes over those that cannot be judged. It is for [Facts].
func (d *Hasher) Used(ctx context.Context, old []Hash, s Secret) (bool, error) {
	for _, h := range old[:min(len(old), MaxHistory)] {
		// An old password may have come from elsewhere: raw is tried in both forms.
		used, err := d.Verify(ctx, h, s, FormRaw)
		if used || err != nil && !errors.Is(err, ErrHash) {
			return used, err
		}
	}
	return false, nil
}

// Count returns how many hashes were computed here. Tests compare it: paths that must look alike do
// the same work.
func (d *Hasher) Count() uint64 { return d.door.count.Load() }
