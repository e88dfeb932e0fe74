package sqlite

import (
	"errors"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	deleteUser    = `DELETE FROM userpool_users WHERE key = ?`
	deleteSession = `DELETE FROM userpool_sessions WHERE pool = ? AND user_id = ? AND id = ? AND version = ?`
	eraseBelow    = `WITH RECURSIVE below (id) AS (
			SELECT ?1 UNION SELECT s.id FROM userpool_sessions AS s JOIN below AS b ON s.parent = b.id WHERE s.pool = ?2 AND s.user_id = ?3)
		DELETE FROM userpool_sessions WHERE pool = ?2 AND user_id = ?3 AND id IN (SELECT id FROM below)`
	deleteTicket   = `DELETE FROM userpool_tickets WHERE pool = ? AND id = ? AND version = ?`
	deleteDocument = `DELETE FROM userpool_documents WHERE pool = ? AND kind = ? AND id = ? AND version = ?`
	deleteOutgoing = `DELETE FROM userpool_outgoing WHERE pool = ? AND id = ? AND version = ?`
)

// What goes with a ticket, by pool and ticket.
var withTicket = []string{
	`DELETE FROM userpool_counters WHERE pool = ? AND owner = ?`,
	`DELETE FROM userpool_outgoing WHERE pool = ? AND ticket = ? AND ticket <> ''`,
}

// What goes with a user, by pool and id, in this order: what goes with its tickets, then they. The
// index is named because without statistics the planner prefers to walk all tickets of the pool.
var withUser = []string{
	`DELETE FROM userpool_counters WHERE pool = ?1 AND owner IN (SELECT id FROM userpool_tickets INDEXED BY userpool_tickets_user WHERE pool = ?1 AND user_id = ?2 AND user_id <> '')`,
	`DELETE FROM userpool_outgoing WHERE pool = ?1 AND ticket <> '' AND ticket IN (SELECT id FROM userpool_tickets INDEXED BY userpool_tickets_user WHERE pool = ?1 AND user_id = ?2 AND user_id <> '')`,
	`DELETE FROM userpool_tickets INDEXED BY userpool_tickets_user WHERE pool = ? AND user_id = ? AND user_id <> ''`,
	`DELETE FROM userpool_sessions WHERE pool = ? AND user_id = ?`,
	`DELETE FROM userpool_counters WHERE pool = ? AND owner = ?`,
	`DELETE FROM userpool_outgoing WHERE pool = ? AND owner = ?`,
}

// delete plans the end of a record, with what it owns.
func (p *plan) delete(i int, r any) {
	guard := func(query string, args ...any) {
		p.add(phaseGuard, i, func(t *tx) error { return t.guard(query, append([]any{t.pool}, args...)...) })
	}
	switch r := r.(type) {
	case *storage.Pool:
		p.add(phaseGuard, i, func(t *tx) error {
			delete(t.pools, r.ID)
			return t.guard(deletePool, t.pool, r.Version)
		})
	case *user.User:
		p.deleteUser(i, r)
	case *token.Session:
		guard(deleteSession, r.User, r.ID, r.Version)
		p.add(phaseErase, i, func(t *tx) error { return t.eraseSession(r.User, r.ID) })
	case *storage.Ticket:
		guard(deleteTicket, r.ID, r.Version)
		p.add(phaseErase, i, func(t *tx) error { return t.all(withTicket, t.pool, r.ID) })
	case *storage.Document:
		p.documents = true
		guard(deleteDocument, r.Kind, r.ID, r.Version)
	case *storage.Outgoing:
		guard(deleteOutgoing, r.ID, r.Version)
	case *storage.Counter:
		p.add(phaseErase, i, func(t *tx) error {
			_, err := t.exec(deleteCounter, t.pool, r.Key.Owner, r.Key.Name)
			return err
		})
	}
}

// deleteUser looks for the user first, without a write: the app's statements come before the end.
func (p *plan) deleteUser(i int, u *user.User) {
	p.deletes = true
	if was, _ := u.Loaded(); was.Status != user.Unconfirmed {
		p.users--
	}
	var key int64
	p.add(phaseGuard, i, func(t *tx) error {
		found, err := t.one(requireUser, []any{t.pool, string(u.ID), u.Version}, &key)
		if err == nil && !found {
			err = storage.ErrStale
		}
		return err
	})
	p.add(phaseErase, i, func(t *tx) error {
		err := t.eraseUser(key)
		if err != nil && referenced(err) {
			return storage.ErrReferenced
		}
		return err
	})
}

// eraseUser takes away a user and all that is the user's.
func (t *tx) eraseUser(key int64) error {
	var text, digest []byte
	u := new(user.User)
	var pool int64
	found, err := t.one(`SELECT pool, id, body FROM userpool_users WHERE key = ?`, []any{key}, &pool, &u.ID, &text)
	if err != nil || !found {
		return err
	}
	if err := record.DecodeUser(u, text, digest); err != nil {
		return err
	}
	if _, err := t.exec(deleteUser, key); err != nil {
		return err
	}
	gone := diff{record.Diff{Lost: u.Logins, Dropped: u.Index, Left: u.Attempt}}
	within := t.pool
	t.pool = pool
	defer func() { t.pool = within }()
	if err := gone.release(t, string(u.ID), key); err != nil {
		return err
	}
	return t.all(withUser, pool, string(u.ID))
}

// eraseUnlessHeld is eraseUser where a row that cannot go must not hold up others: one that a
// foreign key of the app's refuses, or that is damaged, stays as it is.
func (t *tx) eraseUnlessHeld(key int64) (erased bool, err error) {
	if _, err := t.exec("SAVEPOINT userpool_row"); err != nil {
		return false, err
	}
	err = t.eraseUser(key)
	if b, broken := errors.AsType[*brokenError](err); broken {
		return false, b
	}
	if err != nil {
		if _, e := t.exec("ROLLBACK TO userpool_row"); e != nil {
			return false, e
		}
	}
	_, e := t.exec("RELEASE userpool_row")
	return err == nil, e
}

// eraseSession takes away a session and those below it.
func (t *tx) eraseSession(user, id string) error {
	_, err := t.exec(eraseBelow, id, t.pool, user)
	return err
}

// all runs statements of ours that take the same arguments.
func (t *tx) all(queries []string, args ...any) error {
	for _, q := range queries {
		if _, err := t.exec(q, args...); err != nil {
			return err
		}
	}
	return nil
}
