package token

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/internal/jose"
)

// Use is what a token is for. Its values are Cognito's token_use.
type Use string

// The uses: to call an API, and to tell a client who has signed in. Neither passes for the other.
const (
	Access Use = "access"
	ID     Use = "id"
)

// typ returns the typ header of a use: that of RFC 9068, section 2.1, for access tokens.
func (u Use) typ() string {
	switch u {
	case Access:
		return "at+jwt"
	case ID:
		return "JWT"
	}
	return ""
}

// Claims is what a token says. Times are whole seconds.
type Claims struct {
	Use      Use    // token_use; required
	Issuer   string // iss; required
	Subject  string // sub: the user's id; required
	ClientID string // client_id of an access token, aud of an ID token; required
	// Audience is the aud of an access token; empty means the issuer, whose own API it then opens
	// (RFC 9068, 3). It is not the client: who takes ID tokens by issuer and audience alone would
	// take access tokens too. An ID token's audience is its client, and this is ignored in Sign.
	Audience []string
	JTI      string   // jti: of this one token; required
	Session  string   // origin_jti: id of the session, the same over refreshes; required
	Epoch    int64    // epoch: the user's when the session began (security.md T3); 0 is left out
	Scope    []string // scope, of access tokens only
	Username string   // username of an access token, cognito:username of an ID token
	Groups   []string // cognito:groups, of both kinds: the user's when the token was made
	// Actor is the sub of act (RFC 8693, 4.1): an administrator who acts as the user. "" means the
	// user. Such a token has neither auth_time nor acr. Where only
	// the user may act, refuse it: [Requirement].Self.
	Actor string

	AuthTime  time.Time // auth_time: of the oldest proof the sign-in rests on; zero is left out
	IssuedAt  time.Time // iat; required
	ExpiresAt time.Time // exp: from then on the token is over; required
	AMR       []string  // amr (RFC 8176); see [AMR]
	ACR       string    // acr; see [ACR]

	Name          string // name, of ID tokens only
	Email         string // email, of ID tokens only
	EmailVerified *bool  // email_verified, of ID tokens with an email; nil means that nothing is said
	PhoneNumber   string // phone_number, of ID tokens only
	PhoneVerified *bool  // phone_number_verified, of ID tokens with a phone number; nil means that nothing is said
	// Attributes are further claims by name, all texts. Names are of A-Z, a-z, 0-9, "_", ":", ".",
	// "/" and "-". A reserved one, or one that has a field here ([Reserved]), is left out, so that
	// no attribute speaks for the issuer.
	Attributes map[string]string
	// Values are further claims that are no texts, each one JSON value: a number, a list, an
	// object. For their names the same holds. A name stands in one of the two.
	Values map[string]json.RawMessage
}

// HasScope reports whether s is among the scopes.
func (c *Claims) HasScope(s string) bool { return slices.Contains(c.Scope, s) }

// InGroup reports whether the user was in a group when the token was made. Letter case counts.
func (c *Claims) InGroup(name string) bool { return slices.Contains(c.Groups, name) }

// clone returns a copy that shares nothing: who is handed claims may change them.
func (c *Claims) clone() *Claims {
	d := *c
	d.Audience, d.Scope = slices.Clone(c.Audience), slices.Clone(c.Scope)
	d.Groups, d.AMR = slices.Clone(c.Groups), slices.Clone(c.AMR)
	d.Attributes, d.Values = maps.Clone(c.Attributes), maps.Clone(c.Values)
	for name, value := range d.Values {
		d.Values[name] = slices.Clone(value)
	}
	if c.EmailVerified != nil {
		d.EmailVerified = new(*c.EmailVerified)
	}
	if c.PhoneVerified != nil {
		d.PhoneVerified = new(*c.PhoneVerified)
	}
	return &d
}

// reserved are the claims that only the issuer makes, or that have a field: those of Cognito's list
// and of the registry that mean something to someone who checks tokens. All beginning with
// "cognito:" are, too.
var reserved = map[string]bool{
	"acr": true, "act": true, "amr": true, "at_hash": true, "aud": true, "auth_time": true, "azp": true,
	"c_hash": true, "client_id": true, "cnf": true, "device_key": true, "email": true,
	"email_verified": true, "entitlements": true, "epoch": true, "event_id": true, "events": true,
	"exp": true, "groups": true, "iat": true, "identities": true, "iss": true, "jti": true,
	"may_act": true, "name": true, "nbf": true, "nonce": true, "origin_jti": true, "phone_number": true,
	"phone_number_verified": true,
	"roles":                 true, "s_hash": true, "scope": true, "sid": true, "sub": true, "sub_id": true,
	"token_use": true, "toe": true, "txn": true, "username": true, "version": true,
}

// Reserved reports whether a claim is the issuer's to make, or has a field in [Claims]: it is read
// from neither Attributes nor Values. Letter case does not count: encoding/json, by which many
// programs read claims, takes "SUB" for "sub".
func Reserved(name string) bool {
	name = strings.ToLower(name)
	return reserved[name] || strings.HasPrefix(name, "cognito:")
}

// check refuses claims that no verifier would take, and those that would not read back the same.
func (c *Claims) check() error {
	switch {
	case c.Use.typ() == "":
		return fmt.Errorf("token: use %.20q is neither access nor id", c.Use)
	case c.Issuer == "" || c.Subject == "" || c.ClientID == "" || c.JTI == "" || c.Session == "":
		return fmt.Errorf("token: issuer, subject, client, jti and session are required")
	case c.IssuedAt.Unix() <= 0 || !c.ExpiresAt.After(c.IssuedAt) || c.ExpiresAt.Unix() > maxTime:
		return fmt.Errorf("token: a token is issued, and expires later")
	case !c.AuthTime.IsZero() && c.AuthTime.Unix() <= 0:
		return fmt.Errorf("token: auth_time before 1970")
	case c.Epoch < 0:
		return fmt.Errorf("token: negative epoch")
	}
	if i := slices.IndexFunc(c.Scope, notScope); i >= 0 {
		return fmt.Errorf("token: %.40q is not a scope", c.Scope[i])
	}
	if slices.Contains(c.Groups, "") {
		return fmt.Errorf("token: a group without a name")
	}
	for name := range c.Attributes {
		if !isName(name) {
			return fmt.Errorf("token: %.40q is not a name for a claim", name)
		}
	}
	return c.checkValues()
}

// checkValues refuses values that would not read back as they are.
func (c *Claims) checkValues() error {
	for name, value := range c.Values {
		if !isName(name) {
			return fmt.Errorf("token: %.40q is not a name for a claim", name)
		}
		if _, twice := c.Attributes[name]; twice {
			return fmt.Errorf("token: %.40q stands in Attributes and Values", name)
		}
		if value = bytes.TrimSpace(value); len(value) == 0 || value[0] == '"' {
			return fmt.Errorf("token: the value of %.40q is none, or a text", name)
		}
		if _, err := jose.Object(slices.Concat([]byte(`{"":`), value, []byte("}"))); err != nil {
			return fmt.Errorf("token: the value of %.40q: %w", name, err)
		}
	}
	return nil
}

// notScope follows scope-token of RFC 6749, section 3.3: a blank would make two scopes of one.
func notScope(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return true
		}
	}
	return s == ""
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("_:./-", rune(c)) {
			return false
		}
	}
	return s != "" && len(s) <= 128
}
