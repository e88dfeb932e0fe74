package memory

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Sessions implements [storage.Store].
func (s *Store) Sessions(ctx context.Context, id user.PoolID, q storage.SessionQuery) (out storage.SessionPage, err error) {
	if err := s.rlock(ctx); err != nil {
		return out, err
	}
	defer s.mu.RUnlock()
	if q.Now.IsZero() {
		return out, fmt.Errorf("%w: a list of sessions needs the time", storage.ErrInvalid)
	}
	p := s.live(id)
	if p == nil {
		return out, nil
	}
	pg := named(string(q.User), q.After, q.Limit)
	out.Next, err = pg.walk(p.ofUser, func(k key) bool {
		row := p.sessions.rows[k]
		if !row.Ends().After(q.Now) {
			return false
		}
		out.Sessions = append(out.Sessions, row.Clone())
		return true
	})
	return out, err
}

// Documents implements [storage.Store].
func (s *Store) Documents(ctx context.Context, id user.PoolID, q storage.DocumentQuery) (out storage.DocumentPage, err error) {
	if err := s.rlock(ctx); err != nil {
		return out, err
	}
	defer s.mu.RUnlock()
	p := s.live(id)
	if p == nil {
		return out, nil
	}
	out.Next, err = named(q.Kind, q.After, q.Limit).walk(p.byKind, func(k key) bool {
		out.Documents = append(out.Documents, p.documents.rows[k].Clone())
		return true
	})
	return out, err
}

// Events implements [storage.Store].
func (s *Store) Events(ctx context.Context, id user.PoolID, q storage.EventQuery) (out storage.EventPage, err error) {
	if err := s.rlock(ctx); err != nil {
		return out, err
	}
	defer s.mu.RUnlock()
	if q.User != "" && q.Unsealed || q.User != "" && q.Seal != 0 || q.Unsealed && q.Seal != 0 {
		return out, fmt.Errorf("%w: events of a user, unsealed ones, or those of a seal", storage.ErrInvalid)
	}
	if q.Newest && q.User == "" {
		return out, fmt.Errorf("%w: only events of a user come newest first", storage.ErrInvalid)
	}
	p := s.live(id)
	if p == nil {
		return out, nil
	}
	l, pg := p.byTime, named("", q.After, q.Limit)
	switch {
	case q.User != "":
		l, pg = p.eventsOfUser, named(string(q.User), q.After, q.Limit)
		if pg.back = q.Newest; pg.back {
			pg.from.at = math.MaxInt64
		}
	case q.Unsealed:
		l, pg = p.bySeal, named(ordered(0), q.After, q.Limit)
		out.Seal = p.seal(p.sealed)
	case q.Seal != 0:
		l, pg = p.bySeal, named(ordered(q.Seal), q.After, q.Limit)
		out.Seal = p.seal(q.Seal)
	}
	out.Next, err = pg.walk(l, func(k key) bool {
		out.Events = append(out.Events, p.events.rows[k].Clone())
		return true
	})
	return out, err
}

func (p *pool) seal(number int64) *storage.SealRecord {
	if row := p.seals.rows[key{id: ordered(number)}]; row != nil {
		return row.Clone()
	}
	return nil
}

// Pools implements [storage.Store].
func (s *Store) Pools(ctx context.Context, q storage.PoolQuery) (out storage.PoolPage, err error) {
	if err := s.rlock(ctx); err != nil {
		return out, err
	}
	defer s.mu.RUnlock()
	only := q.ID
	for value, owners := range map[string]map[string]user.PoolID{q.Issuer: s.issuers, q.Client: s.clients} {
		if value == "" {
			continue
		}
		owner := owners[value]
		if owner == "" || only != "" && only != owner {
			return out, nil
		}
		only = owner
	}
	pg := named("", q.After, q.Limit)
	if only != "" {
		pg.from.at, pg.from.key.id = 0, string(only)
		pg.in = func(at place) bool { return at.key.id == string(only) }
	}
	out.Next, err = pg.walk(&s.byID, func(k key) bool {
		p := s.pools[user.PoolID(k.id)]
		if p.deleted != q.Deleted || q.Issuer != "" && p.record.Issuer != q.Issuer ||
			q.Client != "" && !slices.Contains(p.record.Clients, q.Client) {
			return false
		}
		out.Pools = append(out.Pools, p.snapshot())
		return true
	})
	return out, err
}

// named is the page of a list under one name.
func named(name, after string, limit int) page {
	in := func(p place) bool { return p.name == name }
	return page{from: start(name, ""), in: in, after: after, limit: limit}
}
