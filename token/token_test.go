package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

const issuer = "https://id.example.com"

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var algorithms = []token.Algorithm{token.ES256, token.EdDSA, token.RS256}

func generate(t testing.TB) *token.SigningKey {
	t.Helper()
	return generateFor(t, token.ES256)
}

func generateFor(t testing.TB, alg token.Algorithm) *token.SigningKey {
	t.Helper()
	k, err := token.GenerateKey(alg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func claims(use token.Use) token.Claims {
	c := token.Claims{
		Use: use, Issuer: issuer, Subject: "8f14e45f-ceea-467f-a6a6-aa1b2c3d4e5f", ClientID: "web",
		JTI: "j1", Session: "s1", Epoch: 3, Username: "ada",
		AuthTime: now.Add(-time.Hour), IssuedAt: now, ExpiresAt: now.Add(15 * time.Minute),
		AMR: []string{"pwd"}, ACR: "aal1",
	}
	if use == token.Access {
		c.Scope = []string{"aws.cognito.signin.user.admin", "openid"}
	} else {
		c.Name, c.Email, c.EmailVerified = "Ada <L>", "ada@example.com", new(true)
		c.PhoneNumber, c.PhoneVerified = "+4915112345678", new(false)
		c.Attributes = map[string]string{"custom:team": "engines", "nickname": "countess"}
	}
	return c
}

// config is what a strict API would use; at is its clock.
func config(use token.Use, at time.Time, keys ...*token.SigningKey) token.Config {
	return token.Config{ClientIDs: []string{"web", "app"}, Use: use, Keys: token.KeysOf(keys...), Now: func() time.Time { return at }}
}

func verifier(t testing.TB, c token.Config) *token.Verifier {
	t.Helper()
	v, err := token.NewVerifier(issuer, c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sign(t testing.TB, k *token.SigningKey, c token.Claims) string {
	t.Helper()
	text, err := k.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

var b64 = base64.RawURLEncoding

// forge signs any header and payload with the true key, as an issuer with a bug or another service
// that shares the key would.
func forge(t testing.TB, k *token.SigningKey, header, payload string) string {
	t.Helper()
	text := b64.EncodeToString([]byte(header)) + "." + b64.EncodeToString([]byte(payload))
	return text + "." + b64.EncodeToString(rawSign(t, raw(t, k), text))
}

// raw returns the secret half of a key.
func raw(t testing.TB, k *token.SigningKey) crypto.Signer {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(k.Marshal())
	if err != nil {
		t.Fatal(err)
	}
	return key.(crypto.Signer)
}

// rawSign signs text as RFC 7518 and RFC 8037 say for the kind of key.
func rawSign(t testing.TB, key crypto.Signer, text string) []byte {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	switch key := key.(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		var signature [64]byte
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature[:]
	case ed25519.PrivateKey:
		return ed25519.Sign(key, []byte(text))
	case *rsa.PrivateKey:
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	t.Fatalf("a key of type %T", key)
	return nil
}

// header returns the header of a good access token with some members changed; nil takes one out.
func header(k *token.SigningKey, change map[string]any) string {
	h := map[string]any{"alg": k.Algorithm(), "kid": k.KID(), "typ": "at+jwt"}
	return object(h, change)
}

// payload returns the payload of a token with some members changed; nil takes one out.
func payload(t testing.TB, k *token.SigningKey, c token.Claims, change map[string]any) string {
	t.Helper()
	raw, err := b64.DecodeString(strings.Split(sign(t, k, c), ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatal(err)
	}
	return object(members, change)
}

func object(members, change map[string]any) string {
	maps.Copy(members, change)
	maps.DeleteFunc(members, func(_ string, v any) bool { return v == nil })
	b, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(b)
}
