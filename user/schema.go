package user

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrAttributes is the class of [AttributesError].
var ErrAttributes = errors.New("user: not the attributes of the schema")

// AttributeRule is a rule that an attribute keeps. New rules will come.
type AttributeRule string

// The rules.
const (
	RuleUnknown   AttributeRule = "unknown"   // it is in the schema
	RuleRequired  AttributeRule = "required"  // it is there, if the schema asks for it
	RuleReadOnly  AttributeRule = "read_only" // it is not changed by who may not
	RuleImmutable AttributeRule = "immutable" // it is not changed once the user is made
	RuleFormat    AttributeRule = "format"    // it has the form of its type or claim
	RuleBounds    AttributeRule = "bounds"    // it is within Min and Max
	RuleSize      AttributeRule = "size"      // all attributes together have at most Max bytes
)

// AttributeViolation is a rule that an attribute breaks. Min and Max are its bounds; both 0 mean
// none.
type AttributeViolation struct {
	Name     string // "" for the attributes together
	Rule     AttributeRule
	Min, Max int64
}

// AttributesError lists every rule that some attributes break, in the order of their names. It is an
// [ErrAttributes], and quotes no value.
type AttributesError struct{ Violations []AttributeViolation }

// Error names the attributes and rules.
func (e *AttributesError) Error() string {
	var b strings.Builder
	for i, v := range e.Violations {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.80q breaks %s", v.Name, v.Rule)
	}
	return fmt.Sprintf("%v: %s", ErrAttributes, b.String())
}

// Unwrap returns [ErrAttributes].
func (e *AttributesError) Unwrap() error { return ErrAttributes }

// Writer is who sets attributes.
type Writer int

// The writers. The zero Writer may the least.
const (
	Visitor Writer = iota // the user, or whoever signs up
	Admin
)

// Bounds of attributes together, so that a user stays below [MaxSize].
const (
	maxAttributes      = 128
	maxAttributesBytes = 24 << 10
)

// Check judges the attributes of a user who is being made. An empty value is as none: it may be
// given, counts as missing where one is required, and should not be stored.
//
// The error is an *[AttributesError] with every violation. Whoever writes, nobody sets "sub",
// "identities", "email_verified" or "phone_number_verified" here: what is verified follows from what
// was proven ([ParseVerified] reads another system's word). An administrator may leave out what is
// required, as in Cognito.
func (s Schema) Check(is Attributes, w Writer) error {
	return s.judge(nil, is, func(name string) []AttributeViolation {
		return s.change(name, is[name], w)
	}, func(Attribute) bool { return w != Admin })
}

// CheckChange is [Schema.Check] for a user who has some attributes, of those that the user is to
// have instead, all of them. Values that stay as they are are not judged again, and what was never
// there is not required, so that a schema that became stricter locks nobody in.
func (s Schema) CheckChange(was, is Attributes, w Writer) error {
	return s.judge(was, is, func(name string) []AttributeViolation {
		if a, _ := s.attribute(name); a.Immutable {
			return []AttributeViolation{{Name: name, Rule: RuleImmutable}}
		}
		return s.change(name, is[name], w)
	}, func(a Attribute) bool { return was[a.Name] != "" })
}

// judge applies a rule to every value that changes, and asks for those that are required.
func (s Schema) judge(
	was, is Attributes, rule func(name string) []AttributeViolation, asked func(Attribute) bool,
) error {
	size, names := 0, map[string]bool{}
	for name, value := range is {
		size += len(name) + len(value)
		names[name] = true
	}
	if size > maxAttributesBytes || len(is) > maxAttributes { // not worth reading
		return &AttributesError{[]AttributeViolation{{Rule: RuleSize, Max: maxAttributesBytes}}}
	}
	for name := range was {
		names[name] = true
	}
	var broken []AttributeViolation
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if is[name] != was[name] {
			broken = append(broken, rule(name)...)
		}
	}
	for _, a := range s {
		if a.Required && is[a.Name] == "" && asked(a) {
			broken = append(broken, AttributeViolation{Name: a.Name, Rule: RuleRequired})
		}
	}
	if broken == nil {
		return nil
	}
	slices.SortStableFunc(broken, func(a, b AttributeViolation) int { return strings.Compare(a.Name, b.Name) })
	return &AttributesError{broken}
}

// change judges a new value; an empty one takes the attribute away.
func (s Schema) change(name, value string, w Writer) []AttributeViolation {
	a, known := s.attribute(name)
	switch {
	case reserved[name], known && a.AdminOnly && w != Admin:
		return []AttributeViolation{{Name: name, Rule: RuleReadOnly}}
	case value == "": // what the schema no longer knows may go
		return nil
	case !known:
		return []AttributeViolation{{Name: name, Rule: RuleUnknown}}
	case !a.form(value):
		return []AttributeViolation{{Name: name, Rule: RuleFormat}}
	}
	if lo, hi, ok := a.within(value); !ok {
		return []AttributeViolation{{name, RuleBounds, lo, hi}}
	}
	return nil
}

// Has reports whether users may have an attribute of that name, which is not one of those that only
// the pool sets.
func (s Schema) Has(name string) bool {
	_, known := s.attribute(name)
	return known && !reserved[name]
}

// attribute returns the rules of a name.
func (s Schema) attribute(name string) (Attribute, bool) {
	for _, a := range s {
		if a.Name == name {
			return a, true
		}
	}
	_, ok := standard[name]
	return Attribute{Name: name}, ok
}

// form reports whether a value has the form of its claim and type.
func (a Attribute) form(value string) bool {
	if f, ok := standard[a.Name]; ok {
		return f.check(value)
	}
	switch a.kind() {
	case TypeString:
		return text(value)
	case TypeNumber:
		return number(value)
	case TypeBoolean:
		return value == "true" || value == "false"
	case TypeDateTime:
		return dateTime(value)
	}
	return false
}

// within reports whether a value of the right form is within its bounds.
func (a Attribute) within(value string) (lo, hi int64, ok bool) {
	lo, hi = a.Min, a.Max
	bounded := lo != 0 || hi != 0
	switch a.kind() {
	case TypeString:
		if !bounded {
			hi = maxString
		}
		n := int64(utf8.RuneCountInString(value))
		return lo, hi, lo <= n && n <= hi
	case TypeNumber:
		n, err := strconv.ParseInt(value, 10, 64)
		return lo, hi, err == nil && (!bounded || lo <= n && n <= hi)
	case TypeBoolean, TypeDateTime:
		return 0, 0, true
	}
	return lo, hi, false
}

// ParseVerified reads what another system says of "email_verified" or "phone_number_verified", in
// JSON. Only true is true and only false is false: a provider that says "true", 1, null, nothing or
// a list has not said that anybody proved anything, and a program that takes it for a yes lets
// anyone take over the account at that address (CVE class 22).
func ParseVerified(json []byte) (bool, error) {
	switch string(json) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%w: a verified claim is neither true nor false", ErrAttributes)
}
