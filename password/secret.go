package password

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// redacted is all that a secret shows.
const redacted = "REDACTED"

// Secret is a password as it was typed. Printing and logging show that it is one and no more, and it
// refuses to be marshalled. The zero Secret is no password.
//
// It is a pointer in a struct because fmt and encoding/json look into values held by unexported
// fields without calling their methods, and would show a string there. Two Secrets of one text are
// not ==.
type Secret struct{ p *string }

// New returns s as a Secret.
func New(s string) Secret { return Secret{&s} }

// Reveal returns the password. Each call is a place where it may leak.
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

// MarshalJSON refuses: a secret that reaches an encoder is on its way to the wrong place.
func (s Secret) MarshalJSON() ([]byte, error) {
	return nil, errors.New("password: a secret is not marshalled")
}
