package postgrestest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Bouncer is a pgbouncer of one test's own, which gives a connection of its server to each
// transaction. It ends with the test.
type Bouncer struct {
	dir    string
	port   int
	daemon daemon
}

// NewBouncer starts a pgbouncer in front of a server. Settings are lines of its file's, such as
// "default_pool_size=3". Where there is no pgbouncer the test is skipped, and says so.
func NewBouncer(t testing.TB, s *Server, settings ...string) *Bouncer {
	t.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/pgbouncer") // where Debian puts it, and not every PATH leads
	}
	if err != nil {
		t.Skipf("NO PGBOUNCER: %v: install Debian's pgbouncer", err)
	}
	b := new(Bouncer)
	if b.dir, err = os.MkdirTemp("", "userpool-pgbouncer-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.remove)
	if err := b.start(path, s.Port(), settings); err != nil {
		t.Fatalf("start pgbouncer: %v", err)
	}
	return b
}

func (b *Bouncer) start(path string, to int, settings []string) (err error) {
	if b.port, err = freePort(); err != nil {
		return err
	}
	users, file := filepath.Join(b.dir, "users"), filepath.Join(b.dir, "pgbouncer.ini")
	text := append([]string{
		"[databases]", fmt.Sprintf("* = host=127.0.0.1 port=%d", to),
		"[pgbouncer]", "listen_addr=127.0.0.1", fmt.Sprintf("listen_port=%d", b.port), "unix_socket_dir=",
		"auth_type=trust", "auth_file=" + users, "admin_users=userpool",
		"pool_mode=transaction", "max_client_conn=1000",
	}, settings...)
	for name, text := range map[string]string{users: `"userpool" ""`, file: strings.Join(text, "\n")} {
		if err := os.WriteFile(name, []byte(text+"\n"), 0o644); err != nil { // another user reads it, and it has no secret
			return err
		}
	}
	if err := give(b.dir); err != nil {
		return err
	}
	cmd := exec.Command(path, file)
	asOwner(cmd)
	log := filepath.Join(b.dir, "log")
	if b.daemon, err = launch(cmd, log); err != nil {
		return err
	}
	return b.daemon.answers(b.URL("postgres")+"?default_query_exec_mode=exec", log)
}

// URL leads to a database of the server through the bouncer.
func (b *Bouncer) URL(database string) string {
	return fmt.Sprintf("postgres://userpool@127.0.0.1:%d/%s", b.port, database)
}

// Show returns what the bouncer tells about its "clients", "servers" or "pools": for each the
// columns by name.
func (b *Bouncer) Show(ctx context.Context, what string) (rows []map[string]string, err error) {
	conn, err := pgx.Connect(ctx, b.URL("pgbouncer"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	results, err := conn.PgConn().Exec(ctx, "SHOW "+what).ReadAll() // it knows nothing but text
	for _, r := range results {
		for _, values := range r.Rows {
			row := map[string]string{}
			for i, f := range r.FieldDescriptions {
				row[f.Name] = string(values[i])
			}
			rows = append(rows, row)
		}
	}
	return rows, err
}

// Settle returns when nothing is under way any more in a database that clients had sent who are gone:
// none are left but those of one application, and the server has parted with the connections that
// the bouncer gave up for the others.
func (b *Bouncer) Settle(ctx context.Context, server, database, application string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for {
		others, pids := 0, []string{}
		clients, err := b.Show(ctx, "clients")
		for _, c := range clients {
			if c["database"] == database && c["application_name"] != application {
				others++
			}
		}
		if err != nil {
			return err
		}
		servers, err := b.Show(ctx, "servers")
		for _, s := range servers {
			pids = append(pids, s["remote_pid"])
		}
		if err != nil {
			return err
		}
		const busy = `SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()
			AND (state <> 'idle' OR pid::text <> ALL($2::text[]))`
		left := 0
		if err := conn.QueryRow(ctx, busy, database, pids).Scan(&left); err != nil || others+left == 0 {
			return err
		}
	}
}

func (b *Bouncer) remove() {
	if b.daemon.running() {
		_ = b.daemon.process.Kill() // it keeps nothing
		<-b.daemon.ended
	}
	os.RemoveAll(b.dir)
}
