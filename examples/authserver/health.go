package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
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
