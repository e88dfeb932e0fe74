package hosted_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// A step that took too long begins anew, and what was typed for it does nothing.
func TestExpiredSteps(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]struct {
		after time.Duration
		begin func(s *site, b *browser) (p page, in []string)
	}{
		"password": {4 * time.Minute, func(s *site, b *browser) (page, []string) {
			p := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
			return b.post(p, "submit", "code", s.Mail.Code(ada)), []string{"password", secret}
		}},
		"new password": {4 * time.Minute, func(s *site, b *browser) (page, []string) {
			s.Person(ada, pooltest.TemporaryPassword())
			return b.signIn(ada, secret), []string{"new_password", other}
		}},
		"code": {25 * time.Hour, func(s *site, b *browser) (page, []string) {
			p := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
			return p, []string{"code", s.Mail.Code(ada)}
		}},
		"reset": {2 * time.Hour, func(s *site, b *browser) (page, []string) {
			s.Person(ada)
			p := b.post(b.open("/auth/forgot"), "submit", "username", ada)
			return p, []string{"code", s.Mail.Code(ada), "new_password", other}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := development(t)
			b := s.browser()
			p, in := late.begin(s, b)
			s.Clock.Advance(late.after)
			p = b.post(p, "submit", in...)
			b.at(p, "/auth/sign-in")
			b.shows(p, "That step is over.")
			if b.cookie("session") != "" {
				t.Error("signed in")
			}
		})
	}
}

// Whose network is blocked is told so plainly, whoever they say that they are.
func TestBlockedNetwork(t *testing.T) {
	t.Parallel()
	settings := pool.Settings{Risk: pool.RiskSettings{Block: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}}
	s := open(t, false, pool.Config{Settings: &settings}, hosted.Config{})
	b := s.browser()
	p := b.post(b.open("/auth/sign-in"), "submit", "username", ada, "password", secret)
	b.at(p, "/auth/sign-in")
	b.shows(p, "This was refused.")
	if p := b.json("POST", "/auth/sign-in", `{"username":"`+ada+`","password":"`+secret+`"}`); p.status != http.StatusForbidden || p.body != `{"error":"refused"}`+"\n" {
		t.Errorf("by JSON: %d %s", p.status, p.body)
	}
}

// What the program's hooks deny is refused without their reason; whom they vouch for has nothing to confirm.
func TestHooks(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Hooks: hook.Set{PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
		if strings.HasPrefix(e.Username, "eve") {
			return hook.PreSignUpAnswer{}, errors.New("the reason is ours")
		}
		return hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, nil
	}}}, hosted.Config{})
	b := s.browser()
	p := b.post(b.open("/auth/sign-up"), "submit", "username", "eve@example.com", "password", secret)
	b.at(p, "/auth/sign-up")
	b.shows(p, "This was refused.")
	if strings.Contains(p.body, "reason") {
		t.Errorf("the reason is told:\n%s", p.body)
	}
	if p := b.json("POST", "/auth/sign-up", `{"username":"eve@example.com","password":"`+secret+`"}`); p.status != http.StatusForbidden || p.body != `{"error":"refused"}`+"\n" {
		t.Errorf("by JSON: %d %s", p.status, p.body)
	}
	p = b.post(p, "submit", "username", ada, "password", secret)
	b.at(p, "/auth/sign-in")
	b.shows(p, "Your address is confirmed.")
	b.shows(p, `value="`+ada+`"`)
	b.at(b.post(p, "submit", "username", ada, "password", secret), "/")
}

// Where nobody has a user name, or nobody signs in by an address, none is asked for.
func TestNoNamesToForget(t *testing.T) {
	t.Parallel()
	for _, kind := range []pool.Identifier{pool.Email, pool.Username} {
		settings := identifiers(kind)
		b := open(t, false, pool.Config{Settings: &settings}, hosted.Config{}).browser()
		p := b.open("/auth/sign-in")
		if strings.Contains(p.body, "forgot-username") {
			t.Errorf("%s: the page is linked", kind)
		}
		if p := b.open("/auth/forgot-username"); p.status != http.StatusNotFound {
			t.Errorf("%s: the page is there, %d", kind, p.status)
		}
		if p := b.json("POST", "/auth/forgot-username", `{}`); p.status != http.StatusNotFound {
			t.Errorf("%s: the page takes something, %d", kind, p.status)
		}
	}
}

// A network that has guessed too much is told to wait, and until when.
func TestLimits(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	var p page
	for i := range 200 {
		if p = b.json("POST", "/auth/sign-in", fmt.Sprintf(`{"username":"nobody%d@example.com","password":"x"}`, i)); p.status != http.StatusUnauthorized {
			break
		}
	}
	until, err := http.ParseTime(p.header.Get("Retry-After"))
	if p.status != http.StatusTooManyRequests || err != nil || until.Before(s.Clock.Now()) {
		t.Fatalf("%d %s, Retry-After %q", p.status, p.body, p.header.Get("Retry-After"))
	}
	form := b.signIn(ada, secret)
	b.at(form, "/auth/sign-in")
	b.shows(form, "There were too many attempts.")
}

func TestPhone(t *testing.T) {
	t.Parallel()
	const number = "+4915112345678"
	settings := identifiers(pool.Phone)
	s := open(t, false, pool.Config{Settings: &settings}, hosted.Config{})
	b := s.browser()
	p := b.open("/auth/sign-up")
	b.shows(p, "With the country code")
	p = b.post(p, "submit", "username", "0151", "password", secret)
	b.shows(p, "Enter a phone number with its country code")
	p = b.post(p, "submit", "username", number, "password", secret)
	b.at(p, "/auth/confirm")
	b.shows(p, number)
	p = b.post(p, "submit", "code", s.Mail.Code(number))
	b.at(b.post(p, "submit", "password", secret), "/")
}

// The style knows a start and an end, not a left and a right, so that pages can be written from either side.
func TestStyleHasNoSides(t *testing.T) {
	t.Parallel()
	b := development(t).browser()
	css := b.open(styleOf(t, b.open("/auth/sign-in"))).body
	physical := regexp.MustCompile(`(?:margin|padding|border)-(?:left|right|top|bottom)|text-align:(?:left|right)|[{;](?:left|right|top|bottom|width|height|min-height|max-width|float):`)
	if found := physical.FindAllString(css, -1); found != nil {
		t.Errorf("the style says %q", found)
	}
	for _, want := range []string{"prefers-color-scheme:dark", "prefers-reduced-motion:reduce", "forced-colors:active", ":focus-visible"} {
		if !strings.Contains(css, want) {
			t.Errorf("the style says nothing of %s", want)
		}
	}
}
