package token_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/token"
)

func TestKeySet(t *testing.T) {
	t.Parallel()
	a, b := generate(t), generate(t)
	jwks := token.JWKS(a, b)
	if strings.Contains(string(jwks), `"d"`) {
		t.Errorf("the published set holds a private key: %s", jwks)
	}
	parsed, err := token.ParseKeySet(jwks)
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]token.KeySet{"own": token.KeysOf(a, b), "published": parsed} {
		for _, kid := range []string{a.KID(), b.KID()} {
			if _, err := set.Key(t.Context(), kid); err != nil {
				t.Errorf("%s key %s: %v", name, kid, err)
			}
		}
		for _, kid := range []string{"", "x", a.KID()[1:], strings.ToLower(a.KID())} {
			if _, err := set.Key(t.Context(), kid); !errors.Is(err, token.ErrNoKey) {
				t.Errorf("%s key %q: %v, want ErrNoKey", name, kid, err)
			}
		}
	}
}

func TestParseKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, jwks := range []string{"", "{}", "[]", `{"keys":[]}`, `{"keys":[{"kty":"oct","kid":"a","k":"c2VjcmV0"}]}`, "<html>"} {
		if _, err := token.ParseKeySet([]byte(jwks)); err == nil {
			t.Errorf("ParseKeySet(%q) = nil", jwks)
		}
	}
	for _, b := range []string{"", "x", "-----BEGIN PRIVATE KEY-----"} {
		if _, err := token.ParseSigningKey([]byte(b)); err == nil {
			t.Errorf("ParseSigningKey(%q) = nil", b)
		}
	}
}

func FuzzParseKeySet(f *testing.F) {
	f.Add(token.JWKS(generate(f)))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"AA","y":"AA"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if set, err := token.ParseKeySet(b); (set == nil) != (err != nil) {
			t.Errorf("ParseKeySet(%q) = %v, %v", b, set, err)
		}
	})
}
