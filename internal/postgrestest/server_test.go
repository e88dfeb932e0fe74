//go:build unix

package postgrestest_test

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/userpool-go/userpool/internal/postgrestest"
)

// TestServer stops a server in every way: what was committed is there when it starts again, and
// nothing of it is left after the test.
func TestServer(t *testing.T) {
	t.Parallel()
	var data string
	var pid int
	t.Run("its life", func(t *testing.T) {
		s := postgrestest.NewServer(t, "work_mem=5MB", "max_connections=17")
		if got := value(t, s.URL(), `SELECT current_setting('work_mem') || current_setting('max_connections')`); got != "5MB17" {
			t.Errorf("the settings are %s", got)
		}
		s.Exec("CREATE TABLE seen (n text)")
		for _, end := range []func(){s.Stop, s.Kill, func() { s.Pause(); s.Kill() }, func() { s.Pause(); s.Stop() }} {
			s.Exec("INSERT INTO seen VALUES ($1)", "one more")
			was := s.PID()
			end()
			if _, err := pgx.Connect(t.Context(), s.URL()); err == nil {
				t.Error("a server that was stopped answers")
			}
			s.Start()
			if s.PID() == was {
				t.Error("the server did not start again")
			}
		}
		s.Restart("max_connections=18")
		if got := value(t, s.URL(), `SELECT count(*) || current_setting('max_connections') FROM seen`); got != "418" {
			t.Errorf("after all that the rows and the setting are %s, want 4 and 18", got)
		}
		paused(t, s)
		s.Kill() // and it is left so
		data, pid = s.Data(), s.PID()
	})
	if data == "" {
		return // skipped
	}
	if _, err := os.Stat(filepath.Dir(data)); err == nil {
		t.Error("the server's folder is left")
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Error("the server is left")
	}
}

// paused looks that nobody answers for a paused server, until it goes on.
func paused(t *testing.T, s *postgrestest.Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	s.Pause()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := conn.Exec(ctx, "SELECT 1"); err == nil {
		t.Error("a paused server answers")
	}
	s.Resume()
	value(t, s.URL(), "SELECT ''")
}

func value(t *testing.T, url, query string) (v string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), query).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}
