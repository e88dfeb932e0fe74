package hosted_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// kept returns how many flows a browser has, and how many bytes their cookies take.
func (b *browser) kept() (flows, bytes int) {
	for one := range strings.SplitSeq(b.cookies(), "; ") {
		if strings.Contains(one, ".flow.") {
			flows, bytes = flows+1, bytes+len(one)
		}
	}
	return flows, bytes
}

// A browser keeps a few flows. What waits for a code outlives what only says what was wrong.
func TestFlowsAreBounded(t *testing.T) {
	t.Parallel()
	for typed, most := range map[string]int{"1@example.com": hosted.MaxFlows, strings.Repeat("ä", 1000): 3} {
		s := development(t)
		b := s.browser()
		waits := b.post(b.open("/auth/forgot"), "submit", "username", "0@example.com")
		first := b.post(b.open("/auth/sign-in"), "submit", "username", "0@example.com", "password", "x")
		b.shows(first, "That did not work.")
		for range 2 * hosted.MaxFlows {
			b.post(b.open("/auth/sign-in"), "submit", "username", typed, "password", "x")
		}
		if n, size := b.kept(); n != most || size > 7<<10 { // with their names; proxies take 8 KiB
			t.Errorf("%d flows of %d bytes are kept, want %d", n, size, most)
		}
		b.at(b.open(waits.url.String()), "/auth/reset")
		if p := b.open(first.url.String()); strings.Contains(p.body, "That did not work.") {
			t.Errorf("the oldest is still there:\n%s", p.body)
		}
	}
}

// No other site's links push a step out of a browser: what they make it keep goes first.
func TestStepsOutliveNotices(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada, pooltest.TemporaryPassword())
	b := s.browser()
	step := b.signIn(ada, secret)
	b.at(step, "/auth/new-password")
	for range 2 * hosted.MaxFlows {
		b.at(b.open("/auth/account"), "/auth/sign-in")
		b.at(b.open("/auth/reset"), "/auth/sign-in")
	}
	b.at(b.open(step.url.String()), "/auth/new-password")
}

// Wherever a sign-in is to lead, browsers keep the cookie of each step, which takes at most 4096 bytes of them.
func TestLongReturnPaths(t *testing.T) {
	t.Parallel()
	s := development(t)
	for next, carried := range map[string]bool{
		"/?" + strings.Repeat("a&", 500): true, "/" + strings.Repeat("<", 1000): true, "/?" + strings.Repeat(`"`, 1022): false,
	} {
		b := s.browser()
		login := strings.Repeat("a", 60) + "@" + strings.Repeat(strings.Repeat("b", 60)+".", 3) + "example"
		p := b.send(b.open("/auth/forgot?return_to="+url.QueryEscape(next)), "submit", "username", login)
		for _, c := range p.cookies {
			if len(c.Name)+len(c.Value) > 4096 {
				t.Errorf("to return to %.10s a cookie takes %d bytes", next, len(c.Name)+len(c.Value))
			}
		}
		if p = b.follow(p); p.url.Path != "/auth/reset" || strings.Contains(p.body, `name="return_to"`) != carried {
			t.Errorf("to return to %.10s leads to %s:\n%s", next, p.url, p.body)
		}
	}
}

// counting counts the reads of a store.
type counting struct {
	*memory.Store
	reads atomic.Int64
}

func (c *counting) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	c.reads.Add(1)
	return c.Store.Read(ctx, p, w)
}

// Whoever sends thousands of flows gets neither a read nor a header for each.
func TestManyFlowsCostLittle(t *testing.T) {
	t.Parallel()
	const host = "http://127.0.0.1"
	st := &counting{Store: memory.New()}
	k := pooltest.New(t, pooltest.WithStore(st), pooltest.WithConfig(pool.Config{Issuer: host, ConfirmURL: host + "/auth/link", Settings: &byLink}))
	srv := httptest.NewServer(hosted.New(k.Pool, hosted.Config{}))
	defer srv.Close()
	s := &site{Kit: k, t: t, url: srv.URL}
	b := s.browser()
	b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	mailed := mustParse(k.Mail.Link(ada))

	thief := s.browser()
	p := thief.open(mailed.RequestURI())
	flow := base64.RawURLEncoding.EncodeToString([]byte(`{"p":"confirm","t":"` + strings.Repeat("A", 64) + `"}`))
	cookies := thief.cookies()
	for i := range 2000 {
		cookies += fmt.Sprintf("; userpool-dev.flow.%s.default=%s", strings.NewReplacer("0", "A", "1", "B").Replace(fmt.Sprintf("%026b", i)), flow)
	}
	r := thief.form(p, "submit")
	r.Header.Set("Cookie", cookies)
	before := st.reads.Load()
	p = thief.without(r)
	if reads := st.reads.Load() - before; p.status != http.StatusSeeOther || reads > 2*hosted.MaxFlows+2 || len(p.cookies) > 2*hosted.MaxFlows+2 {
		t.Errorf("%d after %d reads, with %d cookies", p.status, reads, len(p.cookies))
	}
}
