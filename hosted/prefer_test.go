package hosted_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// Who is signed in has codes sent as a second factor, says which factor is asked for first, and ends it again.
func TestCodesOnTheSecurityPage(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &pool.Settings{MFA: pool.MFASettings{Kinds: []mfa.Kind{mfa.KindTOTP, mfa.KindEmail}}}}, hosted.Config{})
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	p := b.post(b.open("/auth/security"), "add-email")
	b.at(p, "/auth/confirm-codes")
	b.shows(p, "We have sent a code to a***@e***,")
	p = b.post(p, "submit", "code", "000000")
	b.at(p, "/auth/confirm-codes")
	b.shows(p, "That code is not right.")
	p = b.post(p, "submit", "code", s.Mail.Code(ada))
	b.at(p, "/auth/recovery-codes")
	p = b.post(p, "submit")
	b.at(p, "/auth/security")
	b.shows(p, "You are asked for one after your password.")
	s.browser().at(s.browser().signIn(ada, secret), "/auth/code")

	p = b.post(p, "to-add-app")
	p = b.post(p, "submit", "code", b.seed(p).Code(s.Clock.Now()))
	b.at(p, "/auth/security")
	for _, tt := range []struct{ button, leads string }{
		{"prefer-email", "/auth/code"}, {"prefer-totp", "/auth/totp"}, {"prefer-none", "/auth/choose"},
	} {
		p = b.post(p, tt.button)
		b.at(p, "/auth/security")
		c := s.browser()
		c.at(c.signIn(ada, secret), tt.leads)
	}
	p = b.post(p, "remove-email")
	b.at(p, "/auth/security")
	b.shows(p, `id="add-email"`)
	s.Clock.Advance(time.Minute)
	c := s.browser()
	c.at(c.signIn(ada, secret), "/auth/totp")
}

// Codes that are sent, and what is asked for first, by the twins.
func TestPreferencesByJSON(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &pool.Settings{MFA: pool.MFASettings{Kinds: []mfa.Kind{mfa.KindEmail}}}}, hosted.Config{})
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	post := func(page, body string, status int) step {
		t.Helper()
		return b.step(b.json("POST", "/auth/"+page, body), status)
	}
	for page, odd := range map[string]string{"add-codes": `{"kind":"fax"}`, "prefer-factor": `{"kind":"email"}`, "ask-for-passkey": `{"on":"on"}`} {
		if no := post(page, odd, map[string]int{"add-codes": 422, "prefer-factor": 404, "ask-for-passkey": 409}[page]); no.Error == "" {
			t.Errorf("%s %s = %+v", page, odd, no)
		}
	}
	if no := post("add-codes", `{"kind":"sms"}`, 409); no.Error != "not_allowed" {
		t.Errorf("codes that the pool has not = %+v", no)
	}
	need := post("add-codes", `{"kind":"email"}`, 200)
	if need.Step != "code" || need.Ticket == "" {
		t.Fatalf("add-codes = %+v", need)
	}
	done := post("confirm-codes", fmt.Sprintf(`{"ticket":%q,"code":%q}`, need.Ticket, s.Mail.Code(ada)), 200)
	if done.Step != "done" || len(done.RecoveryCodes) != mfa.RecoveryCodes {
		t.Fatalf("confirm-codes = %+v", done)
	}
	if got := post("prefer-factor", `{"kind":"email"}`, 200); got.Step != "preferred" {
		t.Errorf("prefer-factor = %+v", got)
	}
	if have := b.step(b.json("GET", "/auth/security", ""), 200).Factors; !have.Email || have.SMS || have.Preferred != mfa.KindEmail {
		t.Errorf("factors = %+v", have)
	}
}

// A passkey is asked for after a password where its owner says so. Who has shown none in this session is told
// what to do, and is not sent round and round.
func TestAskForPasskey(t *testing.T) {
	t.Parallel()
	s, phone := keyed(t, pool.Settings{})
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	b.device("add-passkey", `{}`, "new-passkey", phone.Create, 200)
	c := s.browser()
	c.at(c.signIn(ada, secret), "/")
	p := c.post(c.open("/auth/security"), "to-ask-for-passkey")
	c.at(p, "/auth/security")
	c.shows(p, "sign in by a passkey")
	if no := c.step(c.json("POST", "/auth/ask-for-passkey", `{"on":"on"}`), 409); no.Error != "stands_on" {
		t.Errorf("by JSON: %+v", no)
	}

	p = b.post(b.open("/auth/security"), "to-ask-for-passkey")
	b.at(p, "/auth/recovery-codes")
	p = b.post(p, "submit")
	b.shows(p, "You are asked for one after your password.")
	c = s.browser()
	c.at(c.signIn(ada, secret), "/auth/passkey")
	b.at(b.post(p, "to-ask-for-passkey"), "/auth/security")
	c = s.browser()
	c.at(c.signIn(ada, secret), "/")
}
