package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// How the outbox is worked through.
const (
	laneLease    = 30 * time.Second
	sendTimeout  = 20 * time.Second // within the lease
	settledAfter = 5 * time.Second  // what follows a send has time of its own: a slow server must not cost it
	poll         = time.Second      // for what other processes put there, and what is due again
	batch        = 256
	workers      = 8               // lanes at once, so that a mail server that hangs for some holds up few
	firstPause   = 5 * time.Second // after a failure; doubled each time
	longPause    = 15 * time.Minute
)

// outbox sends a pool's messages, several lanes at once.
type outbox struct {
	*Pool
	wake chan struct{} // something may be due

	mu      sync.Mutex
	working map[int]bool    // lanes that a worker is on
	sent    map[string]bool // ids that were sent but could not be taken out yet: never sent again by us
}

// deliver sends what is due until ctx ends, and then waits for what is being sent.
func (o *outbox) deliver(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		if err := o.start(ctx, &running); err != nil && !over(ctx) {
			o.config.Logger.WarnContext(ctx, "outbox waits", "pool", o.config.ID, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		case <-time.After(poll):
		}
	}
}

// signal lets deliver look again.
func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// start looks where something is due, and puts a worker on each lane that has none.
func (o *outbox) start(ctx context.Context, running *sync.WaitGroup) error {
	due, err := o.store.Due(ctx, []user.PoolID{o.config.ID}, -1, o.now(), batch)
	if err != nil {
		return err
	}
	for _, m := range messages(due) {
		lane := storage.Lane(m.Owner)
		if !o.take(lane) {
			continue
		}
		running.Go(func() {
			again, err := o.deliverLane(ctx, lane)
			if err != nil && !over(ctx) {
				o.config.Logger.WarnContext(ctx, "outbox lane waits", "pool", o.config.ID, "lane", lane, "error", err)
			}
			o.leave(lane)
			if again && err == nil {
				o.signal()
			}
		})
	}
	return nil
}

// take claims a lane for a worker of this process.
func (o *outbox) take(lane int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.working[lane] || len(o.working) >= workers {
		return false
	}
	o.working[lane] = true
	return true
}

func (o *outbox) leave(lane int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.working, lane)
}

// deliverLane sends what is due in a lane, if no other process does. It asks again under the lease:
// what was read before may have been sent meanwhile. Again tells that there may be more.
func (o *outbox) deliverLane(ctx context.Context, lane int) (again bool, err error) {
	now := o.now()
	name := storage.LaneLease(o.config.ID, lane)
	lease := storage.Lease{Name: name, Holder: o.holder, Now: now, Until: now.Add(laneLease)}
	if held, err := o.store.Lease(ctx, lease); err != nil || !held {
		return false, err
	}
	defer o.giveUp(ctx, lease)
	due, err := o.store.Due(ctx, []user.PoolID{o.config.ID}, lane, o.now(), batch)
	if err != nil {
		return false, err
	}
	due = messages(due)
	for _, m := range due {
		if over(ctx) || o.now().Add(sendTimeout+settledAfter).After(lease.Until) {
			return true, nil // or the lease would run out while it is being sent
		}
		if err := o.send(ctx, m); err != nil {
			return false, err
		}
	}
	return len(due) > 0, nil
}

// giveUp lets the next process have what is leased at once.
func (o *outbox) giveUp(ctx context.Context, l storage.Lease) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settledAfter)
	defer cancel()
	l.Now = o.now()
	l.Until = l.Now
	if _, err := o.store.Lease(ctx, l); err != nil {
		o.config.Logger.WarnContext(ctx, "lease stays until it runs out", "lease", l.Name, "error", err)
	}
}

// send sends one message and takes it out of the outbox, or defers its owner's messages, so that
// they keep their order. A message that is refused for good is dropped. It is finished even where
// ctx ends.
func (o *outbox) send(ctx context.Context, m *storage.Outgoing) error {
	err := o.handOver(ctx, m)
	log := o.config.Logger.With("pool", o.config.ID, "message", m.ID)
	changes := []storage.Change{storage.Delete(m)}
	switch {
	case errors.Is(err, message.ErrRefused):
		log.WarnContext(ctx, "message refused for good", "error", err)
	case err != nil:
		log.WarnContext(ctx, "message not sent, will be tried again", "tries", m.Tries+1, "error", err)
		m.Due = o.now().Add(pauseAfter(m.Tries))
		m.Tries++
		changes = []storage.Change{storage.Put(m), storage.Defer{Pool: m.Pool, Owner: m.Owner, Due: m.Due}}
	}
	settling, cancel := context.WithTimeout(context.WithoutCancel(ctx), settledAfter)
	defer cancel()
	commit := o.commit(settling, changes...)
	if errors.Is(commit, storage.ErrStale) {
		commit = nil // its code died meanwhile, or another process sent it after our lease
	}
	o.remember(m.ID, err == nil && commit != nil)
	return commit
}

// handOver gives a message to the sender, unless there is no use in it: it is void, its code has
// died, or it was sent before and could not be taken out.
func (o *outbox) handOver(ctx context.Context, m *storage.Outgoing) error {
	l, err := o.letter(m)
	if err != nil || l.Void || o.wasSent(m.ID) {
		return err
	}
	if dead, err := o.dead(ctx, m, l); err != nil || dead {
		return err
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	words, err := o.words(sending, m, l)
	if err != nil {
		return err
	}
	msg, err := o.message(m, l, words)
	if err != nil {
		return err
	}
	return sent(sending, o.config.Sender, msg)
}

// sent lets the app's sender send. One that panics at a message, or ends its goroutine, must neither
// end the process, again and again, nor keep the lane.
func sent(ctx context.Context, s message.Sender, m message.Message) error {
	said := make(chan error, 1)
	go func() {
		err := errors.New("the sender did not return")
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("the sender panicked: %v", r)
			}
			said <- err
		}()
		err = s.Send(ctx, m)
	}()
	return <-said
}

// dead reports whether the ticket that a message belongs to, or the temporary password that it
// carries, is of no use any more (security.md T4: a dead code is never sent).
func (o *outbox) dead(ctx context.Context, m *storage.Outgoing, l letter) (bool, error) {
	if l.Epoch != 0 {
		got, err := o.store.Read(ctx, m.Pool, storage.Want{Now: o.now(), User: user.ByID(m.Owner)})
		return err != nil || got.User == nil || got.User.Epoch != l.Epoch, err
	}
	if m.Ticket == "" {
		return false, nil
	}
	got, err := o.store.Read(ctx, m.Pool, storage.Want{
		Now: o.now(), Tickets: []string{m.Ticket},
		Counters: []storage.CounterKey{{Pool: m.Pool, Owner: m.Ticket, Name: ticketCounter}},
	})
	if err != nil || got.PoolEpoch == 0 || got.Tickets[0] == nil {
		return true, err
	}
	t := got.Tickets[0]
	confirmed := t.Purpose == purposeConfirm && got.User != nil && got.User.Somebody()
	spent := !ticketRule.Locked(got.Counters[0], o.now()).IsZero()
	return t.User != "" && !owns(got.User, t) || confirmed || spent, nil
}

func (o *outbox) remember(id string, sent bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if sent {
		o.sent[id] = true
	} else {
		delete(o.sent, id)
	}
}

func (o *outbox) wasSent(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sent[id]
}

// pauseAfter returns how long what has failed so often before waits.
func pauseAfter(tries int) time.Duration { return min(longPause, firstPause<<max(0, min(tries, 10))) }

// messages leaves out what waits for a hook.
func messages(due []*storage.Outgoing) []*storage.Outgoing {
	return slices.DeleteFunc(due, func(m *storage.Outgoing) bool { return m.Class == postClass })
}

func over(ctx context.Context) bool { return ctx.Err() != nil }
