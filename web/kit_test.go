package web_test

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/web"
)

const ada = "ada@example.com"

// site is a program with pages of its own, as a browser meets it.
type site struct {
	*pooltest.Kit
	*web.Sessions
	t       *testing.T
	handler http.Handler
	err     error // of the last Start or End
}

// open opens a site in production, or in development where the issuer is "".
func open(t *testing.T, issuer string, proxies ...string) *site {
	t.Helper()
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Issuer: issuer}))
	return serve(t, k, proxies...)
}

func serve(t *testing.T, k *pooltest.Kit, proxies ...string) *site {
	t.Helper()
	var c web.Config
	for _, p := range proxies {
		c.Proxies = append(c.Proxies, netip.MustParsePrefix(p))
	}
	s := &site{Kit: k, Sessions: web.New(k.Pool, c), t: t}
	who := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-User", web.User(r.Context()).Username)
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/login", s.login)
	mux.HandleFunc("/logout", func(w http.ResponseWriter, r *http.Request) { s.answer(w, s.End(w, r)) })
	mux.Handle("/me", s.Require(who))
	mux.Handle("/", who)
	s.handler = s.Load(mux)
	return s
}

// login signs the person in whom the query names.
func (s *site) login(w http.ResponseWriter, r *http.Request) {
	step, err := s.SignIn(r.Context(), pool.SignInInput{
		Username: r.URL.Query().Get("as"), With: pool.Password{Value: pooltest.Password}, Caller: s.Caller(r),
	})
	if done, ok := step.(*pool.Done); ok && err == nil {
		err = s.Start(w, r, done)
	}
	s.answer(w, err)
}

func (s *site) answer(w http.ResponseWriter, err error) {
	if s.err = err; err != nil {
		w.WriteHeader(http.StatusForbidden)
	}
}

// do answers a request.
func (s *site) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w
}

// request is one that a browser makes from a page of the site, over TLS where the site is in production.
func (s *site) request(method, path string, cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, nil)
	if strings.HasPrefix(s.Issuer(), "https:") {
		r.TLS = &tls.ConnectionState{}
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// signIn signs a person in through the login page, and returns the cookies.
func (s *site) signIn(login string, have ...*http.Cookie) (session, device *http.Cookie) {
	s.t.Helper()
	res := s.do(s.request("POST", "/login?as="+login, have...))
	if s.err != nil || len(res.Result().Cookies()) != 2 {
		s.t.Fatalf("sign-in: %v, cookies %v", s.err, res.Result().Cookies())
	}
	return res.Result().Cookies()[0], res.Result().Cookies()[1]
}

// user returns who the site takes a request to be of; "" is nobody.
func (s *site) user(r *http.Request) string { return s.do(r).Header().Get("X-User") }

// is fails the test unless err is of a class.
func is(t *testing.T, what string, err, class error) {
	t.Helper()
	if !errors.Is(err, class) {
		t.Errorf("%s = %v, want %v", what, err, class)
	}
}

var another = password.New("Another harbour, 2 gulls & a storm.")

// down is the plan of a store that does not answer.
var down = storagetest.Sometimes(1, 1, storagetest.Fault{Err: errors.New("disk full")})
