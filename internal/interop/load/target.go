package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/storage/sqlite"
)

// target is a store under load, full of users, and what a program would write by hand beside it.
type target struct {
	name  string
	store storage.Store
	bare  bare

	server   func() time.Duration // processor time of the store's server; 0 where it has none
	resident func() int64         // its memory
	disk     int64                // bytes on disk once all users were there
	heap     int64                // bytes of the heap that they took
	filling  time.Duration        // how long that took; 0 where they were there already
	closes   []func() error
}

func (t *target) close() (err error) {
	for i := len(t.closes) - 1; i >= 0; i-- {
		err = errors.Join(err, t.closes[i]())
	}
	return err
}

func newTarget(name string) *target {
	return &target{name: name, server: func() time.Duration { return 0 }, resident: func() int64 { return 0 }}
}

// stock fills a store unless all users are there.
func (t *target) stock(ctx context.Context, st storage.Store, ring *seal.Keyring, users int) error {
	if there, err := filled(ctx, st, users); there || err != nil {
		return err
	}
	start := time.Now()
	defer func() { t.filling = time.Since(start) }()
	return fill(ctx, st, ring, users)
}

func openMemory(ctx context.Context, ring *seal.Keyring, users int) (*target, error) {
	t := newTarget("memory")
	st := memory.New()
	t.store, t.closes = st, []func() error{st.Close}
	before := heap()
	if err := t.stock(ctx, st, ring, users); err != nil {
		return nil, errors.Join(err, t.close())
	}
	t.heap = heap() - before
	var err error
	if t.bare, err = newBareMap(ctx, st, users); err != nil {
		return nil, errors.Join(err, t.close())
	}
	return t, nil
}

// reusable is how many users are not made anew for each run.
const reusable = 100_000

func openSQLite(ctx context.Context, dir string, ring *seal.Keyring, users int) (_ *target, err error) {
	file := filepath.Join(dir, fmt.Sprintf("users%d.db", users))
	if users < reusable {
		for _, end := range []string{"", "-wal", "-shm"} {
			if err := os.Remove(file + end); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
		}
	}
	t := newTarget("sqlite")
	if err := t.fillSQLite(ctx, file, ring, users); err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	t.disk = info.Size()
	if err := readThrough(file); err != nil {
		return nil, err
	}
	st, err := sqlite.Open(ctx, file, sqlite.Config{})
	if err != nil {
		return nil, err
	}
	t.store, t.closes = st, []func() error{st.Close}
	b, err := newBareSQLite(ctx, file)
	if err != nil {
		return nil, errors.Join(err, t.close())
	}
	t.bare, t.closes = b, append(t.closes, b.close)
	return t, nil
}

// readThrough brings a file into the system's cache, where one is that is in use.
func readThrough(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}

// fillSQLite fills a file whose log may grow large meanwhile: the pages of the indexes, hit at
// random, are written once in a while only.
func (t *target) fillSQLite(ctx context.Context, file string, ring *seal.Keyring, users int) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"+
		"&_pragma=synchronous(NORMAL)&_pragma=wal_autocheckpoint(100000)&_pragma=cache_size(-400000)&_pragma=mmap_size(2000000000)")
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := sqlite.New(ctx, db, sqlite.Config{Synchronous: sqlite.Normal})
	if err != nil {
		return err
	}
	err = errors.Join(t.stock(ctx, st, ring, users), st.Close())
	if err == nil {
		_, err = db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	return err
}

// connections is how many the store has to the server, and the bare statements likewise.
const connections = 16

func openPostgres(ctx context.Context, server string, ring *seal.Keyring, users int) (_ *target, err error) {
	address, err := database(ctx, server, fmt.Sprintf("userpool_load_%d", users), users < reusable)
	if err != nil {
		return nil, err
	}
	t := newTarget("postgres")
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	st, err := postgres.Open(ctx, address, postgres.Config{})
	if err != nil {
		return nil, err
	}
	t.store, t.closes = st, []func() error{st.Close}
	if err := t.stock(ctx, st, ring, users); err != nil {
		return nil, err
	}
	var pid int
	var local bool
	db := st.Pool()
	if _, err := db.Exec(ctx, "VACUUM ANALYZE"); err != nil { // as the server would do by itself, later
		return nil, err
	}
	if _, err := db.Exec(ctx, "CHECKPOINT"); err != nil {
		return nil, err
	}
	if err := warm(ctx, db); err != nil {
		return nil, err
	}
	err = db.QueryRow(ctx, `SELECT pg_backend_pid(), inet_server_addr() <<= '127.0.0.0/8' OR inet_server_addr() IS NULL,
		pg_database_size(current_database())`).Scan(&pid, &local, &t.disk)
	if err != nil {
		return nil, err
	}
	if local {
		p, err := serverOf(pid)
		if err != nil {
			return nil, err
		}
		t.server, t.resident = p.spent, p.resident
	}
	b, err := newBarePostgres(ctx, address)
	if err != nil {
		return nil, err
	}
	t.bare, t.closes = b, append(t.closes, b.close)
	return t, nil
}

// warm brings our tables into the server's cache, where a server has them that runs for a while.
func warm(ctx context.Context, db *pgxpool.Pool) error {
	if _, err := db.Exec(ctx, "CREATE EXTENSION IF NOT EXISTS pg_prewarm"); err != nil {
		return fmt.Errorf("install PostgreSQL's contrib: %w", err)
	}
	_, err := db.Exec(ctx, `SELECT pg_prewarm(oid) FROM pg_class WHERE relname LIKE 'userpool%' AND relkind IN ('r', 'i')`)
	return err
}

// database returns the URL of a database of the server's, made where it is not there.
func database(ctx context.Context, server, name string, anew bool) (string, error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	if anew {
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			return "", err
		}
	}
	there := false
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		return "", err
	}
	if !there {
		if _, err := conn.Exec(ctx, "CREATE DATABASE "+name); err != nil {
			return "", err
		}
	}
	u, err := url.Parse(server)
	if err != nil {
		return "", err
	}
	u.Path = "/" + name
	q := u.Query()
	q.Set("pool_max_conns", fmt.Sprint(connections))
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func versionOfSQLite(ctx context.Context) (v string, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&v)
	return v, err
}

func versionOfPostgres(ctx context.Context, server string) (v string, err error) {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, "SHOW server_version").Scan(&v)
	return v, err
}
