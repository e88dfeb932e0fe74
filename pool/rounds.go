package pool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	roundEvery = time.Minute
	visits     = 10 // a second, however many pools there are
	tendEvery  = time.Hour
)

// rounds go to every pool of the store, also to those that nobody asks this process for: another
// may have ended before it sealed what it wrote, keys grow old, and history too. A round takes a
// tenth of a second for each pool and at least a minute, so what it costs has a bound; whatever
// happens in this process is marked, and does not wait for it.
type rounds struct {
	begun time.Time
	left  []user.PoolID // to go to in this round

	mu     sync.Mutex
	doomed []user.PoolID        // deleted, and perhaps not erased yet
	lost   map[user.PoolID]bool // all that were deleted: the feed may tell of one time and again
}

// goRounds looks after the pools of the store until ctx ends.
func (d *Directory) goRounds(ctx context.Context) {
	for pause(ctx, time.Second) {
		if err := d.round(ctx, "rounds", d.walk); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "rounds", "error", err)
		}
		if err := d.round(ctx, "erase", d.erase); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "deleted pools stay", "error", err)
		}
	}
}

// walk visits the next pools of a round.
func (d *Directory) walk(ctx context.Context) (failed error) {
	r, now := &d.rounds, d.now()
	if since := now.Sub(r.begun); len(r.left) == 0 && (since < 0 || since >= roundEvery) {
		r.left, r.begun = d.known(), now
		d.rest(now)
	}
	n := min(visits, len(r.left))
	var visiting sync.WaitGroup
	errs := make([]error, n)
	for i, id := range r.left[:n] {
		visiting.Go(func() { errs[i] = d.visit(ctx, id, now) })
	}
	visiting.Wait()
	r.left = r.left[n:]
	return errors.Join(errs...)
}

// visit looks whether a pool has events that are in no seal, and once an hour after its keys and
// what it keeps. A pool that fails is passed over: it says so when it does.
func (d *Directory) visit(ctx context.Context, id user.PoolID, now time.Time) error {
	tend := d.tend(id, now)
	if !tend {
		page, err := d.store.Events(ctx, id, storage.EventQuery{Unsealed: true, Limit: 1})
		if err != nil || len(page.Events) == 0 {
			return err
		}
	}
	p := d.ready(ctx, id)
	if p == nil {
		return nil
	}
	d.sealing.add(p) // which also drops what is old
	if tend {
		return p.rotateOnce(ctx)
	}
	return nil
}

// tend reports whether it is time to do what is done once an hour.
func (d *Directory) tend(id user.PoolID, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.pools[id]
	if e == nil {
		return false
	}
	if since := now.Sub(e.tended); since >= 0 && since < tendEvery {
		return false
	}
	e.tended = now
	return true
}

// drop notes a pool that was deleted, and is to be erased once.
func (r *rounds) drop(id user.PoolID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lost == nil {
		r.lost = map[user.PoolID]bool{}
	}
	if !r.lost[id] {
		r.lost[id] = true
		r.doomed = append(r.doomed, id)
	}
}

// wait lets a pool that is not erased yet have another turn, after the others.
func (r *rounds) wait(ids ...user.PoolID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doomed = append(r.doomed, ids...)
}

// doom reports whether deleted pools are to be erased.
func (r *rounds) doom() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.doomed) > 0
}

const (
	dropBatch = 1000 // rows of a deleted pool that are erased in one transaction
	dropLooks = 100  // a second: of most pools that a store has lost in its life nothing is left
)

// erase erases some chunks of the deleted pools, which take turns. It goes on where it, or another
// process, has stopped: several may do it at once.
func (d *Directory) erase(ctx context.Context) (failed error) {
	r := &d.rounds
	var later []user.PoolID
	for looks, chunks := 0, 0; looks < dropLooks && chunks < visits; looks++ {
		id, ok := r.next()
		if !ok {
			break
		}
		left, err := d.store.Drop(ctx, id, dropBatch)
		switch {
		case errors.Is(err, storage.ErrInvalid): // it is not there
		case err != nil:
			failed = errors.Join(failed, fmt.Errorf("pool %q: %w", id, err))
			later = append(later, id)
			chunks++
		case left:
			r.wait(id)
			chunks++
		}
	}
	r.wait(later...)
	return failed
}

// next takes the pool whose turn it is to be erased.
func (r *rounds) next() (id user.PoolID, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.doomed) == 0 {
		return "", false
	}
	id, r.doomed = r.doomed[0], r.doomed[1:]
	return id, true
}
