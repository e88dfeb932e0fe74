package storagetest

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// pager reads one page of a list: the keys of its records, in order, and where it goes on.
type pager = func(ctx context.Context, st storage.Store, after string, limit int) ([]string, string, error)

func keys[R any](rs []R, key func(R) string) []string {
	var out []string
	for _, r := range rs {
		out = append(out, key(r))
	}
	return out
}

func userPages(q storage.UserQuery) pager {
	return func(ctx context.Context, st storage.Store, after string, limit int) ([]string, string, error) {
		q := q
		q.Now, q.After, q.Limit = noon, after, limit
		p, err := st.Users(ctx, home, q)
		return keys(p.Users, func(u *user.User) string { return string(u.ID) }), p.Next, err
	}
}

func sessionPages(ctx context.Context, st storage.Store, after string, limit int) ([]string, string, error) {
	p, err := st.Sessions(ctx, home, storage.SessionQuery{User: userID(1), Now: noon, After: after, Limit: limit})
	return keys(p.Sessions, func(x *token.Session) string { return x.ID }), p.Next, err
}

func documentPages(ctx context.Context, st storage.Store, after string, limit int) ([]string, string, error) {
	p, err := st.Documents(ctx, home, storage.DocumentQuery{Kind: "k", After: after, Limit: limit})
	return keys(p.Documents, func(d *storage.Document) string { return d.ID }), p.Next, err
}

func eventPages(q storage.EventQuery) pager {
	return func(ctx context.Context, st storage.Store, after string, limit int) ([]string, string, error) {
		q := q
		q.After, q.Limit = after, limit
		p, err := st.Events(ctx, home, q)
		return keys(p.Events, func(e *storage.Event) string { return e.ID }), p.Next, err
	}
}

func poolPages(deleted bool) pager {
	return func(ctx context.Context, st storage.Store, after string, limit int) ([]string, string, error) {
		p, err := st.Pools(ctx, storage.PoolQuery{Deleted: deleted, After: after, Limit: limit})
		return keys(p.Pools, func(p *storage.Pool) string { return string(p.ID) }), p.Next, err
	}
}

// Records that lie before, between and behind those that fillLists makes.

func addUsers(s *scene) {
	var rs []any
	for i, n := range []int{50, 105, 125, 145, 155, 900} {
		u := person(n)
		u.Created = at(i + 1) // as one of the others: then the id decides
		u.Index = []user.Term{{Name: "color", Value: fmt.Sprint("red", i%3)}, {Name: storage.GroupTerm, Value: "g"}}
		rs = append(rs, u)
	}
	s.put(rs...)
}

func addSessions(s *scene) {
	var rs []any
	for i, n := range []int{50, 105, 125, 145, 900} {
		x := session(userID(1), n)
		x.Created = at(i - 1)
		rs = append(rs, x)
	}
	s.put(rs...)
}

func addDocuments(s *scene) {
	s.put(document("k", "a"), document("k", "d11"), document("k", "d3x"), document("k", "z"), document("a", "d2"))
}

func addEvents(s *scene) {
	var rs []any
	for i := range 6 {
		e := event(fmt.Sprint("c", i), at(i-1))
		e.User = userID(1)
		rs = append(rs, e)
	}
	s.put(rs...)
}

func addPools(s *scene) {
	for _, id := range []user.PoolID{"a", "gone22", "p22", "zz"} {
		s.put(pool(id))
	}
	for _, id := range []user.PoolID{"gone22", "zz"} {
		s.commit(storage.DeleteRecord{Record: s.stored(pool(id))})
	}
}

func deleteUser(s *scene, id string) { s.commit(storage.Delete(s.user(user.ID(id)))) }

func deleteSession(s *scene, id string) {
	x := session(userID(1), 0)
	x.ID = id
	s.commit(storage.DeleteRecord{Record: s.stored(x)})
}

func deleteDocument(s *scene, id string) {
	s.commit(storage.DeleteRecord{Record: s.stored(document("k", id))})
}
