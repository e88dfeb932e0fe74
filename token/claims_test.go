package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	k, err := token.ParseSigningKey(generate(t).Marshal())
	if err != nil {
		t.Fatal(err)
	}
	published, err := token.ParseKeySet(token.JWKS(generate(t), k))
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range []token.Use{token.Access, token.ID} {
		for name, keys := range map[string]token.KeySet{"own": token.KeysOf(k), "published": published} {
			want := claims(use)
			cfg := config(use, now)
			cfg.Keys = keys
			got, err := verifier(t, cfg).Verify(t.Context(), sign(t, k, want))
			if err != nil {
				t.Fatalf("%s token, %s keys: %v", use, name, err)
			}
			want.Audience = []string{"web"}
			if use == token.Access {
				want.Audience = []string{issuer}
			}
			if !reflect.DeepEqual(*got, want) {
				t.Errorf("%s token says\n%+v, want\n%+v", use, *got, want)
			}
		}
	}
}

// The payloads are a wire format: names and types are those of RFC 9068, OpenID Connect and Cognito.
func TestPayload(t *testing.T) {
	t.Parallel()
	k := generate(t)
	want := map[token.Use]string{
		token.Access: `{"iss":"https://id.example.com","sub":"8f14e45f-ceea-467f-a6a6-aa1b2c3d4e5f","aud":"https://id.example.com",` +
			`"client_id":"web","token_use":"access","scope":"aws.cognito.signin.user.admin openid","auth_time":1795258800,` +
			`"iat":1795262400,"exp":1795263300,"jti":"j1","origin_jti":"s1","epoch":3,"amr":["pwd"],"acr":"aal1","username":"ada"}`,
		token.ID: `{"iss":"https://id.example.com","sub":"8f14e45f-ceea-467f-a6a6-aa1b2c3d4e5f","aud":"web",` +
			`"token_use":"id","auth_time":1795258800,"iat":1795262400,"exp":1795263300,"jti":"j1","origin_jti":"s1","epoch":3,` +
			`"amr":["pwd"],"acr":"aal1","cognito:username":"ada","name":"Ada \u003cL\u003e","email":"ada@example.com",` +
			`"email_verified":true,"phone_number":"+4915112345678","phone_number_verified":false,"custom:team":"engines","nickname":"countess"}`,
	}
	headers := map[token.Use]string{
		token.Access: `{"alg":"ES256","kid":"` + k.KID() + `","typ":"at+jwt"}`,
		token.ID:     `{"alg":"ES256","kid":"` + k.KID() + `","typ":"JWT"}`,
	}
	for use, want := range want {
		for range 8 { // of a map that is walked in random order
			parts := strings.Split(sign(t, k, claims(use)), ".")
			for i, want := range []string{headers[use], want} {
				if got, err := b64.DecodeString(parts[i]); err != nil || string(got) != want {
					t.Fatalf("part %d of the %s token is\n%s, want\n%s", i, use, got, want)
				}
			}
		}
	}
}

func TestTimesAreWholeSeconds(t *testing.T) {
	t.Parallel()
	k, c := generate(t), claims(token.Access)
	c.IssuedAt = now.Add(999999 * time.Microsecond)
	c.ExpiresAt = c.IssuedAt.Add(time.Minute)
	got, err := verifier(t, config(token.Access, c.IssuedAt, k)).Verify(t.Context(), sign(t, k, c))
	if err != nil || !got.IssuedAt.Equal(now) || !got.ExpiresAt.Equal(now.Add(time.Minute)) {
		t.Errorf("Verify = %+v, %v", got, err)
	}
}

// CVE class 48: an attribute that a user may write does not say what only the issuer says.
func TestCVE48_ReservedNamesWin(t *testing.T) {
	t.Parallel()
	k, c := generate(t), claims(token.ID)
	c.Attributes = map[string]string{"nickname": "countess"}
	for _, name := range []string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "acr", "amr", "auth_time", "at_hash", "scope", "client_id",
		"token_use", "origin_jti", "event_id", "username", "name", "cognito:username", "cognito:groups", "cognito:roles", "groups", "roles",
		"email", "email_verified", "phone_number_verified", "act", "may_act", "cnf", "sid", "epoch", "version", "identities", "device_key",
	} {
		c.Attributes[name] = "forged"
	}
	text := sign(t, k, c)
	raw, err := b64.DecodeString(strings.Split(text, ".")[1])
	if err != nil || strings.Contains(string(raw), "forged") {
		t.Errorf("an attribute took a reserved name: %s, %v", raw, err)
	}
	got, err := verifier(t, config(token.ID, now, k)).Verify(t.Context(), text)
	if err != nil || got.Attributes["nickname"] != "countess" || len(got.Attributes) != 1 {
		t.Errorf("Verify = %+v, %v", got, err)
	}
	c.Attributes = map[string]string{"sub": "forged"}
	if _, err := verifier(t, config(token.ID, now, k)).Verify(t.Context(), sign(t, k, c)); err != nil {
		t.Errorf("with none but reserved attributes: %v", err)
	}
}

// encoding/json, by which many programs read the claims that a library hands them, takes "SUB" for
// "sub", and of the two the last.
func TestS8_ReservedNamesWinInAnyCase(t *testing.T) {
	t.Parallel()
	k := generate(t)
	for _, name := range []string{"SUB", "Sub", "Aud", "EXP", "Scope", "Client_Id", "Email_Verified", "Cognito:Groups", "COGNITO:x", "Roles"} {
		text, value := claims(token.Access), claims(token.Access)
		text.Attributes = map[string]string{name: "forged"}
		value.Values = map[string]json.RawMessage{name: json.RawMessage(`["forged"]`)}
		for _, c := range []token.Claims{text, value} {
			raw, err := b64.DecodeString(strings.Split(sign(t, k, c), ".")[1])
			if err != nil || strings.Contains(string(raw), "forged") {
				t.Errorf("%s speaks for the issuer: %s, %v", name, raw, err)
			}
		}
		if !token.Reserved(name) {
			t.Errorf("Reserved(%q) = false", name)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	k := generate(t)
	tests := []struct {
		name   string
		change func(*token.Claims)
	}{
		{"no use", func(c *token.Claims) { c.Use = "" }},
		{"unknown use", func(c *token.Claims) { c.Use = "refresh" }},
		{"no issuer", func(c *token.Claims) { c.Issuer = "" }},
		{"no subject", func(c *token.Claims) { c.Subject = "" }},
		{"no client", func(c *token.Claims) { c.ClientID = "" }},
		{"no jti", func(c *token.Claims) { c.JTI = "" }},
		{"no session", func(c *token.Claims) { c.Session = "" }},
		{"not issued", func(c *token.Claims) { c.IssuedAt = time.Time{} }},
		{"no end", func(c *token.Claims) { c.ExpiresAt = time.Time{} }},
		{"ends as it begins", func(c *token.Claims) { c.ExpiresAt = c.IssuedAt }},
		{"year 10000", func(c *token.Claims) { c.ExpiresAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }},
		{"negative epoch", func(c *token.Claims) { c.Epoch = -1 }},
		{"proof before 1970", func(c *token.Claims) { c.AuthTime = time.Unix(-1, 0) }},
		{"two scopes in one", func(c *token.Claims) { c.Scope = []string{"openid admin"} }},
		{"empty scope", func(c *token.Claims) { c.Scope = []string{""} }},
		{"scope with a quote", func(c *token.Claims) { c.Scope = []string{`a"b`} }},
		{"name that adds members (GHSA-4cf7-xm37-g63h)", func(c *token.Claims) { c.Attributes = map[string]string{`x":1,"admin`: "true"} }},
		{"empty name", func(c *token.Claims) { c.Attributes = map[string]string{"": "x"} }},
		{"long name", func(c *token.Claims) { c.Attributes = map[string]string{strings.Repeat("a", 129): "x"} }},
		{"too large for any verifier", func(c *token.Claims) { c.Username = strings.Repeat("a", 8<<10) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := claims(token.Access)
			tt.change(&c)
			if text, err := k.Sign(c); err == nil || text != "" {
				t.Errorf("Sign made %q", text)
			}
		})
	}
}

// Who is told that a token is too long can leave something out of it.
func TestTooLong(t *testing.T) {
	t.Parallel()
	k, c := generate(t), claims(token.Access)
	c.Groups = []string{strings.Repeat("x", 8<<10)}
	if text, err := k.Sign(c); !errors.Is(err, token.ErrTooLong) || text != "" {
		t.Errorf("Sign = %.40q, %v, want ErrTooLong", text, err)
	}
	c.Groups[0] = ""
	if _, err := k.Sign(c); err == nil || errors.Is(err, token.ErrTooLong) {
		t.Errorf("Sign of a group without a name = %v, want another error", err)
	}
}

// Groups are in both kinds of token, as Cognito has them, and left out where there are none.
func TestGroups(t *testing.T) {
	t.Parallel()
	k := generate(t)
	for _, use := range []token.Use{token.Access, token.ID} {
		c := claims(use)
		if body := payload(t, k, c, nil); strings.Contains(body, "groups") {
			t.Errorf("%s token of nobody's member: %s", use, body)
		}
		c.Groups = []string{"staff", "eu west"}
		if body := payload(t, k, c, nil); !strings.Contains(body, `"cognito:groups":["staff","eu west"]`) {
			t.Errorf("%s token: %s", use, body)
		}
		c.Attributes = map[string]string{"cognito:groups": "root", "groups": "root", "cognito:roles": "root"}
		got, err := verifier(t, config(use, now, k)).Verify(t.Context(), sign(t, k, c))
		if err != nil || !reflect.DeepEqual(got.Groups, c.Groups) || len(got.Attributes) != 0 {
			t.Fatalf("%s token: %+v, %v", use, got, err)
		}
		for group, want := range map[string]bool{"staff": true, "eu west": true, "eu": false, "Staff": false, "": false, "root": false} {
			if got.InGroup(group) != want {
				t.Errorf("InGroup(%q) = %t", group, !want)
			}
		}
		c.Groups = []string{"staff", ""}
		if text, err := k.Sign(c); err == nil {
			t.Errorf("a group without a name was signed: %s", text)
		}
	}
}

// Claims that are no texts read back as they were signed, in both kinds of token, and are the
// caller's own.
func TestValuesReadBack(t *testing.T) {
	t.Parallel()
	for _, use := range []token.Use{token.Access, token.ID} {
		k, c := generate(t), claims(use)
		c.Attributes = map[string]string{"tenant": "acme", "https://example.com/plan": "free"}
		c.Values = map[string]json.RawMessage{
			"level": json.RawMessage("3"), "flags": json.RawMessage(`["a",{"b":null}]`), "nothing": json.RawMessage("null"),
			"https://example.com/roles": json.RawMessage(`{"admin":true}`), "sub": json.RawMessage("1"), "cognito:roles": json.RawMessage("[]"),
		}
		text, v := sign(t, k, c), verifier(t, config(use, now, k))
		delete(c.Values, "sub")
		delete(c.Values, "cognito:roles")
		for range 2 { // the second time from memory
			got, err := v.Verify(t.Context(), text)
			if err != nil || !reflect.DeepEqual(got.Values, c.Values) || !reflect.DeepEqual(got.Attributes, c.Attributes) {
				t.Fatalf("Verify = %+v, %v, want %v", got, err, c.Values)
			}
			got.Values["level"][0], got.Values["more"] = '9', json.RawMessage("1")
		}
	}
}

func TestStrangeNamesAreLeftOut(t *testing.T) {
	t.Parallel()
	k := generate(t)
	for _, name := range []string{"use[name", "", "a b", "naïve", `q\"`} {
		body := payload(t, k, claims(token.Access), nil)
		for _, value := range []string{`"ada"`, `[1]`} {
			more := fmt.Sprintf(`{"%s":%s,`, name, value) + body[1:]
			c, err := verifier(t, config(token.Access, now, k)).Verify(t.Context(), forge(t, k, header(k, nil), more))
			if err != nil || len(c.Attributes)+len(c.Values) != 0 {
				t.Errorf("Verify of %s = %+v, %v", more, c, err)
			}
		}
	}
}

func TestSignRefusesValues(t *testing.T) {
	t.Parallel()
	k := generate(t)
	for name, value := range map[string]string{
		"empty": "", "a text": `"text"`, "text after blanks": ` "text"`, "no JSON": "{", "two values": "1,2", "an escape": `1,"sub":"root"`,
		"twice a member": `{"a":1,"a":2}`, "twice, deep": `[{"a":{"b":1,"b":2}}]`, "not UTF-8": "[\"\xff\"]", "closing": "1}", "bare word": "root",
		"1 MB": "[" + strings.Repeat("1,", 1<<19) + "1]",
	} {
		c := claims(token.Access)
		c.Values = map[string]json.RawMessage{"x": json.RawMessage(value)}
		if text, err := k.Sign(c); err == nil {
			t.Errorf("%s: signed %s", name, text)
		}
	}
	for name, change := range map[string]func(*token.Claims){
		"both":     func(c *token.Claims) { c.Attributes = map[string]string{"x": "1"} },
		"bad name": func(c *token.Claims) { c.Values[`y":1,"z`] = json.RawMessage("1") },
	} {
		c := claims(token.ID)
		c.Values = map[string]json.RawMessage{"x": json.RawMessage("1")}
		change(&c)
		if _, err := k.Sign(c); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}
