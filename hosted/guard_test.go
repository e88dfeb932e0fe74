package hosted_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/web"
)

const writing = ": over TLS, same origin, bounded body, form of this browser"

// Every route with what guards it. A route that is added is to be listed here, and so is one whose guards change
// (CVE class 11).
var routes = []string{
	"GET account",
	"POST add-app" + writing,
	"POST add-passkey" + writing,
	"POST add-codes" + writing,
	"POST ask-for-passkey" + writing,
	"GET confirm-codes", "POST confirm-codes" + writing,
	"POST prefer-factor" + writing,
	"GET new-passkey", "POST new-passkey" + writing,
	"GET by-email", "POST by-email" + writing,
	"GET by-sms", "POST by-sms" + writing,
	"POST by-passkey" + writing,
	"GET by-question", "POST by-question" + writing,
	"GET choose", "POST choose" + writing,
	"GET code", "POST code" + writing,
	"GET confirm", "POST confirm" + writing,
	"GET forgot", "POST forgot" + writing,
	"GET forgot-username", "POST forgot-username" + writing,
	"GET link", "POST link" + writing,
	"GET lost-factors", "POST lost-factors" + writing,
	"GET new-app", "POST new-app" + writing,
	"POST new-recovery-codes" + writing,
	"GET new-password", "POST new-password" + writing,
	"GET not-me", "POST not-me" + writing,
	"GET passkey", "POST passkey" + writing,
	"GET password", "POST password" + writing,
	"GET question", "POST question" + writing,
	"GET recovery-code", "POST recovery-code" + writing,
	"GET recovery-codes", "POST recovery-codes" + writing,
	"POST remove-factor" + writing,
	"POST rename-factor" + writing,
	"GET reset", "POST reset" + writing,
	"GET security",
	"GET set-up-app", "POST set-up-app" + writing,
	"GET set-up-passkey", "POST set-up-passkey" + writing,
	"GET sign-in", "POST sign-in" + writing,
	"GET sign-out", "POST sign-out" + writing,
	"GET sign-up", "POST sign-up" + writing,
	"GET step-up", "POST step-up" + writing,
	"GET totp", "POST totp" + writing,
	"POST resend" + writing,
}

func TestRoutesNameTheirGuards(t *testing.T) {
	t.Parallel()
	s := development(t)
	want := slices.Sorted(slices.Values(routes))
	if got := s.pages.Routes(); !slices.Equal(got, want) {
		t.Errorf("routes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// posts are the paths that take a post.
func posts() (paths []string) {
	for _, r := range routes {
		if method, rest, _ := strings.Cut(r, " "); method == http.MethodPost {
			name, _, _ := strings.Cut(rest, ":")
			paths = append(paths, "/auth/"+name)
		}
	}
	return paths
}

// CVE class 50: nothing is taken from another site, whatever it sends along, nor from what does not say where
// it comes from; with a form of ours and the cookies of the victim, too (security.md S10).
func TestS10_OtherSitesCannotPost(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	form := b.open("/auth/sign-in")
	good := func() *http.Request { return b.form(form, "submit", "username", ada, "password", secret) }
	for _, tt := range []struct {
		name         string
		site, origin []string
		want         int
	}{
		{"a page of ours", []string{"same-origin"}, []string{"null"}, 303},
		{"a page of ours that names itself", []string{"same-origin"}, []string{s.url}, 303},
		{"an old browser", nil, []string{s.url}, 303},
		{"a script of ours", []string{"same-origin"}, nil, 303},

		{"says nothing", nil, nil, 403},
		{"says null alone", nil, []string{"null"}, 403},
		{"another site", []string{"cross-site"}, []string{"https://evil.example"}, 403},
		{"another host of the site", []string{"same-site"}, []string{"http://evil." + s.host()}, 403},
		{"another site that names us", []string{"cross-site"}, []string{s.url}, 403},
		{"typed by nobody", []string{"none"}, nil, 403},
		{"another port", nil, []string{"http://" + s.host() + ":1"}, 403},
		{"another scheme", nil, []string{strings.Replace(s.url, "http:", "https:", 1)}, 403},
		{"our name at its end", nil, []string{s.url + ".evil.example"}, 403},
		{"our name as a user", nil, []string{s.url + "@evil.example"}, 403},
		{"two origins", nil, []string{s.url, "https://evil.example"}, 403},
		{"two sites", []string{"same-origin", "cross-site"}, nil, 403},
		{"ours and another", []string{"same-origin"}, []string{"https://evil.example"}, 303}, // a developer's proxy
		{"empty", []string{""}, []string{""}, 403},
		{"unknown", []string{"same-origin, cross-site"}, nil, 403},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := good()
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Del("Origin")
			for _, v := range tt.site {
				r.Header.Add("Sec-Fetch-Site", v)
			}
			for _, v := range tt.origin {
				r.Header.Add("Origin", v)
			}
			if p := b.do(r); p.status != tt.want || tt.want == 403 && len(p.header.Values("Set-Cookie")) != 0 {
				t.Errorf("status = %d, want %d; cookies %q", p.status, tt.want, p.header.Values("Set-Cookie"))
			}
		})
	}
	for _, path := range posts() { // every route has the guard
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(""))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if p := b.do(r); p.status != http.StatusForbidden {
			t.Errorf("POST %s from another site = %d, want 403", path, p.status)
		}
	}
}

// Browsers before 2023, and all of them over plain http but to their own machine, say no more than where a form
// comes from. Their forms are taken, and in production from the one origin that there is.
func TestS10_FormsNameTheirOrigin(t *testing.T) {
	t.Parallel()
	for _, production := range []bool{false, true} {
		s := open(t, production, pool.Config{}, hosted.Config{})
		s.Person(ada)
		b := s.browser()
		r := b.form(b.open("/auth/sign-in"), "submit", "username", ada, "password", secret)
		r.Header.Del("Sec-Fetch-Site")
		b.at(b.follow(b.do(r)), "/")
		r = b.form(b.open("/auth/forgot"), "submit", "username", ada)
		r.Header.Set("Origin", "https://www.shop.example")
		if p := b.do(r); (p.status == http.StatusForbidden) != production {
			t.Errorf("production=%v: a form of another host = %d", production, p.status)
		}
	}
}

// A form is of the browser that asked for it: with anybody else's nobody is signed in (login CSRF).
func TestCVE50_FormOfAnotherBrowser(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	attacker, victim := s.browser(), s.browser()
	theirs := attacker.open("/auth/sign-in")
	mine := victim.open("/auth/sign-in")
	p := victim.post(theirs, "submit", "username", ada, "password", secret)
	victim.at(p, "/auth/sign-in")
	victim.shows(p, "This form was out of date.")
	if victim.cookie("session") != "" {
		t.Fatal("signed in by a form of another browser")
	}
	fresh := s.browser() // with no cookies at all
	if p := fresh.send(mine, "submit", "username", ada, "password", secret); p.status != http.StatusForbidden {
		t.Errorf("a form without cookies = %d, want 403", p.status)
	} else {
		fresh.shows(p, "Cookies are needed")
	}
	for _, token := range []string{"", "x", strings.Repeat("A", 43)} {
		r := victim.form(mine, "submit", "username", ada, "password", secret)
		body, _ := io.ReadAll(r.Body)
		q, _ := url.ParseQuery(string(body))
		q.Set("form", token)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(q.Encode())), int64(len(q.Encode()))
		if p := victim.follow(victim.do(r)); victim.cookie("session") != "" || p.url.Path != "/auth/sign-in" {
			t.Errorf("token %q signs in", token)
		}
	}
	victim.at(victim.post(mine, "submit", "username", ada, "password", secret), "/")
}

// CVE class 10: the app is behind the sign-in by whatever path it is asked for, and no spelling of a page is a
// page without its guards.
func TestCVE10_NoPathIsUnguarded(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t)
	pages := hosted.New(k.Pool, hosted.Config{})
	reached := ""
	app := pages.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached = r.URL.Path }))
	spellings := []string{
		"/", "//", "///x", "/auth", "/auth/../x", "/auth/./sign-in", "//auth/sign-in", "/auth//sign-in", "/./auth/sign-in",
		"/x/../auth/sign-in", "/auth/sign-in/", "/auth/sign-in//", "/auth/sign-in/..", "/AUTH/sign-in", "/Auth/Sign-In",
		"/auth%2fsign-in", "/auth/%73ign-in", "/auth/sign-in%00", "/auth/sign-in;x", "/auth/sign-in%20", "/auth/..%2f..%2fx",
		"/auth%5csign-in", "/%61uth/sign-in", "/auth/%2e%2e/x", "/auth/sign-in.json", "/.well-known/../x", "/auth/style-x.css/../../x",
		"/auth/\u017fign-in", "/auth/sign-in?x=/../..",
	}
	for _, path := range spellings {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "POST\u00a0"} {
			r := &http.Request{Method: method, Host: "example.com", Header: http.Header{}, Body: http.NoBody, RemoteAddr: "192.0.2.1:1"}
			u, err := url.Parse(path)
			if err != nil || strings.HasPrefix(path, "//") {
				raw, _, _ := strings.Cut(path, "?")
				u = &url.URL{Path: raw}
			}
			r.URL = u
			w := httptest.NewRecorder()
			app.ServeHTTP(w, r.WithContext(t.Context()))
			if reached != "" {
				t.Fatalf("%s %s reached the app at %s, signed in as nobody", method, path, reached)
			}
			if len(w.Header().Values("Set-Cookie")) > 0 && (method != "GET" && method != "HEAD") {
				t.Errorf("%s %s sets a cookie", method, path)
			}
			if w.Code < 300 && method != "GET" && method != "HEAD" {
				t.Errorf("%s %s = %d, want it refused", method, path, w.Code)
			}
		}
	}
}

func FuzzCVE10_Path(f *testing.F) {
	for _, s := range []string{"/auth/sign-in", "//auth/..", "/auth%2f", "/\\auth", "/auth/style-"} {
		f.Add(s)
	}
	k := pooltest.New(f)
	app := hosted.New(k.Pool, hosted.Config{}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK) // reached
	}))
	f.Fuzz(func(t *testing.T, path string) {
		r := &http.Request{Method: "POST", Host: "x", Header: http.Header{}, Body: http.NoBody, URL: &url.URL{Path: path}}
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r.WithContext(t.Context()))
		if w.Code < 300 {
			t.Errorf("POST %q = %d", path, w.Code)
		}
	})
}

// CVE class 34: after the sign-in nobody ends up elsewhere.
func TestCVE34_OpenRedirects(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	for _, evil := range []string{
		"https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example",
		"/\n/evil.example", "http:evil.example", "javascript:alert(1)", "data:text/html,x", "/%2f/evil.example", "/%5cevil.example",
		"/%09/evil.example", "evil.example", " //evil.example", "/\u2215/evil.example", "/..//evil.example", "/a//b", "/x#y",
		"/" + strings.Repeat("a", 3000),
	} {
		for _, from := range []string{"/auth/sign-in", "/auth/sign-up", "/auth/forgot"} {
			b := s.browser()
			p := b.open(from + "?" + web.ReturnTo + "=" + url.QueryEscape(evil))
			if strings.Contains(p.body, "evil.example") || strings.Contains(p.body, "javascript:") {
				t.Errorf("%s carries %q on:\n%s", from, evil, p.body)
			}
			if from != "/auth/sign-in" {
				continue
			}
			r := b.form(p, "submit", "username", ada, "password", secret)
			body, _ := io.ReadAll(r.Body)
			q, _ := url.ParseQuery(string(body))
			q.Set(web.ReturnTo, evil)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(q.Encode())), int64(len(q.Encode()))
			if p := b.do(r); p.status != http.StatusSeeOther || p.header.Get("Location") != "/" {
				t.Errorf("return to %q leads to %d %q, want /", evil, p.status, p.header.Get("Location"))
			}
		}
	}
	b := s.browser()
	p := b.open("/auth/sign-in?" + web.ReturnTo + "=" + url.QueryEscape("/a%20b?c=%2F%2Fd&e"))
	if p = b.post(p, "submit", "username", ada, "password", secret); p.url.RequestURI() != "/a%20b?c=%2F%2Fd&e" {
		t.Errorf("a good path leads to %s", p.url)
	}
}

// CVE class 17: no header of a request is in a link that is mailed, or in where a page leads.
func TestCVE17_HeadersMakeNoURL(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}}}, hosted.Config{Origin: ""})
	b := s.browser()
	for _, name := range []string{
		"X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-Proto", "X-Forwarded-Prefix", "X-Original-Host", "X-Original-Url",
		"X-Rewrite-Url", "X-Host", "Forwarded", "X-Forwarded-Port", "X-Forwarded-For",
	} {
		login := strings.ToLower(name) + "@example.com"
		p := b.open("/auth/sign-up")
		r := b.form(p, "submit", "username", login, "password", secret)
		r.Header.Set(name, "evil.example")
		if name == "Forwarded" {
			r.Header.Set(name, "host=evil.example;proto=https")
		}
		p = b.do(r)
		m := s.Mail.To(login)
		if len(m) != 1 || strings.Contains(m[0].Text+m[0].HTML, "evil") || !strings.HasPrefix(s.Mail.Link(login), s.url+"/auth/link?link=") {
			t.Errorf("%s is in the mail: %v", name, m)
		}
		if to := p.header.Get("Location"); !strings.HasPrefix(to, "/auth/confirm?") {
			t.Errorf("%s leads to %s", name, to)
		}
		r, _ = http.NewRequestWithContext(t.Context(), "GET", s.url+"/auth/sign-in", nil)
		r.Header.Set(name, "evil.example")
		if p := b.do(r); strings.Contains(p.body, "evil.example") {
			t.Errorf("%s is in the page", name)
		}
	}
	body := `{"username":"host@example.com","password":"` + secret + `"}`
	r, _ := http.NewRequestWithContext(t.Context(), "POST", s.url+"/auth/sign-up", strings.NewReader(body))
	r.Header = http.Header{"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}}
	r.Host = "evil.example"
	if p := b.do(r); p.status != http.StatusOK {
		t.Fatalf("%d %s", p.status, p.body)
	}
	if link := s.Mail.Link("host@example.com"); !strings.HasPrefix(link, s.url+"/auth/link?link=") {
		t.Errorf("the Host makes the link %s", link)
	}
}

// CVE class 18: where a mail leads is the program's to say. Nothing that a visitor names is in it, not even a path
// of this host.
func TestCVE18_MailsLeadWhereTheProgramSays(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}}}, hosted.Config{})
	b := s.browser()
	for i, name := range []string{web.ReturnTo, "next", "redirect", "redirect_uri", "redirect_to", "url", "link", "continue", "callback"} {
		for j, where := range []string{"https://evil.example/", "//evil.example", "/orders"} {
			login := fmt.Sprintf("u%d-%d@example.com", i, j)
			p := b.open("/auth/sign-up?" + name + "=" + url.QueryEscape(where))
			b.post(p, "submit", "username", login, "password", secret)
			link := mustParse(s.Mail.Link(login))
			q := link.Query()
			if q.Del("link"); link.Scheme+"://"+link.Host+link.Path != s.url+"/auth/link" || len(q) != 0 {
				t.Errorf("%s=%s makes the link %s", name, where, link)
			}
			if text := s.Mail.To(login)[0].Text; strings.Contains(text, "evil") || strings.Contains(text, "orders") {
				t.Errorf("%s=%s is in the mail:\n%s", name, where, text)
			}
		}
	}
}

// CVE class 49: whatever is typed or set is shown as text, and what got into a page regardless would do nothing.
func TestCVE49_HostileTexts(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `{{.Brand}}`, `</title><script>`,
		`javascript:alert(1)`, `&#60;script&#62;`, "\u2028<b>", `<!--`, `]]>`, `{to}{name}`,
	} {
		name := strings.Map(func(r rune) rune {
			if r == '\u2028' {
				return '.'
			}
			return r
		}, evil)
		s := open(t, false, pool.Config{Settings: &pool.Settings{Branding: pool.Branding{Name: name}}}, hosted.Config{})
		b := s.browser()
		// As a login that is refused, one that is not, an attribute of the URL, and a code.
		login := `"` + evil + `"@example.com`
		seen := []page{
			b.post(b.open("/auth/sign-in"), "submit", "username", evil, "password", evil),
			b.post(b.open("/auth/sign-up"), "submit", "username", login, "password", secret),
			b.post(b.open("/auth/forgot"), "submit", "username", login),
			b.open("/auth/sign-in?flow=" + url.QueryEscape(evil) + "&" + web.ReturnTo + "=" + url.QueryEscape(evil)),
			b.open("/auth/" + url.PathEscape(evil)),
		}
		for _, p := range seen {
			inert(t, p)
		}
	}
}

// What pages are made of; anything else came from outside.
var (
	tags = strings.Fields("!doctype html head meta title link body div header a img span main h1 h2 p ul li form input label button footer")
	attr = strings.Fields(`lang= dir= charset= name= content= rel= href= id= class= title= aria-label= aria-hidden= aria-labelledby= aria-describedby=
		aria-invalid= role= tabindex= autofocus method= action= type= value= for= autocomplete= inputmode= minlength= required readonly
		autocapitalize= spellcheck= src= alt= html`)
	links = regexp.MustCompile(` (?:href|src|action)="([^"]*)"`)
)

// inert says that a page is ours alone: no script, no style, no handler, nothing from elsewhere.
func inert(t *testing.T, p page) {
	t.Helper()
	for _, tag := range strings.Split(p.body, "<")[1:] {
		inside, _, _ := strings.Cut(tag, ">")
		words := strings.Fields(unquoted(strings.TrimPrefix(inside, "/")))
		if len(words) == 0 || !slices.Contains(tags, words[0]) {
			t.Errorf("%s holds <%s>", p.url, inside)
			continue
		}
		for _, w := range words[1:] {
			if !slices.Contains(attr, w) {
				t.Errorf("%s holds <%s>", p.url, inside)
			}
		}
		for _, m := range links.FindAllStringSubmatch(inside, -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#field-") || strings.HasPrefix(m[1], "//") {
				t.Errorf("%s leads to %s", p.url, m[1])
			}
		}
	}
	csp := p.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "style-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(csp, want) || strings.Contains(csp, "unsafe") {
			t.Errorf("%s has the policy %q", p.url, csp)
		}
	}
}

// unquoted leaves out what stands in double quotes.
func unquoted(s string) string {
	var b strings.Builder
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 0 {
			b.WriteString(part + " ")
		}
	}
	return b.String()
}

// CVE class 52: a sign-in changes every secret that the browser had before, and the one before is of no use.
func TestCVE52_SignInChangesAllSecrets(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	form := b.open("/auth/sign-in")
	before := b.cookie(".form.")
	b.at(b.post(form, "submit", "username", ada, "password", secret), "/")
	first, session := b.cookie(".form."), b.cookie("session")
	if before == "" || first == before || session == "" {
		t.Errorf("the secret of the browser was %q and is %q; the session %q", before, first, session)
	}
	b.post(b.open("/auth/account"), "to-sign-out")
	if b.cookie(".form.") == first {
		t.Error("a sign-out leaves the secret of the browser")
	}
	b.signIn(ada, secret)
	if second := b.cookie(".form."); second == first || b.cookie("session") == session {
		t.Error("a second sign-in changes nothing")
	}
	thief := s.browser()
	u, _ := url.Parse(s.url)
	thief.client.Jar.SetCookies(u, []*http.Cookie{{Name: "userpool-dev.session.default", Value: session}})
	if p := thief.open("/"); p.url.Path != "/auth/sign-in" {
		t.Errorf("the session of before opens %s", p.url)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	s := development(t)
	for _, tt := range []struct{ path, allow string }{
		{"/auth/sign-in", "GET, HEAD, POST"}, {"/auth/account", "GET, HEAD"}, {"/auth/resend", "POST"},
	} {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"} {
			r, _ := http.NewRequestWithContext(t.Context(), method, s.url+tt.path, nil)
			if p := s.browser().do(r); p.status != http.StatusMethodNotAllowed || p.header.Get("Allow") != tt.allow {
				t.Errorf("%s %s = %d, allows %q, want 405, %q", method, tt.path, p.status, p.header.Get("Allow"), tt.allow)
			}
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), "HEAD", s.url+"/auth/sign-in", nil)
	if p := s.browser().do(r); p.status != 200 || p.body != "" || p.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD = %d, %q, %s bytes", p.status, p.body, p.header.Get("Content-Length"))
	}
}

// Bodies are bounded, and read one way only.
func TestHostileBodies(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	form := b.open("/auth/sign-in")
	for _, tt := range []struct {
		name, kind, body string
		want             int
	}{
		{"too large", "application/x-www-form-urlencoded", "username=" + strings.Repeat("a", 1<<20), 413},
		{"too large JSON", "application/json", `{"username":"` + strings.Repeat("a", 1<<20) + `"}`, 413},
		{"no type", "", "username=a", 415},
		{"plain text", "text/plain", `{"username":"a"}`, 415},
		{"multipart", "multipart/form-data; boundary=x", "--x--", 415},
		{"two types", "application/json, text/plain", `{}`, 415},
		{"a look-alike", "application/jsonp", `{}`, 415},
		{"unknown field", "application/x-www-form-urlencoded", "username=a&admin=1", 400},
		{"twice", "application/x-www-form-urlencoded", "username=a&username=b", 400},
		{"no UTF-8", "application/x-www-form-urlencoded", "username=%ff", 400},
		{"bad escape", "application/x-www-form-urlencoded", "username=%zz", 400},
		{"semicolon", "application/x-www-form-urlencoded", "username=a;password=b", 400},
		{"JSON twice", "application/json", `{"username":"a","username":"b"}`, 400},
		{"JSON unknown", "application/json", `{"username":"a","caller":"b"}`, 400},
		{"JSON other case", "application/json", `{"Username":"a"}`, 400},
		{"JSON number", "application/json", `{"username":1}`, 400},
		{"JSON nested", "application/json", `{"username":{"a":"b"}}`, 400},
		{"JSON list", "application/json", `[{"username":"a"}]`, 400},
		{"JSON and more", "application/json", `{"username":"a"}{}`, 400},
		{"JSON cut off", "application/json", `{"username":"a"`, 400},
		{"JSON no UTF-8", "application/json", "{\"username\":\"\xff\"}", 400},
		{"JSON empty", "application/json", ``, 400},
		{"JSON with a form's fields", "application/json", `{"form":"x"}`, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := b.form(form, "submit")
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
			if r.Header.Del("Content-Type"); tt.kind != "" {
				r.Header.Set("Content-Type", tt.kind)
			}
			if p := b.do(r); p.status != tt.want {
				t.Errorf("status = %d, want %d:\n%s", p.status, tt.want, p.body)
			}
		})
	}
}

// What fails is told to the visitor by a number alone, and to the log beside it.
func TestFailuresTellNothing(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	k := pooltest.New(t)
	pages := hosted.New(k.Pool, hosted.Config{Logger: logger(&log)})
	srv := httptest.NewServer(pages)
	defer srv.Close()
	s := &site{Kit: k, t: t, url: srv.URL, pages: pages}
	b := s.browser()
	form := b.open("/auth/sign-in")
	if err := k.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	p := b.send(form, "submit", "username", ada, "password", secret)
	if p.status != http.StatusServiceUnavailable || !strings.Contains(p.body, "If you ask for help, give this number: ") {
		t.Errorf("%d:\n%s", p.status, p.body)
	}
	_, after, _ := strings.Cut(p.body, "give this number: ")
	number := after[:9]
	if !strings.Contains(log.String(), number) || !strings.Contains(log.String(), "pool: closed") || strings.Contains(p.body, "closed") {
		t.Errorf("number %q; log:\n%s", number, log.String())
	}
	if strings.Contains(log.String(), secret) || strings.Contains(log.String(), ada) {
		t.Errorf("the log holds what was typed:\n%s", log.String())
	}
	if p := b.json("POST", "/auth/sign-in", `{"username":"`+ada+`","password":"x"}`); p.status != 503 || !strings.Contains(p.body, `{"error":"try_again","number":"`) {
		t.Errorf("by JSON: %d %s", p.status, p.body)
	}
}
