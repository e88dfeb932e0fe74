package hosted_test

import (
	"context"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
)

// addition asks for a sum.
var addition = hook.Set{
	CreateChallenge: func(context.Context, hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		return hook.CreateChallengeAnswer{Params: map[string]string{"2": "<b>five</b>?", "1": "What is two and"}, Private: map[string]string{"sum": "seven"}}, nil
	},
	VerifyChallenge: func(_ context.Context, e hook.VerifyChallenge) (bool, error) {
		return e.Answer == e.Private["sum"], nil
	},
}

// A sign-in may begin by a challenge, beside the password. It looks the same for who is not there.
func TestSignInByQuestion(t *testing.T) {
	t.Parallel()
	settings := pool.Settings{SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindCustom}}}
	s := open(t, false, pool.Config{Settings: &settings, Hooks: addition}, hosted.Config{})
	s.member(ada)
	for who, lets := range map[string]bool{ada: true, "nobody@example.com": false} {
		b := s.browser()
		p := b.open("/auth/sign-in")
		b.shows(p, `id="by-custom"`)
		p = b.open("/auth/by-question")
		p = b.post(p, "submit", "username", who)
		b.at(p, "/auth/question")
		b.shows(p, `<p dir="auto">What is two and</p>`)
		if p = b.post(p, "submit", "answer", "seven"); lets {
			b.at(p, "/")
		} else {
			b.shows(p, "That answer is not right.")
		}
	}
}

// A challenge of the program's own is shown as text, whatever it holds, and its answer is asked for.
func TestQuestion(t *testing.T) {
	t.Parallel()
	settings := pool.Settings{MFA: pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindCustom}}}
	s := open(t, false, pool.Config{Settings: &settings, Hooks: addition}, hosted.Config{})
	s.member(ada)
	b := s.browser()
	p := b.signIn(ada, secret)
	b.at(p, "/auth/question")
	b.shows(p, `<p dir="auto">What is two and</p><p dir="auto">&lt;b&gt;five&lt;/b&gt;?</p>`)
	p = b.post(p, "submit", "answer", "eight")
	b.at(p, "/auth/question")
	b.shows(p, "That answer is not right.")
	b.shows(p, "What is two and")
	b.at(b.post(p, "submit", "answer", "seven"), "/")

	c := s.browser()
	need := c.step(c.json("POST", "/auth/sign-in", `{"username":"`+ada+`","password":"`+secret+`"}`), 200)
	if need.Step != "custom" || need.Ticket == "" {
		t.Fatalf("sign-in = %+v", need)
	}
	if no := c.step(c.json("POST", "/auth/question", `{"ticket":"`+need.Ticket+`","answer":"eight"}`), 422); no.Error != "wrong_code" {
		t.Errorf("a wrong answer = %+v", no)
	}
	if done := c.step(c.json("POST", "/auth/question", `{"ticket":"`+need.Ticket+`","answer":"seven"}`), 200); done.Step != "done" {
		t.Errorf("the answer = %+v", done)
	}
}

// Where the program itself fails nobody is told that their answer was wrong.
func TestQuestionThatFails(t *testing.T) {
	t.Parallel()
	fails := addition
	fails.VerifyChallenge = func(context.Context, hook.VerifyChallenge) (bool, error) { return false, io.ErrUnexpectedEOF }
	settings := pool.Settings{SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindCustom}}}
	s := open(t, false, pool.Config{Settings: &settings, Hooks: fails}, hosted.Config{})
	b := s.browser()
	p := b.post(b.open("/auth/sign-in"), "submit", "username", ada)
	p = b.post(p, "submit", "answer", "seven")
	b.at(p, "/auth/question")
	b.shows(p, "This was refused.")
	if strings.Contains(p.body, "not right") || strings.Contains(p.body, "EOF") {
		t.Errorf("the page says %s", p.body)
	}
}

// A challenge that no cookie holds is said to be none of the pages', rather than lost on the way. JSON
// has it in the step.
func TestLongQuestion(t *testing.T) {
	t.Parallel()
	for size, fits := range map[int]bool{1400: true, 1600: false, 4000: false} {
		long := addition
		long.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			a, err := addition.CreateChallenge(ctx, e)
			a.Params = maps.Clone(a.Params)
			a.Params["2"] = strings.Repeat("e", size)
			return a, err
		}
		settings := pool.Settings{SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindCustom}}}
		s := open(t, false, pool.Config{Settings: &settings, Hooks: long}, hosted.Config{})
		s.member(ada)
		b := s.browser()
		p := b.post(b.open("/auth/by-question?next=/"+strings.Repeat("n", 1000)), "submit", "username", ada)
		if fits {
			b.at(p, "/auth/question")
			b.shows(b.post(p, "submit", "answer", "eight"), "That answer is not right.")
		} else if p.status != 501 {
			t.Errorf("%d bytes: %s, %d, want 501", size, p.url, p.status)
		}
		need := b.step(b.json("POST", "/auth/by-question", `{"username":"`+ada+`"}`), 200)
		if done := b.step(b.json("POST", "/auth/question", `{"ticket":"`+need.Ticket+`","answer":"seven"}`), 200); done.Step != "done" {
			t.Errorf("%d bytes, in JSON: %+v", size, done)
		}
	}
}

// Where a question is the only way in, the sign-in page leads to it, and so does a step-up; the program may
// ask another one after each answer. Each language has words for it.
func TestQuestionAlone(t *testing.T) {
	t.Parallel()
	twice := addition
	twice.DefineChallenge = func(_ context.Context, e hook.DefineChallenge) (a hook.DefineChallengeAnswer, err error) {
		switch n := len(e.Asked); {
		case n > 0 && !e.Asked[n-1].Right:
			a.Fail = true
		case n == 2:
			a.Enough = true
		default:
			a.Name = "sum"
		}
		return a, nil
	}
	twice.CreateChallenge = func(_ context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		asked := []string{"What is two and five?", "And three and four?"}[len(e.Asked)]
		return hook.CreateChallengeAnswer{Params: map[string]string{"1": asked}, Private: map[string]string{"sum": "seven"}}, nil
	}
	settings := pool.Settings{SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindCustom}}}
	s := guarded(t, pool.Config{Settings: &settings, Hooks: twice})
	s.member(ada)
	for lang, heading := range map[string]string{"en": "Answer a question", "de": "Beantworten Sie eine Frage"} {
		b := s.browser()
		b.lang = lang
		answers := func(p page) page {
			t.Helper()
			b.at(p, "/auth/question")
			b.shows(p, heading)
			b.shows(p, "What is two and five?")
			p = b.post(p, "submit", "answer", "seven")
			b.at(p, "/auth/question")
			b.shows(p, "And three and four?")
			return b.post(p, "submit", "answer", "seven")
		}
		b.at(answers(b.post(b.open("/auth/sign-in"), "submit", "username", ada)), "/")
		s.Clock.Advance(time.Hour)
		b.at(answers(b.post(b.open("/pay"), "submit")), "/pay")
		s.Clock.Advance(time.Hour)
		p := b.post(b.open("/pay"), "submit")
		p = b.post(p, "submit", "answer", "eight")
		b.at(p, "/auth/question")
		b.at(b.post(p, "submit", "answer", "seven"), "/auth/sign-in") // to start again
		b.at(b.open("/pay"), "/auth/step-up")
	}
}
