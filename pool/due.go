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
	failed := []error{d.catchUp(ctx), d.outbox.drain(ctx)}
	for _, r := range d.posters {
		failed = append(failed, r.drain(ctx))
	}
	failed = append(failed, d.sweepOnce(ctx), d.tellRefusals(ctx, gatherFor))
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
	failed = append(failed, d.indexOnce(ctx), d.sealOnce(ctx))
	for d.rounds.doom() {
		if err := d.erase(ctx); err != nil {
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
