package sms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"
)

// signature signs posts to "/" of a service of AWS (Signature Version 4:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv4.html).
type signature struct {
	Credentials
	region, service string
}

const (
	algorithm = "AWS4-HMAC-SHA256"
	amzTime   = "20060102T150405Z"
)

// sign adds to a header, whose names are in small letters, what makes it one of ours: the time, the
// token of temporary credentials, and a MAC over all of it, the host and the body.
func (s signature) sign(header map[string]string, host string, body []byte, now time.Time) {
	at := now.UTC().Format(amzTime)
	header["x-amz-date"] = at
	if !s.SessionToken.IsZero() {
		header["x-amz-security-token"] = s.SessionToken.Reveal()
	}
	signed := maps.Clone(header)
	signed["host"] = host // Go sends it by itself
	names := slices.Sorted(maps.Keys(signed))
	list := strings.Join(names, ";")

	canonical := "POST\n/\n\n"
	for _, name := range names {
		canonical += name + ":" + strings.TrimSpace(signed[name]) + "\n"
	}
	canonical += "\n" + list + "\n" + digest(body)

	scope := strings.Join([]string{at[:8], s.region, s.service, "aws4_request"}, "/")
	said := strings.Join([]string{algorithm, at, scope, digest([]byte(canonical))}, "\n")
	header["authorization"] = algorithm + " Credential=" + s.AccessKeyID + "/" + scope +
		", SignedHeaders=" + list + ", Signature=" + hex.EncodeToString(mac(s.key(at[:8]), said))
}

// key returns the key of a day.
func (s signature) key(day string) []byte {
	key := []byte("AWS4" + s.SecretAccessKey.Reveal())
	for _, part := range []string{day, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
