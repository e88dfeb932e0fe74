package hosted

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"

	"github.com/userpool-go/userpool/web"
)

// guard is what a request must pass before a route sees it. It has a name, so that a test can list
// which routes have which.
type guard struct {
	name  string
	check func(*visit) *refusal // nil: it may pass
}

// refusal is why a request was not taken.
type refusal struct {
	status int
	name   string // of the words, and in JSON
}

// The guards of whatever changes something, in the order in which they ask.
var writing = []guard{
	{"over TLS", (*visit).overTLS},
	{"same origin", (*visit).sameOrigin},
	{"bounded body", (*visit).readBody},
	{"form of this browser", (*visit).ownForm},
}

// overTLS takes nothing over plain http in production: no session could come of it. Often a proxy
// is not named in Config.Proxies; then only the log can say so.
func (v *visit) overTLS() *refusal {
	if v.sessions.Encrypted(v.r) {
		return nil
	}
	v.config.Logger.WarnContext(v.r.Context(), "form refused", "path", v.r.URL.Path, "error", web.ErrPlainHTTP)
	return &refusal{http.StatusForbidden, "plain_http"}
}

// sameOrigin lets nobody post but our own pages (CVE class 50). Browsers say since 2020 (Safari
// since 2023) which site a request comes from, and that cannot be set by a page; older ones, and
// all of them over plain http to another machine, name its origin, which must be ours. A request
// that says neither comes from no browser that can be told from an attack, and is refused; "null"
// says nothing. In development the site is enough: a developer may have anything in front.
func (v *visit) sameOrigin() *refusal {
	site, from := v.r.Header.Get("Sec-Fetch-Site"), v.r.Header.Get("Origin")
	named := from != "" && from != "null"
	twice := len(v.r.Header.Values("Sec-Fetch-Site")) > 1 || len(v.r.Header.Values("Origin")) > 1
	switch {
	case !twice && site == "same-origin" && (!named || from == v.origin() || v.config.Origin == ""),
		!twice && site == "" && named && from == v.origin():
		return nil
	}
	return &refusal{http.StatusForbidden, "cross_site"}
}

// origin returns where browsers see the pages. Only in development it is what the request says.
func (v *visit) origin() string {
	if v.config.Origin != "" {
		return v.config.Origin
	}
	return "http://" + v.r.Host
}

// A form is bound to the browser that asked for it by a secret in a cookie, and a MAC under it in
// the form: nobody can have a browser sign in with a form of their own (login CSRF, security.md
// S10). Any other guard alone would do in today's browsers; this one does in all.

var formSecret = regexp.MustCompile(`^[A-Z2-7]{26}$`) // rand.Text

// browser returns the secret of the browser, "" where there is none.
func (v *visit) browser() string {
	c, err := v.r.Cookie(v.cookieName("form"))
	if err != nil || !formSecret.MatchString(c.Value) {
		return ""
	}
	return c.Value
}

// formToken returns what forms for this browser carry. One that has no secret yet gets one.
func (v *visit) formToken() string {
	if v.secret == "" {
		v.secret = v.browser()
	}
	if v.secret == "" {
		v.renew()
	}
	return formMAC(v.secret)
}

// renew gives the browser a new secret: at its first form, and at each sign-in and sign-out, so
// that nobody who knew the one before can use it (CVE class 52).
func (v *visit) renew() {
	v.secret = rand.Text()
	http.SetCookie(v.w, v.cookie("form", v.secret, 0))
}

func formMAC(secret string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte("userpool hosted form"))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// ownForm refuses a form that another browser was given. JSON needs none: no page of another site
// can send it without asking first, which nobody here answers.
func (v *visit) ownForm() *refusal {
	if v.json {
		return nil
	}
	secret := v.browser()
	switch {
	case secret == "":
		return &refusal{http.StatusForbidden, "cookies"}
	case !hmac.Equal([]byte(v.in[tokenField]), []byte(formMAC(secret))):
		return &refusal{http.StatusForbidden, "stale_form"}
	}
	return nil
}
