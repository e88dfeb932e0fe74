// Webapp is a small shop with accounts: JSON over net/http, one SQLite file with the shop's own
// tables beside those of the pool, and mail through a server that the environment names.
//
//	go run ./examples/webapp
//	curl http://127.0.0.1:8080/signup -H 'Content-Type: application/json' \
//		-d '{"email":"ada@example.com","password":"a long password of mine"}'
//
// Without SMTP the code is in the log. It goes with the ticket to /confirm, and then /signin answers
// with tokens, of which the access token opens /me.
//
//	ADDR           where to listen; 127.0.0.1:8080 if not set
//	ISSUER         base URL that tokens name; https means production, where SMTP is required
//	DB, KEYS       files; shop.db and shop.keys if not set. Back both up, apart from each other
//	SMTP           mail server, as host:port
//	SMTP_FROM      sender of mails
//	SMTP_USER, SMTP_PASSWORD
//	SMTP_INSECURE  1 means no TLS; for a server on this machine only
//
// It speaks plain HTTP: in production something in front of it ends TLS.
package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, os.Getenv, logger); err != nil {
		logger.Error("webapp ends", "error", err)
		os.Exit(1)
	}
}

// run serves until ctx ends, and leaves nothing half done: requests end first, then the mails that
// are being sent, then the store.
func run(ctx context.Context, env func(string) string, logger *slog.Logger) (err error) {
	ring, err := seal.File(cmp.Or(env("KEYS"), "shop.keys"))
	if err != nil {
		return err
	}
	mail, err := sender(env)
	if err != nil {
		return err
	}
	st, err := sqlite.Open(ctx, cmp.Or(env("DB"), "shop.db"), sqlite.Config{Also: account})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	p, err := pool.Open(ctx, st, pool.Config{Issuer: env("ISSUER"), Keys: ring, Sender: mail, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeIn(ctx, p.Close)) }()
	handler, err := newShop(ctx, p, st.DB(), logger)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", cmp.Or(env("ADDR"), "127.0.0.1:8080"))
	if err != nil {
		return err
	}
	logger.Info("webapp listens", "url", "http://"+l.Addr().String())
	return serve(ctx, l, handler)
}

// sender returns the mail server that the environment names, or nil: then mails are logged, which
// the pool allows in development alone.
func sender(env func(string) string) (message.Sender, error) {
	if env("SMTP") == "" {
		return nil, nil
	}
	return smtp.New(smtp.Config{
		Addr: env("SMTP"), From: env("SMTP_FROM"), InsecureNoTLS: env("SMTP_INSECURE") == "1",
		Username: env("SMTP_USER"), Password: password.New(env("SMTP_PASSWORD")),
	})
}

// grace is how long requests and mails under way have at the end.
const grace = 25 * time.Second

// closeIn gives shut that time, although ctx has ended.
func closeIn(ctx context.Context, shut func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return shut(ctx)
}

// serve serves until ctx ends, and then lets requests end. Who sends slowly holds a connection only
// so long (Slowloris).
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second, // a sign-in may wait for its turn to be hashed
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
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
