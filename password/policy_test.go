package password_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, typed string
		want        []password.Rule
	}{
		{"eight", "12345678", nil},
		{"letters alone", "correcthorse", nil},
		{"blanks", "        ", nil},
		{"any script", "пароль-🐎", nil},
		{"longest", strings.Repeat("🐎", 256), nil},
		{"seven", "1234567", []password.Rule{password.RuleLength}},
		{"seven of two bytes", "äöüäöüä", []password.Rule{password.RuleLength}},
		{"four letters, decomposed", "a\u0308o\u0308u\u0308e\u0308", []password.Rule{password.RuleLength}},
		{"257", strings.Repeat("x", 257), []password.Rule{password.RuleLength}},
		{"a megabyte", strings.Repeat("x", 1<<20), []password.Rule{password.RuleLength}},
		{"empty", "", []password.Rule{password.RuleLength}},
		{"NUL", "1234\x005678", []password.Rule{password.RuleText}},
		{"not UTF-8", "12345678\xff", []password.Rule{password.RuleText}},
		{"both", "\xff", []password.Rule{password.RuleLength, password.RuleText}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := password.Check(password.New(tt.typed))
			var got []password.Rule
			if pe, ok := errors.AsType[*password.PolicyError](err); ok {
				for _, v := range pe.Violations {
					got = append(got, v.Rule)
				}
			}
			if !slices.Equal(got, tt.want) || (err != nil) != errors.Is(err, password.ErrPolicy) {
				t.Errorf("Check(%.20q) = %v, want %v", tt.typed, err, tt.want)
			}
			if err != nil && len(tt.typed) > 1 && strings.Contains(err.Error(), tt.typed) {
				t.Errorf("the error quotes the password: %v", err)
			}
		})
	}
	if err := password.Check(password.Secret{}); err == nil {
		t.Error("Check of no password = nil")
	}
}
