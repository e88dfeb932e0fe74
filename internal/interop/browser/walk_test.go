package browser_test

import (
	"testing"

	"github.com/chromedp/cdproto/page"

	"github.com/userpool-go/userpool/pool"
)

// A person signs up, opens the mail page, confirms, signs in, sees what is theirs, signs out, forgets the
// password and sets a new one; mistypes at each step; and goes back and forth after each. What the browser
// shows is the same with JavaScript and without.
func TestWalk(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hello(t)
			p := s.visit(t)
			p.scripts(scripts)
			p.walkIn()
			p.walkOut()
			p.recover()
		})
	}
}

// walkIn signs ada up and in.
func (p *tab) walkIn() {
	p.t.Helper()
	p.open("/")
	p.at("/auth/sign-in")
	p.press("to-sign-up")
	p.at("/auth/sign-up")
	p.backAndForth()
	p.submit("username", ada, "password", "password1234567")
	p.at("/auth/sign-up")
	p.slips("password", "many people use this one")
	p.submit("password", secret) // the address is still there
	p.at("/auth/confirm")
	p.shows(ada)
	p.backAndForth()
	p.submit("code", "000000")
	p.at("/auth/confirm")
	p.slips("code", "That code is not right.")
	p.submit("code", p.mail(ada, 1))
	p.at("/auth/password")
	p.shows("Your address is confirmed.")
	p.backAndForth()
	p.submit("password", other)
	p.at("/auth/password")
	p.slips("", "That did not work.")
	p.submit("password", secret)
	p.at("/")
	p.shows("Hello, " + ada)
	p.backAndForth()
}

// walkOut signs ada out. What was theirs is nowhere in the browser's history (ASVS 5.0, 14.3.1).
func (p *tab) walkOut() {
	p.t.Helper()
	p.open("/auth/account")
	p.shows(ada)
	p.press("to-sign-out")
	p.at("/auth/sign-in")
	p.shows("You are signed out.")
	for range 2 {
		p.back()
		p.at("/auth/sign-in")
	}
}

// recover sets a new password. It signs nobody in (security.md S4), and the old one is good for nothing.
func (p *tab) recover() {
	p.t.Helper()
	p.open("/auth/sign-in")
	p.press("to-forgot")
	p.backAndForth()
	p.submit("username", ada)
	p.at("/auth/reset")
	p.shows(ada)
	p.backAndForth()
	p.submit("code", "000000", "new_password", other)
	p.at("/auth/reset")
	p.slips("code", "That code is not right.")
	p.submit("code", p.mail(ada, 2), "new_password", other)
	p.at("/auth/password")
	p.shows("Your password is changed")
	p.backAndForth()
	p.submit("password", secret)
	p.at("/auth/password")
	p.slips("", "That did not work.")
	p.submit("password", other)
	p.at("/")
	p.shows("Hello, " + ada)
}

// mail waits for the n-th message to somebody, looks for its code on the mail page, and comes back.
func (p *tab) mail(to string, n int) (code string) {
	p.t.Helper()
	p.site.deliver(p.t, to, n)
	from := p.where()
	p.press("mailbox")
	p.at("/dev/mailbox")
	p.shows(to)
	code = eval[string](p, "document.querySelector('.mail mark').textContent") // the newest is on top
	p.back()
	p.at(from)
	return code
}

// backAndForth goes a page back, which shows a page of its own and asks nothing, and forth again to the same.
func (p *tab) backAndForth() {
	p.t.Helper()
	from, before := p.where(), p.text()
	p.back()
	if p.where() == from {
		p.t.Errorf("back from %s is the same page", from)
	}
	eval[string](p, "document.getElementById('title').textContent") // no error page of the browser
	p.forward()
	p.at(from)
	if after := p.text(); after != before {
		p.t.Errorf("%s is another page after going back and forth:\n%s\n%s", from, before, after)
	}
}

// slips says that the page tells what is wrong: in a summary that has the focus, and beside the field.
func (p *tab) slips(field, want string) {
	p.t.Helper()
	p.shows(want)
	call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{}) // the focus is set when the page is drawn
	if got := eval[string](p, "document.activeElement.id"); got != "error-summary" {
		p.t.Errorf("%s: the focus is on %q, want the summary of what is wrong", p.where(), got)
	}
	if field == "" {
		return
	}
	said := `(() => {
		const f = document.getElementById('field-` + field + `')
		return f.getAttribute('aria-invalid') + ' ' + f.getAttribute('aria-describedby').split(' ')
			.map(id => document.getElementById(id).textContent).join(' ')
	})()`
	if got := eval[string](p, said); len(got) < len("true ")+len(want) || got[:5] != "true " {
		p.t.Errorf("%s: the field says of itself %q, want that it is wrong, and why", p.where(), got)
	}
}

// A link in a mail shows a page and a button: opening it confirms nothing (security.md S2), and where the
// browser is another one than that of the sign-up, the password is asked for first (T7).
func TestWalkByLink(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}})
	for name, tt := range map[string]struct {
		login     string
		elsewhere bool
		then      string
	}{
		"in the browser of the sign-up": {ada, false, "Your address is confirmed."},
		"elsewhere":                     {bob, true, "Enter the password that you chose when you signed up"},
	} {
		t.Run(name, func(t *testing.T) {
			p := s.visit(t)
			p.open("/auth/sign-up")
			p.submit("username", tt.login, "password", secret)
			p.at("/auth/confirm")
			p.shows("Check your mail")
			s.deliver(t, tt.login, 1)
			if tt.elsewhere {
				p = s.visit(t)
				p.putUpWith("username fields") // the page does not know who it is, and must not tell
			}
			p.open("/dev/mailbox")
			p.wait(func() { p.click(".mail pre a", 1) })
			p.at("/auth/link")
			if got := eval[string](p, "location.href"); len(got) > len(s.url+"/auth/link?flow=")+26 {
				t.Errorf("the link stays in the address: %s", got) // CVE class 61
			}
			p.submit()
			p.at("/auth/password")
			p.shows(tt.then)
			p.submit("password", secret)
			p.at("/")
			p.shows("Hello, " + tt.login)
		})
	}
}
