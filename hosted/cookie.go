package hosted

import (
	"net/http"
	"time"
)

// cookieName returns the name of one of our cookies. In production it has the prefix that binds a
// cookie to this host, so that no other host of the domain can plant one (RFC 6265bis, 4.1.3.2); in
// development, which is http, it has another name (security.md S11). Names hold the pool's id,
// since pools may share a host.
func (h *Pages) cookieName(what string) string {
	if h.production {
		return "__Host-userpool." + what + "." + string(h.pool.ID())
	}
	return "userpool-dev." + what + "." + string(h.pool.ID())
}

// cookie returns one of our cookies. Zero keeps it until the browser ends, less than zero deletes
// it.
//
// SameSite is Lax, not Strict: who comes by a link in a mail comes from another site, and must find
// what their browser carries. No other site can post with it.
func (h *Pages) cookie(what, value string, keep time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure is off in development alone, which is plain http
		Name: h.cookieName(what), Value: value, Path: "/",
		Secure: h.production, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
	if c.MaxAge = int(keep / time.Second); keep < 0 {
		c.MaxAge = -1
	}
	return c
}
