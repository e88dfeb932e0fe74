package postgrestest

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Server is a PostgreSQL of one test's own, which may stop and start it. It ends with the test. What
// goes wrong is an error of the test; one goroutine at a time calls its methods.
type Server struct {
	t       testing.TB
	cluster *cluster
}

// NewServer starts a server on empty data. Settings are as on its command line, such as "fsync=on";
// without them it is PostgreSQL's default, but for fsync=off. Where there is no initdb the test is
// skipped, and says so: the server that [Variable] names is nobody's to stop.
func NewServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	return newServer(t, (*cluster).create, settings...)
}

// newServer starts a server on data that create makes.
func newServer(t testing.TB, create func(*cluster) error, settings ...string) *Server {
	t.Helper()
	c, err := newCluster(append([]string{"fsync=off"}, settings...)...)
	if err != nil {
		t.Skipf("NO POSTGRES: %v: install Debian's postgresql", err)
	}
	t.Cleanup(c.remove)
	if err := create(c); err != nil {
		t.Fatalf("make a server's data: %v", err)
	}
	if err := c.start(); err != nil {
		t.Fatalf("start a server: %v", err)
	}
	return &Server{t, c}
}

// URL leads to the server's database postgres as its superuser. It stays the same when the server
// starts again.
func (s *Server) URL() string { return s.cluster.url() }

// Port is where the server listens, on 127.0.0.1.
func (s *Server) Port() int { return s.cluster.port }

// Data returns the folder of the server's data.
func (s *Server) Data() string { return s.cluster.data() }

// PID returns the id of the server's first process, the parent of all others. It changes when the
// server starts again.
func (s *Server) PID() int { return s.cluster.process.Pid }

// Log returns what the server has said so far.
func (s *Server) Log() string {
	text, err := os.ReadFile(s.cluster.log())
	if err != nil {
		s.t.Error(err)
	}
	return string(text)
}

// Stop ends all sessions and then the server, as its "fast" shutdown does.
func (s *Server) Stop() { s.cluster.stop() }

// Kill ends all processes of the server with SIGKILL, as a power cut does, and leaves it to the next
// start to recover.
func (s *Server) Kill() { s.cluster.kill() }

// Pause stops the server's processes where they stand, so that nobody gets an answer, as where the
// machine hangs. Resume, Stop, or the end of the test lets them go on.
func (s *Server) Pause() { s.cluster.pause() }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.cluster.resume() }

// Start starts a server that was stopped or killed, on the same port, with further settings where
// some are given: they stay. It returns when the server answers.
func (s *Server) Start(settings ...string) {
	s.t.Helper()
	s.cluster.settings = append(s.cluster.settings, settings...)
	if err := s.cluster.start(); err != nil {
		s.t.Errorf("start the server again: %v", err)
	}
}

// Restart stops and starts the server.
func (s *Server) Restart(settings ...string) {
	s.t.Helper()
	s.Stop()
	s.Start(settings...)
}

// Database makes an empty database on the server, and returns its URL.
func (s *Server) Database() string {
	s.t.Helper()
	name := nextName()
	s.Exec("CREATE DATABASE " + name)
	u, err := url.Parse(s.URL())
	if err != nil {
		s.t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// Exec runs a statement on the server's database postgres.
func (s *Server) Exec(statement string, args ...any) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		s.t.Errorf("connect to the server: %v", err)
		return
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement, args...); err != nil {
		s.t.Errorf("%s: %v", statement, err)
	}
}
