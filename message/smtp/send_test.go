package smtp_test

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/smtp"
	secret "github.com/userpool-go/userpool/password"
)

var _ message.Sender = (*smtp.Sender)(nil)

var noon = time.Date(2030, 1, 2, 12, 0, 0, 0, time.UTC)

var hello = message.Message{
	ID: "m1", Pool: "p1", Channel: message.Email, Kind: message.ConfirmSignUp, To: "ada@example.com",
	Subject: "Grüße für 東京", Text: "Ihr Code:\n\n    271828\n.\nÄ\n", HTML: "<p>Ihr Code: <b>271828</b>. Ä</p>",
}

// config is that of a sender to s, with the password where s is one with TLS.
func config(s *server) smtp.Config {
	c := smtp.Config{
		Addr: s.addr, From: "Café <no-reply@example.com>", RootCAs: s.roots,
		Now: func() time.Time { return noon },
	}
	if s.roots == nil {
		c.InsecureNoTLS = true
	} else {
		c.Username, c.Password = user, secret.New(password)
	}
	return c
}

func sender(t *testing.T, c smtp.Config) *smtp.Sender {
	t.Helper()
	s, err := smtp.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	for name, sec := range map[string]security{"plain": plain, "STARTTLS": startTLS, "TLS": implicitTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := new(server).serve(t, sec)
			c := config(srv)
			c.ImplicitTLS = sec == implicitTLS
			if err := sender(t, c).Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			_, mails, rcpts := srv.seen()
			if len(mails) != 1 || len(rcpts) != 1 || rcpts[0] != hello.To {
				t.Fatalf("server has %d mails for %q, want one for %q", len(mails), rcpts, hello.To)
			}
			checkMail(t, mails[0])
		})
	}
}

func checkMail(t *testing.T, raw string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	var words mime.WordDecoder
	for header, want := range map[string]string{
		"From":           "Café <no-reply@example.com>",
		"To":             "<ada@example.com>",
		"Subject":        hello.Subject,
		"Date":           "Wed, 02 Jan 2030 12:00:00 +0000",
		"Auto-Submitted": "auto-generated",
		"User-Agent":     "",
		"X-Mailer":       "",
	} {
		got, err := words.DecodeHeader(m.Header.Get(header))
		if got = strings.ReplaceAll(got, `"`, ""); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", header, got, err, want)
		}
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("Content-Type %q, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct{ kind, body string }{
		{"text/plain; charset=UTF-8", hello.Text},
		{"text/html; charset=UTF-8", hello.HTML},
	} {
		p, err := parts.NextPart() // decodes quoted-printable
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if got := strings.ReplaceAll(string(body), "\r\n", "\n"); err != nil || got != want.body {
			t.Errorf("%s: %q, %v, want %q", want.kind, got, err, want.body)
		}
		if got := p.Header.Get("Content-Type"); got != want.kind {
			t.Errorf("part is %q, want %q", got, want.kind)
		}
	}
}

// A message may be sent twice, and a receiver must be able to see that.
func TestMessageIDNamesTheMessage(t *testing.T) {
	t.Parallel()
	srv := new(server).serve(t, plain)
	s := sender(t, config(srv))
	other, elsewhere, hostile, nameless := hello, hello, hello, hello
	other.ID, elsewhere.Pool, hostile.ID, nameless.ID = "m2", "p2", "a>\r\nBcc: <eve@example.com", ""
	for _, m := range []message.Message{hello, hello, other, elsewhere, hostile, nameless, nameless} {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	_, mails, _ := srv.seen()
	count := map[string]int{}
	for i, raw := range mails {
		m, err := mail.ReadMessage(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		id := m.Header.Get("Message-ID")
		if !strings.HasPrefix(id, "<") || !strings.HasSuffix(id, "@example.com>") || m.Header.Get("Bcc") != "" {
			t.Errorf("mail %d: Message-ID %q", i, id)
		}
		count[id]++
	}
	first, err := mail.ReadMessage(strings.NewReader(mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	if len(count) != 6 || count[first.Header.Get("Message-ID")] != 2 {
		t.Errorf("ids of 7 mails, one sent twice: %v", count)
	}
}

func TestServerRefuses(t *testing.T) {
	t.Parallel()
	reply := func(code int) error {
		return &gosmtp.SMTPError{
			Code: code, EnhancedCode: gosmtp.EnhancedCode{code / 100, 1, 1},
			Message: "no, not <ada@example.com>",
		}
	}
	tests := []struct {
		name   string
		server server
		final  bool
	}{
		{"recipient unknown", server{rcpt: reply(550)}, true},
		{"recipient moved", server{rcpt: reply(551)}, true},
		{"recipient malformed", server{rcpt: reply(553)}, true},
		{"recipient refused", server{rcpt: reply(554)}, true},
		{"domain takes no mail", server{rcpt: reply(556)}, true},
		{"recipient's box full", server{rcpt: reply(552)}, false},
		{"recipient greylisted", server{rcpt: reply(450)}, false},
		{"recipient, out of order", server{rcpt: reply(503)}, false},
		{"recipient, sign in first", server{rcpt: reply(530)}, false},
		{"sender refused", server{mail: reply(550)}, false},
		{"sender deferred", server{mail: reply(451)}, false},
		{"content refused", server{data: reply(554)}, false},
		{"content deferred", server{data: reply(452)}, false},
	}
	for i := range tests {
		tt := &tests[i]
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := sender(t, config(tt.server.serve(t, plain))).Send(t.Context(), hello)
			if err == nil || errors.Is(err, message.ErrRefused) != tt.final {
				t.Fatalf("Send = %v, final must be %v", err, tt.final)
			}
			for _, hidden := range []string{"ada@", "271828"} {
				if strings.Contains(err.Error(), hidden) {
					t.Errorf("error shows %q: %v", hidden, err)
				}
			}
		})
	}
}

// Without TLS everybody on the way reads the codes, and whoever can cut a line can take STARTTLS out
// of the server's offer.
func TestTLSIsMandatory(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		sec  security
		with func(*smtp.Config)
	}{
		{"STARTTLS not offered", plain, func(c *smtp.Config) { c.InsecureNoTLS = false }},
		{"STARTTLS not offered, with a password", plain, func(c *smtp.Config) {
			c.InsecureNoTLS, c.Username, c.Password = false, user, secret.New(password)
		}},
		{"TLS expected, server plain", plain, func(c *smtp.Config) { c.InsecureNoTLS, c.ImplicitTLS = false, true }},
		{"unknown authority, STARTTLS", startTLS, func(c *smtp.Config) { c.RootCAs = nil }},
		{"unknown authority, TLS", implicitTLS, func(c *smtp.Config) { c.RootCAs, c.ImplicitTLS = nil, true }},
		{"certificate of another host", startTLS, func(c *smtp.Config) {
			c.Addr = strings.Replace(c.Addr, "127.0.0.1", "localhost", 1)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := new(server).serve(t, tt.sec)
			c := config(srv)
			tt.with(&c)
			err := sender(t, c).Send(t.Context(), hello)
			if err == nil || errors.Is(err, message.ErrRefused) {
				t.Errorf("Send = %v, want an error that may pass", err)
			}
			if _, mails, rcpts := srv.seen(); len(mails)+len(rcpts) > 0 {
				t.Errorf("the server learned %q %q", rcpts, mails)
			}
		})
	}
}

func TestWrongPassword(t *testing.T) {
	t.Parallel()
	srv := new(server).serve(t, startTLS)
	c := config(srv)
	c.Password = secret.New("wrong horse")
	err := sender(t, c).Send(t.Context(), hello)
	if err == nil || errors.Is(err, message.ErrRefused) || strings.Contains(err.Error(), "horse") {
		t.Errorf("Send = %v, want an error that may pass and does not show the password", err)
	}
}

func TestInjectionRefused(t *testing.T) {
	t.Parallel()
	srv := new(server).serve(t, plain)
	s := sender(t, config(srv))
	tests := []struct {
		name   string
		change func(*message.Message)
	}{
		{"recipient with a header", func(m *message.Message) { m.To = "ada@example.com\r\nBcc: eve@example.com" }},
		{"recipient with a newline", func(m *message.Message) { m.To = "ada@example.com\n" }},
		{"two recipients", func(m *message.Message) { m.To = "ada@example.com, eve@example.com" }},
		{"recipient with a name", func(m *message.Message) { m.To = "Ada <ada@example.com>" }},
		{"recipient in brackets", func(m *message.Message) { m.To = "<ada@example.com>" }},
		{"recipient with parameters", func(m *message.Message) { m.To = `"a> NOTIFY=NEVER <b"@example.com` }},
		{"recipient with a comment", func(m *message.Message) { m.To = "ada@example.com (Ada)" }},
		{"recipient with a NUL", func(m *message.Message) { m.To = "ada\x00@example.com" }},
		{"recipient without a domain", func(m *message.Message) { m.To = "ada" }},
		{"no recipient", func(m *message.Message) { m.To = "" }},
		{"subject with a header", func(m *message.Message) { m.Subject = "Hi\r\nBcc: eve@example.com" }},
		{"subject with a newline", func(m *message.Message) { m.Subject = "Hi\n" }},
		{"subject with a return", func(m *message.Message) { m.Subject = "Hi\rthere" }},
		{"subject with an escape", func(m *message.Message) { m.Subject = "Hi\x1b[2J" }},
		{"subject not UTF-8", func(m *message.Message) { m.Subject = "Hi\xff" }},
		{"no text", func(m *message.Message) { m.Text = "" }},
		{"SMS", func(m *message.Message) { m.Channel, m.To = message.SMS, "+4915112345678" }},
		{"no channel", func(m *message.Message) { m.Channel = "" }},
	}
	for _, tt := range tests {
		m := hello
		tt.change(&m)
		err := s.Send(t.Context(), m)
		if !errors.Is(err, message.ErrRefused) {
			t.Errorf("%s: Send = %v, want ErrRefused", tt.name, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\r\n\x00\x1b@") {
			t.Errorf("%s: error repeats the input: %q", tt.name, err)
		}
	}
	if sessions, _, _ := srv.seen(); sessions > 0 {
		t.Errorf("the server was called %d times", sessions)
	}
}

func TestUnusualButFine(t *testing.T) {
	t.Parallel()
	srv := new(server).serve(t, plain)
	s := sender(t, config(srv))
	for _, to := range []string{"grüße@example.com", "ada+shop@example.com", "o'hara@example.com"} {
		m := hello
		m.To, m.HTML = to, ""
		if err := s.Send(t.Context(), m); err != nil {
			t.Errorf("to %q: %v", to, err)
		}
	}
	if _, _, rcpts := srv.seen(); strings.Join(rcpts, " ") != "grüße@example.com ada+shop@example.com o'hara@example.com" {
		t.Errorf("recipients were %q", rcpts)
	}
}

var mute = []string{"220 hello", "250 ok", "250 ok", "250 ok", "354 go on", ""}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	for i := range mute {
		t.Run("cancelled after reply "+strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			addr, silent := recite(t, append(mute[:i:i], "")...)
			s := sender(t, smtp.Config{Addr: addr, From: "a@example.com", InsecureNoTLS: true, Timeout: time.Hour})
			ctx, cancel := context.WithCancel(t.Context())
			go func() { <-silent; cancel() }()
			err := s.Send(ctx, hello)
			if !errors.Is(err, context.Canceled) || errors.Is(err, message.ErrRefused) {
				t.Errorf("Send = %v, want context.Canceled", err)
			}
		})
	}
	t.Run("own timeout", func(t *testing.T) {
		t.Parallel()
		addr, _ := recite(t, mute...)
		s := sender(t, smtp.Config{Addr: addr, From: "a@example.com", InsecureNoTLS: true, Timeout: 50 * time.Millisecond})
		if err := s.Send(t.Context(), hello); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Send = %v, want context.DeadlineExceeded", err)
		}
	})
	t.Run("context over before", func(t *testing.T) {
		t.Parallel()
		addr, _ := recite(t, mute...)
		s := sender(t, smtp.Config{Addr: addr, From: "a@example.com", InsecureNoTLS: true})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Send(ctx, hello); !errors.Is(err, context.Canceled) {
			t.Errorf("Send = %v, want context.Canceled", err)
		}
	})
}

// What the server has taken on is delivered, however badly it says goodbye: an error would have the
// message sent again.
func TestAcceptedThenGone(t *testing.T) {
	t.Parallel()
	accepted := append(mute[:5:5], "250 accepted")
	for name, script := range map[string][]string{
		"hangs up":         accepted,
		"refuses goodbye":  append(accepted[:6:6], "554 no"),
		"gibberish at end": append(accepted[:6:6], "goodbye"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := recite(t, script...)
			s := sender(t, smtp.Config{Addr: addr, From: "a@example.com", InsecureNoTLS: true})
			if err := s.Send(t.Context(), hello); err != nil {
				t.Errorf("Send = %v, want nil", err)
			}
		})
	}
}

func TestServerGone(t *testing.T) {
	t.Parallel()
	for name, script := range map[string][]string{
		"no greeting":         {},
		"refuses the session": {"554 no service"},
		"gibberish":           {"hello there"},
		"gone before reply":   mute[:5],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := recite(t, script...)
			s := sender(t, smtp.Config{Addr: addr, From: "a@example.com", InsecureNoTLS: true})
			if err := s.Send(t.Context(), hello); err == nil || errors.Is(err, message.ErrRefused) {
				t.Errorf("Send = %v, want an error that may pass", err)
			}
		})
	}
}

func TestConcurrentSend(t *testing.T) {
	t.Parallel()
	srv := new(server).serve(t, startTLS)
	s := sender(t, config(srv))
	gate := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			<-gate
			if err := s.Send(t.Context(), hello); err != nil {
				t.Error(err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if _, mails, _ := srv.seen(); len(mails) != 8 {
		t.Errorf("server has %d mails, want 8", len(mails))
	}
}
