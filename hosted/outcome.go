package hosted

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// outcome is what came of a request: another page, an end, or a refusal.
type outcome struct {
	to      string // another page
	flow    flow   // what is carried there
	leave   string // out of the pages: a path of the app
	step    pool.Step
	kind    string        // what a step would be called in JSON, where there is none
	sent    pool.Delivery // beside kind
	err     error         // of the pool
	refused *refusal
}

// failure says how an error of the pool is told.
type failure struct {
	is     error
	status int    // in JSON
	name   string // in JSON, and of the words
	field  string // that it is about
}

// failures are the errors that visitors can do something about, each in its class. Whatever is not
// here is nobody's fault but ours, and told as such. Those that lead back to the beginning have no
// field.
var failures = []failure{
	{pool.ErrNotAuthorized, http.StatusUnauthorized, "not_authorized", ""},
	{pool.ErrBadCode, http.StatusUnprocessableEntity, "wrong_code", "code"},
	{pool.ErrTicketGone, http.StatusGone, startAgain, ""},
	{pool.ErrWrongStep, http.StatusConflict, startAgain, ""},
	{pool.ErrLoginTaken, http.StatusConflict, "login_taken", "username"},
	{pool.ErrInvalid, http.StatusUnprocessableEntity, "invalid", ""},
	{pool.ErrNetworkBlocked, http.StatusForbidden, "refused", ""},
	{pool.ErrLimited, http.StatusTooManyRequests, "too_many_requests", ""},
	{pool.ErrNoFactor, http.StatusForbidden, "no_factor", ""},
	{pool.ErrForbidden, http.StatusForbidden, "refused", ""},
	{pool.ErrNotAllowed, http.StatusConflict, "not_allowed", ""},
	{pool.ErrNotFound, http.StatusNotFound, "gone", ""},
	{errStandsOn, http.StatusConflict, "stands_on", ""},
	{pool.ErrNeedsProof, http.StatusUnauthorized, "needs_proof", ""},
	{pool.ErrUnavailable, http.StatusServiceUnavailable, "try_again", ""},
	{pool.ErrClosed, http.StatusServiceUnavailable, "try_again", ""},
}

// startAgain is the failure of a step that is over.
const startAgain = "start_again"

// failed says how an error is told.
func failed(err error) failure {
	for _, f := range failures {
		if errors.Is(err, f.is) {
			return f
		}
	}
	if _, denied := errors.AsType[*pool.HookError](err); denied {
		return failure{err, http.StatusForbidden, "refused", ""}
	}
	return failure{err, http.StatusInternalServerError, "internal", ""}
}

// slips says what is wrong with a form.
func slips(err error) (all []slip) {
	v, ok := errors.AsType[*pool.ValidationError](err)
	if !ok {
		f := failed(err)
		return []slip{{Field: f.field, Rule: f.name}}
	}
	for _, f := range v.Fields {
		s := slip{Field: fieldNames[f.Field], Rule: f.Rule, Min: f.Min, Max: f.Max}
		if s.Field == "" {
			s.Field = strings.ToLower(f.Field)
		}
		all = append(all, s)
	}
	return all
}

// fieldNames are the forms' names of fields of the pool's inputs.
var fieldNames = map[string]string{"With": "password", "Address": "username"}

// later is the header that says when to try again.
func later(h http.Header, err error) {
	if l, ok := errors.AsType[*pool.LimitError](err); ok {
		h.Set("Retry-After", l.Until.UTC().Add(time.Second).Format(http.TimeFormat))
	}
}
