package main

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// listeners are the two doors of the server.
type listeners struct{ public, operator net.Listener }

func listen(c config, log *slog.Logger) (l listeners, err error) {
	open := func(addr string) (net.Listener, error) { return net.Listen("tcp", addr) }
	if c.cert != "" {
		files := &certificate{cert: c.cert, key: c.key, log: log, now: time.Now}
		secure, err := files.config()
		if err != nil {
			return l, err
		}
		open = func(addr string) (net.Listener, error) { return tls.Listen("tcp", addr, secure) }
	}
	if l.public, err = open(c.listen); err != nil {
		return l, err
	}
	if l.operator, err = open(c.operator); err != nil {
		return l, errors.Join(err, l.public.Close())
	}
	return l, nil
}

func (l listeners) close() {
	l.public.Close()
	l.operator.Close()
}

// serve serves both doors until ctx ends, or one of them breaks, and then leaves without cutting
// anybody off:
//
//  1. /readyz says no, and everything else is served on, for c.drain: balancers notice, and send
//     nothing more. Connections close with their next answer.
//  2. The listeners close; requests under way have c.grace to end.
//
// The caller then closes what requests have used.
func serve(ctx context.Context, c config, l listeners, ready *readiness, public, operator *observed) error {
	servers := []*http.Server{newServer(public), newServer(operator)}
	broken := make(chan error, len(servers))
	for i, at := range []net.Listener{l.public, l.operator} {
		go func() { broken <- servers[i].Serve(at) }()
	}
	var err error
	select {
	case err = <-broken: // nothing to wait for
		ready.leave()
	case <-ctx.Done():
		ready.leave()
		ready.log.InfoContext(ctx, "leaving", "drain", c.drain.String(), "grace", c.grace.String())
		select {
		case <-time.After(c.drain):
		case err = <-broken:
		}
	}
	var ending sync.WaitGroup
	errs := make([]error, len(servers))
	for i, s := range servers {
		ending.Go(func() {
			if errs[i] = within(ctx, c.grace, s.Shutdown); errs[i] != nil {
				s.Close() // before what its requests use is closed
			}
		})
	}
	ending.Wait()
	return errors.Join(append(errs, err)...)
}

// newServer returns a server that nobody can hold on to: who sends slowly, or nothing, has only so
// long (Slowloris), and what is too large is not read.
func newServer(h *observed) *http.Server {
	debug := slog.NewLogLogger(h.log.Handler(), slog.LevelDebug) // it names addresses of peers
	return &http.Server{
		Handler:           h,
		ErrorLog:          debug,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      20 * time.Second, // a sign-in may wait for its turn to be hashed
		IdleTimeout:       3 * time.Minute,  // more than a balancer's (Caddy: two), who would else write to what we close
		MaxHeaderBytes:    64 << 10,         // many pools may share a host, of which a browser keeps 180 cookies
	}
}

// within gives shut that long, although ctx has ended.
func within(ctx context.Context, long time.Duration, shut func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), long)
	defer cancel()
	return shut(ctx)
}
