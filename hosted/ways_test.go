package hosted_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
)

// ways are the pages that take a form, and what each says where everybody must have a second factor, to who
// has shown the password of somebody that has set one up, or has not: a step or an error of the JSON twin.
// None begins a session.
var ways = map[string]struct{ with, without string }{
	"add-app":            {"not_authorized", "not_authorized"},
	"add-codes":          {"not_authorized", "not_authorized"},
	"add-passkey":        {"not_authorized", "not_authorized"},
	"ask-for-passkey":    {"not_authorized", "not_authorized"},
	"confirm-codes":      {"start_again", "start_again"},
	"prefer-factor":      {"not_authorized", "not_authorized"},
	"new-passkey":        {"start_again", "start_again"},
	"by-email":           {"not_found", "not_found"},
	"by-passkey":         {"not_found", "not_found"},
	"by-question":        {"not_found", "not_found"},
	"by-sms":             {"not_found", "not_found"},
	"choose":             {"totp", "totp_setup"},
	"code":               {"wrong_code", "wrong_code"},
	"confirm":            {"start_again", "start_again"},
	"forgot":             {"reset", "reset"},
	"forgot-username":    {"not_found", "not_found"},
	"link":               {"start_again", "start_again"},
	"lost-factors":       {"start_again", "start_again"},
	"new-app":            {"start_again", "start_again"},
	"new-password":       {"start_again", "start_again"},
	"new-recovery-codes": {"not_authorized", "not_authorized"},
	"not-me":             {"start_again", "start_again"},
	"passkey":            {"invalid", "invalid"},
	"password":           {"start_again", "start_again"},
	"question":           {"start_again", "start_again"},
	"recovery-code":      {"wrong_code", "start_again"},
	"recovery-codes":     {"done", "done"},
	"remove-factor":      {"not_authorized", "not_authorized"},
	"rename-factor":      {"not_authorized", "not_authorized"},
	"resend":             {"start_again", "start_again"},
	"reset":              {"start_again", "start_again"},
	"set-up-app":         {"wrong_code", "wrong_code"},
	"set-up-passkey":     {"start_again", "start_again"},
	"sign-in":            {"totp", "totp_setup"},
	"sign-out":           {"signed_out", "signed_out"},
	"sign-up":            {"confirm", "confirm"},
	"step-up":            {"not_authorized", "not_authorized"},
	"totp":               {"wrong_code", "wrong_code"},
}

// typed is what they fill in: all that who knows the password can know.
var typed = map[string]string{
	"username": ada, "password": secret, "new_password": other, "code": "000000", "recovery_code": "aaaa-aaaa-aaaa-aaaa",
	"kind": "totp", "passkey": "{}", "answer": "blue", "id": "x", "name": "x", "acr_values": "", "max_age": "", "on": "on", "remember": "on",
}

// Where a second factor is required no form leads to a session without one, of pages and JSON twins alike,
// and a page that is added is listed (CVE class 1).
func TestT1_EveryPageToASession(t *testing.T) {
	t.Parallel()
	for _, path := range posts() {
		if _, ok := ways[strings.TrimPrefix(path, "/auth/")]; !ok {
			t.Errorf("%s takes a form, and no row says what it leads to", path)
		}
	}
	for name, want := range ways {
		if !slices.Contains(posts(), "/auth/"+name) {
			t.Errorf("%s is listed, and takes no form any more", name)
		}
		for _, enrolled := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := required(t, mfa.KindTOTP)
				want := want.without
				if enrolled {
					s.browser().enrol(ada)
					want = ways[name].with
				} else {
					s.member(ada)
				}
				b := s.browser()
				shown := b.step(b.json("POST", "/auth/sign-in", `{"username":"`+ada+`","password":"`+secret+`"}`), 200)
				got := b.fillIn(name, shown.Ticket)
				if got.Step+got.Error != want {
					t.Errorf("%s, enrolled %v: step %q, error %q, want %q", name, enrolled, got.Step, got.Error, want)
				}
				c := s.browser()
				p := c.signIn(ada, secret)
				c.submit(name, p)
				for _, who := range []*browser{b, c} {
					if who.cookie("session") != "" {
						t.Errorf("%s, enrolled %v: a session by one factor", name, enrolled)
					}
					who.step(who.json("GET", "/auth/account", ""), 401)
				}
			})
		}
	}
}

// A right code from the mail begins no session either: who is new sets up a second factor, and who has one is
// asked for it, also after a reset (CVE class 1).
func TestCVE1_CodesBeginNoSession(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	b := s.browser()
	up := b.step(b.json("POST", "/auth/sign-up", `{"username":"`+ada+`","password":"`+secret+`"}`), 200)
	b.asks(b.json("POST", "/auth/confirm", `{"ticket":"`+up.Ticket+`","code":"`+s.Mail.Code(ada)+`"}`), secret, "totp_setup")
	s.browser().enrol("grace@example.com")
	forgot := b.step(b.json("POST", "/auth/forgot", `{"username":"grace@example.com"}`), 200)
	reset := `{"ticket":"` + forgot.Ticket + `","code":"` + s.Mail.Code("grace@example.com") + `","new_password":"` + other + `"}`
	b.asks(b.json("POST", "/auth/reset", reset), other, "totp")
}

// asks says that an answer asks for the password, and then for something else, and begins no session.
func (b *browser) asks(p page, password, then string) {
	b.t.Helper()
	need := b.step(p, http.StatusOK)
	if need.Step != "password" || b.cookie("session") != "" {
		b.t.Errorf("%s leads to %q, with a session: %v", p.url, need.Step, b.cookie("session") != "")
	}
	p = b.json("POST", "/auth/password", `{"ticket":"`+need.Ticket+`","password":"`+password+`"}`)
	if need = b.step(p, http.StatusOK); need.Step != then || b.cookie("session") != "" {
		b.t.Errorf("the password leads to %q, with a session: %v", need.Step, b.cookie("session") != "")
	}
}

// fillIn posts to the JSON twin of a page all that it takes.
func (b *browser) fillIn(name, ticket string) (s step) {
	b.t.Helper()
	in := map[string]string{"ticket": ticket}
	for _, field := range b.site.pages.FieldsOf(name) {
		in[field] = typed[field]
	}
	body, err := json.Marshal(in)
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.json("POST", "/auth/"+name, string(body))
	if err := json.Unmarshal([]byte(p.body), &s); err != nil || s.Error == "malformed" {
		b.t.Fatalf("%s: %v: %s", name, err, p.body)
	}
	return s
}

// submit posts the form of a page as a browser does that is at another.
func (b *browser) submit(name string, at page) {
	b.t.Helper()
	values := url.Values{}
	for _, h := range hiddenHTML.FindAllStringSubmatch(at.body, -1) {
		if h[1] == "form" || h[1] == "flow" || h[1] == "once" {
			values.Set(h[1], h[2])
		}
	}
	for _, field := range b.site.pages.FieldsOf(name) {
		values.Set(field, typed[field])
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.site.url+"/auth/"+name, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p := b.do(r); p.status != http.StatusSeeOther && p.status != http.StatusNotFound || values.Get("flow") == "" {
		b.t.Errorf("%s = %d with %v: %s", name, p.status, values, p.body)
	}
}
