// Package postgrestest gives tests a PostgreSQL server: the one that USERPOOL_TEST_POSTGRES names,
// or a private one that it starts with the machine's initdb and postgres, on a free port of the
// loopback and in a folder of its own.
//
//	func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }
//
//	func TestIt(t *testing.T) {
//		url := postgrestest.Database(t)
//		...
//	}
//
// A test that stops its server, or needs settings of its own, asks for one that nobody shares:
//
//	s := postgrestest.NewServer(t, "fsync=on")
//	st, err := postgres.Open(ctx, s.URL(), postgres.Config{})
//	...
//	s.Kill()
//	s.Start()
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names a server that is there already, by a URL whose role may create databases.
const Variable = "USERPOOL_TEST_POSTGRES"

// server is the one of this process.
var server struct {
	sync.Once
	url  string
	stop func()
	err  error
}

var names atomic.Int64

// Main runs the tests and ends the server that they caused to start. It returns what to pass to
// os.Exit.
func Main(m interface{ Run() int }) int {
	defer func() {
		if server.stop != nil {
			server.stop()
		}
	}()
	return m.Run()
}

// Database makes an empty database that goes with the test, and returns its URL. Where there is no
// server to be had the test is skipped, and says so.
func Database(t testing.TB) string {
	t.Helper()
	name := newName(t)
	execute(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server.url)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Schema makes an empty schema that goes with the test, and returns a URL whose search_path leads to
// it. It costs a fraction of a database, and shares one with other tests.
func Schema(t testing.TB) string {
	t.Helper()
	name := newName(t)
	execute(t, "CREATE SCHEMA "+name)
	t.Cleanup(func() { execute(t, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(server.url)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// newName names what a test makes on the server, which it starts.
func newName(t testing.TB) string {
	t.Helper()
	server.Do(func() { server.url, server.stop, server.err = start() })
	if server.err != nil {
		t.Skipf("NO POSTGRES: %v: set %s, or install Debian's postgresql", server.err, Variable)
	}
	return nextName()
}

func nextName() string { return fmt.Sprintf("t%d_%d", os.Getpid(), names.Add(1)) }

// Name returns the name of the database at a URL of [Database]'s.
func Name(address string) string {
	_, name, _ := strings.Cut(strings.TrimPrefix(address, "postgres://"), "/")
	return name
}

func execute(t testing.TB, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server.url)
	if err != nil {
		t.Fatalf("connect to the server: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Errorf("%s: %v", statement, err)
	}
}

// start returns the URL of a server, and what ends it.
func start() (url string, stop func(), err error) {
	if url := os.Getenv(Variable); url != "" {
		return url, func() {}, nil
	}
	// What is in it goes with the tests: nothing need reach the disk.
	c, err := newCluster("fsync=off", "max_connections=300", "max_locks_per_transaction=256")
	if err != nil {
		return "", nil, err
	}
	if err := errors.Join(c.create(), c.start()); err != nil {
		c.remove()
		return "", nil, err
	}
	return c.url(), c.remove, nil
}
