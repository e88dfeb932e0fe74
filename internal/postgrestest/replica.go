package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// replicaName is how a replica names itself to its primary.
const replicaName = "replica"

// NewReplica starts a server that follows s: a copy of its data as they are, and then every
// transaction, as it comes, which it answers reads from. It has the settings of s, and those given.
// It is an asynchronous one until [Server.Synchronous] is called.
func (s *Server) NewReplica(settings ...string) *Server {
	s.t.Helper()
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=userpool application_name=%s", s.Port(), replicaName)
	copied := func(c *cluster) error {
		return c.run("pg_basebackup", "-d", from, "-D", c.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	}
	return newServer(s.t, copied, append(s.cluster.settings[:len(s.cluster.settings):len(s.cluster.settings)], settings...)...)
}

// Synchronous makes each commit of s wait until a replica has it on disk too, from when it returns
// on, for as long as s lives.
func (s *Server) Synchronous() {
	s.t.Helper()
	s.Exec("ALTER SYSTEM SET synchronous_standby_names = '" + replicaName + "'")
	s.Exec("SELECT pg_reload_conf()")
	s.waitFor(`SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'`)
}

// Promote makes a replica a primary of its own, and returns when it takes writes. Whoever it
// followed goes on as before.
func (s *Server) Promote() {
	s.t.Helper()
	s.waitFor("SELECT CASE WHEN pg_is_in_recovery() THEN pg_promote(false) ELSE true END")
	s.waitFor("SELECT NOT pg_is_in_recovery()")
}

// CatchUp returns when a replica has applied what its primary had written by now.
func (s *Server) CatchUp(primary *Server) {
	s.t.Helper()
	lsn := ""
	primary.query("SELECT pg_current_wal_flush_lsn()::text", &lsn)
	s.waitFor("SELECT pg_last_wal_replay_lsn() >= '" + lsn + "'::pg_lsn")
}

// waitFor returns when a query says true.
func (s *Server) waitFor(query string) {
	s.t.Helper()
	for end := time.Now().Add(startTime); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		done := false
		if !s.query(query, &done) || done {
			return
		}
	}
	s.t.Errorf("it never came to be: %s", query)
}

// query reads one value, and tells whether it did.
func (s *Server) query(query string, into any) bool {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL())
	if err != nil {
		s.t.Errorf("connect to the server: %v", err)
		return false
	}
	defer conn.Close(ctx)
	err = conn.QueryRow(ctx, query).Scan(into)
	for inTheWay(err) {
		err = conn.QueryRow(ctx, query).Scan(into)
	}
	if err != nil {
		s.t.Errorf("%s: %v", query, err)
		return false
	}
	return true
}

// inTheWay reports whether a replica gave up a query for what it had to apply.
func inTheWay(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "40001"
}
