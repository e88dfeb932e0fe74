package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	namesEvery = 10 * time.Second
	namesLease = time.Minute // renewed with each page
	namesBatch = 50          // users in one commit
)

// moveNames keeps the walks over user names going, in the pools that are loaded, until ctx ends.
func (d *Directory) moveNames(ctx context.Context) {
	for pause(ctx, namesEvery) {
		if err := d.round(ctx, "names", d.ofResident((*Pool).moveNamesOnce)); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "user names wait", "error", err)
		}
	}
}

// moveNamesOnce makes the walks that a change of [SignInSettings].CaseSensitive asks for, unless
// another process does, and goes on where one has stopped. In between it asks the store nothing.
func (p *Pool) moveNamesOnce(ctx context.Context) error {
	for n := p.today().naming; n.walking() && !p.gone.Load(); n = p.today().naming {
		if done, err := p.walkNames(ctx, n); err != nil || !done {
			return err
		}
		if err := p.reload(ctx); err != nil {
			return err
		}
	}
	return nil
}

// walkNames goes through all users once. False means that another process does, or that this walk
// is not the one to make any more.
func (p *Pool) walkNames(ctx context.Context, n naming) (done bool, err error) {
	mark := storage.CounterKey{Pool: p.config.ID, Owner: namesID, Name: fmt.Sprint("walk ", n.Walk)}
	got, err := p.read(ctx, storage.Want{Now: p.now(), Counters: []storage.CounterKey{mark}})
	if err != nil {
		return false, err
	}
	q := storage.UserQuery{Order: storage.ByCreated, Now: p.now()}
	if reached := got.Counters[0].N; reached > 0 {
		q.CreatedMin = time.UnixMicro(reached)
	}
	stuck := 0
	for {
		if held, err := p.holdNames(ctx); err != nil || !held {
			return false, err
		}
		page, err := p.store.Users(ctx, p.config.ID, q)
		if err != nil {
			return false, err
		}
		failed, err := p.renameAll(ctx, n, page.Users)
		if errors.Is(err, storage.ErrStale) {
			return false, nil // names go another way by now
		}
		if err != nil {
			return false, err
		}
		if stuck += failed; page.Next == "" {
			break
		}
		if q.After = page.Next; stuck == 0 && len(page.Users) > 0 {
			at := page.Users[len(page.Users)-1].Created.UnixMicro()
			if err := p.commit(ctx, storage.Raise{Key: mark, N: at}); err != nil && !errors.Is(err, storage.ErrStale) {
				return false, err
			}
		}
	}
	if stuck > 0 {
		if err := p.reachedAll(ctx, n); err != nil {
			return false, err
		}
		return false, fmt.Errorf("%d users have a name that another has in letters of other case: rename one of the two", stuck)
	}
	o := occurrence{Kind: settingsEvent, Outcome: succeeded, Reason: "CaseSensitive", Actor: "userpool"}
	if err := p.commit(ctx, n.arrived().change(p), p.event(p.now(), o)); err != nil {
		return false, ignoreStale(err)
	}
	return true, nil
}

// reachedAll lets user names be taken again, after a walk that some users keep from its end: whose
// name is theirs without case too, nobody else gets.
func (p *Pool) reachedAll(ctx context.Context, n naming) error {
	if n.free() == nil {
		return nil
	}
	n.Reached = true
	return ignoreStale(p.commit(ctx, n.change(p)))
}

func ignoreStale(err error) error {
	if errors.Is(err, storage.ErrStale) {
		return nil
	}
	return err
}

func (p *Pool) holdNames(ctx context.Context) (bool, error) {
	now := p.now()
	return p.store.Lease(ctx, storage.Lease{
		Name: "names/" + string(p.config.ID), Holder: p.holder, Now: now, Until: now.Add(namesLease),
	})
}

// renameAll gives the names of users their forms, and returns how many users kept theirs because
// somebody else has the other form. It is stale where n is.
func (p *Pool) renameAll(ctx context.Context, n naming, users []*user.User) (stuck int, err error) {
	var moved []*user.User
	for _, u := range users {
		switch changed, fit := n.renamed(u); {
		case !fit:
			stuck++
		case changed:
			moved = append(moved, u)
		}
	}
	for batch := range slices.Chunk(moved, namesBatch) {
		failed, err := p.renameBatch(ctx, n, batch)
		if stuck += failed; err != nil {
			return stuck, err
		}
	}
	return stuck, nil
}

// renameBatch stores users in one commit, or each by itself where one keeps the others from it.
func (p *Pool) renameBatch(ctx context.Context, n naming, batch []*user.User) (stuck int, err error) {
	changes := []storage.Change{storage.Require(n.stored)}
	for _, u := range batch {
		changes = append(changes, storage.Put(u))
	}
	err = p.write(ctx, changes...) // as they are: nobody gives a name up, or takes another's
	if !errors.Is(err, storage.ErrStale) && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrInvalid) {
		return 0, err
	}
	for _, u := range batch {
		failed, err := p.renameOne(ctx, n, u.ID)
		if stuck += failed; err != nil {
			return stuck, err
		}
	}
	return stuck, nil
}

// renamed gives the names of a user their forms, and reports whether that changes anything, and
// whether all of them have such forms. Open sign-ups own no names.
func (n naming) renamed(u *user.User) (changed, fit bool) {
	if !u.Somebody() {
		return false, true
	}
	was := u.Logins
	fit = n.rename(u)
	return fit && !slices.Equal(was, u.Logins), fit
}

// renameOne is renameAll for one user, as they are by now.
func (p *Pool) renameOne(ctx context.Context, n naming, id user.ID) (stuck int, err error) {
	for range tries {
		got, err := p.read(ctx, storage.Want{Now: p.now(), User: user.ByID(id)})
		if err != nil {
			return 0, err
		}
		s, err := p.current(ctx, got.PoolEpoch)
		if err != nil {
			return 0, err
		}
		if s.naming.Walk != n.Walk {
			return 0, storage.ErrStale
		}
		if got.User == nil {
			return 0, nil
		}
		switch changed, fit := n.renamed(got.User); {
		case !fit:
			return 1, nil
		case !changed:
			return 0, nil
		}
		err = p.write(ctx, storage.Require(n.stored), storage.Put(got.User))
		if errors.Is(err, storage.ErrConflict) || errors.Is(err, storage.ErrInvalid) {
			return 1, nil
		}
		if !errors.Is(err, storage.ErrStale) {
			return 0, err
		}
	}
	return 0, fmt.Errorf("user %s changes all the time: %w", id, ErrUnavailable)
}
