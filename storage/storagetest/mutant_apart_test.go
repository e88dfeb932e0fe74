package storagetest_test

import (
	"context"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// eager makes room for a session before it looks at the commit.
type eager struct{ storage.Store }

func (s eager) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		put, _ := c.(storage.PutRecord)
		x, ok := put.Record.(*token.Session)
		if !ok || len(changes) > 2 {
			continue
		}
		page, err := s.Sessions(ctx, "home", storage.SessionQuery{User: user.ID(x.User), Now: noon})
		if err == nil && len(page.Sessions) == 100 {
			err = s.Store.Commit(ctx, storage.Delete(page.Sessions[0]))
		}
		if err != nil {
			return err
		}
	}
	return s.Store.Commit(ctx, changes...)
}

// foldLogins keeps logins in lower case.
func foldLogins(u *user.User) {
	u.Logins = append([]user.Login(nil), u.Logins...)
	for i := range u.Logins {
		u.Logins[i].Value = strings.ToLower(u.Logins[i].Value)
	}
}

// renumbering gives a revocation the number after the newest there is, which may have been told
// before: the cursors that are past it do not see it.
type renumbering struct {
	storage.Store
	told, there int // the highest number told, and of what is there
}

func (s *renumbering) Commit(ctx context.Context, changes ...storage.Change) error {
	err := s.Store.Commit(ctx, changes...)
	if put, ok := changes[0].(storage.PutRecord); ok && err == nil {
		if _, ok := put.Record.(*storage.Revocation); ok {
			s.there++
		}
	}
	return err
}

func (s *renumbering) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	f, err := s.Store.Changed(ctx, since)
	if since != "" && s.there <= s.told {
		f.Revocations = nil
	}
	s.told = max(s.told, s.there)
	return f, err
}

func (s *renumbering) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	n, err := s.Store.Sweep(ctx, now, n)
	s.there -= n
	return n, err
}

// wide takes one letter less of a prefix.
type wide struct{ storage.Store }

func (s wide) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	if w := q.Where; w != nil && w.Prefix && w.Value != "" {
		letters := []rune(w.Value)
		q.Where = &storage.Where{Name: w.Name, Value: string(letters[:len(letters)-1]), Prefix: true}
	}
	return s.Store.Users(ctx, pool, q)
}

// deferAll defers by owner alone.
type deferAll struct{ storage.Store }

func (s deferAll) Commit(ctx context.Context, changes ...storage.Change) error {
	if d, ok := changes[0].(storage.Defer); ok {
		d.Pool = "away"
		if err := s.Store.Commit(ctx, d); err != nil {
			return err
		}
	}
	return s.Store.Commit(ctx, changes...)
}

// anyPool takes the pool from the cursor.
type anyPool struct{ storage.Store }

func (s anyPool) Events(ctx context.Context, pool user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	if q.After != "" {
		pool = "home"
	}
	return s.Store.Events(ctx, pool, q)
}

// dropTwice erases more than it was allowed to, as one does that leaves seals where they are.
type dropTwice struct{ storage.Store }

func (s dropTwice) Drop(ctx context.Context, pool user.PoolID, n int) (bool, error) {
	return s.Store.Drop(ctx, pool, 2*n)
}
