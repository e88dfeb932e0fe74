package hosted_test

import (
	"fmt"
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// The whole way of a visitor, by clicks alone.
func TestJourney(t *testing.T) {
	t.Parallel()
	for _, production := range []bool{false, true} {
		t.Run(fmt.Sprintf("production=%v", production), func(t *testing.T) {
			t.Parallel()
			s := open(t, production, pool.Config{}, hosted.Config{})
			b := s.browser()

			p := b.open("/orders?page=2")
			b.at(p, "/auth/sign-in")
			p = b.open(link(t, p, "to-sign-up"))
			b.at(p, "/auth/sign-up")
			p = b.post(p, "submit", "username", ada, "password", secret)
			b.at(p, "/auth/confirm")
			b.shows(p, "We have sent a message to "+ada+".")
			p = b.post(p, "submit", "code", " "+s.Mail.Code(ada)[:3]+" - "+s.Mail.Code(ada)[3:])
			b.at(p, "/auth/password")
			b.shows(p, "Your address is confirmed")
			b.shows(p, `value="`+ada+`"`)
			p = b.post(p, "submit", "password", secret)
			if p.body != "Hello, "+ada+", at /orders" || p.url.RawQuery != "page=2" {
				t.Fatalf("signed in at %s: %s", p.url, p.body)
			}
			session := b.cookie("session")
			b.at(b.open("/auth/sign-in"), "/")
			b.shows(b.open("/authors"), "at /authors") // not below /auth

			p = b.open("/auth/account")
			b.shows(p, "You are signed in as "+ada+".")
			p = b.post(p, "to-sign-out")
			b.at(p, "/auth/sign-in")
			b.shows(p, "You are signed out.")
			if b.cookie("session") != "" || session == "" {
				t.Error("the cookie of the session is still there")
			}
			b.at(b.open("/"), "/auth/sign-in")

			p = b.open(link(t, p, "to-forgot"))
			p = b.post(p, "submit", "username", ada)
			b.at(p, "/auth/reset")
			p = b.post(p, "submit", "code", s.Mail.Code(ada), "new_password", other)
			b.at(p, "/auth/password")
			b.shows(p, "Your password is changed")
			p = b.post(p, "submit", "password", other)
			b.at(p, "/")
			if p.body != "Hello, "+ada+", at /" {
				t.Errorf("after the reset: %s", p.body)
			}
		})
	}
}

// link returns where a link of a page leads.
func link(t *testing.T, p page, id string) string {
	t.Helper()
	_, after, ok := strings.Cut(p.body, `<a id="`+id+`" href="`)
	href, _, _ := strings.Cut(after, `"`)
	if !ok {
		t.Fatalf("%s has no link %s:\n%s", p.url, id, p.body)
	}
	return strings.ReplaceAll(href, "&amp;", "&")
}

// A temporary password signs in to nothing but the choice of one's own.
func TestNewPassword(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada, pooltest.TemporaryPassword())
	b := s.browser()
	p := b.signIn(ada, secret)
	b.at(p, "/auth/new-password")
	b.at(b.open("/"), "/auth/sign-in")
	for _, no := range []string{"short", secret} {
		p = b.post(p, "submit", "new_password", no)
		b.at(p, "/auth/new-password")
		b.shows(p, `aria-invalid="true"`)
	}
	b.shows(p, "Choose a password that you have not used before.")
	p = b.post(p, "submit", "new_password", other)
	b.at(p, "/")
}

// A right password on an address that was never confirmed asks for the code, and then lets in.
func TestConfirmAfterSignIn(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada, pooltest.Unconfirmed())
	b := s.browser()
	p := b.signIn(ada, secret)
	b.at(p, "/auth/confirm")
	p = b.post(p, "submit", "code", s.Mail.Code(ada))
	b.at(p, "/")
}

func TestResend(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	first := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	old := s.Mail.Code(ada)
	again := b.post(first, "to-resend")
	b.at(again, "/auth/confirm")
	b.shows(again, "We have sent another message.")
	if old != s.Mail.Code(ada) {
		again = b.post(again, "submit", "code", old)
		b.at(again, "/auth/confirm")
		b.shows(again, "That code is not right.")
	}
	b.at(b.post(first, "submit", "code", s.Mail.Code(ada)), "/auth/password") // the tab of before, with the new code
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	s.Person("out@example.com", pooltest.Disabled())
	b := s.browser()
	for _, tt := range []struct {
		path string
		in   []string
		want string
	}{
		{"/auth/sign-in", []string{"username", ada, "password", other}, "That did not work."},
		{"/auth/sign-in", []string{"username", "nobody@example.com", "password", other}, "That did not work."},
		{"/auth/sign-in", []string{"username", "out@example.com", "password", secret}, "That did not work."},
		{"/auth/sign-in", []string{"username", "nonsense", "password", other}, "Enter an email address"},
		{"/auth/sign-in", []string{"username", ada, "password", ""}, "Enter your password."},
		{"/auth/sign-up", []string{"username", "bob@example.com", "password", "short"}, "Choose a password of 8 to 256 characters."},
		{"/auth/sign-up", []string{"username", "bob@example.com", "password", "bob@example.com"}, "not made of your name or address"},
		{"/auth/sign-up", []string{"username", "bob@example.com", "password", "password1"}, "many people use this one"},
		{"/auth/sign-up", []string{"username", "", "password", secret}, "Enter an email address"},
		{"/auth/forgot", []string{"username", "no address"}, "Enter an email address"},
	} {
		p := b.post(b.open(tt.path), "submit", tt.in...)
		b.at(p, tt.path)
		b.shows(p, tt.want)
		b.shows(p, "<title>Error: ")
		b.shows(p, `id="error-summary"`)
		if shown := html.UnescapeString(p.body); strings.Contains(shown, secret) || strings.Contains(shown, other) || strings.Contains(shown, `value="short"`) {
			t.Errorf("%s shows the password again", p.url)
		}
		if tt.in[1] != "" {
			b.shows(p, `value="`+tt.in[1]+`"`)
		}
		if again := b.open(p.url.String()); !strings.Contains(again.body, `id="error-summary"`) {
			t.Errorf("%s, reloaded, shows nothing of the error", p.url)
		}
	}
}

// What a visitor sees does not tell who has an account (CVE class 53).
func TestPagesDoNotTell(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	for _, tt := range []struct{ path, field string }{{"/auth/sign-up", "password"}, {"/auth/forgot", ""}, {"/auth/sign-in", "password"}} {
		seen := map[string]string{}
		for _, login := range []string{ada, "nil@example.com"} {
			in := []string{"username", login}
			if tt.field != "" {
				in = append(in, tt.field, other)
			}
			b := s.browser()
			p := b.post(b.open(tt.path), "submit", in...)
			seen[login] = volatile(strings.ReplaceAll(p.body, login, "LOGIN"))
		}
		if seen[ada] != seen["nil@example.com"] {
			t.Errorf("%s tells:\n%s\n%s", tt.path, seen[ada], seen["nil@example.com"])
		}
	}
}

// volatile leaves out what differs from form to form.
func volatile(body string) string { return hiddenHTML.ReplaceAllString(body, "") }

func TestClosedSignUp(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}}}, hosted.Config{})
	b := s.browser()
	if p := b.open("/auth/sign-in"); strings.Contains(p.body, "/auth/sign-up") {
		t.Errorf("the way to sign up is shown:\n%s", p.body)
	}
	p := b.open("/auth/sign-up")
	if p.status != http.StatusForbidden {
		t.Errorf("sign-up = %d, want 403", p.status)
	}
	b.shows(p, "Sign-up is closed")
	if p := b.json("POST", "/auth/sign-up", `{"username":"ada@example.com","password":"`+secret+`"}`); p.status != http.StatusForbidden {
		t.Errorf("sign-up by JSON = %d, want 403: %s", p.status, p.body)
	}
}
