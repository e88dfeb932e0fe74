package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
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

const (
	maxValue   = 2048    // bytes of one attribute, as in Cognito
	maxProfile = 4 << 10 // bytes of all of them as JSON
)

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

// code checks the form of a code.
func (v *validation) code(s string) {
	if s == "" || len(s) > 64 {
		v.add("Code", "must be the code that was sent")
	}
}

// What a visitor may send along for hooks.
const (
	maxMetadata      = 32
	maxMetadataBytes = 4 << 10
)

// metadata checks what is sent along for hooks.
func (v *validation) metadata(m map[string]string) {
	size, text := 0, true
	for key, value := range m {
		size += len(key) + len(value)
		text = text && key != "" && utf8.ValidString(key+value) && !strings.ContainsRune(key+value, 0)
	}
	if len(m) > maxMetadata || size > maxMetadataBytes || !text {
		v.add("Metadata", fmt.Sprintf("must be at most %d entries and %d bytes of UTF-8 without NUL", maxMetadata, maxMetadataBytes))
	}
}

// newPassword checks a password that is to be set. Words are what others know of the user.
func (v *validation) newPassword(policy password.Policy, s password.Secret, words ...string) {
	v.refused(policy.Check(s, password.Facts{Words: words}))
}

// refused adds what the rules have against a password, if anything.
func (v *validation) refused(err error) {
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
			v.add(attributeField(name), "is not an attribute that may be set")
		case len(value) > maxValue || !utf8.ValidString(value) || strings.ContainsRune(value, 0):
			v.add(attributeField(name), "must be at most 2048 bytes of UTF-8 without NUL")
		}
	}
	// An ID token carries them all, and a token beyond 8 KiB is taken by nobody.
	if text, err := json.Marshal(as); err != nil || len(text) > maxProfile {
		v.add("Attributes", fmt.Sprintf("must be at most %d bytes as JSON", maxProfile))
	}
	slices.SortFunc(v.fields, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_:.-]{1,32}$`)

// attributeField names an attribute in an error, unless its name is nothing to put in a log.
func attributeField(name string) string {
	if !plainName.MatchString(name) {
		return "Attributes"
	}
	return "Attributes." + name
}

// broken says which rule a password breaks.
func broken(v password.Violation) string {
	switch v.Rule {
	case password.RuleLength:
		return fmt.Sprintf("must have %d to %d characters", v.Min, v.Max)
	case password.RuleText:
		return "must be UTF-8 text without NUL"
	case password.RuleUppercase:
		return "must have a letter A to Z"
	case password.RuleLowercase:
		return "must have a letter a to z"
	case password.RuleNumbers:
		return "must have a digit"
	case password.RuleSymbols:
		return "must have a symbol"
	case password.RuleCommon:
		return "is one that many people use"
	case password.RuleContext:
		return "must not be made of the login or the name"
	case password.RuleHistory:
		return "was used before"
	case password.RuleBreached:
		return "was found in a breach"
	}
	return "breaks the rule: " + string(v.Rule)
}
