package token_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/token"
)

// hello answers with the subject of a request.
var hello = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	c, ok := token.FromContext(r.Context())
	if !ok {
		http.Error(w, "nobody", http.StatusTeapot)
		return
	}
	w.Write([]byte(c.Subject))
})

func serveOnce(h http.Handler, authorization ...string) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	r.Header["Authorization"] = authorization
	h.ServeHTTP(w, r)
	return w
}

// RFC 6750, section 3. All that is wrong with a token looks the same.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	k, other := generate(t), generate(t)
	good := sign(t, k, claims(token.Access))
	change := func(f func(*token.Claims)) string {
		c := claims(token.Access)
		f(&c)
		return sign(t, k, c)
	}
	cfg := config(token.Access, now, k)
	cfg.Revoked = func(c token.Claims) bool { return c.Session == "gone" }
	h := verifier(t, cfg).Middleware(hello)
	const (
		invalid   = `Bearer error="invalid_token"`
		malformed = `Bearer error="invalid_request"`
	)
	tests := []struct {
		name      string
		headers   []string
		status    int
		challenge string
	}{
		{"good", []string{"Bearer " + good}, 200, ""},
		{"scheme in lower case", []string{"bearer " + good}, 200, ""},
		{"scheme in capitals", []string{"BEARER " + good}, 200, ""},
		{"two blanks", []string{"Bearer  " + good}, 200, ""},
		{"none", nil, 401, "Bearer"},
		{"empty", []string{""}, 401, "Bearer"},
		{"another scheme", []string{"Basic YTpi"}, 401, "Bearer"},
		{"another scheme with our token", []string{"Token " + good}, 401, "Bearer"},
		{"a bound token's scheme", []string{"DPoP " + good}, 401, "Bearer"},
		{"token alone", []string{good}, 401, "Bearer"},
		{"a blank in front", []string{" Bearer " + good}, 401, "Bearer"},
		{"a colon", []string{"Bearer: " + good}, 401, "Bearer"},
		{"scheme alone", []string{"Bearer"}, 400, malformed},
		{"scheme and a blank", []string{"Bearer "}, 400, malformed},
		{"two headers", []string{"Bearer " + good, "Bearer " + good}, 400, malformed},
		{"two headers, one empty", []string{"", "Bearer " + good}, 400, malformed},
		{"two in one header", []string{"Bearer " + good + ", Bearer " + good}, 400, malformed},
		{"two tokens", []string{"Bearer " + good + " " + good}, 400, malformed},
		{"a blank behind", []string{"Bearer " + good + " "}, 400, malformed},
		{"a tab for a blank", []string{"Bearer\t" + good}, 401, "Bearer"},
		{"garbage", []string{"Bearer x"}, 401, invalid},
		{"a line break", []string{"Bearer " + good + "\n"}, 401, invalid},
		{"expired", []string{"Bearer " + change(func(c *token.Claims) { c.IssuedAt, c.ExpiresAt = now.Add(-2*time.Hour), now.Add(-time.Hour) })}, 401, invalid},
		{"revoked", []string{"Bearer " + change(func(c *token.Claims) { c.Session = "gone" })}, 401, invalid},
		{"of another issuer", []string{"Bearer " + change(func(c *token.Claims) { c.Issuer = "https://evil.example.com" })}, 401, invalid},
		{"25 of another client", []string{"Bearer " + change(func(c *token.Claims) { c.ClientID = "other" })}, 401, invalid},
		{"of another key", []string{"Bearer " + sign(t, other, claims(token.Access))}, 401, invalid},
		{"65 ID token", []string{"Bearer " + sign(t, k, claims(token.ID))}, 401, invalid},
		{"29 a megabyte", []string{"Bearer " + strings.Repeat("A", 1<<20)}, 401, invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := serveOnce(h, tt.headers...)
			if w.Code != tt.status || w.Header().Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%d, WWW-Authenticate: %s; want %d, %s", w.Code, w.Header().Get("WWW-Authenticate"), tt.status, tt.challenge)
			}
			if tt.status == 200 {
				if w.Body.String() != claims(token.Access).Subject {
					t.Errorf("the handler saw %q", w.Body)
				}
				return
			}
			if w.Body.String() != http.StatusText(tt.status)+"\n" || w.Header().Get("Cache-Control") != "no-store" || len(w.Header()) > 4 {
				t.Errorf("the refusal says %q, %v", w.Body, w.Header())
			}
		})
	}
}

// A token in a URL or a body is in logs, and is sent by any page.
func TestMiddlewareReadsTheHeaderOnly(t *testing.T) {
	t.Parallel()
	k := generate(t)
	h := verifier(t, config(token.Access, now, k)).Middleware(hello)
	form := url.Values{"access_token": {sign(t, k, claims(token.Access))}}
	inQuery := httptest.NewRequest("GET", "/?"+form.Encode(), nil)
	inBody := httptest.NewRequest("POST", "/", strings.NewReader(form.Encode()))
	inBody.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	inCookie := httptest.NewRequest("GET", "/", nil)
	inCookie.AddCookie(&http.Cookie{Name: "access_token", Value: form.Get("access_token")})
	for name, r := range map[string]*http.Request{"query": inQuery, "body": inBody, "cookie": inCookie} {
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 401 || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("token in the %s: %d %v", name, w.Code, w.Header())
		}
	}
}

// That keys could not be had is not the visitor's fault, and not a reason to sign in again.
func TestMiddlewareWithoutKeys(t *testing.T) {
	t.Parallel()
	k := generate(t)
	cfg := config(token.Access, now)
	cfg.Keys = brokenKeys{errors.New("store is down at 10.0.0.7")}
	w := serveOnce(verifier(t, cfg).Middleware(hello), "Bearer "+sign(t, k, claims(token.Access)))
	if w.Code != 503 || w.Header().Get("WWW-Authenticate") != "" || strings.Contains(w.Body.String(), "10.0.0.7") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestRequire(t *testing.T) {
	t.Parallel()
	c := token.Claims{Subject: "ada", Groups: []string{"staff", "eu"}, Scope: []string{"orders.read", "openid"}}
	const lacks = `Bearer error="insufficient_scope", scope="`
	tests := []struct {
		name      string
		claims    *token.Claims
		require   token.Requirement
		status    int
		challenge string
	}{
		{"nothing", &c, token.Requirement{}, 200, ""},
		{"a group", &c, token.Requirement{Groups: []string{"staff"}}, 200, ""},
		{"one of two groups", &c, token.Requirement{Groups: []string{"root", "eu"}}, 200, ""},
		{"a scope", &c, token.Requirement{Scopes: []string{"orders.read"}}, 200, ""},
		{"scopes and a group", &c, token.Requirement{Scopes: []string{"openid", "orders.read"}, Groups: []string{"eu"}}, 200, ""},
		{"no scopes, a list", &c, token.Requirement{Scopes: []string{}}, 200, ""},

		{"another group", &c, token.Requirement{Groups: []string{"root"}}, 403, ""},
		{"group in capitals", &c, token.Requirement{Groups: []string{"Staff"}}, 403, ""},
		{"the group without a name", &c, token.Requirement{Groups: []string{""}}, 403, ""},
		{"part of a group", &c, token.Requirement{Groups: []string{"st"}}, 403, ""},
		{"a list of groups that came out empty", &c, token.Requirement{Groups: []string{}}, 403, ""},
		{"one of two scopes", &c, token.Requirement{Scopes: []string{"orders.read", "orders.write"}}, 403, lacks + `orders.read orders.write"`},
		{"scope in a group's place", &c, token.Requirement{Groups: []string{"openid"}}, 403, ""},
		{"group in a scope's place", &c, token.Requirement{Scopes: []string{"staff"}}, 403, lacks + `staff"`},
		{"scope without the group", &c, token.Requirement{Scopes: []string{"openid"}, Groups: []string{"root"}}, 403, ""},
		{"group without the scope", &c, token.Requirement{Scopes: []string{"x"}, Groups: []string{"staff"}}, 403, lacks + `x"`},
		{"neither groups nor scopes in the token", &token.Claims{Subject: "eve"}, token.Requirement{Groups: []string{"staff"}}, 403, ""},
		{"oneself", &c, token.Requirement{Self: true}, 200, ""},
		{"an actor", &token.Claims{Subject: "ada", Actor: "root"}, token.Requirement{}, 200, ""},
		{"an actor for the user", &token.Claims{Subject: "ada", Actor: "root"}, token.Requirement{Self: true}, 403, ""},
		{"an actor in the group", &token.Claims{Subject: "ada", Actor: "root", Groups: []string{"staff"}}, token.Requirement{Self: true, Groups: []string{"staff"}}, 403, ""},
		{"no claims", nil, token.Requirement{}, 401, "Bearer"},
		{"no claims, a group", nil, token.Requirement{Groups: []string{"staff"}}, 401, "Bearer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
			token.Require(tt.require)(hello).ServeHTTP(w, r.WithContext(token.NewContext(r.Context(), tt.claims)))
			if w.Code != tt.status || w.Header().Get("WWW-Authenticate") != tt.challenge {
				t.Errorf("%d, WWW-Authenticate: %s; want %d, %s", w.Code, w.Header().Get("WWW-Authenticate"), tt.status, tt.challenge)
			}
		})
	}
	q := token.Requirement{Groups: []string{"root"}}
	guard := token.Require(q)(hello)
	q.Groups[0] = "staff" // what was required is required
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	if guard.ServeHTTP(w, r.WithContext(token.NewContext(r.Context(), &c))); w.Code != 403 {
		t.Errorf("after a change of the list: %d", w.Code)
	}
}

func TestContext(t *testing.T) {
	t.Parallel()
	if c, ok := token.FromContext(context.Background()); ok || c != nil {
		t.Errorf("FromContext of nothing = %v, %t", c, ok)
	}
	if c, ok := token.FromContext(token.NewContext(context.Background(), nil)); ok || c != nil {
		t.Errorf("FromContext of no claims = %v, %t", c, ok)
	}
	want := &token.Claims{Subject: "ada"}
	if c, ok := token.FromContext(token.NewContext(context.Background(), want)); !ok || c != want {
		t.Errorf("FromContext = %v, %t", c, ok)
	}
}

// FuzzMiddleware lets nothing through but the token that was signed.
func FuzzMiddleware(f *testing.F) {
	k := generate(f)
	good := sign(f, k, claims(token.Access))
	h := verifier(f, config(token.Access, now, k)).Middleware(hello)
	f.Add("Bearer " + good)
	f.Add("bearer   " + good)
	f.Add("Basic YTpi")
	f.Fuzz(func(t *testing.T, header string) {
		switch w := serveOnce(h, header); w.Code {
		case 400, 401:
		case 200:
			if !strings.HasSuffix(header, " "+good) {
				t.Errorf("%q came through", header)
			}
		default:
			t.Errorf("%q: %d", header, w.Code)
		}
	})
}
