package sqlite

import (
	"database/sql"
	"errors"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// The columns of a record, in the order in which its scan function takes them.
const (
	userColumnNames     = `u.id, u.version, u.status, u.disabled, u.epoch, u.created, u.updated, u.digest, u.body`
	sessionColumnNames  = `s.user_id, s.id, s.version, s.epoch, s.kind, s.parent, s.client, s.proofs, s.created, s.last_used, s.idle, s.expires, s.confirmation, s.device, s.family_key, s.generation, s.rotated`
	ticketColumnNames   = `id, version, user_id, epoch, client, purpose, mac, code, state, created, expires`
	documentColumnNames = `kind, id, version, body, created, updated`
	outgoingColumnNames = `id, version, owner, class, ticket, body, tries, due, not_after, created`
	eventColumnNames    = `id, time, user_id, kind, header, personal, leaf, seal`
)

// row is a *sql.Row or *sql.Rows.
type row interface{ Scan(dest ...any) error }

// absent turns the error of a row that is not there into nil, and what was to be read into nil too.
func absent[R any](r *R, err error) (*R, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// collect scans all rows.
func collect[R any](rows *sql.Rows, err error, scan func(row) (*R, error)) ([]*R, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*R
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// scanUser reads a user, after other columns if there are any.
func scanUser(r row, pool user.PoolID, before ...any) (*user.User, error) {
	u := &user.User{Pool: pool}
	var (
		status  int
		created int64
		updated when
		digest  []byte
		body    []byte
	)
	dest := append(before, &u.ID, &u.Version, &status, &u.Disabled, &u.Epoch, &created, &updated, &digest, &body)
	if err := r.Scan(dest...); err != nil {
		return nil, err
	}
	u.Created, u.Updated = time.UnixMicro(created).UTC(), updated.Time
	if err := record.DecodeStatus(u, status); err != nil {
		return nil, err
	}
	if err := record.DecodeUser(u, body, digest); err != nil {
		return nil, err
	}
	u.MarkLoaded()
	return u, nil
}

func scanSession(r row, pool user.PoolID) (*token.Session, error) {
	s := newSessionRow(pool)
	if err := r.Scan(s.dest()...); err != nil {
		return nil, err
	}
	return s.session()
}

// sessionRow is a session that is being read, perhaps beside other columns.
type sessionRow struct {
	s                                   *token.Session
	created, lastUsed, expires, rotated when
	proofs                              string
}

func newSessionRow(pool user.PoolID) *sessionRow {
	return &sessionRow{s: &token.Session{Pool: string(pool)}}
}

func (r *sessionRow) dest() []any {
	s := r.s
	return []any{
		&s.User, &s.ID, &s.Version, &s.Epoch, &s.Kind, &s.Parent, &s.Client, &r.proofs, &r.created, &r.lastUsed, &s.Idle, &r.expires,
		&s.Confirmation, &s.Device, &s.Key, &s.Generation, &r.rotated,
	}
}

func (r *sessionRow) session() (s *token.Session, err error) {
	s = r.s
	s.Created, s.LastUsed, s.Expires, s.Rotated = r.created.Time, r.lastUsed.Time, r.expires.Time, r.rotated.Time
	s.Proofs, err = record.DecodeProofs(r.proofs)
	return s, err
}

func scanTicket(r row, pool user.PoolID) (*storage.Ticket, error) {
	t := &storage.Ticket{Pool: pool}
	var created, expires when
	err := r.Scan(&t.ID, &t.Version, &t.User, &t.Epoch, &t.Client, &t.Purpose, &t.MAC, &t.Code, &t.State, &created, &expires)
	t.Created, t.Expires = created.Time, expires.Time
	return t, err
}

func scanDocument(r row, pool user.PoolID) (*storage.Document, error) {
	d := &storage.Document{Pool: pool}
	var created, updated when
	err := r.Scan(&d.Kind, &d.ID, &d.Version, &d.Body, &created, &updated)
	d.Created, d.Updated = created.Time, updated.Time
	return d, err
}

func scanOutgoing(r row, pool user.PoolID) (*storage.Outgoing, error) {
	o := &storage.Outgoing{Pool: pool}
	var due, notAfter, created when
	err := r.Scan(&o.ID, &o.Version, &o.Owner, &o.Class, &o.Ticket, &o.Body, &o.Tries, &due, &notAfter, &created)
	o.Due, o.NotAfter, o.Created = due.Time, notAfter.Time, created.Time
	return o, err
}

func scanEvent(r row, pool user.PoolID) (*storage.Event, error) {
	e := &storage.Event{Pool: pool}
	var at when
	err := r.Scan(&e.ID, &at, &e.User, &e.Kind, &e.Header, &e.Personal, &e.Leaf, &e.Seal)
	e.Time = at.Time
	return e, err
}

func scanPool(r row) (*storage.Pool, error) {
	p := new(storage.Pool)
	var created when
	var searchable, clients string
	if err := r.Scan(&p.ID, &p.Version, &p.Issuer, &searchable, &clients, &created, &p.Epoch, &p.Users, &p.Deleted); err != nil {
		return nil, err
	}
	p.Created = created.Time
	var err error
	if p.Searchable, err = record.DecodeStrings(searchable); err != nil {
		return nil, err
	}
	p.Clients, err = record.DecodeStrings(clients)
	return p, err
}
