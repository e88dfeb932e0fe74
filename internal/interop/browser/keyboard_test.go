package browser_test

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/userpool-go/userpool/pool"
)

// Somebody who has no mouse signs in, mistypes on the way, and always sees where they are.
func TestKeyboardAlone(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	s.Person(ada)
	p := s.visit(t)
	p.open("/auth/sign-in")
	want := []string{"home", "field-username", "field-password", "submit", "to-forgot", "to-sign-up", "mailbox"}
	for _, id := range want {
		p.tabTo(id)
	}
	for _, id := range slices.Backward(want[1:6]) {
		p.key(kb.Tab, chromedp.KeyModifiers(chromedp.ModifierShift))
		p.focused(id)
	}
	p.key(ada)
	p.tabTo("field-password")
	p.key("not the password")
	p.wait(func() { p.key(kb.Enter) })
	p.slips("", "That did not work.")
	p.tabTo("field-username")
	p.tabTo("field-password")
	p.key(secret)
	p.wait(func() { p.key(kb.Enter) })
	p.shows("Hello, " + ada)
}

// From the summary of what is wrong, Enter leads to the field.
func TestKeyboardToWhatIsWrong(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	p := s.visit(t)
	p.open("/auth/sign-up")
	p.submit("username", ada, "password", "password1234567")
	p.slips("password", "many people use this one")
	p.key(kb.Tab)
	if got := eval[string](p, "document.activeElement.getAttribute('href')"); got != "#field-password" {
		t.Fatalf("the summary leads to %q", got)
	}
	p.key(kb.Enter)
	p.focused("field-password")
	p.key(secret)
	p.tabTo("submit")
	p.wait(func() { p.key(kb.Enter) })
	p.at("/auth/confirm")
}

// What a browser or a password manager fills in by itself, it knows by these attributes (HTML, 4.10.18.7).
func TestAutofill(t *testing.T) {
	t.Parallel()
	s := open(t, pool.Settings{})
	p := s.visit(t)
	has := func(id string, want ...string) {
		t.Helper()
		got := eval[[]string](p, `['type', 'autocomplete', 'inputmode'].map(a => document.getElementById('`+id+`').getAttribute(a) || '')`)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s has %q, want %q", p.where(), id, got, want)
		}
	}
	p.open("/auth/sign-in")
	has("field-username", "email", "username", "email")
	has("field-password", "password", "current-password", "")
	p.open("/auth/sign-up")
	has("field-username", "email", "username", "email")
	has("field-password", "password", "new-password", "")
	p.submit("username", ada, "password", secret)
	has("field-code", "text", "one-time-code", "numeric")
	p.submit("code", s.Mail.Code(ada))
	has("field-username", "email", "username", "") // to be read only: whose password it is
	has("field-password", "password", "current-password", "")
	p.open("/auth/forgot")
	has("field-username", "email", "username", "email")
	p.submit("username", ada)
	has("field-code", "text", "one-time-code", "numeric")
	has("field-new_password", "password", "new-password", "")
}

// key presses keys.
func (p *tab) key(keys string, options ...chromedp.KeyOption) {
	p.t.Helper()
	p.must(chromedp.Do(p.ctx, chromedp.KeyEvent(keys, options...)))
}

// tabTo presses Tab, which must lead to an element.
func (p *tab) tabTo(id string) {
	p.t.Helper()
	p.key(kb.Tab)
	p.focused(id)
}

// focused says where the focus must be, and that it can be seen: an outline of two pixels or more (WCAG 2.2, 2.4.7
// and 2.4.13), on something that is in the window.
func (p *tab) focused(id string) {
	p.t.Helper()
	if got := eval[string](p, "document.activeElement.id"); got != id {
		p.t.Fatalf("%s: the focus is on %q, want %q", p.where(), got, id)
	}
	seen := eval[bool](p, `(() => {
		const e = document.activeElement, s = getComputedStyle(e), r = e.getBoundingClientRect()
		return s.outlineStyle == 'solid' && parseFloat(s.outlineWidth) >= 2 && r.top >= 0 && r.bottom <= innerHeight
	})()`)
	if !seen {
		p.t.Errorf("%s: the focus on %s cannot be seen", p.where(), id)
	}
}
