package browser_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/pool"
)

// A person makes a passkey on the way in, and from then on signs in by it alone.
func TestPasskeyPages(t *testing.T) {
	t.Parallel()
	settings := required(mfa.KindPasskey)
	s := openWith(t, pool.Config{Settings: &settings, Passkeys: passkey.New()}, "localhost")
	s.member(t, ada)
	d := &device{tab: s.visit(t)}
	d.signIn(ada)
	d.at("/auth/set-up-passkey")
	d.plugIn()
	d.press("submit")
	d.at("/auth/recovery-codes")
	d.codes()
	d.press("submit")
	d.shows("Hello, " + ada)

	s.Clock.Advance(time.Minute)
	d.open("/auth/sign-out")
	d.submit()
	d.press("by-passkey")
	d.at("/auth/passkey")
	d.backAndForth()
	d.press("submit")
	d.shows("Hello, " + ada)

	d.open("/auth/security")
	d.shows("Passkey")
	d.press("to-add-passkey")
	d.at("/auth/new-passkey")
	d.click("#submit", 1)
	d.says("This device has a passkey for you already.")
}

// A key without a PIN makes no passkey in Chromium: the page says so, and the button can be pressed again. Without
// JavaScript it says that passkeys need it.
func TestPasskeyPagesRefuse(t *testing.T) {
	t.Parallel()
	settings := required(mfa.KindPasskey, mfa.KindTOTP)
	s := openWith(t, pool.Config{Settings: &settings, Passkeys: passkey.New()}, "localhost")
	s.member(t, ada)
	d := &device{tab: s.visit(t)}
	d.signIn(ada)
	d.at("/auth/choose")
	d.press("choose-passkey")
	d.plugIn(func(o *webauthn.VirtualAuthenticatorOptions) {
		o.Transport, o.HasUserVerification, o.IsUserVerified = webauthn.AuthenticatorTransportUsb, false, false
	})
	for range 2 {
		d.click("#submit", 1)
		d.says("No passkey was made")
	}
	d.at("/auth/set-up-passkey")

	p := s.visit(t)
	p.scripts(false)
	p.signIn(ada)
	p.press("choose-passkey")
	p.shows("Passkeys need JavaScript")
	if strings.Contains(p.text(), "Make a passkey") {
		t.Errorf("there is a button that does nothing:\n%s", p.text())
	}
	p.press("choose-totp")
	p.submit("code", p.seed().Code(s.Clock.Now()))
	p.at("/auth/recovery-codes")
}

// says waits for what the script has to say.
func (d *device) says(want string) {
	d.t.Helper()
	got := eval[string](d.tab, `(async () => {
		const said = document.getElementById('said'), button = document.getElementById('submit')
		for (let i = 0; i < 100 && (!said.textContent || button.disabled); i++) await new Promise(r => setTimeout(r, 50))
		return said.textContent
	})()`)
	if !strings.Contains(got, want) {
		d.t.Errorf("%s says %q, want %q", d.where(), got, want)
	}
}
