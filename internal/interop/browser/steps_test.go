package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
)

const (
	stepOver  = "That step is over."
	formStale = "This form was out of date."
)

// Two clicks on a button are one: one user, one mail, one sign-in; and the browser shows what came of it. Some
// browsers drop the second click, others give up the first; TestDoubleSubmit of hosted sends both.
func TestTwoClicks(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	p := s.visit(t)
	twice := func(want string, in ...string) {
		t.Helper()
		p.fill(in...)
		release := s.brake.hold()
		defer release()
		p.wait(func() {
			p.click("#submit", 2)
			release()
		})
		if want == "/" { // a second click after the answer to the first finds its form renewed, and is told so
			p.open("/")
		}
		p.at(want)
		if strings.Contains(p.text(), "There is a problem") {
			t.Errorf("%s complains:\n%s", want, p.text())
		}
	}
	p.open("/auth/sign-up")
	twice("/auth/confirm", "username", ada, "password", secret)
	if n := len(s.Mail.To(ada)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	twice("/auth/password", "code", s.Mail.Code(ada))
	twice("/", "password", secret)
	p.shows("Hello, " + ada)
	p.open("/auth/account")
	p.press("to-sign-out")
	p.press("to-forgot")
	twice("/auth/reset", "username", ada)
	twice("/auth/password", "code", s.Mail.Code(ada), "new_password", other)
	twice("/", "password", other)
	p.shows("Hello, " + ada)
}

// Two tabs in the middle of two sign-ups each end in their own.
func TestTwoTabsSignUp(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	one := s.visit(t)
	two := one.another()
	one.open("/auth/sign-up")
	two.open("/auth/sign-up")
	one.submit("username", ada, "password", secret)
	two.submit("username", bob, "password", other)
	one.shows(ada)
	two.shows(bob)
	one.submit("code", s.Mail.Code(ada))
	two.submit("code", s.Mail.Code(bob))
	one.at("/auth/password")
	two.at("/auth/password")
	one.submit("password", secret)
	one.shows("Hello, " + ada)
	two.submit("password", other) // a form of before the sign-in of ada
	two.at("/auth/password")
	two.shows(formStale)
	two.submit("password", other)
	two.shows("Hello, " + bob)
	one.open("/")
	one.shows("Hello, " + bob)
}

// One sign-up in two tabs: what one tab has done is over in the other, which says so. The code that was sent
// again is good in both, and the one before in neither.
func TestOneSignUpInTwoTabs(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	one := s.visit(t)
	one.open("/auth/sign-up")
	one.submit("username", ada, "password", secret)
	first := s.Mail.Code(ada)
	two := one.another()
	two.open(eval[string](one, "location.pathname + location.search"))
	two.at("/auth/confirm")
	s.Clock.Advance(2 * time.Minute)
	one.press("to-resend")
	one.shows("We have sent another message")
	two.submit("code", first)
	two.slips("code", "That code is not right.")
	two.submit("code", s.Mail.Code(ada))
	two.at("/auth/password")
	one.submit("code", s.Mail.Code(ada))
	one.at("/auth/sign-in")
	one.shows(stepOver)
}

// Two tabs with a form to sign in: who signs in with the one is signed in with both. The other form is of a
// browser that was nobody's (CVE class 52): it says so, and signs in somebody else when it is sent again.
func TestTwoTabsSignIn(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	s.Person(ada)
	s.Person(bob)
	one := s.visit(t)
	two := one.another()
	one.open("/auth/sign-in")
	two.open("/auth/sign-in")
	one.submit("username", ada, "password", secret)
	one.shows("Hello, " + ada)
	two.submit("username", bob, "password", secret)
	two.at("/auth/sign-in")
	two.shows(formStale)
	two.submit("password", secret) // the login is still there
	two.shows("Hello, " + bob)
	two.open("/auth/account")
	two.press("to-sign-out")
	one.open("/")
	one.at("/auth/sign-in")
}

// A step that has expired leads to the beginning, and says why; so does one that was left by the back button
// after it was done.
func TestStepsThatAreOver(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	s.Person(bob)
	p := s.visit(t)

	p.open("/auth/sign-up")
	p.submit("username", ada, "password", secret)
	code := s.Mail.Code(ada)
	s.Clock.Advance(25 * time.Hour)
	p.submit("code", code)
	p.at("/auth/sign-in")
	p.shows(stepOver)

	p.open("/auth/forgot")
	p.submit("username", bob)
	code = s.Mail.Code(bob)
	s.Clock.Advance(61 * time.Minute)
	p.submit("code", code, "new_password", other)
	p.at("/auth/sign-in")
	p.shows(stepOver)

	p.open("/auth/forgot")
	p.submit("username", bob)
	p.submit("code", s.Mail.Code(bob), "new_password", other)
	p.at("/auth/password")
	p.back()
	p.at("/auth/sign-in")
	p.shows(stepOver)
	p.forward()
	p.at("/auth/password")
	p.submit("password", other)
	p.shows("Hello, " + bob)
}

// Where a visitor was going, before they were asked to sign in, they are taken in the end; and nowhere
// else (CVE class 34).
func TestThere(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	s.Person(ada)
	for _, tt := range []struct{ open, want string }{
		{"/shop/basket", "/shop/basket"},
		{"/auth/sign-in?return_to=/shop/basket", "/shop/basket"},
		{"/auth/sign-in?return_to=//evil.example/", "/"},
		{"/auth/sign-in?return_to=/%5Cevil.example/", "/"},
		{"/auth/sign-in?return_to=/%09/evil.example/", "/"},
		{"/auth/sign-in?return_to=https://evil.example/", "/"},
		{"/auth/sign-in?return_to=javascript:alert(1)", "/"},
	} {
		p := s.visit(t)
		p.open(tt.open)
		p.at("/auth/sign-in")
		p.submit("username", ada, "password", other)
		p.slips("", "That did not work.")
		p.submit("password", secret)
		p.at(tt.want)
		p.shows("Hello, " + ada)
	}
}
