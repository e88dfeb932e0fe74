package storagetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// userID returns the n-th user id: a UUID like all of them, and in order.
func userID(n int) user.ID { return user.ID(fmt.Sprintf("%08x-0000-4000-8000-%012x", n, n)) }

func pool(id user.PoolID) *storage.Pool {
	return &storage.Pool{ID: id, Created: noon, Searchable: []string{"color", "size"}}
}

func login(value string) user.Login { return user.Login{Namespace: user.Name, Value: value} }

// person returns the n-th user, confirmed, who owns the given logins.
func person(n int, logins ...string) *user.User {
	u := &user.User{Pool: home, ID: userID(n), Status: user.Confirmed, Epoch: 1, Created: at(n), Updated: at(n)}
	for _, l := range logins {
		u.Logins = append(u.Logins, login(l))
	}
	return u
}

// attempt returns the n-th user, an unproven sign-up at an address, live for an hour after noon.
func attempt(n int, address string) *user.User {
	u := person(n)
	u.Status = user.Unconfirmed
	u.Attempt = &user.Attempt{Login: login(address), Expires: noon.Add(time.Hour)}
	return u
}

// confirm makes the attempt u the owner of its address.
func confirm(u *user.User) *user.User {
	c := u.Clone()
	c.Status, c.Logins, c.Attempt = user.Confirmed, []user.Login{u.Attempt.Login}, nil
	return c
}

// at returns a time before noon, the n-th of a row.
func at(n int) time.Time { return noon.Add(-24 * time.Hour).Add(time.Duration(n) * time.Second) }

// session returns the n-th session of a user.
func session(u user.ID, n int) *token.Session {
	return &token.Session{
		ID: fmt.Sprintf("session-%04d", n), Pool: string(home), User: string(u), Kind: token.Grant,
		Created: at(n), LastUsed: at(n), Expires: noon.Add(time.Hour),
	}
}

func ticket(id string, owner user.ID) *storage.Ticket {
	return &storage.Ticket{Pool: home, ID: id, User: owner, Created: noon, Expires: noon.Add(time.Hour)}
}

func document(kind, id string) *storage.Document {
	return &storage.Document{Pool: home, Kind: kind, ID: id, Body: []byte(id), Created: noon, Updated: noon}
}

func outgoing(id string, owner user.ID) *storage.Outgoing {
	return &storage.Outgoing{Pool: home, ID: id, Owner: owner, Body: []byte(id), Due: noon, Created: noon}
}

func event(id string, t time.Time) *storage.Event {
	leaf := sha256.Sum256([]byte(id))
	return &storage.Event{Pool: home, ID: id, Time: t, Kind: "test", Header: []byte(id), Leaf: leaf[:]}
}

func revocation(id string) *storage.Revocation {
	return &storage.Revocation{Pool: home, ID: id, User: userID(1), Epoch: 2, Expires: noon.Add(time.Hour)}
}

func counterKey(owner, name string) storage.CounterKey {
	return storage.CounterKey{Pool: home, Owner: owner, Name: name}
}

// putOf is storage.Put for a record whose type is not known at compile time.
func putOf(r any) storage.PutRecord { return storage.PutRecord{Record: r, Stamp: storage.NewStamp()} }

// stampOf returns where a record keeps its stamp, or nil where it has none.
func stampOf(r any) *int64 {
	switch r := r.(type) {
	case *storage.Pool:
		return &r.Version
	case *user.User:
		return &r.Version
	case *token.Session:
		return &r.Version
	case *storage.Ticket:
		return &r.Version
	case *storage.Document:
		return &r.Version
	case *storage.Outgoing:
		return &r.Version
	}
	return nil
}

// clone returns a deep copy of a record.
func clone(r any) any {
	switch r := r.(type) {
	case *storage.Pool:
		return r.Clone()
	case *user.User:
		return r.Clone()
	case *token.Session:
		return r.Clone()
	case *storage.Ticket:
		return r.Clone()
	case *storage.Document:
		return r.Clone()
	case *storage.Outgoing:
		return r.Clone()
	case *storage.Event:
		return r.Clone()
	case *storage.Revocation:
		c := *r
		return &c
	}
	return nil
}

// stored reads what a store keeps under the key of r, at noon, or nil.
func stored(ctx context.Context, st storage.Store, r any) (any, error) {
	switch r := r.(type) {
	case *storage.Pool:
		page, err := st.Pools(ctx, storage.PoolQuery{ID: r.ID})
		return only(page.Pools, err)
	case *user.User:
		got, err := st.Read(ctx, r.Pool, storage.Want{Now: noon, User: user.ByID(r.ID)})
		return present(got.User, err)
	case *token.Session:
		key := storage.SessionKey{User: user.ID(r.User), ID: r.ID}
		got, err := st.Read(ctx, user.PoolID(r.Pool), storage.Want{Now: noon, Session: key})
		return present(got.Session, err)
	case *storage.Ticket:
		got, err := st.Read(ctx, r.Pool, storage.Want{Now: noon, Tickets: []string{r.ID}})
		return only(got.Tickets, err)
	case *storage.Document:
		key := storage.DocumentKey{Kind: r.Kind, ID: r.ID}
		got, err := st.Read(ctx, r.Pool, storage.Want{Now: noon, Documents: []storage.DocumentKey{key}})
		return only(got.Documents, err)
	case *storage.Outgoing:
		due, err := st.Due(ctx, []user.PoolID{r.Pool}, storage.Lane(r.Owner), noon, storage.MaxPage)
		return pick(due, err, func(o *storage.Outgoing) bool { return o.ID == r.ID })
	case *storage.Event:
		page, err := st.Events(ctx, r.Pool, storage.EventQuery{})
		return pick(page.Events, err, func(e *storage.Event) bool { return e.ID == r.ID })
	case *storage.Revocation:
		feed, err := follow(ctx, st, "")
		same := func(v *storage.Revocation) bool { return v.Pool == r.Pool && v.ID == r.ID }
		return pick(feed.Revocations, err, same)
	}
	return nil, fmt.Errorf("%T is no record", r)
}

// present turns a nil pointer into nil.
func present[R any](r *R, err error) (any, error) {
	if r == nil || err != nil {
		return nil, err
	}
	return r, nil
}

func only[R any](rs []*R, err error) (any, error) {
	if len(rs) == 0 || err != nil {
		return nil, err
	}
	return present(rs[0], nil)
}

func pick[R any](rs []*R, err error, ok func(*R) bool) (any, error) {
	for _, r := range rs {
		if ok(r) {
			return r, err
		}
	}
	return nil, err
}
