package passkey_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
)

const origin = "https://id.example.com"

var (
	rp  = mfa.RelyingParty{ID: "example.com", Name: "Shop", Origins: []string{origin}}
	ada = mfa.PasskeyUser{Handle: bytes.Repeat([]byte{7}, 64), Name: "ada@example.com"}
	web = passkey.New()
)

// made returns a device and a passkey of ada's on it.
func made(t testing.TB, change ...func(*passkeytest.Authenticator)) (*passkeytest.Authenticator, mfa.Passkey) {
	t.Helper()
	a := passkeytest.New(origin)
	for _, f := range change {
		f(a)
	}
	options, state, err := web.Create(rp, ada, "")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	p, err := web.Created(rp, state, answer)
	if err != nil {
		t.Fatalf("Created: %v", err)
	}
	return a, p
}

func TestPasskey(t *testing.T) {
	t.Parallel()
	a, p := made(t, func(a *passkeytest.Authenticator) { a.Synced = true })
	if len(p.ID) != 32 || !p.Verified || !p.Syncable || !p.Synced || strings.Join(p.Transports, " ") != "internal" {
		t.Errorf("the passkey is %+v", p)
	}
	for name, of := range map[string][]mfa.Passkey{"any": nil, "one of two": {{ID: []byte("another")}, p}} {
		options, state, err := web.Get(rp, of, mfa.VerifyRequired)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := a.Get(options)
		if err != nil {
			t.Fatal(err)
		}
		id, handle, err := web.Named(answer)
		if err != nil || !bytes.Equal(id, p.ID) || !bytes.Equal(handle, ada.Handle) {
			t.Errorf("%s: Named = %x, %x, %v", name, id, handle, err)
		}
		got, err := web.Got(rp, state, answer, p, ada.Handle)
		if err != nil || !got.Verified || got.Cloned || !got.Synced {
			t.Errorf("%s: Got = %+v, %v", name, got, err)
		}
	}
}

// What a browser is given has what it needs, and nothing of the state.
func TestOptions(t *testing.T) {
	t.Parallel()
	_, p := made(t)
	user := ada
	user.Passkeys = []mfa.Passkey{p}
	options, _, err := web.Create(rp, user, mfa.VerifyRequired)
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Challenge string `json:"challenge"`
		RP        struct{ ID, Name string }
		User      struct{ ID, Name, DisplayName string }
		Exclude   []struct{ ID string }                          `json:"excludeCredentials"`
		Selection struct{ ResidentKey, UserVerification string } `json:"authenticatorSelection"`
		Conveyed  string                                         `json:"attestation"`
	}
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	if len(o.Challenge) < 22 || o.RP.ID != rp.ID || o.RP.Name != rp.Name || o.User.Name != ada.Name || o.User.DisplayName != ada.Name ||
		len(o.Exclude) != 1 || o.Selection.ResidentKey != "required" || o.Selection.UserVerification != "required" || o.Conveyed != "none" {
		t.Errorf("options: %s", options)
	}
}

func TestCreatedRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		device func(*passkeytest.Authenticator)
		verify mfa.Verification
		rp     *mfa.RelyingParty
		answer func([]byte) []byte
	}{
		"another origin":             {device: func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" }},
		"an origin below":            {device: func(a *passkeytest.Authenticator) { a.Origin = "https://x.id.example.com" }},
		"http":                       {device: func(a *passkeytest.Authenticator) { a.Origin = "http://id.example.com" }},
		"another port":               {device: func(a *passkeytest.Authenticator) { a.Origin += ":8443" }},
		"another challenge":          {device: func(a *passkeytest.Authenticator) { a.Challenge = bytes.Repeat([]byte{1}, 32) }},
		"another relying party":      {device: func(a *passkeytest.Authenticator) { a.RPID = "evil.example" }},
		"nobody there":               {device: func(a *passkeytest.Authenticator) { a.Absent = true }},
		"in another's frame":         {device: func(a *passkeytest.Authenticator) { a.Framed = true }},
		"not verified":               {device: func(a *passkeytest.Authenticator) { a.Unverified = true }, verify: mfa.VerifyRequired},
		"judged for somebody else":   {rp: &mfa.RelyingParty{ID: "evil.example", Name: "E", Origins: []string{origin}}},
		"nothing":                    {answer: func([]byte) []byte { return nil }},
		"no JSON":                    {answer: func(b []byte) []byte { return b[1:] }},
		"cut off":                    {answer: func(b []byte) []byte { return b[:len(b)-20] }},
		"an answer to another asked": {answer: func(b []byte) []byte { return bytes.Replace(b, []byte("attestationObject"), []byte("signature"), 1) }},
		"16 MB":                      {answer: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), 16<<20)...) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := passkeytest.New(origin)
			if tt.device != nil {
				tt.device(a)
			}
			options, state, err := web.Create(rp, ada, tt.verify)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := a.Create(options)
			if err != nil {
				t.Fatal(err)
			}
			if tt.answer != nil {
				answer = tt.answer(answer)
			}
			by := rp
			if tt.rp != nil {
				by = *tt.rp
			}
			if p, err := web.Created(by, state, answer); !errors.Is(err, mfa.ErrPasskey) {
				t.Errorf("Created = %+v, %v, want ErrPasskey", p, err)
			}
		})
	}
}

func TestGotRefuses(t *testing.T) {
	t.Parallel()
	_, others := made(t)
	for name, tt := range map[string]struct {
		device  func(*passkeytest.Authenticator)
		verify  mfa.Verification
		of      []mfa.Passkey
		judged  func(*mfa.Passkey)
		handle  []byte
		answer  func([]byte) []byte
		another bool // an answer to what was asked before
	}{
		"another origin":        {device: func(a *passkeytest.Authenticator) { a.Origin = "https://evil.example" }},
		"another challenge":     {device: func(a *passkeytest.Authenticator) { a.Challenge = bytes.Repeat([]byte{1}, 32) }},
		"an answer of before":   {another: true},
		"another relying party": {device: func(a *passkeytest.Authenticator) { a.RPID = "evil.example" }},
		"nobody there":          {device: func(a *passkeytest.Authenticator) { a.Absent = true }},
		"in another's frame":    {device: func(a *passkeytest.Authenticator) { a.Framed = true }},
		"said to be another's":  {device: func(a *passkeytest.Authenticator) { a.Handle = bytes.Repeat([]byte{8}, 64) }},
		"said to be nobody's":   {device: func(a *passkeytest.Authenticator) { a.Handle = []byte{} }},
		"not verified":          {device: func(a *passkeytest.Authenticator) { a.Unverified = true }, verify: mfa.VerifyRequired},
		"backed up by now":      {device: func(a *passkeytest.Authenticator) { a.Synced = true }},
		"the key of another":    {judged: func(p *mfa.Passkey) { p.PublicKey = others.PublicKey }},
		"another passkey":       {judged: func(p *mfa.Passkey) { p.ID = others.ID }},
		"no key":                {judged: func(p *mfa.Passkey) { p.PublicKey = nil }},
		"the handle of another": {handle: bytes.Repeat([]byte{8}, 64)},
		"nobody's handle":       {handle: []byte{}},
		"no signature": {answer: func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"signature":"`), []byte(`"signature":"AAAA`), 1)
		}},
		"no handle where anybody was asked": {answer: func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"userHandle"`), []byte(`"other"`), 1)
		}},
		"nothing": {answer: func([]byte) []byte { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, p := made(t)
			if tt.device != nil {
				tt.device(a)
			}
			options, state, err := web.Get(rp, tt.of, tt.verify)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := a.Get(options)
			if err != nil {
				t.Fatal(err)
			}
			if tt.another {
				if _, state, err = web.Get(rp, tt.of, tt.verify); err != nil {
					t.Fatal(err)
				}
			}
			if tt.answer != nil {
				answer = tt.answer(answer)
			}
			if tt.judged != nil {
				tt.judged(&p)
			}
			handle := ada.Handle
			if tt.handle != nil {
				handle = tt.handle
			}
			if got, err := web.Got(rp, state, answer, p, handle); !errors.Is(err, mfa.ErrPasskey) {
				t.Errorf("Got = %+v, %v, want ErrPasskey", got, err)
			}
		})
	}
}

// One that was not asked for proves nothing, though it is the user's.
func TestOnlyWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	a, p := made(t)
	_, other := made(t)
	options, state, err := web.Get(rp, []mfa.Passkey{other}, "")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Get(bytes.Replace(options, []byte("allowCredentials"), []byte("ignored"), 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := web.Got(rp, state, answer, p, ada.Handle); !errors.Is(err, mfa.ErrPasskey) || !strings.Contains(err.Error(), "not asked for") {
		t.Errorf("Got = %v, want ErrPasskey", err)
	}
}

// A second device with the same key shows by the count of its signatures; one that does not count
// does not.
func TestClones(t *testing.T) {
	t.Parallel()
	for _, counts := range []bool{true, false} {
		a, p := made(t, func(a *passkeytest.Authenticator) { a.Counts = counts })
		clone := a.Clone()
		use := func(a *passkeytest.Authenticator) mfa.Assertion {
			t.Helper()
			options, state, err := web.Get(rp, nil, "")
			if err != nil {
				t.Fatal(err)
			}
			answer, err := a.Get(options)
			if err != nil {
				t.Fatal(err)
			}
			got, err := web.Got(rp, state, answer, p, ada.Handle)
			if err != nil {
				t.Fatal(err)
			}
			p.Count = max(p.Count, got.Count)
			return got
		}
		for range 3 {
			if got := use(a); got.Cloned || (got.Count > 0) != counts {
				t.Errorf("counts: %v: Got = %+v", counts, got)
			}
		}
		if got := use(clone); got.Cloned != counts {
			t.Errorf("counts: %v: of the clone: Got = %+v", counts, got)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rp mfa.RelyingParty
		ok bool
	}{
		{rp, true},
		{mfa.RelyingParty{ID: "localhost", Name: "S", Origins: []string{"http://localhost:8080"}}, true},
		{mfa.RelyingParty{ID: "id.example.com", Name: "S", Origins: []string{origin, "https://id.example.com:8443"}}, true},
		{mfa.RelyingParty{ID: "example.com", Name: "S"}, false},
		{mfa.RelyingParty{Name: "S", Origins: []string{origin}}, false},
		{mfa.RelyingParty{ID: "127.0.0.1", Name: "S", Origins: []string{"http://127.0.0.1"}}, false},
		{mfa.RelyingParty{ID: "127.0.0.1", Name: "S", Origins: []string{"https://127.0.0.1"}}, false},
		{mfa.RelyingParty{ID: "::1", Name: "S", Origins: []string{"https://[::1]"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"http://example.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://evilexample.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{origin + "/"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{origin, ""}}, false},
		{mfa.RelyingParty{ID: "id.example.com", Name: "S", Origins: []string{"https://example.com"}}, false},
		{mfa.RelyingParty{ID: "https://example.com", Name: "S", Origins: []string{origin}}, false},
		{mfa.RelyingParty{ID: "example.com", Origins: []string{origin}}, true}, // its id is a name
		{mfa.RelyingParty{ID: "Example.com", Name: "S", Origins: []string{"https://Example.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://ID.example.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://example.com:443"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://example.com:08443"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://example.com:70000"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://example.com:"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://läden.example.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://xn--lden-loa.example.com"}}, true},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://*.example.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"https://.example.com"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{origin, app}}, true},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{app + "A"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{app[:len(app)-1] + "="}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"android:apk-key-hash:"}}, false},
		{mfa.RelyingParty{ID: "example.com", Name: "S", Origins: []string{"ios:bundle-id:example"}}, false},
		{mfa.RelyingParty{ID: "com", Name: "S", Origins: []string{"https://example.com"}}, false},
	} {
		if err := web.Check(tt.rp); (err == nil) != tt.ok {
			t.Errorf("Check(%+v) = %v", tt.rp, err)
		}
		if _, _, err := web.Create(tt.rp, ada, ""); tt.ok && err != nil {
			t.Errorf("Create for %+v: %v", tt.rp, err)
		}
	}
}

// app is the origin of an app for Android: who signed it.
const app = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

// An app that is listed may ask, and no other, whatever its letters look like.
func TestApps(t *testing.T) {
	t.Parallel()
	shop := rp
	shop.Origins = []string{origin, app}
	for from, ok := range map[string]bool{
		app: true, origin: true, strings.ToLower(app): false, app + "\n": false, "android:apk-key-hash:" + strings.Repeat("A", 43): false,
	} {
		a, p := made(t)
		a.Origin = from
		state, answer := used(t, a, nil, "")
		if _, err := web.Got(shop, state, answer, p, ada.Handle); (err == nil) != ok {
			t.Errorf("%q: %v", from, err)
		}
		if _, err := web.Got(rp, state, answer, p, ada.Handle); (err == nil) != (from == origin) {
			t.Errorf("%q, where no app is listed: %v", from, err)
		}
	}
}

func FuzzCreated(f *testing.F) {
	a := passkeytest.New(origin)
	options, state, err := web.Create(rp, ada, "")
	if err != nil {
		f.Fatal(err)
	}
	answer, err := a.Create(options)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, err := web.Created(rp, state, answer); err != nil && !errors.Is(err, mfa.ErrPasskey) {
			t.Error(err)
		}
	})
}

func FuzzGot(f *testing.F) {
	a, p := made(f)
	options, state, err := web.Get(rp, nil, "")
	if err != nil {
		f.Fatal(err)
	}
	answer, err := a.Get(options)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(answer)
	f.Fuzz(func(t *testing.T, answer []byte) {
		if _, _, err := web.Named(answer); err != nil && !errors.Is(err, mfa.ErrPasskey) {
			t.Error(err)
		}
		if _, err := web.Got(rp, state, answer, p, ada.Handle); err != nil && !errors.Is(err, mfa.ErrPasskey) {
			t.Error(err)
		}
	})
}
