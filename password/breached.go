package password

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // G505: the protocol's; what it protects is public already
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/userpool-go/userpool/internal/egress"
)

// haveIBeenPwned is the range service that is asked by default.
const haveIBeenPwned = "https://api.pwnedpasswords.com/range/" //nolint:gosec // the address of a service, and no secret

// ErrUnavailable means that a service of breached passwords gave no answer that could be read.
var ErrUnavailable = errors.New("password: no answer about breached passwords")

// BreachedConfig says whom to ask about breached passwords. The zero value asks Have I
// Been Pwned, and lets passwords through while it does not answer.
type BreachedConfig struct {
	// URL is the https URL of the range service, to which five hex digits are added. "" means
	// that of Have I Been Pwned.
	URL string
	// Timeout bounds a question. 0 means 1 s.
	Timeout time.Duration
	// FailClosed refuses passwords with [ErrUnavailable] while the service does not answer. Whoever
	// can silence it then keeps people from choosing any.
	FailClosed bool
	// Failed is told of every question without an answer, for the log. Nil means nobody is.
	Failed func(error)
	// Allow lists addresses that are not public and may be asked all the same: a mirror of one's
	// own.
	Allow []netip.Prefix
	// InsecureLoopback is for tests: loopback addresses only, by http too.
	InsecureLoopback bool
}

// Breached asks a service whether a password was found in a breach. The service learns the first 20
// bits of the password's SHA-1, which thousands of breached passwords share, and from the padded
// answer nobody on the way learns more (k-anonymity:
// https://haveibeenpwned.com/API/v3#PwnedPasswords).
//
// Ask where a password is chosen, never where one is checked: a sign-in that needs somebody else's
// service is one that they can end. It is safe for concurrent use; [NewBreached] makes one.
type Breached struct {
	url    string
	client *egress.Client
	closed bool
	failed func(error)
}

// NewBreached returns a client, or says what is wrong with the URL.
func NewBreached(c BreachedConfig) (*Breached, error) {
	if c.URL == "" {
		c.URL = haveIBeenPwned
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Second
	}
	if c.Failed == nil {
		c.Failed = func(error) {}
	}
	client := egress.New(egress.Config{Timeout: c.Timeout, Allow: c.Allow, InsecureLoopback: c.InsecureLoopback})
	if err := client.Check(c.URL); err != nil {
		return nil, fmt.Errorf("password: the URL of breached passwords: %w", err)
	}
	if strings.ContainsAny(c.URL, "?#") {
		return nil, errors.New("password: the URL of breached passwords: no digits can be added behind a query or fragment")
	}
	return &Breached{c.URL, client, c.FailClosed, c.Failed}, nil
}

// Check refuses a password that was found in a breach, in the form that is hashed, with a
// *[PolicyError]. Without an answer it lets it through, or fails with [ErrUnavailable], as
// configured; it fails in any case where ctx has ended.
func (b *Breached) Check(ctx context.Context, s Secret) error {
	typed, err := text(s)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(norm.NFC.String(typed))) //nolint:gosec // G401: as above
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	found, err := b.ask(ctx, digits[:5], digits[5:])
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("ask about breached passwords: %w", ctx.Err())
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		b.failed(err)
		if b.closed {
			return err
		}
	case found:
		return &PolicyError{[]Violation{{Rule: RuleBreached}}}
	}
	return nil
}

// ask fetches all suffixes of a prefix and looks for one.
func (b *Breached) ask(ctx context.Context, prefix, suffix string) (bool, error) {
	answer, err := b.client.Get(ctx, b.url+prefix, map[string]string{"Add-Padding": "true"})
	if err != nil {
		return false, err
	}
	if answer.Status != 200 {
		return false, fmt.Errorf("status %d", answer.Status)
	}
	return find(answer.Body, suffix)
}

// find looks for a suffix with a count above 0; those of 0 are padding. An answer that is not wholly
// of the form is none: half of a list would let the other half through.
func find(body []byte, suffix string) (found bool, err error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return false, errors.New("the answer is empty")
	}
	for line := range bytes.Lines(body) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			continue
		}
		digits, count, _ := strings.Cut(string(line), ":")
		n, err := strconv.ParseUint(count, 10, 64)
		if err != nil || len(digits) != len(suffix) || strings.Trim(digits, "0123456789ABCDEFabcdef") != "" {
			return false, errors.New("the answer is not a list of suffixes and counts")
		}
		if n > 0 && strings.EqualFold(digits, suffix) {
			found = true
		}
	}
	return found, nil
}
