package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
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
	maxDue       = 16 << 10        // looked at, where little of it is mail
	workers      = 8               // of a pool, lanes at once: a mail server that hangs for some holds up few
	allWorkers   = 64              // of all pools; half of them are for pools that have none
	firstPause   = 5 * time.Second // after a failure; doubled each time
	longPause    = 15 * time.Minute
)

// outbox sends the messages of all pools, several lanes at once.
type outbox struct {
	*Directory
	wake chan struct{} // something may be due
	due  atomic.Int64  // of how many it was, when they were last looked at

	mu      sync.Mutex
	working map[post]bool       // lanes that a worker is on
	of      map[user.PoolID]int // how many workers a pool has
	sent    map[string]bool     // ids that were sent but could not be taken out yet: never sent again by us
}

// post is where messages wait: a lane of a pool.
type post struct {
	pool user.PoolID
	lane int
}

func newOutbox(d *Directory) *outbox {
	return &outbox{
		Directory: d, wake: make(chan struct{}, 1),
		working: map[post]bool{}, of: map[user.PoolID]int{}, sent: map[string]bool{},
	}
}

// deliver sends what is due until ctx ends, and then waits for what is being sent.
func (o *outbox) deliver(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		begin := func(ctx context.Context) error { return o.begin(ctx, &running) }
		if err := o.round(ctx, "deliver", begin); err != nil && !over(ctx) {
			o.config.Logger.WarnContext(ctx, "outbox waits", "error", err)
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

// begin looks where something is due, and puts a worker on each lane that has none.
func (o *outbox) begin(ctx context.Context, running *sync.WaitGroup) error {
	lanes, err := o.lanes(ctx)
	if err != nil {
		return err
	}
	for _, at := range lanes {
		if !o.enter(at) {
			continue
		}
		running.Go(func() {
			again, err := o.deliverLane(ctx, at)
			if err != nil && !over(ctx) {
				o.config.Logger.WarnContext(ctx, "outbox lane waits", "pool", at.pool, "lane", at.lane, "error", err)
			}
			o.leave(at)
			if again && err == nil {
				o.signal()
			}
		})
	}
	return nil
}

// lanes returns where something is due, pools in turn. What waits for hooks is not looked at, but
// stands in the way where much of it does, so that more must be asked for.
func (o *outbox) lanes(ctx context.Context) (lanes []post, err error) {
	for n := batch; ; n *= 4 {
		due, err := o.store.Due(ctx, o.served(), -1, o.now(), n)
		if err != nil {
			return nil, err
		}
		all := len(due)
		due = messages(due)
		o.due.Store(int64(len(due)))
		seen := map[post]bool{}
		for _, m := range due {
			if at := (post{m.Pool, storage.Lane(m.Owner)}); !seen[at] {
				seen[at] = true
				lanes = append(lanes, at)
			}
		}
		if len(lanes) > 0 || all < n || n > maxDue {
			return lanes, nil
		}
	}
}

// enter claims a lane for a worker of this process. Half of the workers are for pools that have
// none, so that those whose mail server hangs leave some to the others.
func (o *outbox) enter(at post) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := allWorkers / 2
	if o.of[at.pool] == 0 {
		room = allWorkers
	}
	if o.working[at] || o.of[at.pool] >= workers || len(o.working) >= room {
		return false
	}
	o.working[at] = true
	o.of[at.pool]++
	return true
}

func (o *outbox) leave(at post) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.working, at)
	if o.of[at.pool]--; o.of[at.pool] == 0 {
		delete(o.of, at.pool)
	}
}

// deliverLane sends what is due in a lane, if no other process does. It asks again under the lease:
// what was read before may have been sent meanwhile. Again tells that there may be more.
func (o *outbox) deliverLane(ctx context.Context, at post) (again bool, err error) {
	p := o.ready(ctx, at.pool) // first: who cannot read its messages must not lease them
	if p == nil {
		return false, nil
	}
	now := o.now()
	name := storage.LaneLease(at.pool, at.lane)
	lease := storage.Lease{Name: name, Holder: o.holder, Now: now, Until: now.Add(laneLease)}
	if held, err := o.claim(ctx, lease); err != nil || !held {
		return false, err
	}
	defer o.giveUp(ctx, lease)
	due, err := o.store.Due(ctx, []user.PoolID{at.pool}, at.lane, o.now(), batch)
	if err != nil {
		return false, err
	}
	due = messages(due)
	for _, m := range due {
		if over(ctx) || o.now().Add(sendTimeout+settledAfter).After(lease.Until) {
			return true, nil // or the lease would run out while it is being sent
		}
		if err := o.send(ctx, p, m); err != nil {
			return false, err
		}
	}
	return len(due) > 0, nil
}

// send sends one message and takes it out of the outbox, or defers its owner's messages, so that
// they keep their order. A message that is refused for good is dropped. It is finished even where
// ctx ends.
func (o *outbox) send(ctx context.Context, p *Pool, m *storage.Outgoing) error {
	tried := o.watch.trying(m, o.now())
	l, sent, err := o.handOver(ctx, p, m)
	tried(ctx, l, sent, err)
	log := o.config.Logger.With("pool", m.Pool, "message", m.ID)
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
	commit := p.commit(settling, changes...)
	if errors.Is(commit, storage.ErrStale) {
		commit = nil // its code died meanwhile, or another process sent it after our lease
	}
	o.remember(m.ID, err == nil && commit != nil)
	return commit
}

// handOver gives a message to the sender, unless there is no use in it: it is void, its code has
// died, there have been too many by SMS, or it was sent before and could not be taken out. A store that fails at it costs a try, as a
// sender does: what cannot be read must not hold up what waits behind it.
func (o *outbox) handOver(ctx context.Context, p *Pool, m *storage.Outgoing) (l letter, done bool, err error) {
	l, err = p.letter(m)
	if err != nil || o.wasSent(m.ID) || p.gone.Load() {
		return l, false, err
	}
	sending, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	if may, err := p.texts.mayLeave(sending, m, l); err != nil || !may || l.Void {
		return l, false, err
	}
	if dead, err := p.dead(ctx, m, l); err != nil || dead {
		return l, false, err
	}
	words, err := p.words(sending, m, l)
	if err != nil {
		return l, false, err
	}
	msg, err := p.message(m, l, words)
	if err != nil {
		return l, false, err
	}
	err = sent(sending, o.config.Sender, msg)
	return l, err == nil, err
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
func (p *Pool) dead(ctx context.Context, m *storage.Outgoing, l letter) (bool, error) {
	if l.Epoch != 0 {
		got, err := p.store.Read(ctx, m.Pool, storage.Want{Now: p.now(), User: user.ByID(m.Owner)})
		return err != nil || got.User == nil || got.User.Epoch != l.Epoch, err
	}
	if m.Ticket == "" {
		return false, nil
	}
	got, err := p.store.Read(ctx, m.Pool, storage.Want{
		Now: p.now(), Tickets: []string{m.Ticket},
		Counters: []storage.CounterKey{{Pool: m.Pool, Owner: m.Ticket, Name: ticketCounter}},
	})
	if err != nil || got.PoolEpoch == 0 || got.Tickets[0] == nil {
		return true, err
	}
	t := got.Tickets[0]
	if t.Purpose == purposeLost {
		return !waits(t, got.User), nil
	}
	confirmed := t.Purpose == purposeConfirm && got.User != nil && got.User.Somebody()
	resent := slices.Contains([]string{purposePending, purposeFirst, purposeSecond, purposeEnrol}, t.Purpose)
	if resent && l.Code != "" && !p.carries(t, l.Code) { // another code has taken its place
		return true, nil
	}
	spent := !ticketRule.Locked(got.Counters[0], p.now()).IsZero()
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
