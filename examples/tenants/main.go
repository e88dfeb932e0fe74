// Tenants is one program for many customers, each with users, keys and settings of its own: the host
// of a request names the tenant, and one SQLite file keeps them all. Tenants are made while it runs.
//
//	export OPERATOR=a-secret-of-32-characters-at-least
//	go run ./examples/tenants
//	curl -H "Authorization: Bearer $OPERATOR" http://127.0.0.1:8081/tenants/acme \
//		-d name=Acme -d owner=ada@example.com
//	curl -H 'Host: acme.id.example.com' http://127.0.0.1:8080/signup \
//		-H 'Content-Type: application/json' -d '{"email":"bob@example.com","password":"a long one"}'
//
// The code goes with the ticket to /confirm, then /signin answers with tokens, and the access token
// opens /me: of that tenant, and of no other.
//
//	ADDR            where tenants are served; 127.0.0.1:8080 if not set
//	OPERATOR_ADDR   where the operator is, on this machine only; 127.0.0.1:8081 if not set
//	OPERATOR        the operator's bearer token, of 32 characters at least
//	DOMAIN          under which tenants have their hosts; id.example.com if not set
//	DB, KEYS        files; tenants.db and tenants.keys if not set. Back both up, apart from each other
//	SMTP, SMTP_FROM mail server, as host:port, and sender. Without them mails, codes and all, go to
//	                the log, for a trial
//
// It speaks plain HTTP: in production something in front of it ends TLS and passes the Host on.
package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, os.Getenv, logger); err != nil {
		logger.Error("tenants ends", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends: requests end first, then the mails that are being sent, then the store.
func run(ctx context.Context, env func(string) string, logger *slog.Logger) (err error) {
	if len(env("OPERATOR")) < 32 {
		return errors.New("OPERATOR must be set, to 32 characters at least")
	}
	public, private, err := listen(cmp.Or(env("ADDR"), "127.0.0.1:8080"), cmp.Or(env("OPERATOR_ADDR"), "127.0.0.1:8081"))
	if err != nil {
		return err
	}
	defer public.Close()
	defer private.Close()
	ring, err := seal.File(cmp.Or(env("KEYS"), "tenants.keys"))
	if err != nil {
		return err
	}
	mail, err := sender(env, logger)
	if err != nil {
		return err
	}
	st, err := sqlite.Open(ctx, cmp.Or(env("DB"), "tenants.db"), sqlite.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	dir, err := pool.OpenDirectory(ctx, st, pool.DirectoryConfig{Config: pool.Config{Keys: ring, Sender: mail, Logger: logger}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIn(ctx, dir.Close)) }()
	t := &tenants{dir: dir, domain: cmp.Or(env("DOMAIN"), "id.example.com"), operator: env("OPERATOR"), log: logger}
	logger.Info("tenants listens", "url", "http://"+public.Addr().String(), "operator", "http://"+private.Addr().String())
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var serving sync.WaitGroup
	var errs [2]error
	for i, s := range []struct {
		l net.Listener
		h http.Handler
	}{{public, t.public()}, {private, t.private()}} {
		serving.Go(func() { defer stop(); errs[i] = serve(ctx, s.l, s.h) })
	}
	serving.Wait()
	return errors.Join(errs[:]...)
}

// listen listens for tenants and, on this machine alone, for the operator.
func listen(public, private string) (l, operator net.Listener, err error) {
	if at, err := netip.ParseAddrPort(private); err != nil || !at.Addr().IsLoopback() {
		return nil, nil, errors.New("OPERATOR_ADDR must be a loopback address and a port")
	}
	if l, err = net.Listen("tcp", public); err != nil {
		return nil, nil, err
	}
	if operator, err = net.Listen("tcp", private); err != nil {
		return nil, nil, errors.Join(err, l.Close())
	}
	return l, operator, nil
}

// sender returns the mail server that the environment names, or one that shows mails in the log.
func sender(env func(string) string, logger *slog.Logger) (message.Sender, error) {
	if env("SMTP") != "" {
		return smtp.New(smtp.Config{Addr: env("SMTP"), From: env("SMTP_FROM")})
	}
	return message.SenderFunc(func(ctx context.Context, m message.Message) error {
		logger.InfoContext(ctx, "mail", "tenant", m.Pool, "to", m.To, "subject", m.Subject, "text", m.Text)
		return nil
	}), nil
}

// closeIn gives shut half a minute, although ctx has ended.
func closeIn(ctx context.Context, shut func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 25*time.Second)
	defer cancel()
	return shut(ctx)
}

// serve serves until ctx ends, and then lets requests end.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 20 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return closeIn(ctx, srv.Shutdown)
	}
}
