package lifecycle_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// trouble is what the store does to a step. Each attempt at it begins with the same seed, so that
// what failed is called again just as it was.
//
// The store below the faults tells what they have left undone. Where the last commit of a call was
// not made, nothing of the call may have happened: the attempt is broken off, and the next one must
// find all as it was. Where it was made and the pool could not know, the model goes on as if the
// pool had answered, but nobody holds what the answer would have given.
type trouble struct {
	rough   bool        // there may be some
	hangUp  func()      // ends the context of the attempt
	luck    *rand.Rand  // which trouble there is in this attempt
	nth     int         // call of this attempt, chores aside
	choring bool        // chores are being done
	hit     bool        // a call since the last answer was
	struck  bool        // a call of this step was
	settles bool        // it was the one call, and a commit that shows whether it was done
	hung    bool        // the caller is gone
	lost    bool        // what was answered last has happened, and the answer does not say so
	losses  int         // of such answers, in this step
	made    atomic.Bool // the last commit since the last answer was
	counts  atomic.Bool // it did nothing but count
}

// way is what the n-th call of an attempt meets, the first of which is 1; the calls of chores are
// the zeroth.
type way func(n int) storagetest.Fault

// brokenOff is what an attempt panics with of which nothing has happened.
type brokenOff struct{}

// watched notes which commits were made.
type watched struct {
	storage.Store
	world *world
}

func (s watched) Ephemeral() bool {
	e, ok := s.Store.(storage.Ephemeral)
	return ok && e.Ephemeral()
}

func (s watched) Commit(ctx context.Context, changes ...storage.Change) error {
	err := s.Store.Commit(ctx, changes...)
	if err == nil && !aside(changes) {
		s.world.made.Store(true)
		s.world.counts.Store(!slices.ContainsFunc(changes, func(c storage.Change) bool {
			_, deletes := c.(storage.DeleteRecord)
			return deletes || shows(c)
		}))
	}
	return err
}

// aside reports whether a commit is no part of what a call does: it takes a slice of a budget, or
// changes nothing, and so settles what became of another.
func aside(changes []storage.Change) bool {
	if c, ok := changes[0].(storage.Count); ok {
		return strings.HasPrefix(c.Key.Name, "budget:")
	}
	return !slices.ContainsFunc(changes, func(c storage.Change) bool { _, ok := c.(storage.RequireRecord); return !ok })
}

// shows reports whether a change leaves a stamp that a pool finds.
func shows(c storage.Change) bool {
	put, _ := c.(storage.PutRecord)
	switch put.Record.(type) {
	case *user.User, *token.Session, *storage.Ticket, *storage.Document:
		return true
	}
	return false
}

// begin begins an attempt, in which calls meet a way; nil is none.
func (w *world) begin(meet way) {
	w.nth, w.hit, w.hung, w.lost = 0, false, false, false
	w.made.Store(false)
	if meet == nil {
		w.calm()
		return
	}
	w.rough = true
	w.store.Set(func(_ context.Context, method string, changes []storage.Change) storagetest.Fault {
		n := 0
		if !w.choring {
			w.nth++
			n = w.nth
		}
		if method == "Commit" && !aside(changes) {
			w.made.Store(false)
		}
		f := meet(n)
		if f.Err != nil || f.Wait != nil || f.Then != nil {
			w.settles = !w.hit && f.Done && slices.ContainsFunc(changes, shows)
			w.hit, w.struck = true, true
		}
		return f
	})
}

// calm ends the trouble of this attempt: who was gone is there again.
func (w *world) calm() {
	w.store.Set(nil)
	w.rough, w.hung, w.ctx = false, false, context.WithoutCancel(w.ctx)
}

// answered reports whether trouble has struck since the last answer, and whether what was asked for
// was done all the same.
func (w *world) answered() (struck, made bool) {
	struck, made = w.hit, w.made.Swap(false)
	w.hit, w.lost = w.hung, false
	return struck, made
}

// spoilt takes an answer that trouble may spoil: one that says so, and nothing else.
func (w *world) spoilt(err error, made bool) {
	for _, other := range []error{
		pool.ErrNotAuthorized, pool.ErrBadCode, pool.ErrTicketGone, pool.ErrWrongStep, pool.ErrLoginTaken, pool.ErrNeedsProof,
		pool.ErrNotFound, pool.ErrExists, pool.ErrNotAllowed, pool.ErrStale, pool.ErrForbidden, pool.ErrInvalid, pool.ErrLimited,
		pool.ErrClosed, pool.ErrUnknownClient, pool.ErrUnfinished,
	} {
		if errors.Is(err, other) {
			w.fail("the answer to a store that fails is %v", err)
		}
	}
	if gone := w.hung && errors.Is(err, context.Canceled); !gone && !errors.Is(err, pool.ErrUnavailable) {
		w.fail("the answer to a store that fails is %v", err)
	}
	if !made {
		panic(brokenOff{})
	}
	if w.settles {
		w.fail("a read would have told that it was done: %v", err)
	}
	w.say("(no answer)")
	w.lost = true
	w.losses++
}

// heard breaks an attempt off whose last answer was lost, where to do the same again is no harm.
func (w *world) heard() {
	if w.lost {
		panic(brokenOff{})
	}
}

// withheld reports whether all was proven, but whoever did it had gone before anything was handed out:
// that is counted like a wrong answer, by each counter that would have been cleared (security.md T5).
func (w *world) withheld(would ...*lock) bool {
	if !w.lost || !w.counts.Load() {
		return false
	}
	for _, l := range would {
		l.fail(w.now(), true)
	}
	return true
}

// chores does what is due once under the trouble that there is, which may be told of, and then
// without.
func (w *world) chores() {
	if w.rough {
		w.hit, w.choring = false, true
		if err := w.hand.Run(w.ctx); err != nil && !w.hit && !w.hung {
			w.fail("chores: %v", err)
		}
		w.calm()
		if w.hit {
			w.pass(5 * time.Second) // after which mail is tried again
		}
		w.hit, w.choring = w.hung, false
		w.made.Store(false)
	}
	if err := w.hand.Run(w.ctx); err != nil || len(w.stray) > 0 {
		w.fail("chores: %v; messages of nobody: %v", err, w.stray)
	}
}

// leads returns the step that comes next, and nothing in it where the answer was lost.
func leads[S any, P interface {
	*S
	pool.Step
}](w *world, step pool.Step) P {
	s, ok := step.(P)
	switch {
	case w.lost:
		return new(S)
	case !ok:
		w.fail("the step is %T, want %T", step, s)
	}
	return s
}

// tried tries an operation until nothing stands in its way.
func (w *world) tried(t *town, o operation, seed uint64) {
	defer func(ctx context.Context) { w.ctx = ctx }(w.ctx)
	ctx, calls, focus := w.ctx, w.calls, t.focus
	w.struck, w.losses = false, 0
	for attempt, done := 1, false; !done; attempt++ {
		w.rand, w.calls, t.focus = rand.New(rand.NewPCG(seed, 1)), calls, focus
		var meet way
		if w.meets != nil {
			w.luck = rand.New(rand.NewPCG(seed, uint64(attempt+1)))
			meet = w.meets(w, o, attempt)
		}
		done = w.attempt(ctx, meet, func() { o.do(w, t) })
	}
	w.begin(nil)
	if w.losses > 0 { // of a revocation, too: the feed tells of it
		w.pass(time.Second)
	}
}

// attempt reports whether what was tried was not broken off.
func (w *world) attempt(ctx context.Context, meet way, do func()) (done bool) {
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	w.hangUp = func() { w.hung = true; cancel() }
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(brokenOff); !ok {
				panic(r)
			}
			w.said = append(w.said, "(nothing)")
		}
	}()
	w.begin(meet)
	do()
	w.chores()
	return true
}
