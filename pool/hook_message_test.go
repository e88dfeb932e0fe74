package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
)

// wording is a CustomMessage hook whose answer a test changes.
type wording struct {
	mu     sync.Mutex
	events []hook.CustomMessage
	say    func(context.Context) (hook.CustomMessageAnswer, error)
}

func (w *wording) hook(ctx context.Context, e hook.CustomMessage) (hook.CustomMessageAnswer, error) {
	w.mu.Lock()
	w.events = append(w.events, e)
	say := w.say
	w.mu.Unlock()
	if say == nil {
		return hook.CustomMessageAnswer{Subject: "Hello", Text: "Take this: " + e.Code, HTML: "<b>" + e.Code + "</b>" + strings.Repeat(".", 6)}, nil
	}
	return say(ctx)
}

func (w *wording) all() []hook.CustomMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]hook.CustomMessage(nil), w.events...)
}

// The hook's words go out with the code in them, which the hook never sees.
func TestCustomMessage(t *testing.T) {
	t.Parallel()
	w := &wording{}
	k := open(t, with(hook.Set{CustomMessage: w.hook}))
	in := pool.SignUpInput{
		Username: ada, Password: right, Attributes: map[string]string{"name": "Buy at evil.example"},
		Metadata: map[string]string{"campaign": "spring"}, Caller: pool.Caller{Locale: "de"},
	}
	up, err := k.SignUp(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	m := k.mails(ada, 1)[0]
	code := k.box.Code(ada)
	if m.Subject != "Hello" || m.Text != "Take this: "+code || !strings.Contains(m.HTML, code) || m.Kind != message.ConfirmSignUp || m.Channel != message.Email {
		t.Errorf("mail: %q %q %q %+v", m.Subject, m.Text, m.HTML, m)
	}
	if err := confirm(k, up.Ticket, code); err != nil {
		t.Fatal(err)
	}
	if _, err := k.SignUp(t.Context(), in); err != nil { // at the taken address
		t.Fatal(err)
	}
	if m := k.mails(ada, 2)[1]; m.Kind != message.AlreadyRegistered || m.Subject != "Hello" {
		t.Errorf("mail: %+v", m)
	}
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada, Metadata: in.Metadata}); err != nil {
		t.Fatal(err)
	}
	k.mails(ada, 3)
	sent := 0
	for n, e := range w.all() {
		if text := fmt.Sprintf("%+v", e); strings.Contains(text, code) || strings.Contains(text, up.Ticket) || strings.Contains(text, right.Reveal()) {
			t.Errorf("the hook was given a secret: %s", text)
		}
		user := e.Kind == message.ResetPassword
		if e.ID == "" || e.Metadata["campaign"] != "spring" || e.Username != ada || (e.Attributes["name"] != "") != user || (e.User != "") != user {
			t.Errorf("event %d: %+v", n, e)
		}
		sent++
	}
	first, last := w.all()[0], w.all()[2]
	if sent != 3 || first.Source != hook.SignUp || first.Locale != "de" || first.Code != "{####}" || first.Link != "" || last.Source != hook.ForgotPassword || w.all()[1].Code != "" {
		t.Errorf("events %+v", w.all())
	}
}

// Whatever the hook says or fails to say, the person gets the code, and soon; nobody else waits for
// it.
func TestS8_CustomMessageKeepsNoCodeBack(t *testing.T) {
	t.Parallel()
	answers := func(a hook.CustomMessageAnswer) func(context.Context) (hook.CustomMessageAnswer, error) {
		return func(context.Context) (hook.CustomMessageAnswer, error) { return a, nil }
	}
	fails := map[string]func(context.Context) (hook.CustomMessageAnswer, error){
		"nothing":       answers(hook.CustomMessageAnswer{}),
		"no code":       answers(hook.CustomMessageAnswer{Subject: "Hello", Text: "No code in here"}),
		"code on top":   answers(hook.CustomMessageAnswer{Subject: "{####}", Text: "Take {####}"}),
		"no subject":    answers(hook.CustomMessageAnswer{Text: "Take {####}"}),
		"two lines":     answers(hook.CustomMessageAnswer{Subject: "Hello\r\nBcc: eve@example.com", Text: "Take {####}"}),
		"NUL":           answers(hook.CustomMessageAnswer{Subject: "Hello", Text: "Take {####}\x00"}),
		"not UTF-8":     answers(hook.CustomMessageAnswer{Subject: "Hello", Text: "Take {####}\xff"}),
		"1 MB":          answers(hook.CustomMessageAnswer{Subject: "Hello", Text: "{####}" + strings.Repeat("x", 1<<20)}),
		"HTML, no code": answers(hook.CustomMessageAnswer{Subject: "Hello", Text: "Take {####}", HTML: "<b>nothing</b>"}),
		"a link":        answers(hook.CustomMessageAnswer{Subject: "Hello", Text: "Take {####} {##here##}"}),
		"only an SMS":   answers(hook.CustomMessageAnswer{SMS: "Take {####}"}),
	}
	for name, r := range refusals {
		fails[name] = func(ctx context.Context) (hook.CustomMessageAnswer, error) {
			return hook.CustomMessageAnswer{}, r.say(ctx)
		}
	}
	for name, say := range fails {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &wording{say: say}
				k := open(t, bubble(hook.Set{CustomMessage: w.hook}))
				ticket := k.signUp(ada)
				time.Sleep(30 * time.Second)
				ms := k.box.To(ada)
				if len(ms) != 1 {
					t.Fatalf("%d mails after half a minute, want the code", len(ms))
				}
				m := ms[0]
				if m.Subject == "Hello" || m.Subject == "" {
					t.Errorf("subject %q, want the pool's own", m.Subject)
				}
				if err := confirm(k, ticket, k.box.Code(ada)); err != nil {
					t.Error(err)
				}
				if n := len(w.all()); n > 2 {
					t.Errorf("asked %d times, want two at the most", n)
				}
				time.Sleep(2 * time.Hour) // what is deaf ends with the bubble
			})
		})
	}
}

// A hook that hangs delays codes by its time, and then not even that: it is full, and the pool's
// own words are used.
func TestS8_HangingCustomMessageDelaysCodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := &wording{say: func(context.Context) (hook.CustomMessageAnswer, error) {
			<-release
			return hook.CustomMessageAnswer{}, nil
		}}
		k := open(t, bubble(hook.Set{CustomMessage: w.hook}))
		before := time.Now()
		const people = 200
		for n := range people {
			in := pool.SignUpInput{Username: fmt.Sprintf("user%d@example.com", n), Password: right, Caller: from(n)}
			if _, err := k.SignUp(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Minute)
		for n := range people {
			k.mails(fmt.Sprintf("user%d@example.com", n), 1)
		}
		if n := len(w.all()); n != hook.Parallel {
			t.Errorf("%d runs hang, want %d", n, hook.Parallel)
		}
		if waited := time.Since(before); waited > 5*time.Minute {
			t.Errorf("codes took %v", waited)
		}
		close(release)
	})
}

// A message whose sender fails keeps its words, and one whose code has died asks for none.
func TestCustomMessageAndTheSender(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, mail := &wording{}, &flaky{fail: errors.New("no route to host")}
		k := open(t, bubble(hook.Set{CustomMessage: w.hook}), func(c *pool.Config) { c.Sender = mail })
		k.signUp(ada)
		time.Sleep(10 * time.Minute)
		asked := len(w.all())
		mail.set(nil)
		time.Sleep(time.Hour)
		_, sent := mail.counts()
		if asked < 4 || sent != 1 || mail.sent[0].Subject != "Hello" {
			t.Errorf("asked %d times, sent %d", asked, sent)
		}
		for _, e := range w.all() {
			if e.ID != mail.sent[0].ID {
				t.Error("the event does not name the message")
			}
		}
		n := len(w.all())
		mail.set(errors.New("no route to host"))
		ticket := k.signUp("bob@example.com")
		synctest.Wait()
		for range 5 {
			_ = confirm(k, ticket, "000000")
		}
		time.Sleep(time.Hour)
		if got := len(w.all()); got > n+1 {
			t.Errorf("asked %d times about a dead code", got-n)
		}
	})
}
