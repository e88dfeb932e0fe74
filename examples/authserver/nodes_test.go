package main

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/userpool-go/userpool/internal/postgrestest"
)

// balancer ends TLS in front of nodes, and sends each request to the one that is chosen.
type balancer struct {
	*httptest.Server
	chosen atomic.Pointer[url.URL]
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	b := new(balancer)
	b.Server = httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(b.chosen.Load())
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}})
	t.Cleanup(b.Close)
	return b
}

func (b *balancer) choose(n *node) {
	at, _ := url.Parse(n.public)
	b.chosen.Store(at)
}

// mailServer is one on loopback that hands on every mail as it came.
type mailServer chan string

func newMailServer(t *testing.T) (mails mailServer, addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	mails = make(mailServer, 10)
	srv := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return mails, nil }))
	srv.Domain = "localhost"
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return mails, l.Addr().String()
}

func (mailServer) Mail(string, *smtp.MailOptions) error { return nil }
func (mailServer) Rcpt(string, *smtp.RcptOptions) error { return nil }
func (mailServer) Reset()                               {}
func (mailServer) Logout() error                        { return nil }

func (m mailServer) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	m <- string(text)
	return err
}

// code waits for a mail, and returns the code in it.
func (m mailServer) code(t *testing.T) string {
	t.Helper()
	select {
	case mail := <-m:
		_, text, _ := strings.Cut(mail, "\r\n\r\n")
		return mailedCode.FindString(text)
	case <-time.After(30 * time.Second):
		t.Fatal("no mail came")
		return ""
	}
}

// production are the flags of nodes behind a balancer, with a mail server.
func production(t *testing.T, issuer string) (flags []string, mails mailServer) {
	t.Helper()
	mails, addr := newMailServer(t)
	return []string{
		"-issuer=" + issuer, "-proxies=127.0.0.0/8", "-smtp=" + addr, "-smtp-from=no-reply@example.com", "-smtp-insecure=1",
	}, mails
}

// Two nodes share a database and nothing else: what begins at one goes on at the other, and what ends
// at one has ended at the other, at once.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	flags, mails := production(t, "https://id.example.com/{pool}")
	const password = "of-the-database"
	database := strings.Replace(postgrestest.Schema(t), "@", ":"+password+"@", 1)
	dir := t.TempDir()
	flags = append(flags, "-database="+database)
	one, two := start(t, dir, flags...), start(t, dir, flags...)
	b := newBalancer(t)
	v := visit(t, "https://id.example.com/acme", b.Client())

	one.operate(201, "POST", "/pools", `{"id":"acme"}`)
	b.choose(two)
	v.get(200, "/auth/sign-in") // at once, though another node has made the pool
	b.choose(one)
	up := v.post(200, "/auth/sign-up", "username", ada, "password", secret)
	code := mails.code(t)
	b.choose(two)
	need := v.post(200, "/auth/confirm", "ticket", up.Ticket, "code", code)
	b.choose(one)
	v.post(200, "/auth/password", "ticket", need.Ticket, "password", secret)
	b.choose(two)
	if who := v.get(200, "/session"); who.Username != ada {
		t.Errorf("/session = %s", who.body)
	}
	stolen := visit(t, v.base, b.Client())
	at, _ := url.Parse(v.base)
	stolen.client.Jar.SetCookies(at, v.client.Jar.Cookies(at))
	stolen.get(200, "/session")
	b.choose(one)
	v.post(200, "/auth/sign-out")
	b.choose(two)
	v.get(401, "/session")
	stolen.get(401, "/session")

	v.post(200, "/auth/sign-in", "username", ada, "password", secret)
	two.operate(204, "POST", "/pools/acme/users/"+v.get(200, "/session").Subject+"/disable", "")
	b.choose(one)
	v.get(401, "/session")
	v.post(401, "/auth/sign-in", "username", ada, "password", secret)

	// A node without the balancer, or with somebody else in its place, signs nobody in.
	direct := visit(t, one.public+"/acme", http.DefaultClient)
	direct.post(403, "/auth/sign-in", "username", ada, "password", secret)
	for _, n := range []*node{one, two} {
		for _, s := range []string{ada, secret, code, up.Ticket, need.Ticket, password, n.token} {
			if strings.Contains(n.log.String(), s) {
				t.Errorf("%q is in the log:\n%s", s, n.log)
			}
		}
	}
}

// Pools may have hosts of their own.
func TestPoolsByHost(t *testing.T) {
	t.Parallel()
	flags, mails := production(t, "https://{pool}.example.com")
	n, b := start(t, t.TempDir(), flags...), newBalancer(t)
	b.choose(n)
	for _, id := range []string{"acme", "bolt"} {
		n.operate(201, "POST", "/pools", `{"id":"`+id+`"}`)
	}
	v := visit(t, "https://acme.example.com", b.Client())
	up := v.post(200, "/auth/sign-up", "username", ada, "password", secret)
	need := v.post(200, "/auth/confirm", "ticket", up.Ticket, "code", mails.code(t))
	v.post(200, "/auth/password", "ticket", need.Ticket, "password", secret)
	v.get(200, "/session")
	v.get(200, "/.well-known/jwks.json")
	for _, host := range []string{"none.example.com", "-.example.com", "acme.example.org", "acme.example.com.", "x.acme.example.com", ""} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", n.public+"/session", nil)
		r.Host, r.RequestURI = host, ""
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != 404 {
			t.Errorf("%s = %d", host, res.StatusCode)
		}
	}
	at, _ := url.Parse(v.base)
	v.base = "https://bolt.example.com"
	to, _ := url.Parse(v.base)
	v.client.Jar.SetCookies(to, v.client.Jar.Cookies(at))
	v.get(401, "/session")
	v.get(404, "/dev/mailbox")
}

// A node may end TLS itself; then the operator may be elsewhere, too.
func TestTLS(t *testing.T) {
	t.Parallel()
	known := httptest.NewUnstartedServer(nil)
	known.EnableHTTP2 = true
	known.StartTLS()
	defer known.Close()
	pair, dir := known.TLS.Certificates[0], t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, filepath.Join(dir, "cert"), "CERTIFICATE", pair.Certificate[0])
	writePEM(t, filepath.Join(dir, "key"), "PRIVATE KEY", key)
	flags, _ := production(t, "https://example.com/{pool}")
	n := start(t, dir, append(flags, "-proxies=", "-tls-cert="+filepath.Join(dir, "cert"), "-tls-key="+filepath.Join(dir, "key"))...)
	secured := func(url string) string { return strings.Replace(url, "http:", "https:", 1) }
	bearer := []string{"Authorization", "Bearer " + n.token}
	if a := ask(t, known.Client(), "POST", secured(n.operator)+"/pools", `{"id":"acme"}`, bearer...); a.status != 201 {
		t.Fatalf("a pool = %d %s", a.status, a.body)
	}
	a := ask(t, known.Client(), "POST", secured(n.public)+"/acme/auth/sign-in", `{"username":"`+ada+`","password":"x"}`)
	if a.status != 401 || a.proto != 2 || a.header.Get("Strict-Transport-Security") == "" {
		t.Errorf("sign-in = %d by HTTP/%d %s with %v", a.status, a.proto, a.body, a.header)
	}
	if a, err := try(t.Context(), http.DefaultClient, "GET", n.public+"/acme/session", ""); err == nil && a.status == 200 {
		t.Errorf("plain HTTP = %d %s", a.status, a.body)
	}
}

// TestForwardedAddresses: whom a proxy names counts where the proxy is ours, and nobody else's word.
func TestForwardedAddresses(t *testing.T) {
	t.Parallel()
	for proxies, want := range map[string]string{"": "127.0.0.1", "192.0.2.0/24": "127.0.0.1", "127.0.0.1": "203.0.113.7"} {
		n := start(t, t.TempDir(), "-proxies="+proxies)
		n.operate(201, "POST", "/pools", `{"id":"acme"}`)
		ask(t, http.DefaultClient, "POST", n.public+"/acme/auth/sign-in", `{"username":"`+ada+`","password":"x"}`,
			"X-Forwarded-For", "198.51.100.1, 203.0.113.7")
		events := n.operate(200, "GET", "/pools/acme/events", "").Events
		last := events[len(events)-1]
		if last["Kind"] != "sign_in" || last["IP"] != want {
			t.Errorf("behind %q the event is %v, want the IP %s", proxies, last, want)
		}
		if strings.Contains(n.log.String(), want+`"`) {
			t.Errorf("the log names who called:\n%s", n.log)
		}
	}
}
