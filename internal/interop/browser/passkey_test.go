package browser_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
)

var (
	ceremonies = passkey.New()
	handle     = bytes.Repeat([]byte{7}, 64)
)

// device is Chromium's virtual authenticator, in a tab at a page of a relying party.
type device struct {
	*tab
	rp mfa.RelyingParty
	id webauthn.AuthenticatorID
}

// plug opens a blank page on localhost, which is a domain that needs no TLS, and plugs an authenticator in: one
// that is built in, knows its owner and is touched at once, but for what change makes of it.
func plug(t *testing.T, change ...func(*webauthn.VirtualAuthenticatorOptions)) *device {
	t.Helper()
	needChromium(t)
	s := blank(t)
	d := &device{tab: s.visit(t), rp: mfa.RelyingParty{ID: "localhost", Name: "Läden & Söhne", Origins: []string{s.url}}}
	if err := ceremonies.Check(d.rp); err != nil {
		t.Fatal(err)
	}
	d.open("/")
	d.plugIn(change...)
	return d
}

// plugIn plugs an authenticator into a tab.
func (d *device) plugIn(change ...func(*webauthn.VirtualAuthenticatorOptions)) {
	d.t.Helper()
	options := &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21,
		Transport:      webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
	}
	for _, f := range change {
		f(options)
	}
	call(d.tab, webauthn.Enable, webauthn.EnableParams{})
	d.id = call(d.tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: options}).AuthenticatorID
}

// blank is a site of one empty page, on localhost.
func blank(t *testing.T) *site {
	t.Helper()
	s := &site{}
	srv := s.listen(t)
	s.url = strings.Replace(s.url, "127.0.0.1", "localhost", 1)
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><html lang="en"><title>blank</title><link rel="icon" href="data:,">`)
	})
	srv.Start()
	return s
}

// create and get are what a page does with our options. They return the answer, or the name of the
// browser's error.
func (d *device) create(options []byte) string {
	d.t.Helper()
	return d.ask("create", "Creation", options)
}

func (d *device) get(options []byte) string { d.t.Helper(); return d.ask("get", "Request", options) }

func (d *device) ask(do, kind string, options []byte) string {
	d.t.Helper()
	return eval[string](d.tab, fmt.Sprintf(`(async () => {
		try {
			const publicKey = PublicKeyCredential.parse%sOptionsFromJSON(%s)
			return JSON.stringify((await navigator.credentials.%s({publicKey})).toJSON())
		} catch (e) { return e.name }
	})()`, kind, options, do))
}

// made returns a new passkey.
func (d *device) made(v mfa.Verification) mfa.Passkey {
	d.t.Helper()
	options, state, err := ceremonies.Create(d.rp, mfa.PasskeyUser{Handle: handle, Name: ada}, v)
	d.must(err)
	answer := d.create(options)
	p, err := ceremonies.Created(d.rp, state, []byte(answer))
	if err != nil {
		d.t.Fatalf("Created: %v, of %s", err, answer)
	}
	return p
}

// use proves a passkey, by what it is asked for.
func (d *device) use(p mfa.Passkey, of []mfa.Passkey, v mfa.Verification) (mfa.Assertion, error) {
	d.t.Helper()
	options, state, err := ceremonies.Get(d.rp, of, v)
	d.must(err)
	answer := []byte(d.get(options))
	id, whose, err := ceremonies.Named(answer)
	if err != nil || !bytes.Equal(id, p.ID) || len(of) == 0 && !bytes.Equal(whose, handle) {
		d.t.Fatalf("Named = %x, %x, %v, want %x, of %s", id, whose, err, p.ID, answer)
	}
	return ceremonies.Got(d.rp, state, answer, p, handle)
}

func TestPasskeys(t *testing.T) {
	t.Parallel()
	d := plug(t)
	p := d.made(mfa.VerifyRequired)
	if !p.Verified || p.Syncable || p.Synced || strings.Join(p.Transports, " ") != "internal" || len(p.Model) != 16 {
		t.Errorf("the passkey is %+v", p)
	}
	for name, of := range map[string][]mfa.Passkey{"named": {p}, "among others": {{ID: []byte("another")}, p}, "discovered": nil} {
		a, err := d.use(p, of, mfa.VerifyRequired)
		if err != nil || !a.Verified || a.Cloned || a.Synced || a.Count <= p.Count {
			t.Errorf("%s: Got = %+v, %v", name, a, err)
		}
		p.Count = a.Count
	}
	if got, err := d.use(p, nil, mfa.VerifyPreferred); err != nil || !got.Verified {
		t.Errorf("where the user is rather verified: Got = %+v, %v", got, err)
	}
	again, _, err := ceremonies.Create(d.rp, mfa.PasskeyUser{Handle: handle, Name: ada, Passkeys: []mfa.Passkey{p}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.create(again); got != "InvalidStateError" {
		t.Errorf("a second passkey of the user on one device: %s", got)
	}
}

// TestPasskeysOfManyKinds makes a passkey by each algorithm that we take, and on a key for a USB port: Chromium has
// that one protect the passkey (CTAP 2.1, 12.1), and we did not ask for it.
func TestPasskeysOfManyKinds(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*webauthn.VirtualAuthenticatorOptions){
		"built in":     func(*webauthn.VirtualAuthenticatorOptions) {},
		"by USB":       func(o *webauthn.VirtualAuthenticatorOptions) { o.Transport = webauthn.AuthenticatorTransportUsb },
		"by NFC":       func(o *webauthn.VirtualAuthenticatorOptions) { o.Transport = webauthn.AuthenticatorTransportNfc },
		"of a phone":   func(o *webauthn.VirtualAuthenticatorOptions) { o.Transport = webauthn.AuthenticatorTransportHybrid },
		"by CTAP 2.0":  func(o *webauthn.VirtualAuthenticatorOptions) { o.Ctap2version = webauthn.Ctap2versionCtap20 },
		"with secrets": func(o *webauthn.VirtualAuthenticatorOptions) { o.HasPrf, o.HasLargeBlob = true, true },
		"synced": func(o *webauthn.VirtualAuthenticatorOptions) {
			o.DefaultBackupEligibility, o.DefaultBackupState = true, true
		},
	} {
		d := plug(t, change)
		d.putUpWith("pubKeyCredParams is missing") // it is asked for one algorithm at a time
		for alg, number := range map[string]string{"EdDSA": "-8", "ES256": "-7", "RS256": "-257"} {
			options, state, err := ceremonies.Create(d.rp, mfa.PasskeyUser{Handle: handle, Name: ada}, mfa.VerifyRequired)
			d.must(err)
			p, err := ceremonies.Created(d.rp, state, []byte(d.create(only(t, options, number))))
			if err != nil {
				t.Errorf("%s, %s: Created: %v", name, alg, err)
				continue
			}
			if got, err := d.use(p, []mfa.Passkey{p}, mfa.VerifyRequired); err != nil || !got.Verified || got.Synced != p.Synced || p.Synced != (name == "synced") {
				t.Errorf("%s, %s: Got = %+v, %v", name, alg, got, err)
			}
		}
	}
}

// only returns options that ask for one algorithm.
func only(t *testing.T, options []byte, alg string) []byte {
	t.Helper()
	before, rest, ok := bytes.Cut(options, []byte(`"pubKeyCredParams":[`))
	_, after, ok2 := bytes.Cut(rest, []byte(`]`))
	if !ok || !ok2 {
		t.Fatalf("no algorithms in %s", options)
	}
	return fmt.Appendf(nil, `%s"pubKeyCredParams":[{"type":"public-key","alg":%s}]%s`, before, alg, after)
}
