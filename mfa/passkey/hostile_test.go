package passkey_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
)

// used returns what a device answers to a request, and what was kept of that.
func used(t testing.TB, a *passkeytest.Authenticator, of []mfa.Passkey, v mfa.Verification) (state, answer []byte) {
	t.Helper()
	options, state, err := web.Get(rp, of, v)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = a.Get(options); err != nil {
		t.Fatal(err)
	}
	return state, answer
}

// A thief can set the first PIN of a security key. A passkey that was made before is not two factors by that (WebAuthn
// Level 3, 7.2, on uvInitialized).
func TestT2_APINSetLaterIsNoFactor(t *testing.T) {
	t.Parallel()
	a, p := made(t, func(a *passkeytest.Authenticator) { a.Unverified = true })
	a.Unverified = false
	state, answer := used(t, a, nil, mfa.VerifyPreferred)
	if got, err := web.Got(rp, state, answer, p, ada.Handle); err != nil || got.Verified {
		t.Errorf("Got = %+v, %v, want one factor", got, err)
	}
	state, answer = used(t, a, nil, mfa.VerifyRequired)
	if got, err := web.Got(rp, state, answer, p, ada.Handle); !errors.Is(err, mfa.ErrPasskey) {
		t.Errorf("where two are asked for: Got = %+v, %v, want ErrPasskey", got, err)
	}
}

// What was kept of one kind of ceremony is worth nothing in the other.
func TestCeremoniesAreNotMixedUp(t *testing.T) {
	t.Parallel()
	a, p := made(t)
	options, state, err := web.Create(rp, ada, "")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := a.Get(bytes.Replace(options, []byte(`{`), []byte(`{"rpId":"example.com",`), 1))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := web.Got(rp, state, answer, p, ada.Handle); err == nil {
		t.Errorf("Got by what Create kept = %+v", got)
	}
	state, _ = used(t, a, nil, "")
	if answer, err = a.Create(options); err != nil {
		t.Fatal(err)
	}
	if got, err := web.Created(rp, state, answer); err == nil {
		t.Errorf("Created by what Get kept = %+v", got)
	}
	for _, state := range []string{"", "null", "{}", "[]", `{"challenge":""}`} {
		if _, err := web.Created(rp, []byte(state), answer); err == nil {
			t.Errorf("Created by %q", state)
		}
		if _, err := web.Got(rp, []byte(state), answer, p, ada.Handle); err == nil {
			t.Errorf("Got by %q", state)
		}
	}
}

// A word for the verification that is none of ours would reach browsers as no wish at all.
func TestVerificationsAreKnown(t *testing.T) {
	t.Parallel()
	for _, v := range []mfa.Verification{"Required", "required ", "yes"} {
		if options, _, err := web.Create(rp, ada, v); err == nil {
			t.Errorf("Create(%q) = %s", v, options)
		}
		if options, _, err := web.Get(rp, nil, v); err == nil {
			t.Errorf("Get(%q) = %s", v, options)
		}
	}
}

// Origins are compared as they are: what a reader of URLs takes for the same is another one.
func TestOriginsAreExact(t *testing.T) {
	t.Parallel()
	for _, other := range []string{
		origin + "/", origin + "/evil", origin + "?x", origin + "#x", origin + ":443", origin + ":0443", origin + ".",
		"https://x@id.example.com", "HTTPS://ID.EXAMPLE.COM", " " + origin, origin + "\x00", "https:\\\\id.example.com", "null", "",
	} {
		a, p := made(t)
		a.Origin = other
		state, answer := used(t, a, nil, "")
		if got, err := web.Got(rp, state, answer, p, ada.Handle); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("%q: Got = %+v, %v, want ErrPasskey", other, got, err)
		}
		options, state, err := web.Create(rp, ada, "")
		if err != nil {
			t.Fatal(err)
		}
		if answer, err = a.Create(options); err != nil {
			t.Fatal(err)
		}
		if got, err := web.Created(rp, state, answer); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("%q: Created = %+v, %v, want ErrPasskey", other, got, err)
		}
	}
}

// What a visitor sends does not fill logs, nor begin lines in them.
func TestErrorsAreShort(t *testing.T) {
	t.Parallel()
	long := "https://" + strings.Repeat("x", 5000) + "\nall is well\n"
	a, p := made(t)
	a.Origin = long
	state, answer := used(t, a, nil, "")
	_, err := web.Got(rp, state, answer, p, ada.Handle)
	a.Origin, a.Challenge = origin, bytes.Repeat([]byte{1}, 5000)
	state, answer = used(t, a, nil, "")
	_, err2 := web.Got(rp, state, answer, p, ada.Handle)
	err = errors.Join(err, err2)
	for _, answer := range []string{string(answer[:len(answer)/2]), `{"id":"` + strings.Repeat("\\n", 5000) + `"}`, `{"` + long} {
		_, _, err2 := web.Named([]byte(answer))
		_, err3 := web.Created(rp, state, []byte(answer))
		err = errors.Join(err, err2, err3)
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		if len(line) > 500 || !strings.HasPrefix(line, "mfa: ") && !strings.HasPrefix(line, "passkey: ") {
			t.Errorf("the error has a line of %d bytes: %.100q", len(line), line)
		}
	}
}

// change rewrites the bytes of a field of an answer's response.
func change(t testing.TB, answer []byte, field string, f func([]byte) []byte) []byte {
	t.Helper()
	var a map[string]any
	if err := json.Unmarshal(answer, &a); err != nil {
		t.Fatal(err)
	}
	response := a["response"].(map[string]any)
	b, err := base64.RawURLEncoding.DecodeString(response[field].(string))
	if err != nil {
		t.Fatal(err)
	}
	response[field] = base64.RawURLEncoding.EncodeToString(f(b))
	if answer, err = json.Marshal(a); err != nil {
		t.Fatal(err)
	}
	return answer
}

// created returns an answer of a device to Create, and what was kept.
func created(t testing.TB) (state, answer []byte) {
	t.Helper()
	options, state, err := web.Create(rp, ada, "")
	if err != nil {
		t.Fatal(err)
	}
	if answer, err = passkeytest.New(origin).Create(options); err != nil {
		t.Fatal(err)
	}
	return state, answer
}

// Nobody asked who made the authenticator: what it says of that is not read, however wrong, and so no certificate of
// a visitor's is.
func TestAttestationsAreNotRead(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]string{
		"signed by nobody":  "\x66packed\x67attStmt\xa2\x63alg\x26\x63sig\x43\x01\x02\x03",
		"of a TPM":          "\x63tpm\x67attStmt\xa1\x63ver\x639.9",
		"of a web service":  "\x71android-safetynet\x67attStmt\xa0",
		"of a kind unknown": "\x65WHO??\x67attStmt\xa1\x61x\x01",
		"of many":           "\x68compound\x67attStmt\x80",
		"none, with proofs": "\x64none\x67attStmt\xa1\x61x\x01",
	} {
		state, answer := created(t)
		answer = change(t, answer, "attestationObject", func(b []byte) []byte {
			return bytes.Replace(b, []byte("\x64none\x67attStmt\xa0"), []byte(as), 1)
		})
		if p, err := web.Created(rp, state, answer); err != nil || len(p.ID) != 32 {
			t.Errorf("%s: Created = %+v, %v", name, p, err)
		}
	}
}

// Password managers send outputs of extensions that nobody asked for, and names of transports that nobody knows:
// neither is in the way, and neither is kept.
func TestWhatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	more := []byte(`"clientExtensionResults":{"credProps":{"rk":true},"prf":{"enabled":true},"x":[1,{}]}`)
	state, answer := created(t)
	answer = bytes.Replace(answer, []byte(`"clientExtensionResults":{}`), more, 1)
	answer = bytes.Replace(answer, []byte(`["internal"]`), []byte(`["internal","telepathy","hybrid","internal"]`), 1)
	p, err := web.Created(rp, state, answer)
	if err != nil || strings.Join(p.Transports, " ") != "internal hybrid" {
		t.Errorf("Created = %+v, %v", p, err)
	}
	a, p := made(t)
	state, answer = used(t, a, nil, "")
	answer = bytes.Replace(answer, []byte(`"clientExtensionResults":{}`), more, 1)
	if got, err := web.Got(rp, state, answer, p, ada.Handle); err != nil || !got.Verified {
		t.Errorf("Got = %+v, %v", got, err)
	}
}

// Only what was offered is taken: here RSA by PKCS #1 v1.5, which old authenticators of Windows need, and not by PSS.
func TestAlgorithmsAreThoseOffered(t *testing.T) {
	t.Parallel()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for alg, ok := range map[string]bool{"\x39\x01\x00": true, "\x38\x24": false, "\x39\x01\x01": false} { // RS256, PS256, RS384
		state, answer := created(t)
		key := slices.Concat([]byte("\xa4\x01\x03\x03"+alg+"\x20\x59\x01\x00"), private.N.Bytes(), []byte("\x21\x43\x01\x00\x01"))
		p, err := web.Created(rp, state, withKey(t, answer, func([]byte) []byte { return key }))
		if ok && err != nil || !ok && !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("%x: Created = %+v, %v", alg, p, err)
		}
	}
}

// A key that proves nothing later, or is large, makes no passkey: what is kept of a user has room for twenty.
func TestKeysAreSound(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]func(key []byte) []byte{
		"not on the curve": func(k []byte) []byte { k[len(es256)] ^= 1; return k },
		"on another curve": func(k []byte) []byte { return bytes.Replace(k, []byte("\x20\x01"), []byte("\x20\x02"), 1) },
		"of another kind":  func(k []byte) []byte { return bytes.Replace(k, []byte("\x01\x02"), []byte("\x01\x03"), 1) },
		"of ES384":         func(k []byte) []byte { return bytes.Replace(k, []byte("\x03\x26"), []byte("\x03\x38\x22"), 1) },
		"of no algorithm":  func(k []byte) []byte { return append([]byte("\xa4\x01\x02"), k[5:]...) },
		"with a lot to say": func(k []byte) []byte {
			return append(append([]byte("\xa6"), k[1:]...), append([]byte("\x61x\x59\x10\x00"), make([]byte, 4096)...)...)
		},
		"no map": func([]byte) []byte { return []byte("\x80") },
	} {
		state, answer := created(t)
		answer = withKey(t, answer, key)
		if p, err := web.Created(rp, state, answer); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("%s: Created = %+v, %v, want ErrPasskey", name, p, err)
		}
	}
}

// es256 is how a key begins: it is EC2, of ES256, on P-256, and x is.
const es256 = "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"

// withKey rewrites the key in an answer to Create.
func withKey(t testing.TB, answer []byte, f func(key []byte) []byte) []byte {
	t.Helper()
	return change(t, answer, "attestationObject", func(b []byte) []byte {
		head, data, ok := bytes.Cut(b, []byte("\x68authData\x58"))
		at := bytes.Index(data, []byte(es256))
		if !ok || at < 0 {
			t.Fatal("no key in the answer")
		}
		data = slices.Concat(data[1:at], f(bytes.Clone(data[at:])))
		return slices.Concat(head, []byte("\x68authData\x59"), binary.BigEndian.AppendUint16(nil, uint16(len(data))), data)
	})
}

// Ids and handles are looked up before anything is judged: they are of the sizes that there are.
func TestNamesAreShort(t *testing.T) {
	t.Parallel()
	a, p := made(t)
	_, answer := used(t, a, nil, "")
	long := base64.RawURLEncoding.EncodeToString(make([]byte, 1024))
	id := base64.RawURLEncoding.EncodeToString(p.ID)
	for name, answer := range map[string][]byte{
		"id":     bytes.ReplaceAll(answer, []byte(id), []byte(long)),
		"handle": change(t, answer, "userHandle", func([]byte) []byte { return make([]byte, 65) }),
	} {
		if id, handle, err := web.Named(answer); !errors.Is(err, mfa.ErrPasskey) {
			t.Errorf("a long %s: Named = %d and %d bytes, %v, want ErrPasskey", name, len(id), len(handle), err)
		}
	}
}

// Whatever an authenticator sends is a passkey or ErrPasskey: the bytes are inside of JSON here, where a fuzzer of
// whole answers does not reach them.
func FuzzAttestation(f *testing.F) {
	state, answer := created(f)
	change(f, answer, "attestationObject", func(b []byte) []byte { f.Add(b); return b })
	f.Add([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\x25" + strings.Repeat("\x00", 37)))
	f.Fuzz(func(t *testing.T, b []byte) {
		answer := change(t, answer, "attestationObject", func([]byte) []byte { return b })
		if p, err := web.Created(rp, state, answer); err != nil && !errors.Is(err, mfa.ErrPasskey) || err == nil && (len(p.PublicKey) == 0 || len(p.ID) == 0) {
			t.Errorf("Created = %+v, %v", p, err)
		}
	})
}

// No bytes but those that were signed prove anything.
func FuzzAuthenticatorData(f *testing.F) {
	a, p := made(f)
	state, answer := used(f, a, nil, "")
	var signed []byte
	change(f, answer, "authenticatorData", func(b []byte) []byte { signed = b; f.Add(b); return b })
	hash := sha256.Sum256([]byte(rp.ID))
	f.Add(append(hash[:], "\xc5\x00\x00\x00\x00\xa1\x6bcredProtect\x02"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		answer := change(t, answer, "authenticatorData", func([]byte) []byte { return b })
		if got, err := web.Got(rp, state, answer, p, ada.Handle); !errors.Is(err, mfa.ErrPasskey) && !bytes.Equal(b, signed) {
			t.Errorf("Got = %+v, %v", got, err)
		}
	})
}
