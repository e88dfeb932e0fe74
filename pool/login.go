package pool

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/user"
)

// SignInSettings says by what users sign in.
type SignInSettings struct {
	// Identifiers are the kinds of login that the pool takes; none means Email. A user signs in by
	// each login that they own: the chosen user name, and what they have proven of the other kinds.
	Identifiers []Identifier
	// CaseSensitive tells user names apart that differ in case only. It stays as it was when the
	// pool was made, because names are stored in the form that it gives them.
	CaseSensitive bool
}

// Identifier is a kind of login. No text is of two kinds: what has "@" in it is an email address,
// what begins with "+" a phone number, and user names do neither.
type Identifier string

// The identifiers.
const (
	Email    Identifier = "email"    // proven by a code
	Phone    Identifier = "phone"    // in E.164, such as +4915112345678, proven by a code
	Username Identifier = "username" // chosen: see [user.Username] for what it may be
)

var identifierNames = map[Identifier]string{
	Email: "an email address", Phone: "a phone number such as +4915112345678", Username: "a user name",
}

// takes reports whether users sign in by logins of a kind.
func (s SignInSettings) takes(k user.Kind) bool { return slices.Contains(s.Identifiers, Identifier(k)) }

// kinds returns the kinds of login that users sign in by.
func (s SignInSettings) kinds() []user.Kind {
	kinds := make([]user.Kind, len(s.Identifiers))
	for i, id := range s.Identifiers {
		kinds[i] = user.Kind(id)
	}
	return kinds
}

// read reads a login as it was typed. The error says which kinds there are, and nothing of what was
// typed.
func (s SignInSettings) read(typed string) (user.Login, error) {
	c := user.CaseInsensitive
	if s.CaseSensitive {
		c = user.CaseSensitive
	}
	l, err := user.Identify(typed, c)
	if err != nil || !s.takes(l.Kind()) {
		names := make([]string, len(s.Identifiers))
		for i, id := range s.Identifiers {
			names[i] = identifierNames[id]
		}
		return l, &ValidationError{[]FieldError{{Field: "Username", Reason: "must be " + strings.Join(names, " or ")}}}
	}
	return l, nil
}

// problems returns what is wrong with settings whose defaults are written out.
func (s SignInSettings) problems() (ps []string) {
	for i, id := range s.Identifiers {
		if identifierNames[id] == "" || slices.Contains(s.Identifiers[:i], id) {
			ps = append(ps, "identifiers are email, phone and username, each once")
			break
		}
	}
	return ps
}

// follows refuses settings that cannot take the place of the stored ones: by another case, users
// would be found no more, and their names free for others.
func (s Settings) follows(stored []byte) error {
	var was Settings
	if err := json.Unmarshal(stored, &was); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	if was.SignIn.CaseSensitive != s.SignIn.CaseSensitive {
		return &SettingsError{[]string{"CaseSensitive stays as it was when the pool was made"}}
	}
	return nil
}
