package hosted_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/hosted/dev"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// Pages that are not set up rightly refuse everything, the app too, and say why to who may know.
func TestConfigProblems(t *testing.T) {
	t.Parallel()
	plain := pooltest.New(t).Pool
	several := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &pool.Settings{Clients: []pool.Client{
		{ID: "a"}, {ID: "b"}, {ID: "server", Confidential: true}, {ID: "mute", Flows: []pool.Flow{}},
	}}})).Pool
	production := pooltest.New(t, pooltest.WithConfig(pool.Config{Issuer: "https://id.example.com"})).Pool
	for _, tt := range []struct {
		name string
		p    *pool.Pool
		c    hosted.Config
		want string
	}{
		{"no pool", nil, hosted.Config{}, "no pool"},
		{"relative path", plain, hosted.Config{Path: "auth"}, "Path"},
		{"root", plain, hosted.Config{Path: "/"}, "Path"},
		{"slash at the end", plain, hosted.Config{Path: "/auth/"}, "Path"},
		{"dots", plain, hosted.Config{Path: "/a/../b"}, "Path"},
		{"home elsewhere", plain, hosted.Config{Home: "https://example.com"}, "Home"},
		{"home of another host", plain, hosted.Config{Home: "//example.com"}, "Home"},
		{"origin with a path", plain, hosted.Config{Origin: "https://example.com/"}, "Origin"},
		{"origin without a scheme", plain, hosted.Config{Origin: "example.com"}, "Origin"},
		{"plain origin in production", production, hosted.Config{Origin: "http://example.com"}, "Origin"},
		{"unknown client", plain, hosted.Config{Client: "a"}, "Client"},
		{"which client", several, hosted.Config{}, "Client"},
		{"client with a secret", several, hosted.Config{Client: "server"}, "Client"},
		{"client without passwords", several, hosted.Config{Client: "mute"}, "Client"},
		{"mailbox in production", production, hosted.Config{Dev: dev.InsecureDev(mailbox.New())}, "development mode"},
		{"no mailbox", plain, hosted.Config{Dev: dev.InsecureDev(nil)}, "development mode"},
		{"two problems", plain, hosted.Config{Path: "x", Home: "y"}, "Path is such as"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			tt.c.Logger = logger(&log)
			pages := hosted.New(tt.p, tt.c)
			if err := pages.Err(); !errors.Is(err, hosted.ErrConfig) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Err = %v, want one about %s", err, tt.want)
			}
			app := pages.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the app was reached") }))
			for _, path := range []string{"/", "/auth/sign-in", "/dev/mailbox", "/auth/style-x.css"} {
				w := httptest.NewRecorder()
				app.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
				if w.Code != http.StatusInternalServerError {
					t.Errorf("GET %s = %d, want 500", path, w.Code)
				}
				if told := strings.Contains(w.Body.String(), tt.want); told != (tt.p != nil && tt.p != production) {
					t.Errorf("GET %s says %q", path, w.Body.String())
				}
			}
			if !strings.Contains(log.String(), tt.want) {
				t.Errorf("the log says %q", log.String())
			}
		})
	}
	for name, c := range map[string]hosted.Config{
		"zero": {}, "elsewhere": {Path: "/users/me", Home: "/start?x=1", Origin: "http://localhost:8080"}, "by name": {Client: "default"},
	} {
		if err := hosted.New(plain, c).Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if pages := hosted.New(several, hosted.Config{Client: "b"}); pages.Err() != nil || pages.Sessions() == nil {
		t.Errorf("a pool of two clients: %v", pages.Err())
	}
}

// Pages can be somewhere else, and by themselves.
func TestPagesElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{}, hosted.Config{Path: "/users", Home: "/start"})
	s.Person(ada)
	b := s.browser()
	p := b.open("/x")
	b.at(p, "/users/sign-in")
	b.shows(p, `action="/users/sign-in"`)
	b.shows(p, `<a href="/start" id="home"`)
	p = b.post(b.open("/users/sign-in"), "submit", "username", ada, "password", secret)
	b.at(p, "/start")
	b.at(b.post(b.open("/users/account"), "to-sign-out"), "/users/sign-in")
}

// In production cookies are bound to the host, and pages to the origin that the issuer names.
func TestProductionCookies(t *testing.T) {
	t.Parallel()
	s := open(t, true, pool.Config{}, hosted.Config{})
	s.Person(ada)
	b := s.browser()
	p := b.open("/auth/sign-in")
	in := b.send(p, "submit", "username", ada, "password", secret)
	if in.status != http.StatusSeeOther || len(in.cookies) < 3 {
		t.Fatalf("sign-in = %d with %v", in.status, in.cookies)
	}
	for _, c := range append(p.cookies, in.cookies...) {
		if !strings.HasPrefix(c.Name, "__Host-userpool.") || !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("cookie %v", c)
		}
		if !strings.HasSuffix(c.Name, ".default") {
			t.Errorf("cookie %s does not name the pool", c.Name)
		}
	}
}
