package hosted_test

import (
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// begun is a site where sign-ins begin by some kinds.
func begun(t *testing.T, first ...mfa.Kind) *site {
	t.Helper()
	return open(t, false, pool.Config{Settings: &pool.Settings{SignIn: pool.SignInSettings{First: first}}}, hosted.Config{})
}

// By a code that is sent people sign in without a password, and nobody learns who has an account.
func TestSignInByEmail(t *testing.T) {
	t.Parallel()
	s := begun(t, mfa.KindPassword, mfa.KindEmail)
	s.Person(ada)
	b := s.browser()
	p := b.open("/auth/sign-in?return_to=%2Fpay")
	b.shows(p, `name="password"`)
	p = b.open(link(t, p, "by-email"))
	b.at(p, "/auth/by-email")
	p = b.post(p, "submit", "username", ada)
	b.at(p, "/auth/code")
	b.shows(p, "If there is an account for "+ada)
	p = b.post(p, "submit", "code", "00000000")
	b.at(p, "/auth/code")
	b.shows(p, "That code is not right.")
	b.shows(p, "If there is an account for "+ada)
	first := s.Mail.Code(ada)
	s.Clock.Advance(2 * minute)
	p = b.post(p, "to-resend")
	b.at(p, "/auth/code")
	b.shows(p, "We have sent another message.")
	if s.Mail.Code(ada) == first {
		t.Error("the code is the same")
	}
	b.at(b.post(p, "submit", "code", s.Mail.Code(ada)), "/pay")

	c := s.browser()
	p = c.post(c.open("/auth/by-email"), "submit", "username", "nobody@example.com")
	c.at(p, "/auth/code")
	c.shows(p, "If there is an account for nobody@example.com")
	p = c.post(p, "choose-password") // another way, and back
	c.at(p, "/auth/password")
	p = c.post(p, "submit", "password", secret)
	c.at(p, "/auth/password")
	c.shows(p, "That did not work.")
	p = c.post(p, "choose-email")
	c.at(p, "/auth/code")
}

// Where no password is taken the sign-in page asks for the login alone.
func TestSignInWithoutPasswords(t *testing.T) {
	t.Parallel()
	s := begun(t, mfa.KindEmail)
	s.member(ada)
	b := s.browser()
	p := b.open("/auth/sign-in")
	if strings.Contains(p.body, `type="password"`) {
		t.Errorf("asks for a password:\n%s", p.body)
	}
	p = b.post(p, "submit", "username", ada)
	b.at(p, "/auth/code")
	b.at(b.post(p, "submit", "code", s.Mail.Code(ada)), "/")

	both := begun(t, mfa.KindEmail, mfa.KindSMS)
	c := both.browser()
	p = c.post(c.open("/auth/sign-in"), "submit", "username", ada)
	c.at(p, "/auth/choose")
	c.shows(p, "Choose how to sign in")
	p = c.post(p, "choose-sms")
	c.at(p, "/auth/code")
	c.shows(p, "If there is such an account") // by which number, is not told
}

func TestSignInByEmailJSON(t *testing.T) {
	t.Parallel()
	s := begun(t, mfa.KindPassword, mfa.KindEmail)
	s.Person(ada)
	b := s.browser()
	need := b.step(b.json("POST", "/auth/by-email", `{"username":"`+ada+`"}`), 200)
	if need.Step != "code" || need.Ticket == "" || need.Delivery.Destination != ada {
		t.Fatalf("by-email = %+v", need)
	}
	again := b.step(b.json("POST", "/auth/choose", `{"ticket":"`+need.Ticket+`","kind":"email"}`), 200)
	if again.Step != "code" || again.Ticket != need.Ticket {
		t.Errorf("again = %+v", again)
	}
	if done := b.step(b.json("POST", "/auth/code", `{"ticket":"`+need.Ticket+`","code":"`+s.Mail.Code(ada)+`"}`), 200); done.Step != "done" {
		t.Errorf("code = %+v", done)
	}
	for _, page := range []string{"by-sms", "by-passkey"} {
		if no := b.step(b.json("POST", "/auth/"+page, `{}`), 404); no.Error != "not_found" {
			t.Errorf("%s = %+v", page, no)
		}
	}
}
