package hosted_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
)

var byLink = pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}}

// The link of a mail is moved from the URL into a cookie, and nothing happens before a click: neither for who
// scans mails, nor for the visitor (security.md S2).
func TestS2_LinkIsNotConsumedByGET(t *testing.T) {
	t.Parallel()
	for _, production := range []bool{false, true} {
		s := open(t, production, pool.Config{Settings: &byLink}, hosted.Config{})
		b := s.browser()
		p := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
		b.at(p, "/auth/confirm")
		b.shows(p, "Open the link that is in it")
		if strings.Contains(p.body, `name="code"`) {
			t.Errorf("a code is asked for:\n%s", p.body)
		}
		mailed := s.Mail.Link(ada)
		_, carried, _ := strings.Cut(mailed, "link=")

		scanner := s.browser()
		for range 3 {
			scanner.at(scanner.open(mailed), "/auth/link")
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodHead, mailed, nil)
			if p := scanner.do(r); p.status != http.StatusSeeOther {
				t.Errorf("HEAD = %d, want 303", p.status)
			}
		}
		first := b.get(mailed)
		to := first.header.Get("Location")
		if first.status != http.StatusSeeOther || strings.Contains(to, carried) || first.body != "" || first.header.Get("Referrer-Policy") != "same-origin" {
			t.Fatalf("the link leads by %d to %q:\n%s", first.status, to, first.body)
		}
		prefix := "userpool-dev.flow."
		if production {
			prefix = "__Host-userpool.flow."
		}
		if len(first.cookies) != 1 || !strings.HasPrefix(first.cookies[0].Name, prefix) || !first.cookies[0].HttpOnly ||
			first.cookies[0].Secure != production || first.cookies[0].Path != "/" || first.cookies[0].Domain != "" ||
			first.cookies[0].MaxAge <= 0 || first.cookies[0].MaxAge > 900 {
			t.Errorf("the link is kept in %v", first.cookies)
		}
		p = b.follow(first)
		b.at(p, "/auth/link")
		if strings.Contains(p.body, carried) || strings.Contains(p.body, ada) {
			t.Errorf("the page names the link or the address:\n%s", p.body)
		}
		p = b.post(p, "submit")
		b.at(p, "/auth/password")
		b.shows(p, "Your address is confirmed.")
		b.at(b.post(p, "submit", "password", secret), "/")
	}
}

// In another browser only the password of the sign-up confirms: whoever signed up may be a stranger
// (security.md T7).
func TestT7_LinkInAnotherBrowserAsksForThePassword(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &byLink}, hosted.Config{})
	attacker := s.browser()
	waits := attacker.post(attacker.open("/auth/sign-up"), "submit", "username", ada, "password", other)
	victim := s.browser()
	victim.post(victim.open("/auth/sign-up"), "submit", "username", "eve@example.com", "password", secret) // another sign-up of this browser
	p := victim.post(victim.open(s.Mail.Link(ada)), "submit")
	victim.at(p, "/auth/password")
	victim.shows(p, "Enter the password that you chose when you signed up")
	p = victim.post(p, "submit", "password", secret)
	victim.at(p, "/auth/password")
	victim.shows(p, "That did not work.")
	attacker.at(attacker.open(waits.url.String()), "/auth/confirm")
	attacker.at(attacker.signIn(ada, other), "/auth/confirm") // still not confirmed

	own := s.browser() // who signed up, on another device
	p = own.post(own.open(s.Mail.Link("eve@example.com")), "submit")
	own.at(own.post(p, "submit", "password", secret), "/")
}

func TestLinksOfNoUse(t *testing.T) {
	t.Parallel()
	s := open(t, false, pool.Config{Settings: &byLink}, hosted.Config{})
	b := s.browser()
	p := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	old := s.Mail.Link(ada)
	p = b.post(p, "to-resend")
	b.at(p, "/auth/confirm")
	good := s.Mail.Link(ada)
	for _, link := range []string{
		old, good[:len(good)-1], good + "A", good + "&link=x", strings.Replace(good, "link=", "link=link.", 1), s.url + "/auth/link?link=",
		s.url + "/auth/link?link=" + strings.Repeat("A", 64), s.url + "/auth/link?link=" + strings.Repeat("A", 5000), s.url + "/auth/link?link=%ff",
		s.url + "/auth/link?link=" + url.QueryEscape(`"><script>`),
	} {
		p := b.open(link)
		if p.url.Path == "/auth/link" {
			p = b.post(p, "submit")
		}
		b.at(p, "/auth/sign-in")
		b.shows(p, "That step is over.")
	}
	p = b.post(b.open(good), "submit")
	b.at(p, "/auth/password")
	b.shows(p, "Your address is confirmed.")
	over := b.post(b.open(good), "submit")
	b.at(over, "/auth/sign-in") // a second time
}

// What opens something is in no URL and no page, and in cookies that no script reads (security.md S1).
func TestS1_TicketsStayInCookies(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	var tickets []string
	look := func(p page) page {
		t.Helper()
		for _, c := range p.cookies {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
				t.Errorf("%s sets %v", p.url, c)
			}
			if ticket := hosted.TicketOf(c.Value); strings.Contains(c.Name, "flow") && ticket != "" {
				tickets = append(tickets, ticket)
			}
		}
		for _, ticket := range tickets {
			if strings.Contains(p.body, ticket) || strings.Contains(p.header.Get("Location"), ticket) || strings.Contains(p.url.String(), ticket) {
				t.Errorf("%s shows the ticket:\n%s", p.url, p.body)
			}
		}
		return p
	}
	p := look(b.send(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret))
	p = look(b.follow(p))
	p = look(b.send(p, "submit", "code", s.Mail.Code(ada)))
	p = look(b.follow(p))
	look(b.send(p, "submit", "password", secret))
	p = look(b.send(b.open("/auth/forgot"), "submit", "username", ada))
	look(b.follow(p))
	if len(tickets) < 3 {
		t.Fatalf("%d tickets were seen, want at least 3", len(tickets))
	}
	// Another browser has nothing of the address of a step, nor a script of this one of its handle.
	for _, path := range []string{"/auth/reset" + "?" + mustParse(p.header.Get("Location")).RawQuery} {
		thief := s.browser()
		thief.at(thief.open(path), "/auth/sign-in")
		handle := mustParse(path).Query().Get("flow")
		if p := thief.json("POST", "/auth/reset", `{"ticket":"`+handle+`","code":"`+s.Mail.Code(ada)+`","new_password":"`+other+`"}`); p.status != http.StatusGone {
			t.Errorf("a handle without its cookie = %d %s", p.status, p.body)
		}
	}
}

// CVE class 61: of a whole journey, with its mistakes, no URL, no Referer and no line of the log holds anything that
// opens something, but for the one URL that was mailed.
func TestCVE61_NothingSecretInURLsAndLogs(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	sink := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := open(t, false, pool.Config{Settings: &byLink, Logger: sink}, hosted.Config{Logger: sink})
	b := s.browser()
	secrets := map[string]string{secret: "password", other: "password", url.QueryEscape(secret): "password"}
	note := func(p page) page {
		for _, c := range p.cookies {
			secrets[c.Value] = c.Name
			if ticket := hosted.TicketOf(c.Value); ticket != "" {
				secrets[ticket] = "ticket"
			}
		}
		for _, m := range hiddenHTML.FindAllStringSubmatch(p.body, -1) {
			if m[1] == "form" || m[1] == "once" {
				secrets[m[2]] = m[1]
			}
		}
		return p
	}
	step := func(p page, in ...string) page { return note(b.follow(note(b.send(p, "submit", in...)))) }
	step(note(b.open("/auth/sign-up")), "username", ada, "password", secret)
	mailed := s.Mail.Link(ada)
	p := step(note(b.follow(note(b.get(mailed)))))
	p = step(p, "password", other) // a mistake
	step(p, "password", secret)
	p = step(note(b.open("/auth/forgot")), "username", ada)
	p = step(p, "code", "00000000", "new_password", other)
	code := s.Mail.Code(ada)
	secrets[code] = "code"
	step(p, "code", code, "new_password", other)
	step(note(b.open("/auth/forgot")), "username", "not an address")
	delete(secrets, "") // of cookies that were erased
	if len(secrets) < 20 {
		t.Fatalf("%d secrets were seen", len(secrets))
	}
	for held, name := range secrets {
		if strings.Contains(log.String(), held) {
			t.Errorf("the log holds the %s:\n%s", name, log.String())
		}
		for _, asked := range s.urls() {
			if strings.Contains(asked, held) && s.url+asked != mailed {
				t.Errorf("%s holds the %s", asked, name)
			}
		}
	}
}

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}
