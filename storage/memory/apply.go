package memory

import (
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// How many records of a kind stand beside each other; one more erases the oldest.
const (
	maxAttempts = 3   // at one login
	maxSessions = 100 // of one user
)

// erase applies what deletes, with all that the record owns.
func (c *commit) erase(change storage.Change) error {
	d, ok := change.(storage.DeleteRecord)
	if !ok {
		return nil
	}
	k, p, u := keyOf(d.Record), c.pool, &c.undo
	switch d.Record.(type) {
	case *storage.Pool:
		assign(u, &p.deleted, true)
		c.moved()
	case *user.User:
		p.eraseUser(u, k)
	case *token.Session:
		p.eraseSession(u, k)
	case *storage.Ticket:
		p.eraseTicket(u, k)
	case *storage.Document:
		p.documents.remove(u, k)
	case *storage.Outgoing:
		p.outgoing.remove(u, k)
	case *storage.Counter:
		p.counters.remove(u, k)
	}
	return nil
}

// release gives up the logins of the users that will be put.
func (c *commit) release(change storage.Change) error {
	put, _ := change.(storage.PutRecord)
	if u, ok := put.Record.(*user.User); ok {
		if row := c.pool.users.rows[keyOf(u)]; row != "" {
			c.pool.release(&c.undo, row)
		}
	}
	return nil
}

// put applies what is written whole.
func (c *commit) put(change storage.Change) error {
	put, ok := change.(storage.PutRecord)
	if !ok {
		return nil
	}
	k, p, u := keyOf(put.Record), c.pool, &c.undo
	switch r := put.Record.(type) {
	case *storage.Pool:
		return c.putPool(r, put.Stamp)
	case *user.User:
		return c.putUser(pack(r, put.Stamp))
	case *token.Session:
		p.sessions.set(u, k, sessionRow(r, put.Stamp))
	case *storage.Ticket:
		p.tickets.set(u, k, ticketRow(r, put.Stamp))
	case *storage.Document:
		p.documents.set(u, k, documentRow(r, put.Stamp))
	case *storage.Outgoing:
		p.outgoing.set(u, k, outgoingRow(r, put.Stamp))
	case *storage.Event:
		p.events.set(u, k, eventRow(r))
	case *storage.Revocation:
		c.store.moves++
		p.revocations.set(u, k, &revocation{revocationRow(r), c.store.moves})
	}
	return nil
}

func (c *commit) putPool(r *storage.Pool, stamp int64) error {
	if r.Issuer != "" {
		if err := c.claim(c.store.issuers, storage.Issuer, r.Issuer); err != nil {
			return err
		}
	}
	for _, client := range r.Clients {
		if err := c.claim(c.store.clients, storage.Client, client); err != nil {
			return err
		}
	}
	if c.pool.record == nil {
		assign(&c.undo, &c.pool.epoch, 1)
		c.moved()
	}
	assign(&c.undo, &c.pool.record, poolRow(r, stamp))
	return nil
}

// claim takes a value for the pool, which keeps it when it takes another or goes: it is not used
// again.
func (c *commit) claim(owners map[string]user.PoolID, of user.Namespace, value string) error {
	owner, taken := owners[value]
	if taken && owner != c.id {
		return &storage.ConflictError{Namespace: of, Value: value}
	}
	if !taken {
		owners[value] = c.id
		c.undo.add(func() { delete(owners, value) })
	}
	return nil
}

// putUser keys everything by texts of the row itself, which are in memory anyway.
func (c *commit) putUser(row packed) error {
	p, u := c.pool, row.unpack()
	for _, l := range u.Logins {
		if p.logins.rows[loginKey(l)] != "" {
			return &storage.ConflictError{Namespace: l.Namespace, Value: l.Value}
		}
		p.logins.set(&c.undo, loginKey(l), row)
	}
	k := key{id: string(u.ID)}
	if old := p.users.rows[k]; u.Somebody() && (old == "" || !old.unpack().Somebody()) {
		assign(&c.undo, &p.people, p.people+1)
	}
	p.users.set(&c.undo, k, row)
	return nil
}

// link applies what touches many rows that are already there.
func (c *commit) link(change storage.Change) error {
	switch change := change.(type) {
	case storage.Defer:
		due := cut(change.Due)
		for _, k := range c.pool.outgoingOfOwner.of(string(change.Owner), "") {
			if o := *c.pool.outgoing.rows[k]; o.Due.Before(due) {
				o.Due = due
				c.pool.outgoing.set(&c.undo, k, &o)
			}
		}
	case storage.Seal:
		return c.seal(change)
	}
	return nil
}

func (c *commit) seal(change storage.Seal) error {
	p, number := c.pool, change.Record.Number
	if number != p.sealed+1 {
		return storage.ErrStale
	}
	for _, id := range change.Events {
		k := key{id: id}
		row := p.events.rows[k]
		if row == nil || row.Seal != 0 {
			return storage.ErrStale
		}
		sealed := *row
		sealed.Seal = number
		p.events.set(&c.undo, k, &sealed)
	}
	assign(&c.undo, &p.sealed, number)
	p.seals.set(&c.undo, key{id: ordered(number)}, sealRow(change.Record))
	return nil
}

// trim erases what has no room beside what the commit put.
func (c *commit) trim() {
	users, sessions := c.kept()
	for _, change := range c.changes {
		put, _ := change.(storage.PutRecord)
		switch r := put.Record.(type) {
		case *user.User:
			if r.Attempt == nil {
				continue
			}
			login := loginKey(r.Attempt.Login)
			for _, k := range oldest(c.pool.attempts.of(login.owner, login.id), maxAttempts, users) {
				c.pool.eraseUser(&c.undo, k)
			}
		case *token.Session:
			for _, k := range oldest(c.pool.ofUser.of(r.User, ""), maxSessions, sessions) {
				c.pool.eraseSession(&c.undo, k)
			}
		}
	}
}

// kept returns whom trim spares: what the commit puts, since one that succeeds has written what it
// says, and of sessions what it requires and all above, which would take the others along.
func (c *commit) kept() (users, sessions map[key]bool) {
	users, sessions = make(map[key]bool), make(map[key]bool)
	for _, change := range c.changes {
		var record any
		switch change := change.(type) {
		case storage.PutRecord:
			record = change.Record
			if u, ok := record.(*user.User); ok {
				users[keyOf(u)] = true
			}
		case storage.RequireRecord:
			record = change.Record
		}
		if x, ok := record.(*token.Session); ok {
			c.pool.keepSession(keyOf(x), sessions)
		}
	}
	return users, sessions
}

// keepSession adds a session and those above it to what is kept.
func (p *pool) keepSession(k key, kept map[key]bool) {
	for row := p.sessions.rows[k]; row != nil && !kept[k]; row = p.sessions.rows[k] {
		kept[k] = true // also ends a ring of parents
		k.id = row.Parent
	}
}

// oldest returns which of the keys, given oldest first, are too many and not kept.
func oldest(keys []key, limit int, kept map[key]bool) []key {
	excess := len(keys) - limit
	if excess <= 0 {
		return nil
	}
	keys = slices.DeleteFunc(keys, func(k key) bool { return kept[k] })
	return keys[:min(excess, len(keys))]
}

// announce raises the pool's epoch where the commit wrote a document.
func (c *commit) announce() {
	for _, change := range c.changes {
		var record any
		switch change := change.(type) {
		case storage.PutRecord:
			record = change.Record
		case storage.DeleteRecord:
			record = change.Record
		}
		if _, ok := record.(*storage.Document); ok {
			assign(&c.undo, &c.pool.epoch, c.pool.epoch+1)
			c.moved()
			return
		}
	}
}

// moved brings the pool to the end of the feed.
func (c *commit) moved() {
	s, p, k := c.store, c.pool, key{owner: string(c.id)}
	old := p.moved
	s.moves++
	now := s.moves
	s.feed.remove(place{at: old, key: k})
	s.feed.insert(place{at: now, key: k})
	p.moved = now
	c.undo.add(func() {
		s.feed.remove(place{at: now, key: k})
		if old != 0 {
			s.feed.insert(place{at: old, key: k})
		}
		p.moved = old
	})
}
