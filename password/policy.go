package password

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MinLength is how many code points a chosen password has at least (NIST SP 800-63B-4, 3.1.1.2).
const MinLength = 8

// ErrPolicy is the class of [PolicyError].
var ErrPolicy = errors.New("password: not one that may be chosen")

// Rule is a rule that a chosen password keeps.
type Rule string

// The rules.
const (
	RuleLength Rule = "length" // at least Min, at most Max code points
	RuleText   Rule = "text"   // valid UTF-8 without NUL
)

// Violation is a rule that was broken. Min and Max are its bounds; 0 means none.
type Violation struct {
	Rule     Rule
	Min, Max int
}

// PolicyError lists every rule that a password breaks. It is an [ErrPolicy], and does not quote the
// password.
type PolicyError struct{ Violations []Violation }

// Error names the rules.
func (e *PolicyError) Error() string {
	names := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		names[i] = string(v.Rule)
	}
	return fmt.Sprintf("%v: it breaks %s", ErrPolicy, strings.Join(names, ", "))
}

// Unwrap returns [ErrPolicy].
func (e *PolicyError) Unwrap() error { return ErrPolicy }

// Check judges a password that someone wants to have: 8 to 256 code points of valid UTF-8 without
// NUL. There are no rules of composition (NIST SP 800-63B-4, 3.1.1.2). The error is a *[PolicyError].
func Check(s Secret) error {
	typed := s.Reveal()
	if len(typed) > MaxLength*utf8.UTFMax { // too long, and not worth reading
		return &PolicyError{[]Violation{{RuleLength, MinLength, MaxLength}}}
	}
	var broken []Violation
	// Short is judged in the form that is hashed, where a letter with its accent is one code point.
	if utf8.RuneCountInString(norm.NFC.String(typed)) < MinLength || utf8.RuneCountInString(typed) > MaxLength {
		broken = append(broken, Violation{RuleLength, MinLength, MaxLength})
	}
	if !utf8.ValidString(typed) || strings.ContainsRune(typed, 0) {
		broken = append(broken, Violation{Rule: RuleText})
	}
	if broken != nil {
		return &PolicyError{broken}
	}
	return nil
}
