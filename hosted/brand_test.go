package hosted_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
)

// Whatever colour is set, letters in it and on it can be read, in both schemes (WCAG 2.2, 1.4.3).
func TestContrast(t *testing.T) {
	t.Parallel()
	property := regexp.MustCompile(`--(accent|on-accent|link):(#[0-9a-f]{6})`)
	levels := []int{0, 0x33, 0x66, 0x80, 0x99, 0xcc, 0xff}
	for _, r := range levels {
		for _, g := range levels {
			for _, b := range levels {
				color := fmt.Sprintf("#%02x%02x%02x", r, g, b)
				css := hosted.Colors(color)
				found := property.FindAllStringSubmatch(css, -1)
				if len(found) != 6 {
					t.Fatalf("%s: %s", color, css)
				}
				for i, surface := range []string{"#f3f5f9", "#171b24"} {
					accent, on, link := found[3*i][2], found[3*i+1][2], found[3*i+2][2]
					if accent != color || hosted.Contrast(accent, on) < 4.5 || hosted.Contrast(link, surface) < 4.5 {
						t.Errorf("%s on %s: button %s with %s is %.2f, link %s %.2f", color, surface, accent, on,
							hosted.Contrast(accent, on), link, hosted.Contrast(link, surface))
					}
				}
			}
		}
	}
}

// The colours of the style itself can be read, too.
func TestContrastOfTheStyle(t *testing.T) {
	t.Parallel()
	s := development(t)
	p := s.browser().open("/auth/sign-in")
	css := s.browser().open(styleOf(t, p)).body
	schemes := regexp.MustCompile(`--page:(#\w+);--surface:(#\w+);--text:(#\w+);--quiet:(#\w+);--line:(#\w+);--soft:(#\w+);\s*--bad:(#\w+);--bad-soft:(#\w+);--good:(#\w+);--good-soft:(#\w+)`).FindAllStringSubmatch(css, -1)
	if len(schemes) != 2 {
		t.Fatalf("%d schemes in\n%s", len(schemes), css)
	}
	for _, c := range schemes {
		page, surface, text, quiet, line := c[1], c[2], c[3], c[4], c[5]
		bad, badSoft, good, goodSoft := c[7], c[8], c[9], c[10]
		for _, pair := range [][2]string{{text, surface}, {text, page}, {quiet, surface}, {quiet, page}, {bad, surface}, {bad, badSoft}, {good, goodSoft}, {good, surface}} {
			if got := hosted.Contrast(pair[0], pair[1]); got < 4.5 {
				t.Errorf("%s on %s is %.2f, want 4.5", pair[0], pair[1], got)
			}
		}
		if got := hosted.Contrast(line, surface); got < 3 { // WCAG 2.2, 1.4.11
			t.Errorf("the border %s on %s is %.2f, want 3", line, surface, got)
		}
	}
}

var styleHTML = regexp.MustCompile(`<link rel="stylesheet" href="([^"]*)">`)

func styleOf(t *testing.T, p page) string {
	t.Helper()
	m := styleHTML.FindStringSubmatch(p.body)
	if m == nil {
		t.Fatalf("%s has no style:\n%s", p.url, p.body)
	}
	return m[1]
}

func TestBranding(t *testing.T) {
	t.Parallel()
	image := "\x89PNG\r\n\x1a\n and the rest"
	logo := "data:image/png;base64," + base64.StdEncoding.EncodeToString([]byte(image))
	s := open(t, false, pool.Config{Settings: &pool.Settings{Branding: pool.Branding{Name: "Möwe & Co", Logo: logo, Color: "#FFD400"}}}, hosted.Config{})
	b := s.browser()
	p := b.open("/auth/sign-in")
	b.shows(p, "<title>Sign in · Möwe &amp; Co</title>")
	src := regexp.MustCompile(`<img class="logo" src="([^"]*)" alt="">`).FindStringSubmatch(p.body)
	if src == nil {
		t.Fatalf("no logo in\n%s", p.body)
	}
	got := b.open(src[1])
	if got.body != image || got.header.Get("Content-Type") != "image/png" || got.header.Get("X-Content-Type-Options") != "nosniff" ||
		!strings.Contains(got.header.Get("Cache-Control"), "immutable") {
		t.Errorf("the logo is %q with %v", got.body, got.header)
	}
	css := b.open(styleOf(t, p))
	if !strings.HasPrefix(css.body, ":root{--accent:#ffd400;--on-accent:#000000;--link:#") || css.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style is %.200s with %v", css.body, css.header)
	}
	for _, asset := range []string{"/auth/style-0000.css", "/auth/logo-0000"} { // of before a change
		if p := b.open(asset); p.status != http.StatusOK || p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s = %d, %s", asset, p.status, p.header.Get("Cache-Control"))
		}
	}
	if n := strings.Count(p.body, src[1]); n != 2 {
		t.Errorf("the logo stands %d times, want 2: on the page and on the tab", n)
	}
	hostile := open(t, false, pool.Config{Settings: &pool.Settings{Branding: pool.Branding{Name: "<x"}}}, hosted.Config{}).browser()
	m := regexp.MustCompile(`<link rel="icon" href="([^"]*)">`).FindStringSubmatch(hostile.open("/auth/sign-in").body)
	if m == nil {
		t.Fatal("no icon")
	}
	if p := hostile.open(m[1]); p.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(p.body, ">&lt;</text>") ||
		!strings.Contains(p.header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("the icon is %s with %v", p.body, p.header)
	}
	plain := development(t).browser()
	if p := plain.open("/auth/logo-0000"); p.status != http.StatusNotFound {
		t.Errorf("a logo where there is none = %d", p.status)
	}
}

// A page with its style is under 30 kB, has the headers of all answers, and marks what tools look for.
func TestPages(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	paths := []string{"/auth/sign-in", "/auth/sign-up", "/auth/forgot", "/auth/sign-out", "/auth/nothing"}
	p := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	paths = append(paths, p.url.RequestURI(), b.post(p, "submit", "code", "000000").url.RequestURI())
	for _, path := range paths {
		p := b.open(path)
		css := b.open(styleOf(t, p))
		if n := len(p.body) + len(css.body); n > 30_000 {
			t.Errorf("%s has %d bytes with its style, want at most 30,000", path, n)
		}
		inert(t, p)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
			"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY",
		} {
			for _, p := range []page{p, css} {
				if got := p.header.Get(name); got != want && (name != "Cache-Control" || p.url.Path == path) {
					t.Errorf("%s: %s is %q, want %q", p.url, name, got, want)
				}
			}
		}
		if !strings.Contains(p.header.Get("Permissions-Policy"), "camera=()") {
			t.Errorf("%s has no Permissions-Policy", path)
		}
		for _, mark := range []string{`<main id="main"`, `<h1 id="title">`, `<header class="brand">`, `lang="en"`} {
			if strings.Count(p.body, mark) != 1 {
				t.Errorf("%s has %q %d times", path, mark, strings.Count(p.body, mark))
			}
		}
		labelled(t, p)
	}
}

var inputHTML = regexp.MustCompile(`<input id="([^"]+)"[^>]*>`)

// labelled says that every input has a label, and that what describes it is there.
func labelled(t *testing.T, p page) {
	t.Helper()
	for _, m := range inputHTML.FindAllStringSubmatch(p.body, -1) {
		if !strings.Contains(p.body, `<label for="`+m[1]+`">`) || !strings.Contains(m[0], ` autocomplete="`) {
			t.Errorf("%s: %s has no label or autocomplete", p.url, m[0])
		}
		_, by, described := strings.Cut(m[0], `aria-describedby="`)
		by, _, _ = strings.Cut(by, `"`)
		for _, id := range strings.Fields(by) {
			if described && !strings.Contains(p.body, `id="`+id+`"`) {
				t.Errorf("%s: %s is described by nothing", p.url, m[0])
			}
		}
	}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(p.body, -1) {
		if strings.Count(p.body, id[0]) != 1 {
			t.Errorf("%s has %s twice", p.url, id[0])
		}
	}
}
