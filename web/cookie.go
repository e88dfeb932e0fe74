package web

import (
	"net/http"

	"github.com/userpool-go/userpool/token"
)

// deviceSeconds is how long a browser keeps its known-device token: as long as the pool honours it.
const deviceSeconds = 365 * 24 * 60 * 60

// write sets a cookie of ours. Its attributes are those that the __Host- prefix asks for, and it is kept
// from scripts and from what other sites cause, but for following a link.
func (s *Sessions) write(w http.ResponseWriter, c *http.Cookie) {
	c.Path, c.Secure, c.HttpOnly, c.SameSite = "/", s.names.Secure, true, http.SameSiteLaxMode
	http.SetCookie(w, c)
	w.Header().Set("Cache-Control", "no-store") // whoever keeps the answer would hand out the cookie
}

// cookie returns the value of the session cookie that a request brings, unless what brings it cannot be
// relied on.
func (s *Sessions) cookie(r *http.Request) (token.Secret, bool) {
	value, ok := single(r, s.names.Session)
	if !ok || s.mayAct(r) != nil {
		return token.Secret{}, false
	}
	return token.NewSecret(value), true
}

// single returns the value of the one cookie of a name. Of two, one was set by somebody else, such as a
// neighbouring host in a browser that does not know __Host-, and nothing says which.
func single(r *http.Request, name string) (value string, ok bool) {
	found := r.CookiesNamed(name)
	if len(found) != 1 {
		return "", false
	}
	return found[0].Value, found[0].Value != ""
}
