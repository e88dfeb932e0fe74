package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"weak"

	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	loadTimeout = 10 * time.Second
	keepLoaded  = 15 * time.Minute // after it was last asked for
	firstRetry  = time.Second      // of what could not be loaded; doubled each time
	longRetry   = time.Minute
)

// entry is what a process knows of a pool that exists, loaded or not. The directory's lock guards
// it.
type entry struct {
	id     user.PoolID
	issuer string // "" before it was loaded
	pool   *Pool  // nil where nobody asked for it of late
	handle weak.Pointer[Pool]
	used   time.Time
	tended time.Time // a round was last there

	loading chan struct{} // closed when the load that goes on has ended; nil means none does
	failed  error         // why the last load failed; nil means it did not
	tries   int           // that failed one after the other
	until   time.Time     // it is not tried again before
}

// loaded returns the handle that somebody has, or nil. Of a pool there is one in a process, so that
// all who have it know what was revoked, and draw on one budget.
func (e *entry) loaded() *Pool {
	if e.pool != nil {
		return e.pool
	}
	return e.handle.Value()
}

// serves reports whether a pool of the store is the directory's.
func (d *Directory) serves(id user.PoolID) bool { return d.only == "" || d.only == id }

// know notes that a pool exists.
func (d *Directory) know(id user.PoolID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pools[id] == nil {
		d.pools[id] = &entry{id: id}
	}
}

// meet notes that a pool has changed, and returns its handle if it is loaded. What it failed to load
// for may be mended.
func (d *Directory) meet(id user.PoolID) *Pool {
	d.know(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.pools[id]
	if e == nil {
		return nil
	}
	d.mended(e)
	return e.loaded()
}

// lose notes that a pool was deleted: all that it gave out is over.
func (d *Directory) lose(id user.PoolID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.pools[id]; e != nil {
		d.mended(e)
		if p := e.loaded(); p != nil {
			p.gone.Store(true)
		}
		delete(d.pools, id)
		delete(d.issuers, e.issuer)
	}
	d.rounds.drop(id)
}

// mended forgets that a load failed.
func (d *Directory) mended(e *entry) {
	if e.failed != nil {
		d.failed--
	}
	e.failed, e.tries, e.until = nil, 0, time.Time{}
}

// known returns the pools that exist, in order.
func (d *Directory) known() []user.PoolID {
	d.mu.Lock()
	defer d.mu.Unlock()
	ids := make([]user.PoolID, 0, len(d.pools))
	for id := range d.pools {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// served returns the pools whose messages this process sends; nil means all of the store. It passes
// over those that it could not load of late: it must not lease what it cannot send.
func (d *Directory) served() []user.PoolID {
	if d.only != "" {
		return []user.PoolID{d.only}
	}
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed == 0 {
		return nil
	}
	ids := make([]user.PoolID, 0, len(d.pools))
	for id, e := range d.pools {
		if !now.Before(e.until) {
			ids = append(ids, id)
		}
	}
	return ids
}

// resident returns the pools that are loaded.
func (d *Directory) resident() (pools []*Pool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.pools {
		if p := e.loaded(); p != nil {
			pools = append(pools, p)
		}
	}
	return pools
}

// rest lets go of the pools that nobody asked for of late. Whoever holds one goes on.
func (d *Directory) rest(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.pools {
		if d.only == "" && now.Sub(e.used) >= keepLoaded {
			e.pool = nil
		}
	}
}

// open returns the handle of a pool, loaded. Of those who ask for one that is not, one loads it for
// all.
func (d *Directory) open(ctx context.Context, id user.PoolID) (*Pool, error) {
	for {
		if d.closed.Load() {
			return nil, ErrClosed
		}
		now := d.now()
		d.mu.Lock()
		e := d.pools[id]
		if e == nil {
			d.mu.Unlock()
			return nil, ErrNotFound
		}
		if p := e.loaded(); p != nil {
			e.pool, e.used = p, now
			d.mu.Unlock()
			return p, nil
		}
		if failed := e.failed; failed != nil && now.Before(e.until) {
			d.mu.Unlock()
			return nil, failed
		}
		if e.loading == nil {
			e.loading = make(chan struct{})
			go d.load(context.WithoutCancel(ctx), e)
		}
		loading := e.loading
		d.mu.Unlock()
		select {
		case <-loading:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ready returns the handle of a pool for a chore, or nil where it cannot be loaded, which was told
// when it failed.
func (d *Directory) ready(ctx context.Context, id user.PoolID) *Pool {
	p, _ := d.open(ctx, id)
	return p
}

// load loads a pool for those who wait for it. One that fails does so alone, and closed: nothing of
// it is served until a later load succeeds.
func (d *Directory) load(ctx context.Context, e *entry) {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	p, err := d.read(ctx, e.id)
	now := d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	close(e.loading)
	e.loading = nil
	if d.pools[e.id] != e { // it was deleted meanwhile, and whoever waits hears so
		if p != nil {
			p.gone.Store(true)
		}
		return
	}
	switch {
	case errors.Is(err, ErrNotFound):
		d.mended(e)
		delete(d.pools, e.id)
	case err != nil:
		d.fail(e, fmt.Errorf("open pool %q: %w", e.id, err), now)
	default:
		d.mended(e)
		e.pool, e.handle, e.used, e.issuer = p, weak.Make(p), now, p.config.Issuer
		d.issuers[e.issuer] = e.id
		d.sealing.add(p) // a process may have ended before it sealed
	}
}

func (d *Directory) fail(e *entry, err error, now time.Time) {
	d.config.Logger.Warn("pool fails", "pool", e.id, "error", err)
	if e.failed == nil {
		d.failed++
	}
	e.failed, e.until = err, now.Add(min(longRetry, firstRetry<<min(e.tries, 10)))
	e.tries++
}

// read makes the handle of a stored pool.
func (d *Directory) read(ctx context.Context, id user.PoolID) (*Pool, error) {
	page, err := d.store.Pools(ctx, storage.PoolQuery{ID: id})
	if err != nil {
		return nil, unavailable(err)
	}
	if len(page.Pools) == 0 {
		return nil, ErrNotFound
	}
	c, err := d.configOf(ctx, id, page.Pools[0].Issuer, nil)
	if err != nil {
		return nil, err
	}
	p := d.handle(c)
	if err := p.reload(ctx); err != nil {
		return nil, unreadable(err)
	}
	if err := p.publish(ctx); err != nil {
		return nil, unreadable(err)
	}
	return p, nil
}

// unreadable gives an error of a load the class that callers know.
func unreadable(err error) error {
	if _, ok := errors.AsType[*SettingsError](err); ok || errors.Is(err, ErrWrongKeyring) {
		return err
	}
	if errors.Is(err, storage.ErrNoPool) {
		return ErrNotFound
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// configOf returns what this process brings to a pool, or all that is wrong with it, and with the
// settings that a new one is to have.
func (d *Directory) configOf(ctx context.Context, id user.PoolID, issuer string, s *Settings) (Config, error) {
	c := d.config
	c.ID, c.Issuer, c.Settings = id, issuer, s
	for _, page := range []*string{&c.ConfirmURL, &c.CancelURL} {
		if *page != "" {
			*page = strings.TrimSuffix(issuer, "/") + *page
		}
	}
	c, err := c.sound()
	if err != nil {
		return c, err
	}
	if d.keyring != nil {
		ring, err := ringOf(ctx, d.keyring, id)
		if err != nil {
			return c, fmt.Errorf("%w: keyring: %w", ErrUnavailable, err)
		}
		c.Keys = ring
	}
	if production, _ := parseIssuer(issuer); c.Keys == nil && production {
		return c, ErrNoKeyring
	}
	c.Keys = cmp.Or(c.Keys, d.ring)
	return c, nil
}

// ringOf asks the app for the keyring of a pool. One that panics, ends its goroutine or hangs fails
// that pool alone.
func ringOf(
	ctx context.Context, ask func(context.Context, user.PoolID) (*seal.Keyring, error), id user.PoolID,
) (*seal.Keyring, error) {
	type answer struct {
		ring *seal.Keyring
		err  error
	}
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	said := make(chan answer, 1) // room for one that nobody waits for any more
	go func() {
		a := answer{err: errors.New("did not return")}
		defer func() {
			if r := recover(); r != nil {
				a.err = fmt.Errorf("panicked: %v", r)
			}
			said <- a
		}()
		a.ring, a.err = ask(ctx, id)
	}()
	select {
	case a := <-said:
		if a.err == nil && a.ring == nil {
			return nil, ErrNoKeyring
		}
		return a.ring, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
