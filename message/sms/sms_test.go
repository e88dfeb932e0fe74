package sms_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/sms"
)

var _ message.Sender = (*sms.Sender)(nil)

// silent fails where an error shows whom or what a message is for, or a secret.
func silent(t *testing.T, err error) {
	t.Helper()
	for _, hidden := range []string{number, number[1:], number[4:], "271828", secret, keys.SecretAccessKey.Reveal()} {
		if err != nil && strings.Contains(err.Error(), hidden) {
			t.Errorf("the error shows %q: %v", hidden, err)
		}
	}
}

// What can never be sent reaches nobody.
func TestRefusedUnsent(t *testing.T) {
	t.Parallel()
	s := serve(t, 200, "")
	for name, change := range map[string]func(*message.Message){
		"email":            func(m *message.Message) { m.Channel, m.To = message.Email, "ada@example.com" },
		"no channel":       func(m *message.Message) { m.Channel = "" },
		"no number":        func(m *message.Message) { m.To = "" },
		"no plus":          func(m *message.Message) { m.To = number[1:] },
		"national":         func(m *message.Message) { m.To = "0151 12345678" },
		"country 0":        func(m *message.Message) { m.To = "+0151123456" },
		"blank within":     func(m *message.Message) { m.To = "+49 15112345678" },
		"short":            func(m *message.Message) { m.To = "+491511" },
		"long":             func(m *message.Message) { m.To = number + "000" },
		"two":              func(m *message.Message) { m.To = "+491511234,+491511235" },
		"another channel":  func(m *message.Message) { m.To = "whatsapp:" + number },
		"line break":       func(m *message.Message) { m.To = number + "\n" },
		"digits elsewhere": func(m *message.Message) { m.To = "+49١٥١١٢٣٤" },
		"a topic":          func(m *message.Message) { m.To = "arn:aws:sns:eu-central-1:1:all" },
		"no text":          func(m *message.Message) { m.Text = "" },
		"long text":        func(m *message.Message) { m.Text = strings.Repeat("ä", 1601) },
		"no UTF-8":         func(m *message.Message) { m.Text = "code \xff" },
	} {
		for via, sender := range senders(t, s.endpoint()) {
			m := hello
			change(&m)
			err := sender.Send(t.Context(), m)
			if !errors.Is(err, message.ErrRefused) {
				t.Errorf("%s by %s = %v, want ErrRefused", name, via, err)
			}
			silent(t, err)
		}
	}
	if len(s.calls) != 0 {
		t.Errorf("%d calls", len(s.calls))
	}
}

// What the provider says of the message alone is final, and all else is tried again.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		via    string
		status int
		code   string // "" means an answer that is no error of the provider's
		final  bool
	}{
		{"twilio", 400, "21211", true},
		{"twilio", 400, "21408", true},
		{"twilio", 400, "21610", true},
		{"twilio", 400, "21612", true},
		{"twilio", 400, "21614", true},
		{"twilio", 400, "21635", true},
		{"twilio", 400, "21606", false}, // the sender is not ours
		{"twilio", 400, "21611", false}, // the sender's queue is full
		{"twilio", 400, "21703", false}, // the service has no sender
		{"twilio", 400, "99999", false},
		{"twilio", 400, "-1", false},
		{"twilio", 401, "20003", false},
		{"twilio", 403, "20005", false}, // the account is not active
		{"twilio", 429, "20429", false},
		{"twilio", 429, "21211", false},
		{"twilio", 500, "20500", false},
		{"twilio", 503, "21211", false},
		{"sns", 400, "InvalidParameter", true},
		{"sns", 400, "ParameterValueInvalid", true},
		{"sns", 400, "OptedOut", true},
		{"sns", 400, "Throttling", false},
		{"sns", 400, "ExpiredToken", false},
		{"sns", 400, "RequestExpired", false},
		{"sns", 403, "AuthorizationError", false},
		{"sns", 403, "SignatureDoesNotMatch", false},
		{"sns", 403, "InvalidClientTokenId", false},
		{"sns", 429, "InvalidParameter", false},
		{"sns", 500, "InternalError", false},
		{"sns", 503, "OptedOut", false},
		{"sns", 400, number, false},
		{"sns", 400, strings.Repeat("A", 65), false},
		{"twilio", 400, "", false},
		{"twilio", 404, "", false},
		{"twilio", 500, "", false},
		{"twilio", 200, "", false},
		{"sns", 404, "", false},
		{"sns", 502, "", false},
		{"sns", 200, "", false},
	} {
		t.Run(fmt.Sprintf("%s %d %.20s", tt.via, tt.status, tt.code), func(t *testing.T) {
			t.Parallel()
			answer := "<html><title>It works</title><p>for " + number
			if tt.code != "" {
				answer = failed[tt.via](tt.code)
			}
			s := serve(t, tt.status, answer)
			err := senders(t, s.endpoint())[tt.via].Send(t.Context(), hello)
			if err == nil || errors.Is(err, message.ErrRefused) != tt.final {
				t.Errorf("Send = %v, want a refusal: %v", err, tt.final)
			}
			if tt.code != "" && len(tt.code) < 64 && tt.code != number && !strings.Contains(err.Error(), tt.code) {
				t.Errorf("Send = %v, which does not say %q", err, tt.code)
			}
			silent(t, err)
			s.only(t)
		})
	}
}

// Twilio's answer is no acceptance of SNS, nor the other way round.
func TestAnswersOfAnother(t *testing.T) {
	t.Parallel()
	for via, other := range map[string]string{"twilio": "sns", "sns": "twilio"} {
		s := serve(t, 201, taken[other])
		if err := senders(t, s.endpoint())[via].Send(t.Context(), hello); err == nil || errors.Is(err, message.ErrRefused) {
			t.Errorf("%s: Send = %v, want an error that is not final", via, err)
		}
	}
}

func TestS9_ProvidersLeadNowhereElse(t *testing.T) {
	t.Parallel()
	inside := serve(t, 200, taken["twilio"])
	away := serve(t, http.StatusTemporaryRedirect, inside.URL) // keeps method and body
	large := serve(t, 200, strings.Repeat(" ", 256<<10)+taken["twilio"])
	for name, e := range map[string]sms.Endpoint{
		"redirect":          away.endpoint(),
		"large answer":      large.endpoint(),
		"a private address": {URL: "https" + strings.TrimPrefix(inside.URL, "http")},
		"loopback alone":    {URL: "https://192.0.2.1", InsecureLoopback: true},
		"not the listed":    {URL: "https" + strings.TrimPrefix(inside.URL, "http"), Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}},
	} {
		for via, sender := range senders(t, e) {
			err := sender.Send(t.Context(), hello)
			if err == nil || errors.Is(err, message.ErrRefused) {
				t.Errorf("%s by %s = %v, want an error that is not final", name, via, err)
			}
			silent(t, err)
		}
	}
	if len(inside.calls) != 0 {
		t.Errorf("%d calls came through", len(inside.calls))
	}
}

func TestSlowProviders(t *testing.T) {
	t.Parallel()
	over := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer s.Close()
	defer close(over)
	for via, sender := range senders(t, sms.Endpoint{URL: s.URL, Timeout: 30 * time.Millisecond, InsecureLoopback: true}) {
		err := sender.Send(t.Context(), hello)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, message.ErrRefused) {
			t.Errorf("%s = %v, want DeadlineExceeded", via, err)
		}
		silent(t, err)
	}
	for via, sender := range senders(t, sms.Endpoint{URL: s.URL, InsecureLoopback: true}) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := sender.Send(ctx, hello); !errors.Is(err, context.Canceled) {
			t.Errorf("%s after its context ended = %v", via, err)
		}
	}
}

func TestSendersShowNoSecret(t *testing.T) {
	t.Parallel()
	for via, sender := range senders(t, sms.Endpoint{}) {
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sender", sender, "keys", keys)
		shown := fmt.Sprintf("%v %+v %#v", sender, *sender, *sender) + fmt.Sprintf("%+v", keys) + log.String()
		for _, hidden := range []string{secret, keys.SecretAccessKey.Reveal()} {
			if strings.Contains(shown, hidden) {
				t.Errorf("%s shows %q", via, hidden)
			}
		}
	}
}

// Whatever a provider answers, nothing but a short code of its own is told of it.
func FuzzAnswers(f *testing.F) {
	for _, via := range []string{"twilio", "sns"} {
		f.Add(201, taken[via])
		f.Add(400, failed[via]("21211"))
	}
	f.Add(400, `{"code":9007199254740993}`)
	f.Add(200, `<PublishResponse><PublishResult><MessageId>&#x41;`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		twilio, err := sms.NewTwilio(sms.TwilioConfig{Account: account, Secret: keys.SecretAccessKey, From: "Shop"})
		if err != nil {
			t.Fatal(err)
		}
		sns, err := sms.NewSNS(sms.SNSConfig{Region: "eu-central-1", Credentials: keys.Always()})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range []*sms.Sender{twilio, sns} {
			err := s.Verdict(status, []byte(body))
			if err == nil && status/100 != 2 || errors.Is(err, message.ErrRefused) && status/100 != 4 {
				t.Errorf("%d is %v", status, err)
			}
			if err != nil && (len(err.Error()) > 250 || strings.ContainsAny(err.Error(), "<>\n")) {
				t.Errorf("the error is %q", err)
			}
		}
	})
}
