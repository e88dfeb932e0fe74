package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// barePostgres sends what belongs together in one round trip, prepared.
type barePostgres struct {
	pool     *pgxpool.Pool
	sessions bareSessions
}

const (
	pgColumns = userColumns + `::text`
	pgByLogin = `SELECT ` + pgColumns + ` FROM userpool_logins AS l JOIN userpool_users AS u ON u.id = l.user_id
		WHERE l.pool = 'default' AND l.ns = $1 AND l.value = $2`
	pgByID      = `SELECT ` + pgColumns + ` FROM userpool_users AS u WHERE u.pool = 'default' AND u.id = $1`
	pgByCreated = `SELECT ` + pgColumns + ` FROM userpool_users AS u WHERE u.pool = 'default' AND u.created >= $1 ORDER BY u.created, u.id LIMIT 60`
	pgByPrefix  = `SELECT ` + pgColumns + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = 'default' AND i.name = 'name' AND i.value >= $1 AND i.value < $2 ORDER BY i.value, i.user_id LIMIT 60`
	pgByGroup = `SELECT ` + pgColumns + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = 'default' AND i.name = 'group' AND i.value = $1 ORDER BY i.user_id LIMIT 60`
	pgSession = `SELECT s.version, s.generation, s.family_key, s.proofs, ` + pgColumns + ` FROM userpool_sessions AS s
		JOIN userpool_users AS u ON u.id = s.user_id WHERE s.pool = 'bare' AND s.user_id = $1 AND s.id = $2 AND s.ends > $3`

	pgRequire       = `SELECT version FROM userpool_users WHERE id = $1 FOR SHARE`
	pgInsertSession = `INSERT INTO userpool_sessions (pool, user_id, id, version, epoch, kind, parent, client, proofs, created, last_used, idle,
		expires, ends, confirmation, device, family_key, generation, rotated)
		VALUES ('bare', $1, $2, $3, 1, 'grant', '', 'default', $4, $5, $5, 0, $6, $6, '', '', $7, 1, NULL)`
	pgUpdateSession = `UPDATE userpool_sessions SET version = $1, last_used = $2, generation = generation + 1, rotated = $2, ends = $3
		WHERE pool = 'bare' AND user_id = $4 AND id = $5 AND version = $6`
	pgInsertEvent = `INSERT INTO userpool_events (pool, id, time, user_id, kind, header, personal, leaf, seal)
		VALUES ('bare', $1, $2, $3, 'sign_in', $4, $5, $6, 0)`
	pgClear = `INSERT INTO userpool_counters (pool, owner, name, n, run, start, locked, expires) VALUES ('bare', $1, 'password', 0, 0, NULL, NULL, $2)
		ON CONFLICT (pool, owner, name) DO UPDATE SET n = 0, run = 0, start = NULL, locked = NULL, expires = $2`
)

func newBarePostgres(ctx context.Context, address string) (*barePostgres, error) {
	p, err := pgxpool.New(ctx, address)
	return &barePostgres{pool: p}, err
}

func (b *barePostgres) close() error {
	b.pool.Close()
	return nil
}

func (b *barePostgres) one(ctx context.Context, query string, args ...any) error {
	var u bareUser
	return b.pool.QueryRow(ctx, query, args...).Scan(u.dest()...)
}

func (b *barePostgres) page(ctx context.Context, query string, args ...any) error {
	rows, err := b.pool.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		var u bareUser
		if err := rows.Scan(u.dest()...); err != nil {
			return err
		}
	}
	return least(n, rows.Err())
}

func (b *barePostgres) byLogin(ctx context.Context, login string) error {
	return b.one(ctx, pgByLogin, string(user.Name), login)
}

func (b *barePostgres) byID(ctx context.Context, id user.ID) error {
	return b.one(ctx, pgByID, string(id))
}

func (b *barePostgres) byCreated(ctx context.Context, from time.Time) error {
	return b.page(ctx, pgByCreated, from.UnixMicro())
}

func (b *barePostgres) byPrefix(ctx context.Context, name string) error {
	return b.page(ctx, pgByPrefix, name, name+"\U0010ffff")
}

func (b *barePostgres) byGroup(ctx context.Context, group string) error {
	return b.page(ctx, pgByGroup, group)
}

// transaction sends statements between those that begin and end one, all at once.
func (b *barePostgres) transaction(ctx context.Context, queue func(*pgx.Batch)) error {
	batch := new(pgx.Batch)
	batch.Queue("BEGIN")
	queue(batch)
	batch.Queue("COMMIT")
	return b.pool.SendBatch(ctx, batch).Close()
}

func (s *bareSession) insert(b *pgx.Batch) {
	b.Queue(pgInsertSession, s.user, s.id, s.version, s.proofs, s.at, s.ends, s.key)
}

func (e *bareEvent) insert(b *pgx.Batch, of string) {
	b.Queue(pgInsertEvent, e.id, e.at, of, e.header, e.personal, e.leaf)
}

func (b *barePostgres) signIn(ctx context.Context, id user.ID) error {
	s, e := newBareSession(id), newBareEvent()
	return b.transaction(ctx, func(q *pgx.Batch) {
		q.Queue(pgRequire, s.user)
		s.insert(q)
		e.insert(q, s.user)
		q.Queue(pgClear, s.user, e.at)
	})
}

func (b *barePostgres) start(ctx context.Context, caller int, ids []user.ID) error {
	return b.transaction(ctx, func(q *pgx.Batch) {
		for _, id := range ids {
			s := newBareSession(id)
			s.insert(q)
			b.sessions.add(caller, s)
		}
	})
}

func (b *barePostgres) refresh(ctx context.Context, caller int) error {
	s, now := b.sessions.next(caller), time.Now().UnixMicro()
	var u bareUser
	var generation int64
	var key []byte
	var proofs string
	if err := b.pool.QueryRow(ctx, pgSession, s.user, s.id, now).Scan(u.dest(&s.version, &generation, &key, &proofs)...); err != nil {
		return err
	}
	e := newBareEvent()
	return b.transaction(ctx, func(q *pgx.Batch) {
		q.Queue(pgRequire, s.user)
		q.Queue(pgUpdateSession, storage.NewStamp(), now, s.ends, s.user, s.id, s.version)
		e.insert(q, s.user)
	})
}
