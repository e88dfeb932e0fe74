package hosted_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// holds is a site on which who has lost all second factors waits three days.
func holds(t *testing.T) *site {
	t.Helper()
	s := pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindTOTP}, RecoveryHold: 72 * time.Hour}
	return open(t, false, pool.Config{Settings: &pool.Settings{MFA: s}}, hosted.Config{})
}

// lose signs in with the password and says that all second factors are lost.
func (b *browser) lose(login string) page {
	b.t.Helper()
	p := b.signIn(login, secret)
	b.at(p, "/auth/totp")
	b.shows(p, "I have none of these any more")
	p = b.open("/auth/lost-factors?" + p.url.RawQuery)
	b.at(p, "/auth/lost-factors")
	b.shows(p, "You can set up another one, after a wait.")
	return b.post(p, "submit")
}

// Who has lost all second factors is told until when to wait, and sets up another then. To look at the page
// is not to say so.
func TestS4_LostFactorsPages(t *testing.T) {
	t.Parallel()
	s := holds(t)
	b := s.browser()
	old, _ := b.enrol(ada)
	visitor := s.browser()
	p := visitor.signIn(ada, secret)
	visitor.at(visitor.open("/auth/lost-factors?"+p.url.RawQuery), "/auth/lost-factors")
	if told(s) != 0 {
		t.Fatal("a page that was looked at has begun the wait")
	}
	visitor.at(visitor.open("/auth/lost-factors"), "/auth/sign-in") // without a password
	for range 2 {
		p = visitor.lose(ada)
		visitor.at(p, "/auth/sign-in")
		visitor.shows(p, "From "+s.Clock.Now().UTC().Add(72*time.Hour).Format("2006-01-02 15:04 UTC")+" on")
	}
	if visitor.cookie("session") != "" {
		t.Fatal("a session for a password")
	}
	s.Clock.Advance(72 * time.Hour)
	p = visitor.lose(ada)
	visitor.at(p, "/auth/set-up-app")
	seed := visitor.seed(p)
	if seed.Text() == old.Text() {
		t.Error("the app that was lost")
	}
	p = visitor.post(p, "submit", "code", seed.Code(s.Clock.Now()))
	visitor.at(p, "/auth/recovery-codes")
	visitor.at(visitor.post(p, "submit"), "/")
	b.at(b.open("/"), "/auth/sign-in") // the session of before
}

// told counts the messages that say so.
func told(s *site) (n int) {
	for _, m := range s.Mail.To(ada) {
		if m.Kind == message.FactorsLost {
			n++
		}
	}
	return n
}

// The link of the message is taken out of the URL, and nothing happens before a click. After it the owner
// sets another password.
func TestS2_NotMeIsNotConsumedByGET(t *testing.T) {
	t.Parallel()
	s := holds(t)
	s.browser().enrol(ada)
	thief, owner := s.browser(), s.browser()
	thief.at(thief.lose(ada), "/auth/sign-in")
	mailed := s.Mail.Link(ada)
	_, carried, ok := strings.Cut(mailed, "/auth/not-me?link=")
	if !ok {
		t.Fatalf("the mail leads to %q", mailed)
	}
	for range 3 {
		owner.at(owner.open(mailed), "/auth/not-me")
	}
	first := owner.get(mailed)
	if to := first.header.Get("Location"); first.status != 303 || strings.Contains(to, carried) || first.body != "" {
		t.Fatalf("the link leads by %d to %q", first.status, to)
	}
	thief.at(thief.lose(ada), "/auth/sign-in")
	p := owner.follow(first)
	owner.shows(p, "somebody knows it")
	if strings.Contains(p.body, carried) || strings.Contains(p.body, ada) {
		t.Errorf("the page names the link or the address:\n%s", p.body)
	}
	p = owner.post(p, "submit")
	owner.at(p, "/auth/forgot")
	owner.shows(p, "It is undone.")
	thief.at(thief.signIn(ada, secret), "/auth/sign-in")
	again := owner.post(owner.open(mailed), "submit")
	owner.at(again, "/auth/sign-in")
	owner.shows(again, "That step is over.")
}
