package password

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPolicy is the class of [PolicyError].
var ErrPolicy = errors.New("password: not one that may be chosen")

// Rule is a rule that a chosen password keeps. New rules will come.
type Rule string

// The rules.
const (
	RuleLength    Rule = "length"    // at least Min, at most Max code points
	RuleText      Rule = "text"      // valid UTF-8 without NUL
	RuleUppercase Rule = "uppercase" // a letter A to Z
	RuleLowercase Rule = "lowercase" // a letter a to z
	RuleNumbers   Rule = "numbers"   // a digit 0 to 9
	RuleSymbols   Rule = "symbols"   // one of Cognito's symbols, or a space inside
	RuleCommon    Rule = "common"    // not one that many have, or such a one with a little around it
	RuleContext   Rule = "context"   // more than what is known about the user
	RuleHistory   Rule = "history"   // not one of the user's own of before
	RuleBreached  Rule = "breached"  // not one that was found in a breach
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
