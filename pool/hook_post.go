package pool

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	postClass = 9 // after every message to a person
	postLease = 30 * time.Second
)

// note is what a Post hook will be told, but for the user, who is read when it runs. It is stored
// sealed.
type note struct {
	ID       string            `json:"id"`
	Source   hook.Source       `json:"source"`
	User     user.ID           `json:"user"`
	Client   string            `json:"client"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// afterwards returns the change by which a Post hook runs once what it is about is stored, or none
// where there is no such hook. Its owner is not the person, whose mail must not wait for it.
func (p *Pool) afterwards(
	name string, source hook.Source, h *hooked, client string, u *user.User, now time.Time,
) []storage.Change {
	if p.config.postHook(name) == nil {
		return nil
	}
	n := note{ID: h.event.ID, Source: source, User: u.ID, Client: client, Metadata: h.event.Metadata}
	owner := postOwner(name) + user.ID(rand.Text())
	o := storage.Outgoing{Owner: owner, Class: postClass, NotAfter: now.Add(hook.GiveUp)}
	return []storage.Change{p.enqueue(o, n, now)}
}

// postOwner is how the owners of what waits for a hook begin, which gives each hook a lane.
func postOwner(name string) user.ID { return user.ID("hook/" + name + "/") }

// postHook returns a Post hook of this process, nil where it has none.
func (c Config) postHook(name string) func(context.Context, hook.Event) error {
	s := c.Hooks
	switch {
	case name == postConfirmation && s.PostConfirmation != nil:
		return func(ctx context.Context, e hook.Event) error {
			return s.PostConfirmation(ctx, hook.PostConfirmation{Event: e})
		}
	case name == postAuthentication && s.PostAuthentication != nil:
		return func(ctx context.Context, e hook.Event) error {
			return s.PostAuthentication(ctx, hook.PostAuthentication{Event: e})
		}
	}
	return nil
}

// poster runs one Post hook for what waits for it in all pools, apart from the lanes of messages: a
// hook that fails or hangs holds up nobody's mail. Of several processes one does it at a time for a
// pool.
type poster struct {
	*Directory
	name string
	hook func(context.Context, hook.Event) error
	wake chan struct{}

	tenures map[user.PoolID]*tenure

	mu      sync.Mutex
	running map[string]bool     // by id of what waits
	of      map[user.PoolID]int // how many of them a pool has
	more    bool                // waits than could be begun
}

// newPosters returns what runs the Post hooks that this process has.
func newPosters(d *Directory) (all []*poster) {
	for _, name := range []string{postConfirmation, postAuthentication} {
		if f := d.config.postHook(name); f != nil {
			all = append(all, &poster{
				Directory: d, name: name, hook: f, wake: make(chan struct{}, 1),
				tenures: map[user.PoolID]*tenure{}, running: map[string]bool{}, of: map[user.PoolID]int{},
			})
		}
	}
	return all
}

// run runs the hook for what is due until ctx ends, and then waits for the runs that are going on.
func (r *poster) run(ctx context.Context) {
	var running sync.WaitGroup
	for !over(ctx) {
		var due []*storage.Outgoing
		going := r.going()
		err := r.round(ctx, r.name, func(ctx context.Context) (err error) { due, err = r.due(ctx); return err })
		if err != nil && !over(ctx) {
			r.config.Logger.WarnContext(ctx, "hook waits", "hook", r.name, "error", err)
		}
		for _, m := range due {
			if !going[m.ID] && r.begin(m) {
				running.Go(func() { defer r.end(m); r.settle(ctx, m) })
			}
		}
		select {
		case <-ctx.Done():
		case <-r.wake:
		case <-time.After(poll):
		}
	}
	running.Wait()
	for id, t := range r.tenures {
		if t.held {
			r.giveUp(ctx, r.lease(id, r.now()))
		}
	}
}

// drain runs the hook for what is due, each once, and returns when it is done. It must not run
// beside run.
func (r *poster) drain(ctx context.Context) error {
	for seen := map[string]bool{}; ; {
		due, err := r.due(ctx)
		if err != nil {
			return err
		}
		begun := false
		for _, m := range due {
			if !seen[m.ID] {
				seen[m.ID], begun = true, true
				r.settle(ctx, m)
			}
		}
		if !begun {
			return nil
		}
	}
}

// due returns what waits for the hook, pools in turn, but for those where another process runs it;
// nothing where as many runs hang here as may.
func (r *poster) due(ctx context.Context) ([]*storage.Outgoing, error) {
	if r.hooks[r.name].full() {
		return nil, nil
	}
	due, err := r.store.Due(ctx, r.served(), storage.Lane(postOwner(r.name)), r.now(), batch)
	if err != nil {
		return nil, err
	}
	r.load(ctx, due)
	ours := map[user.PoolID]bool{}
	for _, m := range due {
		if _, asked := ours[m.Pool]; asked {
			continue
		}
		if ours[m.Pool], err = r.hold(ctx, m.Pool); err != nil {
			return nil, err
		}
	}
	r.forget()
	return slices.DeleteFunc(due, func(m *storage.Outgoing) bool { return !ours[m.Pool] }), nil
}

// load loads the pools of what waits, all at once: where the keyrings of some hang, the others wait
// no longer than for one.
func (r *poster) load(ctx context.Context, due []*storage.Outgoing) {
	var loading sync.WaitGroup
	defer loading.Wait()
	asked := map[user.PoolID]bool{}
	for _, m := range due {
		if !asked[m.Pool] {
			asked[m.Pool] = true
			loading.Go(func() { r.ready(ctx, m.Pool) })
		}
	}
}

// hold tells whether this process runs the hook for a pool, which it must be able to load.
func (r *poster) hold(ctx context.Context, id user.PoolID) (bool, error) {
	if r.ready(ctx, id) == nil {
		return false, nil
	}
	t := r.tenures[id]
	if t == nil {
		t = new(tenure)
		r.tenures[id] = t
	}
	return t.take(ctx, r.Directory, r.lease(id, r.now()))
}

// forget drops the leases that have run out.
func (r *poster) forget() {
	now := r.now()
	for id, t := range r.tenures {
		if now.Sub(t.asked) > postLease {
			delete(r.tenures, id)
		}
	}
}

func (r *poster) lease(id user.PoolID, now time.Time) storage.Lease {
	name := "hook/" + string(id) + "/" + r.name
	return storage.Lease{Name: name, Holder: r.holder, Now: now, Until: now.Add(postLease)}
}

// going returns what runs here. What did when Due was asked may have been read as it was before it
// was settled: begun again, it would not have waited.
func (r *poster) going() map[string]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.running)
}

// begin claims what waits for a run in this process, pools sharing the runs as in [bulkhead].
func (r *poster) begin(m *storage.Outgoing) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running[m.ID] {
		return false
	}
	if len(r.running) >= hook.Parallel || r.of[m.Pool] >= r.hooks[r.name].most {
		r.more = true
		return false
	}
	r.running[m.ID] = true
	r.of[m.Pool]++
	return true
}

func (r *poster) end(m *storage.Outgoing) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, m.ID)
	if r.of[m.Pool]--; r.of[m.Pool] == 0 {
		delete(r.of, m.Pool)
	}
	if r.more {
		r.more = false
		r.signal()
	}
}

func (r *poster) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// settle runs the hook for one that waits, and takes it out or lets it wait for longer. It is
// finished even where ctx ends.
func (r *poster) settle(ctx context.Context, m *storage.Outgoing) {
	ctx = context.WithoutCancel(ctx)
	p := r.ready(ctx, m.Pool)
	if p == nil {
		return
	}
	err := r.tell(ctx, p, m)
	log := r.config.Logger.With("pool", m.Pool, "hook", r.name, "message", m.ID)
	changes := []storage.Change{storage.Delete(m)}
	switch next := r.now().Add(pauseAfter(m.Tries)); {
	case errors.Is(err, errHookFull):
		return
	case err != nil && !next.Before(m.NotAfter):
		log.ErrorContext(ctx, "hook failed and is given up", "error", err)
	case err != nil:
		log.WarnContext(ctx, "hook failed, will be run again", "tries", m.Tries+1, "error", err)
		m.Due, m.Tries = next, m.Tries+1
		changes = []storage.Change{storage.Put(m)}
	}
	settling, cancel := context.WithTimeout(ctx, settledAfter)
	defer cancel()
	commit := p.commit(settling, changes...)
	if errors.Is(commit, storage.ErrStale) {
		commit = nil // another process ran it after our lease
	}
	r.outbox.remember(m.ID, err == nil && commit != nil)
	if commit != nil {
		log.WarnContext(ctx, "hook may be run once more", "error", commit)
	}
}

// tell runs the hook for one that waits, unless its user has gone or it ran already.
func (r *poster) tell(ctx context.Context, p *Pool, m *storage.Outgoing) error {
	var n note
	body, err := p.config.Keys.Open(p.letterLabel(m.ID), m.Body)
	if err == nil {
		err = json.Unmarshal(body, &n)
	}
	if err != nil || r.outbox.wasSent(m.ID) {
		return err
	}
	got, err := r.store.Read(ctx, m.Pool, storage.Want{Now: r.now(), User: user.ByID(n.User)})
	if err != nil {
		return err
	}
	u := got.User
	if u == nil || !u.Somebody() {
		return nil
	}
	e := hook.Event{
		ID: n.ID, Pool: m.Pool, Client: n.Client, Source: n.Source, User: u.ID, Username: called(u),
		Attributes: told(u), Metadata: maps.Clone(n.Metadata),
	}
	f := func(ctx context.Context, e hook.Event) (struct{}, error) { return struct{}{}, r.hook(ctx, e) }
	_, err = run(ctx, p, r.name, f, e)
	if d, failed := errors.AsType[denial](err); failed {
		return d.Err
	}
	return err
}
