package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/web"
)

const production = "https://shop.test"

func TestJourney(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"", production} {
		s := open(t, issuer)
		s.Person(ada)
		if got := s.user(s.request("GET", "/")); got != "" {
			t.Errorf("a stranger is %q", got)
		}
		session, device := s.signIn(ada)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
			if got := s.user(s.request(method, "/me", session)); got != ada {
				t.Errorf("%s /me is of %q, want %q", method, got, ada)
			}
		}
		if c := s.Caller(s.request("GET", "/", session, device)); c.Device != device.Value || !c.Browser {
			t.Errorf("Caller = %+v, want a browser with a known device", c)
		}
		res := s.do(s.request("POST", "/logout", session, device))
		if s.err != nil || len(res.Result().Cookies()) != 1 || res.Result().Cookies()[0].MaxAge != -1 || res.Result().Cookies()[0].Name != session.Name {
			t.Errorf("sign-out = %v, cookies %v, want the session's erased", s.err, res.Result().Cookies())
		}
		if got := s.do(s.request("GET", "/me", session)); got.Code != http.StatusSeeOther {
			t.Errorf("the cookie of before = %d, want 303", got.Code)
		}
		if s.do(s.request("POST", "/logout", session)); s.err != nil {
			t.Errorf("signing out again: %v", s.err)
		}
		if s.do(s.request("POST", "/logout")); s.err != nil {
			t.Errorf("signing out without a cookie: %v", s.err)
		}
	}
}

// A cookie is as narrow as browsers let it be, and says nothing but the names of a session.
func TestS7_CookieIsThePoolsOwn(t *testing.T) {
	t.Parallel()
	st := memory.New()
	defer st.Close()
	a := serve(t, pooltest.New(t, pooltest.WithStore(st), pooltest.WithConfig(pool.Config{ID: "a", Issuer: "https://a.test"})))
	b := serve(t, pooltest.New(t, pooltest.WithStore(st), pooltest.WithConfig(pool.Config{ID: "b", Issuer: "https://b.test"})))
	a.Person(ada)
	b.Person(ada)
	ofA, deviceA := a.signIn(ada)
	ofB, deviceB := b.signIn(ada)
	for _, c := range []*http.Cookie{ofA, ofB, deviceA, deviceB} {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %s", c)
		}
		if len(c.String()) > 1024 {
			t.Errorf("cookie %s has %d bytes", c.Name, len(c.String()))
		}
	}
	if want := a.Clock.Now().Add(30 * 24 * time.Hour); ofA.Expires.Sub(want).Abs() > time.Second {
		t.Errorf("the cookie expires at %v, want %v", ofA.Expires, want)
	}
	names := map[string]bool{ofA.Name: true, ofB.Name: true, deviceA.Name: true, deviceB.Name: true}
	if len(names) != 4 {
		t.Errorf("two pools on one host share a cookie: %v", names)
	}
	if got := b.user(b.request("GET", "/", &http.Cookie{Name: ofB.Name, Value: ofA.Value})); got != "" {
		t.Errorf("the cookie of one pool opens another, as %q", got)
	}
	if got := b.user(b.request("GET", "/", ofA, ofB)); got != ada {
		t.Errorf("beside the cookie of another pool it is %q, want %q", got, ada)
	}
}

// In development the names are others, which a browser takes over plain http.
func TestS11_DevelopmentCookie(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	s.Person(ada)
	c, _ := s.signIn(ada)
	if c.Name != "userpool-dev.session.default" || c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
		t.Errorf("cookie %s", c)
	}
}

// The id that somebody planted before a sign-in is not the one after it (CVE class 52).
func TestT2_SignInReplacesTheSession(t *testing.T) {
	t.Parallel()
	s := open(t, production)
	s.Person(ada)
	s.Person("eve@example.com")
	eves, _ := s.signIn("eve@example.com")
	adas, _ := s.signIn(ada, eves)
	if eves.Value == adas.Value || s.user(s.request("GET", "/", adas)) != ada {
		t.Error("the session of before went on")
	}
	if got := s.user(s.request("GET", "/", eves)); got != "" {
		t.Errorf("the session of before is still %q's", got)
	}
	again, _ := s.signIn(ada, adas)
	if again.Value == adas.Value || s.user(s.request("GET", "/", adas)) != "" {
		t.Error("signing in again kept the session")
	}
}

func TestT3_SessionsEndAtTheNextRequest(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(k *pooltest.Kit, p *pooltest.Person){
		"signed out": func(_ *pooltest.Kit, p *pooltest.Person) { p.SignOut() },
		"idle":       func(k *pooltest.Kit, _ *pooltest.Person) { k.Clock.Advance(24 * time.Hour) },
		"too long":   func(k *pooltest.Kit, _ *pooltest.Person) { k.Clock.Advance(31 * 24 * time.Hour) },
	} {
		k := pooltest.New(t)
		s := serve(t, k)
		p := k.Person(ada)
		if got := s.do(p.Request("GET", "/me")).Code; got != http.StatusOK {
			t.Fatalf("before: %d", got)
		}
		end(k, p)
		if got := s.do(p.Request("GET", "/me")).Code; got != http.StatusSeeOther {
			t.Errorf("%s: %d, want 303", name, got)
		}
	}
	k := pooltest.New(t)
	s := serve(t, k)
	for name, p := range map[string]*pooltest.Person{
		"disabled":           k.Person("dan@example.com", pooltest.Disabled()),
		"temporary password": k.Person("gus@example.com", pooltest.TemporaryPassword()),
		"signed out":         k.Person("bob@example.com", pooltest.SignedOut()),
		"unconfirmed":        k.Person("flo@example.com", pooltest.Unconfirmed()),
	} {
		if got := s.do(p.Request("GET", "/me")).Code; got != http.StatusSeeOther {
			t.Errorf("%s: %d, want 303", name, got)
		}
	}
	if got := s.do(k.Person("eve@example.com", pooltest.Locked()).Request("GET", "/me")).Code; got != http.StatusOK {
		t.Errorf("locked: %d, want 200", got)
	}
}

// A change of password goes on in the acting browser, under another cookie.
func TestChangePassword(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	p := s.Person(ada)
	r := p.Request("POST", "/password")
	account, err := s.Account(r)
	if err != nil {
		t.Fatal(err)
	}
	step, err := account.ChangePassword(r.Context(), pool.ChangePasswordInput{Old: pooltest.Password, New: another, Caller: s.Caller(r)})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := s.Start(w, r, step.(*pool.Done)); err != nil {
		t.Fatal(err)
	}
	if got := s.user(s.request("GET", "/", w.Result().Cookies()[0])); got != ada {
		t.Errorf("afterwards the browser is %q's, want %q", got, ada)
	}
	if got := s.user(p.Request("GET", "/")); got != "" {
		t.Errorf("the cookie of before is still %q's", got)
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	s.Person(ada)
	tokens, err := pool.Finished(s.SignIn(t.Context(), pool.SignInInput{Username: ada, With: pool.Password{Value: pooltest.Password}}))
	if err != nil {
		t.Fatal(err)
	}
	for name, done := range map[string]*pool.Done{"nothing": nil, "zero": {}, "tokens": tokens} {
		w := httptest.NewRecorder()
		is(t, name, s.Start(w, s.request("POST", "/login"), done), web.ErrNoSession)
		if len(w.Result().Header) > 0 {
			t.Errorf("%s: wrote %v", name, w.Result().Header)
		}
	}
}

// Where the store does not answer nobody is let in, nor sent to sign in anew, and a sign-in does not
// leave the session before open.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	st := &storagetest.Faulty{Store: memory.New()}
	defer st.Close()
	k := pooltest.New(t, pooltest.WithStore(st))
	s := serve(t, k)
	p := k.Person(ada)
	done := s.finished(ada)
	st.Set(down)
	res := s.do(p.Request("GET", "/me"))
	if res.Code != http.StatusServiceUnavailable || res.Header().Get("Set-Cookie") != "" {
		t.Errorf("/me = %d with %v, want 503 and the cookie left alone", res.Code, res.Header())
	}
	if got := s.do(p.Request("GET", "/")); got.Code != http.StatusOK || got.Header().Get("X-User") != "" {
		t.Errorf("a public page = %d as %q", got.Code, got.Header().Get("X-User"))
	}
	w := httptest.NewRecorder()
	is(t, "Start", s.Start(w, p.Request("POST", "/login"), done), pool.ErrUnavailable)
	if len(w.Result().Cookies()) > 0 {
		t.Error("Start wrote a cookie")
	}
	w = httptest.NewRecorder()
	is(t, "End", s.End(w, p.Request("POST", "/logout")), pool.ErrUnavailable)
	if cs := w.Result().Cookies(); len(cs) != 1 || cs[0].MaxAge != -1 {
		t.Errorf("End left the cookie to whoever comes next: %v", cs)
	}
	st.Set(nil)
}

// finished signs somebody in as a browser does.
func (s *site) finished(login string) *pool.Done {
	s.t.Helper()
	done, err := pool.Finished(s.SignIn(s.t.Context(), pool.SignInInput{
		Username: login, With: pool.Password{Value: pooltest.Password}, Caller: pool.Caller{Browser: true},
	}))
	if err != nil {
		s.t.Fatal(err)
	}
	return done
}
