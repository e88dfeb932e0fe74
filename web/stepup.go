package web

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/userpool-go/userpool/token"
)

// RequireFresh is [Sessions.Require] for those who have signed in no longer than maxAge ago, so that
// whoever finds an unlocked screen does not get everywhere. A browser that goes to a page (GET or
// HEAD) is sent to [Config].StepUpPath with 303, and from there back; anything else is 401, with
// the WWW-Authenticate of RFC 9470, section 3, for the script to read. Use of the session makes it
// no newer. 0 and less let nobody in.
//
// Every sign-in does, by whatever method the pool lets in: see [Sessions.RequireACR] for what a code
// by mail should not open. A form needs its guard where it is shown and where it is sent; give the
// latter some minutes more, or who types slowly gets 401.
//
// Staff who act as the user get 403: they cannot sign in for them.
func (s *Sessions) RequireFresh(maxAge time.Duration) func(http.Handler) http.Handler {
	return s.requireAssured("", maxAge)
}

// RequireACR is [Sessions.Require] for those who have signed in by at least acr: token.AAL1, or
// token.AAL2, which is two factors. Others are answered as by [Sessions.RequireFresh]. "" and what is no acr of
// ours let nobody in. How strong a session is, is computed at each request: it fades, and goes
// down when a factor goes.
//
// For two factors that are new put this before RequireFresh. They are met by the same proofs or not at
// all: a password of just now makes no second factor of last month new.
func (s *Sessions) RequireACR(acr string) func(http.Handler) http.Handler {
	return s.requireAssured(acr, 0)
}

func (s *Sessions) requireAssured(acr string, maxAge time.Duration) func(http.Handler) http.Handler {
	asks := acr != "" || maxAge != 0 // or a setting came out empty, which should not open what it guards
	return func(next http.Handler) http.Handler {
		return s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := s.visitor(r).account.Assured(acr, maxAge)
			if err == nil && asks {
				next.ServeHTTP(w, r)
				return
			}
			w.Header().Set("Cache-Control", "no-store") // else the page stays closed after the step
			if step, ok := errors.AsType[*token.StepUpError](err); ok {
				s.stepUp(w, r, step)
				return
			}
			http.Error(w, "not allowed", http.StatusForbidden)
		}))
	}
}

// stepUp answers a visitor who has to sign in anew. What the page is told comes through the visitor's
// hands: it is what to ask for, and the guard judges again what came of it.
func (s *Sessions) stepUp(w http.ResponseWriter, r *http.Request, step *token.StepUpError) {
	asked := url.Values{}
	if step.ACR != "" {
		asked.Set("acr_values", step.ACR)
	}
	if step.MaxAge > 0 {
		asked.Set("max_age", strconv.FormatInt(int64(step.MaxAge/time.Second), 10))
	}
	if to, ok := detour(r, s.stepUpPath, asked); ok && navigation(r) {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return
	}
	w.Header().Set("WWW-Authenticate", step.Challenge())
	http.Error(w, "sign in again", http.StatusUnauthorized)
}
