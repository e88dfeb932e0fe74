package jose_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/jose"
)

var algorithms = []jose.Algorithm{jose.ES256, jose.EdDSA, jose.RS256}

func generate(t testing.TB) *jose.PrivateKey {
	t.Helper()
	return generateFor(t, jose.ES256)
}

func generateFor(t testing.TB, alg jose.Algorithm) *jose.PrivateKey {
	t.Helper()
	k, err := jose.Generate(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sign(t testing.TB, k *jose.PrivateKey, payload string) string {
	t.Helper()
	text, err := k.Sign("JWT", []byte(payload))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		k := generateFor(t, alg)
		again, err := jose.ParsePrivateKey(k.Marshal())
		if err != nil || again.Public().KID() != k.Public().KID() || again.Public().Algorithm() != alg {
			t.Fatalf("%s: ParsePrivateKey = %v, %v", alg, again, err)
		}
		for _, signer := range []*jose.PrivateKey{k, again} {
			m, err := jose.Parse(sign(t, signer, `{"sub":"ada"}`), "JWT")
			if err != nil {
				t.Fatal(err)
			}
			payload, err := m.Verify(k.Public())
			if err != nil || string(payload) != `{"sub":"ada"}` || m.KID() != k.Public().KID() {
				t.Errorf("%s: Verify = %s, %v", alg, payload, err)
			}
		}
	}
}

// RFC 7638 section 3 and RFC 8037 section 2: the digest of the required members, in order and
// without blanks. RFC 7517 section 4: what else a published key says.
func TestPublishedKeys(t *testing.T) {
	t.Parallel()
	required := map[jose.Algorithm][]string{
		jose.ES256: {"crv", "kty", "x", "y"},
		jose.EdDSA: {"crv", "kty", "x"},
		jose.RS256: {"e", "kty", "n"},
	}
	fixed := map[jose.Algorithm]map[string]string{
		jose.ES256: {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig"},
		jose.EdDSA: {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig"},
		jose.RS256: {"kty": "RSA", "e": "AQAB", "alg": "RS256", "use": "sig"},
	}
	for _, alg := range algorithms {
		k := generateFor(t, alg)
		b, err := jose.MarshalSet(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(b, &set); err != nil || len(set.Keys) != 1 {
			t.Fatalf("%s: %v", b, err)
		}
		key := set.Keys[0]
		var parts []string
		for _, name := range required[alg] {
			parts = append(parts, fmt.Sprintf("%q:%q", name, key[name]))
		}
		sum := sha256.Sum256([]byte("{" + strings.Join(parts, ",") + "}"))
		if want := base64.RawURLEncoding.EncodeToString(sum[:]); k.Public().KID() != want || key["kid"] != want {
			t.Errorf("%s: KID = %s, want %s", alg, k.Public().KID(), want)
		}
		for name, want := range fixed[alg] {
			if key[name] != want {
				t.Errorf("%s: published %s = %q, want %q", alg, name, key[name], want)
			}
		}
		if want := len(required[alg]) + 3; len(key) != want { // alg, kid, use
			t.Errorf("%s: published key has the members %v", alg, key)
		}
		parsed, err := jose.ParseSet(b)
		if err != nil || len(parsed) != 1 || !parsed[0].Equal(k.Public()) {
			t.Errorf("%s: ParseSet = %v, %v", alg, parsed, err)
		}
	}
}

func TestKeysEqual(t *testing.T) {
	t.Parallel()
	var keys []jose.PublicKey
	for _, alg := range algorithms {
		keys = append(keys, generateFor(t, alg).Public(), generateFor(t, alg).Public())
	}
	for i, a := range keys {
		for j, b := range keys {
			if a.Equal(b) != (i == j) {
				t.Errorf("key %d Equal key %d = %t", i, j, i != j)
			}
		}
		if a.Equal(jose.PublicKey{}) || (jose.PublicKey{}).Equal(a) || (jose.PublicKey{}).Equal(jose.PublicKey{}) {
			t.Errorf("key %d equals no key", i)
		}
	}
}

func TestMarshalSet(t *testing.T) {
	t.Parallel()
	a, b := generate(t), generate(t)
	set, err := jose.MarshalSet(a.Public(), b.Public())
	if err != nil {
		t.Fatal(err)
	}
	again, err := jose.MarshalSet(a.Public(), b.Public())
	if err != nil || !bytes.Equal(set, again) {
		t.Errorf("two sets of the same keys differ: %s, %s, %v", set, again, err)
	}
	var parsed struct{ Keys []map[string]any }
	if err := json.Unmarshal(set, &parsed); err != nil || len(parsed.Keys) != 2 {
		t.Fatalf("%s: %v", set, err)
	}
	for _, k := range parsed.Keys {
		if len(k) != 7 || k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" || k["kid"] == "" || k["x"] == "" || k["y"] == "" {
			t.Errorf("published key has the members %v", k)
		}
	}
	keys, err := jose.ParseSet(set)
	if err != nil || len(keys) != 2 || keys[0].KID() != a.Public().KID() || keys[1].Algorithm() != jose.ES256 {
		t.Errorf("ParseSet = %v, %v", keys, err)
	}
	if empty, err := jose.MarshalSet(); err != nil || string(empty) != `{"keys":[]}` {
		t.Errorf("MarshalSet() = %s, %v", empty, err)
	}
	if b, err := jose.MarshalSet(jose.PublicKey{}); err == nil {
		t.Errorf("MarshalSet of no key = %s", b)
	}
}

func TestParseSet(t *testing.T) {
	t.Parallel()
	const xy = `"x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"`
	const good = `{"kty":"EC","crv":"P-256","kid":"a",` + xy + `}`
	const edX = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
	const ed = `{"kty":"OKP","crv":"Ed25519","kid":"e","x":"` + edX + `"}`
	rsaKey := func(bits int, e string) string { // of an odd modulus, which is all that can be seen of it
		n := make([]byte, bits/8)
		rand.Read(n)
		n[0], n[len(n)-1] = n[0]|0x80, n[len(n)-1]|1
		return `{"kty":"RSA","kid":"r","n":"` + base64.RawURLEncoding.EncodeToString(n) + `","e":"` + e + `"}`
	}
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	tests := []struct {
		name, set string
		want      int // usable keys; -1 means an error
	}{
		{"good", set(good), 1},
		{"other members of the set", `{"x":1,"keys":[` + good + `]}`, 1},
		{"none", set(), 0},
		{"unknown type beside it", set(`{"kty":"ML","kid":"q"}`, good), 1},
		{"symmetric", set(`{"kty":"oct","kid":"s","k":"c2VjcmV0c2VjcmV0c2VjcmV0"}`), 0},
		{"RSA without an algorithm", set(`{"kty":"RSA","kid":"r","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw","e":"AQAB"}`), 1},
		{"RSA for PSS", set(strings.Replace(rsaKey(2048, "AQAB"), `{`, `{"alg":"PS256",`, 1)), 0},
		{"RSA of 2040 bits", set(rsaKey(2040, "AQAB")), 0},
		{"RSA of 1024 bits", set(rsaKey(1024, "AQAB")), 0},
		{"RSA of 8192 bits", set(rsaKey(8192, "AQAB")), 1},
		{"RSA of 16384 bits", set(rsaKey(16384, "AQAB")), 0},
		{"RSA, exponent 1", set(rsaKey(2048, "AQ")), 0},
		{"RSA, exponent 3", set(rsaKey(2048, "Aw")), 0},
		{"RSA, even exponent", set(rsaKey(2048, "AQAA")), 0},
		{"RSA, huge exponent", set(rsaKey(2048, "AQAAAAAAAAAAAAAAAQ")), 0},
		{"RSA, no modulus", set(`{"kty":"RSA","kid":"r","n":"","e":"AQAB"}`), 0},
		{"Ed25519", set(ed), 1},
		{"Ed25519 under another algorithm", set(strings.Replace(ed, "{", `{"alg":"ES256",`, 1)), 0},
		{"Ed25519, short", set(strings.Replace(ed, "11qY", "", 1)), 0},
		{"Ed25519, the point zero", set(strings.Replace(ed, edX, "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1)), 0},
		{"X25519", set(strings.Replace(ed, "Ed25519", "X25519", 1)), 0},
		{"Ed448", set(strings.Replace(ed, "Ed25519", "Ed448", 1)), 0},
		{"to verify", set(good[:len(good)-1] + `,"key_ops":["verify"]}`), 1},
		{"to encrypt", set(good[:len(good)-1] + `,"key_ops":["encrypt"]}`), 0},
		{"all three kinds", set(good, ed, rsaKey(2048, "AQAB")), 3},
		{"x5c is not looked at", set(strings.Replace(ed, "{", `{"x5c":["bm8="],`, 1)), 1},
		{"no id", set(`{"kty":"EC","crv":"P-256",` + xy + `}`), 0},
		{"for encryption", set(good[:len(good)-1] + `,"use":"enc"}`), 0},
		{"other algorithm", set(good[:len(good)-1] + `,"alg":"ES384"}`), 0},
		{"HMAC under the public key", set(good[:len(good)-1] + `,"alg":"HS256"}`), 0},
		{"not on the curve", set(`{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}`), 0},
		{"the point zero", set(`{"kty":"EC","crv":"P-256","kid":"a","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`), 0},
		{"long id", set(strings.Replace(good, `"a"`, `"`+strings.Repeat("a", 257)+`"`, 1)), 0},
		{"private", set(good[:len(good)-1] + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`), -1},
		{"id twice", set(good, good), -1},
		{"member twice", set(`{"kid":"b",` + good[1:]), -1},
		{"a key alone", good, -1},
		{"a list", "[" + good + "]", -1},
		{"keys no list", `{"keys":` + good + `}`, -1},
		{"keys null", `{"keys":null}`, 0},
		{"a key is text", set(`"a"`), -1},
		{"empty", "", -1},
		{"not JSON", "<html>", -1},
		{"101 keys", set(strings.Repeat(`{"kty":"x"},`, 100) + `{"kty":"x"}`), -1},
		{"large", `{"keys":[],"x":"` + strings.Repeat("x", 256<<10) + `"}`, -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			keys, err := jose.ParseSet([]byte(tt.set))
			if got := len(keys); (err != nil) != (tt.want < 0) || err == nil && got != tt.want {
				t.Errorf("ParseSet = %d keys, %v, want %d", got, err, tt.want)
			}
		})
	}
}

func TestPrivateKeyRefuses(t *testing.T) {
	t.Parallel()
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der := generate(t).Marshal()
	bad := map[string][]byte{"nil": nil, "garbled": []byte("x"), "cut": der[:len(der)-1]}
	for name, k := range map[string]any{"P-384": p384, "RSA of 1024 bits": small, "X25519": x25519} {
		if bad[name], err = x509.MarshalPKCS8PrivateKey(k); err != nil {
			t.Fatal(err)
		}
	}
	for name, b := range bad {
		if k, err := jose.ParsePrivateKey(b); err == nil {
			t.Errorf("ParsePrivateKey(%s) = %v", name, k.Public().KID())
		}
	}
	for _, alg := range []jose.Algorithm{"", "none", "HS256", "RS384", "PS256", "ES384", "es256", "Ed25519"} {
		if _, err := jose.Generate(alg); err == nil {
			t.Errorf("Generate(%q) made a key", alg)
		}
	}
	if text, err := generate(t).Sign("JWT", make([]byte, 8<<10)); err == nil {
		t.Errorf("Sign made a token of %d bytes, which no one reads", len(text))
	}
}

// Class 30, invalid curve: under a point of small order anybody can sign, so such keys are no keys.
func TestSmallOrder(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000080",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
	} {
		point, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		set := `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"e","x":"` + base64.RawURLEncoding.EncodeToString(point) + `"}]}`
		if keys, err := jose.ParseSet([]byte(set)); err != nil || len(keys) != 0 {
			t.Errorf("ParseSet with %s = %v, %v", text, keys, err)
		}
		// The list is right: the library takes a signature that nobody made, for one message in
		// eight at least.
		forged := append(make([]byte, 0, 64), 1)
		forged = forged[:64]
		taken := false
		for i := range 256 {
			taken = taken || ed25519.Verify(point, []byte{byte(i)}, forged)
		}
		if !taken {
			t.Errorf("%s: no forgery is taken, so it need not be refused", text)
		}
	}
}

// Class 30: a header chooses neither the algorithm nor the kind of key.
func TestAlgorithmIsTheKeys(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		k := generateFor(t, alg)
		text := sign(t, k, "{}")
		for _, says := range []string{"ES256", "EdDSA", "RS256", "HS256", "none", "PS256", "Ed25519", "rs256"} {
			header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + says + `","kid":"` + k.Public().KID() + `","typ":"JWT"}`))
			m, err := jose.Parse(header+text[strings.IndexByte(text, '.'):], "JWT")
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Verify(k.Public())
			if good := says == string(alg); (err == nil) != good || !good && !errors.Is(err, jose.ErrSignature) {
				t.Errorf("a message of %s that says %s: %v", alg, says, err)
			}
		}
	}
}

func TestVerifyNeedsTheKey(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	m, err := jose.Parse(sign(t, k, "{}"), "JWT")
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]jose.PublicKey{"other": other.Public(), "zero": {}} {
		if _, err := m.Verify(key); !errors.Is(err, jose.ErrSignature) {
			t.Errorf("Verify by the %s key = %v, want ErrSignature", name, err)
		}
	}
}

func TestObject(t *testing.T) {
	t.Parallel()
	got, err := jose.Object([]byte(`{ "a" : 1 , "A":[ {"x":1} , {"x":2}, "],}" , -1.5e3 ] ,"b\u0061":{"a": {"a":null}},"\"":"\\\"}" , "":true}`))
	want := map[string]string{"a": "1", "A": `[ {"x":1} , {"x":2}, "],}" , -1.5e3 ]`, "ba": `{"a": {"a":null}}`, `"`: `"\\\"}"`, "": "true"}
	if err != nil || len(got) != len(want) {
		t.Fatalf("Object = %s, %v", got, err)
	}
	for name, value := range want {
		if string(got[name]) != value {
			t.Errorf("member %q = %s, want %s", name, got[name], value)
		}
	}
	for _, tt := range []struct{ name, text string }{
		{"empty", ""},
		{"a text", `"a"`},
		{"a list", `[]`},
		{"null", "null"},
		{"number", "1"},
		{"twice", `{"a":1,"a":1}`},
		{"twice, escaped", `{"a":1,"\u0061":2}`},
		{"twice and null", `{"a":null,"a":1}`},
		{"twice further in", `{"b":{"a":1,"a":2}}`},
		{"twice in a list", `{"b":[[{"a":1,"a":2}]]}`},
		{"twice after a replaced surrogate", `{"\ud800":1,"\ud801":2}`},
		{"blank in front", ` {}`},
		{"blank behind", "{}\n"},
		{"byte order mark", "\xef\xbb\xbf{}"},
		{"two objects", `{}{}`},
		{"invalid UTF-8", "{\"a\":\"\xff\"}"},
		{"comment", `{/**/}`},
		{"comma behind", `{"a":1,}`},
		{"single quotes", `{'a':1}`},
		{"cut off", `{"a":1`},
		{"too deep", `{"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`},
	} {
		if got, err := jose.Object([]byte(tt.text)); !errors.Is(err, jose.ErrObject) {
			t.Errorf("%s: Object = %s, %v, want ErrObject", tt.name, got, err)
		}
	}
}

// What Object reads, encoding/json reads alike.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{"c":"\""},null],"d":{"e":-1.5e3}}`))
	f.Add([]byte(`{"a":1,"\u0061":2}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := jose.Object(b)
		if err != nil {
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(b, &want); err != nil || len(got) != len(want) {
			t.Fatalf("Object(%q) = %s, encoding/json %s, %v", b, got, want, err)
		}
		for name, value := range want {
			if !bytes.Equal(bytes.TrimSpace(value), got[name]) {
				t.Errorf("Object(%q)[%q] = %s, encoding/json %s", b, name, got[name], value)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	k := generate(f)
	f.Add(sign(f, k, `{"sub":"ada"}`))
	f.Add("e30.e30.e30")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := jose.Parse(text, "JWT")
		if err != nil {
			if !errors.Is(err, jose.ErrMalformed) {
				t.Errorf("Parse(%q): untyped error %v", text, err)
			}
			return
		}
		if _, err := m.Verify(generate(t).Public()); err == nil {
			t.Errorf("Parse(%q) verified under a new key", text)
		}
	})
}
