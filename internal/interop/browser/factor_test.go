package browser_test

import (
	"encoding/base32"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"github.com/userpool-go/userpool/internal/interop"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// required are settings by which everybody has a second factor, of some kinds.
func required(kinds ...mfa.Kind) pool.Settings {
	return pool.Settings{
		Branding: pool.Branding{Name: "Harbour Books", Color: "#0b6e4f"},
		MFA:      pool.MFASettings{Require: mfa.Required, Kinds: kinds},
	}
}

// member signs somebody up, who has not signed in yet.
func (s *site) member(t *testing.T, login string) {
	t.Helper()
	up, err := s.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: password.New(secret)})
	if err == nil {
		_, err = s.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: s.Mail.Code(login)})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// signIn gives the password.
func (p *tab) signIn(login string) {
	p.t.Helper()
	p.open("/auth/sign-in")
	p.submit("username", login, "password", secret)
}

// seed returns what the page has people type into their app.
func (p *tab) seed() mfa.Seed {
	p.t.Helper()
	typed := strings.ReplaceAll(eval[string](p, "document.getElementById('secret').textContent"), " ", "")
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	p.must(err)
	seed, err := mfa.ParseSeed(key)
	p.must(err)
	return seed
}

// codes returns the recovery codes that the page shows.
func (p *tab) codes() []string {
	p.t.Helper()
	codes := eval[[]string](p, "[...document.querySelectorAll('#codes code')].map(c => c.textContent)")
	if len(codes) != mfa.RecoveryCodes {
		p.t.Fatalf("%s shows %d recovery codes:\n%s", p.where(), len(codes), p.text())
	}
	return codes
}

// A person who must have a second factor sets up an app on the way in, keeps the recovery codes, and signs in by
// either; mistypes at each step; and goes back and forth. It is the same with JavaScript and without.
func TestApp(t *testing.T) {
	t.Parallel()
	for name, scripts := range map[string]bool{"with JavaScript": true, "without": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, required(mfa.KindTOTP))
			s.member(t, ada)
			p := s.visit(t)
			p.scripts(scripts)

			p.signIn(ada)
			p.at("/auth/set-up-app")
			seed := p.seed()
			p.backAndForth()
			p.submit("code", "000000")
			p.at("/auth/set-up-app")
			p.slips("code", "That code is not right")
			p.submit("code", seed.Code(s.Clock.Now()))
			p.at("/auth/recovery-codes")
			codes := p.codes()
			p.backAndForth()
			p.press("submit")
			p.at("/")
			p.shows("Hello, " + ada)
			p.back() // where nothing is shown again
			if strings.Contains(p.text(), codes[0]) {
				t.Errorf("%s shows the recovery codes again", p.where())
			}

			s.Clock.Advance(time.Minute)
			p = s.visit(t)
			p.scripts(scripts)
			p.signIn(ada)
			p.at("/auth/totp")
			p.submit("code", "000000")
			p.slips("code", "That code is not right")
			p.submit("code", seed.Code(s.Clock.Now()))
			p.shows("Hello, " + ada)

			p = s.visit(t)
			p.scripts(scripts)
			p.signIn(ada)
			p.press("choose-recovery_code")
			p.at("/auth/recovery-code")
			p.submit("recovery_code", "00000-00000-00000")
			p.slips("recovery_code", "That code is not right")
			p.back()
			p.back()
			p.at("/auth/totp")
			p.press("choose-recovery_code")
			p.submit("recovery_code", strings.ToUpper(codes[7]))
			p.shows("Hello, " + ada)
		})
	}
}

// The picture can be read off the screen, light and dark, at the width of a phone.
func TestAppIsScanned(t *testing.T) {
	t.Parallel()
	interop.Need(t, "zbarimg")
	s := open(t, required(mfa.KindTOTP))
	s.member(t, ada)
	p := s.visit(t)
	p.signIn(ada)
	want := eval[string](p, "document.getElementById('app-link').getAttribute('href')")
	for _, scheme := range []string{"light", "dark"} {
		p.scheme(scheme)
		p.width(320)
		shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{}).Data
		if got := interop.ReadQR(t, shot); got != want || !strings.Contains(got, p.seed().Text()) {
			t.Errorf("%s: zbar reads %q, want %q", scheme, got, want)
		}
	}
}

// TestLooksOfFactors looks at the pages of second factors as [TestLooks] does at the others.
func TestLooksOfFactors(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, tourOfFactors)
}

// tourOfFactors goes through the pages of second factors, and shows each.
func tourOfFactors(t *testing.T, lang string, see func(p *tab, name string)) {
	t.Helper()
	s := open(t, required(mfa.KindTOTP))
	s.member(t, ada)
	p := s.visit(t)
	p.speaks(lang)

	p.signIn(ada)
	see(p, "set-up-app")
	seed := p.seed()
	p.submit("code", seed.Code(s.Clock.Now()))
	see(p, "recovery-codes")
	s.Clock.Advance(time.Minute)
	p = s.visit(t)
	p.speaks(lang)
	p.signIn(ada)
	see(p, "totp")
	p.submit("code", "000000")
	see(p, "totp-wrong")
	p.press("choose-recovery_code")
	see(p, "recovery-code")
	p.press("to-sign-in")
	p.submit("username", ada, "password", secret)
	p.submit("code", seed.Code(s.Clock.Now()))
	p.open("/auth/security")
	see(p, "security")
	p.press("to-add-app")
	see(p, "new-app")
	p.back()
	p.press("remove-totp-0")
	see(p, "security-last")
	s.Clock.Advance(time.Hour)
	p.press("to-add-app")
	see(p, "step-up")
}
