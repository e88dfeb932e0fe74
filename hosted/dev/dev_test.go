package dev_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/hosted/dev"
	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

func pages(t *testing.T, issuer string, box *mailbox.Mailbox) *hosted.Pages {
	t.Helper()
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Issuer: issuer}))
	return hosted.New(k.Pool, hosted.Config{Dev: dev.InsecureDev(box)})
}

// request is one that comes from this machine to this machine, unless a test says otherwise.
func request(t *testing.T, host, peer, local string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, dev.Path, nil)
	r.Host, r.RemoteAddr = host, peer
	if local == "" {
		return r
	}
	addr, err := net.ResolveTCPAddr("tcp", local)
	if err != nil {
		t.Fatal(err)
	}
	return r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(addr)))
}

// The mailbox answers on the developer's machine alone: issuer, listener, peer and Host are all loopback, and
// nobody stands in between.
func TestS11_MailboxIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	box := mailbox.New()
	if err := box.Send(t.Context(), message.Message{To: "ada@example.com", Subject: "Code", Text: "271828"}); err != nil {
		t.Fatal(err)
	}
	h := pages(t, "", box)
	header := func(name, value string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request { r.Header.Set(name, value); return r }
	}
	server := func(addr string) func(*http.Request) *http.Request {
		return func(r *http.Request) *http.Request {
			return r.WithContext(context.WithValue(r.Context(), http.ServerContextKey, &http.Server{Addr: addr}))
		}
	}
	const host, peer, local = "127.0.0.1:8080", "127.0.0.1:40000", "127.0.0.1:8080"
	for _, tt := range []struct {
		name, host, peer, local string
		change                  func(*http.Request) *http.Request
		want                    int
	}{
		{"this machine", host, peer, local, nil, 200},
		{"by name", "localhost:8080", peer, local, nil, 200},
		{"IPv6", "[::1]:8080", "[::1]:40000", "[::1]:8080", nil, 200},
		{"mapped", host, "[::ffff:127.0.0.1]:40000", local, nil, 200},
		{"another loopback address", "127.0.0.9", "127.0.0.9:1", "127.0.0.9:80", nil, 200},
		{"typed", host, peer, local, header("Sec-Fetch-Site", "none"), 200},
		{"clicked", host, peer, local, header("Sec-Fetch-Site", "same-origin"), 200},
		{"a server that says where it listens", host, peer, local, server("127.0.0.1:8080"), 200},

		{"peer in the network", host, "192.168.1.7:40000", local, nil, 404},
		{"peer in the world", host, "203.0.113.7:40000", local, nil, 404},
		{"peer of no address", host, "@", local, nil, 404},
		{"listener in the network", host, peer, "192.168.1.2:8080", nil, 404},
		{"listener on all addresses", host, peer, "0.0.0.0:8080", nil, 404},
		{"listener unknown", host, peer, "", nil, 404},
		{"server on all addresses", host, peer, local, server(":8080"), 404},
		{"server on a network address", host, peer, local, server("192.168.1.2:8080"), 404},
		{"Host of another name", "evil.example", peer, local, nil, 404},
		{"Host that resolves to us", "localtest.me:8080", peer, local, nil, 404},
		{"Host under localhost", "evil.localhost.example", peer, local, nil, 404},
		{"Host in the network", "192.168.1.2:8080", peer, local, nil, 404},
		{"Host of all addresses", "0.0.0.0:8080", peer, local, nil, 404},
		{"Host as a number", "2130706433", peer, local, nil, 404},
		{"Host with a user", "localhost@evil.example", peer, local, nil, 404},
		{"no Host", "", peer, local, nil, 404},
		{"Forwarded", host, peer, local, header("Forwarded", "for=203.0.113.7"), 404},
		{"X-Forwarded-For", host, peer, local, header("X-Forwarded-For", "127.0.0.1"), 404},
		{"X-Forwarded-Host", host, peer, local, header("X-Forwarded-Host", "localhost"), 404},
		{"X-Forwarded-Proto", host, peer, local, header("X-Forwarded-Proto", "http"), 404},
		{"X-Real-IP", host, peer, local, header("X-Real-IP", "127.0.0.1"), 404},
		{"Via", host, peer, local, header("Via", "1.1 tunnel"), 404},
		{"Cf-Connecting-IP", host, peer, local, header("CF-Connecting-IP", "203.0.113.7"), 404},
		{"another site", host, peer, local, header("Sec-Fetch-Site", "cross-site"), 404},
		{"another port", host, peer, local, header("Sec-Fetch-Site", "same-site"), 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := request(t, tt.host, tt.peer, tt.local)
			if tt.change != nil {
				r = tt.change(r)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != tt.want || strings.Contains(w.Body.String(), "271828") != (tt.want == 200) {
				t.Errorf("%d, want %d:\n%s", w.Code, tt.want, w.Body)
			}
		})
	}
}

// A pool whose issuer is https is in production: it has neither a mailbox nor any page beside it.
func TestS11_ProductionRefusesTheMailbox(t *testing.T) {
	t.Parallel()
	for issuer, ok := range map[string]bool{
		"": true, "http://localhost:8080": true, "http://127.0.0.1": true, "http://[::1]:1": true,
		"https://id.example.com": false, "https://localhost": false, "https://127.0.0.1:8443": false,
	} {
		h := pages(t, issuer, mailbox.New())
		if (h.Err() == nil) != ok {
			t.Errorf("issuer %q: %v", issuer, h.Err())
		}
		w := httptest.NewRecorder()
		h.Wrap(http.NotFoundHandler()).ServeHTTP(w, request(t, "localhost", "127.0.0.1:1", "127.0.0.1:2"))
		if want := map[bool]int{true: 200, false: 500}[ok]; w.Code != want {
			t.Errorf("issuer %q: mailbox = %d, want %d", issuer, w.Code, want)
		}
	}
	k := pooltest.New(t)
	w := httptest.NewRecorder()
	hosted.New(k.Pool, hosted.Config{}).ServeHTTP(w, request(t, "localhost", "127.0.0.1:1", "127.0.0.1:2"))
	if w.Code != http.StatusNotFound {
		t.Errorf("a mailbox that nobody asked for = %d, want 404", w.Code)
	}
}

// Links can be clicked, codes selected, and what people typed is text.
func TestMailbox(t *testing.T) {
	t.Parallel()
	box := mailbox.New()
	srv := httptest.NewServer(pages(t, "", box).Wrap(http.NotFoundHandler()))
	defer srv.Close()
	get := func(method string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+dev.Path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil || !strings.Contains(res.Header.Get("Content-Security-Policy")+res.Header.Get("Allow"), map[bool]string{true: "default-src 'none'", false: "GET"}[method != "POST"]) {
			t.Errorf("%v, headers %v", err, res.Header)
		}
		return res.StatusCode, string(b)
	}
	if code, body := get("GET"); code != 200 || !strings.Contains(body, "Nothing was sent yet.") {
		t.Errorf("empty: %d\n%s", code, body)
	}
	for _, m := range []message.Message{
		{To: "ada@example.com", Subject: "First", Text: "Hello,\n\n    271828\n\nNumber 12345 and 3141592."},
		{To: "ada@example.com", Subject: "Second", Text: "Open\n    http://localhost:8080/auth/link?link=a_b-c&d=1\nor javascript:alert(1)."},
		{To: `<img src=x>@example.com`, Subject: "<script>", Text: `<a href="javascript:alert(1)">http://x.example/"onclick="y</a>`},
		{To: "+4915112345678", Channel: message.SMS, Kind: message.ConfirmSignUp, Text: "Your code is 161803."},
	} {
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	_, body := get("GET")
	for _, want := range []string{
		`<mark class="code">271828</mark>`, `<mark class="code">3141592</mark>`, "Number 12345 and", `<mark class="code">161803</mark>`,
		`<a href="http://localhost:8080/auth/link?link=a_b-c&amp;d=1">http://localhost:8080/auth/link?link=a_b-c&amp;d=1</a>`,
		"<h2>&lt;script&gt;</h2>", "<h2>confirm_sign_up</h2>", "<dd>&lt;img src=x&gt;@example.com</dd>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "<img") || strings.Contains(body, `href="javascript:`) {
		t.Errorf("typed markup is markup:\n%s", body)
	}
	if strings.Index(body, "Second") > strings.Index(body, "First") {
		t.Error("the newest is not first")
	}
	if code, body := get("HEAD"); code != 200 || body != "" {
		t.Errorf("HEAD = %d, %q", code, body)
	}
	if code, _ := get("POST"); code != http.StatusMethodNotAllowed {
		t.Errorf("POST = %d, want 405", code)
	}
}
