package sms_test

import (
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/egress"
	"github.com/userpool-go/userpool/message/sms"
	"github.com/userpool-go/userpool/password"
)

func TestTwilio(t *testing.T) {
	t.Parallel()
	const key, service = "SK0123456789abcdef0123456789abcdef", "MG0123456789abcdef0123456789abcdef"
	for name, tt := range map[string]struct {
		c    sms.TwilioConfig
		user string
		from url.Values
	}{
		"number":     {sms.TwilioConfig{From: "+15005550006"}, account, url.Values{"From": {"+15005550006"}}},
		"short code": {sms.TwilioConfig{From: "12345"}, account, url.Values{"From": {"12345"}}},
		"name":       {sms.TwilioConfig{From: "Shop 24-7"}, account, url.Values{"From": {"Shop 24-7"}}},
		"service":    {sms.TwilioConfig{Service: service}, account, url.Values{"MessagingServiceSid": {service}}},
		"key":        {sms.TwilioConfig{Key: key, Service: service}, key, url.Values{"MessagingServiceSid": {service}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, 201, taken["twilio"])
			tt.c.Account, tt.c.Secret, tt.c.Endpoint = account, password.New(secret), s.endpoint()
			tt.c.Endpoint.URL += "/"
			sender, err := sms.NewTwilio(tt.c)
			if err != nil {
				t.Fatal(err)
			}
			if err := sender.Send(t.Context(), hello); err != nil {
				t.Fatal(err)
			}
			got := s.only(t)
			tt.from["To"], tt.from["Body"] = []string{number}, []string{hello.Text}
			if !reflect.DeepEqual(got.form, tt.from) {
				t.Errorf("form = %v, want %v", got.form, tt.from)
			}
			user, pass, ok := got.BasicAuth()
			if !ok || user != tt.user || pass != secret {
				t.Errorf("user %q, password right: %v", user, pass == secret)
			}
			if path := "/2010-04-01/Accounts/" + account + "/Messages.json"; got.Method != "POST" || got.URL.String() != path {
				t.Errorf("%s %s, want POST %s", got.Method, got.URL, path)
			}
			if h := got.Header.Get("Content-Type"); !strings.HasPrefix(h, "application/x-www-form-urlencoded") {
				t.Errorf("Content-Type %q", h)
			}
		})
	}
}

func TestNewTwilio(t *testing.T) {
	t.Parallel()
	good := sms.TwilioConfig{Account: account, Secret: password.New(secret), From: "+15005550006"}
	for _, tt := range []struct {
		name   string
		change func(*sms.TwilioConfig)
		want   string
	}{
		{"no account", func(c *sms.TwilioConfig) { c.Account = "" }, "Account"},
		{"account that is a path", func(c *sms.TwilioConfig) { c.Account = "../Accounts/AC1" }, "Account"},
		{"account with a query", func(c *sms.TwilioConfig) { c.Account = "AC1?x" }, "Account"},
		{"account that ends its header", func(c *sms.TwilioConfig) { c.Account = "AC1:\r\n" }, "Account"},
		{"key with a colon", func(c *sms.TwilioConfig) { c.Key = "SK1:2" }, "Key"},
		{"no secret", func(c *sms.TwilioConfig) { c.Secret = password.Secret{} }, "Secret"},
		{"no sender", func(c *sms.TwilioConfig) { c.From = "" }, "From or Service"},
		{"two senders", func(c *sms.TwilioConfig) { c.Service = "MG1" }, "From or Service"},
		{"sender too long", func(c *sms.TwilioConfig) { c.From = "Example Shop" }, "From must"},
		{"sender of signs", func(c *sms.TwilioConfig) { c.From = "Shop!" }, "From must"},
		{"sender of blanks", func(c *sms.TwilioConfig) { c.From = " shop" }, "From must"},
		{"national sender", func(c *sms.TwilioConfig) { c.From = "015112345678" }, "From must"},
		{"service that is none", func(c *sms.TwilioConfig) { c.From, c.Service = "", "M G" }, "Service must"},
		{"http", func(c *sms.TwilioConfig) { c.Endpoint.URL = "http://api.twilio.com" }, "not https"},
		{"user in the URL", func(c *sms.TwilioConfig) { c.Endpoint.URL = "https://u:hunter2@api.twilio.com" }, "user or password"},
		{"path in the URL", func(c *sms.TwilioConfig) { c.Endpoint.URL = "https://api.twilio.com/v2" }, "without path"},
		{"query in the URL", func(c *sms.TwilioConfig) { c.Endpoint.URL = "https://api.twilio.com?a" }, "without path"},
		{"fragment in the URL", func(c *sms.TwilioConfig) { c.Endpoint.URL = "https://api.twilio.com#" }, "without path"},
		{"no URL", func(c *sms.TwilioConfig) { c.Endpoint.URL = "api.twilio.com" }, "Endpoint"},
		{"negative timeout", func(c *sms.TwilioConfig) { c.Endpoint.Timeout = -time.Second }, "negative"},
	} {
		c := good
		tt.change(&c)
		if _, err := sms.NewTwilio(c); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: NewTwilio = %v, want an error that says %q", tt.name, err, tt.want)
		}
	}
	_, err := sms.NewTwilio(sms.TwilioConfig{Endpoint: sms.Endpoint{URL: "ftp://x"}})
	if err == nil || strings.Count(err.Error(), "\n") != 3 || !errors.Is(err, egress.ErrRefused) {
		t.Errorf("NewTwilio with four mistakes = %v, want all four", err)
	}
}
