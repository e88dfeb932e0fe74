package hosted_test

import (
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/web"
)

const (
	ada    = "ada@example.com"
	secret = "Seven quiet gulls, 1 harbour & no rain."
	other  = "Nine loud crows, 2 hills & some snow."
)

// site is a program with pages, on a real port.
type site struct {
	*pooltest.Kit
	t     *testing.T
	url   string
	pages *hosted.Pages
	app   http.Handler // behind the pages; nil greets

	mu    sync.Mutex
	asked []string // each URL that the server was asked for, and from where
}

// open opens a pool and serves an app behind its pages. Production is over TLS, with an https issuer.
func open(t *testing.T, production bool, c pool.Config, hc hosted.Config) *site {
	t.Helper()
	srv := httptest.NewUnstartedServer(nil)
	srv.Config.ErrorLog = nil
	scheme := "http://"
	if production {
		scheme = "https://"
	}
	s := &site{t: t, url: scheme + srv.Listener.Addr().String()}
	if c.Issuer = s.url; c.Settings != nil && c.Settings.SignUp.ByLink {
		c.ConfirmURL = s.url + "/auth/link"
	}
	c.CancelURL = s.url + "/auth/not-me"
	s.Kit = pooltest.New(t, pooltest.WithConfig(c))
	s.pages = hosted.New(s.Pool, hc)
	app := s.pages.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.app != nil {
			s.app.ServeHTTP(w, r)
			return
		}
		fmt.Fprintf(w, "Hello, %s, at %s", web.User(r.Context()).Username, r.URL.Path)
	}))
	srv.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.RequestURI, r.Referer())
		s.mu.Unlock()
		app.ServeHTTP(w, r)
	})
	if production {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return s
}

func development(t *testing.T) *site {
	t.Helper()
	return open(t, false, pool.Config{}, hosted.Config{})
}

// browser keeps cookies, and says what browsers say of a request from the same origin. Of a form's origin a page
// with "Referrer-Policy: no-referrer" has them say null (Fetch, "append a request Origin header").
type browser struct {
	t      *testing.T
	site   *site
	client *http.Client
	lang   string
}

func (s *site) browser() *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{t: s.t, site: s, client: &http.Client{
		Jar: jar, Transport: insecure.Clone(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// page is an answer.
type page struct {
	status int
	url    *url.URL
	header http.Header
	body   string

	cookies []*http.Cookie
}

func (b *browser) do(r *http.Request) page {
	b.t.Helper()
	if b.lang != "" {
		r.Header.Set("Accept-Language", b.lang)
	}
	if r.Header.Get("Accept") == "" {
		r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	}
	return b.with(b.client, r)
}

// without sends a request with the cookies that it has, and keeps none: a second click does not wait for the
// answer to the first.
func (b *browser) without(r *http.Request) page {
	b.t.Helper()
	c := *b.client
	c.Jar = nil
	return b.with(&c, r)
}

// cookies returns what the browser would send now.
func (b *browser) cookies() string {
	u, _ := url.Parse(b.site.url)
	var all []string
	for _, c := range b.client.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

func (b *browser) with(c *http.Client, r *http.Request) page {
	b.t.Helper()
	res, err := c.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{res.StatusCode, r.URL, res.Header, string(body), res.Cookies()}
}

// follow goes where an answer leads.
func (b *browser) follow(p page) page {
	b.t.Helper()
	for range 5 {
		to := p.header.Get("Location")
		if to == "" {
			return p
		}
		if p.status != http.StatusSeeOther {
			b.t.Fatalf("%s leads on by %d, want 303", p.url, p.status)
		}
		next, err := p.url.Parse(to)
		if err != nil {
			b.t.Fatal(err)
		}
		p = b.get(next.String())
	}
	b.t.Fatalf("%s leads in circles", p.url)
	return p
}

// get asks for one page, wherever it leads.
func (b *browser) get(where string) page {
	b.t.Helper()
	if strings.HasPrefix(where, "/") {
		where = b.site.url + where
	}
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, where, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	return b.do(r)
}

// open opens a page, as who types or clicks its address.
func (b *browser) open(where string) page {
	b.t.Helper()
	return b.follow(b.get(where))
}

// post sends a form, and follows.
func (b *browser) post(p page, button string, in ...string) page {
	b.t.Helper()
	return b.follow(b.send(p, button, in...))
}

// send sends a form of a page: that of the button with an id. In is name, value, name, value.
func (b *browser) send(p page, button string, in ...string) page {
	b.t.Helper()
	return b.do(b.form(p, button, in...))
}

var (
	formHTML   = regexp.MustCompile(`(?s)<form[^>]*action="([^"]*)"[^>]*>(.*?)</form>`)
	hiddenHTML = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// form returns the request that a button makes.
func (b *browser) form(p page, button string, in ...string) *http.Request {
	b.t.Helper()
	for _, f := range formHTML.FindAllStringSubmatch(p.body, -1) {
		if !strings.Contains(f[2], `id="`+button+`"`) {
			continue
		}
		values := url.Values{}
		for _, h := range hiddenHTML.FindAllStringSubmatch(f[2], -1) {
			values.Set(html.UnescapeString(h[1]), html.UnescapeString(h[2]))
		}
		for i := 0; i < len(in); i += 2 {
			if !strings.Contains(f[2], `name="`+in[i]+`"`) {
				b.t.Fatalf("%s has no field %s:\n%s", p.url, in[i], f[2])
			}
			values.Set(in[i], in[i+1])
		}
		to, err := p.url.Parse(html.UnescapeString(f[1]))
		if err != nil {
			b.t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, to.String(), strings.NewReader(values.Encode()))
		if err != nil {
			b.t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "null")
		if p.header.Get("Referrer-Policy") != "no-referrer" {
			r.Header.Set("Origin", to.Scheme+"://"+to.Host)
		}
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		return r
	}
	b.t.Fatalf("%s has no button %s:\n%s", p.url, button, p.body)
	return nil
}

// json calls a JSON twin, as a script of the same origin does.
func (b *browser) json(method, path, body string) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.site.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

func (b *browser) signIn(login, password string) page {
	b.t.Helper()
	return b.post(b.open("/auth/sign-in"), "submit", "username", login, "password", password)
}

// at says on which page the browser must be.
func (b *browser) at(p page, path string) {
	b.t.Helper()
	if p.url.Path != path || p.status != http.StatusOK {
		b.t.Fatalf("at %s with %d, want %s:\n%s", p.url, p.status, path, p.body)
	}
}

func (b *browser) shows(p page, text string) {
	b.t.Helper()
	if !strings.Contains(html.UnescapeString(p.body), text) && !strings.Contains(p.body, text) {
		b.t.Errorf("%s does not show %q:\n%s", p.url, text, p.body)
	}
}

// cookie returns the value of a cookie whose name holds a text.
func (b *browser) cookie(name string) string {
	u, _ := url.Parse(b.site.url)
	for _, c := range b.client.Jar.Cookies(u) {
		if strings.Contains(c.Name, name) {
			return c.Value
		}
	}
	return ""
}

// urls returns each URL that the server was asked for, and from where.
func (s *site) urls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// host returns the host of the site without its port.
func (s *site) host() string {
	u, _ := url.Parse(s.url)
	host, _, _ := net.SplitHostPort(u.Host)
	return host
}
