package hosted_test

import (
	"encoding/base32"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

const minute = time.Minute

// required is a site on which everybody has a second factor, of some kinds.
func required(t *testing.T, kinds ...mfa.Kind) *site {
	t.Helper()
	return open(t, false, pool.Config{Settings: &pool.Settings{MFA: pool.MFASettings{Require: mfa.Required, Kinds: kinds}}}, hosted.Config{})
}

// member signs somebody up, who has not signed in yet.
func (s *site) member(login string) {
	s.t.Helper()
	up, err := s.SignUp(s.t.Context(), pool.SignUpInput{Username: login, Password: password.New(secret)})
	if err == nil {
		_, err = s.ConfirmSignUp(s.t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: s.Mail.Code(login)})
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

var linkHTML = regexp.MustCompile(`<a id="app-link" href="([^"]*)"`)

// seed returns the seed that a page shows: as a link and a picture hold it, which must be that for typing.
func (b *browser) seed(p page) mfa.Seed {
	b.t.Helper()
	m := linkHTML.FindStringSubmatch(p.body)
	if m == nil {
		b.t.Fatalf("%s shows no app:\n%s", p.url, p.body)
	}
	uri := html.UnescapeString(m[1])
	u, err := url.Parse(uri)
	if err != nil {
		b.t.Fatal(err)
	}
	seed := seedOf(b.t, u.Query().Get("secret"))
	if typed := regexp.MustCompile(`<code id="secret"[^>]*>([^<]*)<`).FindStringSubmatch(p.body); typed == nil || strings.ReplaceAll(typed[1], " ", "") != seed.Text() {
		b.t.Errorf("for typing there is %q", typed)
	}
	picture, err := mfa.QR(uri)
	if err != nil {
		b.t.Fatal(err)
	}
	shape := regexp.MustCompile(`<path d="[^"]*"`).FindString(picture.SVG(""))
	if !strings.Contains(p.body, shape) {
		b.t.Errorf("the picture says something else than the link:\n%s", p.body)
	}
	return seed
}

var codeHTML = regexp.MustCompile(`<li><code dir="ltr">([0-9a-z-]+)</code></li>`)

// enrol signs a new person in, who has to set up an app, and returns what they have then.
func (b *browser) enrol(login string) (mfa.Seed, []string) {
	b.t.Helper()
	b.site.member(login)
	p := b.signIn(login, secret)
	b.at(p, "/auth/set-up-app")
	seed := b.seed(p)
	p = b.post(p, "submit", "code", seed.Code(b.site.Clock.Now()))
	b.at(p, "/auth/recovery-codes")
	var codes []string
	for _, m := range codeHTML.FindAllStringSubmatch(p.body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != mfa.RecoveryCodes {
		b.t.Fatalf("%d recovery codes:\n%s", len(codes), p.body)
	}
	b.at(b.post(p, "submit"), "/")
	return seed, codes
}

// Who must have a second factor sets one up on the way in, and has no session before. A wrong code leaves the
// picture as it is. The recovery codes are shown until they are kept, to who is signed in.
func TestMustEnrol(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	s.member(ada)
	b := s.browser()
	p := b.post(b.open("/auth/sign-in?return_to=%2Fpay"), "submit", "username", ada, "password", secret)
	b.at(p, "/auth/set-up-app")
	seed := b.seed(p)
	p = b.post(p, "submit", "code", "000000")
	b.at(p, "/auth/set-up-app")
	b.shows(p, "That code is not right, or has been used.")
	if again := b.seed(p); again.Text() != seed.Text() {
		t.Error("after a wrong code there is another seed")
	}
	if b.cookie("session") != "" {
		t.Fatal("a session before the factor is set up")
	}
	b.at(b.open("/"), "/auth/sign-in")
	p = b.post(p, "submit", "code", seed.Code(s.Clock.Now()))
	b.at(p, "/auth/recovery-codes")
	again := b.open(p.url.String())
	b.at(again, "/auth/recovery-codes")
	if len(codeHTML.FindAllString(again.body, -1)) != mfa.RecoveryCodes {
		t.Errorf("shown again:\n%s", again.body)
	}
	b.at(b.post(again, "submit"), "/pay")
	b.at(b.open(p.url.String()), "/") // they are gone
	if len(s.Mail.To(ada)) == 0 {
		t.Error("nobody told them of the factor")
	}
}

// Recovery codes that were left open on a screen go when their owner signs out.
func TestRecoveryCodesGoWithTheSession(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	s.member(ada)
	b := s.browser()
	p := b.signIn(ada, secret)
	p = b.post(p, "submit", "code", b.seed(p).Code(s.Clock.Now()))
	b.at(p, "/auth/recovery-codes")
	b.post(b.open("/auth/sign-out"), "submit")
	if left := b.cookies(); strings.Contains(left, "flow") && strings.Contains(b.open(p.url.String()).body, `id="codes"`) {
		t.Errorf("after signing out there is %s", left)
	}
	b.at(b.open(p.url.String()), "/auth/sign-in")
}

func TestSecondFactorByApp(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	seed, _ := s.browser().enrol(ada)
	s.Clock.Advance(minute)
	b := s.browser()
	p := b.signIn(ada, secret)
	b.at(p, "/auth/totp")
	b.shows(p, `inputmode="numeric"`)
	b.shows(p, `autocomplete="one-time-code"`)
	p = b.post(p, "submit", "code", "12 34-56")
	b.at(p, "/auth/totp")
	b.shows(p, "That code is not right, or has been used.")
	if b.cookie("session") != "" {
		t.Fatal("a session by one factor")
	}
	code := seed.Code(s.Clock.Now())
	b.at(b.post(p, "submit", "code", code[:3]+" "+code[3:]), "/")
	// The code is good once (security.md S17).
	c := s.browser()
	p = c.post(c.signIn(ada, secret), "submit", "code", code)
	c.at(p, "/auth/totp")
	// Five wrong ones end the step (security.md S1).
	for range 4 {
		p = c.post(p, "submit", "code", "000000")
		c.at(p, "/auth/totp")
	}
	p = c.post(p, "submit", "code", "000000")
	c.at(p, "/auth/sign-in")
	c.shows(p, "That step is over.")
	c.at(c.open("/"), "/auth/sign-in")
}

func TestSecondFactorByRecoveryCode(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	_, codes := s.browser().enrol(ada)
	s.Clock.Advance(minute)
	b := s.browser()
	totp := b.signIn(ada, secret)
	b.at(totp, "/auth/totp")
	p := b.open(link(t, totp, "choose-recovery_code"))
	b.at(p, "/auth/recovery-code")
	p = b.post(p, "submit", "recovery_code", "00000-00000-00000")
	b.at(p, "/auth/recovery-code")
	b.shows(p, "That code is not right, or has been used. Try another one.")
	if back := b.open(totp.url.String()); strings.Contains(back.body, "error-summary") || back.url.Path != "/auth/totp" {
		t.Errorf("back at the app, the other page's mistake is told:\n%s", back.body)
	}
	b.at(b.post(p, "submit", "recovery_code", " "+strings.ToUpper(codes[3])+" "), "/")
	c := s.browser()
	p = c.post(c.open(link(t, c.signIn(ada, secret), "choose-recovery_code")), "submit", "recovery_code", codes[3])
	c.at(p, "/auth/recovery-code")
	if c.cookie("session") != "" {
		t.Error("a recovery code is good twice")
	}
}

// seedOf returns the seed that somebody types.
func seedOf(t *testing.T, typed string) mfa.Seed {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(typed)
	if err != nil {
		t.Fatal(err)
	}
	seed, err := mfa.ParseSeed(key)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}

func TestSecondFactorsByJSON(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	s.member(ada)
	b := s.browser()
	in := `{"username":"` + ada + `","password":"` + secret + `"}`
	need := b.step(b.json("POST", "/auth/sign-in", in), 200)
	if need.Step != "totp_setup" || need.Ticket == "" || !strings.HasPrefix(need.URI, "otpauth://totp/") {
		t.Fatalf("sign-in = %+v", need)
	}
	seed := seedOf(t, need.Secret)
	answer := func(path, more string, status int) step {
		t.Helper()
		p := b.json("POST", "/auth/"+path, `{"ticket":"`+need.Ticket+`",`+more+`}`)
		if strings.Contains(p.body, "eyJ") {
			t.Errorf("%s answers %s", path, p.body)
		}
		return b.step(p, status)
	}
	if no := answer("set-up-app", `"code":"000000"`, 422); no.Error != "wrong_code" {
		t.Errorf("wrong code = %+v", no)
	}
	done := answer("set-up-app", `"code":"`+seed.Code(s.Clock.Now())+`"`, 200)
	if done.Step != "done" || len(done.RecoveryCodes) != mfa.RecoveryCodes || b.cookie("session") == "" || b.cookie("flow") != "" {
		t.Fatalf("set-up = %+v", done)
	}
	s.Clock.Advance(minute)
	if need = b.step(b.json("POST", "/auth/sign-in", in), 200); need.Step != "totp" || len(need.Others) != 1 {
		t.Fatalf("sign-in = %+v", need)
	}
	if form := b.step(b.json("GET", "/auth/totp?flow="+need.Ticket, ""), 200); form.Page != "totp" || form.Ticket != need.Ticket || len(form.Kinds) != 1 {
		t.Errorf("the form is %+v", form)
	}
	if no := answer("choose", `"kind":"sms"`, 409); no.Error != "start_again" {
		t.Errorf("a kind that there is not = %+v", no)
	}
	if no := answer("recovery-code", `"recovery_code":"00000-00000-00000"`, 422); no.Error != "wrong_code" || !strings.Contains(string(no.Fields), "recovery_code") {
		t.Errorf("wrong recovery code = %+v, %s", no, no.Fields)
	}
	if done = answer("recovery-code", `"recovery_code":"`+done.RecoveryCodes[0]+`"`, 200); done.Step != "done" {
		t.Errorf("recovery code = %+v", done)
	}
}
