package password_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/userpool-go/userpool/password"
)

func TestGenerate(t *testing.T) {
	t.Parallel()
	all := password.Policy{RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true}
	long := all
	long.MinLength = 99
	for _, tt := range []struct {
		policy password.Policy
		length int
	}{{password.Policy{}, 12}, {all, 12}, {long, 99}, {password.Policy{MinLength: 6}, 12}, {password.Policy{MinLength: 1 << 40, History: 3}, 99}} {
		seen := map[string]bool{}
		for range 200 {
			f := password.Facts{Words: []string{"ada@example.com"}, Used: func(password.Secret) (bool, error) { panic("asked") }}
			s := tt.policy.Generate(f).Reveal()
			if utf8.RuneCountInString(s) != tt.length || seen[s] || strings.ContainsAny(s, "0O1lI \"'<>&") {
				t.Fatalf("%+v: %q, want %d characters that are new and clear", tt.policy, s, tt.length)
			}
			seen[s] = true
			if err := tt.policy.Check(password.New(s), password.Facts{Words: f.Words}); tt.policy.History == 0 && err != nil {
				t.Fatalf("%+v: %q: %v", tt.policy, s, err)
			}
		}
	}
}
