package web_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
	"github.com/userpool-go/userpool/web"
)

var shop = pool.Settings{Groups: []pool.Group{{Name: "staff"}, {Name: "Staff"}, {Name: "boss", Precedence: new(1)}}}

// handler is a shop's, of pages for everybody who has signed in, and for its staff.
func handler(s *web.Sessions) http.Handler {
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	mux := http.NewServeMux()
	mux.Handle("/", s.Require(page))
	mux.Handle("/admin", s.RequireGroup("staff")(page))
	return s.Load(mux)
}

// How a program tests who may see its pages.
func TestWhoMaySee(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &shop}))
	app := handler(web.New(k.Pool, web.Config{}))
	ada := k.Person("ada@example.com") // signed up, confirmed, signed in
	root := k.Person("root@example.com", pooltest.InGroup("staff"))
	gone := k.Person("bob@example.com", pooltest.InGroup("staff"))
	gone.SignOut() // the session is revoked; the person still holds the cookie
	eve := k.Person("eve@example.com", pooltest.InGroup("staff"), pooltest.Disabled())
	get := func(who *pooltest.Person, path string, want int) {
		t.Helper()
		w := httptest.NewRecorder()
		if app.ServeHTTP(w, who.Request("GET", path)); w.Code != want {
			t.Errorf("GET %s as %s = %d, want %d", path, who.Login, w.Code, want)
		}
	}
	get(ada, "/", 200)
	get(ada, "/admin", 403)
	get(root, "/admin", 200)
	get(gone, "/admin", 303)
	get(eve, "/admin", 303)
	k.Clock.Advance(31 * 24 * time.Hour) // also delivers what is due and sweeps
	get(root, "/admin", 303)
}

// An access token and a browser session of one user open the same to groups, but that a guard without any
// opens a page to nobody.
func TestRequireGroupAsTokensDo(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Settings: &shop}))
	s := web.New(k.Pool, web.Config{})
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	both := k.Person("both@example.com", pooltest.InGroup("staff"), pooltest.InGroup("boss"), pooltest.InGroup("staff"))
	none := k.Person("none@example.com")
	for _, tt := range []struct {
		groups []string
		both   int
	}{
		{[]string{"staff"}, 200},
		{[]string{"boss"}, 200},
		{[]string{"boss", "staff"}, 200},
		{[]string{"other", "staff"}, 200},
		{[]string{}, 403},
		{[]string{"Staff"}, 403},
		{[]string{"STAFF"}, 403},
		{[]string{"staf"}, 403},
		{[]string{"staffs"}, 403},
		{[]string{""}, 403},
		{[]string{"staff\x00"}, 403},
		{[]string{" staff"}, 403},
		{[]string{"staff "}, 403},
		{[]string{"boss,staff"}, 403},
		{[]string{"boss staff"}, 403},
		{[]string{"*"}, 403},
		{[]string{"stаff"}, 403}, // with a Cyrillic а
		{[]string{"staﬀ"}, 403},
		{[]string{"cognito:groups"}, 403},
		{[]string{"other"}, 403},
	} {
		page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		for name, h := range map[string]http.Handler{
			"session":      s.RequireGroup(tt.groups...)(page),
			"after Load":   s.Load(s.RequireGroup(tt.groups...)(page)),
			"access token": v.Middleware(token.Require(token.Requirement{Groups: tt.groups})(page)),
		} {
			for who, want := range map[*pooltest.Person]int{both: tt.both, none: 403} {
				for _, method := range []string{"GET", "POST"} {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, who.Request(method, "/"))
					if w.Code != want || want == 403 && w.Header().Get("Cache-Control") != "no-store" {
						t.Errorf("%q by %s: %s as %s = %d, want %d", tt.groups, name, method, who.Login, w.Code, want)
					}
				}
			}
		}
	}
	w := httptest.NewRecorder()
	s.RequireGroup()(http.NotFoundHandler()).ServeHTTP(w, both.Request("GET", "/"))
	if w.Code != http.StatusForbidden {
		t.Errorf("no groups at all: %d, want 403", w.Code)
	}
}

// Who is not signed in is asked to, as by Require, and what other sites cause is nobody's.
func TestRequireGroupOfNobody(t *testing.T) {
	t.Parallel()
	st := &storagetest.Faulty{Store: memory.New()}
	defer st.Close()
	k := pooltest.New(t, pooltest.WithStore(st), pooltest.WithConfig(pool.Config{Settings: &shop}))
	app, root := handler(web.New(k.Pool, web.Config{})), k.Person(ada, pooltest.InGroup("staff"))
	ask := func(what string, r *http.Request, want int, to string) {
		t.Helper()
		w := httptest.NewRecorder()
		if app.ServeHTTP(w, r); w.Code != want || w.Header().Get("Location") != to {
			t.Errorf("%s = %d to %q, want %d to %q", what, w.Code, w.Header().Get("Location"), want, to)
		}
	}
	ask("a navigation", httptest.NewRequest("GET", "/admin", nil), 303, "/login?return_to=%2Fadmin")
	ask("a form", httptest.NewRequest("POST", "/admin", nil), 401, "")
	cross := root.Request("POST", "/admin")
	cross.Header.Set("Sec-Fetch-Site", "cross-site")
	ask("a form of another site", cross, 401, "")
	alone := root.Request("GET", "/admin") // the token tells the group, and opens no page
	alone.Header.Del("Cookie")
	ask("a token", alone, 303, "/login?return_to=%2Fadmin")
	st.Set(down)
	ask("without a store", root.Request("GET", "/admin"), 503, "")
	st.Set(nil)
}

// Whoever is taken out of a group is out at the next request, in the session in which they were in it.
func TestT3_LeavingAGroupClosesItsPages(t *testing.T) {
	t.Parallel()
	st := memory.New()
	defer st.Close()
	k := pooltest.New(t, pooltest.WithStore(st), pooltest.WithConfig(pool.Config{Settings: &shop}))
	s := web.New(k.Pool, web.Config{})
	p := k.Person(ada, pooltest.InGroup("staff"), pooltest.InGroup("boss"))
	edit := func(change func(u *user.User)) {
		t.Helper()
		got, err := st.Read(t.Context(), k.ID(), storage.Want{Now: k.Clock.Now(), User: user.ByID(p.ID())})
		if err != nil {
			t.Fatal(err)
		}
		change(got.User)
		if err := st.Commit(t.Context(), storage.Put(got.User)); err != nil {
			t.Fatal(err)
		}
	}
	see := func(want int, groups ...string) {
		t.Helper()
		w := httptest.NewRecorder()
		if handler(s).ServeHTTP(w, p.Request("GET", "/admin")); w.Code != want {
			t.Errorf("/admin = %d, want %d", w.Code, want)
		}
		s.Require(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if got := web.User(r.Context()).Groups; !slices.Equal(got, groups) {
				t.Errorf("groups %q, want %q", got, groups)
			}
		})).ServeHTTP(w, p.Request("GET", "/"))
	}
	see(200, "boss", "staff")
	edit(func(u *user.User) { u.Leave("staff") })
	see(403, "boss")
	edit(func(u *user.User) { u.Groups = []string{"Staff", "boss", "staffs", "stаff"} })
	see(403, "boss", "Staff")
	edit(func(u *user.User) { u.Groups = nil })
	see(403)
	edit(func(u *user.User) {
		if err := u.Join("staff"); err != nil {
			t.Error(err)
		}
	})
	see(200, "staff")
}

// In the group of that name in another pool one is not in this one's.
func TestS7_GroupsAreThePoolsOwn(t *testing.T) {
	t.Parallel()
	a := pooltest.New(t, pooltest.WithConfig(pool.Config{ID: "a", Settings: &shop}))
	b := pooltest.New(t, pooltest.WithConfig(pool.Config{ID: "b", Settings: &shop}))
	ofA, ofB := web.New(a.Pool, web.Config{}), web.New(b.Pool, web.Config{})
	root, plain := a.Person(ada, pooltest.InGroup("staff")), b.Person(ada)
	r := root.Request("GET", "/")
	r.AddCookie(plain.Cookie())
	page := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for name, tt := range map[string]struct {
		h    http.Handler
		want int
	}{
		"a":                {ofA.RequireGroup("staff")(page), 200},
		"b":                {ofB.RequireGroup("staff")(page), 403},
		"a, then b":        {ofA.RequireGroup("staff")(ofB.RequireGroup("staff")(page)), 403},
		"a, within b":      {ofB.Load(ofA.RequireGroup("staff")(page)), 200},
		"b, within a":      {ofA.Load(ofB.RequireGroup("staff")(page)), 403},
		"b, a and b again": {ofB.Load(ofA.Load(ofB.RequireGroup("staff")(page))), 403},
	} {
		w := httptest.NewRecorder()
		if tt.h.ServeHTTP(w, r); w.Code != tt.want {
			t.Errorf("%s: %d, want %d", name, w.Code, tt.want)
		}
	}
}
