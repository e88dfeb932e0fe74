package memory

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Read implements [storage.Store].
func (s *Store) Read(ctx context.Context, id user.PoolID, w storage.Want) (storage.Got, error) {
	if err := s.rlock(ctx); err != nil {
		return storage.Got{}, err
	}
	defer s.mu.RUnlock()
	if err := checkWant(id, w); err != nil {
		return storage.Got{}, err
	}
	p := s.live(id)
	if p == nil {
		return storage.Got{}, nil
	}
	got := storage.Got{PoolEpoch: p.epoch}
	session := p.session(w.Session, w.Now)
	got.Session = session.Clone()
	owner := w.User
	if session != nil && owner == (user.Key{}) {
		owner = user.ByID(user.ID(session.User))
	}
	for _, id := range w.Tickets {
		t := p.ticket(id, w.Now)
		if t == nil {
			got.Tickets = append(got.Tickets, nil)
			continue
		}
		got.Tickets = append(got.Tickets, t.Clone())
		if owner == (user.Key{}) && t.User != "" {
			owner = user.ByID(t.User)
		}
	}
	got.User = p.user(owner, w.Now)
	if ns, value, ok := w.Attempt.Login(); ok {
		got.Attempt = p.attempt(ns, value, w.Now)
	}
	for _, k := range w.Counters {
		if k.Owner == "" && got.User != nil {
			k.Owner = string(got.User.ID)
		}
		got.Counters = append(got.Counters, p.counter(k, w.Now))
	}
	for _, k := range w.Documents {
		d := p.documents.rows[key{k.Kind, k.ID}]
		if d != nil {
			d = d.Clone()
		}
		got.Documents = append(got.Documents, d)
	}
	return got, nil
}

func checkWant(id user.PoolID, w storage.Want) error {
	if w.Now.IsZero() {
		return fmt.Errorf("%w: a read needs the time", storage.ErrInvalid)
	}
	for _, k := range w.Counters {
		if k.Pool != id {
			return fmt.Errorf("%w: counter of another pool", storage.ErrInvalid)
		}
	}
	return nil
}

// user returns whom a key names, or nil: an owner, else the newest live attempt.
func (p *pool) user(k user.Key, now time.Time) *user.User {
	if id, ok := k.ID(); ok {
		return live(p.users.rows[key{id: string(id)}].user(), now)
	}
	ns, value, ok := k.Login()
	if !ok {
		return nil
	}
	if owner := p.logins.rows[key{string(ns), value}]; owner != "" {
		return owner.user()
	}
	return p.attempt(ns, value, now)
}

// attempt returns the newest live attempt at a login, or nil.
func (p *pool) attempt(ns user.Namespace, value string, now time.Time) *user.User {
	for _, k := range slices.Backward(p.attempts.of(string(ns), value)) {
		if u := live(p.users.rows[k].user(), now); u != nil {
			return u
		}
	}
	return nil
}

// live returns u unless it is an attempt that has expired.
func live(u *user.User, now time.Time) *user.User {
	if u != nil && u.Attempt != nil && !u.Attempt.Expires.After(now) {
		return nil
	}
	return u
}

func (p *pool) session(k storage.SessionKey, now time.Time) *token.Session {
	s := p.sessions.rows[key{string(k.User), k.ID}]
	if s == nil || !s.Ends().After(now) {
		return nil
	}
	return s
}

func (p *pool) ticket(id string, now time.Time) *storage.Ticket {
	t := p.tickets.rows[key{id: id}]
	if t == nil || !t.Expires.After(now) {
		return nil
	}
	return t
}
