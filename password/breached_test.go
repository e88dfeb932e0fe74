package password_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
)

const breached = "correct horse battery staple"

// suffix returns the part of a password's SHA-1 that stays here.
func suffix(s string) string { return fmt.Sprintf("%X", sha1.Sum([]byte(s)))[5:] }

func TestBreached(t *testing.T) {
	t.Parallel()
	padding, ours := strings.Repeat("0123456789ABCDEF0123456789ABCDEF012:0\r\n", 100), suffix(breached)
	body := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, s) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, ours+":1") }
	}
	elsewhere := httptest.NewServer(body(ours + ":9"))
	t.Cleanup(elsewhere.Close)
	tests := []struct {
		name    string
		handler http.HandlerFunc
		found   bool
		fails   bool
	}{
		{"found", body(padding + ours + ":12\r\n" + padding), true, false},
		{"found, last line open", body(padding + ours + ":1"), true, false},
		{"found, lower case and plain line feeds", body(strings.ToLower(ours) + ":3\n\n"), true, false},
		{"not found", body(padding), false, false},
		{"padding has our suffix", body(ours + ":0\r\n"), false, false},
		{"padding and not", body(ours + ":0\r\n" + ours + ":1\r\n"), true, false},

		{"nothing", body(""), false, true},
		{"blank", body("\r\n\r\n"), false, true},
		{"a page", body("<html>" + ours + ":1</html>"), false, true},
		{"no count", body(ours + "\r\n"), false, true},
		{"negative", body(ours + ":-1\r\n"), false, true},
		{"count too large", body(ours + ":99999999999999999999\r\n"), false, true},
		{"a suffix too short", body(ours[1:] + ":1\r\n"), false, true},
		{"no hex", body("G" + ours[1:] + ":1\r\n"), false, true},
		{"garbage behind", body(ours + ":1\r\n\x00\xff"), false, true},
		{"huge", body(strings.Repeat(padding, 100)), false, true},
		{"not found there", status(http.StatusNotFound), false, true},
		{"too many requests", status(http.StatusTooManyRequests), false, true},
		{"broken", status(http.StatusInternalServerError), false, true},
		{"no content", status(http.StatusNoContent), false, true},
		{"redirect", http.RedirectHandler(elsewhere.URL, http.StatusFound).ServeHTTP, false, true},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, false, true},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tt.handler)
			t.Cleanup(server.Close)
			for _, closed := range []bool{false, true} {
				var failed error
				c := password.BreachedConfig{
					URL: server.URL + "/range/", FailClosed: closed, InsecureLoopback: true, Failed: func(err error) { failed = err },
					Timeout: time.Minute, // machines are shared
				}
				if tt.name == "slow" {
					c.Timeout = time.Millisecond
				}
				b, err := password.NewBreached(c)
				if err != nil {
					t.Fatal(err)
				}
				err = b.Check(t.Context(), password.New(breached))
				want := error(nil)
				if tt.fails && closed {
					want = password.ErrUnavailable
				}
				if tt.found != slices.Equal(rules(err), []password.Rule{password.RuleBreached}) || !tt.found && !errors.Is(err, want) {
					t.Errorf("closed %v: Check = %v, want found %v, %v", closed, err, tt.found, want)
				}
				if tt.fails != errors.Is(failed, password.ErrUnavailable) {
					t.Errorf("closed %v: told of %v, want a failure %v", closed, failed, tt.fails)
				}
			}
		})
	}
}

// What leaves the process is five digits, whatever the keyboard.
func TestBreachedAsksForFiveDigits(t *testing.T) {
	t.Parallel()
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Add-Padding"))
		fmt.Fprint(w, strings.Repeat("0", 35)+":0")
	}))
	t.Cleanup(server.Close)
	b, err := password.NewBreached(password.BreachedConfig{URL: server.URL + "/range/", InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	want := "GET /range/" + fmt.Sprintf("%X", sha1.Sum([]byte("pässword")))[:5] + " true"
	for _, typed := range []string{"pässword", "pa\u0308ssword"} {
		if err := b.Check(t.Context(), password.New(typed)); err != nil {
			t.Errorf("Check(%q) = %v", typed, err)
		}
	}
	for _, typed := range []string{"", "\xff", strings.Repeat("x", 1<<20)} {
		if err := b.Check(t.Context(), password.New(typed)); err == nil {
			t.Errorf("Check(%.5q) = nil", typed)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Check(gone, password.New(breached)); !errors.Is(err, context.Canceled) {
		t.Errorf("Check after the caller has gone = %v", err)
	}
	if len(asked) != 2 || asked[0] != want || asked[1] != want {
		t.Errorf("asked %q, want %q twice", asked, want)
	}
}

func TestNewBreachedRefuses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"http://api.example.com/range/", "ftp://api.example.com/", "api.example.com", "https://", "https://u:p@api.example.com/",
		"https://api.example.com/?range=", "https://api.example.com/#", "::",
	} {
		if _, err := password.NewBreached(password.BreachedConfig{URL: address}); err == nil {
			t.Errorf("NewBreached(%q) = nil", address)
		}
	}
	if _, err := password.NewBreached(password.BreachedConfig{}); err != nil {
		t.Errorf("NewBreached of nothing = %v", err)
	}
	b, err := password.NewBreached(password.BreachedConfig{URL: "https://127.0.0.1:1/", FailClosed: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(t.Context(), password.New(breached)); !errors.Is(err, password.ErrUnavailable) {
		t.Errorf("Check at a private address = %v, want ErrUnavailable", err)
	}
}
