package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/keyset"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	listSessions = `SELECT ` + sessionColumnNames + ` FROM userpool_sessions AS s
		WHERE pool = ? AND user_id = ? AND ends > ? AND (created, id) > (?, ?) ORDER BY created, id LIMIT ?`
	listDocuments = `SELECT ` + documentColumnNames + ` FROM userpool_documents WHERE pool = ? AND kind = ? AND id > ? ORDER BY id LIMIT ?`

	// The indexes are named because without statistics the planner walks a pool's whole history.
	listEvents       = `SELECT ` + eventColumnNames + ` FROM userpool_events WHERE pool = ? AND (time, id) > (?, ?) ORDER BY time, id LIMIT ?`
	listEventsOfUser = `SELECT ` + eventColumnNames + ` FROM userpool_events INDEXED BY userpool_events_user
		WHERE pool = ? AND user_id = ? AND user_id <> '' AND (time, id) > (?, ?) ORDER BY time, id LIMIT ?`
	newestEventsOfUser = `SELECT ` + eventColumnNames + ` FROM userpool_events INDEXED BY userpool_events_user
		WHERE pool = ? AND user_id = ? AND user_id <> '' AND (time, id) < (?, ?) ORDER BY time DESC, id DESC LIMIT ?`
	listEventsOfSeal = `SELECT ` + eventColumnNames + ` FROM userpool_events INDEXED BY userpool_events_seal
		WHERE pool = ? AND seal = ? AND (time, id) > (?, ?) ORDER BY time, id LIMIT ?`
	sealColumnNames = `number, previous, digest, count, mac, time`
	selectSeal      = `SELECT ` + sealColumnNames + ` FROM userpool_seals WHERE pool = ? AND number = ?`
	lastSeal        = `SELECT ` + sealColumnNames + ` FROM userpool_seals WHERE pool = ? ORDER BY number DESC LIMIT 1`

	poolColumnNames = `p.id, p.version, p.issuer, p.searchable, p.clients, p.created, p.epoch, p.users, p.deleted`
	listPools       = `SELECT ` + poolColumnNames + ` FROM userpool_pools AS p WHERE p.deleted = ? AND p.id > ? ORDER BY p.id LIMIT ?`
	onePool         = `SELECT ` + poolColumnNames + ` FROM userpool_pools AS p WHERE p.deleted = ? AND p.id > ? AND p.id = ? LIMIT ?`
	poolOfIssuer    = `SELECT ` + poolColumnNames + ` FROM userpool_issuers AS i JOIN userpool_pools AS p ON p.key = i.pool
		WHERE p.deleted = ? AND p.id > ? AND i.issuer = ? AND p.issuer = i.issuer LIMIT ?`
	poolOfClient = `SELECT ` + poolColumnNames + ` FROM userpool_clients AS c JOIN userpool_pools AS p ON p.key = c.pool
		WHERE p.deleted = ? AND p.id > ? AND c.client = ? LIMIT ?`
)

// list runs f for a pool that exists, as of one moment; one that does not has nothing to list.
func (s *Store) list(ctx context.Context, pool user.PoolID, f func(c *conn, key int64) error) error {
	return s.read(ctx, func(c *conn) error {
		var key, epoch int64
		err := c.row(poolEpoch, string(pool)).Scan(&key, &epoch)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return f(c, key)
	})
}

// Sessions implements [storage.Store].
func (s *Store) Sessions(ctx context.Context, pool user.PoolID, q storage.SessionQuery) (out storage.SessionPage, err error) {
	if err := s.usable(ctx); err != nil {
		return out, err
	}
	if q.Now.IsZero() {
		return out, fmt.Errorf("%w: a list of sessions needs the time", storage.ErrInvalid)
	}
	after, n, err := keyset.Begin(q.After, "session", q.Limit)
	if err != nil {
		return out, err
	}
	err = s.list(ctx, pool, func(c *conn, key int64) error {
		rows, err := c.query(listSessions, key, string(q.User), q.Now.UnixMicro(), after.At, after.ID, n+1)
		out.Sessions, err = collect(rows, err, func(r row) (*token.Session, error) { return scanSession(r, pool) })
		return err
	})
	out.Sessions, out.Next = keyset.Cut(out.Sessions, n, func(x *token.Session) keyset.Place {
		return keyset.Place{List: "session", At: x.Created.UnixMicro(), ID: x.ID}
	})
	return out, err
}

// Documents implements [storage.Store].
func (s *Store) Documents(ctx context.Context, pool user.PoolID, q storage.DocumentQuery) (out storage.DocumentPage, err error) {
	if err := s.usable(ctx); err != nil {
		return out, err
	}
	after, n, err := keyset.Begin(q.After, "document", q.Limit)
	if err != nil {
		return out, err
	}
	err = s.list(ctx, pool, func(c *conn, key int64) error {
		rows, err := c.query(listDocuments, key, q.Kind, after.ID, n+1)
		out.Documents, err = collect(rows, err, func(r row) (*storage.Document, error) { return scanDocument(r, pool) })
		return err
	})
	out.Documents, out.Next = keyset.Cut(out.Documents, n, func(d *storage.Document) keyset.Place { return keyset.Place{List: "document", ID: d.ID} })
	return out, err
}

// Events implements [storage.Store].
func (s *Store) Events(ctx context.Context, pool user.PoolID, q storage.EventQuery) (out storage.EventPage, err error) {
	if err := s.usable(ctx); err != nil {
		return out, err
	}
	if q.User != "" && q.Unsealed || q.User != "" && q.Seal != 0 || q.Unsealed && q.Seal != 0 {
		return out, fmt.Errorf("%w: events of a user, unsealed ones, or those of a seal", storage.ErrInvalid)
	}
	list := "event"
	if q.Newest {
		list = "newest"
	}
	if q.Newest && q.User == "" {
		return out, fmt.Errorf("%w: only events of a user come newest first", storage.ErrInvalid)
	}
	after, n, err := keyset.Begin(q.After, list, q.Limit)
	if err != nil {
		return out, err
	}
	err = s.list(ctx, pool, func(c *conn, key int64) (err error) {
		if out.Seal, err = askedSeal(c, key, q); err != nil {
			return err
		}
		rows, err := queryEvents(c, key, q, after, n+1)
		out.Events, err = collect(rows, err, func(r row) (*storage.Event, error) { return scanEvent(r, pool) })
		return err
	})
	out.Events, out.Next = keyset.Cut(out.Events, n, func(e *storage.Event) keyset.Place {
		return keyset.Place{List: list, At: e.Time.UnixMicro(), ID: e.ID}
	})
	return out, err
}

func queryEvents(c *conn, pool int64, q storage.EventQuery, after keyset.Place, n int) (*sql.Rows, error) {
	switch {
	case q.Newest && q.After == "":
		return c.query(newestEventsOfUser, pool, string(q.User), int64(1<<63-1), "", n)
	case q.Newest:
		return c.query(newestEventsOfUser, pool, string(q.User), after.At, after.ID, n)
	case q.User != "":
		return c.query(listEventsOfUser, pool, string(q.User), after.At, after.ID, n)
	case q.Unsealed || q.Seal != 0:
		return c.query(listEventsOfSeal, pool, q.Seal, after.At, after.ID, n)
	}
	return c.query(listEvents, pool, after.At, after.ID, n)
}

// askedSeal returns the seal that a query is about or, for unsealed events, the newest.
func askedSeal(c *conn, pool int64, q storage.EventQuery) (*storage.SealRecord, error) {
	switch {
	case q.Seal != 0:
		return absent(scanSeal(c.row(selectSeal, pool, q.Seal)))
	case q.Unsealed:
		return absent(scanSeal(c.row(lastSeal, pool)))
	}
	return nil, nil
}

func scanSeal(r row) (*storage.SealRecord, error) {
	s := new(storage.SealRecord)
	var at when
	err := r.Scan(&s.Number, &s.Previous, &s.Digest, &s.Count, &s.MAC, &at)
	s.Time = at.Time
	return s, err
}

// Pools implements [storage.Store].
func (s *Store) Pools(ctx context.Context, q storage.PoolQuery) (out storage.PoolPage, err error) {
	if err := s.usable(ctx); err != nil {
		return out, err
	}
	after, n, err := keyset.Begin(q.After, "pool", q.Limit)
	if err != nil {
		return out, err
	}
	err = s.read(ctx, func(c *conn) error {
		rows, err := queryPools(c, q, after.ID, n+1)
		out.Pools, err = collect(rows, err, scanPool)
		return err
	})
	out.Pools, out.Next = keyset.Cut(out.Pools, n, func(p *storage.Pool) keyset.Place { return keyset.Place{List: "pool", ID: string(p.ID)} })
	out.Pools = slices.DeleteFunc(out.Pools, func(p *storage.Pool) bool { // what the index did not decide
		return q.ID != "" && p.ID != q.ID || q.Issuer != "" && p.Issuer != q.Issuer ||
			q.Client != "" && !slices.Contains(p.Clients, q.Client)
	})
	return out, err
}

func queryPools(c *conn, q storage.PoolQuery, after string, n int) (*sql.Rows, error) {
	switch {
	case q.Client != "":
		return c.query(poolOfClient, q.Deleted, after, q.Client, n)
	case q.Issuer != "":
		return c.query(poolOfIssuer, q.Deleted, after, q.Issuer, n)
	case q.ID != "":
		return c.query(onePool, q.Deleted, after, string(q.ID), n)
	}
	return c.query(listPools, q.Deleted, after, n)
}
