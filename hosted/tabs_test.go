package hosted_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
)

// Two tabs that are at two steps, or at two of the same step, do not disturb each other.
func TestTabs(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person("eve@example.com")
	b := s.browser()
	one := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	two := b.post(b.open("/auth/sign-up"), "submit", "username", "bob@example.com", "password", secret)
	three := b.post(b.open("/auth/forgot"), "submit", "username", "eve@example.com")
	four := b.post(b.open("/auth/sign-in"), "submit", "username", "nobody@example.com", "password", secret)
	b.shows(b.open(one.url.String()), ada)
	b.shows(b.open(two.url.String()), "bob@example.com")
	b.shows(b.open(four.url.String()), "nobody@example.com")
	one = b.post(one, "submit", "code", s.Mail.Code(ada))
	b.at(one, "/auth/password")
	two = b.post(two, "submit", "code", s.Mail.Code("bob@example.com"))
	b.at(two, "/auth/password")
	three = b.post(three, "submit", "code", s.Mail.Code("eve@example.com"), "new_password", other)
	b.at(three, "/auth/password")
	p := b.post(two, "submit", "password", secret)
	b.shows(p, "Hello, bob@example.com")
	p = b.post(one, "submit", "password", secret) // a form from before bob's sign-in
	b.at(p, "/auth/password")
	b.shows(p, "This form was out of date.")
	b.shows(b.post(p, "submit", "password", secret), "Hello, "+ada)
}

// Who goes back sees the page as it was, or that the step is over; never an error, and nothing is sent again.
func TestBackButton(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	blank := b.open("/auth/sign-up")
	code := b.post(blank, "submit", "username", ada, "password", secret)
	b.at(b.open(blank.url.String()), "/auth/sign-up")
	b.at(b.open(code.url.String()), "/auth/confirm")
	if n := len(s.Mail.To(ada)); n != 1 {
		t.Fatalf("%d mails after going back and forth, want 1", n)
	}
	wrong := b.post(code, "submit", "code", "000000")
	for range 9 { // five wrong codes would use the ticket up
		b.at(b.open(wrong.url.String()), "/auth/confirm")
	}
	in := b.post(wrong, "submit", "code", s.Mail.Code(ada))
	b.at(in, "/auth/password")
	over := b.open(code.url.String())
	b.at(over, "/auth/sign-in")
	b.shows(over, "That step is over.")
	b.at(b.post(in, "submit", "password", secret), "/")
	b.at(b.open(in.url.String()), "/auth/sign-in")
}

// A second click may come when the first has signed the browser in, and has changed its cookies.
func TestLateSecondClick(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	form := b.open("/auth/sign-in")
	b.at(b.post(form, "submit", "username", ada, "password", secret), "/")
	b.at(b.post(form, "submit", "username", ada, "password", secret), "/")
	eve := b.post(form, "submit", "username", "eve@example.com", "password", other)
	b.at(eve, "/auth/sign-in") // and is not taken for ada
	b.shows(eve, "This form was out of date.")
}

// The second of two clicks is answered like the first: nothing is done twice.
func TestDoubleSubmit(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	twice := func(p page, in ...string) page {
		t.Helper()
		answers := make([]page, 2)
		var wg sync.WaitGroup
		for i := range answers {
			r := b.form(p, "submit", in...)
			r.Header.Set("Cookie", b.cookies()) // as it is at the first click
			wg.Go(func() { answers[i] = b.without(r) })
		}
		wg.Wait()
		for _, a := range answers {
			if a.status != http.StatusSeeOther || a.header.Get("Location") != answers[0].header.Get("Location") {
				t.Fatalf("%s: %d to %q, and %d to %q", p.url, answers[0].status, answers[0].header.Get("Location"), a.status, a.header.Get("Location"))
			}
		}
		u, _ := url.Parse(s.url)
		b.client.Jar.SetCookies(u, answers[1].cookies)
		return b.follow(answers[1])
	}
	p := twice(b.open("/auth/sign-up"), "username", ada, "password", secret)
	b.at(p, "/auth/confirm")
	if n := len(s.Mail.To(ada)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
	p = twice(p, "code", s.Mail.Code(ada))
	b.at(p, "/auth/password")
	for range 4 { // four wrong passwords, each sent thrice: the fifth would lock
		p = twice(p, "password", other)
		b.at(p, "/auth/password")
	}
	b.at(twice(p, "password", secret), "/")
	b.at(b.open("/auth/account"), "/auth/account")
}

// A browser gives up the first of two clicks. What it began is not given up, and the second is told of it.
func TestFirstClickIsGivenUp(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	s := open(t, false, pool.Config{Hooks: hook.Set{PreSignUp: func(ctx context.Context, _ hook.PreSignUp) (hook.PreSignUpAnswer, error) {
		close(begun) // a second call would panic
		select {
		case <-goOn:
			return hook.PreSignUpAnswer{}, nil
		case <-ctx.Done():
			return hook.PreSignUpAnswer{}, ctx.Err()
		}
	}}}, hosted.Config{})
	b := s.browser()
	p := b.open("/auth/sign-up")
	in := []string{"username", ada, "password", secret}
	ctx, giveUp := context.WithCancel(t.Context())
	first, second := b.form(p, "submit", in...).WithContext(ctx), b.form(p, "submit", in...)
	over := make(chan error)
	go func() {
		_, err := b.client.Do(first) //nolint:bodyclose // there is none
		over <- err
	}()
	<-begun
	giveUp()
	if err := <-over; err == nil {
		t.Fatal("the first click was answered")
	}
	answer := make(chan page)
	go func() { answer <- b.do(second) }()
	close(goOn)
	b.at(b.follow(<-answer), "/auth/confirm")
	if n := len(s.Mail.To(ada)); n != 1 {
		t.Errorf("%d mails, want 1", n)
	}
}

// The same form with other words is another form.
func TestFormIsSentAgainWithOtherWords(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	b := s.browser()
	p := b.open("/auth/sign-in")
	b.at(b.post(p, "submit", "username", ada, "password", other), "/auth/sign-in")
	b.at(b.post(p, "submit", "username", ada, "password", secret), "/")
}

// A step whose ticket is used up, or whose cookie is gone, begins anew.
func TestStepsThatAreOver(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	p := b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	for range 5 {
		b.at(p, "/auth/confirm")
		p = b.post(p, "submit", "code", "000000")
	}
	if p.url.Path != "/auth/sign-in" {
		p = b.post(p, "submit", "code", "000000")
	}
	b.at(p, "/auth/sign-in")
	b.shows(p, "That step is over.")
	for _, path := range []string{"/auth/confirm", "/auth/reset", "/auth/password", "/auth/new-password", "/auth/link"} {
		for _, id := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAA", p.url.Query().Get("flow"), "../../../etc"} {
			p := b.open(path + "?flow=" + url.QueryEscape(id))
			b.at(p, "/auth/sign-in")
		}
	}
}

// Whatever a flow's cookie holds, a page is shown.
func FuzzFlow(f *testing.F) {
	f.Add("eyJwIjoic2lnbi1pbiIsImkiOiJ4In0")
	f.Add("eyJwIjoiY29uZmlybSIsInQiOiJ4IiwiZCI6IjxiPiIsIm4iOiIvL2V2aWwifQ")
	f.Fuzz(func(t *testing.T, value string) {
		for _, page := range []string{"sign-in", "confirm", "reset"} {
			if got := hosted.ParseFlow(value, page); strings.HasPrefix(got, "//") {
				t.Errorf("%q leads to %q", value, got)
			}
		}
	})
}
