package user

import (
	"fmt"
	"strings"
)

// AttributeType is what kind of value an attribute has. Every value is stored as text.
type AttributeType string

// The types. Their texts are the ones of the canonical spelling only, so that equal values are equal
// texts.
const (
	TypeString   AttributeType = "string"
	TypeNumber   AttributeType = "number"    // a whole number of 64 bits, such as "-12"
	TypeBoolean  AttributeType = "boolean"   // "true" or "false"
	TypeDateTime AttributeType = "date-time" // RFC 3339, such as "2026-05-01T12:00:00Z"
)

// Custom is what the name of an attribute of one's own begins with.
const Custom = "custom:"

// Attribute says what values an attribute may have and who may set it.
type Attribute struct {
	// Name is a standard claim of OpenID Connect, or [Custom] and 1 to 64 of letters, digits, '_',
	// '-' and '.'.
	Name string
	// Type is that of the value. "" means that of a standard claim, and otherwise [TypeString]; a
	// standard claim has no other than its own.
	Type AttributeType
	// Min and Max bound the code points of a string, at most 2048, or the value of a number. Both 0
	// mean 0 to 2048, and any number.
	Min, Max int64
	// Required refuses a user who signs up without it, and its removal.
	Required bool
	// Immutable lets it be set once, as the user is made.
	Immutable bool
	// AdminOnly keeps users from setting it themselves. Without it a value is what somebody has said
	// of themselves, and a program that takes it for a role or a plan lets anyone have any.
	AdminOnly bool
	// Searchable lets administrators list users by its value: ten attributes at most. A store keeps
	// about 100 bytes more for each user who has one.
	Searchable bool `json:",omitzero"`
}

// Schema lists which attributes users have besides the plain standard ones: custom attributes, and
// standard claims that are to be stricter. The zero Schema is the standard claims of OpenID Connect
// Core 5.1, none required and all mutable, but for what says that something is verified, the subject
// and linked identities: those are the pool's to set, and never a visitor's.
type Schema []Attribute

// standard are the claims that users have in every schema, by OpenID Connect Core 5.1.
var standard = map[string]format{
	"address":            {check: text},
	"birthdate":          {check: birthdate},
	"email":              {check: email},
	"family_name":        {check: line},
	"gender":             {check: line},
	"given_name":         {check: line},
	"locale":             {check: locale},
	"middle_name":        {check: line},
	"name":               {check: line},
	"nickname":           {check: line},
	"phone_number":       {check: phone},
	"picture":            {check: webURL},
	"preferred_username": {check: line},
	"profile":            {check: webURL},
	"updated_at":         {typ: TypeNumber, check: seconds},
	"website":            {check: webURL},
	"zoneinfo":           {check: zone},
}

// reserved are claims that only the pool sets. A value of one that a visitor or an outside provider
// could set would prove what nobody has proven (CVE class 22).
var reserved = map[string]bool{
	"sub": true, "email_verified": true, "phone_number_verified": true, "identities": true,
}

// format is how the value of a standard claim looks.
type format struct {
	typ   AttributeType // "" means TypeString
	check func(string) bool
}

// maxSearchable is how many attributes lists go by at most.
const maxSearchable = 10

// maxString is Cognito's bound of a text, in code points.
const maxString = 2048

// Problems lists what is wrong with s, for the settings that hold it. Nil means nothing.
func (s Schema) Problems() (ps []string) {
	seen, searchable := map[string]bool{}, 0
	for _, a := range s {
		for _, p := range a.problems() {
			ps = append(ps, fmt.Sprintf("attribute %.80q: %s", a.Name, p))
		}
		if seen[a.Name] {
			ps = append(ps, fmt.Sprintf("attribute %.80q: it stands twice", a.Name))
		}
		seen[a.Name] = true
		if a.Searchable {
			searchable++
		}
	}
	if searchable > maxSearchable {
		ps = append(ps, fmt.Sprintf("%d attributes are searchable, at most %d", searchable, maxSearchable))
	}
	return ps
}

func (a Attribute) problems() (ps []string) {
	f, isStandard := standard[a.Name]
	switch {
	case reserved[a.Name]:
		ps = append(ps, "only the pool sets it")
	case !isStandard && !customName(a.Name):
		ps = append(ps, "the name is a standard claim, or custom: and 1 to 64 of letters, digits, '_', '-' and '.'")
	case isStandard && a.Type != "" && a.Type != f.of():
		ps = append(ps, fmt.Sprintf("a standard claim keeps its type %s", f.of()))
	}
	lo, hi := a.Min, a.Max
	switch a.kind() {
	case TypeString:
		if lo < 0 || hi > maxString {
			ps = append(ps, fmt.Sprintf("a string has 0 to %d characters", maxString))
		}
	case TypeNumber:
	case TypeBoolean, TypeDateTime:
		if lo != 0 || hi != 0 {
			ps = append(ps, "only strings and numbers have bounds")
		}
	default:
		ps = append(ps, fmt.Sprintf("the type %.20q is not known", a.Type))
	}
	if lo > hi {
		ps = append(ps, "the minimum is above the maximum")
	}
	if a.Required && a.AdminOnly {
		ps = append(ps, "whoever signs up cannot give what only an administrator sets")
	}
	return ps
}

// kind returns the type of a with its default written out.
func (a Attribute) kind() AttributeType {
	if f, ok := standard[a.Name]; ok && a.Type == "" {
		return f.of()
	}
	return format{typ: a.Type}.of()
}

func (f format) of() AttributeType {
	if f.typ == "" {
		return TypeString
	}
	return f.typ
}

func customName(name string) bool {
	bare, ok := strings.CutPrefix(name, Custom)
	for _, c := range []byte(bare) {
		if !alphanumeric(c) && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return ok && bare != "" && len(bare) <= 64
}
