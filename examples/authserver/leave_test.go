package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// A node that is told to end (SIGTERM) says so at /readyz first and serves on; whoever sent a request
// until it stopped listening is answered.
func TestSIGTERMCutsNobodyOff(t *testing.T) {
	t.Parallel()
	n, process := spawn(t, t.TempDir(), "-drain=1s")
	n.operate(201, "POST", "/pools", `{"id":"acme"}`)
	until(t, n.public+"/readyz", 200)

	// Of one request half is sent before and half after the listener has closed.
	slow, err := net.Dial("tcp", strings.TrimPrefix(n.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	body := `{"username":"` + ada + `","password":"` + secret + `"}`
	fmt.Fprintf(slow, "POST /acme/auth/sign-up HTTP/1.1\r\nHost: %s\r\nAccept: application/json\r\nContent-Type: application/json\r\n"+
		"Sec-Fetch-Site: same-origin\r\nContent-Length: %d\r\n\r\n%s", strings.TrimPrefix(n.public, "http://"), len(body), body[:9])

	// Others sign in all the time, on connections that they keep, until they are told to go elsewhere.
	var sent atomic.Int64
	var load sync.WaitGroup
	for range 8 {
		v := visit(t, n.public+"/acme", &http.Client{Transport: new(http.Transport)})
		load.Go(func() {
			for {
				a, err := try(t.Context(), v.client, "POST", v.base+"/auth/sign-in", `{"username":"`+ada+`","password":"x"}`)
				if sent.Add(1); err != nil || a.status != 401 && a.status != 429 {
					t.Errorf("a request under way got %d, %v", a.status, err)
				}
				if err != nil || a.closes {
					return
				}
			}
		})
	}
	for sent.Load() < 20 {
		try(t.Context(), http.DefaultClient, "GET", n.public+"/healthz", "")
	}
	if err := process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	until(t, n.public+"/readyz", 503)
	if a := ask(t, http.DefaultClient, "GET", n.public+"/acme/session", ""); a.status != 401 || !a.closes {
		t.Errorf("a node that is leaving answers %d, and keeps the connection: %v", a.status, !a.closes)
	}
	load.Wait()
	for { // until it listens no more
		c, err := net.Dial("tcp", strings.TrimPrefix(n.public, "http://"))
		if err != nil {
			break
		}
		c.Close()
	}
	fmt.Fprint(slow, body[9:])
	res, err := http.ReadResponse(bufio.NewReader(slow), nil)
	if err != nil {
		t.Fatalf("the slow request is cut: %v", err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("the slow request got %d", res.StatusCode)
	}
	if err := n.ended(); err != nil {
		t.Errorf("the process ended with %v\n%s", err, n.log)
	}
}

// What panics is a 500 and a line in the log, without the value: it may hold anything.
func TestPanics(t *testing.T) {
	t.Parallel()
	log := newLogged()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /before", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "session=of-nobody")
		panic(secret)
	})
	mux.HandleFunc("GET /after", func(w http.ResponseWriter, _ *http.Request) {
		say(w, 200, strings.Repeat("x", 1<<16))
		panic(secret)
	})
	logger := newLogger(log)
	counts := newMetrics(now())
	srv := httptest.NewServer(&observed{mux, &readiness{log: logger, now: now}, logger, counts, now})
	defer srv.Close()
	if a, err := try(t.Context(), http.DefaultClient, "GET", srv.URL+"/before", ""); err != nil || a.status != 500 || a.header.Get("Set-Cookie") != "" {
		t.Errorf("%d, %v with %v", a.status, err, a.header)
	}
	if a, err := try(t.Context(), http.DefaultClient, "GET", srv.URL+"/after", ""); err == nil {
		t.Errorf("an answer that broke off looks whole: %d", a.status)
	}
	log.wait(t, `(?s)"request panicked","stack":".*TestPanics.*"request panicked"`)
	if strings.Contains(log.String(), secret) {
		t.Errorf("the log holds the value:\n%s", log)
	}
	if shown := ask(t, &http.Client{Transport: around(counts)}, "GET", "http://x/", "").body; !strings.Contains(shown, `{route="GET /before",code="500"} 1`) {
		t.Errorf("not counted:\n%s", shown)
	}
}
