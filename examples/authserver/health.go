package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// readiness says whether this node should be sent requests.
type readiness struct {
	check func(context.Context) error // takes some seconds at most
	log   *slog.Logger
	now   func() time.Time
	going atomic.Bool // it was told to end

	mu   sync.Mutex
	asks time.Time // when check was last asked
	err  error     // what it said
}

// checkEvery is how often check is asked at most: anybody may ask us, and it asks the database.
const checkEvery = time.Second

// leave says from now on that requests should go elsewhere.
func (h *readiness) leave() { h.going.Store(true) }

// ready reports whether the node can serve, as of a second ago at most.
func (h *readiness) ready(ctx context.Context) bool {
	if h.going.Load() {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now().Sub(h.asks) < checkEvery {
		return h.err == nil
	}
	err := h.check(context.WithoutCancel(ctx)) // the answer is for others, too
	switch {
	case err != nil && h.err == nil:
		h.log.ErrorContext(ctx, "not ready", "error", err)
	case err == nil && h.err != nil:
		h.log.InfoContext(ctx, "ready again")
	}
	h.asks, h.err = h.now(), err
	return err == nil
}

// routes adds both endpoints. They say no more than yes or no: why is in the log.
func (h *readiness) routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		say(w, http.StatusOK, "ok\n") // a dead database is no reason to restart this process
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if !h.ready(r.Context()) {
			say(w, http.StatusServiceUnavailable, "not ready\n")
			return
		}
		say(w, http.StatusOK, "ready\n")
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	io.WriteString(w, text)
}

// healthy returns the check of a node: that the directory can serve, and that what this node was told
// fits the pools, the first of which another node may have made a moment ago.
func healthy(dir *pool.Directory, s site) func(context.Context) error {
	return func(ctx context.Context) error {
		if err := dir.Health(ctx); err != nil {
			return err
		}
		return within(ctx, 5*time.Second, func(ctx context.Context) error { return fits(ctx, dir, s) })
	}
}

// fits fails where this node was told other than those that have made the pools: it would be ready,
// and serve nobody. One pool tells, for all have one keyring and one form of issuer.
func fits(ctx context.Context, dir *pool.Directory, s site) error {
	some, err := dir.Pools(ctx, pool.Actor{Name: "authserver"}, pool.PoolQuery{Limit: 1})
	if err != nil || len(some.Pools) == 0 {
		return err
	}
	first := some.Pools[0]
	if first.Issuer != s.issuer(string(first.ID)) {
		return fmt.Errorf("-issuer is not what it was when pool %q was made, whose issuer stays %s", first.ID, first.Issuer)
	}
	if _, err = dir.Pool(ctx, first.ID); errors.Is(err, pool.ErrWrongKeyring) {
		return fmt.Errorf("-keys is not the file that the other nodes have, or had: %w", err)
	}
	return nil // what else is wrong with it is that pool's own
}
