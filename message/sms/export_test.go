package sms

import (
	"time"

	"github.com/userpool-go/userpool/internal/egress"
)

// Verdict returns what an answer means.
func (s *Sender) Verdict(status int, body []byte) error {
	return s.verdict(&egress.Response{Status: status, Body: body})
}

// Sign signs a post to a host with the credentials of a region and service.
func Sign(c Credentials, region, service string, header map[string]string, host string, body []byte, now time.Time) {
	signature{c, region, service}.sign(header, host, body, now)
}

// Key returns the key with which a service's requests of a day are signed.
func Key(c Credentials, region, service, day string) []byte {
	return signature{c, region, service}.key(day)
}
