package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/web"
)

const steps = `Bearer error="insufficient_user_authentication", error_description="A stronger or more recent sign-in is required"`

var through = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })

// answer fails the test unless a guarded page answers so.
func answer(t *testing.T, what string, h http.Handler, r *http.Request, code int, to, challenge string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != code || w.Header().Get("Location") != to || w.Header().Get("WWW-Authenticate") != challenge {
		t.Errorf("%s: %d to %q, %s\nwant %d to %q, %s", what, w.Code, w.Header().Get("Location"), w.Header().Get("WWW-Authenticate"), code, to, challenge)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s: the answer may be kept", what)
	}
}

// A session is new for so long after its sign-in, however much it is used, and anew after another.
func TestRequireFresh(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	s, p := web.New(k.Pool, web.Config{}), k.Person(ada)
	h := s.RequireFresh(5 * time.Minute)(through)
	const to, challenge = "/login?max_age=300&return_to=%2Fpay%3Fa%3Db", steps + `, max_age="300"`
	get := func() *http.Request { return p.Request("GET", "/pay?a=b") }
	answer(t, "at once", h, get(), 204, "", "")
	answer(t, "at once, a form", h, p.Request("POST", "/pay"), 204, "", "")
	for range 4 {
		k.Clock.Advance(time.Minute)
		answer(t, "in time", h, get(), 204, "", "")
	}
	k.Clock.Advance(time.Minute)
	answer(t, "after five minutes of use", h, get(), 303, to, "")
	answer(t, "behind Load", s.Load(h), get(), 303, to, "")
	answer(t, "its head", h, p.Request("HEAD", "/pay?a=b"), 303, to, "")
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		answer(t, method, h, p.Request(method, "/pay"), 401, "", challenge)
	}
	for name, value := range map[string]string{"Sec-Fetch-Mode": "cors", "Accept": "application/json", "Upgrade": "websocket"} {
		r := get()
		r.Header.Set(name, value)
		answer(t, name+": "+value, h, r, 401, "", challenge)
	}
	answer(t, "where sessions may be older", s.RequireFresh(time.Hour)(through), get(), 204, "", "")
	p.SignIn()
	answer(t, "after another sign-in", h, get(), 204, "", "")
}

// What stands between Load and the guard may let caches keep its pages, but not the way to the step.
func TestStepUpIsNotKept(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	s, p := web.New(k.Pool, web.Config{}), k.Person(ada)
	for _, guard := range []func(http.Handler) http.Handler{s.RequireACR(token.AAL2), s.RequireFresh(0)} {
		h := s.Load(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private, max-age=60")
			guard(through).ServeHTTP(w, r)
		}))
		for _, method := range []string{"GET", "POST"} {
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, p.Request(method, "/pay")); w.Code < 300 || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d, Cache-Control: %s", method, w.Code, w.Header().Get("Cache-Control"))
			}
		}
	}
}

// A guard whose setting came out empty, or is of no meaning, is closed.
func TestStepUpOfNothingLetsNobodyIn(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	s, p := web.New(k.Pool, web.Config{}), k.Person(ada)
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"no age": s.RequireFresh(0), "a negative age": s.RequireFresh(-1), "the most negative age": s.RequireFresh(-1 << 63),
		"no acr": s.RequireACR(""), "an acr of none": s.RequireACR("aal3"), "capitals": s.RequireACR("AAL1"),
		"a blank": s.RequireACR(" "), "two": s.RequireACR("aal1 aal2"), "a method": s.RequireACR("pwd"),
		"open outside, closed inside": func(h http.Handler) http.Handler { return s.RequireACR(token.AAL1)(s.RequireFresh(0)(h)) },
		"closed outside, open inside": func(h http.Handler) http.Handler { return s.RequireFresh(0)(s.RequireACR(token.AAL1)(h)) },
	} {
		answer(t, name, guard(through), p.Request("GET", "/pay"), 403, "", "")
		answer(t, name, guard(through), p.Request("POST", "/pay"), 403, "", "")
	}
}

// Who is not signed in is sent to sign in, as by Require, and not to a step: there is nobody to take it.
func TestStepUpOfNobody(t *testing.T) {
	t.Parallel()
	st := &storagetest.Faulty{Store: memory.New()}
	defer st.Close()
	k := pooltest.New(t, pooltest.WithStore(st))
	s, p := web.New(k.Pool, web.Config{StepUpPath: "/step-up"}), k.Person(ada)
	for _, guard := range []func(http.Handler) http.Handler{s.RequireFresh(time.Hour), s.RequireACR(token.AAL2), s.RequireFresh(0)} {
		h := guard(through)
		answer(t, "a navigation", h, httptest.NewRequest("GET", "/pay", nil), 303, "/login?return_to=%2Fpay", "")
		answer(t, "a form", h, httptest.NewRequest("POST", "/pay", nil), 401, "", "")
		cross := p.Request("POST", "/pay")
		cross.Header.Set("Sec-Fetch-Site", "cross-site")
		answer(t, "a form of another site", h, cross, 401, "", "")
		alone := p.Request("GET", "/pay")
		alone.Header.Del("Cookie")
		answer(t, "a token", h, alone, 303, "/login?return_to=%2Fpay", "")
		st.Set(down)
		answer(t, "without a store", h, p.Request("GET", "/pay"), 503, "", "")
		st.Set(nil)
	}
	k.Clock.Advance(31 * 24 * time.Hour)
	answer(t, "a session that is over", s.RequireFresh(365*24*time.Hour)(through), p.Request("GET", "/pay"), 303, "/login?return_to=%2Fpay", "")
}

// The way to the step and back is on this site, and no circle.
func TestStepUpLeadsBack(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	p := k.Person(ada)
	for _, tt := range []struct{ name, signIn, stepUp, target, want string }{
		{"the sign-in by default", "", "", "/pay", "/login?acr_values=aal2&return_to=%2Fpay"},
		{"the program's sign-in", "/in", "", "/pay", "/in?acr_values=aal2&return_to=%2Fpay"},
		{"a page of its own", "/in", "/again", "/pay", "/again?acr_values=aal2&return_to=%2Fpay"},
		{"a page with a query", "", "/again?lang=de&acr_values=x&return_to=y", "/pay", "/again?acr_values=aal2&lang=de&return_to=%2Fpay"},
		{"what the visitor says of it", "", "", "/pay?acr_values=aal1&max_age=9", "/login?acr_values=aal2&return_to=%2Fpay%3Facr_values%3Daal1%26max_age%3D9"},
		{"two slashes", "", "", "//evil.test/pay", "/login?acr_values=aal2&return_to=%2F"},
		{"a backslash", "", "", "/%5cevil.test", "/login?acr_values=aal2&return_to=%2F"},
		{"another host", "", "", "https://evil.test/pay", "/login?acr_values=aal2&return_to=%2F"},
		{"the step itself", "", "/again", "/again", ""},
		{"the step itself, in other words", "", "/again", "/x/../again/?a=b", ""},
		{"the sign-in", "/in", "/again", "/in", "/again?acr_values=aal2&return_to=%2Fin"},
		{"a page that is none", "", "http://[", "/pay", ""},
	} {
		h := web.New(k.Pool, web.Config{SignInPath: tt.signIn, StepUpPath: tt.stepUp}).RequireACR(token.AAL2)(through)
		code, challenge := 303, ""
		if tt.want == "" {
			code, challenge = 401, steps+`, acr_values="aal2"`
		}
		answer(t, tt.name, h, p.Request("GET", tt.target), code, tt.want, challenge)
	}
}

// shown replaces what a person has shown for their browser session, and returns what it was.
func shown(t *testing.T, k *pooltest.Kit, st storage.Store, p *pooltest.Person, proofs ...token.Proof) (before []token.Proof) {
	t.Helper()
	page, err := st.Sessions(t.Context(), k.ID(), storage.SessionQuery{User: p.ID(), Now: k.Clock.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, session := range page.Sessions {
		if session.Kind != token.Browser {
			continue
		}
		before, session.Proofs = session.Proofs, proofs
		if err := st.Commit(t.Context(), storage.Put(session)); err != nil {
			t.Fatal(err)
		}
	}
	return before
}

// A new proof by another method makes an old session neither new nor strong: the oldest proof tells
// the age, and a code to an address is no second factor.
func TestCVE43_AnotherMethodRefreshesNothing(t *testing.T) {
	t.Parallel()
	st := memory.New()
	defer st.Close()
	k := pooltest.New(t, pooltest.WithStore(st))
	s, p := web.New(k.Pool, web.Config{}), k.Person(ada)
	k.Clock.Advance(time.Hour)
	now := k.Clock.Now()
	known := shown(t, k, st, p)[0] // the password, as it is today
	of := func(m token.Method, ago time.Duration) token.Proof {
		proof := token.Proof{Method: m, Time: now.Add(-ago)}
		if m == known.Method {
			proof.Credential, proof.Revision = known.Credential, known.Revision
		}
		return proof
	}
	const (
		old    = "/login?max_age=300&return_to=%2Fpay"
		weak   = "/login?acr_values=aal2&return_to=%2Fpay"
		minute = time.Minute
	)
	for _, tt := range []struct {
		name        string
		proofs      []token.Proof
		fresh, acr2 string // where each guard sends; "" lets through
	}{
		{"an old password", []token.Proof{of(token.MethodPassword, 59*minute)}, old, weak},
		{"and a code by mail, now", []token.Proof{of(token.MethodPassword, 59*minute), of(token.MethodEmailCode, 0)}, old, weak},
		{"and a code by SMS, now", []token.Proof{of(token.MethodPassword, 59*minute), of(token.MethodSMSCode, 0)}, old, weak},
		{"in the other order", []token.Proof{of(token.MethodEmailCode, 0), of(token.MethodPassword, 59*minute)}, old, weak},
		{"and what nobody knows", []token.Proof{of(token.MethodPassword, 59*minute), of("gold", 0)}, old, weak},
	} {
		shown(t, k, st, p, tt.proofs...)
		for _, guard := range []struct {
			h  http.Handler
			to string
		}{
			{s.RequireFresh(5 * minute)(through), tt.fresh},
			{s.RequireACR(token.AAL2)(through), tt.acr2},
			{s.RequireACR(token.AAL2)(s.RequireFresh(5 * minute)(through)), tt.acr2},
			{s.RequireFresh(5 * minute)(s.RequireACR(token.AAL2)(through)), tt.fresh},
		} {
			answer(t, tt.name, guard.h, p.Request("GET", "/pay"), 303, guard.to, "")
		}
	}
	p.SignIn() // which is another session
	answer(t, "a new password", s.RequireFresh(5*minute)(through), p.Request("GET", "/pay"), 204, "", "")
	answer(t, "for one factor", s.RequireACR(token.AAL1)(through), p.Request("GET", "/pay"), 204, "", "")
	answer(t, "for two", s.RequireFresh(5*minute)(s.RequireACR(token.AAL2)(through)), p.Request("GET", "/pay"), 303, weak, "")
}

// Staff who act as a user have shown nothing of the user's, and are sent to no step: a sign-in of
// theirs would not be the user's.
func TestS6_StaffDoNotStepUp(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	s := web.New(k.Pool, web.Config{})
	done := acting(t, k, k.Person(ada).ID())
	start := httptest.NewRequest("POST", "http://127.0.0.1/", nil)
	start.Header.Set("Sec-Fetch-Site", "same-origin")
	w := httptest.NewRecorder()
	if err := s.Start(w, start, done); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("GET", "/pay", nil)
	r.AddCookie(w.Result().Cookies()[0])
	answer(t, "Require", s.Load(s.Require(through)), r, 204, "", "")
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"fresh": s.RequireFresh(time.Hour), "one factor": s.RequireACR(token.AAL1), "two": s.RequireACR(token.AAL2),
	} {
		answer(t, name, guard(through), r, 403, "", "")
	}
}
