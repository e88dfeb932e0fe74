package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/userpool-go/userpool/web"
)

// What another site may have caused is nobody's (CVE class 50). A cell is what the browser, or whatever it
// is, says about where the request comes from.
func TestS10_OtherSitesActForNobody(t *testing.T) {
	t.Parallel()
	const none = "-" // no such header
	tests := []struct {
		name         string
		site, origin string
		production   bool // whether it acts for the user
		development  bool
	}{
		{"a page of ours", "same-origin", "https://shop.test", true, true},
		{"a page of ours that hides its address", "same-origin", "null", true, true},
		{"a page of ours, without Origin", "same-origin", none, true, true},
		{"an old browser", none, "https://shop.test", true, false},
		{"an old browser, plain http", none, "http://shop.test", false, true},
		{"typed or reloaded", "none", "https://shop.test", true, false},
		{"typed, from elsewhere", "none", "https://evil.test", false, false},
		{"typed, without Origin", "none", none, false, false},
		{"says nothing", none, none, false, false},
		{"empty Origin", none, "", false, false},
		{"another site", "cross-site", "https://evil.test", false, false},
		{"another site that claims to be us", "cross-site", "https://shop.test", false, false},
		{"a neighbour", "same-site", "https://blog.shop.test", false, false},
		{"a neighbour that claims to be us", "same-site", "https://shop.test", false, false},
		{"an unknown relation", "same-galaxy", "https://shop.test", false, false},
		{"empty relation", "", "https://shop.test", false, false},
		{"capitals", "Same-Origin", "https://evil.test", false, false},
		{"opaque origin", none, "null", false, false},
		{"other port", none, "https://shop.test:8443", false, false},
		{"no scheme", none, "shop.test", false, false},
		{"other scheme", none, "ftp://shop.test", false, false},
		{"longer host", none, "https://shop.test.evil.test", false, false},
		{"host behind a login", none, "https://shop.test@evil.test", false, false},
		{"host with a path", none, "https://shop.test/", false, false},
		{"two origins in one", none, "https://shop.test, https://evil.test", false, false},
	}
	for _, issuer := range []string{"", production} {
		s := open(t, issuer)
		p := s.Person(ada)
		for _, tt := range tests {
			request := func(method string) *http.Request {
				r := p.Request(method, "/")
				r.Host = "shop.test"
				r.Header.Del("Sec-Fetch-Site")
				if tt.site != none {
					r.Header.Set("Sec-Fetch-Site", tt.site)
				}
				if tt.origin != none {
					r.Header.Set("Origin", tt.origin)
				}
				return r
			}
			want := ""
			if issuer == "" && tt.development || issuer != "" && tt.production {
				want = ada
			}
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "post", "QUERY", "get"} {
				if got := s.user(request(method)); got != want {
					t.Errorf("%q: %s, %s is of %q, want %q", issuer, tt.name, method, got, want)
				}
			}
			socket := request("GET")
			socket.Header.Set("Upgrade", "websocket")
			if got := s.user(socket); got != want {
				t.Errorf("%q: %s, a WebSocket is of %q, want %q", issuer, tt.name, got, want)
			}
			for _, method := range []string{"GET", "HEAD", "OPTIONS"} { // a link from elsewhere
				if got := s.user(request(method)); got != ada {
					t.Errorf("%q: %s, %s is of %q, want %q", issuer, tt.name, method, got, ada)
				}
			}
		}
	}
}

func TestTwoHeadersAreNotBelieved(t *testing.T) {
	t.Parallel()
	s := open(t, production)
	p := s.Person(ada)
	for name, values := range map[string][]string{
		"Sec-Fetch-Site": {"same-origin", "same-origin"},
		"Origin":         {"https://example.com", "https://example.com"},
	} {
		r := p.Request("POST", "/")
		r.Header.Del("Sec-Fetch-Site")
		r.Header[name] = values[:1]
		if got := s.user(r); got != ada {
			t.Errorf("one %s: %q, want %q", name, got, ada)
		}
		r.Header[name] = values
		if got := s.user(r); got != "" {
			t.Errorf("two %s: %q, want nobody", name, got)
		}
	}
}

// Another site signs nobody in, out, or over to another account (login CSRF).
func TestS10_OtherSitesDoNotSignInOrOut(t *testing.T) {
	t.Parallel()
	s := open(t, production)
	p := s.Person(ada)
	done := s.finished(ada)
	from := func(site, method string) *http.Request {
		r := p.Request(method, "/")
		r.Header.Set("Sec-Fetch-Site", site)
		return r
	}
	for _, site := range []string{"cross-site", "same-site", "none"} {
		w := httptest.NewRecorder()
		is(t, "Start from "+site, s.Start(w, from(site, "POST"), done), web.ErrCrossOrigin)
		is(t, "End from "+site, s.End(w, from(site, "POST")), web.ErrCrossOrigin)
		if len(w.Result().Header) > 0 {
			t.Errorf("from %s: wrote %v", site, w.Result().Header)
		}
	}
	for _, method := range []string{"GET", "HEAD", "OPTIONS"} {
		is(t, "End by "+method, s.End(httptest.NewRecorder(), from("same-origin", method)), web.ErrCrossOrigin)
	}
	if got := s.user(p.Request("GET", "/")); got != ada {
		t.Errorf("after all that the session is of %q, want %q", got, ada)
	}
}
