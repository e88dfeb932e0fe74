package token

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Middleware lets through requests that carry a token which v takes, and puts its claims into their
// context: [FromContext]. The others it answers as RFC 6750, section 3 says: 401, 400 for a
// malformed header, or 503 where the key set could not be asked. What is wrong with a token is not
// told: a stranger who could tell a forged one from an expired one would learn from each try.
//
// A token counts in the Authorization header alone. In a query or a body, where RFC 6750 also has
// it, it ends up in logs, and a browser sends it for any page that asks.
//
// An API takes access tokens. A verifier of ID tokens, which are for a client to read, works here
// too, because gateways before Cognito are used so.
func (v *Verifier) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := bearer(r.Header.Values("Authorization"))
		if err != nil {
			refuse(w, http.StatusBadRequest, `Bearer error="invalid_request"`)
			return
		}
		if text == "" {
			refuse(w, http.StatusUnauthorized, "Bearer")
			return
		}
		c, err := v.Verify(r.Context(), text)
		switch {
		case err == nil:
			next.ServeHTTP(w, r.WithContext(presented{c, v.config.Now, v.config.Leeway}.within(r.Context())))
		case errors.Is(err, ErrInvalid) || errors.Is(err, ErrExpired) || errors.Is(err, ErrRevoked):
			refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
		default:
			refuse(w, http.StatusServiceUnavailable, "")
		}
	})
}

// bearer returns the token of Authorization headers, "" where there is none. Two headers, of which
// somebody before us may have looked at the other, are an error.
func bearer(headers []string) (string, error) {
	if len(headers) == 0 {
		return "", nil
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	text = strings.TrimLeft(text, " ") // RFC 9110, 11.4: one blank or more
	switch {
	case len(headers) > 1:
		return "", errors.New("token: more than one Authorization header")
	case !strings.EqualFold(scheme, "Bearer"):
		return "", nil // of another scheme
	case text == "" || strings.ContainsAny(text, " \t,"):
		return "", errors.New("token: a malformed Authorization header")
	}
	return text, nil
}

// refuse answers without a word on why. Challenge is the WWW-Authenticate header, "" means none.
func refuse(w http.ResponseWriter, status int, challenge string) {
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

type contextKey struct{}

// presented are the claims of a request, and the clock by which they are judged.
type presented struct {
	claims *Claims
	clock  func() time.Time
	leeway time.Duration // of an issuer whose clock may be behind ours
}

// now returns by when a sign-in is too old.
func (p presented) now() time.Time { return p.clock().Add(-p.leeway) }

func (p presented) within(ctx context.Context) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// NewContext returns a context that carries claims, as [Verifier.Middleware] makes it: for tests of
// handlers, and for other ways of getting a token than HTTP. How old their sign-in is, [Require]
// judges by time.Now.
func NewContext(ctx context.Context, c *Claims) context.Context {
	p := presented{claims: c}
	p.clock = time.Now
	return p.within(ctx)
}

// FromContext returns the claims that a context carries; ok is false where it carries none.
func FromContext(ctx context.Context) (c *Claims, ok bool) {
	p, _ := ctx.Value(contextKey{}).(presented)
	return p.claims, p.claims != nil
}
