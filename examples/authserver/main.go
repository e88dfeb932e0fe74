// Authserver is an auth server for many pools, to be copied: hosted pages and their JSON twins for
// each pool, on SQLite or PostgreSQL, in one process or in several behind a load balancer.
//
//	go run ./examples/authserver
//
// That is a trial on this machine: one SQLite file, plain HTTP, and mail that stays at
// http://127.0.0.1:8080/acme/dev/mailbox. The first start makes the files of the keyring and of the
// operators, the first of whom then makes a pool. Open http://127.0.0.1:8080/acme/ after
//
//	OPERATOR="Authorization: Bearer $(cut -d' ' -f2 authserver.operators)"
//	curl -H "$OPERATOR" http://127.0.0.1:8081/pools -d '{"id":"acme","settings":{"Branding":{"Name":"Acme"}}}'
//	curl -H "$OPERATOR" http://127.0.0.1:8081/pools/acme/users -d '{"username":"ada@example.com","emailVerified":true}'
//
// of which the second invites somebody, whose temporary password is in that mailbox.
//
// # What it serves
//
// To visitors, for each pool, below /acme where the issuer ends in /{pool}, and below / of its own
// host where the issuer begins with it:
//
//	/auth/sign-up, /auth/sign-in, ...   the pages of package hosted, and their JSON twins
//	/session                            who is signed in, as JSON, for pages of the same origin
//	/.well-known/jwks.json              the keys of its tokens
//
// There are no OAuth endpoints yet: pages of the same origin ask /session. Pools below one host share
// an origin, so give those that do not trust each other hosts of their own.
//
// To operators, on a listener of its own, what operator.go lists, and /metrics for Prometheus, whose token
// stands beside theirs, under the name metrics. To balancers, on both: /healthz says that the process
// lives, /readyz that it should be sent requests.
//
// # Several nodes
//
// Nodes share the database, the keyring and the operators' file, and nothing else: any of them
// serves any request. Two on one machine, to try it:
//
//	export DATABASE_URL=postgres://localhost/authserver ISSUER='http://127.0.0.1:8080/{pool}'
//	go run ./examples/authserver &
//	go run ./examples/authserver -listen 127.0.0.1:8090 -operator 127.0.0.1:8091
//
// Either of them sends a mail, so that in this trial it is in the mailbox of one of the two.
//
// In production what is in front ends TLS, passes the Host on, sets X-Forwarded-For and -Proto, and
// asks /readyz. All of that Caddy does by itself but for the last:
//
//	id.example.com {
//		reverse_proxy 10.0.0.1:8080 10.0.0.2:8080 {
//			health_uri /readyz
//			health_interval 2s
//		}
//	}
//
// with, on each node, ISSUER='https://id.example.com/{pool}', PROXIES=10.0.0.0/24, LISTEN=:8080,
// DATABASE_URL, SMTP and SMTP_FROM. At SIGTERM a node first says at /readyz that it is going, serves on
// while balancers notice (-drain), lets requests end (-grace), and then closes what it has open.
//
// With -h it lists all that can be set.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/storage/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	c, err := configure(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Print(usage())
		return
	}
	if err == nil {
		err = run(ctx, c, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "authserver:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends. What is opened first is closed last: requests end before the mails and
// chores of the directory, and these before the store.
func run(ctx context.Context, c config, out io.Writer) (err error) {
	log := newLogger(out)
	if c.migrate == "only" {
		st, err := c.openStore(ctx)
		if err != nil {
			return err
		}
		return st.Close()
	}
	listeners, err := listen(c, log)
	if err != nil {
		return err
	}
	defer listeners.close()
	ops, err := readOperators(c.operators)
	if err != nil {
		return err
	}
	ring, err := seal.File(c.keys)
	if err != nil {
		return err
	}
	st, err := c.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	counts := newMetrics(time.Now())
	mail, boxes, err := c.sender()
	if err != nil {
		return err
	}
	dir, err := pool.OpenDirectory(ctx, st, pool.DirectoryConfig{Config: pool.Config{
		Keys: ring, Sender: mail, Logger: log, ConfirmURL: pagesPath + "/link", Observer: counts.observer(),
	}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, within(ctx, c.grace, dir.Close)) }()
	if err := fits(ctx, dir, c.issuer); err != nil {
		return err
	}

	counts.gauges(dir)
	ready := &readiness{check: healthy(dir, c.issuer), log: log, now: time.Now}
	public := &server{
		dir: dir, site: c.issuer, proxies: c.proxies, boxes: boxes, log: log, pages: map[string]*pages{},
	}
	private := &operatorAPI{dir: dir, site: c.issuer, operators: ops, log: log}
	log.InfoContext(ctx, "authserver serves", "public", listeners.public.Addr().String(),
		"operator", listeners.operator.Addr().String(), "issuer", c.issuer.String())
	outer := func(mux *http.ServeMux) *observed { return &observed{mux, ready, log, counts, time.Now} }
	return serve(ctx, c, listeners, ready, outer(public.routes(ready)), outer(private.routes(ready, counts)))
}

// openStore opens the database that a URL names, or else the SQLite file of that name.
func (c config) openStore(ctx context.Context) (storage.Store, error) {
	if strings.HasPrefix(c.database, "postgres://") || strings.HasPrefix(c.database, "postgresql://") {
		return postgres.Open(ctx, c.database, postgres.Config{Migrated: c.migrate == "never"})
	}
	return sqlite.Open(ctx, c.database, sqlite.Config{})
}
