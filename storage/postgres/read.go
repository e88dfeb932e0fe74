package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Whom a read is about, as ids of users: every statement of it begins with one of these. $1 is the
// pool, $2 the time; what follows is the key.
const (
	isLive = ` AND (u.expires IS NULL OR u.expires > $2::bigint)`

	whoByID      = `SELECT u.id FROM userpool_users AS u WHERE u.pool = $1 AND u.id = $3` + isLive
	whoByLogin   = `SELECT coalesce((SELECT l.user_id FROM userpool_logins AS l WHERE l.pool = $1 AND l.ns = $3 AND l.value = $4), ` + newestAttempt + `)`
	whoBySession = `SELECT u.id FROM userpool_sessions AS s JOIN userpool_users AS u ON u.id = s.user_id AND u.pool = s.pool
		WHERE s.pool = $1 AND s.user_id = $3 AND s.id = $4 AND s.ends > $2::bigint` + isLive
	whoByTickets = `SELECT u.id FROM userpool_users AS u WHERE u.pool = $1` + isLive + ` AND u.id = (
		SELECT t.user_id FROM userpool_tickets AS t WHERE t.pool = $1 AND t.id = ANY($3::text[]) AND t.expires > $2::bigint AND t.user_id <> ''
		ORDER BY array_position($3::text[], t.id) LIMIT 1)`
	whoByEither = `SELECT coalesce((` + whoBySession + `), (SELECT u.id FROM userpool_users AS u WHERE u.pool = $1` + isLive + ` AND u.id = (
		SELECT t.user_id FROM userpool_tickets AS t WHERE t.pool = $1 AND t.id = ANY($5::text[]) AND t.expires > $2::bigint AND t.user_id <> ''
		ORDER BY array_position($5::text[], t.id) LIMIT 1)))`
	newestAttempt = `(SELECT x.id FROM userpool_attempts AS a JOIN userpool_users AS x ON x.id = a.user_id
		WHERE a.pool = $1 AND a.ns = $3 AND a.value = $4 AND x.expires > $2::bigint ORDER BY x.created DESC, x.id DESC LIMIT 1)`

	selectEpoch = `SELECT epoch FROM userpool_pools WHERE id = $1 AND NOT deleted`
	selectUser  = `SELECT ` + userColumnNames + ` FROM userpool_users AS u WHERE u.id = (`
	// A pool with the one user that a read is about, or with a session and its owner: most reads are
	// no more than that.
	poolAndUser    = `SELECT p.epoch, ` + userColumnNames + ` FROM userpool_pools AS p LEFT JOIN userpool_users AS u ON u.id = (`
	poolAndSession = `SELECT p.epoch, ` + userColumnNames + `, ` + sessionColumnNames + ` FROM userpool_pools AS p
		LEFT JOIN userpool_sessions AS s ON s.pool = $1 AND s.user_id = $3 AND s.id = $4 AND s.ends > $2::bigint
		LEFT JOIN userpool_users AS u ON u.id = s.user_id AND u.pool = s.pool` + isLive + inPool
	inPool         = ` WHERE p.id = $1 AND NOT p.deleted`
	selectSession  = `SELECT ` + sessionColumnNames + ` FROM userpool_sessions AS s WHERE s.pool = $1 AND s.user_id = $2 AND s.id = $3 AND s.ends > $4`
	selectTickets  = `SELECT ` + ticketColumnNames + ` FROM userpool_tickets WHERE pool = $1 AND id = ANY($2::text[]) AND expires > $3`
	selectCounters = `SELECT owner, name, n, run, start, locked, expires FROM userpool_counters WHERE pool = $1 AND owner = $2 AND name = ANY($3::text[])`
	// The counters of the user who is found, with whose they are.
	countersOfWho   = `SELECT owner, name, n, run, start, locked, expires FROM userpool_counters WHERE pool = $1 AND owner = (`
	selectDocuments = `SELECT ` + documentColumnNames + ` FROM userpool_documents WHERE pool = $1 AND kind = $2 AND id = ANY($3::text[])`
	selectCounter   = `SELECT n, run, start, locked, expires FROM userpool_counters WHERE pool = $1 AND owner = $2 AND name = $3`

	beginRead = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
)

// Read implements [storage.Store]. It is one round trip.
func (s *Store) Read(ctx context.Context, pool user.PoolID, w storage.Want) (storage.Got, error) {
	done, err := s.begin(ctx)
	if err != nil {
		return storage.Got{}, err
	}
	defer done()
	if err := checkWant(pool, w); err != nil {
		return storage.Got{}, err
	}
	r := newReading(s, pool, w)
	if err := s.snapshot(ctx, r.batch); err != nil {
		return storage.Got{}, err
	}
	if r.got.PoolEpoch == 0 {
		return storage.Got{}, nil
	}
	r.settle()
	return r.got, nil
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

// snapshot sends queries in one round trip, all as of one moment. One alone is that by itself.
func (s *Store) snapshot(ctx context.Context, queries *pgx.Batch) error {
	return snapshot(ctx, s.pool, queries)
}

func snapshot(caller context.Context, from *pgxpool.Pool, queries *pgx.Batch) error {
	ctx, cancel := context.WithTimeout(caller, readTime)
	defer cancel()
	conn, err := acquire(caller, ctx, from)
	if err != nil {
		return err
	}
	defer conn.Release()
	if queries.Len() > 1 {
		b := new(pgx.Batch)
		b.Queue(beginRead)
		b.QueuedQueries = append(b.QueuedQueries, queries.QueuedQueries...)
		b.Queue("COMMIT")
		queries = b
	}
	err = conn.SendBatch(ctx, queries).Close()
	if err != nil {
		rollback(ctx, conn)
	}
	if err != nil && caller.Err() == nil {
		err = ours(err)
	}
	return unread(caller, err)
}

// reading is what one Read is about.
type reading struct {
	store *Store
	pool  user.PoolID
	want  storage.Want
	batch *pgx.Batch
	got   storage.Got

	tickets map[string]*storage.Ticket
	counted map[storage.CounterKey]storage.Counter
	stored  map[storage.DocumentKey]*storage.Document
}

func newReading(s *Store, pool user.PoolID, w storage.Want) *reading {
	r := &reading{
		store: s, pool: pool, want: w, batch: new(pgx.Batch), tickets: make(map[string]*storage.Ticket, len(w.Tickets)),
		counted: make(map[storage.CounterKey]storage.Counter, len(w.Counters)),
		stored:  make(map[storage.DocumentKey]*storage.Document, len(w.Documents)),
	}
	who, args := r.who()
	alone := who == whoBySession
	switch {
	case alone:
		r.queue(poolAndSession, args...).Query(r.found)
	case who != "":
		r.queue(poolAndUser+who+`)`+inPool, args...).Query(r.found)
	default:
		r.queue(selectEpoch, key(pool)).QueryRow(func(row pgx.Row) error { return none(row.Scan(&r.got.PoolEpoch)) })
	}
	if w.Session.ID != "" && !alone {
		r.queue(selectSession, key(pool), key(w.Session.User), key(w.Session.ID), w.Now.UnixMicro()).QueryRow(func(row pgx.Row) (err error) {
			r.got.Session, err = absent(scanSession(row, pool))
			return err
		})
	}
	if len(w.Tickets) > 0 {
		r.queue(selectTickets, key(pool), keys(w.Tickets), w.Now.UnixMicro()).Query(func(rows pgx.Rows) error {
			return each(rows, func() error {
				t, err := scanTicket(rows, pool)
				if err == nil {
					r.tickets[t.ID] = t
				}
				return err
			})
		})
	}
	r.attempt()
	r.counters(who, args)
	r.documents()
	return r
}

func (r *reading) queue(query string, args ...any) *pgx.QueuedQuery {
	return r.batch.Queue(r.store.sql(query), args...)
}

// who returns the query for the one user whom the read is about, and its arguments; "" is nobody.
func (r *reading) who() (query string, args []any) {
	w, args := r.want, []any{key(r.pool), r.want.Now.UnixMicro()}
	if id, ok := w.User.ID(); ok {
		return whoByID, append(args, key(id))
	}
	if ns, value, ok := w.User.Login(); ok {
		return whoByLogin, append(args, key(ns), key(value))
	}
	switch {
	case w.Session.ID != "" && len(w.Tickets) > 0:
		return whoByEither, append(args, key(w.Session.User), key(w.Session.ID), keys(w.Tickets))
	case w.Session.ID != "":
		return whoBySession, append(args, key(w.Session.User), key(w.Session.ID))
	case len(w.Tickets) > 0:
		return whoByTickets, append(args, keys(w.Tickets))
	}
	return "", nil
}

// found takes the epoch of the pool, then the columns of a user and those of a session.
func (r *reading) found(rows pgx.Rows) error {
	return each(rows, func() (err error) {
		if (columns{rows, 1}).any() {
			r.got.User, err = scanUser(columns{rows, 0}, r.pool, &r.got.PoolEpoch)
		} else {
			err = columns{rows, 0}.Scan(&r.got.PoolEpoch)
		}
		if s := (columns{rows, 2 + strings.Count(userColumnNames, ",")}); err == nil && s.any() {
			r.got.Session, err = scanSession(s, r.pool)
		}
		return err
	})
}

// columns are those of a row from one on.
type columns struct {
	pgx.Rows
	from int
}

// any tells whether there are any, and not those of a join that found nothing.
func (c columns) any() bool {
	all := c.RawValues()
	return len(all) > c.from && all[c.from] != nil
}

// Scan implements [pgx.Row].
func (c columns) Scan(dest ...any) error {
	if n := len(c.RawValues()); n > len(dest) {
		all := make([]any, n)
		copy(all[c.from:], dest)
		dest = all
	}
	return c.Rows.Scan(dest...)
}

func (r *reading) attempt() {
	if ns, value, ok := r.want.Attempt.Login(); ok {
		args := []any{key(r.pool), r.want.Now.UnixMicro(), key(ns), key(value)}
		r.queue(selectUser+newestAttempt+`)`, args...).QueryRow(func(row pgx.Row) (err error) {
			r.got.Attempt, err = absent(scanUser(row, r.pool))
			return err
		})
	}
}

// counters queues a query for each owner of counters: the one who is found, and those named.
func (r *reading) counters(who string, args []any) {
	if len(r.want.Counters) == 0 {
		return
	}
	names := map[string][]string{}
	var owners []string
	for _, k := range r.want.Counters {
		if names[k.Owner] == nil {
			owners = append(owners, k.Owner)
		}
		names[k.Owner] = append(names[k.Owner], key(k.Name))
	}
	take := func(rows pgx.Rows) error {
		return each(rows, func() error {
			c := storage.Counter{Key: storage.CounterKey{Pool: r.pool}}
			var start, until, expires *int64
			err := rows.Scan(&c.Key.Owner, &c.Key.Name, &c.N, &c.Run, &start, &until, &expires)
			c.Start, c.Until, c.Expires = when(start), when(until), when(expires)
			r.counted[c.Key] = c
			return err
		})
	}
	for _, owner := range owners {
		switch {
		case owner != "":
			r.queue(selectCounters, key(r.pool), key(owner), names[owner]).Query(take)
		case who != "":
			list := fmt.Sprintf(`) AND name = ANY($%d::text[])`, len(args)+1)
			r.queue(countersOfWho+who+list, append(args[:len(args):len(args)], names[owner])...).Query(take)
		}
	}
}

func (r *reading) documents() {
	ids := map[string][]string{}
	var kinds []string
	for _, k := range r.want.Documents {
		if ids[k.Kind] == nil {
			kinds = append(kinds, k.Kind)
		}
		ids[k.Kind] = append(ids[k.Kind], key(k.ID))
	}
	for _, kind := range kinds {
		r.queue(selectDocuments, key(r.pool), key(kind), ids[kind]).Query(func(rows pgx.Rows) error {
			return each(rows, func() error {
				d, err := scanDocument(rows, r.pool)
				if err == nil {
					r.stored[storage.DocumentKey{Kind: d.Kind, ID: d.ID}] = d
				}
				return err
			})
		})
	}
}

// settle puts what was found in the order in which it was wanted.
func (r *reading) settle() {
	w, got := r.want, &r.got
	for _, id := range w.Tickets {
		t := r.tickets[id]
		if t != nil {
			t = t.Clone() // it may be wanted twice
		}
		got.Tickets = append(got.Tickets, t)
	}
	got.Counters = make([]storage.Counter, len(w.Counters))
	for i, k := range w.Counters {
		if k.Owner == "" && got.User != nil {
			k.Owner = string(got.User.ID)
		}
		c, ok := r.counted[k]
		if !ok {
			c.Key = k
		}
		got.Counters[i] = unexpired(c, w.Now)
	}
	for _, k := range w.Documents {
		d := r.stored[k]
		if d != nil {
			d = d.Clone()
		}
		got.Documents = append(got.Documents, d)
	}
}

// counter reads one counter as it is now.
func (s *Store) counter(ctx context.Context, from batcher, k storage.CounterKey) (storage.Counter, error) {
	c := storage.Counter{Key: k}
	var start, until, expires *int64
	row := from.QueryRow(ctx, s.sql(selectCounter), string(k.Pool), k.Owner, k.Name)
	err := none(row.Scan(&c.N, &c.Run, &start, &until, &expires))
	c.Start, c.Until, c.Expires = when(start), when(until), when(expires)
	return c, err
}

// none turns the error of a row that is not there into nil.
func none(err error) error {
	if _, err := absent(new(int), err); err != nil {
		return err
	}
	return nil
}

func keys[T ~string](texts []T) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = key(t)
	}
	return out
}

// each runs f for each row.
func each(rows pgx.Rows, f func() error) error {
	for rows.Next() {
		if err := f(); err != nil {
			return err
		}
	}
	return rows.Err()
}
