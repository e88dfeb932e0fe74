package user_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/user"
)

var schema = user.Schema{
	{Name: "name", Required: true, Max: 20},
	{Name: "locale", Immutable: true},
	{Name: "custom:plan", AdminOnly: true},
	{Name: "custom:team", Immutable: true, Min: 2, Max: 4},
	{Name: "custom:age", Type: user.TypeNumber, Min: -1, Max: 150},
	{Name: "custom:any", Type: user.TypeNumber},
	{Name: "custom:news", Type: user.TypeBoolean},
	{Name: "custom:since", Type: user.TypeDateTime},
}

// broken writes the violations of err as "name rule", for comparison.
func broken(err error) (all []string) {
	if e, ok := errors.AsType[*user.AttributesError](err); ok {
		for _, v := range e.Violations {
			all = append(all, v.Name+" "+string(v.Rule))
		}
	}
	return all
}

// Every claim and type, one value at a time.
func TestSchemaValues(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 2048)
	tests := []struct {
		name         string
		good, format []string
		bounds       []string
	}{
		{"given_name", []string{"Ada", "Áda-Мария 🐎", long, " "}, []string{"a\nb", "a\x00", "a\r", "\xff", "a\u2028b", "\u0085"}, []string{long + "x"}},
		{"nickname", []string{"x"}, []string{"\x1b[31m"}, nil},
		{"address", []string{"1 Main St\nTown\r\n\tUK"}, []string{"a\x00b", "\xff", "\x1b"}, []string{long + "x"}},
		{"email", []string{"ada@example.com", "Ada@Example.com"}, []string{"ada", "ada@", "a@b", "Ada <ada@example.com>", "ada@example.com\n"}, nil},
		{"phone_number", []string{"+4930123456"}, []string{"030123456", "+49 30 123456", "+0123456789", "+"}, nil},
		{"birthdate", []string{"1815-12-10", "0000-12-10", "1815", "2024-02-29"}, []string{
			"10.12.1815", "12/10/1815", "1815-13-10", "1815-02-30", "1815-12-1", "1815-12", "815", "18155", "1815-12-10T00:00:00Z", "-815", "18 5",
		}, nil},
		{"zoneinfo", []string{"Europe/Paris", "UTC", "America/Argentina/Ushuaia", "Etc/GMT+5"}, []string{"../etc/passwd", "/UTC", "Europe/", "Europe Paris", "a/b/c/d", "Europe/Paris\n", "../../x"}, nil},
		{"locale", []string{"en", "en-US", "en_US", "zh-Hans-CN", "de-CH-1996"}, []string{"e", "languages", "en-languages", "en-", "-en", "en US", "en\n", "1n"}, nil},
		{"website", []string{"https://example.com", "http://example.com/~ada?x=1#y", "https://münchen.example/"}, []string{
			"example.com", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "https://", "https://u:p@example.com", "//example.com", "https://example.com/\n", "ftp://example.com", "https:example.com",
		}, []string{"https://example.com/" + strings.Repeat("x", 2048)}},
		{"picture", []string{"https://example.com/a.png"}, []string{"javascript:1", "/a.png"}, nil},
		{"profile", []string{"https://example.com/ada"}, []string{"javascript:1", "ada"}, nil},
		{"updated_at", []string{"0", "1700000000"}, []string{"-1", "1.5", "01", "+1", "1e9", " 1", "now", "99999999999999999999"}, nil},
		{"custom:team", []string{"ab", "äöüß", "a\nb"}, []string{"a\x00b"}, []string{"a", "abcde"}},
		{"custom:age", []string{"-1", "0", "150"}, []string{"-0", "007", "0x1", "1_000", "１", "true", "null", "NaN"}, []string{"-2", "151"}},
		{"custom:any", []string{"9223372036854775807", "-9223372036854775808"}, []string{"9223372036854775808"}, nil},
		{"custom:news", []string{"true", "false"}, []string{"True", "TRUE", "1", "0", "yes", "null", " true", "t"}, nil},
		{"custom:since", []string{"2026-05-01T12:00:00Z", "2026-05-01T12:00:00.123456789+02:00", "2024-02-29T23:59:59Z"}, []string{
			"2026-05-01", "2026-05-01 12:00:00Z", "2026-05-01t12:00:00z", "2026-05-01T12:00:00", "2026-05-01T12:00:00,5Z", "2026-02-29T12:00:00Z", "2026-05-01T24:00:00Z", "2026-05-01T1:00:00Z", "1700000000",
		}, nil},
	}
	for _, tt := range tests {
		for rule, values := range map[string][]string{"": tt.good, "format": tt.format, "bounds": tt.bounds} {
			for _, value := range values {
				var want []string
				if rule != "" {
					want = []string{tt.name + " " + rule}
				}
				is := user.Attributes{"name": "Ada", tt.name: value}
				if err := schema.Check(is, user.Visitor); !slices.Equal(broken(err), want) || (err != nil) != errors.Is(err, user.ErrAttributes) {
					t.Errorf("%s = %.40q: %v, want %q", tt.name, value, err, want)
				}
			}
		}
	}
}

func TestSchemaCheck(t *testing.T) {
	t.Parallel()
	many := user.Attributes{"name": "Ada"}
	for i := range 128 {
		many[fmt.Sprintf("custom:%d", i)] = "x"
	}
	tests := []struct {
		name string
		is   user.Attributes
		by   user.Writer
		want []string
	}{
		{"the least", user.Attributes{"name": "Ada"}, user.Visitor, nil},
		{"immutable ones too", user.Attributes{"name": "Ada", "locale": "en", "custom:team": "abc"}, user.Visitor, nil},
		{"blank fields of a form", user.Attributes{"name": "Ada", "birthdate": "", "custom:age": "", "website": ""}, user.Visitor, nil},
		{"nothing", nil, user.Visitor, []string{"name required"}},
		{"blank where one is required", user.Attributes{"name": ""}, user.Visitor, []string{"name required"}},
		{"nothing, by an administrator", nil, user.Admin, nil},
		{"an administrator's", user.Attributes{"name": "Ada", "custom:plan": "free"}, user.Admin, nil},
		{"an administrator's, by a visitor", user.Attributes{"name": "Ada", "custom:plan": "free"}, user.Visitor, []string{"custom:plan read_only"}},
		{
			"unknown",
			user.Attributes{"name": "Ada", "Name": "Ada", "custom:x": "y", "custom:": "z", "": "q", "\xff": "r"},
			user.Visitor,
			[]string{" unknown", "Name unknown", "custom: unknown", "custom:x unknown", "\xff unknown"},
		},
		{
			"all at once",
			user.Attributes{"birthdate": "tomorrow", "custom:age": "151", "custom:plan": "gold", "sub": "me", "x": "y"},
			user.Visitor,
			[]string{"birthdate format", "custom:age bounds", "custom:plan read_only", "name required", "sub read_only", "x unknown"},
		},
		{"a stricter standard claim", user.Attributes{"name": strings.Repeat("x", 21)}, user.Visitor, []string{"name bounds"}},
		{"too many", many, user.Admin, []string{" size"}},
		{"too much", user.Attributes{"name": "Ada", "address": strings.Repeat("x", 24<<10)}, user.Admin, []string{" size"}},
	}
	for _, tt := range tests {
		if got := broken(schema.Check(tt.is, tt.by)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if err := user.Schema(nil).Check(user.Attributes{"given_name": "Ada", "email": "ada@example.com"}, user.Visitor); err != nil {
		t.Errorf("the zero schema: %v", err)
	}
	if got := broken(user.Schema(nil).Check(user.Attributes{"custom:x": "y"}, user.Admin)); !slices.Equal(got, []string{"custom:x unknown"}) {
		t.Errorf("the zero schema and a custom attribute: %q", got)
	}
}

func TestSchemaCheckChange(t *testing.T) {
	t.Parallel()
	was := user.Attributes{"name": "Ada", "locale": "en", "custom:plan": "free", "birthdate": "long ago", "custom:gone": "x", "sub": "u"}
	tests := []struct {
		name   string
		change user.Attributes // "-" takes away
		by     user.Writer
		want   []string
	}{
		{"nothing", nil, user.Visitor, nil},
		{"a value", user.Attributes{"name": "Ada L."}, user.Visitor, nil},
		{"a new one", user.Attributes{"nickname": "A"}, user.Visitor, nil},
		{"a bad one", user.Attributes{"name": "a\nb"}, user.Visitor, []string{"name format"}},
		{"a required one away", user.Attributes{"name": "-"}, user.Visitor, []string{"name required"}},
		{"a required one blank, by an administrator", user.Attributes{"name": ""}, user.Admin, []string{"name required"}},
		{"an immutable one", user.Attributes{"locale": "de"}, user.Admin, []string{"locale immutable"}},
		{"an immutable one away", user.Attributes{"locale": "-"}, user.Admin, []string{"locale immutable"}},
		{"an immutable one later", user.Attributes{"custom:team": "abc"}, user.Visitor, []string{"custom:team immutable"}},
		{"an administrator's", user.Attributes{"custom:plan": "gold"}, user.Visitor, []string{"custom:plan read_only"}},
		{"an administrator's away", user.Attributes{"custom:plan": "-"}, user.Visitor, []string{"custom:plan read_only"}},
		{"an administrator's, by one", user.Attributes{"custom:plan": "gold"}, user.Admin, nil},
		{"what the schema no longer knows", user.Attributes{"custom:gone": "y"}, user.Visitor, []string{"custom:gone unknown"}},
		{"what the schema no longer knows away", user.Attributes{"custom:gone": "-"}, user.Visitor, nil},
		{"what was never good, again", user.Attributes{"birthdate": "longer ago"}, user.Visitor, []string{"birthdate format"}},
		{"the subject", user.Attributes{"sub": "v"}, user.Admin, []string{"sub read_only"}},
		{"the subject away", user.Attributes{"sub": "-"}, user.Admin, []string{"sub read_only"}},
	}
	for _, tt := range tests {
		is := maps.Clone(was)
		maps.Copy(is, tt.change)
		maps.DeleteFunc(is, func(_, v string) bool { return v == "-" })
		if got := broken(schema.CheckChange(was, is, tt.by)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	// A user without attributes is changed, not made.
	if err := schema.CheckChange(nil, user.Attributes{"nickname": "A"}, user.Visitor); err != nil {
		t.Errorf("a first attribute: %v", err)
	}
	if got := broken(schema.CheckChange(nil, user.Attributes{"custom:team": "abc"}, user.Visitor)); !slices.Equal(got, []string{"custom:team immutable"}) {
		t.Errorf("an immutable first attribute: %q", got)
	}
}

// CVE class 22: nobody writes what says that something is verified, however it is put.
func TestVerifiedIsNobodysToWrite(t *testing.T) {
	t.Parallel()
	open := user.Schema{{Name: "email_verified"}, {Name: "phone_number_verified", Type: user.TypeBoolean}} // has problems
	for _, name := range []string{"email_verified", "phone_number_verified", "sub", "identities"} {
		for _, value := range []string{"true", "false", "1", "null", "[true]"} {
			for _, s := range []user.Schema{nil, schema, open} {
				for _, by := range []user.Writer{user.Visitor, user.Admin} {
					is := user.Attributes{"name": "Ada", name: value}
					want := []string{name + " read_only"}
					if got := broken(s.Check(is, by)); !slices.Equal(got, want) {
						t.Errorf("Check %s = %s: %q, want %q", name, value, got, want)
					}
					if got := broken(s.CheckChange(user.Attributes{"name": "Ada"}, is, by)); !slices.Equal(got, want) {
						t.Errorf("CheckChange %s = %s: %q, want %q", name, value, got, want)
					}
				}
			}
		}
	}
	var as user.Attributes
	if err := json.Unmarshal([]byte(`{"email_verified": true}`), &as); err == nil {
		t.Errorf("a boolean became the text %q", as["email_verified"])
	}
}

func TestParseVerified(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]bool{"true": true, "false": false} {
		if got, err := user.ParseVerified([]byte(in)); err != nil || got != want {
			t.Errorf("ParseVerified(%s) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", `"true"`, `"false"`, "1", "0", "null", "[true]", `{"true":true}`, "True", "TRUE", "true ", " true", "truefalse", `"yes"`} {
		if got, err := user.ParseVerified([]byte(in)); got || !errors.Is(err, user.ErrAttributes) {
			t.Errorf("ParseVerified(%s) = %v, %v, want an error", in, got, err)
		}
	}
}

func TestSchemaProblems(t *testing.T) {
	t.Parallel()
	if ps := schema.Problems(); ps != nil {
		t.Errorf("Problems of a good schema: %q", ps)
	}
	for name, s := range map[string]user.Schema{
		"reserved":               {{Name: "email_verified"}},
		"subject":                {{Name: "sub", Immutable: true}},
		"neither standard":       {{Name: "plan"}},
		"no name":                {{}},
		"no bare name":           {{Name: "custom:"}},
		"a blank in the name":    {{Name: "custom:a b"}},
		"beyond ASCII":           {{Name: "custom:ä"}},
		"name too long":          {{Name: "custom:" + strings.Repeat("x", 65)}},
		"twice":                  {{Name: "custom:x"}, {Name: "custom:x"}},
		"standard, another type": {{Name: "birthdate", Type: user.TypeDateTime}},
		"unknown type":           {{Name: "custom:x", Type: "float"}},
		"minimum above maximum":  {{Name: "custom:x", Type: user.TypeNumber, Min: 5}},
		"string below 0":         {{Name: "custom:x", Min: -1, Max: 5}},
		"string too long":        {{Name: "custom:x", Max: 2049}},
		"bounds of a boolean":    {{Name: "custom:x", Type: user.TypeBoolean, Max: 1}},
		"bounds of a date-time":  {{Name: "custom:x", Type: user.TypeDateTime, Max: 1}},
		"required of nobody":     {{Name: "custom:x", Required: true, AdminOnly: true}},
	} {
		if ps := s.Problems(); len(ps) != 1 {
			t.Errorf("%s: Problems = %q, want one", name, ps)
		}
	}
	if ps := (user.Schema{{Name: "custom:", Type: "x"}, {Name: "sub"}}).Problems(); len(ps) != 3 {
		t.Errorf("Problems = %q, want three at once", ps)
	}
}

// Whatever is given, a schema answers, quotes no value, and says the same of what it let through.
func FuzzSchemaCheck(f *testing.F) {
	for _, s := range [][2]string{{"birthdate", "1815-12-10"}, {"website", "https://[::1]:1/%zz"}, {"custom:since", "2026-05-01T12:00:00Z"}, {"\xff", ""}} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		is := user.Attributes{"name": "Ada", name: value}
		err := schema.Check(is, user.Visitor)
		if err != nil && !errors.Is(err, user.ErrAttributes) {
			t.Errorf("Check = %v", err)
		}
		if err == nil && schema.CheckChange(is, is, user.Visitor) != nil {
			t.Errorf("%q = %q is let through, and then not left alone", name, value)
		}
	})
}

func ExampleSchema_Check() {
	s := user.Schema{
		{Name: "name", Required: true},
		{Name: "custom:age", Type: user.TypeNumber, Min: 13, Max: 150},
	}
	err := s.Check(user.Attributes{"custom:age": "7", "birthdate": "yesterday", "email_verified": "true"}, user.Visitor)
	if broken, ok := errors.AsType[*user.AttributesError](err); ok {
		for _, v := range broken.Violations {
			fmt.Println(v.Name, v.Rule)
		}
	}
	// Output:
	// birthdate format
	// custom:age bounds
	// email_verified read_only
	// name required
}
