package pool

import (
	"context"
	"errors"
	"fmt"
)

// due does once all that is due by the clock in all pools, in place of the chores that are started
// otherwise: it is what pooltest runs. Whatever the directory starts has a line here. A pool that
// cannot be loaded is passed over, as chores do.
func (d *Directory) due(ctx context.Context) error {
	if d.closed.Load() {
		return ErrClosed
	}
	failed := []error{d.round(ctx, "follow", d.catchUp), d.round(ctx, "deliver", d.outbox.drain)}
	for _, r := range d.posters {
		failed = append(failed, d.round(ctx, r.name, r.drain))
	}
	failed = append(failed, d.round(ctx, "sweep", d.sweepOnce), d.round(ctx, "refusals", d.tellOldRefusals))
	for _, id := range d.known() {
		p := d.ready(ctx, id)
		if p == nil {
			continue
		}
		d.sealing.add(p)
		if err := errors.Join(p.rotateOnce(ctx), p.moveNamesOnce(ctx)); err != nil {
			failed = append(failed, fmt.Errorf("pool %q: %w", id, err))
		}
	}
	failed = append(failed, d.round(ctx, "index", d.indexOnce), d.round(ctx, "seal", d.sealOnce))
	for d.rounds.doom() {
		if err := d.round(ctx, "erase", d.erase); err != nil {
			return errors.Join(append(failed, err)...)
		}
	}
	return errors.Join(failed...)
}

// drain sends what is due until nothing is, or until only lanes are left that another process is
// on. It must not run beside deliver.
func (o *outbox) drain(ctx context.Context) error {
	for again := true; again; {
		lanes, err := o.lanes(ctx)
		if err != nil {
			return err
		}
		again = false
		for _, at := range lanes {
			more, err := o.deliverLane(ctx, at)
			if err != nil {
				return err
			}
			again = again || more
		}
	}
	return nil
}
