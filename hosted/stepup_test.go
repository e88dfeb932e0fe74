package hosted_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// Who is signed in, and sent here by a guard to be so anew, is asked, and not sent back to the guard,
// which would send them here.
func TestSignInAnew(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	b.at(b.post(b.open("/auth/sign-in"), "submit", "username", ada, "password", secret), "/")
	b.at(b.open("/auth/sign-in?return_to=%2Fpay"), "/pay")
	s.Clock.Advance(time.Hour)
	for _, asked := range []string{"max_age=300", "acr_values=aal2", "acr_values=aal2&max_age=300", "max_age="} {
		b.at(b.open("/auth/sign-in?"+asked+"&return_to=%2Fpay"), "/auth/sign-in")
	}
	before := b.cookies()
	p := b.open("/auth/sign-in?max_age=300&return_to=%2Fpay")
	p = b.post(p, "submit", "username", ada, "password", other)
	b.at(p, "/auth/sign-in")
	b.at(b.post(p, "submit", "username", ada, "password", secret), "/pay")
	if b.cookies() == before {
		t.Error("the session is that of before")
	}
	b.at(b.open("/auth/sign-in?max_age=300&return_to=%2F%2Fevil.test"), "/auth/sign-in")
}

// guarded is a site of which a path is only for who has just signed in, and another for two factors.
func guarded(t *testing.T, c pool.Config) *site {
	t.Helper()
	s := open(t, false, c, hosted.Config{})
	pay, keys := s.pages.Sessions().RequireFresh(5*time.Minute)(ok), s.pages.Sessions().RequireACR(token.AAL2)(ok)
	s.app = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/pay":
			pay.ServeHTTP(w, r)
		case "/keys":
			keys.ServeHTTP(w, r)
		default:
			ok.ServeHTTP(w, r)
		}
	})
	return s
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "at "+r.URL.Path) })

// A guard that asks for a newer sign-in sends to the step-up, which asks for what is missing, and back. The
// session of before is over.
func TestStepUp(t *testing.T) {
	t.Parallel()
	s := guarded(t, pool.Config{})
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	b.at(b.open("/pay"), "/pay")
	s.Clock.Advance(time.Hour)
	p := b.open("/pay?basket=7")
	b.at(p, "/auth/step-up")
	before := b.cookie("session")
	p = b.post(p, "submit")
	b.at(p, "/auth/password")
	b.shows(p, ada)
	p = b.post(p, "submit", "password", other)
	b.at(p, "/auth/password")
	if b.cookie("session") != before {
		t.Error("a wrong password changes the session")
	}
	p = b.post(p, "submit", "password", secret)
	b.at(p, "/pay")
	if p.url.RawQuery != "basket=7" || b.cookie("session") == before {
		t.Errorf("at %s, with the session of before", p.url)
	}
	// Nobody has to, who is not signed in: they sign in, and get there.
	c := s.browser()
	p = c.open("/auth/step-up?max_age=300&return_to=%2Fpay")
	c.at(p, "/auth/sign-in")
	c.at(c.post(p, "submit", "username", ada, "password", secret), "/pay")
	// Two factors are for who has them.
	p = c.post(c.open("/keys"), "submit")
	c.at(p, "/auth/step-up")
	c.shows(p, "you have set none up")
	for _, odd := range []string{"max_age=soon", "max_age=-1", "max_age=99999999999", "acr_values=aal9", "acr_values=aal1+aal2"} {
		p = c.post(c.open("/auth/step-up?"+odd), "submit")
		c.at(p, "/auth/step-up")
		c.shows(p, "Something is not as it should be.")
	}
	c.at(c.post(c.open("/auth/step-up?max_age=300&return_to=%2F%2Fevil.test"), "submit"), "/")
}

// The step-up of who has two factors takes two.
func TestStepUpByTwoFactors(t *testing.T) {
	t.Parallel()
	s := guarded(t, pool.Config{Settings: &pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}}})
	b := s.browser()
	seed, _ := b.enrol(ada)
	b.at(b.open("/keys"), "/keys")
	s.Clock.Advance(time.Hour)
	p := b.post(b.open("/pay"), "submit")
	for range 2 {
		switch p.url.Path {
		case "/auth/password":
			p = b.post(p, "submit", "password", secret)
		case "/auth/totp":
			p = b.post(p, "submit", "code", seed.Code(s.Clock.Now()))
		}
	}
	b.at(p, "/pay")
}

func TestStepUpByJSON(t *testing.T) {
	t.Parallel()
	s := guarded(t, pool.Config{})
	s.Person(ada)
	b := s.browser()
	if no := b.step(b.json("POST", "/auth/step-up", `{"max_age":"300"}`), 401); no.Error != "not_authorized" {
		t.Errorf("nobody's = %+v", no)
	}
	b.signIn(ada, secret)
	s.Clock.Advance(time.Hour)
	need := b.step(b.json("POST", "/auth/step-up", `{"max_age":"300"}`), 200)
	if need.Step != "password" || need.Ticket == "" {
		t.Fatalf("step-up = %+v", need)
	}
	if done := b.step(b.json("POST", "/auth/password", `{"ticket":"`+need.Ticket+`","password":"`+secret+`"}`), 200); done.Step != "done" {
		t.Errorf("password = %+v", done)
	}
	b.at(b.open("/pay"), "/pay")
}
