package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/web"
)

// hostileCookies are values of a Cookie header, made from a session's name and value.
func hostileCookies(name, value string) map[string][]string {
	return map[string][]string{
		"none":                      nil,
		"empty":                     {name + "="},
		"blank":                     {name + "= "},
		"name alone":                {name},
		"quote":                     {name + `="`},
		"cut":                       {name + "=" + value[:len(value)-1]},
		"longer":                    {name + "=" + value + "A"},
		"altered":                   {name + "=" + value[:9] + flip(value[9]) + value[10:]},
		"other case of the name":    {strings.ToUpper(name) + "=" + value},
		"name and more":             {name + "2=" + value},
		"without its beginning":     {name[2:] + "=" + value},
		"name in quotes":            {`"` + name + `"=` + value},
		"in the value of another":   {"a=" + name + "=" + value},
		"nameless":                  {"=" + name + "=" + value},
		"twice":                     {name + "=" + value + "; " + name + "=" + value},
		"another's before":          {name + "=v1.AAAA; " + name + "=" + value},
		"another's behind":          {name + "=" + value + "; " + name + "=v1.AAAA"},
		"another's in another line": {name + "=" + value, name + "=v1.AAAA"},
		"5 KB":                      {name + "=v1." + strings.Repeat("A", 5<<10)},
		"1 MB":                      {name + "=v1." + strings.Repeat("A", 1<<20)},
		"control character":         {name + "=" + value[:9] + "\x00" + value[10:]},
		"line break":                {name + "=" + value + "\r\nX: y"},
		"percent":                   {name + "=" + value[:9] + "%41" + value[10:]},
		"comma":                     {"a=b, " + name + "=" + value},
	}
}

func flip(b byte) string {
	if b == 'A' {
		return "B"
	}
	return "A"
}

func TestHostileCookies(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"", production} {
		s := open(t, issuer)
		c := s.Person(ada).Cookie()
		for name, lines := range hostileCookies(c.Name, c.Value) {
			r := s.request("GET", "/")
			r.Header["Cookie"] = lines
			if got := s.user(r); got != "" {
				t.Errorf("%q, %s: %q, want nobody", issuer, name, got)
			}
			r = s.request("POST", "/logout")
			r.Header["Cookie"] = lines
			if s.do(r); s.err != nil {
				t.Errorf("%q, %s: sign-out = %v", issuer, name, s.err)
			}
		}
		for name, line := range map[string]string{
			"alone":             c.Name + "=" + c.Value,
			"in quotes":         c.Name + `="` + c.Value + `"`,
			"among others":      "a=b; " + c.Name + "=" + c.Value + "; c=d",
			"beside its like":   c.Name + "2=x; " + c.Name + "=" + c.Value,
			"beside much":       "a=" + strings.Repeat("A", 64<<10) + "; " + c.Name + "=" + c.Value,
			"beside two others": "a=1; a=2; " + c.Name + "=" + c.Value,
		} {
			r := s.request("GET", "/")
			r.Header.Set("Cookie", line)
			if got := s.user(r); got != ada {
				t.Errorf("%q, %s: %q, want %q", issuer, name, got, ada)
			}
		}
	}
}

// The cookie of development is none in production, nor the other way round.
func TestS11_CookiesOfTheOtherWorld(t *testing.T) {
	t.Parallel()
	for _, issuer := range []string{"", production} {
		s := open(t, issuer)
		c := s.Person(ada).Cookie()
		c.Name = map[string]string{"": "__Host-userpool.session.default", production: "userpool-dev.session.default"}[issuer]
		if got := s.user(s.request("GET", "/", c)); got != "" {
			t.Errorf("%q: %s is of %q", issuer, c.Name, got)
		}
	}
}

func TestHostileDevice(t *testing.T) {
	t.Parallel()
	s := open(t, production)
	s.Person(ada)
	_, device := s.signIn(ada)
	for _, value := range []string{"", "A", device.Value + "A", strings.Repeat("A", 1<<20)} {
		r := s.request("POST", "/login?as="+ada)
		r.Header.Set("Cookie", device.Name+"="+value)
		if s.do(r); s.err != nil {
			t.Errorf("sign-in with a device of %d bytes = %v", len(value), s.err)
		}
	}
	if got := s.Caller(s.request("GET", "/", device, device)).Device; got != "" {
		t.Error("of two devices one is believed")
	}
}

// A cookie on the way in the clear is nobody's, unless a proxy of ours vouches for it.
func TestPlainHTTPInProduction(t *testing.T) {
	t.Parallel()
	const proxy, stranger = "10.0.0.1:1", "192.0.2.1:1"
	tests := []struct {
		name, peer string
		proto      []string
		ok         bool
	}{
		{"proxy", proxy, []string{"https"}, true},
		{"capitals", proxy, []string{"HTTPS"}, true},
		{"two proxies", proxy, []string{"https, https"}, true},
		{"two lines", proxy, []string{"https", "https"}, true},
		{"mapped peer", "[::ffff:10.0.0.1]:1", []string{"https"}, true},
		{"no header", proxy, nil, false},
		{"empty", proxy, []string{""}, false},
		{"plain", proxy, []string{"http"}, false},
		{"plain at first", proxy, []string{"http, https"}, false},
		{"plain in the end", proxy, []string{"https,http"}, false},
		{"plain in another line", proxy, []string{"https", "http"}, false},
		{"nothing in the end", proxy, []string{"https,"}, false},
		{"stranger", stranger, []string{"https"}, false},
		{"no peer", "@", []string{"https"}, false},
		{"empty peer", "", []string{"https"}, false},
	}
	s := open(t, production, "10.0.0.0/8")
	p := s.Person(ada)
	done := s.finished(ada)
	for _, tt := range tests {
		r := p.Request("POST", "/")
		r.TLS, r.RemoteAddr, r.Header["X-Forwarded-Proto"] = nil, tt.peer, tt.proto
		if got := s.user(r); got == ada != tt.ok {
			t.Errorf("%s: %q", tt.name, got)
		}
		if tt.ok {
			continue
		}
		w := httptest.NewRecorder()
		is(t, tt.name+": Start", s.Start(w, r, done), web.ErrPlainHTTP)
		is(t, tt.name+": End", s.End(w, r), web.ErrPlainHTTP)
		if len(w.Result().Header) > 0 {
			t.Errorf("%s: wrote %v", tt.name, w.Result().Header)
		}
	}
}

// Whoever keeps an answer must not hand it to somebody else.
func TestS10_NothingIsKept(t *testing.T) {
	t.Parallel()
	s := open(t, production)
	p := s.Person(ada)
	for what, r := range map[string]*http.Request{
		"a page of a user": p.Request("GET", "/"), "the way to the sign-in": s.request("GET", "/me"),
		"a sign-in": s.request("POST", "/login?as="+ada), "a refusal": s.request("POST", "/me"),
	} {
		h := s.do(r).Header()
		if h.Get("Cache-Control") != "no-store" || h.Get("Vary") != "Cookie" {
			t.Errorf("%s: Cache-Control %q, Vary %q", what, h.Get("Cache-Control"), h.Get("Vary"))
		}
	}
	if h := s.do(s.request("GET", "/")).Header(); h.Get("Cache-Control") != "" || h.Get("Vary") != "Cookie" {
		t.Errorf("a page of nobody: %v", h)
	}
	app := s.Load(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Cache-Control", "max-age=60") }))
	w := httptest.NewRecorder()
	if app.ServeHTTP(w, p.Request("GET", "/style.css")); w.Header().Get("Cache-Control") != "max-age=60" {
		t.Error("a handler cannot say otherwise")
	}
}

// FuzzCookie sends any Cookie header.
func FuzzCookie(f *testing.F) {
	k := pooltest.New(f)
	c := k.Person(ada).Cookie()
	s := web.New(k.Pool, web.Config{})
	f.Add(c.Name + "=" + c.Value)
	f.Add(c.Name + `="` + c.Value + `"; a=b`)
	f.Fuzz(func(t *testing.T, line string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", line)
		if _, err := s.Account(r); err == nil && strings.Count(line, c.Value) != 1 {
			t.Errorf("Cookie: %q is somebody", line)
		}
	})
}
