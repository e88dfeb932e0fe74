package main

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// newLogger writes JSON, a line each. What pools log on behalf of a request has its number, too.
func newLogger(w io.Writer) *slog.Logger { return slog.New(numbered{slog.NewJSONHandler(w, nil)}) }

// numbered adds the number of the request that a context is of.
type numbered struct{ slog.Handler }

func (h numbered) Handle(ctx context.Context, r slog.Record) error {
	if l, ok := ctx.Value(lineKey{}).(*line); ok {
		r.AddAttrs(slog.String("request", l.id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h numbered) WithAttrs(a []slog.Attr) slog.Handler { return numbered{h.Handler.WithAttrs(a)} }
func (h numbered) WithGroup(name string) slog.Handler   { return numbered{h.Handler.WithGroup(name)} }

// line is what the log tells of a request, beside how it ended. Handlers fill in what they have
// found to be so: nothing that a visitor wrote gets here unread. Paths, queries, headers, cookies
// and bodies do not get here at all; codes, tickets and addresses are in them.
type line struct{ id, pool, page string }

type lineKey struct{}

// lineOf returns the line of a request.
func lineOf(r *http.Request) *line { return r.Context().Value(lineKey{}).(*line) }

// observed is all of a listener: it bounds, counts and logs what goes in.
type observed struct {
	mux     *http.ServeMux // its patterns are what routes are called
	ready   *readiness
	log     *slog.Logger
	metrics *metrics
	now     func() time.Time
}

const maxBody = 1 << 20 // settings with pages of templates; the pages take far less

func (o *observed) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	began := o.now()
	l := &line{id: rand.Text()[:16]}
	r = r.WithContext(context.WithValue(r.Context(), lineKey{}, l))
	r.Body = http.MaxBytesReader(rw, r.Body, maxBody)
	w := &answered{ResponseWriter: rw, going: &o.ready.going}
	w.Header().Set("X-Request-Id", l.id)
	o.metrics.inFlight.Add(1)
	defer o.metrics.inFlight.Add(-1)
	defer func() {
		cause, begun := recover(), w.status != 0
		if cause != nil { // without the value, which may hold anything
			o.log.ErrorContext(r.Context(), "request panicked", "stack", string(debug.Stack()))
		}
		if cause != nil && !begun {
			clear(w.Header()) // of a cookie, say
			w.Header().Set("X-Request-Id", l.id)
			refuseJSON(w, http.StatusInternalServerError, "internal")
		}
		o.tell(r, w, o.now().Sub(began))
		if cause != nil && begun { // what was half written must not look whole
			panic(http.ErrAbortHandler)
		}
	}()
	o.mux.ServeHTTP(w, r)
}

// tell logs and counts a request that was answered.
func (o *observed) tell(r *http.Request, w *answered, took time.Duration) {
	l, route := lineOf(r), r.Pattern
	if route == "" {
		route = "none"
	}
	o.metrics.answered(route, w.code(), took)
	if quiet[route] {
		return
	}
	fields := []any{"method", method(r), "route", route, "status", w.code(), "ms", took.Milliseconds()}
	if l.pool != "" {
		fields = append(fields, "pool", l.pool)
	}
	if l.page != "" && w.code() != http.StatusNotFound { // else it is no page, but what somebody typed
		fields = append(fields, "page", l.page)
	}
	o.log.InfoContext(r.Context(), "request", fields...)
}

// quiet are asked every few seconds; where they change their mind that is logged.
var quiet = map[string]bool{"GET /healthz": true, "GET /readyz": true, "GET /metrics": true}

// method returns a method that there is: the visitor may have sent any word.
func method(r *http.Request) string {
	switch r.Method {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return r.Method
	}
	return "other"
}

// answered remembers how a request was answered.
type answered struct {
	http.ResponseWriter
	status int
	going  *atomic.Bool
}

// Unwrap is for http.ResponseController.
func (w *answered) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader remembers the status. From a node that is leaving the connection closes with the answer:
// the next request goes to another one.
func (w *answered) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK { // before it there may be hints
		w.status = status
		if w.going.Load() {
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answered) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (w *answered) code() int {
	if w.status == 0 {
		return http.StatusOK // net/http says so where a handler says nothing
	}
	return w.status
}
