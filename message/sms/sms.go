// Package sms sends messages to phones, through a provider that takes them by HTTP: Twilio
// ([NewTwilio]), Amazon SNS ([NewSNS]), or a gateway that speaks as one of them does.
//
//	text, err := sms.NewTwilio(sms.TwilioConfig{
//		Account: "AC0123456789abcdef0123456789abcdef",
//		Secret:  password.New(os.Getenv("TWILIO_AUTH_TOKEN")),
//		From:    "+4915112345678",
//	})
//
// A pool writes by mail too, so its sender is a function that gives each message to whom it suits:
//
//	route := message.SenderFunc(func(ctx context.Context, m message.Message) error {
//		if m.Channel == message.SMS {
//			return text.Send(ctx, m)
//		}
//		return mail.Send(ctx, m)
//	})
//	p, err := pool.Open(ctx, store, pool.Config{Sender: route, ...})
//
// Each text costs money, and some who ask for one are paid for it (SMS pumping). The limits of a
// pool are against that; a provider's own, a cap on what is spent and a list of countries, belong
// beside them.
package sms

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/internal/egress"
	"github.com/userpool-go/userpool/message"
)

// maxText is the longest text that both providers take, in code points.
const maxText = 1600

// Endpoint says where a provider is, and how to reach it. The zero Endpoint is the provider itself,
// over the public internet.
type Endpoint struct {
	// URL is the https URL of another one: of a region, or of a gateway that speaks as the provider
	// does. "" means the provider's own.
	URL string
	// Timeout bounds one sending from dialling to the last byte of the answer. 0 means 10 s.
	Timeout time.Duration
	// Allow lists addresses that are not public and may be called all the same: a gateway within
	// one's own network.
	Allow []netip.Prefix
	// InsecureLoopback is for tests: loopback addresses only, by http too.
	InsecureLoopback bool
}

// Sender is a message.Sender through one provider. It is made by [NewTwilio] or [NewSNS], and safe
// for concurrent use.
type Sender struct {
	via    provider
	client *egress.Client
}

// provider is the manner of speaking of one.
type provider interface {
	// request returns what is posted for a message.
	request(ctx context.Context, m message.Message) (request, error)
	// accepted reports whether the body of a good answer names the message that was taken on: that
	// of a page which is good for everything does not.
	accepted(body []byte) bool
	// refusal returns the code of an error, in letters and digits, and whether it is about the
	// message alone, so that sending it again is of no use.
	refusal(body []byte) (code string, final bool)
}

// request is a post to a provider.
type request struct {
	url    string
	header map[string]string
	body   []byte
}

// form is the header of a body of form values.
const form = "application/x-www-form-urlencoded; charset=utf-8"

// newSender returns a sender that finds its provider at e.
func newSender(via provider, e Endpoint) *Sender {
	return &Sender{via, egress.New(egress.Config{Timeout: e.Timeout, Allow: e.Allow, InsecureLoopback: e.InsecureLoopback})}
}

// base returns the URL of e, or one's own, without a path. A path of a caller would be one that the
// signature, or the provider's path behind it, does not have.
func (e Endpoint) base(own string) (*url.URL, error) {
	address := e.URL
	if address == "" {
		address = own
	}
	err := egress.New(egress.Config{InsecureLoopback: e.InsecureLoopback}).Check(address)
	if err != nil {
		return nil, fmt.Errorf("sms: the Endpoint's URL: %w", err)
	}
	u, err := url.Parse(address)
	if err != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(address, "?#") {
		return nil, errors.New("sms: the Endpoint's URL must end behind its host, without path, query and fragment")
	}
	if e.Timeout < 0 {
		return nil, fmt.Errorf("sms: Timeout %s must not be negative", e.Timeout)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}, nil
}

// Send hands m to the provider. A nil error means that the provider has taken it on.
//
// The error wraps [message.ErrRefused] where m can never be sent: it is an email, the number is
// malformed, or the provider says that this number gets no texts. Whatever else goes wrong, wrong
// credentials and the provider's limits among them, may be put right, and is worth another try.
//
// Neither provider can tell a repeat. So where its answer is lost on the way, the next try sends
// the same text once more.
func (s *Sender) Send(ctx context.Context, m message.Message) error {
	if err := check(m); err != nil {
		return err
	}
	r, err := s.via.request(ctx, m)
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	answer, err := s.client.Post(ctx, r.url, r.header, r.body)
	if err != nil {
		return fmt.Errorf("sms: %w", err)
	}
	return s.verdict(answer)
}

// check refuses what no provider could send.
func check(m message.Message) error {
	switch {
	case m.Channel != message.SMS:
		return refuse(fmt.Sprintf("channel is %.20q, and a phone takes SMS only: send it by another Sender", m.Channel))
	case !isNumber(m.To):
		return refuse("recipient is not a phone number in E.164, such as +4915112345678")
	case m.Text == "":
		return refuse("text is empty")
	case !utf8.ValidString(m.Text) || utf8.RuneCountInString(m.Text) > maxText:
		return refuse(fmt.Sprintf("text is not of at most %d characters in UTF-8", maxText))
	}
	return nil
}

func refuse(why string) error { return fmt.Errorf("sms: %s: %w", why, message.ErrRefused) }

// verdict tells a number that will never get the message from everything else. Errors are logged,
// and providers like to repeat the number in words, so of an answer only its code is told.
func (s *Sender) verdict(answer *egress.Response) error {
	if answer.Status/100 == 2 {
		if s.via.accepted(answer.Body) {
			return nil
		}
		return fmt.Errorf("sms: the answer %d names no message: is this the URL of the provider?", answer.Status)
	}
	code, final := s.via.refusal(answer.Body)
	if code == "" {
		return fmt.Errorf("sms: the provider answered %d", answer.Status)
	}
	if final && answer.Status/100 == 4 && answer.Status != 429 {
		return refuse(fmt.Sprintf("the provider answered %d, error %s", answer.Status, code))
	}
	return fmt.Errorf("sms: the provider answered %d, error %s", answer.Status, code)
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// isNumber reports whether s is a phone number in E.164.
func isNumber(s string) bool {
	return len(s) >= 8 && len(s) <= 16 && s[0] == '+' && s[1] != '0' && strings.Trim(s[1:], "0123456789") == ""
}

// isID reports whether s may be an id of a provider's: it becomes a part of a path.
func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, letters+"0123456789-_") == ""
}

// isName reports whether s may be the name of a sender instead of a number: 1 to 11 letters, digits,
// and single blanks or hyphens within, at least one of them a letter.
func isName(s string) bool {
	letter := false
	for _, c := range []byte(s) {
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			letter = true
		case (c < '0' || c > '9') && c != ' ' && c != '-':
			return false
		}
	}
	return letter && len(s) <= 11 && strings.TrimSpace(s) == s
}
