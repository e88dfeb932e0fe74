package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// tries bounds how often a use case reads and decides again after it lost a race.
const tries = 8

// resendTimeout bounds how long a call goes on to send its commit again: less than SQLite waits for a
// lock, so that who has waited for one is answered and not sent to wait anew. settleTimeout bounds how
// long it goes on to find out what became of it, settleAlone where nobody waits for that any more.
const (
	resendTimeout = 4 * time.Second
	settleTimeout = 5 * time.Second
	settleAlone   = time.Second
)

// round is what one round of a use case goes by.
type round struct {
	state  *state // not older than what was read
	client Client
	now    time.Time
	risk   gate.Risk // in the circumstances of a sign-in, once they were judged
	// devices counts what a user was told of new devices, where one of them asks to sign in; without
	// a key none does.
	devices storage.Counter
}

// again runs one round of read, decide, commit until it is not stale.
func again[T any](round func() (T, error)) (v T, err error) {
	for range tries {
		v, err = round()
		if d, denied := errors.AsType[denial](err); denied {
			return v, d.HookError
		}
		if !errors.Is(err, storage.ErrStale) {
			return v, err
		}
	}
	return v, fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// read reads records of the pool. One that was deleted is closed, too.
func (p *Pool) read(ctx context.Context, w storage.Want) (storage.Got, error) {
	if p.closed.Load() {
		return storage.Got{}, ErrClosed
	}
	got, err := p.store.Read(ctx, p.config.ID, w)
	if err == nil && got.PoolEpoch == 0 {
		err = storage.ErrNoPool
	}
	if errors.Is(err, storage.ErrNoPool) {
		p.dir.lose(p.config.ID) // another process has deleted it, and the feed will say so
	}
	if err != nil {
		return storage.Got{}, unavailable(err)
	}
	return got, nil
}

// commit sends changes, again where nothing was written, and finds out what an unknown outcome was. Refusals of a change come back as they are, all else as [ErrUnavailable]; a login that
// rests is refused as one that is taken.
func (p *Pool) commit(ctx context.Context, changes ...storage.Change) error {
	changes, err := p.named(changes)
	if err != nil {
		return err
	}
	err = p.write(ctx, append(slices.Clip(changes), p.keeping(changes)...)...)
	back, err := p.back(ctx, changes, err)
	if back == nil {
		return err
	}
	changes = append(slices.Clip(changes), back...)
	return p.write(ctx, append(changes, p.keeping(changes)...)...)
}

// write is commit of just these changes, and of the terms of the users among them.
func (p *Pool) write(ctx context.Context, changes ...storage.Change) error {
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), resendTimeout)
	defer cancel()
	all, ours := p.indexed(changes)
	err := p.store.Commit(ctx, all...)
	for n := 0; n < tries && patience.Err() == nil && (errors.Is(err, storage.ErrRetry) || ours && outrun(err, all)); n++ {
		if errors.Is(err, storage.ErrRetry) {
			// A store that is short of something, such as connections, gets less of us each time.
			if !pause(ctx, time.Millisecond<<n) {
				break
			}
		} else { // what users are listed by has moved
			if err := p.reload(ctx); err != nil {
				return unavailable(err)
			}
			all, ours = p.indexed(changes)
		}
		err = p.store.Commit(ctx, all...)
	}
	if errors.Is(err, storage.ErrUnknown) {
		err = p.settle(ctx, changes, err)
	}
	if err == nil {
		p.committed(ctx, changes)
		return nil
	}
	if _, refused := errors.AsType[*storage.ChangeError](err); refused {
		return err
	}
	return unavailable(err)
}

// unavailable gives an error of the store the class that callers know.
func unavailable(err error) error {
	switch {
	case errors.Is(err, storage.ErrRetry), errors.Is(err, storage.ErrUnknown): // even where a time limit of its own ran out
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, storage.ErrClosed):
		return fmt.Errorf("%w: %w", ErrClosed, err)
	case errors.Is(err, storage.ErrNoPool):
		return fmt.Errorf("%w: the pool was deleted: %w", ErrClosed, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// settle returns nil where the changes turn out to be stored. A commit is whole or not at all, so
// one record that carries its new stamp proves it. A commit that puts nothing to look for is not
// proven, and what depended on it does not leave the process (security.md T5).
//
// To have read it is not enough: a primary shows what was committed while no replica followed it, and
// may take that along when it dies. So another commit requires what was read: it waits for the replica
// as every commit does, and passes only at a server that has the record.
//
// A wrong guess puts nothing, the right one a session. A store that loses answers must take as long
// over the one as over the other, so whatever was found there is one read and one commit that waits:
// of the pool's key, which is always there.
func (p *Pool) settle(ctx context.Context, changes []storage.Change, unknown error) error {
	limit := settleTimeout
	if ctx.Err() != nil {
		limit = settleAlone
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit) // it matters to whoever asks next
	defer cancel()
	want := storage.Want{Now: p.now(), Documents: []storage.DocumentKey{{Kind: poolKeyKind, ID: only}}}
	stamp := seek(&want, changes)
	got, err := p.store.Read(ctx, p.config.ID, want)
	if err != nil || len(got.Documents) == 0 || got.Documents[0] == nil {
		return unknown
	}
	record, found := carrying(got, stamp)
	if err := p.store.Commit(ctx, record); err != nil || !found {
		return unknown
	}
	return nil
}

// seek wants a record that the changes put, and returns the stamp that they gave it; 0 where they put
// none that can be read.
func seek(want *storage.Want, changes []storage.Change) (stamp int64) {
	for _, c := range changes {
		put, ok := c.(storage.PutRecord)
		if !ok {
			continue
		}
		switch r := put.Record.(type) {
		case *user.User:
			want.User = user.ByID(r.ID)
		case *token.Session:
			want.Session = storage.SessionKey{User: user.ID(r.User), ID: r.ID}
		case *storage.Ticket:
			want.Tickets = []string{r.ID}
		case *storage.Document:
			want.Documents = append(want.Documents, storage.DocumentKey{Kind: r.Kind, ID: r.ID})
		default:
			continue
		}
		return put.Stamp
	}
	return 0
}

// carrying requires the record that was sought, where it carries the stamp, and else the pool's key.
func carrying(got storage.Got, stamp int64) (required storage.Change, found bool) {
	switch last := got.Documents[len(got.Documents)-1]; {
	case got.Session != nil && got.Session.Version == stamp:
		return storage.Require(got.Session), true
	case len(got.Tickets) > 0 && got.Tickets[0] != nil && got.Tickets[0].Version == stamp:
		return storage.Require(got.Tickets[0]), true
	case last != nil && last.Version == stamp:
		return storage.Require(last), true
	case got.User != nil && got.User.Version == stamp:
		return storage.Require(got.User), true
	}
	return storage.Require(got.Documents[0]), false
}

// committed lets this process act at once on what it has just written.
func (p *Pool) committed(ctx context.Context, changes []storage.Change) {
	for _, c := range changes {
		put, ok := c.(storage.PutRecord)
		if !ok {
			continue
		}
		switch r := put.Record.(type) {
		case *storage.Revocation:
			p.dir.revoked.add(r)
		case *storage.Outgoing:
			p.outbox.signal()
			for _, poster := range p.dir.posters {
				poster.signal()
			}
		case *storage.Event:
			p.dir.sealing.add(p)
			p.dir.watch.event(ctx, r)
		}
	}
}

// limit returns the counter that refused a commit.
func limit(err error) (storage.CounterKey, bool) {
	l, ok := errors.AsType[*storage.LimitError](err)
	if !ok {
		return storage.CounterKey{}, false
	}
	return l.Key, true
}
