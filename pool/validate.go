package pool

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/user"
)

// validation gathers what is wrong with an input.
type validation struct{ fields []FieldError }

func (v *validation) add(field, reason string) {
	v.fields = append(v.fields, FieldError{Field: field, Reason: reason})
}

func (v *validation) err() error {
	if len(v.fields) == 0 {
		return nil
	}
	return &ValidationError{v.fields}
}

// login reads a login as typed.
func (v *validation) login(s SignInSettings, typed string) user.Login {
	l, err := s.read(typed)
	if wrong, ok := errors.AsType[*ValidationError](err); ok {
		v.fields = append(v.fields, wrong.Fields...)
	}
	return l
}

// response checks the form of an answer to a step.
func (v *validation) response(policy password.Policy, with Response) {
	switch w := with.(type) {
	case nil:
		v.add("With", "must be an answer to the step")
	case Password:
		if w.Value.IsZero() {
			v.add("With", "must not be an empty password")
		}
	case Code:
		v.code(w.Value)
	case RecoveryCode:
		v.code(w.Value)
	case CustomAnswer:
		v.customAnswer(w.Value)
	case PasskeyAssertion:
		v.passkeyJSON(w.JSON)
	case PasskeyAttestation:
		v.passkeyJSON(w.JSON)
		v.factorName(w.Name)
	case NewPassword:
		v.newPassword(policy, w.Value)
	}
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
	if !small(m) {
		v.add("Metadata", fmt.Sprintf("must be at most %d entries and %d bytes of UTF-8 without NUL",
			maxMetadata, maxMetadataBytes))
	}
}

// small reports whether m is no larger than what may be sent along for hooks.
func small(m map[string]string) bool {
	size := 0
	for key, value := range m {
		size += len(key) + len(value)
		if key == "" || !utf8.ValidString(key+value) || strings.ContainsRune(key+value, 0) {
			return false
		}
	}
	return len(m) <= maxMetadata && size <= maxMetadataBytes
}

// newPassword checks a password that is to be set. Words are what others know of the user.
func (v *validation) newPassword(policy password.Policy, s password.Secret, words ...string) {
	v.refused(policy.Check(s, password.Facts{Words: words}))
}

// broken adds a rule that a password breaks.
func (v *validation) broken(b password.Violation) {
	v.fields = append(v.fields, FieldError{"Password", broken(b), string(b.Rule), int64(b.Min), int64(b.Max)})
}

// refused adds what the rules have against a password, if anything.
func (v *validation) refused(err error) {
	if pe, ok := errors.AsType[*password.PolicyError](err); ok {
		for _, violation := range pe.Violations {
			v.broken(violation)
		}
	} else if err != nil {
		v.add("Password", err.Error())
	}
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
