package main

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
)

// refusals say how each class of refusal is answered; what is not here is nobody's fault but ours.
var refusals = []struct {
	is     error
	status int
	name   string
}{
	{errRequest, http.StatusBadRequest, "bad_request"},
	{errVersion, http.StatusPreconditionRequired, "if_match_required"},
	{errPagesClient, http.StatusConflict, "pages_need_their_client"},
	{pool.ErrNotAuthorized, http.StatusUnauthorized, "not_authorized"},
	{pool.ErrNotFound, http.StatusNotFound, "not_found"},
	{pool.ErrUnknownClient, http.StatusNotFound, "no_such_client"},
	{pool.ErrInvalid, http.StatusUnprocessableEntity, "invalid"},
	{pool.ErrExists, http.StatusConflict, "exists"},
	{pool.ErrLoginTaken, http.StatusConflict, "login_taken"},
	{pool.ErrNotAllowed, http.StatusConflict, "not_possible"},
	{pool.ErrSecretLimit, http.StatusConflict, "two_secrets_already"},
	{pool.ErrStale, http.StatusPreconditionFailed, "changed_meanwhile"},
	{pool.ErrNotReady, http.StatusServiceUnavailable, "not_ready_yet"},
	{pool.ErrLimited, http.StatusTooManyRequests, "too_many_requests"},
	{pool.ErrClosed, http.StatusServiceUnavailable, "try_again"},
	{pool.ErrUnavailable, http.StatusServiceUnavailable, "try_again"},
	{pool.ErrWrongKeyring, http.StatusServiceUnavailable, "wrong_keyring"},
	{hosted.ErrConfig, http.StatusServiceUnavailable, "pages_not_set_up"},
}

// class returns how an error is answered.
func class(err error) (status int, name string) {
	for _, known := range refusals {
		if errors.Is(err, known.is) {
			return known.status, known.name
		}
	}
	if _, wrong := errors.AsType[*pool.SettingsError](err); wrong {
		return http.StatusUnprocessableEntity, "invalid"
	}
	return http.StatusInternalServerError, "internal"
}

// refuse answers an error by its class. Why is for the log alone.
func refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	status, name := class(err)
	if status >= http.StatusInternalServerError && log != nil && r.Context().Err() == nil {
		log.ErrorContext(r.Context(), "request failed", "error", err)
	}
	refuseJSON(w, status, name)
}

func refuseJSON(w http.ResponseWriter, status int, name string) {
	writeJSON(w, status, map[string]string{"error": name})
}

// writeJSON answers with v as JSON; nil means with no body.
func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if v == nil {
		w.WriteHeader(status)
		return
	}
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) // who has gone is told nothing
}
