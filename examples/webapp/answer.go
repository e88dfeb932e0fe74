package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// sent is the answer where a code has gone out, if there is anybody to get one.
type sent struct {
	Step   string `json:"step"` // what to do next: "confirm" or "reset"
	Ticket string `json:"ticket"`
	To     string `json:"to"` // as it was typed
}

// problem is the answer where something was refused.
type problem struct {
	Error  string            `json:"error"`
	Fields map[string]string `json:"fields,omitempty"`
}

// write answers with v as JSON; nil means with no body.
func write(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store") // tokens and tickets are in it
	h.Set("X-Content-Type-Options", "nosniff")
	if v == nil {
		w.WriteHeader(status)
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		status, text = http.StatusInternalServerError, []byte(`{"error":"internal"}`)
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(text, '\n')) // nobody to tell
}

// writeStep answers with a step. This program hands on whatever the pool says; it is the page or
// app that must refuse a step that it does not know.
func writeStep(w http.ResponseWriter, step pool.Step) error {
	text, err := pool.MarshalStep(step)
	if err == nil {
		write(w, http.StatusOK, json.RawMessage(text))
	}
	return err
}

// refusals say how each class of refusal is answered. What is not in it is nobody's fault but ours.
var refusals = []struct {
	is     error
	status int
	name   string
}{
	{pool.ErrNotAuthorized, http.StatusUnauthorized, "not_authorized"},
	{pool.ErrBadCode, http.StatusUnprocessableEntity, "wrong_code"},
	{pool.ErrTicketGone, http.StatusGone, "start_again"},
	{pool.ErrWrongStep, http.StatusConflict, "wrong_step"},
	{pool.ErrLoginTaken, http.StatusConflict, "login_taken"},
	{pool.ErrUnavailable, http.StatusServiceUnavailable, "try_again"},
	{pool.ErrClosed, http.StatusServiceUnavailable, "try_again"},
}

// names are how this program calls the fields of the pool's inputs.
var names = map[string]string{
	"Username": "email", "Password": "password", "With": "password", "Code": "code", "Attributes.name": "name",
}

// refuse answers an error. Only the log is told what a stranger need not know.
func refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	if bad, ok := errors.AsType[*badRequest](err); ok {
		write(w, bad.status, problem{Error: bad.reason})
		return
	}
	if l, ok := errors.AsType[*pool.LimitError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(time.Until(l.Until).Seconds()+1))))
		write(w, http.StatusTooManyRequests, problem{Error: "too_many_requests"})
		return
	}
	if v, ok := errors.AsType[*pool.ValidationError](err); ok {
		write(w, http.StatusUnprocessableEntity, invalid(v))
		return
	}
	status, p := http.StatusInternalServerError, problem{Error: "internal"}
	for _, known := range refusals {
		if errors.Is(err, known.is) {
			status, p.Error = known.status, known.name
			break
		}
	}
	if status >= http.StatusInternalServerError && r.Context().Err() == nil { // else the visitor has gone
		log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
	}
	write(w, status, p)
}

func invalid(v *pool.ValidationError) problem {
	p := problem{Error: "invalid", Fields: map[string]string{}}
	for _, f := range v.Fields {
		name, ok := names[f.Field]
		if !ok {
			name = f.Field
		}
		p.Fields[name] = f.Reason
	}
	return p
}
