package memory

import (
	"context"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// eraseUser takes away a user and all that is the user's.
func (p *pool) eraseUser(u *undo, k key) {
	row := p.users.rows[k]
	if row == "" {
		return
	}
	for _, s := range p.ofUser.of(k.id, "") {
		p.eraseSession(u, s)
	}
	for _, t := range p.ticketsOfUser.of(k.id, "") {
		p.eraseTicket(u, t)
	}
	for _, o := range p.outgoingOfOwner.of(k.id, "") {
		p.outgoing.remove(u, o)
	}
	p.eraseCounters(u, k.id)
	p.release(u, row)
	p.users.remove(u, k)
	if row.unpack().Somebody() {
		assign(u, &p.people, p.people-1)
	}
}

// release gives up every login of a user.
func (p *pool) release(u *undo, row packed) {
	for _, l := range row.unpack().Logins {
		p.logins.remove(u, loginKey(l))
	}
}

// eraseSession takes away a session and those below it.
func (p *pool) eraseSession(u *undo, k key) {
	if p.sessions.rows[k] == nil {
		return // also ends a ring of parents
	}
	p.sessions.remove(u, k)
	for _, child := range p.children.of(k.owner, k.id) {
		p.eraseSession(u, child)
	}
}

// eraseTicket takes away a ticket, its counters, and the message that carries its code.
func (p *pool) eraseTicket(u *undo, k key) {
	for _, o := range p.outgoingOf.of(k.id, "") {
		p.outgoing.remove(u, o)
	}
	p.eraseCounters(u, k.id)
	p.tickets.remove(u, k)
}

func (p *pool) eraseCounters(u *undo, owner string) {
	for _, c := range p.countersOfOwner.of(owner, "") {
		p.counters.remove(u, c)
	}
}

// Sweep implements [storage.Store].
func (s *Store) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	at, done := now.UnixMicro(), 0
	for name, l := range s.leases {
		if done < n && l.until.UnixMicro() <= at {
			delete(s.leases, name)
			done++
		}
	}
	for _, p := range s.pools { // in random order: no pool waits for another for ever
		for _, e := range p.expiring {
			for _, k := range e.list.until(at, n-done) {
				e.erase(k)
				done++
			}
		}
	}
	return done, nil
}

// Trim implements [storage.Store].
func (s *Store) Trim(ctx context.Context, id user.PoolID, seal int64, n int) (left bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	p := s.live(id)
	if p == nil {
		return false, nil
	}
	last := ordered(min(seal, p.sealed-1))
	first, gone := last+"\x00", []key(nil) // of what is left
	for at := range p.bySeal.from(start(ordered(1), "")) {
		if at.name > last {
			break
		}
		if len(gone) >= n {
			first, left = at.name, true
			break
		}
		gone = append(gone, at.key)
	}
	for _, k := range gone {
		p.events.remove(nil, k)
	}
	for k := range p.seals.rows {
		if k.id < first {
			p.seals.remove(nil, k)
		}
	}
	return left, nil
}

// Drop implements [storage.Store].
func (s *Store) Drop(ctx context.Context, id user.PoolID, n int) (left bool, err error) {
	if err := s.lock(ctx); err != nil {
		return false, err
	}
	defer s.mu.Unlock()
	p := s.pools[id]
	if p == nil || !p.deleted {
		return false, fmt.Errorf("%w: pool %q is not deleted", storage.ErrInvalid, id)
	}
	for _, t := range p.tables {
		n -= t.drain(n)
		left = left || t.size() > 0
	}
	if !left { // only what keeps the id from being used again stays
		s.pools[id] = &pool{record: p.record, epoch: p.epoch, deleted: true}
	}
	return left, nil
}
