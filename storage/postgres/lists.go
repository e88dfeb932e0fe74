package postgres

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/keyset"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	listSessions = `SELECT ` + sessionColumnNames + ` FROM userpool_sessions AS s
		WHERE pool = $1 AND user_id = $2 AND ends > $3 AND (created, id) > ($4, $5) ORDER BY created, id LIMIT $6`
	listDocuments = `SELECT ` + documentColumnNames + ` FROM userpool_documents WHERE pool = $1 AND kind = $2 AND id > $3 ORDER BY id LIMIT $4`

	listEvents       = `SELECT ` + eventColumnNames + ` FROM userpool_events WHERE pool = $1 AND (time, id) > ($2, $3) ORDER BY time, id LIMIT $4`
	listEventsOfUser = `SELECT ` + eventColumnNames + ` FROM userpool_events
		WHERE pool = $1 AND user_id = $4 AND user_id <> '' AND (time, id) > ($2, $3) ORDER BY time, id LIMIT $5`
	newestEventsOfUser = `SELECT ` + eventColumnNames + ` FROM userpool_events
		WHERE pool = $1 AND user_id = $4 AND user_id <> '' AND (time, id) < ($2, $3) ORDER BY time DESC, id DESC LIMIT $5`
	listEventsOfSeal = `SELECT ` + eventColumnNames + ` FROM userpool_events
		WHERE pool = $1 AND seal = $4 AND (time, id) > ($2, $3) ORDER BY time, id LIMIT $5`
	sealColumnNames = `number, previous, digest, count, mac, time`
	selectSeal      = `SELECT ` + sealColumnNames + ` FROM userpool_seals WHERE pool = $1 AND number = $2`
	lastSeal        = `SELECT ` + sealColumnNames + ` FROM userpool_seals WHERE pool = $1 ORDER BY number DESC LIMIT 1`

	poolColumnNames = `p.id, p.version, p.issuer, p.searchable, p.clients, p.created, p.epoch,
		(SELECT coalesce(sum(c.users), 0)::bigint FROM userpool_counts AS c WHERE c.pool = p.id), p.deleted`
	listPools    = `SELECT ` + poolColumnNames + ` FROM userpool_pools AS p WHERE p.deleted = $1 AND p.id > $2 ORDER BY p.id LIMIT $3`
	onePool      = `SELECT ` + poolColumnNames + ` FROM userpool_pools AS p WHERE p.deleted = $1 AND p.id > $2 AND p.id = $4 LIMIT $3`
	poolOfIssuer = `SELECT ` + poolColumnNames + ` FROM userpool_issuers AS i JOIN userpool_pools AS p ON p.id = i.pool
		WHERE p.deleted = $1 AND p.id > $2 AND i.issuer = $4 AND p.issuer = i.issuer LIMIT $3`
	poolOfClient = `SELECT ` + poolColumnNames + ` FROM userpool_clients AS c JOIN userpool_pools AS p ON p.id = c.pool
		WHERE p.deleted = $1 AND p.id > $2 AND c.client = $4 LIMIT $3`
)

// list queues a query and runs it for a pool that exists, as of one moment; one that does not has
// nothing to list.
func (s *Store) list(ctx context.Context, from source, pool user.PoolID, b *pgx.Batch) (exists bool, err error) {
	epoch := int64(0)
	b.Queue(s.sql(selectEpoch), key(pool)).QueryRow(func(row pgx.Row) error { return none(row.Scan(&epoch)) })
	err = s.snapshotOf(ctx, from, b)
	return epoch > 0 && err == nil, err
}

// Sessions implements [storage.Store].
func (s *Store) Sessions(ctx context.Context, pool user.PoolID, q storage.SessionQuery) (out storage.SessionPage, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return out, err
	}
	defer done()
	if q.Now.IsZero() {
		return out, fmt.Errorf("%w: a list of sessions needs the time", storage.ErrInvalid)
	}
	after, n, err := keyset.Begin(q.After, "session", q.Limit)
	if err != nil {
		return out, err
	}
	b := new(pgx.Batch)
	b.Queue(s.sql(listSessions), key(pool), key(q.User), q.Now.UnixMicro(), after.At, after.ID, n+1).Query(func(rows pgx.Rows) (err error) {
		out.Sessions, err = collect(rows, func(r pgx.Row) (*token.Session, error) { return scanSession(r, pool) })
		return err
	})
	if exists, err := s.list(ctx, s.primary(), pool, b); !exists {
		return storage.SessionPage{}, err
	}
	out.Sessions, out.Next = keyset.Cut(out.Sessions, n, func(x *token.Session) keyset.Place {
		return keyset.Place{List: "session", At: x.Created.UnixMicro(), ID: x.ID}
	})
	return out, nil
}

// Documents implements [storage.Store].
func (s *Store) Documents(ctx context.Context, pool user.PoolID, q storage.DocumentQuery) (out storage.DocumentPage, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return out, err
	}
	defer done()
	after, n, err := keyset.Begin(q.After, "document", q.Limit)
	if err != nil {
		return out, err
	}
	b := new(pgx.Batch)
	b.Queue(s.sql(listDocuments), key(pool), key(q.Kind), after.ID, n+1).Query(func(rows pgx.Rows) (err error) {
		out.Documents, err = collect(rows, func(r pgx.Row) (*storage.Document, error) { return scanDocument(r, pool) })
		return err
	})
	if exists, err := s.list(ctx, s.primary(), pool, b); !exists {
		return storage.DocumentPage{}, err
	}
	out.Documents, out.Next = keyset.Cut(out.Documents, n, func(d *storage.Document) keyset.Place { return keyset.Place{List: "document", ID: d.ID} })
	return out, nil
}

// Events implements [storage.Store].
func (s *Store) Events(ctx context.Context, pool user.PoolID, q storage.EventQuery) (out storage.EventPage, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return out, err
	}
	defer done()
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
	out, err = page(ctx, s, q.Stale, func(ctx context.Context, from source) (storage.EventPage, bool, error) {
		return s.events(ctx, from, pool, q, after, n)
	})
	if err != nil {
		return storage.EventPage{}, err
	}
	out.Events, out.Next = keyset.Cut(out.Events, n, func(e *storage.Event) keyset.Place {
		return keyset.Place{List: list, At: e.Time.UnixMicro(), ID: e.ID}
	})
	return out, nil
}

// events reads one event more than a page has.
func (s *Store) events(
	ctx context.Context, from source, pool user.PoolID, q storage.EventQuery, after keyset.Place, n int,
) (out storage.EventPage, exists bool, err error) {
	b := new(pgx.Batch)
	s.askSeal(b, pool, q, &out)
	query, args := listEvents, []any{key(pool), after.At, after.ID}
	switch {
	case q.Newest && q.After == "":
		query, args = newestEventsOfUser, []any{key(pool), int64(math.MaxInt64), "", key(q.User)}
	case q.Newest:
		query, args = newestEventsOfUser, append(args, key(q.User))
	case q.User != "":
		query, args = listEventsOfUser, append(args, key(q.User))
	case q.Unsealed || q.Seal != 0:
		query, args = listEventsOfSeal, append(args, q.Seal)
	}
	b.Queue(s.sql(query), append(args, n+1)...).Query(func(rows pgx.Rows) (err error) {
		out.Events, err = collect(rows, func(r pgx.Row) (*storage.Event, error) { return scanEvent(r, pool) })
		return err
	})
	exists, err = s.list(ctx, from, pool, b)
	return out, exists, err
}

// askSeal queues the query for the seal that is asked about or, for unsealed events, the newest.
func (s *Store) askSeal(b *pgx.Batch, pool user.PoolID, q storage.EventQuery, out *storage.EventPage) {
	take := func(row pgx.Row) (err error) {
		out.Seal, err = absent(scanSeal(row))
		return err
	}
	switch {
	case q.Seal != 0:
		b.Queue(s.sql(selectSeal), key(pool), q.Seal).QueryRow(take)
	case q.Unsealed:
		b.Queue(s.sql(lastSeal), key(pool)).QueryRow(take)
	}
}

func scanSeal(r pgx.Row) (*storage.SealRecord, error) {
	s := new(storage.SealRecord)
	var at *int64
	err := r.Scan(&s.Number, &s.Previous, &s.Digest, &s.Count, &s.MAC, &at)
	s.Time = when(at)
	return s, err
}

// Pools implements [storage.Store].
func (s *Store) Pools(ctx context.Context, q storage.PoolQuery) (out storage.PoolPage, err error) {
	done, err := s.begin(ctx)
	if err != nil {
		return out, err
	}
	defer done()
	after, n, err := keyset.Begin(q.After, "pool", q.Limit)
	if err != nil {
		return out, err
	}
	query, args := listPools, []any{q.Deleted, after.ID, n + 1}
	switch {
	case q.Client != "":
		query, args = poolOfClient, append(args, key(q.Client))
	case q.Issuer != "":
		query, args = poolOfIssuer, append(args, key(q.Issuer))
	case q.ID != "":
		query, args = onePool, append(args, key(q.ID))
	}
	b := new(pgx.Batch)
	b.Queue(s.sql(query), args...).Query(func(rows pgx.Rows) (err error) {
		out.Pools, err = collect(rows, scanPool)
		return err
	})
	if err := s.snapshot(ctx, b); err != nil {
		return storage.PoolPage{}, err
	}
	out.Pools, out.Next = keyset.Cut(out.Pools, n, func(p *storage.Pool) keyset.Place { return keyset.Place{List: "pool", ID: string(p.ID)} })
	out.Pools = slices.DeleteFunc(out.Pools, func(p *storage.Pool) bool { // what the index did not decide
		return q.ID != "" && p.ID != q.ID || q.Issuer != "" && p.Issuer != q.Issuer ||
			q.Client != "" && !slices.Contains(p.Clients, q.Client)
	})
	return out, nil
}
