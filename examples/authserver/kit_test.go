package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
)

// A test that needs a process of its own runs this very binary, which is the program then.
const asProgram = "AUTHSERVER_IS_THE_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(postgrestest.Main(m))
}

const (
	ada    = "ada@example.com"
	secret = "correct horse battery staple"
)

// logged is what a program writes, which can be waited for.
type logged struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func newLogged() *logged { return &logged{more: make(chan struct{}, 1)} }

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// wait returns what a pattern finds in the log, as soon as it does.
func (l *logged) wait(t *testing.T, pattern string) []string {
	t.Helper()
	late := time.After(30 * time.Second)
	for {
		if found := regexp.MustCompile(pattern).FindStringSubmatch(l.String()); found != nil {
			return found
		}
		select {
		case <-l.more:
		case <-late:
			t.Fatalf("the log has no %s:\n%s", pattern, l)
		}
	}
}

// node is one process of the program, or one run of it in this process, as seen from outside.
type node struct {
	t                *testing.T
	public, operator string // URLs
	token            string
	log              *logged
	end              func()       // tells it to end
	ended            func() error // waits until it has
}

// files are the flags for files of a test's own, and free ports.
func files(dir string) []string {
	return []string{
		"-listen=127.0.0.1:0", "-operator=127.0.0.1:0", "-issuer=http://127.0.0.1/{pool}", "-drain=0s",
		"-database=" + filepath.Join(dir, "authserver.db"), "-keys=" + filepath.Join(dir, "keys"),
		"-operators=" + filepath.Join(dir, "operators"),
	}
}

// start runs the program in this process, with further flags, until the test ends.
func start(t *testing.T, dir string, flags ...string) *node {
	t.Helper()
	c, err := configure(append(files(dir), flags...), func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	log, ended := newLogged(), make(chan error, 1)
	go func() { ended <- run(ctx, c, log) }()
	n := &node{t: t, log: log, end: stop, ended: sync.OnceValue(func() error { return <-ended })}
	n.await(c.operators)
	return n
}

// spawn runs the program as a process of its own.
func spawn(t *testing.T, dir string, flags ...string) (*node, *os.Process) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append(files(dir), flags...)...)
	log := newLogged()
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), asProgram+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, log: log, end: func() { cmd.Process.Signal(os.Interrupt) }, ended: sync.OnceValue(cmd.Wait)}
	n.await(filepath.Join(dir, "operators"))
	return n, cmd.Process
}

// await waits until a node serves. It ends with the test.
func (n *node) await(operators string) {
	n.t.Helper()
	n.t.Cleanup(func() {
		n.end()
		if err := n.ended(); err != nil {
			n.t.Errorf("the program ended with %v\n%s", err, n.log)
		}
	})
	found := n.log.wait(n.t, `"public":"([^"]+)","operator":"([^"]+)"`)
	n.public, n.operator = "http://"+found[1], "http://"+found[2]
	text, err := os.ReadFile(operators)
	if err != nil {
		n.t.Fatal(err)
	}
	n.token = regexp.MustCompile(`(?m)^\w+ (\w+)$`).FindStringSubmatch(string(text))[1]
}

// answer is what a request got.
type answer struct {
	status int
	proto  int // version of HTTP
	header http.Header
	body   string
	closes bool // the connection
	// Of steps and refusals, where the body is one.
	Step, Ticket, Error, Username, Subject, ID, Secret, Next string
	Groups                                                   []string
	Pools, Users, Events                                     []map[string]any
}

// ask sends a request; with a body it is JSON from a page of the same origin.
func ask(t *testing.T, c *http.Client, method, url, body string, header ...string) answer {
	t.Helper()
	a, err := try(t.Context(), c, method, url, body, header...)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return a
}

func try(ctx context.Context, c *http.Client, method, url, body string, header ...string) (a answer, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Accept", "application/json")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for pair := range slices.Chunk(header, 2) {
		r.Header.Set(pair[0], pair[1])
	}
	res, err := c.Do(r)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	a.status, a.proto, a.header, a.body, a.closes = res.StatusCode, res.ProtoMajor, res.Header, string(text), res.Close
	json.Unmarshal(text, &a) // of other kinds of answers nothing is wanted
	return a, err
}

// operate calls the operator's API of a node, and wants a status.
func (n *node) operate(want int, method, path, body string, header ...string) answer {
	n.t.Helper()
	a := ask(n.t, http.DefaultClient, method, n.operator+path, body, append([]string{"Authorization", "Bearer " + n.token}, header...)...)
	if a.status != want {
		n.t.Fatalf("%s %s = %d %s, want %d", method, path, a.status, a.body, want)
	}
	return a
}

// visitor is a browser.
type visitor struct {
	t      *testing.T
	base   string // URL of a pool
	client *http.Client
}

// visit opens a browser at a pool.
func visit(t *testing.T, base string, c *http.Client) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	noRedirect := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &visitor{t, base, &http.Client{Jar: jar, Transport: c.Transport, CheckRedirect: noRedirect}}
}

// get asks for something, and wants a status.
func (v *visitor) get(want int, path string) answer { v.t.Helper(); return v.do(want, "GET", path, "") }

// post sends names and values, and wants a status.
func (v *visitor) post(want int, path string, pairs ...string) answer {
	v.t.Helper()
	in := map[string]string{}
	for pair := range slices.Chunk(pairs, 2) {
		in[pair[0]] = pair[1]
	}
	text, _ := json.Marshal(in)
	return v.do(want, "POST", path, string(text))
}

func (v *visitor) do(want int, method, path, body string) answer {
	v.t.Helper()
	a := ask(v.t, v.client, method, v.base+path, body)
	if a.status != want {
		v.t.Fatalf("%s %s = %d %s, want %d", method, v.base+path, a.status, a.body, want)
	}
	return a
}

var mailedCode = regexp.MustCompile(`\b[0-9]{6,8}\b`)

// mailed returns what a pattern finds in the mailbox of a trial, newest first, as soon as it does.
func (v *visitor) mailed(pattern *regexp.Regexp) []string {
	v.t.Helper()
	for range 500 {
		if found := pattern.FindStringSubmatch(v.get(200, "/dev/mailbox").body); found != nil {
			return found
		}
		time.Sleep(10 * time.Millisecond) // another goroutine sends it
	}
	v.t.Fatal("no mail came")
	return nil
}

// code returns the code that was mailed.
func (v *visitor) code() string { v.t.Helper(); return v.mailed(mailedCode)[0] }

// until asks until an answer is as wanted.
func until(t *testing.T, url string, want int) {
	t.Helper()
	for range 1000 {
		if a, err := try(t.Context(), http.DefaultClient, "GET", url, ""); err == nil && a.status == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s is not %d", url, want)
}

func now() time.Time { return time.Now() }

// around lets a client ask a handler.
func around(h http.Handler) http.RoundTripper { return handlerTransport{h} }

type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}
