package hosted_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
)

// keyed is a site whose passkeys are made for a page of its own, and a device at that page.
func keyed(t *testing.T, settings pool.Settings) (*site, *passkeytest.Authenticator) {
	t.Helper()
	const origin = "http://localhost"
	settings.Passkeys = pool.PasskeySettings{RPID: "localhost", Origins: []string{origin}}
	return open(t, false, pool.Config{Settings: &settings, Passkeys: passkey.New()}, hosted.Config{}), passkeytest.New(origin)
}

// device does what the script does: it asks a twin, has a device answer, and sends the answer.
func (b *browser) device(ask, body, send string, answer func([]byte) ([]byte, error), status int) step {
	b.t.Helper()
	var need struct {
		Ticket  string
		Options json.RawMessage
	}
	p := b.json("POST", "/auth/"+ask, body)
	if err := json.Unmarshal([]byte(p.body), &need); err != nil || need.Options == nil {
		b.t.Fatalf("%s = %d %s, %v", ask, p.status, p.body, err)
	}
	made, err := answer(need.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	quoted, _ := json.Marshal(string(made))
	return b.step(b.json("POST", "/auth/"+send, fmt.Sprintf(`{"ticket":%q,"passkey":%s}`, need.Ticket, quoted)), status)
}

// Who has to set a factor up makes a passkey, signs in by it alone, and removes it.
func TestPasskeys(t *testing.T) {
	t.Parallel()
	s, phone := keyed(t, pool.Settings{})
	s.Person(ada)
	b := s.browser()
	b.signIn(ada, secret)
	if done := b.device("add-passkey", `{}`, "new-passkey", phone.Create, 200); done.Step != "done" {
		t.Fatalf("new-passkey = %+v", done)
	}
	p := b.open("/auth/security")
	b.shows(p, `id="remove-passkey-0"`)
	p = b.follow(b.rename(p, "rename-passkey-0", "My phone"))
	b.shows(p, "My phone")

	c := s.browser()
	c.shows(c.open("/auth/sign-in"), `id="by-passkey"`)
	if done := c.device("by-passkey", `{}`, "passkey", phone.Get, 200); done.Step != "done" {
		t.Errorf("by-passkey = %+v", done)
	}
	c.at(c.open("/"), "/")
	thief := s.browser()
	if no := thief.device("by-passkey", `{}`, "passkey", func(o []byte) ([]byte, error) {
		answer, err := phone.Get(o)
		return []byte(strings.Replace(string(answer), `"signature":"`, `"signature":"AAAA`, 1)), err
	}, 401); no.Error != "not_authorized" {
		t.Errorf("a forged proof = %+v", no)
	}
	b.at(b.post(b.open("/auth/security"), "remove-passkey-0"), "/auth/security")
}

// The pages of passkeys alone may run a script: ours, which is a file; all others may run none.
func TestPasskeyScript(t *testing.T) {
	t.Parallel()
	s, _ := keyed(t, pool.Settings{})
	b := s.browser()
	p := b.open("/auth/sign-in")
	if csp := p.header.Get("Content-Security-Policy"); strings.Contains(csp, "script-src") || strings.Contains(p.body, "<script") {
		t.Errorf("the sign-in page has scripts: %s", csp)
	}
	p = b.post(p, "by-passkey")
	b.at(p, "/auth/passkey")
	csp := p.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "script-src 'self';") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("the policy is %s", csp)
	}
	_, after, _ := strings.Cut(p.body, `<script src="`)
	src, _, _ := strings.Cut(after, `"`)
	file := b.get(src)
	if file.status != http.StatusOK || file.header.Get("Content-Type") != "text/javascript; charset=utf-8" || strings.Count(p.body, "<script") != 1 {
		t.Errorf("%s = %d %s", src, file.status, file.header)
	}
	b.shows(p, "<noscript>")
	for _, odd := range []string{"", "null", "{}", "[", `{"id":1}`} {
		p = b.post(b.open(p.url.String()), "submit", "passkey", odd)
		if p.url.Path != "/auth/passkey" && p.url.Path != "/auth/sign-in" || b.cookie("session") != "" {
			t.Errorf("%q leads to %s", odd, p.url)
		}
		if p.url.Path == "/auth/sign-in" {
			p = b.post(p, "by-passkey")
		}
	}
}
