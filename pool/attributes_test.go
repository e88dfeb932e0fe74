package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

func schema(s ...user.Attribute) func(*pool.Config) {
	return func(c *pool.Config) {
		if c.Settings == nil {
			c.Settings = &pool.Settings{}
		}
		c.Settings.Attributes = s
	}
}

// What visitors say of themselves is held to the schema, and they are told all that is wrong at
// once.
func TestSchemaHoldsAtSignUp(t *testing.T) {
	t.Parallel()
	k := open(t, schema(
		user.Attribute{Name: "name", Required: true, Max: 5}, user.Attribute{Name: "email", Required: true, AdminOnly: false, Max: 20},
		user.Attribute{Name: "custom:team", Type: user.TypeNumber, Min: 1, Max: 9}, user.Attribute{Name: "custom:role", AdminOnly: true},
		user.Attribute{Name: "custom:once", Immutable: true},
	))
	k.store.reset()
	for name, tt := range map[string]struct {
		as   user.Attributes
		want string // fields that are wrong
	}{
		"what is required":         {nil, "Attributes.name"},
		"empty is none":            {user.Attributes{"name": ""}, "Attributes.name"},
		"bounds of a text":         {user.Attributes{"name": "Adaada"}, "Attributes.name"},
		"bounds of a number":       {user.Attributes{"name": "Ada", "custom:team": "10"}, "Attributes.custom:team"},
		"another spelling":         {user.Attributes{"name": "Ada", "custom:team": "01"}, "Attributes.custom:team"},
		"an administrator's":       {user.Attributes{"name": "Ada", "custom:role": "root"}, "Attributes.custom:role"},
		"unknown":                  {user.Attributes{"name": "Ada", "custom:other": "x"}, "Attributes.custom:other"},
		"reserved":                 {user.Attributes{"name": "Ada", "email_verified": "true", "sub": "x", "identities": "[]"}, "Attributes.email_verified Attributes.identities Attributes.sub"},
		"a script for a link":      {user.Attributes{"name": "Ada", "website": "javascript:alert(1)"}, "Attributes.website"},
		"two lines":                {user.Attributes{"name": "A\nB"}, "Attributes.name"},
		"NUL":                      {user.Attributes{"name": "A\x00"}, "Attributes.name"},
		"not UTF-8":                {user.Attributes{"name": "\xff"}, "Attributes.name"},
		"a name that would be log": {user.Attributes{"name": "Ada", "a\nlevel=ERROR": "x"}, "Attributes"},
		"another address":          {user.Attributes{"name": "Ada", "email": "root@example.com"}, "Attributes.email"},
		"no phone number":          {user.Attributes{"name": "Ada", "phone_number": "0151"}, "Attributes.phone_number"},
		"all at once":              {user.Attributes{"custom:team": "x", "custom:other": "y"}, "Attributes.custom:other Attributes.custom:team Attributes.name"},
		"too much":                 {user.Attributes{"name": "Ada", "gender": strings.Repeat("<", 700)}, "Attributes"},
		"a megabyte":               {user.Attributes{"name": strings.Repeat("a", 1<<20)}, "Attributes"},
	} {
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: tt.as})
		v, ok := errors.AsType[*pool.ValidationError](err)
		if !ok {
			t.Errorf("%s: SignUp = %v, want a *ValidationError", name, err)
			continue
		}
		var fields []string
		for _, f := range v.Fields {
			fields = append(fields, f.Field)
		}
		if got := strings.Join(fields, " "); got != tt.want {
			t.Errorf("%s: wrong are %q, want %q", name, got, tt.want)
		}
		if !utf8.ValidString(err.Error()) || strings.ContainsAny(err.Error(), "\n\x00") || len(err.Error()) > 1000 {
			t.Errorf("%s: the error quotes what was typed: %.200q", name, err)
		}
	}
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "an-address-too-long@example.com", Password: right, Attributes: user.Attributes{"name": "Ada"}}); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("a login beyond the bounds of its attribute = %v, want ErrInvalid", err)
	}
	if _, commits := k.store.counted(); len(commits) > 0 {
		t.Errorf("%d commits", len(commits))
	}
	as := user.Attributes{"name": "Ada", "custom:team": "7", "custom:once": "x", "email": "ADA@example.com", "nickname": ""}
	up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: as})
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
		t.Fatal(err)
	}
	c, p := k.says(ada)
	if fmt.Sprint(p.Attributes) != "map[custom:once:x custom:team:7 name:Ada]" || c.Name != "Ada" || c.Attributes["custom:team"] != "7" || c.Email != ada {
		t.Errorf("profile %v, claims %+v", p.Attributes, c)
	}
	if len(as) != 5 || as["email"] != "ADA@example.com" {
		t.Errorf("the caller's attributes were changed: %v", as)
	}
}

// That only an administrator says an address keeps nobody from proving it, but from saying another.
func TestAddressThatOnlyAdministratorsSay(t *testing.T) {
	t.Parallel()
	k := open(t, named, schema(user.Attribute{Name: "email", AdminOnly: true}, user.Attribute{Name: "phone_number", AdminOnly: true}))
	k.confirmed(ada)
	k.confirmed("bob")
	_, err := k.signUpAs("eve", user.Attributes{"email": "eve@example.com", "phone_number": phone})
	if v, ok := errors.AsType[*pool.ValidationError](err); !ok || len(v.Fields) != 1 || v.Fields[0].Field != "Attributes.phone_number" {
		t.Errorf("SignUp with another address = %v, want phone_number refused", err)
	}
}

func TestSchemaProblemsRefuseToOpen(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]user.Schema{
		"reserved":   {{Name: "email_verified"}},
		"twice":      {{Name: "custom:a"}, {Name: "custom:a"}},
		"impossible": {{Name: "name", Required: true, AdminOnly: true}},
		"no custom":  {{Name: "team"}},
		"no type":    {{Name: "custom:a", Type: "json"}},
	} {
		_, err := reopen(t, memory.New(), pool.Config{Settings: &pool.Settings{Attributes: s}})
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("%s: Open = %v, want a *SettingsError", name, err)
		}
	}
}

func TestS18_SchemaBindsFromTheNextRead(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	openOn(t, st, schema(user.Attribute{Name: "custom:role"}), func(c *pool.Config) { c.Keys = r })
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r }) // by what the store says
	settings := pool.Settings{Attributes: user.Schema{{Name: "custom:role", AdminOnly: true}}}
	if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &settings}); err != nil {
		t.Fatal(err)
	}
	for _, as := range []user.Attributes{{"custom:role": "root"}, {"custom:role": ""}} {
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: as})
		if refused := errors.Is(err, pool.ErrInvalid); refused != (as["custom:role"] != "") {
			t.Errorf("SignUp with %v = %v", as, err)
		}
	}
}
