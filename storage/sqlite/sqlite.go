// Package sqlite keeps user pools in a SQLite file, without cgo.
//
//	st, err := sqlite.Open(ctx, "shop.db", sqlite.Config{})
//	if err != nil {
//		return err
//	}
//	defer st.Close()
//
// It keeps the whole contract of [storage.Store], for several processes on one file. The commits of
// concurrent callers share one transaction and one fsync: a commit that was acknowledged survives
// the loss of power. Reads go past the writer (write-ahead log), each as of one moment.
//
// # The app's own rows
//
// Our tables are named userpool_*, and stand beside those of the app: [Store.DB] is a handle for
// the app's queries. The view userpool_user has a row for every user (id, pool_id, status,
// disabled, login, logins, email, phone_number, name, attributes, created, updated), and
// userpool_users (id) may be what a foreign key of the app refers to. Rows that are to appear and
// go together with a user come from [Config].Also, and are written by the very commit that makes
// the user, whoever caused it:
//
//	func account(c storage.UserChange) []sqlite.Exec {
//		if !c.Created() {
//			return nil // accounts has ON DELETE CASCADE
//		}
//		return []sqlite.Exec{{SQL: `INSERT INTO accounts (user_id) VALUES (?)`, Args: []any{c.User.ID}}}
//	}
//
// A program that must own the transaction has [Store.CommitIn].
//
// # Where the disk fails
//
// A commit that met a full disk or an I/O error is [storage.ErrUnknown]; reads go on, and so do
// commits once there is room. After a failed fsync nothing is written until the store is opened
// again, because the system may have forgotten what it could not write. The frames of the log have
// checksums: of one that is torn, all whole commits before the damage are kept. The pages of the
// file have none: SQLite finds most damage as [ErrNotDatabase] when it comes to the page, but a bit
// that turned in a value it cannot see. What is sealed is then refused, and the chain of events
// shows where it was touched (pool.Pool.VerifyEvents); the rest is for checksums of the file
// system, and for PRAGMA integrity_check on [Store.DB], which finds what does not hang together.
// Nobody may move, replace or delete the file of an open store: what was committed goes with it. A
// store of [Open] refuses all commits from then on, which nobody would find again; reads go on.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"runtime"
	"sync"

	"github.com/userpool-go/userpool/storage"
)

// Config tunes a [Store]. The zero value is safe and fast enough.
type Config struct {
	// Also returns the app's own statements for what a commit does to a user. It must be a pure
	// function: it is called before the commit is taken up, once, and from many goroutines. The
	// statements run in the commit; one that fails fails the commit, which then writes nothing.
	// Statements for a user who is deleted run before the delete, all others after everything
	// else. They must not begin or end transactions. Nil means none.
	Also func(storage.UserChange) []Exec
	// Synchronous is when a commit counts as written. The zero value is Full.
	Synchronous Synchronous
	// Readers is how many reads may run at a time, each on a connection of its own that is held
	// until Close. 0 means twice GOMAXPROCS; at most 256.
	Readers int
}

// Exec is a statement of the app's, to run inside a commit.
type Exec struct {
	SQL  string
	Args []any // as database/sql takes them
}

// Synchronous is what a commit waits for.
type Synchronous int

// The levels, as https://www.sqlite.org/pragma.html#pragma_synchronous describes them.
const (
	// Full waits until the disk has the commit: what was acknowledged survives the loss of power.
	Full Synchronous = iota
	// Normal leaves that to checkpoints. The newest commits may be lost with the power, whole ones
	// and the newest first: among them revocations, and refresh tokens that were handed out. The
	// end of the process alone loses nothing.
	Normal
)

// String says it in a line.
func (s Synchronous) String() string {
	if s == Normal {
		return "NORMAL"
	}
	return "FULL"
}

// Store is a [storage.Store] in a SQLite file. Make one with [Open] or [New].
type Store struct {
	db      *sql.DB
	owned   bool // by Open: Close closes it
	config  Config
	readers *readers
	writer  *writer
	closing chan struct{} // closed when Close begins
	once    sync.Once
	closed  error // of Close
}

var _ storage.Store = (*Store)(nil)

// Open opens the database file at path, makes it where there is none, and brings its tables up to
// this version. The path is taken as it is: no character in it has a meaning.
//
// A file that it makes is readable by its owner alone, as are the log and the index beside it: what
// is in them is sealed, but who has an account is not.
//
// A file that is something else gives [ErrNotDatabase], one that cannot be written [ErrHandle], one
// that a newer version of this package has changed beyond our reading a *[SchemaError].
func Open(ctx context.Context, path string, config Config) (*Store, error) {
	dsn, err := dataSource(path, config)
	if err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.SetMaxIdleConns(2)
	s, err := start(ctx, db, config, true)
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if s.writer.place, err = placeOf(path); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

// New puts a store on a handle that the app owns, and brings its tables up to this version. Close
// leaves the handle open.
//
// The handle must be of modernc.org/sqlite, on a file, and every connection of it must come with
// what New checks: foreign_keys on, journal_mode WAL, a busy_timeout, synchronous FULL (or NORMAL,
// if [Config] says so). Recommended besides: cache_size, wal_autocheckpoint, and _txlock=immediate,
// without which a [Store.CommitIn] after a read in the same transaction fails with
// [storage.ErrRetry] for as long as that transaction lasts where another has written since. All of
// it goes into the data source name:
//
//	file:shop.db?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)&_pragma=cache_size(-8000)&_pragma=wal_autocheckpoint(4000)&_txlock=immediate
//
// The store takes one connection for writing and Config.Readers for reading, and holds them until
// Close, so the handle must allow at least one more. What is amiss is an error wrapping [ErrHandle]
// that says what to set.
func New(ctx context.Context, db *sql.DB, config Config) (*Store, error) {
	return start(ctx, db, config, false)
}

func start(ctx context.Context, db *sql.DB, config Config, owned bool) (*Store, error) {
	if config.Readers == 0 {
		config.Readers = 2 * runtime.GOMAXPROCS(0)
	}
	if err := checkConfig(config); err != nil {
		return nil, err
	}
	if err := checkLimit(db, config.Readers); err != nil {
		return nil, err
	}
	s := &Store{db: db, owned: owned, config: config, closing: make(chan struct{})}
	w, err := connect(ctx, db)
	if err != nil {
		return nil, err
	}
	if err := prepareDatabase(ctx, w, config, owned); err != nil {
		w.close()
		return nil, err
	}
	s.readers, err = newReaders(ctx, db, config, s.closing)
	if err != nil {
		w.close()
		return nil, err
	}
	s.writer = newWriter(w, s.closing)
	return s, nil
}

// prepareDatabase checks a connection's settings, then brings the tables up to this version.
func prepareDatabase(ctx context.Context, c *conn, config Config, owned bool) error {
	if err := checkConnection(ctx, c, config); err != nil {
		return err
	}
	if err := migrate(ctx, c, owned); err != nil {
		return damaged(err)
	}
	return checkWritable(ctx, c)
}

// DB returns a handle on the same database for the app's own queries: the one given to [New], or
// one that [Open] made and Close closes. Transactions on it take the write lock when they begin
// (Open), and hold up every commit of the store until they end: keep them short.
func (s *Store) DB() *sql.DB { return s.db }

// Close implements [storage.Store]. It waits for commits and reads under way.
func (s *Store) Close() error {
	s.once.Do(func() {
		close(s.closing)
		s.closed = s.writer.close()
		if err := s.readers.close(); s.closed == nil {
			s.closed = err
		}
		if !s.owned {
			return
		}
		if err := s.db.Close(); s.closed == nil {
			s.closed = err
		}
	})
	return s.closed
}

// usable returns why a call must not begin: the store is closed, or the caller has left.
func (s *Store) usable(ctx context.Context) error {
	select {
	case <-s.closing:
		return storage.ErrClosed
	default:
		return ctx.Err()
	}
}
