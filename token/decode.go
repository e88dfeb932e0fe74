package token

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/userpool-go/userpool/internal/jose"
)

// maxTime is the last second that is a date: the end of the year 9999.
const maxTime = 253402300799

// decode reads a payload whose signature has been checked. It wants every claim that decides
// something, once and of its type: "exp": "2026" and no exp at all are the same mistake.
func decode(payload []byte) (*Claims, error) {
	members, err := jose.Object(payload)
	if err != nil {
		return nil, invalid("payload: %v", err)
	}
	r := reader{members: members}
	c := &Claims{
		Use: Use(r.text("token_use", required)), Issuer: r.text("iss", required), Subject: r.text("sub", required),
		JTI: r.text("jti", required), Session: r.text("origin_jti", required), Epoch: r.integer("epoch", optional),
		AuthTime: r.time("auth_time", optional), IssuedAt: r.time("iat", required), ExpiresAt: r.time("exp", required),
		AMR: r.texts("amr", optional), ACR: r.text("acr", optional), Audience: r.audience(),
		Groups: r.texts("cognito:groups", optional), Actor: r.actor(),
	}
	c.Attributes, c.Values = r.further()
	switch c.Use {
	case Access:
		c.ClientID, c.Username = r.text("client_id", required), r.text("username", optional)
		if scope := r.text("scope", optional); scope != "" {
			c.Scope = strings.Split(scope, " ")
		}
		if slices.ContainsFunc(c.Scope, notScope) {
			r.fail("scope", "scopes with a blank between them")
		}
	case ID:
		c.Username, c.Name = r.text("cognito:username", optional), r.text("name", optional)
		c.Email, c.EmailVerified = r.text("email", optional), r.boolean("email_verified")
		c.PhoneNumber, c.PhoneVerified = r.text("phone_number", optional), r.boolean("phone_number_verified")
		if len(c.Audience) == 1 {
			c.ClientID = c.Audience[0]
		} else {
			r.fail("aud", "one client")
		}
	default:
		r.fail("token_use", "access or id")
	}
	for _, name := range []string{"nbf", "cnf"} { // never written, and who ignored them would be wrong
		if r.members[name] != nil {
			r.fail(name, "absent")
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return c, nil
}

const (
	required = true
	optional = false
)

// reader reads claims and keeps the first thing that was wrong.
type reader struct {
	members map[string]json.RawMessage
	err     error
}

func (r *reader) fail(name, want string) {
	if r.err == nil {
		r.err = invalid("%s is not %s", name, want)
	}
}

// take returns the raw value of a claim, nil where it is absent. A null is not absence: it is wrong.
func (r *reader) take(name string, must bool) json.RawMessage {
	raw, ok := r.members[name]
	if !ok && must {
		r.fail(name, "there")
	}
	return raw
}

func (r *reader) text(name string, must bool) (s string) {
	raw := r.take(name, must)
	if raw == nil {
		return ""
	}
	s, ok := jose.Text(raw)
	if !ok || s == "" {
		r.fail(name, "a text")
	}
	return s
}

func (r *reader) texts(name string, must bool) (list []string) {
	raw := r.take(name, must)
	if raw == nil {
		return nil
	}
	var items []*string // a null among them would be an empty text otherwise
	if raw[0] != '[' || json.Unmarshal(raw, &items) != nil {
		r.fail(name, "a list of texts")
	}
	for _, s := range items {
		if s == nil || *s == "" {
			r.fail(name, "a list of texts")
			return nil
		}
		list = append(list, *s)
	}
	return list
}

func (r *reader) audience() []string {
	if raw := r.members["aud"]; len(raw) > 0 && raw[0] == '"' {
		return []string{r.text("aud", required)}
	}
	return r.texts("aud", required)
}

// integer reads a plain decimal above 0. Fractions and exponents, which JSON has too, are refused.
func (r *reader) integer(name string, must bool) int64 {
	raw := r.take(name, must)
	if raw == nil {
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n <= 0 {
		r.fail(name, "an integer above 0")
	}
	return n
}

func (r *reader) time(name string, must bool) time.Time {
	n := r.integer(name, must)
	if n > maxTime {
		r.fail(name, "a date")
	}
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// actor reads who acts for the subject. Whatever else an act claim may say, such as a chain of
// actors, no pool writes: it is refused, because who took it for none would take the actor for the
// user.
func (r *reader) actor() string {
	raw := r.take("act", optional)
	if raw == nil {
		return ""
	}
	members, err := jose.Object(raw)
	s, ok := jose.Text(members["sub"])
	if err != nil || len(members) != 1 || !ok || s == "" {
		r.fail("act", "an actor with a sub alone")
	}
	return s
}

// boolean reads true and false. What else some issuers send, "true" and 1 among them, is refused:
// that a mistake means "verified" is how accounts were taken over.
func (r *reader) boolean(name string) *bool {
	switch raw := r.take(name, optional); string(raw) {
	case "":
		return nil
	case "true":
		return new(true)
	case "false":
		return new(false)
	}
	r.fail(name, "true or false")
	return nil
}

// further returns the claims that are not reserved: those that are texts, and the others. One whose
// name is none that [SigningKey.Sign] takes is left out, as a claim that is not understood is
// (RFC 7519, 4): what was verified can be signed again.
func (r *reader) further() (texts map[string]string, values map[string]json.RawMessage) {
	for name, raw := range r.members {
		switch {
		case Reserved(name) || !isName(name):
		case raw[0] != '"':
			if values == nil {
				values = map[string]json.RawMessage{}
			}
			values[name] = raw
		default:
			if texts == nil {
				texts = map[string]string{}
			}
			s, ok := jose.Text(raw)
			if !ok {
				r.fail(name, "a text")
			}
			texts[name] = s
		}
	}
	return texts, values
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}
