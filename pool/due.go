package pool

import (
	"context"
	"errors"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// due does once all that is due by the pool's clock, in place of the chores that Open starts: it is
// what pooltest runs. Whatever Open starts has a line here.
func (p *Pool) due(ctx context.Context) error {
	if p.closed.Load() {
		return ErrClosed
	}
	failed := []error{p.catchUp(ctx), p.outbox.drain(ctx)}
	for _, r := range p.posters {
		failed = append(failed, r.drain(ctx))
	}
	failed = append(failed, p.sweepOnce(ctx), p.rotateOnce(ctx),
		p.refusals.write(ctx, gatherFor), p.sealer.once(ctx), p.sealer.retain(ctx))
	return errors.Join(failed...)
}

// drain sends what is due until nothing is, or until only lanes are left that another process is
// on. It must not run beside deliver.
func (o *outbox) drain(ctx context.Context) error {
	for again := true; again; {
		due, err := o.store.Due(ctx, []user.PoolID{o.config.ID}, -1, o.now(), batch)
		if err != nil {
			return err
		}
		again = false
		seen := map[int]bool{}
		for _, m := range messages(due) {
			lane := storage.Lane(m.Owner)
			if seen[lane] {
				continue
			}
			seen[lane] = true
			more, err := o.deliverLane(ctx, lane)
			if err != nil {
				return err
			}
			again = again || more
		}
	}
	return nil
}
