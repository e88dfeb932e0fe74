package storagetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var apartRules = []contract{
	{
		"Apart/Records",
		"what a commit, a sweep or a Drop does in one pool leaves the records of the same owners, " +
			"tickets and ids in another as they are",
		recordsApart,
	},
	{
		"Apart/Cursors",
		"an After of another list or pool is ErrInvalid, or a place in this one: it shows nothing " +
			"that this list does not have, and comes to an end",
		cursorsApart,
	},
	{
		"Apart/Drop",
		"Drop erases all that there is, seals among it, a chunk at a time",
		dropWhole,
	},
}

const away user.PoolID = "away"

// twins returns records that may stand under the same keys in each pool.
func twins(id user.PoolID) []any {
	parent, child := session(userID(1), 1), below(2, 1)
	t, o, d, e := ticket("t", userID(1)), outgoing("o", userID(1)), document("k", "d"), event("e", noon)
	parent.Pool, child.Pool = string(id), string(id)
	t.Pool, o.Pool, d.Pool, e.Pool, o.Ticket, e.User = id, id, id, id, "t", userID(1)
	return []any{parent, child, t, o, d, e}
}

func recordsApart(s *scene) {
	s.put(pool(away))
	s.put(append(twins(home), person(1, "ada"))...)
	s.put(twins(away)...)
	owners := []string{string(userID(1)), "t"}
	for _, owner := range owners {
		for _, id := range []user.PoolID{home, away} {
			s.commit(storage.Raise{Key: storage.CounterKey{Pool: id, Owner: owner, Name: "n"}, N: 1})
		}
	}
	was := s.twinsOf(away)
	unmoved := func(what string) {
		s.Helper()
		s.same("another pool after "+what, s.twinsOf(away), was)
		for _, owner := range owners {
			k := storage.CounterKey{Pool: away, Owner: owner, Name: "n"}
			got, err := s.st.Read(s.ctx, away, storage.Want{Now: noon, Counters: []storage.CounterKey{k}})
			if err != nil || got.Counters[0].N != 1 {
				s.Errorf("the counter of %s in another pool after %s: %s, %v", owner, what, show(got.Counters), err)
			}
		}
	}
	s.commit(storage.Defer{Pool: home, Owner: userID(1), Due: end})
	unmoved("Defer")
	s.commit(sealOf(1, "e"))
	unmoved("Seal")
	s.commit(storage.DeleteRecord{Record: s.stored(ticket("t", ""))})
	unmoved("the delete of a ticket")
	s.commit(storage.DeleteRecord{Record: s.stored(session(userID(1), 1))})
	unmoved("the delete of a session")
	for n := range 101 {
		s.put(session(userID(1), 100+n))
	}
	unmoved("a session too many")
	s.commit(storage.Delete(s.user(userID(1))))
	unmoved("the delete of a user")
	s.put(attempt(2, bob), ticket("t2", userID(2)))
	s.sweep(end.Add(-tick), 100)
	unmoved("a sweep")
	s.commit(storage.DeleteRecord{Record: s.stored(pool(home))})
	for left, err := true, error(nil); left; {
		if left, err = s.st.Drop(s.ctx, home, 100); err != nil {
			s.Fatalf("Drop: %v", err)
		}
	}
	unmoved("a Drop")
}

// twinsOf reads what twins made in a pool.
func (s *scene) twinsOf(id user.PoolID) (out []any) {
	s.Helper()
	for _, r := range twins(id) {
		out = append(out, s.stored(r))
	}
	return out
}

// poolsListed tells the pools of the records that a list of a pool shows, a page after a cursor.
func (s *scene) poolsListed(id user.PoolID, after string) map[string][]user.PoolID {
	pools := map[string][]user.PoolID{}
	note := func(name string, err error, found []user.PoolID) {
		if err != nil {
			s.is(name+" after a cursor of another list", err, storage.ErrInvalid)
		}
		pools[name] = found
	}
	for name, q := range map[string]storage.UserQuery{
		"users by creation": {}, "users by id": {Order: storage.ByID}, "users of a group": where(storage.GroupTerm, "g"),
	} {
		q.Now, q.After = noon, after
		users, err := s.st.Users(s.ctx, id, q)
		note(name, err, poolsOf(users.Users, func(u *user.User) user.PoolID { return u.Pool }))
	}
	sessions, err := s.st.Sessions(s.ctx, id, storage.SessionQuery{User: userID(1), Now: noon, After: after})
	note("sessions", err, poolsOf(sessions.Sessions, func(x *token.Session) user.PoolID { return user.PoolID(x.Pool) }))
	documents, err := s.st.Documents(s.ctx, id, storage.DocumentQuery{Kind: "k", After: after})
	note("documents", err, poolsOf(documents.Documents, func(d *storage.Document) user.PoolID { return d.Pool }))
	events, err := s.st.Events(s.ctx, id, storage.EventQuery{After: after})
	note("events", err, poolsOf(events.Events, func(e *storage.Event) user.PoolID { return e.Pool }))
	return pools
}

func poolsOf[R any](rs []R, pool func(R) user.PoolID) (out []user.PoolID) {
	for _, r := range rs {
		out = append(out, pool(r))
	}
	return out
}

func cursorsApart(s *scene) {
	fillLists(s)
	s.put(pool(away))
	stranger := colored(999, "red1")
	stranger.Pool, stranger.Index = away, append(stranger.Index, user.Term{Name: storage.GroupTerm, Value: "g"})
	s.put(append(twins(away), stranger)...)
	for _, from := range lists() {
		_, after, err := from.page(s.ctx, s.st, "", 2)
		if err != nil || after == "" {
			s.Fatalf("%s: next %q, %v", from.name, after, err)
		}
		for _, l := range lists() {
			if _, _, err := l.page(s.ctx, s.st, after, 2); errors.Is(err, storage.ErrInvalid) {
				continue
			}
			for _, id := range s.rest(l, after, 2) {
				if !slices.Contains(l.want, id) && id != string(away) { // itself a pool of the list
					s.Errorf("%s after a cursor of %s: shows %q", l.name, from.name, id)
				}
			}
		}
		for name, pools := range s.poolsListed(away, after) {
			if slices.ContainsFunc(pools, func(id user.PoolID) bool { return id != away }) {
				s.Errorf("%s of one pool after a cursor of %s of another: shows records of %q", name, from.name, pools)
			}
		}
	}
}

func dropWhole(s *scene) {
	s.put(pool(away))
	const n = 10
	for i := range n {
		e := event(fmt.Sprint("e", i), noon)
		e.Pool = away
		s.put(e)
		closed := sealOf(int64(i+1), e.ID)
		closed.Pool = away
		s.commit(closed)
	}
	s.put(event("e0", noon))
	s.commit(sealOf(1, "e0"))
	s.commit(storage.DeleteRecord{Record: s.stored(pool(away))})
	calls := 0
	for left := true; left && calls < 100; calls++ {
		var err error
		if left, err = s.st.Drop(s.ctx, away, 1); err != nil {
			s.Fatalf("Drop: %v", err)
		}
	}
	if calls < 2*n {
		s.Errorf("Drop of 1 row at a time was done after %d calls, of %d events and as many seals", calls, n)
	}
	if _, kept := s.events(storage.EventQuery{Seal: 1}); kept == nil {
		s.Errorf("the seal of another pool is gone")
	}
}
