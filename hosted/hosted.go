package hosted

import (
	"net/http"
	"strings"
	"sync"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/web"
)

// Pages are the pages of a pool. They are made by [New], and are a handler for the paths below
// [Config].Path.
type Pages struct {
	pool       *pool.Pool
	config     Config // as checked
	production bool
	sessions   *web.Sessions
	pages      map[string]*page
	routes     []route
	handler    http.Handler
	once       once
	look       sync.Map // of branding, as it last was
	err        error

	devPath string
	devPage http.Handler
}

// New returns the pages of a pool. It does not fail, so that a program reads in one line; what is
// wrong with c is in [Pages.Err], and pages that have an error refuse every request, those to the
// app too.
func New(p *pool.Pool, c Config) *Pages {
	c, err := c.check(p)
	h := &Pages{pool: p, config: c, pages: pages(), err: err}
	if err != nil {
		return h
	}
	if c.Dev != nil {
		if h.devPath, h.devPage, h.err = c.Dev.Mount(p, h.frame); h.err != nil {
			return h
		}
	}
	h.production = production(p)
	h.routes = h.table()
	h.sessions = web.New(p, web.Config{SignInPath: h.path(signInPage), StepUpPath: h.path(stepUpPage), Proxies: c.Proxies})
	h.handler = h.sessions.Load(http.HandlerFunc(h.serve))
	return h
}

// Err returns what is wrong with the Config, an [ErrConfig], or nil. A program that would rather
// not start than refuse every request asks for it after [New].
func (h *Pages) Err() error { return h.err }

// Sessions are the cookie sessions that the pages begin and end, for a program that guards its
// handlers one by one: see web.Sessions. They are nil where [Pages.Err] is not.
func (h *Pages) Sessions() *web.Sessions { return h.sessions }

// Wrap returns a handler that has the pages below [Config].Path and, everywhere else, the app,
// which only who is signed in gets to: web.User(r.Context()) is who it is. Others are sent to sign
// in, and back.
func (h *Pages) Wrap(app http.Handler) http.Handler {
	if h.err != nil {
		return h
	}
	guarded := h.sessions.Require(app)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.owns(r.URL.Path) {
			h.ServeHTTP(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}

// ServeHTTP serves the pages alone, for a program that has a router of its own.
func (h *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.err != nil:
		h.broken(w, r)
	case h.asset(w, r):
	case h.devPath != "" && r.URL.Path == h.devPath:
		h.devPage.ServeHTTP(w, r)
	default:
		h.handler.ServeHTTP(w, r)
	}
}

// owns reports whether a path is one of the pages'. It looks at the path as handlers see it, so
// there is no spelling of one by which the app is reached unguarded: what is not ours goes through
// Require (CVE class 10).
func (h *Pages) owns(path string) bool {
	return strings.HasPrefix(path, h.config.Path+"/") || h.devPath != "" && path == h.devPath
}

// path returns the path of a page.
func (h *Pages) path(page string) string { return h.config.Path + "/" + page }

// broken answers where the pages cannot be served. Why is for the operator; a developer is one.
func (h *Pages) broken(w http.ResponseWriter, r *http.Request) {
	a := newAnswer()
	a.status = http.StatusInternalServerError
	a.header.Set("Content-Type", "text/plain; charset=utf-8")
	text := "These pages are not set up rightly. The program's log says what is wrong.\n"
	if h.pool != nil && !production(h.pool) {
		text = h.err.Error() + "\n"
	}
	a.body.WriteString(text)
	if h.config.Logger != nil {
		h.config.Logger.ErrorContext(r.Context(), "request refused", "error", h.err)
	}
	a.send(w, r)
}
