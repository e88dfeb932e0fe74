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
	first, address := loginField(s), ""
	if slices.Contains(s.SignIn.Identifiers, pool.Username) {
		first = field{Name: "username", Type: "text", Autocomplete: "username", words: "login_username"}
		address = "email"
		if slices.Contains(s.SignIn.Identifiers, pool.Phone) {
			address = "phone_number"
		}
	}
	fields := []field{first}
	if address != "" {
		fields = append(fields, attributeField(user.Attribute{Name: address}))
	}
	for _, a := range s.Attributes {
		own := a.Name == address || address == "" && (a.Name == "email" || a.Name == "phone_number")
		if a.Required && !a.AdminOnly && !own {
			fields = append(fields, attributeField(a))
		}
	}
	chosen := chosenPassword("password", s.Passwords)
	chosen.label = "password" // there is no old one
	return append(fields, chosen)
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
