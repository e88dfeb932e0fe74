package web_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/web"
)

// A link to the sign-in page leads nowhere but to this site (CVE class 34).
func TestReturnPath(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"/", "/me", "/me/", "/a/b.html", "/me?a=b&c=d", "/me?next=https://evil.test", "/search?q=a//b", "/a%20b", "/caf%C3%A9", "/café",
		"/@evil.test", "/evil.test", "/a:b", "/.well-known/x", "/a/../b", "/?", "/a?b?c", "/%2e%2e/a", "/a;b=c", "/a'b", "/~ada",
	} {
		if got := web.ReturnPath(good); got != good {
			t.Errorf("ReturnPath(%q) = %q", good, got)
		}
	}
	for _, evil := range []string{
		"", " ", "//", "//?a=b", "///", "me", "?a=b", "#a", ".", "..", "//evil.test", "///evil.test", "////evil.test", `/\evil.test`, `\evil.test`, `\\evil.test`, `\/evil.test`,
		"/\t/evil.test", "/\n/evil.test", "/\r/evil.test", "\t//evil.test", " //evil.test", "\x00//evil.test", "/\x00/evil.test", "/\x0b/evil.test",
		"/%09/evil.test", "/%0a/evil.test", "/%0d%0aLocation:%20https://evil.test", "/a\r\nSet-Cookie: a=b", "/a%0d%0aSet-Cookie:a=b",
		"/%5cevil.test", "/%5Cevil.test", "/%2f%2fevil.test", "/%2fevil.test", "/%2Fevil.test", "%2f%2fevil.test", "/%5c%5cevil.test", "/%00",
		"https://evil.test", "https:evil.test", "https:/evil.test", "https:///evil.test", "HTTPS://evil.test", "http:evil.test",
		"javascript:alert(1)", "data:text/html,x", "//evil.test/..", "/..//evil.test", "/.//evil.test", "/a/..//evil.test", "/a//evil.test",
		"//evil.test%2f@shop.test", "//shop.test@evil.test", "https://shop.test", "//shop.test/me", "/%zz", "/a#b", "/#", "/ /evil.test",
		"/\x7f", "/a b", "*", "evil.test", "@evil.test", ":80", "/" + strings.Repeat("a", 2048),
		`/a\b`, "/a%5cb", "/a?b\\c", "/a?b c", "/a?b\nc",
	} {
		if got := web.ReturnPath(evil); got != "/" {
			t.Errorf("ReturnPath(%q) = %q, want \"/\"", evil, got)
		}
	}
}

// What comes out is a path of the same origin for a browser, for us after http.Redirect, and for a
// framework that decodes it first.
func FuzzReturnPath(f *testing.F) {
	f.Add("/me?a=b")
	f.Add(`/\evil.test`)
	f.Add("/%2f/evil.test")
	base := &url.URL{Scheme: "https", Host: "shop.test", Path: "/login"}
	f.Fuzz(func(t *testing.T, typed string) {
		got := web.ReturnPath(typed)
		if again := web.ReturnPath(got); again != got {
			t.Errorf("ReturnPath(%q) = %q, of which it is %q", typed, got, again)
		}
		u, err := base.Parse(got)
		if err != nil || u.Host != base.Host || u.Scheme != base.Scheme || strings.HasPrefix(u.Path, "//") {
			t.Errorf("ReturnPath(%q) = %q leads to %v, %v", typed, got, u, err)
		}
		w := httptest.NewRecorder()
		http.Redirect(w, httptest.NewRequest("POST", "/login", nil), got, http.StatusSeeOther)
		to := w.Header().Get("Location")
		if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t\x00 ") {
			t.Errorf("ReturnPath(%q) redirects to %q", typed, to)
		}
		if p, err := url.PathUnescape(got); err == nil && (strings.HasPrefix(p, "//") || strings.HasPrefix(path.Clean(p), "//")) {
			t.Errorf("ReturnPath(%q) decodes to %q", typed, p)
		}
	})
}

func TestRequireSendsToTheSignIn(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	tests := []struct {
		name, method, target, signIn string
		header                       map[string]string
		want                         string // Location; "" means 401
	}{
		{"a page", "GET", "/me", "", nil, "/login?return_to=%2Fme"},
		{"its head", "HEAD", "/me", "", nil, "/login?return_to=%2Fme"},
		{"with a query", "GET", "/me?a=b&c=%2f", "", nil, "/login?return_to=%2Fme%3Fa%3Db%26c%3D%252f"},
		{"a page elsewhere", "GET", "/me", "/in?lang=de", nil, "/in?lang=de&return_to=%2Fme"},
		{"another host's page", "GET", "/me", "https://id.shop.test/in", nil, "https://id.shop.test/in?return_to=%2Fme"},
		{"a browser", "GET", "/me", "", map[string]string{"Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}, "/login?return_to=%2Fme"},
		{"a script", "GET", "/me", "", map[string]string{"Sec-Fetch-Mode": "cors", "Accept": "*/*"}, ""},
		{"an image", "GET", "/me", "", map[string]string{"Sec-Fetch-Mode": "no-cors"}, ""},
		{"JSON", "GET", "/me", "", map[string]string{"Accept": "application/json"}, ""},
		{"a WebSocket", "GET", "/me", "", map[string]string{"Upgrade": "websocket"}, ""},
		{"a form", "POST", "/me", "", nil, ""},
		{"options", "OPTIONS", "/me", "", nil, ""},
		{"the sign-in itself", "GET", "/login", "", nil, ""},
		{"the sign-in itself, in other words", "GET", "/x/../login/?a=b", "", nil, ""},
		{"two slashes", "GET", "//evil.test/me", "", nil, "/login?return_to=%2F"},
		{"a backslash", "GET", `/%5cevil.test`, "", nil, "/login?return_to=%2F"},
		{"another host", "GET", "https://evil.test/me", "", nil, "/login?return_to=%2F"},
		{"a sign-in page that is none", "GET", "/me", "http://[", nil, ""},
	}
	for _, tt := range tests {
		s := web.New(k.Pool, web.Config{SignInPath: tt.signIn})
		h := s.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s: let through", tt.name) }))
		r := httptest.NewRequest(tt.method, tt.target, nil)
		for name, value := range tt.header {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		code := http.StatusSeeOther
		if tt.want == "" {
			code = http.StatusUnauthorized
		}
		if got := w.Header().Get("Location"); w.Code != code || got != tt.want {
			t.Errorf("%s: %d to %q, want %d to %q", tt.name, w.Code, got, code, tt.want)
		}
	}
}

// The way back is what the browser asked for, not what a router has made of it.
func TestReturnBehindAPrefix(t *testing.T) {
	t.Parallel()
	s := web.New(pooltest.New(t).Pool, web.Config{})
	h := http.StripPrefix("/app", s.Require(http.NotFoundHandler()))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/app/me", nil))
	if got := w.Header().Get("Location"); got != "/login?return_to=%2Fapp%2Fme" {
		t.Errorf("Location = %q", got)
	}
	made, err := http.NewRequestWithContext(context.Background(), "GET", "/me", nil) // by hand, without a RequestURI
	if err != nil {
		t.Fatal(err)
	}
	w = httptest.NewRecorder()
	s.Require(http.NotFoundHandler()).ServeHTTP(w, made)
	if got := w.Header().Get("Location"); got != "/login?return_to=%2Fme" {
		t.Errorf("Location = %q", got)
	}
}
