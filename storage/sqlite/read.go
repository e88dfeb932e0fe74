package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
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

	ownerOfSession = `SELECT p.epoch, ` + sessionColumnNames + `, ` + userColumnNames + `
		FROM userpool_pools AS p
		JOIN userpool_sessions AS s ON s.pool = p.key AND s.user_id = ? AND s.id = ? AND s.ends > ?
		JOIN userpool_users AS u ON u.id = s.user_id AND u.pool = s.pool AND (u.expires IS NULL OR u.expires > ?)
		WHERE p.id = ? AND p.deleted = 0`

	poolEpoch   = `SELECT key, epoch FROM userpool_pools WHERE id = ? AND deleted = 0`
	userByID    = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.pool = ? AND u.id = ? AND (u.expires IS NULL OR u.expires > ?)`
	userByLogin = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.key = coalesce(
		(SELECT user FROM userpool_logins WHERE pool = ?1 AND ns = ?2 AND value = ?3), ` + newestAttempt + `)`
	attemptByLogin = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.key = ` + newestAttempt
	usersByLogin   = `SELECT 0, ` + userColumnNames + ` FROM userpool_users AS u WHERE u.key = (SELECT user FROM userpool_logins WHERE pool = ?1 AND ns = ?2 AND value = ?3)
		UNION ALL SELECT 1, ` + userColumnNames + ` FROM userpool_users AS u WHERE u.key = ` + newestAttempt
	newestAttempt = `(SELECT x.key FROM userpool_attempts AS a JOIN userpool_users AS x ON x.key = a.user
		WHERE a.pool = ?1 AND a.ns = ?2 AND a.value = ?3 AND x.expires > ?4 ORDER BY x.created DESC, x.id DESC LIMIT 1)`
	selectSession  = `SELECT ` + sessionColumnNames + ` FROM userpool_sessions AS s WHERE s.pool = ? AND s.user_id = ? AND s.id = ? AND s.ends > ?`
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
	if got, err = s.readOwner(ctx, pool, w); err != nil || got.User != nil {
		return got, err
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

// readOwner reads in one statement what is asked for most: the owner of a login alone, or of a
// session with it. Where there is less, or more is wanted, it finds nobody.
func (s *Store) readOwner(ctx context.Context, pool user.PoolID, w storage.Want) (got storage.Got, err error) {
	ns, value, byLogin := w.User.Login()
	byLogin = byLogin && w.Session == (storage.SessionKey{})
	bySession := w.User == (user.Key{}) && w.Session.ID != ""
	if w.Attempt != (user.Key{}) || len(w.Tickets)+len(w.Counters)+len(w.Documents) > 0 || !byLogin && !bySession {
		return got, nil
	}
	c, err := s.readers.take(ctx)
	if err != nil {
		return got, err
	}
	defer s.readers.put(c)
	defer func() { err = damaged(err) }()
	if byLogin {
		got.User, err = absent(scanUser(c.row(ownerOfLogin, string(ns), value, string(pool)), pool, &got.PoolEpoch))
		return got, err
	}
	now, session := w.Now.UnixMicro(), newSessionRow(pool)
	r := c.row(ownerOfSession, string(w.Session.User), w.Session.ID, now, now, string(pool))
	got.User, err = absent(scanUser(r, pool, append([]any{&got.PoolEpoch}, session.dest()...)...))
	if err == nil && got.User != nil {
		got.Session, err = session.session()
	}
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
	if err := r.users(owner, w.Attempt, got); err != nil {
		return err
	}
	return r.keyed(w, got)
}

// keyed reads counters, for which the user must be known, and documents.
func (r reading) keyed(w storage.Want, got *storage.Got) error {
	got.Counters = make([]storage.Counter, len(w.Counters))
	for i, k := range w.Counters {
		if k.Owner == "" && got.User != nil {
			k.Owner = string(got.User.ID)
		}
		got.Counters[i].Key = k
	}
	for some := range slices.Chunk(got.Counters, maxCounters) {
		if err := readCounters(r.conn, r.key, some); err != nil {
			return err
		}
	}
	for i, c := range got.Counters {
		got.Counters[i] = unexpired(c, r.now)
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

// users reads whom a key names, an owner or else the newest live attempt, and the attempt at a
// login.
func (r reading) users(owner, attempt user.Key, got *storage.Got) (err error) {
	ns, value, ok := attempt.Login()
	switch {
	case ok && owner == attempt:
		return r.both(ns, value, got)
	case ok:
		got.Attempt, err = absent(scanUser(r.row(attemptByLogin, r.key, string(ns), value, r.now.UnixMicro()), r.pool))
		if err != nil {
			return err
		}
	}
	if id, ok := owner.ID(); ok {
		got.User, err = absent(scanUser(r.row(userByID, r.key, string(id), r.now.UnixMicro()), r.pool))
	} else if ns, value, ok := owner.Login(); ok {
		got.User, err = absent(scanUser(r.row(userByLogin, r.key, string(ns), value, r.now.UnixMicro()), r.pool))
	}
	return err
}

// both reads the owner of a login and the newest live attempt at it in one statement. Where nobody
// owns it, the attempt is both.
func (r reading) both(ns user.Namespace, value string, got *storage.Got) error {
	rows, err := r.query(usersByLogin, r.key, string(ns), value, r.now.UnixMicro())
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var tried bool
		u, err := scanUser(rows, r.pool, &tried)
		if err != nil {
			return err
		}
		if tried {
			got.Attempt = u
		} else {
			got.User = u
		}
	}
	if got.User == nil && got.Attempt != nil {
		got.User = got.Attempt.Clone()
	}
	return rows.Err()
}

func (r reading) session(k storage.SessionKey) (*token.Session, error) {
	return absent(scanSession(r.row(selectSession, r.key, string(k.User), k.ID, r.now.UnixMicro()), r.pool))
}
