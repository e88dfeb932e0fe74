package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"time"

	"github.com/userpool-go/userpool/internal/cookie"
	"github.com/userpool-go/userpool/pool"
)

// Errors of [Sessions.Start] and [Sessions.End]. Compare with errors.Is.
var (
	// ErrNoSession means that a sign-in ended in tokens, or in nothing: its steps were not all given
	// [Sessions.Caller].
	ErrNoSession = errors.New("web: the sign-in did not end in a browser session: give each of its steps the Caller of Sessions.Caller")
	// ErrCrossOrigin means that another site may have caused the request: nothing was changed.
	ErrCrossOrigin = errors.New("web: the request is not known to come from a page of this origin")
	// ErrPlainHTTP means that the pool's issuer is https, and the request came over plain http.
	ErrPlainHTTP = errors.New("web: a request over plain http, in production: name the proxy that ends TLS in Config.Proxies, and let it set X-Forwarded-Proto")
)

// Config is how sessions fit into the program around them.
type Config struct {
	// SignInPath is where [Sessions.Require] sends visitors. "" means "/login".
	SignInPath string
	// StepUpPath is where [Sessions.RequireFresh] and [Sessions.RequireACR] send who is signed in, and
	// must be so anew. "" means SignInPath. The page finds in its query acr_values and max_age, as
	// OpenID Connect names them (Core 1.0, 3.1.2.1), either or both, and [ReturnTo]. It must
	//   - ask again, and not send back who is signed in already: they would go round in circles;
	//   - ask the one who is signed in, and for no less than they have shown before;
	//   - end in [Sessions.Start], which ends the session of before, and go to [ReturnPath].
	// What the query says is the visitor's to change, and worth nothing: the guard judges the session
	// that came of it.
	StepUpPath string
	// Proxies are the networks of the proxies in front of the program. What they say about a
	// request counts: X-Forwarded-For, to which each adds whom it was called by, and
	// X-Forwarded-Proto. None means that nobody stands in between; then visitors behind a proxy are
	// all one network, and share its limits.
	Proxies []netip.Prefix
}

// Sessions are the browser sessions of one pool. Its methods are safe for concurrent use.
type Sessions struct {
	pool       *pool.Pool
	signIn     string
	stepUpPath string
	proxies    []netip.Prefix
	names      cookie.Names
}

// New returns the sessions of p. A pool with an https issuer is in production: its cookies are
// Secure, and what comes over plain http is nobody's.
func New(p *pool.Pool, c Config) *Sessions {
	s := &Sessions{pool: p, signIn: cmp.Or(c.SignInPath, "/login"), names: cookie.Of(string(p.ID()), p.Issuer())}
	s.stepUpPath = cmp.Or(c.StepUpPath, s.signIn)
	for _, network := range c.Proxies {
		s.proxies = append(s.proxies, unmapped(network))
	}
	return s
}

// Start signs the browser in: it writes the cookie of the session that a sign-in, or a change of
// password, ended in. It counts from the browser's next request. A session that the browser had
// until then ends, which costs two reads and a commit; a browser without one costs nothing.
//
// It fails with [ErrNoSession], [ErrCrossOrigin], [ErrPlainHTTP], and with an error of the pool
// where the session before could not be ended; then nothing was written.
func (s *Sessions) Start(w http.ResponseWriter, r *http.Request, done *pool.Done) error {
	if done == nil || done.Cookie.IsZero() {
		return ErrNoSession
	}
	if err := s.mayAct(r); err != nil { // login CSRF: the visitor would act in somebody else's account
		return err
	}
	if err := s.signOut(r); err != nil {
		return err
	}
	s.write(w, s.names.Session, done.Cookie.Reveal(), done.Expires, 0)
	if done.Device != "" {
		s.write(w, s.names.Device, done.Device, time.Time{}, deviceSeconds)
	}
	if done.Remembered != "" {
		s.write(w, s.names.Remembered, done.Remembered, time.Time{}, deviceSeconds)
	}
	return nil
}

// End signs the browser out: it ends the session and erases the cookie. Whose session is over
// already is signed out. It is for a POST: at a GET it is [ErrCrossOrigin], since any page can
// cause one.
//
// It fails with [ErrCrossOrigin] and [ErrPlainHTTP], which erase nothing, and with an error of the
// pool where the session could not be ended; the cookie is erased then, too.
func (s *Sessions) End(w http.ResponseWriter, r *http.Request) error {
	if safe(r) {
		return ErrCrossOrigin
	}
	if err := s.mayAct(r); err != nil {
		return err
	}
	s.write(w, s.names.Session, "", time.Time{}, -1)
	return s.signOut(r)
}

// signOut ends the session that the request brings, if there is one.
func (s *Sessions) signOut(r *http.Request) error {
	v := s.visitor(r)
	err := v.err
	if v.account != nil {
		err = v.account.SignOut(r.Context(), s.Caller(r))
	}
	if errors.Is(err, pool.ErrNotAuthorized) { // it is over already
		return nil
	}
	return err
}
