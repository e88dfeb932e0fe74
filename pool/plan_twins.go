package pool

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	examples    = 10      // of each effect
	twinsAtOnce = 1 << 20 // names that one walk compares, 20 bytes of memory each
)

// twinned are the user names that would be one without case, and those that have no form without.
type twinned struct {
	users, unfit int
	twins        []Twin    // the first ten
	long         []user.ID // the first ten of unfit
}

// twins looks through all users for names that differ in case only. However many there are it holds
// a part of their digests at a time: a walk for each million of users, and one for the examples.
func (p *Pool) twins(ctx context.Context) (t twinned, err error) {
	page, err := p.store.Pools(ctx, storage.PoolQuery{ID: p.config.ID})
	if err != nil {
		return t, unavailable(err)
	}
	parts := uint64(1)
	if len(page.Pools) == 1 {
		parts += uint64(max(page.Pools[0].Users, 0)) / twinsAtOnce
	}
	seed, shown := maphash.MakeSeed(), map[uint64]bool{}
	for part := range parts {
		seen := map[uint64]int{}
		err := p.eachUser(ctx, func(u *user.User) error {
			names, fit := caseless(u)
			if !fit && part == 0 {
				t.unfit++
				t.long = atMost(t.long, u.ID)
			}
			for _, name := range names {
				h := maphash.String(seed, name)
				if h%parts != part {
					continue
				}
				if seen[h]++; seen[h] == 2 {
					t.users += 2
					shown[h] = shown[h] || len(shown) < examples
				} else if seen[h] > 2 {
					t.users++
				}
			}
			return nil
		})
		if err != nil {
			return t, err
		}
	}
	if len(shown) == 0 {
		return t, nil
	}
	return t, p.eachUser(ctx, func(u *user.User) error {
		t.show(u, seed, shown)
		return nil
	})
}

// show adds a user to the examples of twins.
func (t *twinned) show(u *user.User, seed maphash.Seed, shown map[uint64]bool) {
	names, _ := caseless(u)
	for _, name := range names {
		if !shown[maphash.String(seed, name)] {
			continue
		}
		at := slices.IndexFunc(t.twins, func(w Twin) bool { return w.Name == name })
		if at < 0 {
			at, t.twins = len(t.twins), append(t.twins, Twin{Name: name})
		}
		t.twins[at].Users = atMost(t.twins[at].Users, u.ID)
	}
}

// caseless returns the user names of somebody in the form without case, each once. False means that
// one has none.
func caseless(u *user.User) (names []string, fit bool) {
	fit = true
	for _, l := range u.Logins {
		if l.Kind() != user.KindUsername {
			continue
		}
		form, ok := folded(l, false)
		if fit = fit && ok; ok && !slices.Contains(names, form.Value) {
			names = append(names, form.Value)
		}
	}
	return names, fit
}

// eachUser calls f with everybody in the pool, open sign-ups too, by pages, until f fails.
func (p *Pool) eachUser(ctx context.Context, f func(*user.User) error) error {
	q := storage.UserQuery{Order: storage.ByID, Now: p.now()}
	for {
		if p.closed.Load() {
			return ErrClosed
		}
		page, err := p.store.Users(ctx, p.config.ID, q)
		if err != nil {
			return fmt.Errorf("look through the users: %w", unavailable(err))
		}
		for _, u := range page.Users {
			if err := f(u); err != nil {
				return err
			}
		}
		if page.Next == "" {
			return nil
		}
		q.After = page.Next
	}
}

// atMost appends one example, where there are not enough yet.
func atMost(ids []user.ID, id user.ID) []user.ID {
	if len(ids) < examples {
		return append(ids, id)
	}
	return ids
}
