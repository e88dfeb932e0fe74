package tokentest_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/token/tokentest"
)

func TestForeignAudience(t *testing.T) { // a resource server has no pool: tokentest signs whatever it is told
	iss := tokentest.New(t)
	h := iss.Verifier().Middleware(token.Require(token.Requirement{Groups: []string{"staff"}})(http.NotFoundHandler()))
	r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
	r.Header.Set("Authorization", "Bearer "+iss.Sign(token.Claims{Subject: "ada", Audience: []string{"other"}}))
	if h.ServeHTTP(w, r); w.Code != 401 {
		t.Errorf("status = %d, want 401", w.Code)
	}
}

func TestWhoMaySee(t *testing.T) {
	t.Parallel()
	iss := tokentest.New(t)
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := token.FromContext(r.Context())
		w.Write([]byte("hello " + c.Subject))
	})
	h := iss.Verifier().Middleware(token.Require(token.Requirement{Groups: []string{"staff"}})(hello))
	for _, tt := range []struct {
		claims token.Claims
		want   int
	}{
		{token.Claims{Subject: "ada", Groups: []string{"staff"}}, 200},
		{token.Claims{Subject: "eve"}, 403},
		{token.Claims{Subject: "ada", Groups: []string{"staff"}, ExpiresAt: time.Now().Add(-time.Second)}, 401},
	} {
		r, w := httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+iss.Sign(tt.claims))
		if h.ServeHTTP(w, r); w.Code != tt.want || tt.want == 200 && w.Body.String() != "hello ada" {
			t.Errorf("%+v: %d %s, want %d", tt.claims, w.Code, w.Body, tt.want)
		}
	}
}

func TestSign(t *testing.T) {
	t.Parallel()
	iss := tokentest.New(t)
	v, now := iss.Verifier(), time.Now()
	for _, tt := range []struct {
		name   string
		claims token.Claims
		want   error
	}{
		{"nothing said", token.Claims{}, nil},
		{"of a while ago", token.Claims{IssuedAt: now.Add(-time.Minute)}, nil},
		{"for an hour", token.Claims{ExpiresAt: now.Add(time.Hour)}, nil},
		{"expired", token.Claims{ExpiresAt: now.Add(-time.Hour)}, token.ErrExpired},
		{"long ago", token.Claims{IssuedAt: now.Add(-time.Hour)}, token.ErrExpired},
		{"from tomorrow", token.Claims{IssuedAt: now.Add(24 * time.Hour)}, token.ErrInvalid},
		{"another issuer", token.Claims{Issuer: "https://evil.example.com"}, token.ErrInvalid},
		{"another client", token.Claims{ClientID: "other"}, token.ErrInvalid},
		{"an ID token", token.Claims{Use: token.ID}, token.ErrInvalid},
	} {
		c, err := v.Verify(t.Context(), iss.Sign(tt.claims))
		if !errors.Is(err, tt.want) || err == nil && c.ClientID != tokentest.Client {
			t.Errorf("%s: Verify = %+v, %v, want %v", tt.name, c, err, tt.want)
		}
	}
	c, err := v.Verify(t.Context(), iss.Sign(token.Claims{Subject: "ada", Groups: []string{"staff"}, Scope: []string{"orders.read"}}))
	if err != nil || c.Subject != "ada" || !c.InGroup("staff") || !c.HasScope("orders.read") {
		t.Errorf("Verify = %+v, %v", c, err)
	}
	if _, err := iss.Verifier("web", "app").Verify(t.Context(), iss.Sign(token.Claims{ClientID: "app"})); err != nil {
		t.Errorf("Verify for another client = %v", err)
	}
	if _, err := v.Verify(t.Context(), tokentest.New(t).Sign(token.Claims{Issuer: iss.URL()})); !errors.Is(err, token.ErrInvalid) {
		t.Errorf("Verify of another issuer's = %v", err)
	}
}

// A program that makes its own verifier is tested with the keys where it looks for them.
func TestURL(t *testing.T) {
	t.Parallel()
	iss := tokentest.New(t)
	keys, err := token.RemoteKeys(iss.URL()+"/.well-known/jwks.json", token.RemoteConfig{InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(iss.URL(), token.Config{ClientIDs: []string{tokentest.Client}, Use: token.Access, Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), iss.Sign(token.Claims{})); err != nil {
		t.Errorf("Verify = %v", err)
	}
}

func TestInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		iss := tokentest.New(t)
		text := iss.Sign(token.Claims{})
		time.Sleep(14 * time.Minute)
		if _, err := iss.Verifier().Verify(t.Context(), text); err != nil {
			t.Errorf("Verify = %v", err)
		}
		time.Sleep(2 * time.Minute)
		if _, err := iss.Verifier().Verify(t.Context(), text); !errors.Is(err, token.ErrExpired) {
			t.Errorf("Verify = %v, want ErrExpired", err)
		}
	})
}
