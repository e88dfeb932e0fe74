package smtp_test

import (
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message/smtp"
	secret "github.com/userpool-go/userpool/password"
)

func TestNew(t *testing.T) {
	t.Parallel()
	good := smtp.Config{Addr: "mail.example.com:587", From: "no-reply@example.com"}
	tests := []struct {
		name   string
		change func(*smtp.Config)
		want   string // part of the error; "" means none
	}{
		{"least", func(*smtp.Config) {}, ""},
		{"all", func(c *smtp.Config) { c.Username, c.Password, c.Timeout = user, secret.New(password), time.Second }, ""},
		{"name and address", func(c *smtp.Config) { c.From = "Example Shop <no-reply@example.com>" }, ""},
		{"this machine", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS = "localhost:25", true }, ""},
		{"this machine, IPv6", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS = "[::1]:25", true }, ""},
		{"this machine, mapped", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS = "[::ffff:127.0.0.1]:25", true }, ""},

		{"no address", func(c *smtp.Config) { c.Addr = "" }, "host:port"},
		{"no port", func(c *smtp.Config) { c.Addr = "mail.example.com" }, "host:port"},
		{"no host", func(c *smtp.Config) { c.Addr = ":587" }, "host:port"},
		{"port 0", func(c *smtp.Config) { c.Addr = "mail.example.com:0" }, "port from 1"},
		{"port too high", func(c *smtp.Config) { c.Addr = "mail.example.com:65536" }, "port from 1"},
		{"named port", func(c *smtp.Config) { c.Addr = "mail.example.com:smtp" }, "port from 1"},
		{"no sender", func(c *smtp.Config) { c.From = "" }, "From"},
		{"sender without a domain", func(c *smtp.Config) { c.From = "shop" }, "From"},
		{"two senders", func(c *smtp.Config) { c.From = "a@example.com, b@example.com" }, "From"},
		{"sender with a header", func(c *smtp.Config) { c.From = "a@example.com\r\nBcc: eve@example.com" }, "From"},
		{"user without a password", func(c *smtp.Config) { c.Username = user }, "both"},
		{"password without a user", func(c *smtp.Config) { c.Password = secret.New(password) }, "both"},
		{"negative timeout", func(c *smtp.Config) { c.Timeout = -1 }, "negative"},
		{"no TLS to another machine", func(c *smtp.Config) { c.InsecureNoTLS = true }, "on this machine"},
		{"no TLS to a private address", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS = "10.0.0.1:25", true }, "on this machine"},
		{"no TLS to a look-alike", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS = "localhost.example.com:25", true }, "on this machine"},
		{"no TLS to any address", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS = "0.0.0.0:25", true }, "on this machine"},
		{"password without TLS", func(c *smtp.Config) {
			c.Addr, c.InsecureNoTLS, c.Username, c.Password = "127.0.0.1:25", true, user, secret.New(password)
		}, "over TLS only"},
		{"no TLS and TLS", func(c *smtp.Config) { c.Addr, c.InsecureNoTLS, c.ImplicitTLS = "127.0.0.1:25", true, true }, "contradict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := good
			tt.change(&c)
			s, err := smtp.New(c)
			if tt.want == "" {
				if err != nil || s == nil {
					t.Errorf("New = %v, want a sender", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), password) {
				t.Errorf("New = %v, want an error that says %q", err, tt.want)
			}
		})
	}
	_, err := smtp.New(smtp.Config{Timeout: -1})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("New with three mistakes = %v, want all three", err)
	}
}
