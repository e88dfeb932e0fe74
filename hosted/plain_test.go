package hosted_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// In production no form is taken over plain http: a password would be judged, and a session made, that anybody on
// the way could have read. Behind a proxy of ours it is the visitor's connection that counts.
func TestS10_NothingIsTakenOverPlainHTTP(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Issuer: "https://shop.example"}))
	k.Person(ada)
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	pages := hosted.New(k.Pool, hosted.Config{Proxies: proxies, Logger: logger(&log)})
	for _, tt := range []struct {
		name, peer, scheme string
		want               int
	}{
		{"no proxy", "192.0.2.1:1", "", http.StatusForbidden},
		{"a visitor who says https", "192.0.2.1:1", "https", http.StatusForbidden},
		{"a proxy that says nothing", "10.0.0.1:1", "", http.StatusForbidden},
		{"a proxy that was called over http", "10.0.0.1:1", "http", http.StatusForbidden},
		{"a proxy that was called over https", "10.0.0.1:1", "https", http.StatusOK},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/auth/sign-in", strings.NewReader(`{"username":"`+ada+`","password":"`+secret+`"}`))
		r.Header = http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
		if r.RemoteAddr = tt.peer; tt.scheme != "" {
			r.Header.Set("X-Forwarded-Proto", tt.scheme)
		}
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, r)
		if w.Code != tt.want || (len(w.Header().Values("Set-Cookie")) > 0) != (tt.want == http.StatusOK) {
			t.Errorf("%s: %d %s, want %d", tt.name, w.Code, w.Body, tt.want)
		}
	}
	if !strings.Contains(log.String(), "plain http") {
		t.Errorf("the log does not say why:\n%s", log.String())
	}
}
