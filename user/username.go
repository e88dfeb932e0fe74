package user

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// ErrUsername means that a text is no user name that this package takes.
var ErrUsername = errors.New("user: not a user name")

// Case says whether user names that differ in case only are one name.
type Case int

// The cases. The zero Case is the safe one: "Ada" cannot pass for "ada".
const (
	CaseInsensitive Case = iota
	CaseSensitive
)

// The versions of the rules by which [Username] makes canonical forms (security.md S20), by case.
// Another table of Unicode or another case is a planned migration.
const (
	UsernameRule              = 1
	UsernameCaseSensitiveRule = 2
)

// maxUsername is Cognito's bound, in code points of the canonical form.
const maxUsername = 128

// Username returns the login of a chosen user name: 1 to 128 code points, compared by the profile
// UsernameCaseMapped of PRECIS, or UsernameCasePreserved where c is [CaseSensitive] (RFC 8265), so
// that full-width letters are plain ones and an accent is one with its letter. It is shown as typed.
//
// Blanks, control characters, ligatures and symbols beyond ASCII are refused. So is whatever might
// be taken for another kind of login: a name with "@", one that begins with "+", and one of the
// form of a user id. Letters of other scripts are allowed, and with them letters that look alike: a
// Cyrillic "а" is not a Latin "a". Where names are shown to other people, show something else
// beside them.
func Username(typed string, c Case) (Login, error) {
	if len(typed) > maxUsername*utf8.UTFMax {
		return Login{}, ErrUsername
	}
	profile, rule := precis.UsernameCaseMapped, UsernameRule
	if c == CaseSensitive {
		profile, rule = precis.UsernameCasePreserved, UsernameCaseSensitiveRule
	}
	name, ok := settle(profile, typed)
	if !ok || name == "" || utf8.RuneCountInString(name) > maxUsername {
		return Login{}, ErrUsername
	}
	if strings.Contains(name, "@") || name[0] == '+' || uuid(name) {
		return Login{}, ErrUsername
	}
	return Login{Namespace: Name, Value: name, Display: typed, Rule: rule}, nil
}

// settle applies a profile until it changes nothing, which once does not always reach (RFC 8264
// section 7: three times more).
func settle(profile *precis.Profile, s string) (string, bool) {
	for range 4 {
		next, err := profile.String(s)
		if err != nil {
			return "", false
		}
		if next == s {
			return s, true
		}
		s = next
	}
	return "", false
}

// uuid reports whether s has the form of an [ID], in letters of either case.
func uuid(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range []byte(strings.ToLower(s)) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (c == '-') {
			return false
		}
		if c != '-' && !('0' <= c && c <= '9') && !('a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}
