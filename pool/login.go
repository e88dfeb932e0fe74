package pool

import (
	"slices"
	"strings"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/user"
)

// SignInSettings says by what users sign in.
type SignInSettings struct {
	// Identifiers are the kinds of login that the pool takes; none means Email. A user signs in by
	// each login that they own: the chosen user name, and what they have proven of the other kinds.
	// Both manners of Cognito are there: Email and Phone alone are its username attributes, and
	// beside Username they and PreferredUsername are its aliases, but for that a visitor may leave
	// out the user name and sign up by the address.
	Identifiers []Identifier
	// CaseSensitive tells user names apart that differ in case only. It may change: names of before
	// are looked up as before until all of them are stored in the other form too, which a chore sees
	// to, and [Pool.Settings] shows what binds meanwhile. Taking it away is refused while names are
	// there that differ in case only, and until the chore has been at all users once nobody takes a
	// user name ([ErrUnavailable]): seconds for thousands of users. Giving it leaves who had a name
	// with both of its forms: the one that was typed, and the one in lower case.
	CaseSensitive bool
	// First are the ways in which a sign-in may begin, as Cognito's AllowedFirstAuthFactors:
	// [mfa.KindPassword], [mfa.KindEmail], [mfa.KindSMS], [mfa.KindPasskey] and [mfa.KindCustom], the one
	// that is offered first at the front. Nil means by a password and, where [Config].Passkeys is
	// there, by a passkey. Custom is a challenge of the program's own, and needs its hooks
	// ([hook.Set].CreateChallenge). Neither it nor a code to an address begins a sign-in of whom MFA is
	// required: they begin by another, as in Cognito, which therefore has no such codes in pools that
	// require it.
	First []mfa.Kind `json:",omitzero"`
}

// Identifier is a kind of login. No text is of two kinds: what has "@" in it is an email address,
// what begins with "+" a phone number, and user names do neither.
type Identifier string

// The identifiers.
const (
	Email    Identifier = "email"    // proven by a code
	Phone    Identifier = "phone"    // in E.164, such as +4915112345678, proven by a code
	Username Identifier = "username" // chosen at the sign-up, for good: see [user.Username] for what it may be
	// PreferredUsername is a second user name, which goes with Username: the attribute
	// "preferred_username" that users set once they are confirmed, and may change. It is read like a
	// chosen one, nobody else has it in either place, and whoever takes it away gives it free.
	// Values that were set before the pool took them are no logins until they are set anew.
	PreferredUsername Identifier = "preferred_username"
)

var identifierNames = map[Identifier]string{
	Email: "an email address", Phone: "a phone number such as +4915112345678", Username: "a user name",
	PreferredUsername: "a user name",
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
	l, err := user.Identify(typed, s.folding())
	if err != nil || !s.takes(l.Kind()) {
		var names []string
		for _, id := range s.Identifiers {
			if id != PreferredUsername { // which looks like the other one
				names = append(names, identifierNames[id])
			}
		}
		return l, &ValidationError{[]FieldError{{Field: "Username", Reason: "must be " + strings.Join(names, " or ")}}}
	}
	return l, nil
}

// folding returns how user names are compared.
func (s SignInSettings) folding() user.Case {
	if s.CaseSensitive {
		return user.CaseSensitive
	}
	return user.CaseInsensitive
}

// problems returns what is wrong with settings whose defaults are written out, beside a schema.
func (s SignInSettings) problems(schema user.Schema) (ps []string) {
	for i, id := range s.Identifiers {
		if identifierNames[id] == "" || slices.Contains(s.Identifiers[:i], id) {
			ps = append(ps, "identifiers are email, phone, username and preferred_username, each once")
			break
		}
	}
	if slices.Contains(s.Identifiers, PreferredUsername) {
		return append(ps, s.preferredProblems(schema)...)
	}
	return ps
}
