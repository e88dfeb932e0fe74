package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
	"github.com/userpool-go/userpool/web"
)

// counted counts reads of sessions.
type counted struct {
	storage.Store
	mu sync.Mutex
	n  int
}

func (c *counted) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.Session != (storage.SessionKey{}) {
		c.n++
	}
	return c.Store.Read(ctx, p, w)
}

func TestOneReadARequest(t *testing.T) {
	t.Parallel()
	st := &counted{Store: memory.New()}
	defer st.Close()
	k := pooltest.New(t, pooltest.WithStore(st))
	s, p := web.New(k.Pool, web.Config{}), k.Person(ada)
	app := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if web.User(r.Context()).ID != p.ID() {
			t.Error("it is not Ada")
		}
		if _, err := s.Account(r); err != nil {
			t.Error(err)
		}
	})
	ask := func(h http.Handler, r *http.Request, want int) {
		t.Helper()
		st.n = 0
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if st.n != want || len(w.Header().Values("Vary")) != 1 {
			t.Errorf("%d reads, want %d; Vary %q", st.n, want, w.Header().Values("Vary"))
		}
	}
	for _, h := range []http.Handler{s.Load(app), s.Require(app), s.Load(s.Require(app)), s.Load(s.Load(s.Require(s.Require(app))))} {
		ask(h, p.Request("GET", "/"), 1)
		ask(h, p.Request("POST", "/"), 1)
	}
	ask(s.Load(http.NotFoundHandler()), httptest.NewRequest("GET", "/", nil), 0)
	cross := p.Request("POST", "/")
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	ask(s.Require(http.NotFoundHandler()), cross, 0)
}

// Of two pools on one host each knows its own users, in whatever order they stand.
func TestTwoPools(t *testing.T) {
	t.Parallel()
	a := pooltest.New(t, pooltest.WithConfig(pool.Config{ID: "a"}))
	b := pooltest.New(t, pooltest.WithConfig(pool.Config{ID: "b"}))
	ofA, ofB := web.New(a.Pool, web.Config{}), web.New(b.Pool, web.Config{})
	p := a.Person(ada)
	w := httptest.NewRecorder()
	ofA.Load(ofB.Load(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := ofA.Account(r); err != nil {
			t.Errorf("in the pool of Ada: %v", err)
		}
		if _, err := ofB.Account(r); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("in the other: %v, want ErrNotAuthorized", err)
		}
		if u := web.User(r.Context()); u.ID != "" {
			t.Errorf("the innermost pool knows %q", u.Username)
		}
	}))).ServeHTTP(w, p.Request("GET", "/"))
	ofB.Load(ofA.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if u := web.User(r.Context()); u.ID != p.ID() {
			t.Errorf("the innermost pool knows %q", u.Username)
		}
	}))).ServeHTTP(w, p.Request("GET", "/"))
}

// A guard wraps a handler, not a path: no spelling of a path goes round it (CVE class 10).
func TestNoPathGoesRound(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	for _, path := range []string{
		"/me", "//me", "/./me", "/x/../me", "/me/", "/%6de", "/me%2f", "/me%00", "/me;a", "/me?a", "/ME", "///me//", "/me/..", "/me/../me",
		"/%2e/me", "/me%3f", "/me.", "/.%2fme", "/;/me", "/me%20", "/login/../me", "/login/..%2fme",
	} {
		r := s.request("GET", "/")
		r.URL.Path, r.RequestURI = path, path
		if u, err := r.URL.Parse(path); err == nil {
			r.URL = u
		}
		guarded := http.NewServeMux()
		guarded.Handle("/me", s.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s let through", path) })))
		guarded.Handle("/me/", s.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s let through", path) })))
		s.Load(guarded).ServeHTTP(httptest.NewRecorder(), r)
	}
}

func TestNobody(t *testing.T) {
	t.Parallel()
	if u := web.User(t.Context()); u.ID != "" || u.Username != "" {
		t.Errorf("without Load it is %+v", u)
	}
	s := open(t, "")
	if a, err := s.Account(s.request("GET", "/")); a != nil || !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("Account = %v, %v, want ErrNotAuthorized", a, err)
	}
}

// What the app does when it panics is its server's affair.
func TestPanicsGoThrough(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	p := s.Person(ada)
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("the panic was kept")
		}
	}()
	s.Load(s.Require(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))).
		ServeHTTP(httptest.NewRecorder(), p.Request("GET", "/"))
}

// Many tabs at once, while one of them signs out.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	s := open(t, "")
	p := s.Person(ada)
	h := s.Load(s.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if web.User(r.Context()).ID != p.ID() {
			t.Error("it is not Ada")
		}
	})))
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i := range 32 {
		r := p.Request("POST", "/")
		wg.Go(func() {
			<-gate
			w := httptest.NewRecorder()
			if i == 16 {
				if err := s.End(w, r); err != nil {
					t.Errorf("End: %v", err)
				}
				return
			}
			if h.ServeHTTP(w, r); w.Code != http.StatusOK && w.Code != http.StatusUnauthorized {
				t.Errorf("tab %d: %d", i, w.Code)
			}
		})
	}
	close(gate)
	wg.Wait()
	if got := s.user(p.Request("GET", "/")); got != "" {
		t.Errorf("after signing out: %q", got)
	}
}
