package password_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
)

func TestCommon(t *testing.T) {
	t.Parallel()
	common := password.Common()
	for typed, want := range map[string]bool{
		"123456": true, "password": true, "PassWord": true, "qwerty": true, "trustno1": true, "ｐａｓｓｗｏｒｄ": true,
		"": false, "\n": false, "password\n": false, "password\npassword1": false, "correct horse battery": false, "\xff": false,
		"~~~~~~~~~~~~~~": false, "   ": false,
	} {
		if got := common.Contains(password.New(typed)); got != want {
			t.Errorf("Contains(%q) = %v, want %v", typed, got, want)
		}
	}
}

// The list is as the search and the comment beside it want it, and every line of it is found.
func TestCommonIsWhole(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("common.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) < 19000 || !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Fatalf("%d lines, want at least 19000, sorted, each once", len(lines))
	}
	rebuilt := password.NewBlocklist(lines...)
	for _, l := range lines {
		if len(l) < 4 || l != strings.ToLower(l) || !password.Common().Contains(password.New(l)) || !rebuilt.Contains(password.New(l)) {
			t.Errorf("line %q is short, not folded or not found", l)
		}
		if password.Common().Contains(password.New(l + "\x00")) {
			t.Errorf("%q with more behind it is found", l)
		}
	}
}

func TestNewBlocklist(t *testing.T) {
	t.Parallel()
	list := password.NewBlocklist("Zebra", "apple tree", "zebra", "", "with\nbreak", "ÄPFEL", "a")
	for typed, want := range map[string]bool{
		"zebra": true, "ZEBRA": true, "apple tree": true, "äpfel": true, "A\u0308pfel": true, "a": true,
		"": false, "with\nbreak": false, "with": false, "break": false, "apple": false, "zebr": false, "zebras": false,
	} {
		if got := list.Contains(password.New(typed)); got != want {
			t.Errorf("Contains(%q) = %v, want %v", typed, got, want)
		}
	}
	for _, empty := range []*password.Blocklist{{}, password.NewBlocklist(), password.NewBlocklist("")} {
		if empty.Contains(password.New("")) || empty.Contains(password.New("zebra")) {
			t.Error("an empty list contains something")
		}
	}
	facts := password.Facts{Blocked: list}
	if err := (password.Policy{}).Check(password.New("Apple Tree"), facts); !slices.Equal(rules(err), []password.Rule{password.RuleCommon}) {
		t.Errorf("Check of what is on the own list: %v", err)
	}
	if err := (password.Policy{}).Check(password.New("iloveyou"), facts); err != nil {
		t.Errorf("Check of what is not on the own list: %v", err)
	}
}
