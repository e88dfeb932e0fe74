package pool

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	indexEvery = time.Second // in memory alone, while nothing is to be done
	indexLease = time.Minute
	indexPage  = 500       // users that are looked at
	indexPages = 10        // in a turn
	indexBatch = 64        // users in a commit
	indexBytes = 512 << 10 // of users in a commit
)

// walked names the watermark of the walk over all users: when those were made whom it has reached.
func (p *Pool) walked() storage.CounterKey {
	return storage.CounterKey{Pool: p.config.ID, Owner: "index", Name: "walked"}
}

// index completes what users are listed by, in all pools, until ctx ends.
func (d *Directory) index(ctx context.Context) {
	for pause(ctx, indexEvery) {
		if err := d.round(ctx, "index", d.indexOnce); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "users are not listed yet", "error", err)
		}
	}
}

// indexOnce does what is left to do so that lists find all users and deleted groups have none. The
// pools take turns.
func (d *Directory) indexOnce(ctx context.Context) error {
	return d.indexing.round(func(p *Pool) (turn, error) {
		again, err := p.indexOnce(ctx)
		switch {
		case errors.Is(err, storage.ErrStale): // somebody was at the same; the next round sees
			return nextRound, nil
		case again:
			return goesOn, err
		case p.state.Load().index.unfinished():
			return nextRound, err
		}
		return finished, err
	})
}

// indexOnce goes on for a turn from where it, or another process, has stopped, unless another is at
// it. Again tells that there is more. What is found by now stays found meanwhile.
func (p *Pool) indexOnce(ctx context.Context) (again bool, err error) {
	x := p.state.Load().index
	if !x.unfinished() || p.gone.Load() {
		return false, nil
	}
	now := p.now()
	lease := storage.Lease{Name: "index/" + string(p.config.ID), Holder: p.holder, Now: now, Until: now.Add(indexLease)}
	if held, err := p.indexing.take(ctx, p.dir, lease); err != nil || !held {
		return false, err
	}
	if x.Walk {
		again, err = p.walk(ctx, x)
	} else {
		again, err = p.disband(ctx, x)
	}
	if err == nil && !again {
		err = p.reload(ctx)
		again = p.state.Load().index.unfinished()
	}
	return again, err
}

// walk gives all users their terms, in the order in which they were made, and then lets lists go by
// them.
func (p *Pool) walk(ctx context.Context, x index) (more bool, err error) {
	got, err := p.store.Read(ctx, p.config.ID, storage.Want{Now: p.now(), Counters: []storage.CounterKey{p.walked()}})
	if err != nil || len(got.Counters) == 0 {
		return false, err
	}
	q := storage.UserQuery{}
	from := got.Counters[0].N
	if from > 0 {
		q.CreatedMin = time.UnixMicro(from)
	}
	mark := from
	missing := func(u *user.User) bool { return !slices.Equal(u.Index, x.terms(u)) }
	more, err = p.overAll(ctx, x, q, missing, func(last *user.User) (stop bool, err error) {
		reached := last.Created.UnixMicro()
		if reached > mark {
			mark = reached
			err = p.commit(ctx, storage.Raise{Key: p.walked(), N: mark}, storage.Require(x.stored))
		}
		return mark > from, err // or the next turn would begin where this one has
	})
	if err != nil || more {
		return more, err
	}
	x.Walk, x.Ready = false, append(slices.Clone(x.Names), storage.GroupTerm)
	changes := []storage.Change{storage.Put(p.indexDocument(x)), storage.Delete(&storage.Counter{Key: p.walked()})}
	changes, err = p.searchable(ctx, changes, func([]string) []string { return x.Names })
	if err != nil {
		return false, err
	}
	return false, p.commit(ctx, changes...)
}

// disband takes all members out of a group that was deleted. Nobody joins it meanwhile: whoever
// puts a user requires the index as it stands. Only then may a group of that name have members
// again: otherwise the old ones would be back in it.
func (p *Pool) disband(ctx context.Context, x index) (more bool, err error) {
	name := x.Gone[0]
	term := groupTerm(name)
	q := storage.UserQuery{Where: &storage.Where{Name: term.Name, Value: term.Value}}
	leaves := func(u *user.User) bool {
		if !slices.Contains(u.Groups, name) {
			return false
		}
		u.Leave(name)
		u.Updated = p.now()
		return true
	}
	more, err = p.overAll(ctx, x, q, leaves, func(*user.User) (bool, error) { return true, nil })
	if err != nil || more {
		return more, err
	}
	x.Gone = x.Gone[1:]
	return false, p.commit(ctx, storage.Put(p.indexDocument(x)))
}

// overAll puts the users of a list whom edit has changed, while the index is as given. After each
// page reached is told of its last user, and says whether a turn may end there; more tells that it
// did.
func (p *Pool) overAll(
	ctx context.Context, x index, q storage.UserQuery, edit func(*user.User) bool, reached func(*user.User) (bool, error),
) (more bool, err error) {
	q.Now, q.Limit = p.now(), indexPage
	for n := 1; ; n++ {
		page, err := again(func() (storage.UserPage, error) { // where somebody else was at one of them
			page, err := p.store.Users(ctx, p.config.ID, q)
			if err == nil {
				err = p.putAll(ctx, x, page.Users, edit)
			}
			return page, err
		})
		if err != nil {
			return false, err
		}
		if q.After = page.Next; q.After == "" {
			return false, nil
		}
		if len(page.Users) == 0 {
			continue
		}
		if stop, err := reached(page.Users[len(page.Users)-1]); err != nil || stop && n >= indexPages {
			return true, err
		}
	}
}

// putAll puts those of the users whom edit has changed, many in a commit.
func (p *Pool) putAll(ctx context.Context, x index, users []*user.User, edit func(*user.User) bool) error {
	var changes []storage.Change
	size := 0
	for i, u := range users {
		if edit(u) {
			changes = append(changes, storage.Put(u))
			size += u.Size()
		}
		full := len(changes) == indexBatch || size > indexBytes
		if len(changes) > 0 && (full || i == len(users)-1) {
			if err := p.commit(ctx, append(changes, storage.Require(x.stored))...); err != nil {
				return err
			}
			changes, size = nil, 0
		}
	}
	return nil
}
