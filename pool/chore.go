package pool

import (
	"context"
	"errors"
	"time"

	"github.com/userpool-go/userpool/storage"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 1000
	follows    = time.Second
)

// sweep erases what has expired until ctx ends.
func (d *Directory) sweep(ctx context.Context) {
	for {
		if err := d.round(ctx, "sweep", d.sweepOnce); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "sweep failed", "error", err)
		}
		if !pause(ctx, sweepEvery) {
			return
		}
	}
}

// sweepOnce erases what has expired by now, unless another process does: one at a time does it.
func (d *Directory) sweepOnce(ctx context.Context) error {
	now := d.now()
	lease := storage.Lease{Name: "sweep", Holder: d.holder, Now: now, Until: now.Add(sweepEvery)}
	held, err := d.store.Lease(ctx, lease)
	for n := sweepBatch; err == nil && held && n == sweepBatch; {
		n, err = d.store.Sweep(ctx, d.now(), sweepBatch)
	}
	return err
}

// follow keeps this process on the newest settings, keys and revocations of its pools until ctx
// ends (security.md T3, S18). One read tells of all pools.
func (d *Directory) follow(ctx context.Context) {
	for pause(ctx, follows) {
		if err := d.round(ctx, "follow", d.catchUp); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "feed failed", "error", err)
		}
	}
}

// catchUp takes all that the feed has. Open calls it before anything is verified, and then follow
// alone.
func (d *Directory) catchUp(ctx context.Context) (failed error) {
	for {
		asked := d.config.Now()
		feed, err := d.store.Changed(ctx, d.since)
		if err != nil {
			return errors.Join(failed, err)
		}
		// Settings that cannot be read now are asked for again by the next call that meets their
		// epoch. Revocations further on must not wait for them.
		failed = errors.Join(failed, d.take(ctx, feed))
		d.since = feed.Next
		if !feed.More {
			d.heard.Store(&asked)
			return failed
		}
	}
}

func (d *Directory) take(ctx context.Context, feed storage.Feed) (failed error) {
	if feed.Anew {
		// What pools were loaded with may be lost, and their epochs say nothing of it. Of what was
		// revoked nothing is taken back.
		d.history.Add(1)
	}
	for _, r := range feed.Revocations {
		if d.serves(r.Pool) {
			d.revoked.add(r)
		}
	}
	d.revoked.forget(d.now())
	for _, c := range feed.Pools {
		if !d.serves(c.Pool) {
			continue
		}
		if c.Deleted {
			d.lose(c.Pool)
			continue
		}
		if p := d.meet(c.Pool); p != nil {
			if _, err := p.current(ctx, c.Epoch); err != nil {
				failed = errors.Join(failed, err)
			}
		}
	}
	return failed
}

// pause waits, and tells whether ctx still lives.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
