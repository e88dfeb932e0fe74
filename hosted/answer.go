package hosted

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
)

// answer is a response before it is sent: written whole or not at all, and given again to who asks
// the same twice.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func newAnswer() *answer {
	return &answer{status: http.StatusOK, header: http.Header{"Vary": {"Accept, Accept-Language, Cookie"}}}
}

// Header is that of [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.header }

// WriteHeader is that of [http.ResponseWriter].
func (a *answer) WriteHeader(status int) { a.status = status }

// Write is that of [http.ResponseWriter].
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// see sends the browser to another page, by GET.
func (a *answer) see(where string) {
	a.status = http.StatusSeeOther
	a.header.Set("Location", where)
}

// send sends the answer, to HEAD without its body. The headers of all answers are beside its own.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for name, value := range secure {
		h.Set(name, value)
	}
	for name, values := range a.header {
		if name == "Set-Cookie" || name == "Vary" { // beside those of a middleware
			values = append(h.Values(name), values...)
		}
		h[name] = slices.Clone(values) // the answer may be given again
	}
	h.Set("Content-Length", strconv.Itoa(a.body.Len()))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(a.body.Bytes()) // who has gone is told nothing
	}
}

// secure are the headers of all answers. Pages hold no script and no style of their own, so
// whatever gets into one does nothing (CVE class 49); nobody frames them, keeps them, or learns
// from where somebody came. Without any referrer browsers would hide the origin of our own forms,
// too, see [visit.sameOrigin].
var secure = map[string]string{
	"Content-Security-Policy":      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Frame-Options":              "DENY",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cache-Control":                "no-store",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
