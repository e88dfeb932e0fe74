package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	healthTimeout = 5 * time.Second
	behindAfter   = 5 * time.Second // security.md T3: so late a revocation may be
	maxSkew       = 5 * time.Second // security.md S14
)

// ErrBehind means that this process has heard nothing of what others change and revoke for more
// than five seconds, because the store does not answer, or not in time: its [token.Verifier] lets in
// whose session has ended.
var ErrBehind = errors.New("pool: nothing was heard of revocations for too long")

// ErrClock means that the clocks of this process and of the database differ by more than five
// seconds: what should have expired here lives on, or the reverse. Set the clock by NTP.
var ErrClock = errors.New("pool: the clocks of this process and of the database differ")

// Health reports whether this process should be sent visitors: it returns nil, or all that is wrong,
// together. It is [ErrUnavailable] where the store cannot be read, [ErrBehind], [ErrClock] (of stores
// that are a [storage.Clock], such as PostgreSQL), and [ErrClosed]. A pool that cannot be loaded
// makes no directory ill, because the others are served; see [Stats].Failed. Where all of them have
// one keyring, a process that was given another fails for all: to learn that, ask for one that must
// be there ([Directory.Pool]), and for its [Pool.Health]. Nor do chores that fail: a mail server that
// is down is no reason to turn visitors away; see [Stats].Chores.
//
// It is what a load balancer's readiness check asks, every few seconds: send nobody here while it
// fails, and do not restart the process, which cannot help. To learn whether the process lives a
// handler that answers is enough. The error is for the log; a stranger is told that there is one. It
// costs two small round trips to the store, for all who ask at the same time together, and takes at
// most five seconds.
func (d *Directory) Health(ctx context.Context) error {
	return d.healthy(ctx, "", func(ctx context.Context) error {
		_, err := d.store.Pools(ctx, storage.PoolQuery{Limit: 1})
		return err
	})
}

// Health is [Directory.Health], and reports whether this pool can be served: that it is there, that
// its state can be read, that the keyring opens what the pool has sealed ([ErrWrongKeyring]; another
// process may have been given a key that this one lacks), and that there is a key to sign with. It
// costs a round trip more.
func (p *Pool) Health(ctx context.Context) error { return p.dir.healthy(ctx, p.config.ID, p.served) }

// served fails where the pool cannot be.
func (p *Pool) served(ctx context.Context) error {
	got, err := p.read(ctx, storage.Want{Now: p.now()})
	if err != nil {
		return err
	}
	s, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return err
	}
	if s.signer == nil {
		return errors.New("there is no key to sign with")
	}
	return p.loadRing(ctx, nil)
}

// checkup is one look at the health of a pool, or of the directory, for all who ask meanwhile: else
// they would take the store from visitors, most of all while it is slow.
type checkup struct {
	done  chan struct{} // closed once the others are there
	err   error
	whole bool // and not cut short by who looked
}

// healthy looks, or waits for who does.
func (d *Directory) healthy(ctx context.Context, of user.PoolID, look func(context.Context) error) error {
	if d.closed.Load() {
		return ErrClosed
	}
	timed, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	for {
		c, ours := d.checkup(of)
		if ours {
			defer d.checked(of, c)
			c.err = d.wrong(timed, look)
			c.whole = ctx.Err() == nil
			return c.err
		}
		select {
		case <-c.done:
			if c.whole {
				return c.err
			}
		case <-timed.Done():
			return unhealthy(timed.Err())
		}
	}
}

// checkup returns the checkup that goes on, or begins ours.
func (d *Directory) checkup(of user.PoolID) (c *checkup, ours bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if c := d.checkups[of]; c != nil {
		return c, false
	}
	c = &checkup{done: make(chan struct{})}
	d.checkups[of] = c
	return c, true
}

// checked ends ours.
func (d *Directory) checked(of user.PoolID, c *checkup) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.checkups, of)
	close(c.done)
}

// wrong joins what is wrong with the store, as look sees it, with what is wrong around it.
func (d *Directory) wrong(ctx context.Context, look func(context.Context) error) error {
	err := look(ctx)
	if err != nil {
		err = unhealthy(err)
	}
	return errors.Join(err, d.behind(), d.skewed(ctx))
}

// unhealthy gives what went wrong with a look the class that callers know. That it took too long is
// no wish of theirs.
func unhealthy(err error) error {
	if errors.Is(err, ErrUnavailable) || errors.Is(err, ErrClosed) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// followed returns when the feed was last read to its end.
func (d *Directory) followed() time.Time {
	if at := d.heard.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

func (d *Directory) behind() error {
	if since := d.config.Now().Sub(d.followed()); since > behindAfter {
		return fmt.Errorf("%w: for %v", ErrBehind, since.Round(time.Second))
	}
	return nil
}

// skewed compares the clocks. When exactly the database looked at its own is not known, but that it
// was while it was asked: what that leaves open counts for no difference.
func (d *Directory) skewed(ctx context.Context) error {
	if d.clock == nil {
		return nil
	}
	asked := d.config.Now()
	theirs, err := d.clock.Now(ctx)
	told := d.config.Now()
	switch {
	case err != nil:
		return unhealthy(err)
	case theirs.Sub(told) > maxSkew:
		return fmt.Errorf("%w: ours is late by %v", ErrClock, theirs.Sub(told).Round(time.Millisecond))
	case asked.Sub(theirs) > maxSkew:
		return fmt.Errorf("%w: ours is ahead by %v", ErrClock, asked.Sub(theirs).Round(time.Millisecond))
	}
	return nil
}

// compareClocks says in the log what [Directory.Health] will say, as the process begins: whoever
// asks for no health should see it too.
func (d *Directory) compareClocks(ctx context.Context) {
	if err := d.skewed(ctx); err != nil {
		d.config.Logger.WarnContext(ctx, "the clock could not be compared, or is wrong", "error", err)
	}
}
