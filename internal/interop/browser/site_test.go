package browser_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/hosted/dev"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/web"
)

const (
	ada   = "ada@example.com"
	bob   = "bob@example.com"
	other = "Nine loud crows, 2 hills & some snow."
)

// secret is the password of everybody.
var secret = pooltest.Password.Reveal()

// site is a program with accounts on a free port of 127.0.0.1.
type site struct {
	*pooltest.Kit // nil: examples/hello, whose clock is the world's
	url           string
	box           *mailbox.Mailbox

	brake brake
}

// hello is what examples/hello runs, wired the same.
func hello(t *testing.T) *site {
	t.Helper()
	s := &site{box: mailbox.New()}
	p, err := pool.Open(t.Context(), memory.New(), pool.Config{Sender: s.box})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.WithoutCancel(t.Context())) })
	s.serve(t, p)
	return s
}

// open is the same on a pool whose clock the test moves.
func open(t *testing.T, settings pool.Settings) *site {
	t.Helper()
	return openWith(t, pool.Config{Settings: &settings}, "127.0.0.1")
}

// openWith is the same with more of a Config, on a host of this machine.
func openWith(t *testing.T, c pool.Config, host string) *site {
	t.Helper()
	s := &site{box: mailbox.New()}
	srv := s.listen(t)
	s.url = strings.Replace(s.url, "127.0.0.1", host, 1)
	settings := c.Settings
	c.Sender, c.Issuer = s.box, s.url
	if settings.SignUp.ByLink {
		c.ConfirmURL = s.url + "/auth/link"
	}
	s.Kit = pooltest.New(t, pooltest.WithConfig(c))
	s.answer(t, srv, s.Pool)
	return s
}

func (s *site) serve(t *testing.T, p *pool.Pool) { s.answer(t, s.listen(t), p) }

// listen takes a port. Requests wait until there is somebody to answer.
func (s *site) listen(t *testing.T) *httptest.Server {
	srv := httptest.NewUnstartedServer(nil)
	s.url = "http://" + srv.Listener.Addr().String()
	t.Cleanup(srv.Close)
	return srv
}

func (s *site) answer(t *testing.T, srv *httptest.Server, p *pool.Pool) {
	t.Helper()
	home := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello, %s", web.User(r.Context()).Username)
	}
	pages := hosted.New(p, hosted.Config{Dev: dev.InsecureDev(s.box)})
	if err := pages.Err(); err != nil {
		t.Fatal(err)
	}
	srv.Config.Handler = s.brake.slow(pages.Wrap(http.HandlerFunc(home)))
	srv.Start()
}

// deliver waits until an address has got so many messages in all.
func (s *site) deliver(t *testing.T, to string, n int) {
	t.Helper()
	if s.Kit != nil {
		s.Clock.Advance(0)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := s.box.Wait(ctx, to, n); err != nil {
		t.Fatalf("%d messages to %s: %v", n, to, err)
	}
}

// brake makes answers to forms wait, so that there is time for a second click: on loopback the page is gone
// before a finger is up.
type brake struct {
	mu   sync.Mutex
	held chan struct{} // nil: nothing waits
}

// hold has answers to forms wait until release is called.
func (b *brake) hold() (release func()) {
	held := make(chan struct{})
	b.set(held)
	return sync.OnceFunc(func() {
		b.set(nil)
		close(held)
	})
}

func (b *brake) set(held chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = held
}

func (b *brake) slow(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		held := b.held
		b.mu.Unlock()
		if held != nil && r.Method == http.MethodPost {
			w = &late{w, r, held}
		}
		next.ServeHTTP(w, r)
	})
}

// late is an answer that is sent when it may be, or the browser has gone.
type late struct {
	http.ResponseWriter
	r    *http.Request
	held chan struct{}
}

func (l *late) WriteHeader(status int) {
	select {
	case <-l.held:
	case <-l.r.Context().Done():
	}
	l.ResponseWriter.WriteHeader(status)
}
