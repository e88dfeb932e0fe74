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
package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
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
	return fmt.Sprintf("t%d_%d", os.Getpid(), names.Add(1))
}

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
	bin, err := programs()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "userpool-postgres-")
	if err != nil {
		return "", nil, err
	}
	c := cluster{bin: bin, dir: dir}
	if err := c.start(); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return c.url(), c.stop, nil
}

// programs returns the folder with initdb and postgres: that of the PATH, or where Debian puts the
// newest.
func programs() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(found) == 0 {
		return "", errors.New("no initdb here")
	}
	return filepath.Dir(found[len(found)-1]), nil
}

// cluster is a private server.
type cluster struct {
	bin, dir string
	port     int
	process  *exec.Cmd
}

func (c *cluster) url() string {
	return fmt.Sprintf("postgres://userpool@127.0.0.1:%d/postgres", c.port)
}

func (c *cluster) start() (err error) {
	if c.port, err = freePort(); err != nil {
		return err
	}
	if err := give(c.dir); err != nil {
		return err
	}
	data := filepath.Join(c.dir, "data")
	init := c.command("initdb", "-D", data, "-U", "userpool", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	// What is in it goes with the test: nothing need reach the disk.
	c.process = c.command("postgres", "-D", data, "-p", fmt.Sprint(c.port), "-k", c.dir, "-c", "listen_addresses=127.0.0.1",
		"-c", "fsync=off", "-c", "max_connections=300", "-c", "max_locks_per_transaction=256")
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	c.process.Stdout, c.process.Stderr = log, log
	if err := c.process.Start(); err != nil {
		return err
	}
	return c.wait()
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.bin, name), args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	asOwner(cmd)
	return cmd
}

// wait returns when the server answers.
func (c *cluster) wait() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		conn, e := pgx.Connect(ctx, c.url())
		if e == nil {
			return conn.Close(ctx)
		}
		err = e
		time.Sleep(20 * time.Millisecond)
	}
	c.stop()
	text, _ := os.ReadFile(filepath.Join(c.dir, "log"))
	return fmt.Errorf("the server does not answer: %w: %s", err, strings.TrimSpace(string(text)))
}

// stop ends the server at once.
func (c *cluster) stop() {
	_ = c.process.Process.Signal(os.Interrupt) // "fast": ends sessions
	done := make(chan struct{})
	go func() {
		_ = c.process.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = c.process.Process.Kill()
		<-done
	}
	os.RemoveAll(c.dir)
}

func freePort() (int, error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
