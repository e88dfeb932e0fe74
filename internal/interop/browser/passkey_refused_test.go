package browser_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/userpool-go/userpool/mfa"
)

// A page of another port may ask for the passkeys of localhost, and Chromium gives it some: that its origin is not
// ours is for us to see.
func TestPasskeysOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	d := plug(t)
	p := d.made("")
	origins := d.rp.Origins
	for _, other := range []string{"http://localhost:1", "http://localhost", "https://localhost" + strings.TrimPrefix(origins[0], "http://localhost")} {
		d.rp.Origins = []string{other}
		if got, err := d.use(p, []mfa.Passkey{p}, ""); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("at a page of %s, whose passkeys are for %s: Got = %+v, %v, want ErrPasskey", origins[0], other, got, err)
		}
		options, state, err := ceremonies.Create(d.rp, mfa.PasskeyUser{Handle: []byte(other), Name: bob}, "")
		d.must(err)
		if p, err := ceremonies.Created(d.rp, state, []byte(d.create(options))); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("the same: Created = %+v, %v, want ErrPasskey", p, err)
		}
	}
}

// For another relying party Chromium does not even ask the authenticator.
func TestPasskeysOfAnotherParty(t *testing.T) {
	t.Parallel()
	d := plug(t)
	evil := mfa.RelyingParty{ID: "example.com", Name: "E", Origins: []string{"https://example.com"}}
	options, _, err := ceremonies.Create(evil, mfa.PasskeyUser{Handle: handle, Name: ada}, "")
	d.must(err)
	if got := d.create(options); got != "SecurityError" {
		t.Errorf("create for example.com at %s: %s", d.site.url, got)
	}
	options, _, err = ceremonies.Get(evil, nil, "")
	d.must(err)
	if got := d.get(options); got != "SecurityError" {
		t.Errorf("get for example.com at %s: %s", d.site.url, got)
	}
}

// What an authenticator leaves out or makes up is seen.
func TestPasskeysOfLiars(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	d := plug(t)
	p := d.made("")
	for _, tt := range []struct {
		name   string
		lie    webauthn.SetResponseOverrideBitsParams
		verify mfa.Verification
		ok     bool
	}{
		{"none", webauthn.SetResponseOverrideBitsParams{}, mfa.VerifyRequired, true},
		{"a signature of nothing", webauthn.SetResponseOverrideBitsParams{IsBogusSignature: &yes}, "", false},
		{"nobody there", webauthn.SetResponseOverrideBitsParams{IsBadUP: &yes}, "", false},
		{"nobody verified, though asked to", webauthn.SetResponseOverrideBitsParams{IsBadUV: &yes}, mfa.VerifyRequired, false},
		{"nobody verified, nor need be", webauthn.SetResponseOverrideBitsParams{IsBadUV: &yes}, mfa.VerifyPreferred, true},
	} {
		for _, b := range []**bool{&tt.lie.IsBogusSignature, &tt.lie.IsBadUP, &tt.lie.IsBadUV} {
			if *b == nil {
				*b = &no
			}
		}
		tt.lie.AuthenticatorID = d.id
		call(d.tab, webauthn.SetResponseOverrideBits, tt.lie)
		a, err := d.use(p, nil, tt.verify)
		if tt.ok && (err != nil || a.Verified == *tt.lie.IsBadUV) || !tt.ok && !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("%s: Got = %+v, %v", tt.name, a, err)
		}
	}
}

// Whose authenticator verified nobody when a passkey was made has one factor for ever: a PIN that it gets later may be
// a thief's.
func TestPasskeysOfALatePIN(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	d := plug(t)
	lie := webauthn.SetResponseOverrideBitsParams{AuthenticatorID: d.id, IsBadUV: &yes, IsBadUP: &no, IsBogusSignature: &no}
	call(d.tab, webauthn.SetResponseOverrideBits, lie)
	p := d.made("")
	lie.IsBadUV = &no
	call(d.tab, webauthn.SetResponseOverrideBits, lie)
	if a, err := d.use(p, nil, ""); err != nil || a.Verified || p.Verified {
		t.Errorf("Got = %+v, %v, of %+v", a, err, p)
	}
	if a, err := d.use(p, nil, mfa.VerifyRequired); !errors.Is(err, mfa.ErrPasskey) {
		t.Errorf("where two are asked for: Got = %+v, %v, want ErrPasskey", a, err)
	}
}

// A key without a PIN makes no passkey in Chromium, and none proves more than it says.
func TestPasskeysOfTheUnverified(t *testing.T) {
	t.Parallel()
	d := plug(t, func(o *webauthn.VirtualAuthenticatorOptions) {
		o.Transport, o.HasUserVerification, o.IsUserVerified = webauthn.AuthenticatorTransportUsb, false, false
	})
	for _, v := range []mfa.Verification{mfa.VerifyRequired, mfa.VerifyPreferred, mfa.VerifyDiscouraged} {
		options, _, err := ceremonies.Create(d.rp, mfa.PasskeyUser{Handle: handle, Name: ada}, v)
		d.must(err)
		if got := d.create(options); got != "NotAllowedError" {
			t.Errorf("%s: %s", v, got)
		}
	}
}

// The count of a copy begins again where it was made.
func TestPasskeysThatWereCopied(t *testing.T) {
	t.Parallel()
	d := plug(t)
	p := d.made("")
	use := func() mfa.Assertion {
		t.Helper()
		a, err := d.use(p, nil, "")
		d.must(err)
		p.Count = max(p.Count, a.Count)
		return a
	}
	if a := use(); a.Cloned {
		t.Errorf("the original: %+v", a)
	}
	restored := float64(1)
	call(d.tab, webauthn.SetCredentialProperties, webauthn.SetCredentialPropertiesParams{
		AuthenticatorID: d.id, CredentialID: p.ID, SignCount: &restored,
	})
	if a := use(); !a.Cloned {
		t.Errorf("the copy: %+v", a)
	}
	if a := use(); a.Cloned {
		t.Errorf("the copy again, which has caught up: %+v", a)
	}
}

// Whether a passkey is synced may change, whether it can be may not (WebAuthn Level 3, 6.1.3).
func TestPasskeysThatAreSynced(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	d := plug(t, func(o *webauthn.VirtualAuthenticatorOptions) { o.DefaultBackupEligibility = true })
	p := d.made("")
	if !p.Syncable || p.Synced {
		t.Errorf("the passkey is %+v", p)
	}
	become := func(able, done *bool) (mfa.Assertion, error) {
		t.Helper()
		call(d.tab, webauthn.SetCredentialProperties, webauthn.SetCredentialPropertiesParams{
			AuthenticatorID: d.id, CredentialID: p.ID, BackupEligibility: able, BackupState: done,
		})
		return d.use(p, nil, "")
	}
	if a, err := become(&yes, &yes); err != nil || !a.Synced {
		t.Errorf("synced: Got = %+v, %v", a, err)
	}
	if a, err := become(&yes, &no); err != nil || a.Synced {
		t.Errorf("not any more: Got = %+v, %v", a, err)
	}
	if a, err := become(&no, &no); !errors.Is(err, mfa.ErrPasskey) {
		t.Errorf("not to be synced: Got = %+v, %v, want ErrPasskey", a, err)
	}
}

// Password managers and pages' own scripts ask for extensions that we did not: their outputs say nothing to us
// (WebAuthn Level 3, 7.1: a relying party is prepared for outputs that it did not ask for).
func TestPasskeysWithExtensions(t *testing.T) {
	t.Parallel()
	d := plug(t, func(o *webauthn.VirtualAuthenticatorOptions) { o.HasPrf, o.HasLargeBlob = true, true })
	more := func(options []byte, extensions string) []byte {
		return append(append(bytes.TrimSuffix(options, []byte("}")), `,"extensions":`...), extensions+"}"...)
	}
	options, state, err := ceremonies.Create(d.rp, mfa.PasskeyUser{Handle: handle, Name: ada}, "")
	d.must(err)
	answer := d.create(more(options, `{"credProps":true,"prf":{},"largeBlob":{"support":"preferred"}}`))
	p, err := ceremonies.Created(d.rp, state, []byte(answer))
	if err != nil || !strings.Contains(answer, "credProps") || !strings.Contains(answer, "prf") {
		t.Fatalf("Created = %+v, %v, of %s", p, err, answer)
	}
	options, state, err = ceremonies.Get(d.rp, nil, "")
	d.must(err)
	answer = d.get(more(options, `{"prf":{"eval":{"first":"AAAA"}}}`))
	if a, err := ceremonies.Got(d.rp, state, []byte(answer), p, handle); err != nil || !strings.Contains(answer, "prf") {
		t.Errorf("Got = %+v, %v, of %s", a, err, answer)
	}
}
