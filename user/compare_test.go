package user_test

import (
	"testing"

	"github.com/userpool-go/userpool/user"
)

func TestComparable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, value, want string }{
		{"name", "Ada LOVELACE", "ada lovelace"},
		{"name", "Jose\u0301", "josé"},
		{"name", "ÉMILIE", "émilie"},
		{"email", "Ada@Example.COM", "ada@example.com"},
		{"custom:id", "Ab1\u0301", "Ab1\u0301"},
		{"custom", "AB", "ab"},
		{"name", "", ""},
		{"name", "\xff", "\ufffd"},
	} {
		got := user.Comparable(c.name, c.value)
		if got != c.want {
			t.Errorf("Comparable(%q, %q) = %q, want %q", c.name, c.value, got, c.want)
		}
		if again := user.Comparable(c.name, got); again != got {
			t.Errorf("Comparable(%q, %q) twice = %q, want %q", c.name, c.value, again, got)
		}
	}
}
