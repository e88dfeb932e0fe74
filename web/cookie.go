package web

import (
	"net/http"
	"time"

	"github.com/userpool-go/userpool/token"
)

// deviceSeconds is how long a browser keeps its known-device token, and what says that it is remembered:
// as long as the pool honours either at the most.
const deviceSeconds = 365 * 24 * 60 * 60

// write sets a cookie of ours, until a time or for so many seconds; a negative number erases it.
// Its attributes are those that the __Host- prefix asks for, and it is kept from scripts and from
// what other sites cause, but for following a link.
func (s *Sessions) write(w http.ResponseWriter, name, value string, until time.Time, seconds int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is left out in development alone, over plain http
		Name: name, Value: value, Expires: until, MaxAge: seconds,
		Path: "/", Secure: s.names.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	w.Header().Set("Cache-Control", "no-store") // whoever keeps the answer would hand out the cookie
}

// cookie returns the value of the session cookie that a request brings, unless what brings it
// cannot be relied on.
func (s *Sessions) cookie(r *http.Request) (token.Secret, bool) {
	value, ok := single(r, s.names.Session)
	if !ok || s.mayAct(r) != nil {
		return token.Secret{}, false
	}
	return token.NewSecret(value), true
}

// single returns the value of the one cookie of a name. Of two, one was set by somebody else, such
// as a neighbouring host in a browser that does not know __Host-, and nothing says which.
func single(r *http.Request, name string) (value string, ok bool) {
	found := r.CookiesNamed(name)
	if len(found) != 1 {
		return "", false
	}
	return found[0].Value, found[0].Value != ""
}
