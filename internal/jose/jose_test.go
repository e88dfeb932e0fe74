package jose_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/jose"
)

func generate(t testing.TB) *jose.PrivateKey {
	t.Helper()
	k, err := jose.Generate(jose.ES256)
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
	k := generate(t)
	again, err := jose.ParsePrivateKey(k.Marshal())
	if err != nil || again.Public().KID() != k.Public().KID() {
		t.Fatalf("ParsePrivateKey = %v, %v", again, err)
	}
	for _, signer := range []*jose.PrivateKey{k, again} {
		m, err := jose.Parse(sign(t, signer, `{"sub":"ada"}`), "JWT")
		if err != nil {
			t.Fatal(err)
		}
		payload, err := m.Verify(k.Public())
		if err != nil || string(payload) != `{"sub":"ada"}` || m.KID() != k.Public().KID() {
			t.Errorf("Verify = %s, %v", payload, err)
		}
	}
}

// RFC 7638 section 3: the digest of the required members, in order and without blanks.
func TestThumbprint(t *testing.T) {
	t.Parallel()
	k := generate(t)
	b, err := jose.MarshalSet(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal(b, &set); err != nil || len(set.Keys) != 1 {
		t.Fatalf("%s: %v", b, err)
	}
	key := set.Keys[0]
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, key["x"], key["y"]))
	if want := base64.RawURLEncoding.EncodeToString(sum[:]); k.Public().KID() != want {
		t.Errorf("KID = %s, want %s", k.Public().KID(), want)
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
		{"RSA", set(`{"kty":"RSA","kid":"r","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1WlUzewbgBHod5pcM9H95GQRV3JDXboIRROSBigeC5yjU1hGzHHyXss8UDprecbAYxknTcQkhslANGRUZmdTOQ5qTRsLAt6BTYuyvVRdhS8exSZEy_c4gs_7svlJJQ4H9_NxsiIoLwAEk7-Q3UXERGYw_75IDrGA84-lA_-Ct4eTlXHBIY2EaV7t7LjJaynVJCpkv4LKjTTAumiGUIuQhrNhZLuF_RJLqHpM2kgWFLU7-VTdL1VbC2tejvcI2BlMkEpk1BzBZI0KQB0GaDWFLN-aEAw3vRw","e":"AQAB"}`), 0},
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
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	der := generate(t).Marshal()
	for name, b := range map[string][]byte{"nil": nil, "garbled": []byte("x"), "cut": der[:len(der)-1], "P-384": p384} {
		if k, err := jose.ParsePrivateKey(b); err == nil {
			t.Errorf("ParsePrivateKey(%s) = %v", name, k.Public().KID())
		}
	}
	for _, alg := range []jose.Algorithm{"", "none", "HS256", "RS256", "es256"} {
		if _, err := jose.Generate(alg); err == nil {
			t.Errorf("Generate(%q) made a key", alg)
		}
	}
	if text, err := generate(t).Sign("JWT", make([]byte, 8<<10)); err == nil {
		t.Errorf("Sign made a token of %d bytes, which no one reads", len(text))
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
