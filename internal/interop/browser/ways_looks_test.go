package browser_test

import (
	"context"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// TestLooksOfWaysIn looks at the pages by which one signs in in other ways than by a password and an app, and at
// where they are set up, as [TestLooks] does at the others.
func TestLooksOfWaysIn(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, func(t *testing.T, lang string, see func(p *tab, name string)) {
		tourOfWaysIn(t, lang, see)
		questionLooks(t, lang, see)
		lostLooks(t, lang, see)
	})
}

// tourOfWaysIn signs in by all that there is, and sets it up.
func tourOfWaysIn(t *testing.T, lang string, see func(p *tab, name string)) {
	t.Helper()
	s := openWith(t, pool.Config{Passkeys: passkey.New(), Settings: &pool.Settings{
		Branding: pool.Branding{Name: "Harbour Books", Color: "#0b6e4f"},
		SignIn:   pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindPasskey, mfa.KindEmail}},
		MFA:      pool.MFASettings{Kinds: []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey, mfa.KindEmail}},
		Devices:  pool.DeviceSettings{Remember: pool.RememberByChoice},
	}}, "localhost")
	s.member(t, ada)
	p := s.visit(t)
	p.speaks(lang)
	p.open("/auth/sign-in")
	see(p, "sign-in-ways")
	p.press("by-passkey")
	see(p, "passkey")
	p.open("/auth/by-email")
	see(p, "by-email")
	p.submit("username", ada)
	see(p, "code-first")

	p.signIn(ada)
	p.open("/auth/security")
	p.press("add-email")
	see(p, "confirm-codes")
	p.submit("code", s.Mail.Code(ada))
	p.press("submit")
	p.press("to-add-app")
	seed := p.seed()
	p.submit("code", seed.Code(s.Clock.Now()), "name", "Phone")
	p.press("prefer-email")
	see(p, "security-ways")
	p.press("prefer-none")
	p.press("to-add-passkey")
	see(p, "new-passkey")

	s.Clock.Advance(time.Minute)
	p = s.visit(t)
	p.speaks(lang)
	p.signIn(ada)
	see(p, "choose")
	p.press("choose-email")
	see(p, "code")
	p.press("choose-totp")
	see(p, "totp-remember")
	p.click("#field-remember", 1)
	p.submit("code", seed.Code(s.Clock.Now()))
	p.open("/auth/security")
	see(p, "security-device")
	p.press("remove-device-0")
	see(p, "security-forgotten")
}

// questionLooks looks at a challenge of the program's own.
func questionLooks(t *testing.T, lang string, see func(p *tab, name string)) {
	t.Helper()
	settings := required(mfa.KindCustom)
	s := openWith(t, pool.Config{Settings: &settings, Hooks: hook.Set{
		CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			return hook.CreateChallengeAnswer{Params: map[string]string{"question": "Which word is third on your card?"}}, nil
		},
		VerifyChallenge: func(context.Context, hook.VerifyChallenge) (bool, error) { return false, nil },
	}}, "127.0.0.1")
	s.member(t, ada)
	p := s.visit(t)
	p.speaks(lang)
	p.signIn(ada)
	see(p, "question")
	p.submit("answer", "gull")
	see(p, "question-wrong")
}

// lostLooks looks at how somebody says that all second factors are lost, and has to wait.
func lostLooks(t *testing.T, lang string, see func(p *tab, name string)) {
	t.Helper()
	s := openWith(t, pool.Config{Passkeys: passkey.New(), CancelURL: "http://localhost/auth/not-me", Settings: &pool.Settings{
		Branding: pool.Branding{Name: "Harbour Books", Color: "#0b6e4f"},
		MFA:      pool.MFASettings{RecoveryHold: 72 * time.Hour},
	}}, "localhost")
	s.Person(ada, pooltest.TOTP(), pooltest.Passkey())
	p := s.visit(t)
	p.speaks(lang)
	p.signIn(ada)
	see(p, "choose-lost")
	p.press("choose-lost_factors")
	see(p, "lost-factors")
	p.press("submit")
	see(p, "lost-wait")
	p.signIn(ada)
	p.press("choose-totp")
	see(p, "totp-lost")
}
