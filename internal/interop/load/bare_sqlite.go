package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"runtime"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// nobodys is the number of the pool of the bare rows, which is none of the store's.
const nobodys = -1

const userColumns = `u.id, u.version, u.status, u.disabled, u.epoch, u.created, u.updated, u.digest, u.body`

// bareSQLite has one connection that writes, each commit a transaction of its own, and prepared
// statements.
type bareSQLite struct {
	read, write *sql.DB
	pool        int64
	reads       map[string]*sql.Stmt
	mu          sync.Mutex // held by who writes
	writes      map[string]*sql.Stmt
	sessions    bareSessions
}

const (
	sqliteByLogin = `SELECT ` + userColumns + ` FROM userpool_logins AS l JOIN userpool_users AS u ON u.key = l.user
		WHERE l.pool = ? AND l.ns = ? AND l.value = ?`
	sqliteByID      = `SELECT ` + userColumns + ` FROM userpool_users AS u WHERE u.pool = ? AND u.id = ?`
	sqliteByCreated = `SELECT ` + userColumns + ` FROM userpool_users AS u WHERE u.pool = ? AND u.created >= ? ORDER BY u.created, u.id LIMIT 60`
	sqliteByPrefix  = `SELECT ` + userColumns + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = ? AND i.name = 'name' AND i.value >= ? AND i.value < ? ORDER BY i.value, i.user_id LIMIT 60`
	sqliteByGroup = `SELECT ` + userColumns + ` FROM userpool_user_index AS i JOIN userpool_users AS u ON u.id = i.user_id
		WHERE i.pool = ? AND i.name = 'group' AND i.value = ? ORDER BY i.user_id LIMIT 60`
	sqliteSession = `SELECT s.version, s.generation, s.family_key, s.proofs, ` + userColumns + ` FROM userpool_sessions AS s
		JOIN userpool_users AS u ON u.id = s.user_id WHERE s.pool = ? AND s.user_id = ? AND s.id = ? AND s.ends > ?`

	sqliteRequire       = `SELECT version FROM userpool_users WHERE id = ?`
	sqliteInsertSession = `INSERT INTO userpool_sessions (version, epoch, kind, parent, client, proofs, created, last_used, idle, expires, ends,
		confirmation, device, family_key, generation, rotated, pool, user_id, id) VALUES (?, 1, 'grant', '', 'default', ?, ?, ?, 0, ?, ?, '', '', ?, 1, NULL, ?, ?, ?)`
	sqliteUpdateSession = `UPDATE userpool_sessions SET version = ?, last_used = ?, generation = generation + 1, rotated = ?, ends = ?
		WHERE pool = ? AND user_id = ? AND id = ? AND version = ?`
	sqliteInsertEvent = `INSERT INTO userpool_events (pool, id, time, user_id, kind, header, personal, leaf, seal) VALUES (?, ?, ?, ?, 'sign_in', ?, ?, ?, 0)`
)

func newBareSQLite(ctx context.Context, file string) (*bareSQLite, error) {
	source := "file:" + file + "?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)" +
		"&_pragma=cache_size(-8000)&_pragma=temp_store(MEMORY)&_pragma=wal_autocheckpoint(4000)&_txlock=immediate"
	b := &bareSQLite{reads: map[string]*sql.Stmt{}, writes: map[string]*sql.Stmt{}}
	var err error
	if b.read, err = sql.Open("sqlite", source); err != nil {
		return nil, err
	}
	b.write, _ = sql.Open("sqlite", source) // as the first
	b.write.SetMaxOpenConns(1)
	n := 2 * runtime.GOMAXPROCS(0)
	b.read.SetMaxOpenConns(n)
	b.read.SetMaxIdleConns(n)
	if err := b.read.QueryRowContext(ctx, `SELECT key FROM userpool_pools WHERE id = 'default'`).Scan(&b.pool); err != nil {
		return nil, err
	}
	for _, q := range []string{sqliteByLogin, sqliteByID, sqliteByCreated, sqliteByPrefix, sqliteByGroup, sqliteSession} {
		if b.reads[q], err = b.read.PrepareContext(ctx, q); err != nil {
			return nil, err
		}
	}
	for _, q := range []string{"BEGIN IMMEDIATE", "COMMIT", sqliteRequire, sqliteInsertSession, sqliteUpdateSession, sqliteInsertEvent} {
		if b.writes[q], err = b.write.PrepareContext(ctx, q); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *bareSQLite) close() error {
	b.read.Close()
	return b.write.Close()
}

// bareUser is where the columns of a user are scanned to.
type bareUser struct {
	id                      string
	version, epoch, created int64
	status                  int
	disabled                bool
	updated                 *int64
	digest, body            []byte
}

func (u *bareUser) dest(before ...any) []any {
	return append(before, &u.id, &u.version, &u.status, &u.disabled, &u.epoch, &u.created, &u.updated, &u.digest, &u.body)
}

func (b *bareSQLite) one(ctx context.Context, query string, args ...any) error {
	var u bareUser
	return b.reads[query].QueryRowContext(ctx, args...).Scan(u.dest()...)
}

func (b *bareSQLite) page(ctx context.Context, query string, args ...any) error {
	rows, err := b.reads[query].QueryContext(ctx, args...)
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

func least(n int, err error) error {
	if err == nil && n == 0 {
		return errMissing
	}
	return err
}

func (b *bareSQLite) byLogin(ctx context.Context, login string) error {
	return b.one(ctx, sqliteByLogin, b.pool, string(user.Name), login)
}

func (b *bareSQLite) byID(ctx context.Context, id user.ID) error {
	return b.one(ctx, sqliteByID, b.pool, string(id))
}

func (b *bareSQLite) byCreated(ctx context.Context, from time.Time) error {
	return b.page(ctx, sqliteByCreated, b.pool, from.UnixMicro())
}

func (b *bareSQLite) byPrefix(ctx context.Context, name string) error {
	return b.page(ctx, sqliteByPrefix, b.pool, name, name+"\U0010ffff")
}

func (b *bareSQLite) byGroup(ctx context.Context, group string) error {
	return b.page(ctx, sqliteByGroup, b.pool, group)
}

// transaction runs f between the statements that begin and end one, while no other runs.
func (b *bareSQLite) transaction(ctx context.Context, f func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.writes["BEGIN IMMEDIATE"].ExecContext(ctx); err != nil {
		return err
	}
	if err := f(); err != nil {
		return err
	}
	_, err := b.writes["COMMIT"].ExecContext(ctx)
	return err
}

func (b *bareSQLite) exec(ctx context.Context, query string, args ...any) error {
	r, err := b.writes[query].ExecContext(ctx, args...)
	if err != nil {
		return err
	}
	n, err := r.RowsAffected()
	return least(int(n), err)
}

func (b *bareSQLite) event(ctx context.Context, id string) error {
	e := newBareEvent()
	return b.exec(ctx, sqliteInsertEvent, nobodys, e.id, e.at, id, e.header, e.personal, e.leaf)
}

func (b *bareSQLite) require(ctx context.Context, id string) error {
	var version int64
	return b.writes[sqliteRequire].QueryRowContext(ctx, id).Scan(&version)
}

func (b *bareSQLite) insert(ctx context.Context, s *bareSession) error {
	return b.exec(ctx, sqliteInsertSession, s.version, s.proofs, s.at, s.at, s.ends, s.ends, s.key, nobodys, s.user, s.id)
}

func (b *bareSQLite) signIn(ctx context.Context, id user.ID) error {
	s := newBareSession(id)
	return b.transaction(ctx, func() error {
		if err := b.require(ctx, s.user); err != nil {
			return err
		}
		if err := b.insert(ctx, s); err != nil {
			return err
		}
		return b.event(ctx, s.user) // a counter that was never counted is not written
	})
}

func (b *bareSQLite) start(ctx context.Context, caller int, ids []user.ID) error {
	return b.transaction(ctx, func() error {
		for _, id := range ids {
			s := newBareSession(id)
			if err := b.insert(ctx, s); err != nil {
				return err
			}
			b.sessions.add(caller, s)
		}
		return nil
	})
}

func (b *bareSQLite) refresh(ctx context.Context, caller int) error {
	s, now := b.sessions.next(caller), time.Now().UnixMicro()
	var u bareUser
	var generation int64
	var key []byte
	var proofs string
	row := b.reads[sqliteSession].QueryRowContext(ctx, nobodys, s.user, s.id, now)
	if err := row.Scan(u.dest(&s.version, &generation, &key, &proofs)...); err != nil {
		return err
	}
	return b.transaction(ctx, func() error {
		if err := b.require(ctx, s.user); err != nil {
			return err
		}
		if err := b.exec(ctx, sqliteUpdateSession, storage.NewStamp(), now, now, s.ends, nobodys, s.user, s.id, s.version); err != nil {
			return err
		}
		return b.event(ctx, s.user)
	})
}

// bareSession is a session as it is stored.
type bareSession struct {
	id, user, proofs string
	version          int64
	at, ends         int64
	key              []byte
}

func newBareSession(id user.ID) *bareSession {
	now := time.Now()
	return &bareSession{
		id: rand.Text(), user: string(id), version: storage.NewStamp(), at: now.UnixMicro(), ends: now.Add(30 * 24 * time.Hour).UnixMicro(),
		proofs: `[{"m":"password","r":1,"t":1772366400000000}]`, key: make([]byte, 70),
	}
}

// bareEvent is an event as it is stored.
type bareEvent struct {
	id                     string
	at                     int64
	header, personal, leaf []byte
}

func newBareEvent() *bareEvent {
	e := &bareEvent{id: rand.Text(), at: time.Now().UnixMicro(), header: make([]byte, 178), personal: make([]byte, 147), leaf: make([]byte, 32)}
	return e
}

// bareSessions are those that callers refresh, each its own in turn.
type bareSessions struct {
	of   [maxCallers][]*bareSession
	turn [maxCallers]int
}

func (s *bareSessions) add(caller int, one *bareSession) { s.of[caller] = append(s.of[caller], one) }

func (s *bareSessions) next(caller int) *bareSession {
	s.turn[caller]++
	return s.of[caller][s.turn[caller]%len(s.of[caller])]
}
