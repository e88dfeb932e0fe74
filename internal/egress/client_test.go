package egress_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/egress"
)

func fields(t *testing.T, s string) (list []netip.Addr) {
	t.Helper()
	for f := range strings.FieldsSeq(s) {
		a, err := netip.ParseAddr(f)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, a)
	}
	return list
}

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// server counts the calls that reach it.
func server(t *testing.T, h http.HandlerFunc, start func(http.Handler) *httptest.Server) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	s := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		h(w, r)
	}))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s, &calls
}

func roots(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func TestGet(t *testing.T) {
	t.Parallel()
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=60")
		w.WriteHeader(http.StatusTeapot)
		fmt.Fprint(w, r.Method, " ", r.URL, " ", r.Header.Get("X-Test"), " ", r.Header.Get("Accept-Encoding"), " ", r.UserAgent())
	}, httptest.NewTLSServer)
	c := egress.New(egress.Config{Allow: loopback, Roots: roots(s)})
	for range 3 { // over one connection
		got, err := c.Get(t.Context(), s.URL+"/a?b=c", map[string]string{"X-Test": "x"})
		if err != nil {
			t.Fatal(err)
		}
		if want := "GET /a?b=c x  userpool"; got.Status != 418 || string(got.Body) != want || got.Header.Get("Cache-Control") != "max-age=60" {
			t.Errorf("Get = %d %q %v, want %q", got.Status, got.Body, got.Header, want)
		}
	}
}

func TestPost(t *testing.T) {
	t.Parallel()
	s, calls := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if string(body) == "cut off" {
			panic(http.ErrAbortHandler)
		}
		fmt.Fprint(w, r.Method, " ", r.ContentLength, " ", r.Header.Get("Content-Type"), " ", string(body), err)
	}, httptest.NewServer)
	c := egress.New(egress.Config{InsecureLoopback: true})
	header := map[string]string{"Content-Type": "text/plain"}
	for range 2 { // over one connection
		got, err := c.Post(t.Context(), s.URL, header, []byte("a=b"))
		if err != nil || string(got.Body) != "POST 3 text/plain a=b<nil>" {
			t.Fatalf("Post = %q, %v", got.Body, err)
		}
	}
	if _, err := c.Post(t.Context(), s.URL, header, []byte("cut off")); err == nil || calls.Load() != 3 {
		t.Errorf("Post = %v after %d calls, want an error after one try, on a connection that was open", err, calls.Load())
	}
	for _, address := range []string{"", "ftp://127.0.0.1/", "http://192.0.2.1/", "https://user:hunter2@127.0.0.1/"} {
		if _, err := c.Post(t.Context(), address, nil, nil); !errors.Is(err, egress.ErrRefused) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Post(%q) = %v, want ErrRefused", address, err)
		}
	}
}

func TestS9_URLs(t *testing.T) {
	t.Parallel()
	c := egress.New(egress.Config{Allow: loopback})
	dev := egress.New(egress.Config{InsecureLoopback: true})
	for name, address := range map[string]string{
		"empty":                "",
		"http":                 "http://127.0.0.1/",
		"file":                 "file:///etc/passwd",
		"gopher":               "gopher://127.0.0.1:6379/_FLUSHALL",
		"ftp":                  "ftp://127.0.0.1/",
		"no scheme":            "//127.0.0.1/",
		"relative":             "/jwks.json",
		"host alone":           "127.0.0.1",
		"no host":              "https:///path",
		"port alone":           "https://:443/",
		"opaque":               "https:127.0.0.1",
		"user and password":    "https://user:hunter2@127.0.0.1/",
		"host as a user":       "https://id.example.com@127.0.0.1/",
		"user and a bad port":  "https://user:hunter2@127.0.0.1:port/",
		"a line break":         "https://127.0.0.1/\r\nHost: x",
		"a blank in the host":  "https://127.0.0.1 .example.com/",
		"javascript":           "javascript:alert(1)",
		"data":                 "data:application/json,{}",
		"bad escape":           "https://%zz/",
		"unclosed IPv6 braces": "https://[::1/",
	} {
		for _, client := range []*egress.Client{c, dev} {
			if name == "http" && client == dev {
				continue
			}
			got, err := client.Get(t.Context(), address, nil)
			if !errors.Is(err, egress.ErrRefused) || !errors.Is(client.Check(address), egress.ErrRefused) {
				t.Errorf("%s: Get(%q) = %v, %v, want ErrRefused", name, address, got, err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%s: the error shows the password: %v", name, err)
			}
		}
	}
}

// Class 54: what a client is told to fetch may not lead inside, whatever it is called.
func TestS9_InsideIsOutOfReach(t *testing.T) {
	t.Parallel()
	s, calls := server(t, func(http.ResponseWriter, *http.Request) {}, httptest.NewTLSServer)
	_, port, err := net.SplitHostPort(s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	c := egress.New(egress.Config{Roots: roots(s)})
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]",
		"169.254.169.254", "[fd00:ec2::254]", "10.0.0.1", "192.168.1.1", "100.100.100.200", "[64:ff9b::7f00:1]",
	} {
		got, err := c.Get(t.Context(), "https://"+host+":"+port+"/", nil)
		if !errors.Is(err, egress.ErrRefused) {
			t.Errorf("Get from %s = %v, %v, want ErrRefused", host, got, err)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("%d calls came through", n)
	}
	other := egress.New(egress.Config{Roots: roots(s), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	if _, err := other.Get(t.Context(), s.URL, nil); !errors.Is(err, egress.ErrRefused) {
		t.Errorf("Get of an address beside the listed one: %v", err)
	}
	listed := egress.New(egress.Config{Roots: roots(s), Allow: loopback})
	if _, err := listed.Get(t.Context(), s.URL, nil); err != nil || calls.Load() != 1 {
		t.Errorf("Get of a listed address: %v", err)
	}
}

func TestS9_NoRedirects(t *testing.T) {
	t.Parallel()
	inside, calls := server(t, func(http.ResponseWriter, *http.Request) {}, httptest.NewServer)
	s, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside.URL, http.StatusFound)
	}, httptest.NewServer)
	c := egress.New(egress.Config{InsecureLoopback: true})
	got, err := c.Get(t.Context(), s.URL, nil)
	if err != nil || got.Status != http.StatusFound || calls.Load() != 0 {
		t.Errorf("Get = %v, %v after %d calls of the target, want the redirect itself", got, err, calls.Load())
	}
	got, err = c.Post(t.Context(), s.URL, nil, []byte("secret"))
	if err != nil || got.Status != http.StatusFound || calls.Load() != 0 {
		t.Errorf("Post = %v, %v after %d calls of the target, want the redirect itself", got, err, calls.Load())
	}
}

// A proxy of the environment would look at no address.
func TestS9_NoProxy(t *testing.T) { // not parallel: it sets the environment
	proxy, calls := server(t, func(http.ResponseWriter, *http.Request) {}, httptest.NewServer)
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	c := egress.New(egress.Config{})
	if _, err := c.Get(t.Context(), "https://192.0.2.1/", nil); !errors.Is(err, egress.ErrRefused) || calls.Load() != 0 {
		t.Errorf("Get = %v, and %d calls reached the proxy", err, calls.Load())
	}
}

// What is meant for development is of no use elsewhere.
func TestS9_InsecureLoopback(t *testing.T) {
	t.Parallel()
	s, _ := server(t, func(http.ResponseWriter, *http.Request) {}, httptest.NewServer)
	c := egress.New(egress.Config{InsecureLoopback: true, Allow: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}})
	if _, err := c.Get(t.Context(), s.URL, nil); err != nil {
		t.Errorf("Get from loopback by http: %v", err)
	}
	for _, address := range []string{"http://192.0.2.1/", "https://192.0.2.1/", "http://10.0.0.1/", "https://8.8.8.8/", "http://169.254.169.254/"} {
		if _, err := c.Get(t.Context(), address, nil); !errors.Is(err, egress.ErrRefused) {
			t.Errorf("Get(%s) = %v, want ErrRefused", address, err)
		}
	}
}

func TestS9_AnswersAreBounded(t *testing.T) {
	t.Parallel()
	over, sent := make(chan struct{}), new(atomic.Int64)
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    error // nil means any
		ok      bool
	}{
		{"largest", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, egress.MaxBody)) }, nil, true},
		{"one more", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, egress.MaxBody+1)) }, egress.ErrTooLarge, false},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			for n, err := w.Write(make([]byte, 64<<10)); err == nil; n, err = w.Write(make([]byte, 64<<10)) {
				sent.Add(int64(n))
			}
		}, egress.ErrTooLarge, false},
		{"large header", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) }, nil, false},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-over }, context.DeadlineExceeded, false},
		{"stuck in the middle", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("x"))
			http.NewResponseController(w).Flush()
			<-over
		}, context.DeadlineExceeded, false},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("x"))
		}, nil, false},
		{"hung up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := server(t, tt.handler, httptest.NewServer)
			timeout := 5 * time.Second
			if errors.Is(tt.want, context.DeadlineExceeded) {
				timeout = 50 * time.Millisecond
			}
			got, err := egress.New(egress.Config{InsecureLoopback: true, Timeout: timeout}).Get(t.Context(), s.URL, nil)
			if (err == nil) != tt.ok || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Get = %v, %v, want %v", got, err, tt.want)
			}
			if tt.want == context.DeadlineExceeded {
				over <- struct{}{}
			}
		})
	}
	if n := sent.Load(); n > 16<<20 { // beside what the kernel holds on the way
		t.Errorf("%d bytes of the endless answer were taken", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := egress.New(egress.Config{}).Get(ctx, "https://192.0.2.1/", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Get after its context ended: %v", err)
	}
}

func TestS9_CertificatesAreChecked(t *testing.T) {
	t.Parallel()
	s, calls := server(t, func(http.ResponseWriter, *http.Request) {}, httptest.NewTLSServer)
	if got, err := egress.New(egress.Config{Allow: loopback}).Get(t.Context(), s.URL, nil); err == nil || calls.Load() != 0 {
		t.Errorf("Get from a server of an unknown authority = %v", got)
	}
}

func FuzzCheck(f *testing.F) {
	c := egress.New(egress.Config{})
	for _, s := range []string{"https://id.example.com/", "http://a", "https://u@h", "https://[::1%25lo]:1/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if err := c.Check(address); err != nil && !errors.Is(err, egress.ErrRefused) {
			t.Errorf("Check(%q): untyped error %v", address, err)
		}
	})
}
