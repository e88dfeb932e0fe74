package web_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// In production, over TLS and HTTP/2, with a cookie jar as browsers have.
func TestOverTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(nil)
	srv.EnableHTTP2 = true
	issuer := "https://" + srv.Listener.Addr().String()
	s := serve(t, pooltest.New(t, pooltest.WithConfig(pool.Config{Issuer: issuer})))
	s.Person(ada)
	srv.Config.Handler = s.handler
	srv.StartTLS()
	defer srv.Close()
	client := srv.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = jar
	ask := func(method, path, origin string, want int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, issuer+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want || res.ProtoMajor != 2 {
			t.Errorf("%s %s from %q = %d over %s, want %d", method, path, origin, res.StatusCode, res.Proto, want)
		}
	}
	ask("GET", "/me", "", 303)
	ask("POST", "/login?as="+ada, "https://evil.test", 403)
	ask("GET", "/me", "", 303)
	ask("POST", "/login?as="+ada, issuer, 200)
	ask("GET", "/me", "", 200)
	ask("POST", "/me", issuer, 200)
	ask("POST", "/me", "https://evil.test", 401)
	ask("POST", "/me", "", 401)
	ask("POST", "/logout", "https://evil.test", 403)
	ask("GET", "/logout", "", 403)
	ask("GET", "/me", "", 200)
	ask("POST", "/logout", issuer, 200)
	ask("GET", "/me", "", 303)
}
