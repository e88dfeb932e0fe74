package pool

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/user"
)

// maxProfile bounds all attributes of a user together, in bytes of JSON: an ID token carries them,
// and a token beyond 8 KiB is taken by nobody.
const maxProfile = 4 << 10

// registration is a sign-up as it was typed, once it was read.
type registration struct {
	login      user.Login // where the sign-up is found
	address    user.Login // to be proven: login itself, unless that is a chosen user name
	attributes user.Attributes
	epoch      int64 // of the settings by which it was read
}

// registration reads a sign-up by the settings of a state. Nothing of it is proven yet.
func (v *validation) registration(by *state, in SignUpInput) registration {
	s, r := by.settings, registration{attributes: maps.Clone(in.Attributes), epoch: by.epoch}
	maps.DeleteFunc(r.attributes, func(_, value string) bool { return value == "" })
	r.login = v.login(s.SignIn, in.Username)
	if r.address = r.login; r.login.Kind() == user.KindUsername {
		r.address = v.address(s, r.login, r.attributes)
	} else if !s.SignUp.verifies(r.login.Kind()) && r.login.Kind() != "" {
		v.add("Username", "must be of another kind: a sign-up does not prove this one")
	} else if own := r.login.Kind().Attribute(); own != "" && r.attributes[own] != "" {
		if same, err := user.Identify(r.attributes[own], user.CaseInsensitive); err != nil || same.Value != r.login.Value {
			v.add("Attributes."+own, "must be the address that signs up, or left out")
		}
	}
	if at := r.address; !s.SignUp.ByAdmin && at == r.login {
		v.served(s.Limits, at, "Username")
	} else if !s.SignUp.ByAdmin {
		v.served(s.Limits, at, "Attributes."+at.Kind().Attribute())
	}
	if c, err := s.client(in.Client); err == nil { // another is refused by what is read, whatever it says
		v.writable(c, r.attributes, r.address.Kind().Attribute())
	}
	v.attributes(s.Attributes, r.attributes, r.address, user.Visitor)
	v.unpreferred(s.SignIn, r.attributes)
	v.newPassword(s.Passwords, in.Password, in.Username, r.address.Display, r.attributes["name"])
	slices.SortStableFunc(v.fields, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return r
}

// address returns which of the given addresses the sign-up of a chosen user name proves: one that
// will be a login, or else the phone number, as in Cognito. What is malformed the schema tells.
// Where an administrator confirms, it is the name itself that needs no address.
func (v *validation) address(s Settings, name user.Login, as user.Attributes) user.Login {
	kinds := []user.Kind{user.KindPhone, user.KindEmail}
	kinds = slices.DeleteFunc(kinds, func(k user.Kind) bool { return !s.SignUp.verifies(k) })
	slices.SortStableFunc(kinds, func(a, b user.Kind) int {
		if s.SignIn.takes(a) == s.SignIn.takes(b) {
			return 0
		} else if s.SignIn.takes(a) {
			return -1
		}
		return 1
	})
	for _, k := range kinds {
		if said := as[k.Attribute()]; said != "" {
			l, err := user.Identify(said, user.CaseInsensitive)
			if err != nil || l.Kind() != k {
				return user.Login{}
			}
			return l
		}
	}
	if s.SignUp.ByAdmin {
		return name
	}
	names := make([]string, len(s.SignUp.Verifies))
	for i, id := range s.SignUp.Verifies {
		names[i] = user.Kind(id).Attribute()
	}
	v.add("Attributes", "must hold "+strings.Join(names, " or ")+", to prove who has chosen the name")
	return user.Login{}
}

// attributes checks what is said of somebody new, with the address that they sign in by or are to
// prove, against the schema. That only an administrator may say an address does not keep its owner
// from proving it.
func (v *validation) attributes(schema user.Schema, as user.Attributes, address user.Login, by user.Writer) {
	all, own := maps.Clone(as), address.Kind().Attribute()
	if own != "" {
		if all == nil {
			all = user.Attributes{}
		}
		all[own] = address.Display
	}
	if v.unfit(schema.Check(all, by), own) {
		return // too much to read
	}
	v.profile(as)
}

// profile bounds all attributes together.
func (v *validation) profile(as user.Attributes) {
	if text, err := json.Marshal(as); err != nil || len(text) > maxProfile {
		v.add("Attributes", fmt.Sprintf("must be at most %d bytes as JSON", maxProfile))
	}
}

// unfit adds what the schema has against attributes, but not that an address may not be set by who
// is to prove it.
func (v *validation) unfit(err error, proves string) (tooMuch bool) {
	broken, _ := errors.AsType[*user.AttributesError](err)
	if broken == nil {
		return false
	}
	for _, b := range broken.Violations {
		if b.Name != proves || b.Rule != user.RuleReadOnly || proves == "" {
			v.fields = append(v.fields, FieldError{attributeField(b.Name), unfit(b), string(b.Rule), b.Min, b.Max})
		}
		if b.Rule == user.RuleSize {
			return true
		}
	}
	return false
}

// unfit says which rule an attribute breaks.
func unfit(b user.AttributeViolation) string {
	switch b.Rule {
	case user.RuleRequired:
		return "must be given"
	case user.RuleUnknown, user.RuleReadOnly:
		return "is not an attribute that may be set"
	case user.RuleImmutable:
		return "must stay as it is"
	case user.RuleFormat:
		return "has not the form of its kind"
	case user.RuleBounds:
		return fmt.Sprintf("must be within %d and %d", b.Min, b.Max)
	case user.RuleSize:
		return "must be fewer and shorter"
	}
	return "breaks the rule: " + string(b.Rule)
}

var plainName = regexp.MustCompile(`^[A-Za-z0-9_:.-]{1,71}$`)

// attributeField names an attribute in an error, unless its name is nothing to put in a log.
func attributeField(name string) string {
	if !plainName.MatchString(name) {
		return "Attributes"
	}
	return "Attributes." + name
}

// plain returns what a user says of themselves, without what has fields of its own.
func plain(as user.Attributes) user.Attributes {
	rest := maps.Clone(as)
	maps.DeleteFunc(rest, func(name, _ string) bool {
		return strings.HasPrefix(name, "email") || strings.HasPrefix(name, "phone_number")
	})
	return rest
}
