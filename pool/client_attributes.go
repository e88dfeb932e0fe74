package pool

import (
	"fmt"
	"maps"
	"slices"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// attributeProblems returns what is wrong with the attributes that a client may see and set.
func (c Client) attributeProblems(schema user.Schema) (ps []string) {
	for i, name := range c.Read {
		if !schema.Has(name) && !verifiedClaim(name) || slices.Contains(c.Read[:i], name) {
			ps = append(ps, fmt.Sprintf("reads %.80q: attributes are of the schema, and stand once", name))
		}
	}
	for i, name := range c.Write {
		if !schema.Has(name) || slices.Contains(c.Write[:i], name) {
			ps = append(ps, fmt.Sprintf("writes %.80q: attributes are of the schema, not the pool's own, and stand once", name))
		}
	}
	for _, a := range schema {
		if a.Required && !c.writes(a.Name) {
			ps = append(ps, fmt.Sprintf("writes: %.80q is required, so nobody could sign up without it", a.Name))
		}
	}
	return ps
}

// verifiedClaim reports whether a claim says that an address is proven.
func verifiedClaim(name string) bool {
	return name == "email_verified" || name == "phone_number_verified"
}

// reads reports whether the client is shown an attribute. The zero Client, which is nobody's, is
// shown all.
func (c Client) reads(name string) bool { return c.Read == nil || slices.Contains(c.Read, name) }

// writes reports whether users may set an attribute through the client, as far as that goes.
func (c Client) writes(name string) bool { return c.Write == nil || slices.Contains(c.Write, name) }

// readable returns those of the attributes that the client is shown.
func (c Client) readable(as user.Attributes) user.Attributes {
	if c.Read == nil {
		return as
	}
	seen := maps.Clone(as)
	maps.DeleteFunc(seen, func(name, _ string) bool { return !c.reads(name) })
	return seen
}

// redact takes out of a profile what the client is not shown.
func (c Client) redact(p Profile) Profile {
	p.Attributes = c.readable(p.Attributes)
	if !c.reads("email") {
		p.Email = ""
	}
	if !c.reads("phone_number") {
		p.Phone = ""
	}
	p.EmailVerified = p.EmailVerified && c.reads("email_verified")
	p.PhoneVerified = p.PhoneVerified && c.reads("phone_number_verified")
	return p
}

// withhold takes out of an ID token what the client is not shown.
func (c Client) withhold(t *token.Claims) {
	t.Attributes = c.readable(t.Attributes)
	if !c.reads("name") {
		t.Name = ""
	}
	if !c.reads("email") {
		t.Email = ""
	}
	if !c.reads("phone_number") {
		t.PhoneNumber = ""
	}
	if t.Email == "" || !c.reads("email_verified") {
		t.EmailVerified = nil
	}
	if t.PhoneNumber == "" || !c.reads("phone_number_verified") {
		t.PhoneVerified = nil
	}
}

// writable refuses attributes that users may not set through the client, but not the address that
// they are to prove.
func (v *validation) writable(c Client, as user.Attributes, proves string) {
	for _, name := range slices.Sorted(maps.Keys(as)) {
		if name != proves && !c.writes(name) {
			b := user.AttributeViolation{Name: name, Rule: user.RuleReadOnly}
			v.fields = append(v.fields, FieldError{attributeField(name), unfit(b), string(b.Rule), 0, 0})
		}
	}
}
