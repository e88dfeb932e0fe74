package pool

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/user"
)

// profile are the attributes that a visitor may set: the texts among OIDC's standard claims
// (OpenID Connect Core 5.1). What says that something is verified is never among them.
var profile = []string{
	"address", "birthdate", "family_name", "gender", "given_name", "locale", "middle_name", "name",
	"nickname", "picture", "preferred_username", "profile", "website", "zoneinfo",
}

// maxValue is Cognito's bound on an attribute's value, in bytes.
const maxValue = 2048

// validation gathers what is wrong with an input.
type validation struct{ fields []FieldError }

func (v *validation) add(field, reason string) {
	v.fields = append(v.fields, FieldError{field, reason})
}

func (v *validation) err() error {
	if len(v.fields) == 0 {
		return nil
	}
	return &ValidationError{v.fields}
}

// login reads a user name as typed.
func (v *validation) login(typed string) user.Login {
	l, err := user.Email(typed)
	if err != nil {
		v.add("Username", "must be an email address")
	}
	return l
}

// newPassword checks a password that is to be set.
func (v *validation) newPassword(s password.Secret) {
	err := password.Check(s)
	if pe, ok := errors.AsType[*password.PolicyError](err); ok {
		for _, violation := range pe.Violations {
			v.add("Password", broken(violation))
		}
	} else if err != nil {
		v.add("Password", err.Error())
	}
}

func (v *validation) attributes(as user.Attributes, login user.Login) {
	for name, value := range as {
		switch {
		case name == "email" && value == login.Display:
		case !slices.Contains(profile, name):
			v.add("Attributes."+printable(name), "is not an attribute that may be set")
		case len(value) > maxValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			v.add("Attributes."+name, "must be at most 2048 bytes of UTF-8 without NUL")
		}
	}
	slices.SortFunc(v.fields, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
}

// printable shortens a name that a visitor chose, for an error's text.
func printable(name string) string {
	name = strings.ToValidUTF8(name, "?")
	if len(name) > 32 {
		name = name[:32] + "..."
	}
	return name
}

// broken says which rule a password breaks.
func broken(v password.Violation) string {
	if v.Rule == password.RuleLength {
		return fmt.Sprintf("must have %d to %d characters", v.Min, v.Max)
	}
	return "must be UTF-8 text without NUL"
}
