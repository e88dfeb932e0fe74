package token_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

// Forms of a token that some verifier somewhere took. Numbers are classes of published holes: 25
// audience unchecked, 26 times unchecked, 27 errors misread, 28 truncated, 29 resource bombs, 30
// signature bypass.
func TestHostileForms(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	good := sign(t, k, claims(token.Access))
	for !strings.ContainsAny(good, "-_") {
		good = sign(t, k, claims(token.Access))
	}
	parts := strings.Split(good, ".")
	body := payload(t, k, claims(token.Access), nil)
	hs256 := func(secret []byte) string {
		text := b64.EncodeToString([]byte(header(k, map[string]any{"alg": "HS256"}))) + "." + parts[1]
		h := hmac.New(sha256.New, secret)
		h.Write([]byte(text))
		return text + "." + b64.EncodeToString(h.Sum(nil))
	}
	with := func(change map[string]any) string { return forge(t, k, header(k, change), body) }
	spare := []byte(parts[2])
	spare[85]++ // A, Q, g or w: the low four bits of the last letter mean nothing
	tests := []struct{ name, text string }{
		{"empty", ""},
		{"dots", ".."},
		{"a word", "token"},
		{"two parts", parts[0] + "." + parts[1]},
		{"no signature (25 none)", parts[0] + "." + parts[1] + "."},
		{"no payload", parts[0] + ".." + parts[2]},
		{"no header", "." + parts[1] + "." + parts[2]},
		{"four parts", good + "." + parts[2]},
		{"five parts, as a JWE", "a.b." + good},
		{"none", b64.EncodeToString([]byte(header(k, map[string]any{"alg": "none"}))) + "." + parts[1] + "."},
		{"none with a signature", with(map[string]any{"alg": "none"})},
		{"NONE", with(map[string]any{"alg": "NONE"})},
		{"30 HS256 under the published key set", hs256(token.JWKS(k))},
		{"30 HS256 under the key id", hs256([]byte(k.KID()))},
		{"30 HS256 under nothing", hs256(nil)},
		{"30 another algorithm", with(map[string]any{"alg": "ES384"})},
		{"30 RS256", with(map[string]any{"alg": "RS256"})},
		{"algorithm in lower case", with(map[string]any{"alg": "es256"})},
		{"no algorithm", with(map[string]any{"alg": nil})},
		{"algorithm a list", with(map[string]any{"alg": []string{"ES256"}})},
		{"no kid", with(map[string]any{"kid": nil})},
		{"empty kid", with(map[string]any{"kid": ""})},
		{"kid a number", with(map[string]any{"kid": 1})},
		{"unknown kid", with(map[string]any{"kid": "x"})},
		{"kid a path", with(map[string]any{"kid": "../../dev/null"})},
		{"long kid", with(map[string]any{"kid": strings.Repeat("k", 300)})},
		{"kid of another key", forge(t, other, header(k, nil), body)},
		{"key of another issuer", sign(t, other, claims(token.Access))},
		{"crit", with(map[string]any{"crit": []string{"exp"}})},
		{"empty crit", with(map[string]any{"crit": []string{}})},
		{"b64", with(map[string]any{"b64": false})},
		{"jku", with(map[string]any{"jku": "https://evil.example/jwks"})},
		{"jwk", with(map[string]any{"jwk": map[string]any{"kty": "EC"}})},
		{"x5u", with(map[string]any{"x5u": "https://evil.example/cert"})},
		{"x5c", with(map[string]any{"x5c": []string{"MII"}})},
		{"29 zip", with(map[string]any{"zip": "DEF"})},
		{"cty", with(map[string]any{"cty": "JWT"})},
		{"typ of an ID token", with(map[string]any{"typ": "JWT"})},
		{"typ in capitals", with(map[string]any{"typ": "AT+JWT"})},
		{"typ in full", with(map[string]any{"typ": "application/at+jwt"})},
		{"typ of a logout token", with(map[string]any{"typ": "logout+jwt"})},
		{"no typ", with(map[string]any{"typ": nil})},
		{"header twice", forge(t, k, `{"alg":"none",`+header(k, nil)[1:], body)},
		{"header in capitals too", forge(t, k, `{"ALG":"none",`+header(k, nil)[1:], body)},
		{"header a list", forge(t, k, "["+header(k, nil)+"]", body)},
		{"header with a blank behind", forge(t, k, header(k, nil)+" ", body)},
		{"blank in front", " " + good},
		{"blank behind", good + " "},
		{"line break behind", good + "\n"},
		{"line break inside", good[:40] + "\n" + good[40:]},
		{"carriage return inside", good[:40] + "\r\n" + good[40:]},
		{"NUL behind", good + "\x00"},
		{"padding", good + "="},
		{"padded signature", good + "=="},
		{"standard base64", strings.NewReplacer("-", "+", "_", "/").Replace(good)},
		{"spare bits of the signature", parts[0] + "." + parts[1] + "." + string(spare)},
		{"Bearer in front", "Bearer " + good},
		{"payload of another token", parts[0] + "." + strings.Split(sign(t, k, changed(token.Access)), ".")[1] + "." + parts[2]},
		{"signature in DER", parts[0] + "." + parts[1] + "." + b64.EncodeToString([]byte{0x30, 6, 2, 1, 1, 2, 1, 1})},
		{"signature of zeros (psychic)", parts[0] + "." + parts[1] + "." + b64.EncodeToString(make([]byte, 64))},
		{"short signature", parts[0] + "." + parts[1] + "." + parts[2][:84]},
		{"long signature", parts[0] + "." + parts[1] + "." + parts[2] + "AAAA"},
		{"30 flattened JSON", `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] + `"}`},
		{"30 flattened JSON with claims grafted on", `{"protected":"` + parts[0] + `","payload":"` + parts[1] + `","signature":"` + parts[2] +
			`","sub":"admin","iss":"` + issuer + `","aud":"web","exp":9999999999}`},
		{"30 general JSON, many signatures", `{"payload":"` + parts[1] + `","signatures":[{"protected":"` + parts[0] + `","signature":"` + parts[2] + `"}]}`},
		{"JWS in a JWS", forge(t, k, header(k, nil), good)},
		{"29 a megabyte", good + strings.Repeat("A", 1<<20)},
		{"29 a megabyte of dots", strings.Repeat(".", 1<<20)},
		{"29 a megabyte of header", strings.Repeat("A", 1<<20) + "." + parts[1] + "." + parts[2]},
	}
	v := verifier(t, config(token.Access, now, k))
	if _, err := v.Verify(t.Context(), good); err != nil {
		t.Fatalf("the good token: %v", err)
	}
	if _, err := v.Verify(t.Context(), forge(t, k, header(k, nil), body)); err != nil {
		t.Fatalf("a good token made by hand: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if c, err := v.Verify(t.Context(), tt.text); !errors.Is(err, token.ErrInvalid) || c != nil {
				t.Errorf("Verify(%.80q) = %+v, %v, want ErrInvalid", tt.text, c, err)
			}
		})
	}
}

func changed(use token.Use) token.Claims {
	c := claims(use)
	c.Subject = "eve"
	return c
}

// Class 28, and every single letter of a token decides.
func TestTruncatedAndFlipped(t *testing.T) {
	t.Parallel()
	for _, alg := range algorithms {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			k := generateFor(t, alg)
			v, good := verifier(t, config(token.Access, now, k)), sign(t, k, claims(token.Access))
			if _, err := v.Verify(t.Context(), good); err != nil {
				t.Fatal(err) // and now it is one that was seen
			}
			for i := range good {
				for _, bad := range []string{good[:i], good[i+1:], good[:i] + good[i+1:]} {
					if _, err := v.Verify(t.Context(), bad); !errors.Is(err, token.ErrInvalid) {
						t.Errorf("cut at %d: %v, want ErrInvalid", i, err)
					}
				}
				b := []byte(good)
				b[i] ^= 1
				if _, err := v.Verify(t.Context(), string(b)); !errors.Is(err, token.ErrInvalid) {
					t.Errorf("flipped at %d: %v, want ErrInvalid", i, err)
				}
			}
		})
	}
}

// Well signed, and still not what a verifier takes.
func TestHostileClaims(t *testing.T) {
	t.Parallel()
	k := generate(t)
	unix := now.Unix()
	tests := []struct {
		name   string
		change map[string]any // to the payload of a good access token
		want   error          // nil means that it is good
	}{
		{"as it is", nil, nil},
		{"further claim", map[string]any{"event_id": "x"}, nil},
		{"resource bound to this API's client", map[string]any{"aud": []string{"other", "web"}}, nil},
		{"an actor", map[string]any{"act": map[string]any{"sub": "root"}}, nil},
		{"an actor who is a text", map[string]any{"act": "root"}, token.ErrInvalid},
		{"an actor who is a list", map[string]any{"act": []string{"root"}}, token.ErrInvalid},
		{"an actor who is a bool", map[string]any{"act": true}, token.ErrInvalid},
		{"an actor who is empty", map[string]any{"act": map[string]any{}}, token.ErrInvalid},
		{"an actor without a name", map[string]any{"act": map[string]any{"sub": ""}}, token.ErrInvalid},
		{"an actor of a number", map[string]any{"act": map[string]any{"sub": 1}}, token.ErrInvalid},
		{"an actor in capitals", map[string]any{"act": map[string]any{"SUB": "root"}}, token.ErrInvalid},
		{"an actor for an actor", map[string]any{"act": map[string]any{"sub": "root", "act": map[string]any{"sub": "eve"}}}, token.ErrInvalid},
		{"other issuer", map[string]any{"iss": "https://evil.example.com"}, token.ErrInvalid},
		{"issuer with a slash", map[string]any{"iss": issuer + "/"}, token.ErrInvalid},
		{"issuer in capitals", map[string]any{"iss": strings.ToUpper(issuer)}, token.ErrInvalid},
		{"issuer a list", map[string]any{"iss": []string{issuer}}, token.ErrInvalid},
		{"no issuer", map[string]any{"iss": nil}, token.ErrInvalid},
		{"25 other audience", map[string]any{"aud": "other"}, token.ErrInvalid},
		{"25 no audience", map[string]any{"aud": nil}, token.ErrInvalid},
		{"25 empty audience", map[string]any{"aud": ""}, token.ErrInvalid},
		{"25 no audience in the list", map[string]any{"aud": []string{}}, token.ErrInvalid},
		{"25 empty audience in the list", map[string]any{"aud": []string{"", "web"}}, token.ErrInvalid},
		{"audience a number", map[string]any{"aud": 1}, token.ErrInvalid},
		{"audience with a null", map[string]any{"aud": []any{nil, "web"}}, token.ErrInvalid},
		{"audience an object", map[string]any{"aud": map[string]any{"web": true}}, token.ErrInvalid},
		{"25 other client", map[string]any{"client_id": "other"}, token.ErrInvalid},
		{"client in capitals", map[string]any{"client_id": "WEB"}, token.ErrInvalid},
		{"25 no client", map[string]any{"client_id": nil}, token.ErrInvalid},
		{"no token_use", map[string]any{"token_use": nil}, token.ErrInvalid},
		{"token_use of an ID token", map[string]any{"token_use": "id"}, token.ErrInvalid},
		{"unknown token_use", map[string]any{"token_use": "refresh"}, token.ErrInvalid},
		{"23 no subject", map[string]any{"sub": nil}, token.ErrInvalid},
		{"23 empty subject", map[string]any{"sub": ""}, token.ErrInvalid},
		{"subject a number", map[string]any{"sub": 1}, token.ErrInvalid},
		{"subject an object", map[string]any{"sub": map[string]any{}}, token.ErrInvalid},
		{"no session", map[string]any{"origin_jti": nil}, token.ErrInvalid},
		{"no jti", map[string]any{"jti": nil}, token.ErrInvalid},
		{"26 no exp", map[string]any{"exp": nil}, token.ErrInvalid},
		{"26 exp a text", map[string]any{"exp": "9999999999"}, token.ErrInvalid},
		{"26 exp with a fraction", map[string]any{"exp": float64(unix) + 900.5}, token.ErrInvalid},
		{"26 exp zero", map[string]any{"exp": 0}, token.ErrInvalid},
		{"26 exp negative", map[string]any{"exp": -1}, token.ErrInvalid},
		{"26 exp far beyond time", map[string]any{"exp": int64(1) << 62}, token.ErrInvalid},
		{"26 exp true", map[string]any{"exp": true}, token.ErrInvalid},
		{"26 exp a list", map[string]any{"exp": []int64{unix + 900}}, token.ErrInvalid},
		{"26 exp in milliseconds", map[string]any{"exp": (unix + 900) * 1000}, token.ErrInvalid},
		{"26 no iat", map[string]any{"iat": nil}, token.ErrInvalid},
		{"26 iat a text", map[string]any{"iat": "1"}, token.ErrInvalid},
		{"26 iat one second ahead", map[string]any{"iat": unix + 1}, token.ErrInvalid},
		{"26 iat after exp", map[string]any{"iat": unix - 1, "exp": unix - 2}, token.ErrInvalid},
		{"auth_time a text", map[string]any{"auth_time": "1"}, token.ErrInvalid},
		{"epoch a text", map[string]any{"epoch": "1"}, token.ErrInvalid},
		{"nbf", map[string]any{"nbf": unix + 100}, token.ErrInvalid},
		{"bound to a key", map[string]any{"cnf": map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, token.ErrInvalid},
		{"groups", map[string]any{"cognito:groups": []string{"staff"}}, nil},
		{"groups a text", map[string]any{"cognito:groups": "staff"}, token.ErrInvalid},
		{"groups with a null", map[string]any{"cognito:groups": []any{nil, "staff"}}, token.ErrInvalid},
		{"groups with a number", map[string]any{"cognito:groups": []any{1}}, token.ErrInvalid},
		{"groups with an empty name", map[string]any{"cognito:groups": []string{""}}, token.ErrInvalid},
		{"groups an object", map[string]any{"cognito:groups": map[string]any{"staff": true}}, token.ErrInvalid},
		{"scope a list", map[string]any{"scope": []string{"admin"}}, token.ErrInvalid},
		{"scope with two blanks", map[string]any{"scope": "a  b"}, token.ErrInvalid},
		{"amr a text", map[string]any{"amr": "mfa"}, token.ErrInvalid},
		{"amr with a null", map[string]any{"amr": []any{nil}}, token.ErrInvalid},
		{"acr a number", map[string]any{"acr": 2}, token.ErrInvalid},
		{"expired", map[string]any{"iat": unix - 2, "exp": unix - 1}, token.ErrExpired},
		{"ends now", map[string]any{"iat": unix - 1, "exp": unix}, token.ErrExpired},
		{"27 expired and of another issuer", map[string]any{"iss": "x", "iat": unix - 2, "exp": unix - 1}, token.ErrInvalid},
		{"27 expired and of another client", map[string]any{"client_id": "x", "iat": unix - 2, "exp": unix - 1}, token.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := forge(t, k, header(k, nil), payload(t, k, claims(token.Access), tt.change))
			c, err := verifier(t, config(token.Access, now, k)).Verify(t.Context(), text)
			if !errors.Is(err, tt.want) || (err == nil) != (c != nil) {
				t.Errorf("Verify = %+v, %v, want %v", c, err, tt.want)
			}
		})
	}
}

// Payloads that two parsers would read differently.
func TestHostileJSON(t *testing.T) {
	t.Parallel()
	k := generate(t)
	good := payload(t, k, claims(token.Access), nil)
	for name, body := range map[string]string{
		"subject twice":             `{"sub":"admin",` + good[1:],
		"subject twice, escaped":    `{"\u0073ub":"admin",` + good[1:],
		"exp twice":                 good[:len(good)-1] + `,"exp":9999999999}`,
		"twice inside":              `{"x":{"a":1,"a":2},` + good[1:],
		"exp with an exponent":      strings.Replace(good, `"exp":1795263300`, `"exp":1.7952633e9`, 1),
		"exp as a whole fraction":   strings.Replace(good, `"exp":1795263300`, `"exp":1795263300.0`, 1),
		"exp in capitals alone":     strings.Replace(good, `"exp"`, `"EXP"`, 1),
		"subject in capitals alone": strings.Replace(good, `"sub"`, `"Sub"`, 1),
		"a list":                    "[" + good + "]",
		"a text":                    `"` + "x" + `"`,
		"null":                      "null",
		"empty object":              "{}",
		"blank in front":            " " + good,
		"two objects":               good + good,
		"invalid UTF-8":             `{"x":"` + "\xff" + `",` + good[1:],
		"cut off":                   good[:len(good)-1],
		"not JSON":                  "sub=admin",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := verifier(t, config(token.Access, now, k)).Verify(t.Context(), forge(t, k, header(k, nil), body))
			if !errors.Is(err, token.ErrInvalid) {
				t.Errorf("Verify = %+v, %v, want ErrInvalid", c, err)
			}
		})
	}
	capital := `{"SUB":"admin","Exp":1,` + good[1:] // other names, and so other claims
	if c, err := verifier(t, config(token.Access, now, k)).Verify(t.Context(), forge(t, k, header(k, nil), capital)); err != nil || c.Subject == "admin" {
		t.Errorf("with other claims in capitals: %+v, %v", c, err)
	}
}

func TestUsesAreApart(t *testing.T) {
	t.Parallel()
	k := generate(t)
	access, id := verifier(t, config(token.Access, now, k)), verifier(t, config(token.ID, now, k))
	idHeader := header(k, map[string]any{"typ": "JWT"})
	for name, tt := range map[string]struct {
		v    *token.Verifier
		text string
	}{
		"ID token as access token":               {access, sign(t, k, claims(token.ID))},
		"ID token under the other typ":           {access, forge(t, k, header(k, nil), payload(t, k, claims(token.ID), nil))},
		"access token as ID token":               {id, sign(t, k, claims(token.Access))},
		"access token under the other typ":       {id, forge(t, k, idHeader, payload(t, k, claims(token.Access), nil))},
		"access token that says it is one":       {id, forge(t, k, idHeader, payload(t, k, claims(token.Access), map[string]any{"token_use": "id"}))},
		"ID token for two":                       {id, forge(t, k, idHeader, payload(t, k, claims(token.ID), map[string]any{"aud": []string{"web", "app"}}))},
		"ID token of another client":             {id, forge(t, k, idHeader, payload(t, k, claims(token.ID), map[string]any{"aud": "other"}))},
		"ID token for the issuer":                {id, forge(t, k, idHeader, payload(t, k, claims(token.ID), map[string]any{"aud": issuer}))},
		"ID token that names a client otherwise": {id, forge(t, k, idHeader, payload(t, k, claims(token.ID), map[string]any{"aud": "other", "client_id": "web", "azp": "web"}))},
	} {
		if c, err := tt.v.Verify(t.Context(), tt.text); !errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: Verify = %+v, %v, want ErrInvalid", name, c, err)
		}
	}
}

// Class 22: only true means verified.
func TestVerifiedAddresses(t *testing.T) {
	t.Parallel()
	k := generate(t)
	for _, tt := range []struct {
		name    string
		value   any // nil: absent
		want    *bool
		refused bool
	}{
		{"true", true, new(true), false},
		{"false", false, new(false), false},
		{"absent", nil, nil, false},
		{"text true", "true", nil, true},
		{"text false", "false", nil, true},
		{"one", 1, nil, true},
		{"list", []bool{true}, nil, true},
		{"empty text", "", nil, true},
	} {
		text := forge(t, k, header(k, map[string]any{"typ": "JWT"}), payload(t, k, claims(token.ID), map[string]any{"email_verified": tt.value}))
		c, err := verifier(t, config(token.ID, now, k)).Verify(t.Context(), text)
		if (err != nil) != tt.refused || err == nil && !reflect.DeepEqual(c.EmailVerified, tt.want) {
			t.Errorf("%s: Verify = %+v, %v, want %v", tt.name, c, err, tt.want)
		}
		text = forge(t, k, header(k, map[string]any{"typ": "JWT"}), payload(t, k, claims(token.ID), map[string]any{"phone_number_verified": tt.value}))
		c, err = verifier(t, config(token.ID, now, k)).Verify(t.Context(), text)
		if (err != nil) != tt.refused || err == nil && !reflect.DeepEqual(c.PhoneVerified, tt.want) {
			t.Errorf("phone number, %s: Verify = %+v, %v, want %v", tt.name, c, err, tt.want)
		}
	}
	null := strings.Replace(payload(t, k, claims(token.ID), nil), `"email_verified":true`, `"email_verified":null`, 1)
	if c, err := verifier(t, config(token.ID, now, k)).Verify(t.Context(), forge(t, k, header(k, map[string]any{"typ": "JWT"}), null)); err == nil {
		t.Errorf("null: Verify = %+v", c)
	}
	c := claims(token.ID)
	c.Email, c.PhoneNumber = "", ""
	c.Attributes = map[string]string{"phone_number": "+4915100000000", "email": "eve@example.com", "phone_number_verified": "true"}
	got, err := verifier(t, config(token.ID, now, k)).Verify(t.Context(), sign(t, k, c))
	if err != nil || got.EmailVerified != nil || got.PhoneVerified != nil || got.PhoneNumber != "" || len(got.Attributes) > 0 {
		t.Errorf("without an email: %+v, %v", got, err)
	}
}

func TestS14_NoLeeway(t *testing.T) {
	t.Parallel()
	k := generate(t)
	text := sign(t, k, claims(token.Access))
	exp := now.Add(15 * time.Minute)
	for _, tt := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"as it is issued", now, nil},
		{"a microsecond before it is issued", now.Add(-time.Microsecond), token.ErrInvalid},
		{"a microsecond before its end", exp.Add(-time.Microsecond), nil},
		{"at its end", exp, token.ErrExpired},
		{"a microsecond after its end", exp.Add(time.Microsecond), token.ErrExpired},
	} {
		if _, err := verifier(t, config(token.Access, tt.at, k)).Verify(t.Context(), text); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	// Class 27: that a forgery is old does not make it genuine.
	forged := text[:len(text)-4] + "AAAA"
	if _, err := verifier(t, config(token.Access, exp, k)).Verify(t.Context(), forged); !errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		t.Errorf("expired with a bad signature: %v, want ErrInvalid alone", err)
	}
}

// Who says that the issuer's clock is another's is taken at their word, for a minute at most.
func TestS14_Leeway(t *testing.T) {
	t.Parallel()
	k := generate(t)
	text := sign(t, k, claims(token.Access))
	exp := now.Add(15 * time.Minute)
	for _, tt := range []struct {
		name   string
		leeway time.Duration
		at     time.Time
		want   error
	}{
		{"issued in a minute", token.MaxLeeway, now.Add(-time.Minute), nil},
		{"issued in more", token.MaxLeeway, now.Add(-time.Minute - 1), token.ErrInvalid},
		{"issued in 5 s of 10", 10 * time.Second, now.Add(-5 * time.Second), nil},
		{"issued in 11 s of 10", 10 * time.Second, now.Add(-11 * time.Second), token.ErrInvalid},
		{"over since almost a minute", token.MaxLeeway, exp.Add(time.Minute - 1), nil},
		{"over since a minute", token.MaxLeeway, exp.Add(time.Minute), token.ErrExpired},
	} {
		cfg := config(token.Access, tt.at, k)
		cfg.Leeway = tt.leeway
		if _, err := verifier(t, cfg).Verify(t.Context(), text); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A token of a process whose clock is ahead is taken, and lives no longer by that.
func TestS14_Early(t *testing.T) {
	t.Parallel()
	k := generate(t)
	text := sign(t, k, claims(token.Access))
	exp := now.Add(15 * time.Minute)
	for _, tt := range []struct {
		name          string
		leeway, early time.Duration
		at            time.Time
		want          error
	}{
		{"issued in 10 s of 10", 0, 10 * time.Second, now.Add(-10 * time.Second), nil},
		{"issued in more", 0, 10 * time.Second, now.Add(-10*time.Second - 1), token.ErrInvalid},
		{"issued in 10 s, with a shorter leeway", time.Second, 10 * time.Second, now.Add(-10 * time.Second), nil},
		{"issued in 10 s, with a longer leeway", 10 * time.Second, time.Second, now.Add(-10 * time.Second), nil},
		{"at its end", 0, token.MaxLeeway, exp, token.ErrExpired},
		{"at its end, with a leeway", time.Second, token.MaxLeeway, exp.Add(time.Second), token.ErrExpired},
	} {
		cfg := config(token.Access, tt.at, k)
		cfg.Leeway, cfg.Early = tt.leeway, tt.early
		if _, err := verifier(t, cfg).Verify(t.Context(), text); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestT3_Revoked(t *testing.T) {
	t.Parallel()
	k := generate(t)
	cfg := config(token.Access, now, k)
	var asked []token.Claims
	cfg.Revoked = func(c token.Claims) bool {
		asked = append(asked, c)
		return c.Session == "s1"
	}
	v := verifier(t, cfg)
	if _, err := v.Verify(t.Context(), sign(t, k, claims(token.Access))); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("Verify = %v, want ErrRevoked", err)
	}
	live := claims(token.Access)
	live.Session = "s2"
	if _, err := v.Verify(t.Context(), sign(t, k, live)); err != nil {
		t.Errorf("Verify of a live session = %v", err)
	}
	if len(asked) != 2 || asked[0].Epoch != 3 || asked[0].Subject == "" {
		t.Errorf("Revoked was asked about %+v", asked)
	}
	live.IssuedAt, live.ExpiresAt = now.Add(-2*time.Hour), now.Add(-time.Hour)
	if _, err := v.Verify(t.Context(), sign(t, k, live)); !errors.Is(err, token.ErrExpired) || len(asked) != 2 {
		t.Errorf("Verify of an expired one = %v, asked %d times", err, len(asked))
	}
}

func TestS7_VerifierRefusesToBeBuilt(t *testing.T) {
	t.Parallel()
	keys := token.KeysOf(generate(t))
	for name, tt := range map[string]struct {
		issuer string
		config token.Config
		want   []string
	}{
		"no issuer":       {"", token.Config{ClientIDs: []string{"web"}, Use: token.Access, Keys: keys}, []string{"issuer"}},
		"no clients":      {issuer, token.Config{Use: token.Access, Keys: keys}, []string{"ClientIDs"}},
		"empty client":    {issuer, token.Config{ClientIDs: []string{"web", ""}, Use: token.Access, Keys: keys}, []string{"ClientIDs"}},
		"no use":          {issuer, token.Config{ClientIDs: []string{"web"}, Keys: keys}, []string{"Use"}},
		"unknown use":     {issuer, token.Config{ClientIDs: []string{"web"}, Use: "any", Keys: keys}, []string{"Use"}},
		"no keys":         {issuer, token.Config{ClientIDs: []string{"web"}, Use: token.Access}, []string{"Keys"}},
		"negative leeway": {issuer, token.Config{ClientIDs: []string{"web"}, Use: token.Access, Keys: keys, Leeway: -1}, []string{"Leeway"}},
		"negative early":  {issuer, token.Config{ClientIDs: []string{"web"}, Use: token.Access, Keys: keys, Early: -1}, []string{"Early"}},
		"long early":      {issuer, token.Config{ClientIDs: []string{"web"}, Use: token.Access, Keys: keys, Early: token.MaxLeeway + 1}, []string{"Early"}},
		"long leeway":     {issuer, token.Config{ClientIDs: []string{"web"}, Use: token.Access, Keys: keys, Leeway: token.MaxLeeway + 1}, []string{"Leeway"}},
		"nothing":         {"", token.Config{}, []string{"issuer", "ClientIDs", "Use", "Keys"}},
	} {
		v, err := token.NewVerifier(tt.issuer, tt.config)
		if err == nil || v != nil {
			t.Errorf("%s: NewVerifier = %v, %v", name, v, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q does not name %s", name, err, want)
			}
		}
	}
}

type brokenKeys struct{ err error }

func (b brokenKeys) Key(context.Context, string) (token.PublicKey, error) {
	return token.PublicKey{}, b.err
}

// That keys could not be had says nothing about a token.
func TestKeySetFails(t *testing.T) {
	t.Parallel()
	k, down := generate(t), errors.New("store is down")
	cfg := config(token.Access, now)
	cfg.Keys = brokenKeys{down}
	if _, err := verifier(t, cfg).Verify(t.Context(), sign(t, k, claims(token.Access))); !errors.Is(err, down) || errors.Is(err, token.ErrInvalid) {
		t.Errorf("Verify = %v, want the key set's error alone", err)
	}
	cfg.Keys = brokenKeys{} // answers with the zero key
	if c, err := verifier(t, cfg).Verify(t.Context(), sign(t, k, claims(token.Access))); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("Verify under the zero key = %+v, %v, want ErrInvalid", c, err)
	}
}

func FuzzVerify(f *testing.F) {
	var keys []*token.SigningKey
	signed := map[string]bool{}
	for _, alg := range algorithms {
		k := generateFor(f, alg)
		text := sign(f, k, claims(token.Access))
		keys, signed[text] = append(keys, k), true
		f.Add(text)
	}
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	v := verifier(f, config(token.Access, now, keys...))
	f.Fuzz(func(t *testing.T, text string) {
		_, err := v.Verify(t.Context(), text)
		if (err == nil) != signed[text] || err != nil && !errors.Is(err, token.ErrInvalid) {
			t.Errorf("Verify(%q) = %v", text, err)
		}
	})
}

// FuzzPayload signs what it is given: whatever is taken reads back as what was written.
func FuzzPayload(f *testing.F) {
	k := generate(f)
	f.Add(payload(f, k, claims(token.Access), nil))
	f.Add(`{"exp":1e9}`)
	f.Fuzz(func(t *testing.T, body string) {
		v := verifier(t, config(token.Access, now, k))
		c, err := v.Verify(t.Context(), forge(t, k, header(k, nil), body))
		if err != nil {
			if !errors.Is(err, token.ErrInvalid) && !errors.Is(err, token.ErrExpired) {
				t.Errorf("Verify of %q: untyped error %v", body, err)
			}
			return
		}
		if c.Issuer != issuer || c.ClientID != "web" && c.ClientID != "app" || !c.ExpiresAt.After(now) {
			t.Errorf("Verify of %q = %+v", body, c)
		}
		if _, err := v.Verify(t.Context(), sign(t, k, *c)); err != nil {
			t.Errorf("what %q says does not verify again: %v", body, err)
		}
	})
}
