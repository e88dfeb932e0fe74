package hosted_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
)

// Who is signed in sets an app up, names it, makes new recovery codes, and removes it, from a page of their own.
func TestSecurityPage(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	p := b.open(link(t, b.open("/auth/account"), "to-security"))
	b.at(p, "/auth/security")
	if strings.Contains(p.body, "to-new-recovery-codes") {
		t.Error("recovery codes are offered to who has no second factor")
	}
	p = b.post(p, "to-add-app")
	b.at(p, "/auth/new-app")
	seed := b.seed(p)
	p = b.post(p, "submit", "code", "000000", "name", "Old phone")
	b.at(p, "/auth/new-app")
	b.shows(p, "That code is not right")
	b.shows(p, `value="Old phone"`)
	if again := b.seed(p); again.Text() != seed.Text() {
		t.Error("after a wrong code there is another seed")
	}
	p = b.post(p, "submit", "code", seed.Code(s.Clock.Now()), "name", "Old phone")
	b.at(p, "/auth/recovery-codes")
	codes := codeHTML.FindAllStringSubmatch(p.body, -1)
	p = b.post(p, "submit")
	b.at(p, "/auth/security")
	b.shows(p, "Old phone")
	b.shows(p, "10 are left.")

	p = b.follow(b.rename(p, "rename-totp-0", "<New> phone"))
	b.at(p, "/auth/security")
	b.shows(p, "<New> phone")
	if strings.Contains(p.body, "<New>") {
		t.Error("a name is markup")
	}
	p = b.follow(b.rename(p, "rename-totp-0", strings.Repeat("x", 65)))
	b.at(p, "/auth/security")
	b.shows(p, "Enter a name of at most 64 characters.")

	p = b.post(p, "to-new-recovery-codes")
	b.at(p, "/auth/recovery-codes")
	if strings.Contains(p.body, codes[0][1]) {
		t.Error("the recovery codes are those of before")
	}
	p = b.post(p, "submit")

	before := p
	p = b.post(p, "remove-totp-0")
	b.at(p, "/auth/security")
	b.shows(p, "That is removed")
	b.shows(p, "None.")
	p = b.post(b.fresh(before, "remove-totp-0"), "remove-totp-0") // by another tab
	b.at(p, "/auth/security")
	b.shows(p, "That is not there any more.")
	b.at(s.browser().signIn(ada, secret), "/")
}

// fresh returns a page whose form is of the browser as it is now.
func (b *browser) fresh(p page, button string) page {
	b.t.Helper()
	now := hiddenHTML.FindStringSubmatch(b.open("/auth/security").body[strings.Index(b.open("/auth/security").body, "<form"):])
	old := hiddenHTML.FindStringSubmatch(p.body[strings.Index(p.body, "<form"):])
	if now == nil || old == nil {
		b.t.Fatalf("no form at %s", p.url)
	}
	p.body = strings.ReplaceAll(p.body, old[2], now[2])
	return p
}

// rename sends the form that gives a factor a name.
func (b *browser) rename(p page, id, name string) page {
	b.t.Helper()
	_, after, ok := strings.Cut(p.body, `<details id="`+id+`">`)
	if !ok {
		b.t.Fatalf("%s has no %s:\n%s", p.url, id, p.body)
	}
	p.body = strings.Replace(after, `class="primary"`, `id="this"`, 1)
	return b.send(p, "this", "name", name)
}

// What is done on one's own account needs a sign-in that is fresh: the step-up asks for it, and leads back.
func TestSecurityNeedsProof(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	s.Clock.Advance(time.Hour)
	p := b.post(b.open("/auth/security"), "to-add-app")
	b.at(p, "/auth/step-up")
	p = b.post(b.post(p, "submit"), "submit", "password", secret)
	b.at(p, "/auth/security")
	b.at(b.post(p, "to-add-app"), "/auth/new-app")

	s.Clock.Advance(time.Hour)
	if no := b.step(b.json("POST", "/auth/add-app", `{}`), 401); no.Error != "needs_proof" {
		t.Errorf("by JSON: %+v", no)
	}
	// Who is not signed in has none of it.
	c := s.browser()
	c.at(c.open("/auth/security"), "/auth/sign-in")
	c.at(c.open("/auth/new-app"), "/auth/sign-in")
	for _, page := range []string{"add-app", "new-recovery-codes", "rename-factor", "remove-factor"} {
		if no := c.step(c.json("POST", "/auth/"+page, `{}`), 401); no.Error != "not_authorized" {
			t.Errorf("%s = %+v", page, no)
		}
	}
	p = b.open("/auth/security")
	b.post(b.open("/auth/sign-out"), "submit")
	b.at(b.post(b.open("/auth/sign-in"), "submit", "username", "nobody@example.com", "password", other), "/auth/sign-in")
	b.at(b.post(p, "to-add-app"), "/auth/sign-in")
}

// The last second factor stays where everybody must have one; and an app is set up in time, or not.
func TestSecurityRefusals(t *testing.T) {
	t.Parallel()
	s := required(t, mfa.KindTOTP)
	b := s.browser()
	b.enrol(ada)
	p := b.post(b.open("/auth/security"), "remove-totp-0")
	b.at(p, "/auth/security")
	b.shows(p, "the last one stays")

	p = b.post(p, "to-add-app")
	seed := b.seed(p)
	s.Clock.Advance(20 * time.Minute)
	p = b.post(p, "submit", "code", seed.Code(s.Clock.Now()))
	b.at(p, "/auth/security")
	b.shows(p, "That took too long, or has been done.")
}

func TestSecurityByJSON(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	post := func(page, body string, status int) step {
		t.Helper()
		return b.step(b.json("POST", "/auth/"+page, body), status)
	}
	need := post("add-app", `{}`, 200)
	if need.Step != "totp_setup" || need.Ticket == "" || need.Secret == "" {
		t.Fatalf("add-app = %+v", need)
	}
	code := seedOf(t, need.Secret).Code(s.Clock.Now())
	done := post("new-app", fmt.Sprintf(`{"ticket":%q,"code":%q,"name":"phone"}`, need.Ticket, code), 200)
	if done.Step != "done" || len(done.RecoveryCodes) != mfa.RecoveryCodes {
		t.Fatalf("new-app = %+v", done)
	}
	if no := post("new-app", fmt.Sprintf(`{"ticket":%q,"code":%q}`, need.Ticket, code), 410); no.Error != "start_again" {
		t.Errorf("again = %+v", no)
	}
	have := b.step(b.json("GET", "/auth/security", ""), 200).Factors
	if len(have.Apps) != 1 || have.Apps[0].Name != "phone" || have.RecoveryCodes != mfa.RecoveryCodes || have.Required {
		t.Fatalf("factors = %+v", have)
	}
	which := fmt.Sprintf(`"kind":"totp","id":%q`, have.Apps[0].ID)
	if got := post("rename-factor", `{`+which+`,"name":"other"}`, 200); got.Step != "renamed" {
		t.Errorf("rename = %+v", got)
	}
	if made := post("new-recovery-codes", `{}`, 200); len(made.RecoveryCodes) != mfa.RecoveryCodes {
		t.Errorf("codes = %+v", made)
	}
	for _, odd := range []string{`"kind":"totp","id":"x"`, `"kind":"fax","id":"x"`, `"kind":"","id":""`} {
		if no := post("remove-factor", `{`+odd+`}`, 404); no.Error != "gone" {
			t.Errorf("%s = %+v", odd, no)
		}
	}
	if gone := post("remove-factor", `{`+which+`}`, 200); gone.Step != "done" {
		t.Errorf("remove = %+v", gone)
	}
	if have = b.step(b.json("GET", "/auth/security", ""), 200).Factors; len(have.Apps) != 0 {
		t.Errorf("factors = %+v", have)
	}
}
