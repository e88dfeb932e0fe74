package user_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/user"
)

func TestPhone(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"+1234567", "+4930123456", "+12025550123", "+123456789012345"} {
		l, err := user.Phone(in)
		if want := (user.Login{Namespace: user.Name, Value: in, Display: in, Rule: user.PhoneRule}); err != nil || l != want {
			t.Errorf("Phone(%q) = %+v, %v, want %+v", in, l, err, want)
		}
	}
	for _, in := range []string{
		"", "+", "4930123456", "004930123456", "+04930123456", "+123456", "+1234567890123456", "+49 30 123456", "+49-30-123456",
		"+49(30)123456", " +4930123456", "+4930123456 ", "+4930123456\n", "+4930123456\x00", "++4930123456", "+49301234５6",
		"＋4930123456", "+٤٩٣٠١٢٣٤٥٦", "tel:+4930123456", "+4930123456;ext=1", "+4930123456x", "\xff+4930123456", strings.Repeat("1", 1<<20),
	} {
		if l, err := user.Phone(in); !errors.Is(err, user.ErrPhone) {
			t.Errorf("Phone(%.40q) = %+v, %v, want ErrPhone", in, l, err)
		}
	}
}

func TestUsername(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, folded, kept string }{
		{"ada", "ada", "ada"},
		{"Ada.Lovelace", "ada.lovelace", "Ada.Lovelace"},
		{"ＡＤＡ", "ada", "ADA"},
		{"Ada\u0308", "adä", "Adä"},
		{"ÄDA", "äda", "ÄDA"},
		{"пользователь", "пользователь", "пользователь"},
		{"\u0430da", "\u0430da", "\u0430da"}, // Cyrillic: another name than "ada", and allowed
		{"x", "x", "x"},
		{"12345", "12345", "12345"},
		{"a+b", "a+b", "a+b"},
		{strings.Repeat("ä", 128), strings.Repeat("ä", 128), strings.Repeat("ä", 128)},
	}
	for _, tt := range tests {
		l, err := user.Username(tt.in, user.CaseInsensitive)
		if want := (user.Login{Namespace: user.Name, Value: tt.folded, Display: tt.in, Rule: user.UsernameRule}); err != nil || l != want {
			t.Errorf("Username(%q) = %+v, %v, want %+v", tt.in, l, err, want)
		}
		l, err = user.Username(tt.in, user.CaseSensitive)
		if want := (user.Login{Namespace: user.Name, Value: tt.kept, Display: tt.in, Rule: user.UsernameCaseSensitiveRule}); err != nil || l != want {
			t.Errorf("Username(%q) with case = %+v, %v, want %+v", tt.in, l, err, want)
		}
	}
}

// What could be taken for another login, or seen as another name, is none (CVE class 59).
func TestUsernameRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		"", " ", "ada lovelace", " ada", "ada ", "ada\n", "ada\tx", "a\x00b", "\xff", "a\u00a0b", "a\u200bb", "a\u200db", "\ufeffada",
		"ﬁle", "ada\u202e", "🐎", "a€", "①", "ada@example.com", "@ada", "ada＠example.com", "+4930123456", "＋4930123456", "+ada",
		"c0ffee00-0000-4000-8000-000000000000", "C0FFEE00-0000-4000-8000-000000000000",
		strings.Repeat("a", 129), strings.Repeat("ä", 129), strings.Repeat("a", 1<<20),
	} {
		for _, c := range []user.Case{user.CaseInsensitive, user.CaseSensitive} {
			if l, err := user.Username(in, c); !errors.Is(err, user.ErrUsername) {
				t.Errorf("Username(%.40q, %d) = %+v, %v, want ErrUsername", in, c, l, err)
			}
		}
	}
}

// A canonical form carries the version of its rule, and the rules of the two cases are two.
func TestS20_LoginsNameTheirRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		of   string
		rule int
		in   func() (user.Login, error)
	}{
		{"email", 1, func() (user.Login, error) { return user.Email("Ada@example.com") }},
		{"phone", 1, func() (user.Login, error) { return user.Phone("+4930123456") }},
		{"name", 1, func() (user.Login, error) { return user.Username("Ada", user.CaseInsensitive) }},
		{"name with case", 2, func() (user.Login, error) { return user.Username("Ada", user.CaseSensitive) }},
	} {
		if l, err := tt.in(); err != nil || l.Rule != tt.rule {
			t.Errorf("%s: rule %d, %v, want %d", tt.of, l.Rule, err, tt.rule)
		}
	}
}

// No text is a login of two kinds: otherwise one person's could be another's.
func TestLoginsAreOfOneKind(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"ada@example.com", "+4930123456", "ada", "ADA", "12345678"} {
		kinds := 0
		for _, err := range []error{second(user.Email(in)), second(user.Phone(in)), second(user.Username(in, user.CaseInsensitive))} {
			if err == nil {
				kinds++
			}
		}
		if kinds != 1 {
			t.Errorf("%q is a login of %d kinds, want 1", in, kinds)
		}
	}
}

func second(_ user.Login, err error) error { return err }

func FuzzPhone(f *testing.F) {
	for _, s := range []string{"+4930123456", "+1", "004930", "+٤٩"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { stable(t, s, user.ErrPhone, user.Phone) })
}

// FuzzUsername also holds S20: a canonical form stays what it is when it is read again.
func FuzzUsername(f *testing.F) {
	for _, s := range []string{"ada", "ÀDA", "ａ", "ﬁ", "İ", "ς", "ß", "\u0345", "אב", "a\u0308"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []user.Case{user.CaseInsensitive, user.CaseSensitive} {
			stable(t, s, user.ErrUsername, func(s string) (user.Login, error) { return user.Username(s, c) })
		}
	})
}

// stable checks that a canonical form is its own.
func stable(t *testing.T, s string, class error, parse func(string) (user.Login, error)) {
	t.Helper()
	l, err := parse(s)
	if err != nil {
		if !errors.Is(err, class) || l != (user.Login{}) {
			t.Errorf("%q gives %+v, %v", s, l, err)
		}
		return
	}
	if again, err := parse(l.Value); err != nil || again.Value != l.Value || l.Value == "" || l.Display != s {
		t.Errorf("%q gives %+v, which itself gives %+v, %v", s, l, again, err)
	}
}
