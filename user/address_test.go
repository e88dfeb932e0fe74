package user_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/user"
)

func login(t testing.TB, typed string) user.Login {
	t.Helper()
	l, err := user.Identify(typed, user.CaseInsensitive)
	if err != nil {
		t.Fatalf("Identify(%q): %v", typed, err)
	}
	return l
}

// A text is of one kind, whatever tricks are played with it: nobody's phone number or email address
// is somebody else's user name.
func TestIdentify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		typed, value string
		kind         user.Kind // "" means that it is refused
	}{
		{"Ada@Example.com", "ada@example.com", user.KindEmail},
		{"+4915112345678", "+4915112345678", user.KindPhone},
		{"+4915112345678@example.com", "+4915112345678@example.com", user.KindEmail},
		{"Ada", "ada", user.KindUsername},
		{"Ａｄａ", "ada", user.KindUsername},
		{"4915112345678", "4915112345678", user.KindUsername},
		{"0049-151", "0049-151", user.KindUsername},
		{"аda", "аda", user.KindUsername}, // a Cyrillic а: another name
		{"＋4915112345678", "", ""},        // a full-width plus
		{"ada＠example.com", "", ""},       // a full-width at
		{"+49 151 12345678", "", ""},
		{"+49(151)12345678", "", ""},
		{"++4915112345678", "", ""},
		{"+0015112345678", "", ""},
		{"+", "", ""},
		{"@", "", ""},
		{"@ada", "", ""},
		{"", "", ""},
		{"ad a", "", ""},
		{"ada\x00", "", ""},
		{"+4915112345678\x00", "", ""},
		{"\xff", "", ""},
		{strings.Repeat("a", 1<<20), "", ""},
		{"+" + strings.Repeat("1", 1<<20), "", ""},
		{strings.Repeat("a", 1<<20) + "@example.com", "", ""},
	} {
		got, err := user.Identify(tt.typed, user.CaseInsensitive)
		if got.Kind() != tt.kind || got.Value != tt.value || (err != nil) != (tt.kind == "") {
			t.Errorf("Identify(%.40q) = %+v (%q), %v, want %q (%q)", tt.typed, got, got.Kind(), err, tt.value, tt.kind)
		}
	}
	if got := (user.Login{Namespace: "idp:google", Value: "ada@example.com"}).Kind(); got != "" {
		t.Errorf("what an outside provider says is of kind %q, want none", got)
	}
	if got, err := user.Identify("Ada", user.CaseSensitive); err != nil || got.Value != "Ada" {
		t.Errorf("Identify(Ada, CaseSensitive) = %+v, %v", got, err)
	}
}

func TestOwn(t *testing.T) {
	t.Parallel()
	ada, mail, phone := login(t, "Ada"), login(t, "Ada@example.com"), login(t, "+4915112345678")
	for name, tt := range map[string]struct {
		attempt user.Attempt
		given   user.Attributes
		kinds   []user.Kind
		logins  []user.Login
		kept    user.Attributes
	}{
		"an email address": {
			user.Attempt{Login: mail},
			user.Attributes{"email": "ada@example.com", "phone_number": phone.Value, "name": "Ada"},
			[]user.Kind{user.KindEmail},
			[]user.Login{mail},
			user.Attributes{"phone_number": phone.Value, "name": "Ada"},
		},
		"an address of a kind that is no login any more": {
			user.Attempt{Login: mail}, nil, []user.Kind{user.KindUsername}, []user.Login{mail}, nil,
		},
		"a name, with an address that is a login": {
			user.Attempt{Login: ada, Address: phone},
			user.Attributes{"email": "ada@example.com", "phone_number": phone.Value},
			[]user.Kind{user.KindUsername, user.KindPhone},
			[]user.Login{ada, phone},
			user.Attributes{"email": "ada@example.com"},
		},
		"a name, with an address that is none": {
			user.Attempt{Login: ada, Address: mail},
			user.Attributes{"email": "Ada@example.com"},
			[]user.Kind{user.KindUsername},
			[]user.Login{ada},
			user.Attributes{"email": "Ada@example.com", "email_verified": "true"},
		},
		"the same without an attribute": {
			user.Attempt{Login: ada, Address: phone},
			nil, nil,
			[]user.Login{ada},
			user.Attributes{"phone_number": phone.Value, "phone_number_verified": "true"},
		},
	} {
		u := &user.User{Attempt: &tt.attempt, Attributes: tt.given}
		proven := tt.attempt.Proves()
		u.Own()
		u.Prove(proven, tt.kinds...)
		if u.Attempt != nil || !reflect.DeepEqual(u.Logins, tt.logins) || !reflect.DeepEqual(u.Attributes, tt.kept) {
			t.Errorf("%s: %+v, %v; want %+v, %v", name, u.Logins, u.Attributes, tt.logins, tt.kept)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	mail, phone := login(t, "Ada@example.com"), login(t, "+4915112345678")
	for name, tt := range map[string]struct {
		user   user.User
		kind   user.Kind
		shown  string
		proven bool
	}{
		"a login":             {user.User{Logins: []user.Login{login(t, "ada"), mail}}, user.KindEmail, "Ada@example.com", true},
		"another kind":        {user.User{Logins: []user.Login{mail}}, user.KindPhone, "", false},
		"a name is none":      {user.User{Logins: []user.Login{login(t, "ada")}}, user.KindUsername, "", false},
		"only said":           {user.User{Attributes: user.Attributes{"email": "eve@example.com"}}, user.KindEmail, "eve@example.com", false},
		"said beside a login": {user.User{Logins: []user.Login{phone}, Attributes: user.Attributes{"phone_number": "+4915100000000"}}, user.KindPhone, phone.Value, true},
		"proven, no login":    {user.User{Attributes: user.Attributes{"phone_number": phone.Value, "phone_number_verified": "true"}}, user.KindPhone, phone.Value, true},
		"proven of the other": {user.User{Attributes: user.Attributes{"phone_number": phone.Value, "email_verified": "true"}}, user.KindPhone, phone.Value, false},
		"not quite true":      {user.User{Attributes: user.Attributes{"email": "ada@example.com", "email_verified": "True"}}, user.KindEmail, "ada@example.com", false},
		"proven nothing":      {user.User{Attributes: user.Attributes{"email_verified": "true"}}, user.KindEmail, "", false},
		"a phone as email":    {user.User{Attributes: user.Attributes{"email": phone.Value, "email_verified": "true"}}, user.KindEmail, "", false},
		"a provider's login":  {user.User{Logins: []user.Login{{Namespace: "idp:google", Value: "eve@example.com"}}}, user.KindEmail, "", false},
	} {
		got, proven := tt.user.Address(tt.kind)
		if got.Display != tt.shown || proven != tt.proven {
			t.Errorf("%s: Address = %q, %v, want %q, %v", name, got.Display, proven, tt.shown, tt.proven)
		}
	}
}

func TestNameOfUser(t *testing.T) {
	t.Parallel()
	mail, name := login(t, "ada@example.com"), login(t, "Ada")
	for want, logins := range map[string][]user.Login{"": nil, "ada@example.com": {mail}, "Ada": {mail, name}} {
		if got := (&user.User{Logins: logins}).Username(); got != want {
			t.Errorf("Username of %v = %q, want %q", logins, got, want)
		}
	}
}

// FuzzIdentify holds that a text is of one kind, and that its canonical form shows the same kind.
func FuzzIdentify(f *testing.F) {
	for _, s := range []string{"ada", "Ada@Example.com", "+4915112345678", "＋49", "ada＠example.com", "+a@b.c", "@", "+", "\x00", "ﬁ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := user.Identify(s, user.CaseInsensitive)
		taken := 0
		for kind, parse := range map[user.Kind]func(string) (user.Login, error){
			user.KindEmail: user.Email, user.KindPhone: user.Phone,
			user.KindUsername: func(s string) (user.Login, error) { return user.Username(s, user.CaseInsensitive) },
		} {
			if l, err := parse(s); err == nil {
				taken++
				if l != got || got.Kind() != kind {
					t.Errorf("%q is %+v of kind %q, and %+v by its own rule", s, got, got.Kind(), l)
				}
			}
		}
		if taken > 1 || (taken == 1) != (err == nil) {
			t.Errorf("%q is of %d kinds, Identify says %v", s, taken, err)
		}
	})
}

// A preferred name replaces the one before and nothing else, whatever else the user owns.
func TestPrefer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		owns, prefers, want, name string // logins, one after the other preferred, what is left, the user name
	}{
		{"ada", "lovelace", "ada lovelace", "ada"},
		{"ada", "lovelace countess", "ada countess", "ada"},
		{"ada", "lovelace -", "ada", "ada"},
		{"ada", "ADA", "ada", "ada"},
		{"ada", "ada lovelace", "ada lovelace", "ada"},
		{"ada ada@example.com", "lovelace ada@example.com", "ada ada@example.com", "ada"},
		{"ada ada@example.com", "lovelace +4915112345678", "ada ada@example.com", "ada"},
		{"ada@example.com", "lovelace", "ada@example.com lovelace", "ada@example.com"},
		{"ada@example.com", "lovelace countess -", "ada@example.com", "ada@example.com"},
		{"", "lovelace", "lovelace", ""},
	} {
		var u user.User
		for _, l := range strings.Fields(tt.owns) {
			u.Logins = append(u.Logins, login(t, l))
		}
		before := u.Clone()
		for _, name := range strings.Fields(tt.prefers) {
			if name == "-" {
				u.Prefer(user.Login{})
				continue
			}
			u.Prefer(login(t, name))
		}
		var got []string
		for _, l := range u.Logins {
			got = append(got, l.Value)
		}
		if strings.Join(got, " ") != tt.want || u.Username() != tt.name {
			t.Errorf("%q preferring %q owns %q and is called %q, want %q and %q", tt.owns, tt.prefers, got, u.Username(), tt.want, tt.name)
		}
		if len(before.Logins) != len(strings.Fields(tt.owns)) {
			t.Errorf("%q: a copy of before has changed", tt.owns)
		}
	}
}
