package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	// One statement is one moment: it needs no transaction.
	ownerOfLogin = `SELECT p.epoch, ` + userColumnNames + `
		FROM userpool_pools AS p
		JOIN userpool_logins AS l ON l.pool = p.key AND l.ns = ? AND l.value = ?
		JOIN userpool_users AS u ON u.key = l.user
		WHERE p.id = ? AND p.deleted = 0`

	poolEpoch   = `SELECT key, epoch FROM userpool_pools WHERE id = ? AND deleted = 0`
	userByID    = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.pool = ? AND u.id = ? AND (u.expires IS NULL OR u.expires > ?)`
	userByLogin = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.key = coalesce(
		(SELECT user FROM userpool_logins WHERE pool = ?1 AND ns = ?2 AND value = ?3), ` + newestAttempt + `)`
	attemptByLogin = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.key = ` + newestAttempt
	newestAttempt  = `(SELECT x.key FROM userpool_attempts AS a JOIN userpool_users AS x ON x.key = a.user
		WHERE a.pool = ?1 AND a.ns = ?2 AND a.value = ?3 AND x.expires > ?4 ORDER BY x.created DESC, x.id DESC LIMIT 1)`
	selectSession  = `SELECT ` + sessionColumnNames + ` FROM userpool_sessions WHERE pool = ? AND user_id = ? AND id = ? AND ends > ?`
	selectTicket   = `SELECT ` + ticketColumnNames + ` FROM userpool_tickets WHERE pool = ? AND id = ? AND expires > ?`
	selectDocument = `SELECT ` + documentColumnNames + ` FROM userpool_documents WHERE pool = ? AND kind = ? AND id = ?`
)

// Read implements [storage.Store].
func (s *Store) Read(ctx context.Context, pool user.PoolID, w storage.Want) (got storage.Got, err error) {
	if err := s.usable(ctx); err != nil {
		return got, err
	}
	if err := checkWant(pool, w); err != nil {
		return got, err
	}
	if ns, value, ok := w.User.Login(); ok && onlyUser(w) {
		got, err = s.readOwner(ctx, pool, ns, value)
		if err != nil || got.User != nil {
			return got, err
		}
	}
	err = s.read(ctx, func(c *conn) error {
		r := reading{conn: c, pool: pool, now: w.Now}
		if err := c.row(poolEpoch, string(pool)).Scan(&r.key, &got.PoolEpoch); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return nil
			}
			return err
		}
		return r.all(w, &got)
	})
	if err != nil {
		return storage.Got{}, err
	}
	return got, nil
}

func checkWant(pool user.PoolID, w storage.Want) error {
	if w.Now.IsZero() {
		return fmt.Errorf("%w: a read needs the time", storage.ErrInvalid)
	}
	for _, k := range w.Counters {
		if k.Pool != pool {
			return fmt.Errorf("%w: counter of another pool", storage.ErrInvalid)
		}
	}
	return nil
}

func onlyUser(w storage.Want) bool {
	return w.Attempt == (user.Key{}) && w.Session == (storage.SessionKey{}) && len(w.Tickets)+len(w.Counters)+len(w.Documents) == 0
}

// readOwner reads the owner of a login, the most frequent read of all, in one statement.
func (s *Store) readOwner(ctx context.Context, pool user.PoolID, ns user.Namespace, value string) (got storage.Got, err error) {
	c, err := s.readers.take(ctx)
	if err != nil {
		return got, err
	}
	defer s.readers.put(c)
	got.User, err = absent(scanUser(c.row(ownerOfLogin, string(ns), value, string(pool)), pool, &got.PoolEpoch))
	return got, err
}

// reading is what one Read is about.
type reading struct {
	*conn
	pool user.PoolID
	key  int64 // of the pool
	now  time.Time
}

func (r reading) all(w storage.Want, got *storage.Got) (err error) {
	owner := w.User
	if w.Session.ID != "" {
		if got.Session, err = r.session(w.Session); err != nil {
			return err
		}
	}
	if got.Session != nil && owner == (user.Key{}) {
		owner = user.ByID(user.ID(got.Session.User))
	}
	for _, id := range w.Tickets {
		t, err := absent(scanTicket(r.row(selectTicket, r.key, id, r.now.UnixMicro()), r.pool))
		if err != nil {
			return err
		}
		got.Tickets = append(got.Tickets, t)
		if t != nil && t.User != "" && owner == (user.Key{}) {
			owner = user.ByID(t.User)
		}
	}
	if got.User, err = r.user(owner); err != nil {
		return err
	}
	if ns, value, ok := w.Attempt.Login(); ok {
		if got.Attempt, err = absent(scanUser(r.row(attemptByLogin, r.key, string(ns), value, r.now.UnixMicro()), r.pool)); err != nil {
			return err
		}
	}
	return r.keyed(w, got)
}

// keyed reads counters, for which the user must be known, and documents.
func (r reading) keyed(w storage.Want, got *storage.Got) error {
	for _, k := range w.Counters {
		if k.Owner == "" && got.User != nil {
			k.Owner = string(got.User.ID)
		}
		c, err := readCounter(r, r.key, k)
		if err != nil {
			return err
		}
		got.Counters = append(got.Counters, unexpired(c, r.now))
	}
	for _, k := range w.Documents {
		d, err := absent(scanDocument(r.row(selectDocument, r.key, k.Kind, k.ID), r.pool))
		if err != nil {
			return err
		}
		got.Documents = append(got.Documents, d)
	}
	return nil
}

// user returns whom a key names, or nil: an owner, else the newest live attempt.
func (r reading) user(k user.Key) (*user.User, error) {
	if id, ok := k.ID(); ok {
		return absent(scanUser(r.row(userByID, r.key, string(id), r.now.UnixMicro()), r.pool))
	}
	if ns, value, ok := k.Login(); ok {
		return absent(scanUser(r.row(userByLogin, r.key, string(ns), value, r.now.UnixMicro()), r.pool))
	}
	return nil, nil
}

func (r reading) session(k storage.SessionKey) (*token.Session, error) {
	return absent(scanSession(r.row(selectSession, r.key, string(k.User), k.ID, r.now.UnixMicro()), r.pool))
}
