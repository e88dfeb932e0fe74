package browser_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take, on a machine that does other things too.
const patience = 20 * time.Second

// tab is a tab of a browser in front of a site. It fails the test where the browser has anything to complain of:
// a script or style that the Content-Security-Policy refused, an error, a request to elsewhere.
type tab struct {
	t    *testing.T
	ctx  context.Context
	site *site
	came chan struct{} // a page was loaded, or brought back from history

	mu       sync.Mutex
	troubles []string
	fine     string // what of them does not count
}

// visit opens a tab in a profile of its own.
func (s *site) visit(t *testing.T) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(needChromium(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	return newTab(t, ctx, s)
}

// another opens a second tab beside this one: with the same cookies.
func (p *tab) another() *tab {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	p.t.Cleanup(cancel)
	return newTab(p.t, ctx, p.site)
}

func newTab(t *testing.T, ctx context.Context, s *site) *tab {
	t.Helper()
	p := &tab{t: t, ctx: ctx, site: s, came: make(chan struct{}, 64)}
	p.must(chromedp.Listen(ctx, p.hear))
	for _, enable := range []cdp.Command[cdp.Empty, cdp.Empty]{audits.Enable, log.Enable, runtime.Enable} {
		call(p, enable, cdp.Empty{})
	}
	call(p, network.Enable, network.EnableParams{})
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, trouble := range p.troubles {
			t.Errorf("the browser complains: %s", trouble)
		}
	})
	return p
}

// call runs a command of the browser's protocol.
func call[P, R any](p *tab, c cdp.Command[P, R], params P) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, c, params)
	if err != nil {
		p.t.Fatalf("%T: %v", params, err)
	}
	return r
}

func (p *tab) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// hear takes what the browser says by itself.
func (p *tab) hear(event any) {
	switch e := event.(type) {
	case *page.EventLoadEventFired:
		p.came <- struct{}{}
	case *page.EventFrameNavigated:
		if e.Type == page.NavigationTypeBackForwardCacheRestore {
			p.came <- struct{}{}
		}
	case *network.EventRequestWillBeSent:
		if !strings.HasPrefix(e.Request.URL, p.site.url+"/") {
			p.complain("a request to %s", e.Request.URL)
		}
	case *network.EventResponseReceived:
		if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 {
			p.complain("%s = %d", e.Response.URL, e.Response.Status)
		}
	case *runtime.EventExceptionThrown:
		p.complain("%v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		p.complain("console: %s", text(e))
	case *log.EventEntryAdded:
		// An answer of 404 is one, and wanted where a test asks for it. And a test may be at a field before
		// the first frame is drawn, in which the page would give its focus to the summary of errors.
		hasty := strings.HasPrefix(e.Entry.Text, "Autofocus processing was blocked because a document already has a focused element")
		if e.Entry.Source != log.EntrySourceNetwork && !hasty {
			p.complain("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *audits.EventIssueAdded:
		p.complain("%s: %s", e.Issue.Code, text(e.Issue.Details))
	}
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func (p *tab) complain(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	trouble := fmt.Sprintf(format, args...)
	if p.fine == "" || !strings.Contains(trouble, p.fine) {
		p.troubles = append(p.troubles, trouble)
	}
}

// putUpWith says what the browser may complain of.
func (p *tab) putUpWith(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fine = part
}

// wait returns when what an action sets off has come to a page.
func (p *tab) wait(action func()) {
	p.t.Helper()
	for len(p.came) > 0 {
		<-p.came
	}
	action()
	select {
	case <-p.came:
	case <-time.After(patience):
		p.t.Fatalf("at %s: no page came", p.where())
	}
}

// open opens a path of the site, as one who types it.
func (p *tab) open(path string) {
	p.t.Helper()
	p.wait(func() { call(p, page.Navigate, page.NavigateParams{URL: p.site.url + path}) })
}

// back is the back button, forward the one beside it.
func (p *tab) back()    { p.t.Helper(); p.history(-1) }
func (p *tab) forward() { p.t.Helper(); p.history(1) }

func (p *tab) history(by int64) {
	p.t.Helper()
	h := call(p, page.GetNavigationHistory, cdp.Empty{})
	to := h.CurrentIndex + by
	if to < 0 || to >= int64(len(h.Entries)) {
		p.t.Fatalf("at %s: history has no entry %d", p.where(), to)
	}
	p.wait(func() {
		call(p, page.NavigateToHistoryEntry, page.NavigateToHistoryEntryParams{EntryID: h.Entries[to].ID})
	})
}

// eval returns what an expression comes to. It runs beside the page's own scripts, also where those are off.
func eval[T any](p *tab, js string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](js, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%.200s: %v", js, err)
	}
	return v
}

// where returns the path of the page.
func (p *tab) where() string {
	p.t.Helper()
	u, err := url.Parse(eval[string](p, "location.href"))
	p.must(err)
	return u.Path
}

// at says on which page the tab must be.
func (p *tab) at(path string) {
	p.t.Helper()
	if got := p.where(); got != path {
		p.t.Fatalf("at %s, want %s:\n%s", got, path, p.text())
	}
}

// text returns what the page shows.
func (p *tab) text() string {
	p.t.Helper()
	return eval[string](p, "document.body.innerText")
}

// shows says what a page must show.
func (p *tab) shows(want string) {
	p.t.Helper()
	if got := p.text(); !strings.Contains(got, want) {
		p.t.Errorf("%s does not show %q:\n%s", p.where(), want, got)
	}
}

// click clicks where an element is, as far as nothing lies over it.
func (p *tab) click(selector string, times int) {
	p.t.Helper()
	at := eval[*[2]float64](p, `(() => {
		const e = document.querySelector(`+text(selector)+`)
		if (!e) return null
		e.scrollIntoView({block: 'nearest', behavior: 'instant'})
		const r = e.getClientRects()[0], x = r.x + r.width / 2, y = r.y + r.height / 2
		return e.contains(document.elementFromPoint(x, y)) ? [x, y] : null
	})()`)
	if at == nil {
		p.t.Fatalf("%s has no %s that can be clicked:\n%s", p.where(), selector, p.text())
	}
	for range times {
		p.must(chromedp.Do(p.ctx, chromedp.MouseClickXY(at[0], at[1])))
	}
}

// press presses a button or follows a link, by its id, and waits for the page that comes.
func (p *tab) press(id string) {
	p.t.Helper()
	p.wait(func() { p.click("#"+id, 1) })
}

// fill clicks into fields and puts something in: name, value, name, value.
func (p *tab) fill(in ...string) {
	p.t.Helper()
	for i := 0; i < len(in); i += 2 {
		p.click("#field-"+in[i], 1)
		eval[chromedp.Void](p, "document.activeElement.select()")
		call(p, input.InsertText, input.InsertTextParams{Text: in[i+1]})
	}
}

// submit fills the form, and sends it.
func (p *tab) submit(in ...string) {
	p.t.Helper()
	p.fill(in...)
	p.press("submit")
}

// scripts switches JavaScript on or off, from the next page on.
func (p *tab) scripts(on bool) {
	p.t.Helper()
	call(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}
