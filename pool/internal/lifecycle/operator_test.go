package lifecycle_test

import (
	"slices"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// operators is what those do who run pools.
var operators = []operation{
	{"close or open the sign-up", 1, []string{"Admin.PutSettings"}, closeSignUp},
	{"delete or make the group", 2, []string{"Admin.CreateGroup", "Admin.DeleteGroup", "Admin.UpdateGroup"}, regroup},
	{"put one pool in the place of another", 1, []string{"Directory.Create", "Directory.Delete"}, refound},
}

func closeSignUp(w *world, t *town) {
	a := t.admin()
	s, v, err := a.Settings(w.ctx)
	w.want(err, nil)
	s.SignUp.Closed = !t.closed && w.chance(2) // mostly open
	w.say("closed: %t", s.SignUp.Closed)
	w.want(a.PutSettings(w.ctx, s, v), nil)
	t.closed = s.SignUp.Closed
	if err := a.PutSettings(w.ctx, s, "1"); err == nil {
		w.fail("settings are put on those of somebody else")
	}
}

// regroup deletes the group, or makes it anew: then nobody is in it.
func regroup(w *world, t *town) {
	a := t.admin()
	if t.grouped {
		w.want(a.UpdateGroup(w.ctx, pool.Group{Name: staff, Description: "who work here"}), nil)
		w.want(a.DeleteGroup(w.ctx, staff), nil)
		t.grouped = false
		for _, p := range t.people {
			p.staff = false
		}
		return
	}
	err := a.CreateGroup(w.ctx, pool.Group{Name: staff})
	w.want(err, nil, pool.ErrNotReady)
	w.say("made: %v", err)
	t.grouped = err == nil || w.lost
}

// refound deletes a pool with all that is in it, and makes another like it.
func refound(w *world, t *town) {
	if !w.chance(3) {
		return
	}
	w.want(w.dir.Delete(w.ctx, operator, t.ID()), nil)
	for _, p := range slices.Clone(t.people) {
		p.erase()
	}
	w.towns = slices.DeleteFunc(w.towns, func(o *town) bool { return o == t })
	w.ruins, w.last.town = append(w.ruins, t), nil
	w.calm() // what making a pool meets is another story, told in package pool
	w.want(w.found(&town{named: t.named, byLink: t.byLink}), nil)
	for _, id := range []user.PoolID{t.ID(), w.towns[0].ID()} {
		_, err := w.dir.Create(w.ctx, operator, id, "http://localhost:7000", pool.Settings{})
		w.want(err, pool.ErrExists)
	}
}

// ruined wants nothing of a pool that was deleted to open anything, and the directory to count the
// users of those that there are.
func (w *world) ruined() {
	page, err := w.dir.Pools(w.ctx, operator, pool.PoolQuery{})
	w.want(err, nil)
	if len(page.Pools) != len(w.towns) {
		w.fail("the directory has %d pools, want %d", len(page.Pools), len(w.towns))
	}
	for _, p := range page.Pools {
		for _, t := range w.towns {
			if users := of(t.people, (*person).somebody); t.ID() == p.ID && int(p.Users) != len(users) {
				w.fail("%s counts %d users, want %d", p.ID, p.Users, len(users))
			}
		}
	}
	t := one(w, w.ruins)
	if t == nil {
		return
	}
	_, err = w.dir.Pool(w.ctx, t.ID())
	w.want(err, pool.ErrNotFound)
	s := one(w, of(t.sessions, func(s *session) bool { return !s.unheld }))
	if s == nil {
		return
	}
	if s.browser() {
		_, _, err = t.Session(w.ctx, s.cookie)
	} else {
		_, err = t.Refresh(w.ctx, pool.RefreshInput{Token: s.refresh[len(s.refresh)-1], Caller: w.caller(false)})
		w.verifies(t, s)
	}
	if err == nil {
		w.fail("a session of a pool that was deleted lives")
	}
	w.opens(w.towns[0], s)
}
