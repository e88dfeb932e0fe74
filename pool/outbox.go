package pool

import (
	"context"
	"errors"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// How the outbox is worked through.
const (
	laneLease   = 30 * time.Second
	sendTimeout = 20 * time.Second // within the lease
	poll        = time.Second      // for what other processes put there, and what is due again
	batch       = 64
	firstPause  = 5 * time.Second // after a failure; doubled each time
	longPause   = 15 * time.Minute
)

// deliver sends what is due until ctx ends: at once what this process puts into the outbox, within
// a second what others do.
func (p *Pool) deliver(ctx context.Context) {
	for {
		more, err := p.deliverDue(ctx)
		if err != nil && !over(ctx) {
			p.config.Logger.WarnContext(ctx, "outbox waits", "pool", p.config.ID, "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
		case <-time.After(poll):
		}
	}
}

// deliverDue looks where something is due, and sends what is in the lanes that it can lease. More
// tells that it sent something, so that there may be more.
func (p *Pool) deliverDue(ctx context.Context) (more bool, err error) {
	due, err := p.store.Due(ctx, []user.PoolID{p.config.ID}, -1, p.now(), batch)
	if err != nil {
		return false, err
	}
	tried := map[int]bool{}
	for _, o := range due {
		lane := storage.Lane(o.Owner)
		if tried[lane] || over(ctx) {
			continue
		}
		tried[lane] = true
		sent, err := p.deliverLane(ctx, lane)
		if err != nil {
			return more, err
		}
		more = more || sent
	}
	return more, nil
}

// deliverLane sends what is due in a lane, if no other process does. It asks again under the lease:
// what was read before may have been sent meanwhile.
func (p *Pool) deliverLane(ctx context.Context, lane int) (sent bool, err error) {
	now := p.now()
	held, err := p.store.Lease(ctx, storage.Lease{
		Name: storage.LaneLease(p.config.ID, lane), Holder: p.holder, Now: now, Until: now.Add(laneLease),
	})
	if err != nil || !held {
		return false, err
	}
	due, err := p.store.Due(ctx, []user.PoolID{p.config.ID}, lane, p.now(), batch)
	if err != nil {
		return false, err
	}
	for _, o := range due {
		if over(ctx) || p.now().Add(sendTimeout).After(now.Add(laneLease)) {
			break // or the lease would run out while it is being sent
		}
		if err := p.send(ctx, o); err != nil {
			return sent, err
		}
		sent = true
	}
	return sent, nil
}

// send sends one message and takes it out of the outbox, or defers its owner's messages, so that
// they keep their order. A message that is refused for good is dropped. It is finished even where ctx ends.
func (p *Pool) send(ctx context.Context, o *storage.Outgoing) error {
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	change, err := storage.Change(storage.Delete(o)), p.handOver(sending, o)
	changes := []storage.Change{change}
	switch {
	case errors.Is(err, message.ErrRefused):
		p.config.Logger.WarnContext(ctx, "message refused for good", "pool", p.config.ID, "message", o.ID, "error", err)
	case err != nil:
		p.config.Logger.WarnContext(ctx, "message not sent, will be tried again", "pool", p.config.ID, "message", o.ID, "tries", o.Tries+1, "error", err)
		o.Due = p.now().Add(min(longPause, firstPause<<min(o.Tries, 10)))
		o.Tries++
		changes = []storage.Change{storage.Put(o), storage.Defer{Pool: o.Pool, Owner: o.Owner, Due: o.Due}}
	}
	err = p.commit(sending, changes...)
	if errors.Is(err, storage.ErrStale) {
		return nil // its code died meanwhile, or another process sent it after our lease
	}
	return err
}

// handOver gives a message to the sender, unless it is void.
func (p *Pool) handOver(ctx context.Context, o *storage.Outgoing) error {
	l, err := p.letter(o)
	if err != nil || l.Void {
		return err
	}
	m, err := p.message(o, l)
	if err != nil {
		return err
	}
	return p.config.Sender.Send(ctx, m)
}

func over(ctx context.Context) bool { return ctx.Err() != nil }
