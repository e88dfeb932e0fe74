// Package postgres keeps user pools in PostgreSQL, for programs that outgrow one machine.
//
//	st, err := postgres.Open(ctx, os.Getenv("DATABASE_URL"), postgres.Config{})
//	if err != nil {
//		return err
//	}
//	defer st.Close()
//
// It keeps the whole contract of [storage.Store] for any number of processes on one database. A
// commit is one round trip: begin, every statement and commit go out together, each condition is a
// statement that fails, and the place of the one that failed says which change was refused: a sign-in
// is six statements, a refresh five. A read is one round trip too, of one snapshot, and one statement
// where it is of a user, or of a session with its owner. What other commits make impossible, such as
// a deadlock, is tried again here, a few times.
//
// # The app's own rows
//
// Our tables are named userpool_*, and stand beside those of the app, or in [Config].Schema. The
// view userpool_user has a row for every user (id, pool_id, status, disabled, login, logins, email,
// phone_number, name, attributes, created, updated,
// groups), and userpool_users (id) may be what a foreign
// key of the app refers to. Rows that are to appear and go together with a user come from
// [Config].Also, and are written by the very commit that makes the user, whoever caused it:
//
//	func account(c storage.UserChange) []postgres.Exec {
//		if !c.Created() {
//			return nil // accounts has ON DELETE CASCADE
//		}
//		return []postgres.Exec{{SQL: `INSERT INTO accounts (user_id) VALUES ($1)`, Args: []any{string(c.User.ID)}}}
//	}
//
// A program that must own the transaction has [Store.CommitIn].
//
// # Roles and poolers
//
// [Open] brings the tables up to this version. A program whose role may not do that has
// [Config].Migrated, and calls [Migrate] from elsewhere, with a role that may.
//
// Behind a pooler that gives a connection to each transaction, such as pgbouncer, the URL says
// default_query_exec_mode=exec: no statement is then prepared, and what one client prepares another
// does not meet. Such a pooler refuses settings of a session, or passes them over where it is told
// to: so nothing but application_name, timezone and the like is in the URL. Where our tables are says
// [Config].Schema, not search_path; time limits are set on the role (ALTER ROLE app SET
// statement_timeout = '10s'). A commit and a read are each one transaction, from begin to commit in
// one message, so nothing of another client's falls between. The mode simple_protocol is refused:
// it would write values into statements.
//
// # Faults
//
// An error says what became of a commit. [storage.ErrRetry]: nothing was written, and it may be when it
// is sent again: no connection was to be had, the server starts, is a standby or read-only, a time
// limit ran out, something is full. [storage.ErrUnknown]: the answer is lost, as of a server that is
// killed while it commits. A read that fails so is an ErrRetry. Package pool reads to find out, and
// answers pool.ErrUnavailable, which hosted tells as 503. A connection that failed or led to a read-only
// server is not used again, and nothing must be restarted. A read ends within 15 seconds and
// all else within half a minute, also of a server that takes what is sent and never answers. A commit that was taken up goes on for a
// second after its caller's context ended, and is then given up, its outcome unknown.
//
// # Failover
//
// The URL names the primary and those that may take over, or whatever leads to the primary:
//
//	postgres://app@db1:5432,db2:5432/app
//
// [Open] uses the first that takes writes, never one that only reads, gives one that does not answer up
// after connect_timeout (5 seconds where the URL has none), and on Linux a machine that is cut off
// after 25 seconds. While there is no primary calls fail with [storage.ErrRetry], or
// [storage.ErrUnknown] where they may have been committed; they do so at once where servers refuse, and
// all is as before when one takes writes, without a restart. For [New] that is the app's to set.
//
// With a synchronous replica (synchronous_standby_names, and synchronous_commit on, its default;
// remote_apply is of no more use here, for nothing that matters is read from a replica) nothing that was
// acknowledged is lost, as long as only a replica that was in step is promoted: no user, session,
// revocation, event or counted guess, and no token or code is taken twice. PostgreSQL keeps that
// promise only while nobody ends a commit's wait for the replica: pg_cancel_backend does, and the server
// then acknowledges the commit; and so do we where no replica has answered for half a minute, or for a
// second after the caller has gone, which is [storage.ErrUnknown]. Such a commit stands on the primary
// alone, where whoever reads finds it. So after an ErrUnknown package pool does not take it for done
// because it finds it, but because another commit, which requires it, reached a replica: every commit
// waits, also one that only requires. Who asks for something a second time and hears that it is so
// already, such as to sign out, was only read to.
//
// Without one, the commits of the last moment are lost: users who had just come, but also a sign-out,
// a changed password or a counted guess, whose undoing nobody hears of. Refresh tokens given out by
// then are refused. Processes notice a server that started anew, read their settings again and keep
// what revocations they had heard of ([storage.Feed].Anew).
//
// A former primary that comes back must be fenced, by whoever promotes: a process that can reach only
// the one sees nothing of the other. With synchronous replication one that is alone acknowledges
// nothing for at least half a minute, because no replica follows it; with asynchronous replication it
// takes writes that are lost later.
//
// # Statistics
//
// A prepared statement keeps the plan that was good for the tables as they were, until they are
// analyzed. One made while they were empty, and vacuumed, walks through a table that a hundred thousand
// users have been loaded into since, for tens of milliseconds a read, until autovacuum comes by: within a
// minute as it is set by default. It must be on, and who loads many users at once ends with ANALYZE.
//
// # What is proven
//
// PostgreSQL 15, with storagetest whole, under load while it is restarted, killed, promoted, and its
// sessions terminated and cancelled; and pgbouncer 1.18 in its mode transaction, with storagetest
// whole on three connections. Aurora runs PostgreSQL's own code for what is used here, and was not
// tried.
//
// Engines that only speak its language are meant to be possible, and not promised: CockroachDB,
// YugabyteDB and Citus were never run. For their sake statements change a table once each, begin and
// end every transaction, and need no sequence, trigger, function of ours, LISTEN or advisory lock;
// errors at commit that nobody can settle (40003) are ErrUnknown; keys begin with the pool, and what
// a user has with pool and user. A test holds the statements to it. What stands in the way is known:
// the feed of changes goes by PostgreSQL's own transaction numbers (pg_current_snapshot), which
// several primaries do not share, and Citus would need userpool_users distributed by its id.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/storage"
)

// Config tunes a [Store]. The zero value is safe.
type Config struct {
	// Also returns the app's own statements for what a commit does to a user. It must be a pure
	// function: it is called before the commit is sent, once, and from many goroutines. The
	// statements run in the commit; one that fails fails the commit, which then writes nothing.
	// Statements for a user who is deleted run before the delete, all others after everything
	// else. They must not begin or end transactions. Nil means none.
	Also func(storage.UserChange) []Exec
	// Schema is where our tables are: a name of lower-case letters, digits and underscores, of at
	// most 63 bytes. It is made where there is none. "" means wherever search_path leads.
	Schema string
	// Migrated says that [Migrate] has been called by a role that may change tables. Open then
	// only looks whether the tables are those of this version.
	Migrated bool
	// Replica leads to a streaming replica of the database, which answers the lists whose callers
	// permit it ([storage.UserQuery].Stale, [storage.EventQuery].Stale), and nothing else. Where it
	// does not answer within two seconds, does not follow a primary, or does not have the pool or
	// our tables yet, the primary answers, and for the next ten seconds it is not asked. How far it
	// is behind nobody asks. It stays the app's: Close leaves it open. Nil means that the primary
	// answers everything.
	Replica *pgxpool.Pool
}

// Exec is a statement of the app's, to run inside a commit.
type Exec struct {
	SQL  string
	Args []any // as pgx takes them
}

// Store is a [storage.Store] in PostgreSQL. Make one with [Open] or [New].
type Store struct {
	pool    *pgxpool.Pool
	owned   bool // by Open: Close closes it
	config  Config
	replica replica
	queries sync.Map // of our statements, as they are written here to what is sent

	mu     sync.RWMutex // held for reading by calls under way
	closed bool
}

var _ storage.Store = (*Store)(nil)

// Open connects to the database at a URL or keyword/value string of libpq's, and brings its tables
// up to this version. Settings of the pool of connections go into the URL, such as pool_max_conns. Of
// several hosts in it only the one that takes writes is used, and a server that is cut off is given up
// within half a minute: see Failover above.
func Open(ctx context.Context, url string, config Config) (*Store, error) {
	pool, err := connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	s, err := New(ctx, pool, config)
	if err != nil {
		pool.Close()
		return nil, err
	}
	s.owned = true
	return s, nil
}

// New puts a store on a pool of connections that the app owns, and brings its tables up to this
// version. Close leaves the pool open.
func New(ctx context.Context, pool *pgxpool.Pool, config Config) (*Store, error) {
	if !schemaName.MatchString(config.Schema) {
		return nil, fmt.Errorf("%w: the schema is 1 to 63 lower-case letters, digits and underscores", storage.ErrInvalid)
	}
	if pool.Config().ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeSimpleProtocol {
		// Values would be written into statements, and only quoting would tell them apart.
		return nil, fmt.Errorf("%w: default_query_exec_mode=simple_protocol: take exec", storage.ErrInvalid)
	}
	s := &Store{pool: pool, config: config, replica: replica{pool: config.Replica}}
	if config.Migrated {
		if err := s.migrated(ctx); err != nil {
			return nil, fmt.Errorf("open postgres: %w", err)
		}
		return s, nil
	}
	if err := Migrate(ctx, pool, config.Schema); err != nil {
		return nil, fmt.Errorf("open postgres: %w", err)
	}
	return s, nil
}

var schemaName = regexp.MustCompile(`^([a-z_][a-z0-9_]{0,62})?$`)

// Pool returns the connections, for the app's own queries: those given to [New], or those that
// [Open] made and Close closes.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Close implements [storage.Store]. It waits for commits and reads under way.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first && s.owned {
		s.pool.Close()
	}
	return nil
}

// begin takes up a call, which ends with done.
func (s *Store) begin(ctx context.Context) (done func(), err error) {
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return nil, storage.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		s.mu.RUnlock()
		return nil, err
	}
	return s.mu.RUnlock, nil
}

var ourTables = regexp.MustCompile(`\b(FROM|JOIN|INTO|UPDATE) userpool_`)

// sql returns a statement of ours with its tables in their schema. A connection of a pooler may be
// anybody's, so nothing can be left to its search_path.
func (s *Store) sql(query string) string {
	if s.config.Schema == "" {
		return query
	}
	if q, ok := s.queries.Load(query); ok {
		return q.(string)
	}
	q := ourTables.ReplaceAllString(query, `$1 `+pgx.Identifier{s.config.Schema}.Sanitize()+`.userpool_`)
	s.queries.Store(query, q)
	return q
}

// absent turns the error of a row that is not there into nil, and what was to be read into nil too.
func absent[R any](r *R, err error) (*R, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}
