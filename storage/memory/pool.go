package memory

import (
	"encoding/binary"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// pool is all that is kept of one pool.
type pool struct {
	record  *storage.Pool // without what the store itself keeps, which follows
	epoch   int64
	people  int64 // users that are somebody
	deleted bool

	users     table[packed]
	byID      *list
	byCreated *list
	terms     *list // by name and value of an index term
	attempts  *list // by namespace and value of the login, oldest first

	logins  table[packed] // by namespace and value, its owner
	byLogin *list

	sessions table[*token.Session]
	ofUser   *list // by user, oldest first
	children *list // by user and parent

	tickets       table[*storage.Ticket]
	ticketsOfUser *list

	counters        table[*storage.Counter]
	countersOfOwner *list

	documents table[*storage.Document]
	byKind    *list

	outgoing        table[*storage.Outgoing]
	outgoingOfOwner *list // oldest first
	outgoingOf      *list // by the ticket whose code it carries
	due             *list // by class, then when due

	events       table[*storage.Event]
	byTime       *list
	eventsOfUser *list
	bySeal       *list // unsealed ones under 0
	seals        table[*storage.SealRecord]
	sealed       int64 // number of the newest

	revocations table[*revocation]
	moved       int64 // where the pool stands in the feed

	expiring []expiring
	tables   []interface { // all of them
		drain(n int) int
		size() int
	}
}

// expiring is a list of rows by the time they expire at, and how one goes.
type expiring struct {
	list  *list
	erase func(k key)
}

// revocation is a row with its place in the feed.
type revocation struct {
	*storage.Revocation
	moved int64
}

// newPool returns an empty pool whose revocations stand in a feed.
func newPool(feed *list) *pool {
	p := &pool{
		users: newTable[packed](), logins: newTable[packed](), sessions: newTable[*token.Session](),
		tickets: newTable[*storage.Ticket](), counters: newTable[*storage.Counter](),
		documents: newTable[*storage.Document](), outgoing: newTable[*storage.Outgoing](),
		events: newTable[*storage.Event](), seals: newTable[*storage.SealRecord](),
		revocations: newTable[*revocation](),
	}
	p.listUsers()
	p.listSessions()
	p.listOutgoing()
	p.listEvents()
	p.byKind = p.documents.list(func(d *storage.Document, at func(place)) { at(place{name: d.Kind}) })
	p.countersOfOwner = p.counters.list(func(c *storage.Counter, at func(place)) { at(place{name: c.Key.Owner}) })
	p.expire(p.counters.list(func(c *storage.Counter, at func(place)) { atTime(c.Expires, at) }),
		func(k key) { p.counters.remove(nil, k) })
	p.revocations.listIn(feed, func(r *revocation, at func(place)) { at(place{at: r.moved}) })
	p.expire(p.revocations.list(func(r *revocation, at func(place)) { atTime(r.Expires, at) }),
		func(k key) { p.revocations.remove(nil, k) })
	p.tables = append(p.tables, &p.users, &p.logins, &p.sessions, &p.tickets, &p.counters, &p.documents,
		&p.outgoing, &p.events, &p.seals, &p.revocations)
	return p
}

func (p *pool) listUsers() {
	p.byID = p.users.list(func(_ packed, at func(place)) { at(place{}) })
	p.byCreated = p.users.list(func(row packed, at func(place)) { at(place{at: row.unpack().Created.UnixMicro()}) })
	p.terms = p.users.list(func(row packed, at func(place)) {
		for _, t := range row.unpack().Index {
			at(place{name: t.Name, value: t.Value})
		}
	})
	p.byLogin = p.logins.list(func(_ packed, at func(place)) { at(place{}) })
	p.attempts = p.users.list(func(row packed, at func(place)) {
		u := row.unpack()
		if a := u.Attempt; a != nil {
			at(place{name: string(a.Login.Namespace), value: a.Login.Value, at: u.Created.UnixMicro()})
		}
	})
	p.expire(p.users.list(func(row packed, at func(place)) {
		if a := row.unpack().Attempt; a != nil {
			atTime(a.Expires, at)
		}
	}), func(k key) { p.eraseUser(nil, k) })
}

func (p *pool) listSessions() {
	p.ofUser = p.sessions.list(func(s *token.Session, at func(place)) {
		at(place{name: s.User, at: s.Created.UnixMicro()})
	})
	p.children = p.sessions.list(func(s *token.Session, at func(place)) {
		if s.Parent != "" {
			at(place{name: s.User, value: s.Parent})
		}
	})
	p.expire(p.sessions.list(func(s *token.Session, at func(place)) { atTime(s.Ends(), at) }),
		func(k key) { p.eraseSession(nil, k) })
	p.ticketsOfUser = p.tickets.list(func(t *storage.Ticket, at func(place)) {
		if t.User != "" {
			at(place{name: string(t.User)})
		}
	})
	p.expire(p.tickets.list(func(t *storage.Ticket, at func(place)) { atTime(t.Expires, at) }),
		func(k key) { p.eraseTicket(nil, k) })
}

func (p *pool) listOutgoing() {
	p.outgoingOfOwner = p.outgoing.list(func(o *storage.Outgoing, at func(place)) {
		at(place{name: string(o.Owner), at: o.Created.UnixMicro()})
	})
	p.outgoingOf = p.outgoing.list(func(o *storage.Outgoing, at func(place)) {
		if o.Ticket != "" {
			at(place{name: o.Ticket})
		}
	})
	p.due = p.outgoing.list(func(o *storage.Outgoing, at func(place)) {
		at(place{name: ordered(int64(o.Class)), at: o.Due.UnixMicro()})
	})
	p.expire(p.outgoing.list(func(o *storage.Outgoing, at func(place)) { atTime(o.NotAfter, at) }),
		func(k key) { p.outgoing.remove(nil, k) })
}

func (p *pool) listEvents() {
	p.byTime = p.events.list(func(e *storage.Event, at func(place)) { at(place{at: e.Time.UnixMicro()}) })
	p.eventsOfUser = p.events.list(func(e *storage.Event, at func(place)) {
		if e.User != "" {
			at(place{name: string(e.User), at: e.Time.UnixMicro()})
		}
	})
	p.bySeal = p.events.list(func(e *storage.Event, at func(place)) {
		at(place{name: ordered(e.Seal), at: e.Time.UnixMicro()})
	})
}

func (p *pool) expire(l *list, erase func(k key)) {
	p.expiring = append(p.expiring, expiring{l, erase})
}

// atTime is the place of what expires at t; the zero time is never.
func atTime(t time.Time, at func(place)) {
	if !t.IsZero() {
		at(place{at: t.UnixMicro()})
	}
}

// ordered returns a text that sorts as n does.
func ordered(n int64) string {
	return string(binary.BigEndian.AppendUint64(nil, uint64(n)^1<<63))
}

// snapshot returns the pool's record as it is handed out.
func (p *pool) snapshot() *storage.Pool {
	c := p.record.Clone()
	c.Epoch, c.Users, c.Deleted = p.epoch, p.people, p.deleted
	return c
}
