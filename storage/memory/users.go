package memory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Users implements [storage.Store].
func (s *Store) Users(ctx context.Context, id user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	if err := s.rlock(ctx); err != nil {
		return storage.UserPage{}, err
	}
	defer s.mu.RUnlock()
	if q.Now.IsZero() || q.Where != nil && len(q.Where.Value) > storage.MaxTerm {
		return storage.UserPage{}, fmt.Errorf("%w: a list of users needs the time, and a value of at most %d bytes",
			storage.ErrInvalid, storage.MaxTerm)
	}
	p := s.live(id)
	if p == nil {
		return storage.UserPage{}, nil
	}
	q.CreatedMin, q.CreatedMax = cut(q.CreatedMin), cut(q.CreatedMax)
	l, pg, err := p.order(q)
	if err != nil {
		return storage.UserPage{}, err
	}
	rows := p.users.rows
	if l == p.byLogin {
		rows = p.logins.rows
	}
	var out storage.UserPage
	out.Next, err = pg.walk(l, func(k key) bool {
		u := rows[k].user()
		if !matches(u, q) || l == p.byLogin && !q.Where.First(u, k.id) {
			return false
		}
		out.Users = append(out.Users, u)
		return true
	})
	return out, err
}

// order returns the list that decides the order, and the part of it that q asks for.
func (p *pool) order(q storage.UserQuery) (*list, page, error) {
	pg := page{from: start("", ""), after: q.After, limit: q.Limit}
	w := q.Where
	switch {
	case w == nil && q.Order == storage.ByID:
		return p.byID, pg, nil
	case w == nil && q.Order == storage.ByCreated:
		// The bounds on the time are bounds of the walk.
		if !q.CreatedMin.IsZero() {
			pg.from.at = q.CreatedMin.UnixMicro()
		}
		if !q.CreatedMax.IsZero() {
			pg.in = func(at place) bool { return at.at < q.CreatedMax.UnixMicro() }
		}
		return p.byCreated, pg, nil
	case w == nil:
		return nil, pg, fmt.Errorf("%w: no such order", storage.ErrInvalid)
	case w.Name == storage.LoginTerm:
		pg.from.key = key{string(user.Name), w.Value}
		pg.from.at = 0
		pg.in = func(at place) bool {
			return at.key.owner == string(user.Name) && (at.key.id == w.Value || w.Prefix && strings.HasPrefix(at.key.id, w.Value))
		}
		return p.byLogin, pg, nil
	case w.Name != storage.GroupTerm && !slices.Contains(p.record.Searchable, w.Name):
		return nil, pg, storage.ErrNotReady
	}
	pg.from = start(w.Name, w.Value)
	pg.in = func(at place) bool {
		return at.name == w.Name && (at.value == w.Value || w.Prefix && strings.HasPrefix(at.value, w.Value))
	}
	return p.terms, pg, nil
}

// matches judges what no index decides.
func matches(u *user.User, q storage.UserQuery) bool {
	switch {
	case live(u, q.Now) == nil:
		return false
	case q.Status != "" && u.Status != q.Status:
		return false
	case q.Disabled != nil && u.Disabled != *q.Disabled:
		return false
	case !q.CreatedMin.IsZero() && u.Created.Before(q.CreatedMin):
		return false
	}
	return q.CreatedMax.IsZero() || u.Created.Before(q.CreatedMax)
}
