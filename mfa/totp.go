package mfa

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// The one set of parameters that every authenticator app takes, whatever the URI says: SHA-1, six
// digits, 30 seconds (RFC 6238, 4 and 5.2).
const (
	seedLength = 20 // bytes, as long as the digest (RFC 4226, 4, R6)
	digits     = 6
	period     = 30
	// skew is how many steps a code may be old or early: the clock of a phone, and the time that
	// typing takes (RFC 6238, 5.2, recommends one).
	skew = 1
)

// ErrSeed means that some bytes are no seed: it has 16 to 64 of them (RFC 4226, 4, R6: 128 bits at
// least).
var ErrSeed = errors.New("mfa: a seed is 16 to 64 bytes")

// Seed is what an authenticator app and we have in common. Printing and logging do not show it, and it
// refuses to be marshalled. The zero Seed accepts no code.
//
// It is a pointer in a struct because fmt looks into values held by unexported fields of others
// without calling their methods, and to a string because with %s it follows one to a slice. Two Seeds of
// one key are not ==.
type Seed struct{ key *string }

// NewSeed returns a random seed of 160 bits.
func NewSeed() Seed {
	key := make([]byte, seedLength)
	rand.Read(key) // never fails: crypto/rand
	return seedOf(key)
}

// ParseSeed returns the seed of some bytes, such as [Seed.Bytes] gave or another system kept. It fails
// with [ErrSeed].
func ParseSeed(key []byte) (Seed, error) {
	if len(key) < 16 || len(key) > 64 {
		return Seed{}, fmt.Errorf("%w, not %d", ErrSeed, len(key))
	}
	return seedOf(key), nil
}

func seedOf(key []byte) Seed {
	s := string(key)
	return Seed{&s}
}

// Bytes returns the seed itself, to be sealed.
func (s Seed) Bytes() []byte {
	if s.key == nil {
		return nil
	}
	return []byte(*s.key)
}

// Text returns the seed as people type it who cannot scan a picture: base32, without padding.
func (s Seed) Text() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.Bytes())
}

// maxName bounds the names in a URI, in bytes: escaped, the issuer twice, a picture of it can be scanned.
const maxName = 128

// URI returns the otpauth URI that apps scan, for an account at an issuer. Both are shown by the app;
// colons, which separate them there, are left out, and what is longer than 128 bytes is cut off. It holds
// the seed: it belongs into no log.
func (s Seed) URI(issuer, account string) string {
	issuer, account = nameOf(issuer), nameOf(account)
	label := escaped(account)
	values := []string{"secret=" + s.Text()}
	if issuer != "" {
		label = escaped(issuer) + ":" + label
		values = append(values, "issuer="+escaped(issuer))
	}
	values = append(values, "algorithm=SHA1", fmt.Sprint("digits=", digits), fmt.Sprint("period=", period))
	return "otpauth://totp/" + label + "?" + strings.Join(values, "&")
}

// nameOf is a name as it stands in a label.
func nameOf(s string) string {
	s = strings.NewReplacer(":", " ", "%3A", " ", "%3a", " ").Replace(s)
	for len(s) > maxName {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// escaped is s in a URI, with blanks that are no plus: apps show that as it is.
func escaped(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// Code returns what an app that has the seed shows at a time. It is for tests.
func (s Seed) Code(at time.Time) string {
	code, ok := codeOf(s.Text(), stepAt(at))
	if !ok {
		return ""
	}
	return code
}

// maxTyped bounds what is read of a code or a recovery code that somebody typed, in bytes.
const maxTyped = 64

// Accept reports whether an app shows code now, or did or will within a step of now, and which step it
// is of, if that is later than the last one that was accepted; 0 is for none. A step is used once (RFC
// 6238, 5.2; security.md S17): a code that somebody looked at over a shoulder is worth nothing afterwards,
// so that one of two steps is used up for both. It takes the same time whichever step matches.
func (s Seed) Accept(code string, now time.Time, last int64) (step int64, ok bool) {
	if len(code) > maxTyped {
		return 0, false
	}
	typed, key := strings.Map(notSpace, code), s.Text()
	for i := stepAt(now) - skew; i <= stepAt(now)+skew; i++ {
		want, has := codeOf(key, i)
		same := subtle.ConstantTimeCompare([]byte(want), []byte(typed)) == 1
		if has && same && i > last {
			step, ok = i, true
		}
	}
	return step, ok
}

// notSpace leaves out the blanks with which apps show their codes in groups, and what is copied with them.
func notSpace(r rune) rune {
	if unicode.IsSpace(r) {
		return -1
	}
	return r
}

func stepAt(t time.Time) int64 { return t.Unix() / period }

// codeOf returns the code of a step, by a seed in base32 (RFC 4226, 5.3).
func codeOf(key string, step int64) (string, bool) {
	if key == "" || step < 0 {
		return "", false
	}
	code, err := hotp.GenerateCodeCustom(key, uint64(step), hotp.ValidateOpts{Digits: digits, Algorithm: otp.AlgorithmSHA1})
	return code, err == nil
}

// redacted is all that a seed shows.
const redacted = "REDACTED"

// String returns "REDACTED".
func (s Seed) String() string { return redacted }

// GoString returns "REDACTED".
func (s Seed) GoString() string { return redacted }

// Format writes "REDACTED" for every verb.
func (s Seed) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (s Seed) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText refuses: a seed leaves us by [Seed.Text] and [Seed.URI] alone, or sealed.
func (s Seed) MarshalText() ([]byte, error) {
	return nil, errors.New("mfa: a seed is not marshalled")
}
