package browser_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// Every page, in each state that it has, is looked at in both languages, light and dark, wide and narrow: it
// fits the width, and axe-core finds nothing. Pictures are left in USERPOOL_SHOTS.
func TestLooks(t *testing.T) {
	t.Parallel()
	inEachLanguage(t, tour)
}

// inEachLanguage looks at all that a tour shows.
func inEachLanguage(t *testing.T, tour func(t *testing.T, lang string, see func(p *tab, name string))) {
	t.Helper()
	source := needAxe(t)
	shots := os.Getenv("USERPOOL_SHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	for _, lang := range []string{"en", "de"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(shots, lang)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			tour(t, lang, func(p *tab, name string) { p.look(source, filepath.Join(dir, name)) })
		})
	}
}

// tour goes through all pages, and shows each.
func tour(t *testing.T, lang string, see func(p *tab, name string)) {
	t.Helper()
	s := open(t, pool.Settings{Branding: pool.Branding{Name: "Harbour Books", Color: "#0b6e4f"}})
	tina := s.Person("tina@example.com", pooltest.TemporaryPassword())
	p := s.visit(t)
	p.speaks(lang)

	p.open("/dev/mailbox")
	see(p, "mailbox-empty")
	p.open("/auth/sign-in")
	see(p, "sign-in")
	p.submit("username", bob, "password", other)
	see(p, "sign-in-wrong")
	p.press("to-sign-up")
	see(p, "sign-up")
	p.submit("username", ada, "password", "password1234567")
	see(p, "sign-up-wrong")
	p.submit("password", secret)
	see(p, "confirm")
	p.submit("code", "000000")
	see(p, "confirm-wrong")
	s.Clock.Advance(2 * time.Minute)
	p.press("to-resend")
	see(p, "confirm-resent")
	s.deliver(t, ada, 2)
	p.press("mailbox")
	see(p, "mailbox")
	p.back()
	p.submit("code", s.Mail.Code(ada))
	see(p, "password")
	p.submit("password", other)
	see(p, "password-wrong")
	p.submit("password", secret)
	p.open("/auth/account")
	see(p, "account")
	p.open("/auth/sign-out")
	see(p, "sign-out")
	p.submit()
	see(p, "signed-out")
	p.press("to-forgot")
	see(p, "forgot")
	p.submit("username", ada)
	see(p, "reset")
	p.submit("code", "000000", "new_password", other)
	see(p, "reset-wrong")
	p.submit("code", s.Mail.Code(ada), "new_password", other)
	see(p, "password-changed")
	p.open("/auth/sign-in")
	p.submit("username", tina.Login, "password", secret)
	see(p, "new-password")
	p.submit("new_password", "password1234567")
	see(p, "new-password-wrong")
	p.open("/auth/confirm")
	see(p, "step-over")
	p.open("/auth/nowhere")
	see(p, "not-found")

	s = open(t, pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}})
	p = s.visit(t)
	p.speaks(lang)
	p.open("/auth/sign-up")
	p.submit("username", "somebody.with.quite.a.long.name@department.of.a.subsidiary.example.com", "password", secret)
	see(p, "confirm-by-link")
	s.deliver(t, "somebody.with.quite.a.long.name@department.of.a.subsidiary.example.com", 1)
	p.press("mailbox")
	see(p, "mailbox-link")
	p.wait(func() { p.click(".mail pre a", 1) })
	see(p, "link")
}

// speaks sets the language that the browser asks for.
func (p *tab) speaks(lang string) {
	p.t.Helper()
	call(p, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent: eval[string](p, "navigator.userAgent"), AcceptLanguage: lang,
	})
}

// look looks at the page, and leaves pictures of it.
func (p *tab) look(axe, file string) {
	p.t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 320} {
			p.scheme(scheme)
			p.width(width)
			p.fits()
			p.judge(axe, scheme)
			name := file + "-" + scheme + ".png"
			if width == 320 {
				name = file + "-" + scheme + "-narrow.png"
			}
			p.shoot(name)
		}
	}
	p.scheme("light")
	for _, width := range []int64{320, 1280} {
		p.window(width, 3000) // without a bar, which is on the other side then
		p.mirrored()
	}
	p.width(1280)
}

// scheme sets what the reader prefers, light or dark.
func (p *tab) scheme(scheme string) {
	p.t.Helper()
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if got := eval[string](p, "getComputedStyle(document.documentElement).colorScheme"); got != "light dark" {
		p.t.Errorf("%s: color-scheme is %q", p.where(), got)
	}
}

// width sets the width of the window. 320 is also one of 1280 at 400 percent (WCAG 2.2, 1.4.10).
func (p *tab) width(width int64) { p.window(width, 900) }

func (p *tab) window(width, height int64) {
	p.t.Helper()
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1,
	})
}

// fits says that nothing has to be scrolled sideways, and that no text is cut off.
func (p *tab) fits() {
	p.t.Helper()
	wide := eval[[]string](p, `[...document.querySelectorAll('body, body *')]
		.filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && e.tagName != 'INPUT' ||
			e.getBoundingClientRect().right > innerWidth + .5 || e.getBoundingClientRect().left < -.5)
		.map(e => e.tagName + '#' + e.id + '.' + e.className)`)
	if len(wide) > 0 {
		p.t.Errorf("%s at %d: wider than the window: %q", p.where(), eval[int](p, "innerWidth"), wide)
	}
}

// judge has axe-core judge the page: all of its rules, and the size of targets besides.
func (p *tab) judge(axe, scheme string) {
	p.t.Helper()
	if !eval[bool](p, "typeof window.axe == 'object'") {
		eval[struct{}](p, axe+";({})")
	}
	found := eval[[]string](p, `axe.run(document, {rules: {'target-size': {enabled: true}}}).then(r =>
		[...r.violations, ...r.incomplete].flatMap(v => v.nodes.map(n => v.id + ': ' + v.help + ': ' + n.html + ' ' + n.failureSummary)))`)
	for _, f := range found {
		p.t.Errorf("%s, %s, %d wide: axe-core: %s", p.where(), scheme, eval[int](p, "innerWidth"), f)
	}
}

// mirrored says that a page whose language is written from right to left is the mirror image of this one.
func (p *tab) mirrored() {
	p.t.Helper()
	odd := eval[[]string](p, `(() => {
		const all = [...document.querySelectorAll('body *')].filter(e => e.offsetWidth && getComputedStyle(e).display != 'inline')
		const boxes = () => all.map(e => e.getBoundingClientRect())
		const before = boxes(), root = document.documentElement, dir = root.dir
		root.dir = 'rtl'
		const after = boxes(), width = root.clientWidth
		root.dir = dir
		return all.filter((e, i) => Math.abs(after[i].left - (width - before[i].right)) > 2)
			.map(e => e.tagName + '#' + e.id + '.' + e.className)
	})()`)
	if len(odd) > 0 {
		p.t.Errorf("%s, right to left: not mirrored: %q", p.where(), odd)
	}
}

// shoot leaves a picture of the whole page.
func (p *tab) shoot(file string) {
	p.t.Helper()
	beyond := true
	shot := call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: &beyond})
	if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}
