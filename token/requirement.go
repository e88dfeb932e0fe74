package token

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrForbidden means that claims do not meet a [Requirement], and that no other sign-in of the same
// user would help.
var ErrForbidden = errors.New("token: not allowed")

// errScope is the one that a token with more scopes would help.
var errScope = fmt.Errorf("%w: a scope is missing", ErrForbidden)

// Requirement is what the claims of a request must have. What cannot be met, such as an ACR that is
// none of ours or a negative MaxAge, lets nobody in.
type Requirement struct {
	// Groups lets in members of any of them. Nil asks for none; an empty list that is not nil lets
	// nobody in, because a list that came out empty should not open what it guards.
	Groups []string
	// Scopes must all be there.
	Scopes []string
	// Self lets in nobody who acts as the user ([Claims].Actor): for what a user must do in person,
	// such as to pay or to consent.
	Self bool
	// ACR is how strong the sign-in must have been at the least: [AAL1] or [AAL2]; "" asks for
	// nothing. A token without acr, or with one of another issuer's words, is too weak.
	ACR string
	// MaxAge is how long ago the sign-in may have been; 0 asks for nothing. The age is that of the
	// oldest proof that the sign-in rests on (auth_time), so a newer one beside it refreshes
	// nothing, and a refresh of the token does not either. A token without auth_time is too old.
	//
	// It is met by every sign-in, by the weakest that the pool allows too: where a code by mail
	// should not do, say so by ACR beside it.
	MaxAge time.Duration
}

// Check tells whether claims meet q at now: for resource servers without net/http, where [Require]
// does it. No leeway is given. What no sign-in would help is judged first, so that nobody shows
// another factor only to be refused.
//
// It fails with [ErrForbidden], with a *[StepUpError] where a stronger or newer sign-in would do, and
// with [ErrInvalid] where c is nil. Who acts as the user ([Claims].Actor) has neither, and cannot get
// them: that is ErrForbidden.
func (q Requirement) Check(c *Claims, now time.Time) error {
	switch {
	case c == nil:
		return invalid("no claims")
	case !q.hasScopes(c):
		return errScope
	case !q.inGroup(c):
		return fmt.Errorf("%w: of none of the groups", ErrForbidden)
	case c.Actor != "" && (q.Self || q.stepsUp()):
		return fmt.Errorf("%w: the user must do this in person", ErrForbidden)
	case q.MaxAge < 0 || q.ACR != "" && level(q.ACR) < 0:
		return fmt.Errorf("%w: nobody is let in: acr %.20q is none of %q, or the age %v is negative", ErrForbidden, q.ACR, levels, q.MaxAge)
	case !q.assured(c, now):
		return &StepUpError{q.ACR, q.MaxAge}
	}
	return nil
}

func (q Requirement) inGroup(c *Claims) bool {
	return q.Groups == nil || slices.ContainsFunc(q.Groups, c.InGroup)
}

func (q Requirement) hasScopes(c *Claims) bool {
	return !slices.ContainsFunc(q.Scopes, func(s string) bool { return !c.HasScope(s) })
}

// Require returns a middleware that lets through what meets q, by [Requirement.Check] and the clock of
// the verifier. To the rest it answers 403 (RFC 6750, 3.1); 401 with what to ask the user for where a
// stronger or newer sign-in would do (RFC 9470, 3), see [StepUpError]; and 401 where there are no
// claims. It stands behind [Verifier.Middleware].
func Require(q Requirement) func(http.Handler) http.Handler {
	q.Groups, q.Scopes = slices.Clone(q.Groups), slices.Clone(q.Scopes)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			p, _ := r.Context().Value(contextKey{}).(presented)
			if p.claims == nil {
				refuse(w, http.StatusUnauthorized, "Bearer")
				return
			}
			err := q.Check(p.claims, p.now())
			if err == nil {
				next.ServeHTTP(w, r)
				return
			}
			q.refuse(w, err)
		})
	}
}

// refuse answers what does not meet q.
func (q Requirement) refuse(w http.ResponseWriter, err error) {
	if step, ok := errors.AsType[*StepUpError](err); ok {
		refuse(w, http.StatusUnauthorized, step.Challenge())
		return
	}
	challenge := "" // no scope would help
	if errors.Is(err, errScope) {
		challenge = `Bearer error="insufficient_scope", scope="` + strings.Join(q.Scopes, " ") + `"`
	}
	refuse(w, http.StatusForbidden, challenge)
}
