package web

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/userpool-go/userpool/pool"
)

// visitor is who made a request, as of one read.
type visitor struct {
	of      *Sessions
	account *pool.Account // nil means nobody
	profile pool.Profile
	err     error // why it is nobody
}

type contextKey struct{}

// visitor returns who makes a request: read by Load already, or now.
func (s *Sessions) visitor(r *http.Request) *visitor {
	if v, ok := r.Context().Value(contextKey{}).(*visitor); ok && v.of == s {
		return v
	}
	v := &visitor{of: s, err: pool.ErrNotAuthorized}
	if value, ok := s.cookie(r); ok {
		v.account, v.profile, v.err = s.pool.Session(r.Context(), value)
	}
	return v
}

// with returns the request with its visitor, and says that the answer is the visitor's own.
func (s *Sessions) with(v *visitor, w http.ResponseWriter, r *http.Request) *http.Request {
	if r.Context().Value(contextKey{}) == any(v) {
		return r
	}
	w.Header().Add("Vary", "Cookie")
	if v.account != nil {
		w.Header().Set("Cache-Control", "no-store") // also against the back button after signing out
	}
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, v))
}

// Load is the middleware that finds out who makes each request, for [User], [Sessions.Account] and
// [Sessions.Require]. It lets everybody through. It costs one read of the store where the request
// brings a cookie, and nothing where it does not.
//
// Answers to somebody signed in are not to be kept by any cache (Cache-Control: no-store), unless
// the handler says otherwise. Where the store does not answer, everybody is nobody.
func (s *Sessions) Load(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, s.with(s.visitor(r), w, r))
	})
}

// Require is the middleware that lets only those through who are signed in. A browser that goes to
// a page (GET or HEAD) is sent to the sign-in with 303, and from there back, see [ReturnTo];
// anything else is 401. Where the store does not answer it is 503. It works without
// [Sessions.Load], too.
func (s *Sessions) Require(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visitor(r)
		r = s.with(v, w, r)
		switch {
		case v.account != nil:
			next.ServeHTTP(w, r)
		case !errors.Is(v.err, pool.ErrNotAuthorized):
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "try again later", http.StatusServiceUnavailable)
		default:
			s.signInFirst(w, r)
		}
	})
}

// RequireGroup is [Sessions.Require] for members of any of the groups; whoever is signed in and in
// none of them gets 403. Without names it lets nobody in, because a list that came out empty should
// not open what it guards. Names are compared as token.Requirement does: whole, and letter case
// counts.
//
// Who is in a group is read with the session, at each request: whoever is taken out of it, or whose
// group is taken out of the settings, is out from the next request on.
func (s *Sessions) RequireGroup(names ...string) func(http.Handler) http.Handler {
	names = slices.Clone(names)
	return func(next http.Handler) http.Handler {
		return s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			member := func(name string) bool { return slices.Contains(s.visitor(r).profile.Groups, name) }
			if !slices.ContainsFunc(names, member) {
				w.Header().Set("Cache-Control", "no-store") // else the page stays closed to who joins
				http.Error(w, "not allowed", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		}))
	}
}

// signInFirst answers a visitor who has to sign in.
func (s *Sessions) signInFirst(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // else the page stays closed after the sign-in
	to, ok := detour(r, s.signIn, nil)
	if !ok || !navigation(r) {
		http.Error(w, "not signed in", http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// User returns the profile of who makes the request, as [Sessions.Load] or [Sessions.Require] has
// read it; where they stand for several pools, the innermost. The zero Profile, without an ID, is
// nobody.
func User(ctx context.Context) pool.Profile {
	if v, ok := ctx.Value(contextKey{}).(*visitor); ok {
		return v.profile
	}
	return pool.Profile{}
}

// Account returns the account of who makes the request, for what users do with their own. It fails
// with pool.ErrNotAuthorized where nobody is signed in, and as pool.Pool.Session does.
func (s *Sessions) Account(r *http.Request) (*pool.Account, error) {
	v := s.visitor(r)
	return v.account, v.err
}
