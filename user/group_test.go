package user_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/user"
)

func TestValidGroup(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"staff": true, "Staff": true, "a": true, "größe": true, "q\u0301": true, "組": true, "a-b_c.d/e:f": true, "🚀": true,
		"cognito:groups": true, "eu-west-1_abc_Google": true, `"quoted"`: true, "<b>": true, "1+1=2": true, "-": true,
		strings.Repeat("x", 128): true, strings.Repeat("🚀", 128): true,

		"": false, " ": false, "a b": false, " a": false, "a\u00a0b": false, "a\u2028b": false, "a\tb": false, "a\n": false,
		"admin\x00": false, "\x00": false, "\x7f": false, "a\xff": false, "\xed\xa0\x80": false, "\xc0\xaf": false,
		"e\u0301": false, "gro\u0308ße": false, "\u212b": false,
		"admin\u200b": false, "ad\u200dmin": false, "\ufeffadmin": false, "\u202enimda": false, "a\u2066b": false, "ad\u00admin": false,
		"\U000e0041": false, "\ue000": false, "\u0378": false, "\ufffe": false,
		strings.Repeat("x", 129): false, strings.Repeat("🚀", 129): false, strings.Repeat("x", 1<<20): false,
	} {
		if got := user.ValidGroup(name); got != want {
			t.Errorf("ValidGroup(%.40q) = %v, want %v", name, got, want)
		}
	}
}

func TestCheckGroups(t *testing.T) {
	t.Parallel()
	long := func(n int, r string) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprintf("%03d", i)+strings.Repeat(r, 125))
		}
		return names
	}
	for name, groups := range map[string][]string{
		"none": nil, "empty": {}, "two": {"Staff", "staff"}, "100 of 128": long(100, "x"), "a prefix": {"a", "aa", "ab"},
	} {
		if err := user.CheckGroups(groups); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, groups := range map[string][]string{
		"twice": {"a", "a"}, "not sorted": {"b", "a"}, "sorted as if without case": {"a", "B"}, "no name": {""}, "NUL": {"admin\x00"},
		"101": long(101, "x"), "64 KB": long(100, "🚀"),
	} {
		if err := user.CheckGroups(groups); !errors.Is(err, user.ErrGroup) {
			t.Errorf("%s: %v, want ErrGroup", name, err)
		}
	}
}

func TestJoinAndLeave(t *testing.T) {
	t.Parallel()
	u := &user.User{}
	for _, name := range []string{"staff", "admin", "staff", "Staff"} {
		if err := u.Join(name); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"Staff", "admin", "staff"}
	if !slices.Equal(u.Groups, want) {
		t.Fatalf("Groups = %q, want %q", u.Groups, want)
	}
	before := u.Groups
	for _, name := range []string{"", "a b", "admin\x00", "\xff"} {
		if err := u.Join(name); !errors.Is(err, user.ErrGroup) || !slices.Equal(u.Groups, want) {
			t.Errorf("Join(%q) = %v with %q, want ErrGroup and no change", name, err, u.Groups)
		}
	}
	for _, name := range []string{"stuff", "STAFF", "sta", "", "staff\x00"} {
		if u.Leave(name); !slices.Equal(u.Groups, want) {
			t.Errorf("Leave(%q) left %q", name, u.Groups)
		}
	}
	for _, name := range want {
		u.Leave(name)
	}
	if u.Groups != nil || !slices.Equal(before, want) {
		t.Errorf("Groups = %#v, and those of before %q: want nil, and the list of before as it was", u.Groups, before)
	}
	for i := range user.MaxGroups {
		if err := u.Join(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := u.Join("more"); !errors.Is(err, user.ErrGroup) || len(u.Groups) != user.MaxGroups {
		t.Errorf("the 101st: %v, want ErrGroup", err)
	}
	if err := u.Join("7"); err != nil {
		t.Errorf("one of the hundred again: %v", err)
	}
}
