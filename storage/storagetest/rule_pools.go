package storagetest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var poolRules = []contract{
	{
		"Pools/Unique",
		"a pool's id and, where there is one, its issuer are unique in the store",
		poolUnique,
	},
	{
		"Pools/Clients",
		"a pool is found by the ids of its clients, each of which is unique in the store and never " +
			"another pool's",
		poolClients,
	},
	{
		"Pools/Found",
		"pools are listed by id, and found by id or by issuer; deleted ones only where asked " +
			"for",
		poolFound,
	},
	{
		"Pools/Made",
		"a commit may make a pool and fill it",
		poolMade,
	},
	{
		"Pools/Absent",
		"a commit to a pool that does not exist, or was deleted, is ErrNoPool and writes " +
			"nothing",
		poolAbsent,
	},
	{
		"Pools/Deleted",
		"a deleted pool is absent at once for all that reads it",
		poolDeleted,
	},
	{
		"Pools/Drop",
		"Drop erases a deleted pool in chunks; its id and issuer are never used again",
		poolDrop,
	},
}

func issued(id user.PoolID, issuer string) *storage.Pool {
	p := pool(id)
	p.Issuer = issuer
	return p
}

// pools returns the ids of one page of pools, joined.
func (s *scene) pools(q storage.PoolQuery) string {
	s.Helper()
	page, err := s.st.Pools(s.ctx, q)
	if err != nil {
		s.Fatalf("pools: %v", err)
	}
	var ids []string
	for _, p := range page.Pools {
		ids = append(ids, string(p.ID))
	}
	return strings.Join(ids, " ")
}

func poolUnique(s *scene) {
	s.put(issued("a", "https://a"))
	s.put(pool("none1"))
	s.put(pool("none2")) // no issuer is no conflict
	s.refused(storage.ErrStale, 0, putOf(issued("a", "https://other")))
	s.conflict(storage.Issuer, "https://a", 0, putOf(issued("b", "https://a")))
	s.put(issued("b", "https://b"))
	b := s.stored(pool("b")).(*storage.Pool)
	b.Issuer = "https://a"
	s.conflict(storage.Issuer, "https://a", 0, putOf(b))
	b.Issuer = "https://b2"
	s.put(b)
	if got := s.pools(storage.PoolQuery{Issuer: "https://b2"}); got != "b" {
		s.Errorf("the new issuer finds %q", got)
	}
}

func poolClients(s *scene) {
	with := func(id user.PoolID, clients ...string) *storage.Pool {
		p := issued(id, "https://"+string(id))
		p.Clients = clients
		return p
	}
	s.put(with("a", "one", "two"))
	s.conflict(storage.Client, "two", 0, putOf(with("b", "three", "two")))
	s.put(with("b", "three"))
	a := s.stored(pool("a")).(*storage.Pool)
	a.Clients = []string{"two", "four"}
	s.put(a)
	b := s.stored(pool("b")).(*storage.Pool)
	b.Clients = []string{"one"}
	s.conflict(storage.Client, "one", 0, putOf(b)) // though a has it no more
	s.put(with("z", "five"))
	s.commit(storage.DeleteRecord{Record: s.stored(pool("z"))})
	b.Clients = []string{"five"}
	s.conflict(storage.Client, "five", 0, putOf(b))
	for _, c := range []struct {
		q    storage.PoolQuery
		want string
	}{
		{storage.PoolQuery{Client: "two"}, "a"},
		{storage.PoolQuery{Client: "four"}, "a"},
		{storage.PoolQuery{Client: "three"}, "b"},
		{storage.PoolQuery{Client: "one"}, ""},
		{storage.PoolQuery{Client: "six"}, ""},
		{storage.PoolQuery{Client: "five"}, ""},
		{storage.PoolQuery{Client: "five", Deleted: true}, "z"},
		{storage.PoolQuery{Client: "two", ID: "a"}, "a"},
		{storage.PoolQuery{Client: "two", ID: "b"}, ""},
		{storage.PoolQuery{Client: "two", Issuer: "https://a"}, "a"},
		{storage.PoolQuery{Client: "two", Issuer: "https://b"}, ""},
	} {
		if got := s.pools(c.q); got != c.want {
			s.Errorf("pools of %+v: %q, want %q", c.q, got, c.want)
		}
	}
}

func poolFound(s *scene) {
	s.put(issued("b", "https://b"))
	s.put(issued("a", "https://a"))
	s.put(issued("z", "https://z"))
	s.commit(storage.DeleteRecord{Record: s.stored(pool("z"))})
	for _, c := range []struct {
		q    storage.PoolQuery
		want string
	}{
		{storage.PoolQuery{}, "a b home"},
		{storage.PoolQuery{ID: "b"}, "b"},
		{storage.PoolQuery{Issuer: "https://a"}, "a"},
		{storage.PoolQuery{ID: "a", Issuer: "https://b"}, ""},
		{storage.PoolQuery{ID: "x"}, ""},
		{storage.PoolQuery{ID: "z"}, ""},
		{storage.PoolQuery{Issuer: "https://z"}, ""},
		{storage.PoolQuery{Deleted: true}, "z"},
		{storage.PoolQuery{Deleted: true, Issuer: "https://z"}, "z"},
		{storage.PoolQuery{Deleted: true, ID: "a"}, ""},
	} {
		if got := s.pools(c.q); got != c.want {
			s.Errorf("pools of %+v: %q, want %q", c.q, got, c.want)
		}
	}
	page, err := s.st.Pools(s.ctx, storage.PoolQuery{Deleted: true})
	if err != nil || len(page.Pools) != 1 || !page.Pools[0].Deleted {
		s.Errorf("a deleted pool does not say so: %s, %v", show(page.Pools), err)
	}
}

func poolMade(s *scene) {
	s.bothOrders(func(base int, commit func(x, y storage.Change)) {
		p := pool(user.PoolID(fmt.Sprint("made", base)))
		u := person(base+1, "ada")
		u.Pool = p.ID
		commit(putOf(p), putOf(u))
		s.there("a pool", p)
		s.there("the user who was made with it", u)
	})
}

// homeless returns one change of every kind, all of one pool.
func homeless(id user.PoolID) []storage.Change {
	k := storage.CounterKey{Pool: id, Owner: "o", Name: "n"}
	out := []storage.Change{
		storage.Count{Key: k, Rule: fiveAnHour, Now: noon},
		storage.Clear{Key: k, Rule: fiveAnHour, Now: noon},
		storage.Raise{Key: k, N: 1},
		storage.Defer{Pool: id, Owner: userID(1), Due: noon},
		storage.Delete(&storage.Counter{Key: k}),
	}
	x, e, r := session(userID(1), 1), event("e", noon), revocation("r")
	u, t, d, o := person(1), ticket("t", ""), document("k", "d"), outgoing("o", userID(1))
	x.Pool, e.Pool, r.Pool, u.Pool, t.Pool, d.Pool, o.Pool = string(id), id, id, id, id, id, id
	for _, record := range []any{x, e, r, u, t, d, o} {
		out = append(out, putOf(record))
	}
	return out
}

func poolAbsent(s *scene) {
	for _, change := range homeless("absent") {
		s.fails(storage.ErrNoPool, change)
	}
	s.put(pool("absent"))
	for _, change := range homeless("absent") {
		if put, ok := change.(storage.PutRecord); ok {
			s.gone("what was put into a pool that did not exist", put.Record)
		}
	}
	s.commit(storage.DeleteRecord{Record: s.stored(pool("absent"))})
	for _, change := range homeless("absent") {
		s.fails(storage.ErrNoPool, change)
	}
}

func poolDeleted(s *scene) {
	s.put(pool("gone"))
	s.commit(homeless("gone")[5:]...)
	old := s.stored(pool("gone")).(*storage.Pool)
	s.commit(storage.Delete(old))
	got, err := s.st.Read(s.ctx, "gone", storage.Want{
		Now: noon, User: user.ByID(userID(1)),
		Tickets: []string{"t"},
	})
	if err != nil {
		s.Errorf("read of a deleted pool: %v", err)
	}
	s.same("a deleted pool", got, storage.Got{})
	if got := s.due(nil, -1, noon, 10); got != "" {
		s.Errorf("messages of a deleted pool are due: %s", got)
	}
	users, err := s.st.Users(s.ctx, "gone", storage.UserQuery{Now: noon})
	if len(users.Users) != 0 || err != nil && !errors.Is(err, storage.ErrNoPool) {
		s.Errorf("Users of a deleted pool: %d users, %v", len(users.Users), err)
	}
	for _, change := range []storage.Change{putOf(old), storage.Delete(old), storage.Require(old)} {
		err := s.st.Commit(s.ctx, change)
		if !errors.Is(err, storage.ErrNoPool) && !errors.Is(err, storage.ErrStale) {
			s.Errorf("%s of a deleted pool: %v, want ErrStale or ErrNoPool", changeName(change), err)
		}
	}
	if s.pools(storage.PoolQuery{ID: "gone"}) != "" {
		s.Errorf("a deleted pool came back")
	}
}

func poolDrop(s *scene) {
	_, err := s.st.Drop(s.ctx, home, 10)
	s.is("Drop of a pool that is not deleted", err, storage.ErrInvalid)
	s.put(issued("old", "https://old"))
	s.commit(homeless("old")[5:]...)
	var rs []any
	for n := 10; n < 40; n++ {
		u := person(n, fmt.Sprint("login", n))
		u.Pool = "old"
		rs = append(rs, u)
	}
	s.put(rs...)
	s.put(person(50, "login10"))
	s.commit(storage.DeleteRecord{Record: s.stored(pool("old"))})
	calls, left := 0, true
	for ; left && calls < 1000; calls++ {
		if left, err = s.st.Drop(s.ctx, "old", 7); err != nil {
			s.Fatalf("Drop: %v", err)
		}
	}
	if left || calls < 5 {
		s.Errorf("Drop of 7 rows at a time: left %t after %d calls; there were 37 records", left, calls)
	}
	if left, err = s.st.Drop(s.ctx, "old", 7); left || err != nil {
		s.Errorf("Drop of a pool that was dropped: %t, %v", left, err)
	}
	s.refused(storage.ErrStale, 0, putOf(pool("old")))
	s.conflict(storage.Issuer, "https://old", 0, putOf(issued("new", "https://old")))
	if got := s.pools(storage.PoolQuery{Deleted: true}); got != "old" {
		s.Errorf("the deleted pools are %q, want what remains of the dropped one", got)
	}
	s.owns("login10", userID(50))
	s.there("user of another pool", person(50))
}
