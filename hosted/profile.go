package hosted

import (
	"slices"
	"strings"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// attributePrefix begins the names of fields that are attributes, such as "attributes.given_name".
const attributePrefix = "attributes."

// signUpForm asks for what a user cannot be without: a login, an address to be proven beside a
// chosen user name, what the schema requires, and a password.
func signUpForm(s pool.Settings) []field {
	named, address := slices.Contains(s.SignIn.Identifiers, pool.Username), ""
	var fields []field
	if named {
		fields = []field{{Name: "username", Type: "text", Autocomplete: "username", words: "login_username"}}
	} else {
		fields = []field{loginField(provable(s))}
	}
	if named && !s.SignUp.ByAdmin {
		address = user.Kind(proven(s)).Attribute()
		fields = append(fields, attributeField(user.Attribute{Name: address}))
	}
	for _, a := range s.Attributes {
		own := a.Name == address || !named && (a.Name == "email" || a.Name == "phone_number")
		if a.Required && !a.AdminOnly && !own {
			fields = append(fields, attributeField(a))
		}
	}
	chosen := chosenPassword("password", s.Passwords)
	chosen.label = "password" // there is no old one
	return append(fields, chosen)
}

// provable returns settings with those identifiers alone that a sign-up proves.
func provable(s pool.Settings) pool.Settings {
	if s.SignUp.ByAdmin || len(s.SignUp.Verifies) == 0 {
		return s
	}
	s.SignIn.Identifiers = slices.DeleteFunc(slices.Clone(s.SignIn.Identifiers), func(id pool.Identifier) bool {
		return !slices.Contains(s.SignUp.Verifies, id)
	})
	return s
}

// proven returns which address is asked for beside a user name: one that is a login or, of both or
// neither, the phone number only where it is.
func proven(s pool.Settings) pool.Identifier {
	logins := provable(s).SignIn.Identifiers
	for _, id := range []pool.Identifier{pool.Phone, pool.Email} {
		if slices.Contains(logins, id) {
			return id
		}
	}
	if s.SignUp.Verifies == nil || slices.Contains(s.SignUp.Verifies, pool.Email) {
		return pool.Email
	}
	return pool.Phone
}

// attributes are the inputs of the standard claims that browsers know. Autocomplete is HTML's word
// for them.
var attributes = map[string]field{
	"address":      {Autocomplete: "street-address"},
	"birthdate":    {Type: "date", Autocomplete: "bday"},
	"email":        {Type: "email", Autocomplete: "email", InputMode: "email"},
	"family_name":  {Autocomplete: "family-name"},
	"given_name":   {Autocomplete: "given-name"},
	"middle_name":  {Autocomplete: "additional-name"},
	"name":         {Autocomplete: "name"},
	"nickname":     {Autocomplete: "nickname"},
	"phone_number": {Type: "tel", Autocomplete: "tel", InputMode: "tel"},
	"website":      {Type: "url", Autocomplete: "url", InputMode: "url"},
}

func attributeField(a user.Attribute) field {
	f := attributes[a.Name]
	f.Name, f.words = attributePrefix+a.Name, "attribute_"+a.Name
	if f.Type == "" {
		f.Type = "text"
	}
	if a.Type == user.TypeNumber {
		f.InputMode = "numeric"
	}
	return f
}

// attributes returns what was said in fields that are attributes.
func (v *visit) attributes() user.Attributes {
	as := user.Attributes{}
	for name, value := range v.in {
		if attribute, ok := strings.CutPrefix(name, attributePrefix); ok {
			as[attribute] = value
		}
	}
	return as
}
