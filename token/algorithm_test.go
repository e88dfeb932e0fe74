package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/token"
)

func TestAlgorithms(t *testing.T) {
	t.Parallel()
	var all []*token.SigningKey
	for _, alg := range algorithms {
		all = append(all, generateFor(t, alg))
	}
	published, err := token.ParseKeySet(token.JWKS(all...))
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range all {
		again, err := token.ParseSigningKey(k.Marshal())
		if err != nil || again.Algorithm() != algorithms[i] || again.KID() != k.KID() {
			t.Errorf("%s: read back as %v, %v", algorithms[i], again, err)
			continue
		}
		for _, use := range []token.Use{token.Access, token.ID} {
			cfg := config(use, now)
			cfg.Keys = published
			want := claims(use)
			got, err := verifier(t, cfg).Verify(t.Context(), sign(t, again, want))
			if err != nil {
				t.Errorf("%s: Verify = %v", k.Algorithm(), err)
				continue
			}
			got.Audience = nil
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("%s token says\n%+v, want\n%+v", k.Algorithm(), *got, want)
			}
		}
	}
	if k := generateFor(t, ""); k.Algorithm() != token.ES256 {
		t.Errorf("the algorithm by default is %s", k.Algorithm())
	}
	for _, alg := range []token.Algorithm{"none", "HS256", "PS256", "ES384", "es256", "RS256 "} {
		if k, err := token.GenerateKey(alg); err == nil || k != nil {
			t.Errorf("GenerateKey(%q) = %v, %v", alg, k, err)
		}
	}
}

// Class 30: nothing in a token chooses how it is checked. All three kinds of key are in the set, so
// that each can be mistaken for the others.
func TestHostileAlgorithms(t *testing.T) {
	t.Parallel()
	keys := map[token.Algorithm]*token.SigningKey{}
	var all []*token.SigningKey
	for _, alg := range algorithms {
		keys[alg] = generateFor(t, alg)
		all = append(all, keys[alg])
	}
	v := verifier(t, config(token.Access, now, all...))
	refuse := func(name, text string) {
		t.Helper()
		if c, err := v.Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) || c != nil {
			t.Errorf("%s: Verify = %+v, %v, want ErrInvalid", name, c, err)
		}
	}
	body := payload(t, keys[token.ES256], claims(token.Access), nil)
	for alg, k := range keys {
		if _, err := v.Verify(t.Context(), forge(t, k, header(k, nil), body)); err != nil {
			t.Fatalf("a good token of %s made by hand: %v", alg, err)
		}
		for _, says := range []string{"ES256", "EdDSA", "RS256", "HS256", "HS384", "none", "None", "", "ES256K", "ES384", "PS256", "RS512", "Ed25519", "RSA1_5", "dir"} {
			h := header(k, map[string]any{"alg": says})
			if says != string(alg) {
				refuse(string(alg)+" key, header of "+says, forge(t, k, h, body))
			}
			signing := b64.EncodeToString([]byte(h)) + "." + b64.EncodeToString([]byte(body)) + "."
			refuse(says+" without a signature, key of "+string(alg), signing)
			refuse(says+" with an empty signature, key of "+string(alg), signing+"AA")
			refuse(says+" with zeros for a signature, key of "+string(alg), signing+b64.EncodeToString(make([]byte, 64)))
			refuse(says+" with zeros for a long signature, key of "+string(alg), signing+b64.EncodeToString(make([]byte, 256)))
			for what, secret := range publicForms(t, k) {
				mac := hmac.New(sha256.New, secret)
				mac.Write([]byte(strings.TrimSuffix(signing, ".")))
				refuse("HMAC under the "+what+" of the "+string(alg)+" key, header of "+says, signing+b64.EncodeToString(mac.Sum(nil)))
			}
			for other, o := range keys { // a key of one kind, under the id of another
				if other != alg {
					refuse("signed by "+string(other)+", id of "+string(alg)+", header of "+says, forge(t, o, h, body))
				}
			}
		}
	}
	for name, text := range wrongSchemes(t, keys, body) {
		refuse(name, text)
	}
}

// publicForms are the bytes that a sloppy verifier would take a public key to be a secret of.
func publicForms(t *testing.T, k *token.SigningKey) map[string][]byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(raw(t, k).Public())
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	var set struct{ Keys []json.RawMessage }
	if err := json.Unmarshal(token.JWKS(k), &set); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"DER": der, "PEM": block, "PEM without a line break": []byte(strings.TrimSpace(string(block))),
		"JWKS": token.JWKS(k), "JWK": set.Keys[0], "id": []byte(k.KID()), "nothing": nil,
	}
}

// wrongSchemes are signatures by the true keys under other schemes than the keys are for.
func wrongSchemes(t *testing.T, keys map[token.Algorithm]*token.SigningKey, body string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	add := func(name string, alg token.Algorithm, sign func(text string) ([]byte, error)) {
		text := b64.EncodeToString([]byte(header(keys[alg], nil))) + "." + b64.EncodeToString([]byte(body))
		signature, err := sign(text)
		if err != nil {
			t.Fatal(err)
		}
		texts[name] = text + "." + b64.EncodeToString(signature)
	}
	rsaKey := raw(t, keys[token.RS256]).(*rsa.PrivateKey)
	add("PSS by the RSA key", token.RS256, func(text string) ([]byte, error) {
		sum := sha256.Sum256([]byte(text))
		return rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, sum[:], nil)
	})
	add("SHA-512 by the RSA key", token.RS256, func(text string) ([]byte, error) {
		sum := sha512.Sum512([]byte(text))
		return rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA512, sum[:])
	})
	add("RSA without the name of the hash", token.RS256, func(text string) ([]byte, error) {
		sum := sha256.Sum256([]byte(text))
		return rsa.SignPKCS1v15(nil, rsaKey, 0, sum[:])
	})
	add("RSA with a byte more in front", token.RS256, func(text string) ([]byte, error) {
		return append([]byte{0}, rawSign(t, rsaKey, text)...), nil
	})
	add("ECDSA in DER", token.ES256, func(text string) ([]byte, error) {
		sum := sha256.Sum256([]byte(text))
		return raw(t, keys[token.ES256]).Sign(rand.Reader, sum[:], crypto.SHA256)
	})
	add("Ed25519 over the hash", token.EdDSA, func(text string) ([]byte, error) {
		sum := sha512.Sum512([]byte(text))
		return raw(t, keys[token.EdDSA]).Sign(rand.Reader, sum[:], crypto.SHA512)
	})
	add("Ed25519 with S beyond the order", token.EdDSA, func(text string) ([]byte, error) {
		signature := rawSign(t, raw(t, keys[token.EdDSA]), text)
		signature[63] |= 0x20 // RFC 8032, 5.1.7: a second spelling of a signature
		return signature, nil
	})
	return texts
}

// Keys that are too small are no keys, for whoever signs and for whoever checks.
func TestSmallRSAKeyIsRefused(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"RSA of 1024 bits": small, "P-384": p384} {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if k, err := token.ParseSigningKey(der); err == nil {
			t.Errorf("%s: ParseSigningKey = %v", name, k)
		}
	}
	jwk := `{"kty":"RSA","alg":"RS256","use":"sig","kid":"small","e":"AQAB","n":"` + b64.EncodeToString(small.N.Bytes()) + `"}`
	if set, err := token.ParseKeySet([]byte(`{"keys":[` + jwk + `]}`)); err == nil {
		t.Errorf("ParseKeySet of a small key = %v", set)
	}
	good := generate(t)
	beside := strings.Replace(string(token.JWKS(good)), `[`, `[`+jwk+`,`, 1)
	set, err := token.ParseKeySet([]byte(beside))
	if err != nil {
		t.Fatal(err)
	}
	known(t, set, good)
	if _, err := set.Key(t.Context(), "small"); !errors.Is(err, token.ErrNoKey) {
		t.Errorf("Key of the small one = %v, want ErrNoKey", err)
	}
	cfg := config(token.Access, now)
	cfg.Keys = set
	text := b64.EncodeToString([]byte(`{"alg":"RS256","kid":"small","typ":"at+jwt"}`)) + "." + b64.EncodeToString([]byte(payload(t, good, claims(token.Access), nil)))
	text += "." + b64.EncodeToString(rawSign(t, small, text))
	if c, err := verifier(t, cfg).Verify(t.Context(), text); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("Verify under the small key = %+v, %v, want ErrInvalid", c, err)
	}
}

// A key of more than 2048 bits that was made elsewhere signs too.
func TestLargeRSAKey(t *testing.T) {
	t.Parallel()
	large, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(large)
	if err != nil {
		t.Fatal(err)
	}
	k, err := token.ParseSigningKey(der)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier(t, config(token.Access, now, k)).Verify(t.Context(), sign(t, k, claims(token.Access))); err != nil {
		t.Errorf("Verify = %v", err)
	}
}
