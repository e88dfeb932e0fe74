package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// redacted is all that a secret shows.
const redacted = "REDACTED"

// Secret is a token in the form in which it travels. Printing and logging show that it is one and no
// more, and alone it refuses to be marshalled: a [Set] is what goes to a client. The zero Secret is
// no token.
//
// It is a pointer in a struct because fmt and encoding/json look into values held by unexported
// fields without calling their methods, and would show a string there. Two Secrets of one text are
// not ==.
type Secret struct{ p *string }

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the token. Each call is a place where it may leak.
func (s Secret) Reveal() string {
	if s.p == nil {
		return ""
	}
	return *s.p
}

// IsZero reports whether s is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String returns "REDACTED".
func (s Secret) String() string { return redacted }

// GoString returns "REDACTED".
func (s Secret) GoString() string { return redacted }

// Format writes "REDACTED" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// LogValue returns "REDACTED".
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON refuses: a secret that reaches an encoder by itself is on its way to the wrong place.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("token: a secret is not marshalled; a token.Set is")
}

// Set is what a client is handed for a session. Its JSON is the answer of a token endpoint (RFC
// 6749, 5.1; OpenID Connect Core 1.0, 3.1.3.3), secrets included; a zero ID or Refresh is left out.
type Set struct {
	Access  Secret
	ID      Secret
	Refresh Secret
	// Lifetime is how long the access token is valid from now; whole seconds of it are told.
	Lifetime time.Duration
}

// LogValue returns "REDACTED": a logger that writes JSON would else write the answer. What holds a
// Set in an exported field and is logged needs a LogValue of its own.
func (s Set) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns the answer of a token endpoint. It is for the client alone, and is not to be
// stored: Cache-Control: no-store.
func (s Set) MarshalJSON() ([]byte, error) {
	if s.Access.IsZero() {
		return nil, errors.New("token: a set without an access token is no answer")
	}
	return json.Marshal(struct {
		Access  string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int64  `json:"expires_in"`
		Refresh string `json:"refresh_token,omitempty"`
		ID      string `json:"id_token,omitempty"`
	}{s.Access.Reveal(), "Bearer", int64(s.Lifetime / time.Second), s.Refresh.Reveal(), s.ID.Reveal()})
}
