//go:build unix

package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/internal/crowd"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// crowded returns a store of n users of a kind, with so many connections, all in use once.
func crowded(b *testing.B, n, connections int, person func(n int) *user.User) *postgres.Store {
	b.Helper()
	url := fmt.Sprintf("%s&pool_min_conns=%d&pool_max_conns=%d", postgrestest.Schema(b), connections, connections)
	st, err := postgres.Open(b.Context(), url, postgres.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	if err := st.Commit(b.Context(), storage.Put(&storage.Pool{ID: crowd.Pool, Searchable: []string{"name"}, Created: crowd.Noon})); err != nil {
		b.Fatal(err)
	}
	load := func(n int) storage.Change { return storage.Put(person(n)) }
	if err := postgres.Load(b.Context(), st, crowd.Pool, n, load); err != nil {
		b.Fatal(err)
	}
	held := make([]*pgxpool.Conn, connections)
	for i := range held {
		if held[i], err = st.Pool().Acquire(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range held {
		c.Release()
	}
	return st
}

var serial atomic.Int64

func grant(of *user.User) *token.Session {
	n := serial.Add(1)
	at := crowd.Noon.Add(time.Duration(n) * time.Millisecond)
	return &token.Session{
		ID: fmt.Sprintf("session-%016d", n), Pool: string(crowd.Pool), User: string(of.ID), Epoch: 1, Kind: token.Grant, Client: "app",
		Proofs: []token.Proof{{Method: token.MethodPassword, Revision: 1, Time: at}}, Created: at, LastUsed: at,
		Expires: at.Add(30 * 24 * time.Hour), Key: make([]byte, 60),
	}
}

func happened(to *user.User) *storage.Event {
	n := serial.Add(1)
	leaf := sha256.Sum256(fmt.Append(nil, n))
	return &storage.Event{
		Pool: crowd.Pool, ID: fmt.Sprintf("event-%018d", n), Time: crowd.Noon.Add(time.Duration(n) * time.Millisecond), User: to.ID,
		Kind: "sign_in", Header: make([]byte, 200), Personal: make([]byte, 120), Leaf: leaf[:],
	}
}

// locking is how the pool counts guesses at a password.
var locking = storage.Rule{Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: time.Hour, Ceiling: 100}

func signIn(u *user.User) []storage.Change {
	failures := storage.CounterKey{Pool: crowd.Pool, Owner: string(u.ID), Name: "password"}
	return []storage.Change{
		storage.Require(u), storage.Clear{Key: failures, Rule: locking, Now: crowd.Noon}, storage.Put(grant(u)), storage.Put(happened(u)),
	}
}

// What a program would send for a sign-in and for a refresh that knew nothing but the tables, and
// trusted that the pool is there.
const (
	bareUser    = `SELECT 1 FROM userpool_users WHERE id = $1 AND version = $2 FOR SHARE`
	bareSession = `INSERT INTO userpool_sessions (pool, user_id, id, version, epoch, kind, parent, client, proofs, created, last_used, idle,
			expires, ends, confirmation, device, family_key, generation, rotated)
		VALUES ($1, $2, $3, $4, 1, 'grant', '', $5, $6, $7, $7, 0, $8, $8, '', '', $9, 0, NULL)`
	bareRotation = `UPDATE userpool_sessions SET version = $4, last_used = $5, ends = $6, generation = $7, rotated = $5
		WHERE pool = $1 AND user_id = $2 AND id = $3 AND version = $8`
	bareEvent = `INSERT INTO userpool_events (pool, id, time, user_id, kind, header, personal, leaf, seal)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`
	bareCounter = `INSERT INTO userpool_counters AS k (pool, owner, name, n, run, start, locked, expires) VALUES ($1, $2, $3, 0, 0, NULL, NULL, $4)
		ON CONFLICT (pool, owner, name) DO UPDATE SET n = 0, run = 0, start = NULL, locked = NULL, expires = $4`
)

func addEvent(batch *pgx.Batch, e *storage.Event) {
	batch.Queue(bareEvent, string(crowd.Pool), e.ID, e.Time.UnixMicro(), string(e.User), e.Kind, e.Header, e.Personal, e.Leaf)
}

func bareSignIn(u *user.User) *pgx.Batch {
	s, batch := grant(u), new(pgx.Batch)
	batch.Queue("BEGIN")
	batch.Queue(bareUser, string(u.ID), u.Version)
	batch.Queue(bareSession, s.Pool, s.User, s.ID, storage.NewStamp(), s.Client, `[["password"]]`, s.Created.UnixMicro(), s.Expires.UnixMicro(), s.Key)
	addEvent(batch, happened(u))
	batch.Queue(bareCounter, string(crowd.Pool), string(u.ID), "password", crowd.Noon.UnixMicro())
	batch.Queue("COMMIT")
	return batch
}

// same is what a commit sends, sent by hand.
func same(changes []storage.Change) *pgx.Batch {
	batch := new(pgx.Batch)
	batch.Queue("BEGIN")
	statements, err := postgres.Statements(crowd.Pool, changes...)
	if err != nil {
		panic(err)
	}
	for _, s := range statements {
		batch.Queue(s.SQL, s.Args...)
	}
	batch.Queue("COMMIT")
	return batch
}

func send(pool *pgxpool.Pool, batch *pgx.Batch) error {
	return pool.SendBatch(context.Background(), batch).Close()
}

const crowdSize = 5000

// BenchmarkSignIn commits what a sign-in does, beside the statements that a program would send.
func BenchmarkSignIn(b *testing.B) {
	for _, callers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			st := crowded(b, crowdSize, min(callers, 16), crowd.Person)
			all := everybody(b, st)
			pool := st.Pool()
			compare(b, pool, callers,
				&side{name: "store", op: func(int) error { return st.Commit(b.Context(), signIn(all[rand.IntN(crowdSize)])...) }},
				&side{name: "bare", op: func(int) error { return send(pool, bareSignIn(all[rand.IntN(crowdSize)])) }},
				&side{name: "same", op: func(int) error { return send(pool, same(signIn(all[rand.IntN(crowdSize)]))) }},
			)
			reportBloat(b, st)
		})
	}
}

// BenchmarkRefresh commits what a refresh does, beside the statements that a program would send.
func BenchmarkRefresh(b *testing.B) {
	for _, callers := range []int{1, 4, 16, 64} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			st := crowded(b, crowdSize, min(callers, 16), crowd.Person)
			all := everybody(b, st)
			sessions := make([]*token.Session, callers)
			for i := range sessions {
				put := storage.Put(grant(all[i]))
				if err := st.Commit(b.Context(), put); err != nil {
					b.Fatal(err)
				}
				sessions[i] = put.Record.(*token.Session).Clone()
				sessions[i].Version = put.Stamp
			}
			// Each caller has one session and turns it on.
			next := func(caller int) (*user.User, storage.PutRecord) {
				s := sessions[caller].Clone()
				s.Generation, s.LastUsed = s.Generation+1, s.LastUsed.Add(time.Second)
				s.Rotated = s.LastUsed
				put := storage.Put(s)
				sessions[caller] = s.Clone()
				sessions[caller].Version = put.Stamp
				return all[caller], put
			}
			changes := func(caller int) []storage.Change {
				u, put := next(caller)
				return []storage.Change{put, storage.Require(u), storage.Put(happened(u))}
			}
			pool := st.Pool()
			bare := func(caller int) error {
				u, put := next(caller)
				s, batch := put.Record.(*token.Session), new(pgx.Batch)
				batch.Queue("BEGIN")
				batch.Queue(bareUser, string(u.ID), u.Version)
				batch.Queue(bareRotation, s.Pool, s.User, s.ID, put.Stamp, s.LastUsed.UnixMicro(), s.Expires.UnixMicro(), s.Generation, s.Version)
				addEvent(batch, happened(u))
				batch.Queue("COMMIT")
				return send(pool, batch)
			}
			compare(b, pool, callers,
				&side{name: "store", op: func(c int) error { return st.Commit(b.Context(), changes(c)...) }},
				&side{name: "bare", op: bare},
				&side{name: "same", op: func(c int) error { return send(pool, same(changes(c))) }},
			)
			reportBloat(b, st)
		})
	}
}

// everybody returns the users with the stamps that they have.
func everybody(b *testing.B, st *postgres.Store) []*user.User {
	b.Helper()
	all := make([]*user.User, crowdSize)
	for i := range all {
		got, err := st.Read(b.Context(), crowd.Pool, storage.Want{Now: crowd.Noon, User: user.ByID(crowd.ID(i))})
		if err != nil || got.User == nil {
			b.Fatal(got.User, err)
		}
		all[i] = got.User
	}
	return all
}

// reportBloat tells how many updates left the indexes alone.
func reportBloat(b *testing.B, st *postgres.Store) {
	const hot = `SELECT relname, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = current_schema() AND n_tup_upd > 0`
	rows, err := st.Pool().Query(b.Context(), hot)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		var updates, hot int64
		if err := rows.Scan(&table, &updates, &hot); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(hot)/float64(updates), "hot/"+table)
	}
}
