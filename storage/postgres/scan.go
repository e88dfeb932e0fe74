package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// The columns of a record, in the order in which its scan function takes them.
const (
	userColumnNames     = `u.id, u.version, u.status, u.disabled, u.epoch, u.created, u.updated, u.digest, u.body::text`
	sessionColumnNames  = `s.user_id, s.id, s.version, s.epoch, s.kind, s.parent, s.client, s.proofs, s.created, s.last_used, s.idle, s.expires, s.confirmation, s.device, s.family_key, s.generation, s.rotated`
	ticketColumnNames   = `id, version, user_id, epoch, client, purpose, mac, code, state, created, expires`
	documentColumnNames = `kind, id, version, body, created, updated`
	outgoingColumnNames = `o.pool, o.id, o.version, o.owner, o.class, o.ticket, o.body, o.tries, o.due, o.not_after, o.created`
	eventColumnNames    = `id, time, user_id, kind, header, personal, leaf, seal`
)

// collect scans all rows.
func collect[R any](rows pgx.Rows, scan func(pgx.Row) (*R, error)) (out []*R, err error) {
	defer rows.Close()
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
func scanUser(r pgx.Row, pool user.PoolID, before ...any) (*user.User, error) {
	u := &user.User{Pool: pool}
	var (
		status           int
		created, updated *int64
		digest, body     []byte
	)
	dest := append(before, (*string)(&u.ID), &u.Version, &status, &u.Disabled, &u.Epoch, &created, &updated, &digest, &body)
	if err := r.Scan(dest...); err != nil {
		return nil, err
	}
	u.Created, u.Updated = when(created), when(updated)
	if err := record.DecodeStatus(u, status); err != nil {
		return nil, err
	}
	if err := record.DecodeUser(u, body, digest); err != nil {
		return nil, err
	}
	u.MarkLoaded()
	return u, nil
}

func scanSession(r pgx.Row, pool user.PoolID) (*token.Session, error) {
	s := &token.Session{Pool: string(pool)}
	var created, lastUsed, expires, rotated *int64
	var idle int64
	var proofs string
	err := r.Scan(&s.User, &s.ID, &s.Version, &s.Epoch, (*string)(&s.Kind), &s.Parent, &s.Client, &proofs, &created, &lastUsed, &idle, &expires,
		&s.Confirmation, &s.Device, &s.Key, &s.Generation, &rotated)
	if err != nil {
		return nil, err
	}
	s.Created, s.LastUsed, s.Expires, s.Rotated, s.Idle = when(created), when(lastUsed), when(expires), when(rotated), time.Duration(idle)
	s.Proofs, err = record.DecodeProofs(proofs)
	return s, err
}

func scanTicket(r pgx.Row, pool user.PoolID) (*storage.Ticket, error) {
	t := &storage.Ticket{Pool: pool}
	var created, expires *int64
	err := r.Scan(&t.ID, &t.Version, (*string)(&t.User), &t.Epoch, &t.Client, &t.Purpose, &t.MAC, &t.Code, &t.State, &created, &expires)
	t.Created, t.Expires = when(created), when(expires)
	return t, err
}

func scanDocument(r pgx.Row, pool user.PoolID) (*storage.Document, error) {
	d := &storage.Document{Pool: pool}
	var created, updated *int64
	err := r.Scan(&d.Kind, &d.ID, &d.Version, &d.Body, &created, &updated)
	d.Created, d.Updated = when(created), when(updated)
	return d, err
}

// scanOutgoing reads a message, after another column.
func scanOutgoing(r pgx.Row, before any) (*storage.Outgoing, error) {
	o := new(storage.Outgoing)
	var due, notAfter, created *int64
	err := r.Scan(before, (*string)(&o.Pool), &o.ID, &o.Version, (*string)(&o.Owner), &o.Class, &o.Ticket, &o.Body, &o.Tries, &due, &notAfter, &created)
	o.Due, o.NotAfter, o.Created = when(due), when(notAfter), when(created)
	return o, err
}

func scanEvent(r pgx.Row, pool user.PoolID) (*storage.Event, error) {
	e := &storage.Event{Pool: pool}
	var at *int64
	err := r.Scan(&e.ID, &at, (*string)(&e.User), &e.Kind, &e.Header, &e.Personal, &e.Leaf, &e.Seal)
	e.Time = when(at)
	return e, err
}

func scanPool(r pgx.Row) (*storage.Pool, error) {
	p := new(storage.Pool)
	var created *int64
	var searchable, clients string
	if err := r.Scan((*string)(&p.ID), &p.Version, &p.Issuer, &searchable, &clients, &created, &p.Epoch, &p.Users, &p.Deleted); err != nil {
		return nil, err
	}
	p.Created = when(created)
	var err error
	if p.Searchable, err = record.DecodeStrings(searchable); err != nil {
		return nil, err
	}
	p.Clients, err = record.DecodeStrings(clients)
	return p, err
}
