package mfa_test

import (
	"strings"
	"testing"

	"github.com/userpool-go/userpool/mfa"
)

func TestNewRecoveryCodes(t *testing.T) {
	t.Parallel()
	seen, runes := map[string]bool{}, map[rune]int{}
	for range 100 {
		codes := mfa.NewRecoveryCodes()
		if len(codes) != mfa.RecoveryCodes {
			t.Fatalf("%d codes, want %d", len(codes), mfa.RecoveryCodes)
		}
		for _, c := range codes {
			got, ok := mfa.RecoveryCode(c)
			if len(c) != 17 || !ok || got != strings.ReplaceAll(c, "-", "") || seen[c] {
				t.Fatalf("code %q is compared as %q, %v; seen before: %v", c, got, ok, seen[c])
			}
			seen[c] = true
			for _, r := range got {
				runes[r]++
			}
		}
	}
	for r, n := range runes { // each 469 times of 15,000, give or take a tenth of that twice
		if n < 340 || n > 600 {
			t.Errorf("%c stands there %d times", r, n)
		}
	}
	if len(runes) != 32 {
		t.Errorf("%d letters are used, want 32", len(runes))
	}
}

func TestRecoveryCode(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"7h2kq-x9m4d-2vwz8":           "7h2kqx9m4d2vwz8",
		"7H2KQ X9M4D 2VWZ8":           "7h2kqx9m4d2vwz8",
		" 7h2kqx9m4d2vwz8 ":           "7h2kqx9m4d2vwz8",
		"OIL00-11111-oOiIl":           "011001111100111",
		"7h2kq–x9m4d—2vwz8":           "7h2kqx9m4d2vwz8", // what a text processor makes of a hyphen
		"7h2kq\u2011x9m4d\u22122vwz8": "7h2kqx9m4d2vwz8", // and others
		"7h2kq-\r\n\tx9m4d-2vwz8\n":   "7h2kqx9m4d2vwz8", // as copied from a file
		"7h2kq-x9m4d-2vwz":            "",
		"7h2kq-x9m4d-2vwz88":          "",
		"7h2kq-x9m4d-2vwzu":           "", // no code has a u
		"7h2kq_x9m4d_2vwz8":           "",
		"":                            "",
		"-----":                       "",
		"７h2kq-x9m4d-2vwz8":           "",
		"7h2kq-x9m4d-2vwz8\x00":       "",
		"7h2kq-x9m4d-2vwz\xff":        "",
		"7h2kq-x9m4d-2vwz8" + strings.Repeat(" ", 100): "",
	} {
		got, ok := mfa.RecoveryCode(typed)
		if ok != (want != "") || ok && got != want {
			t.Errorf("RecoveryCode(%q) = %q, %v, want %q", typed, got, ok, want)
		}
	}
}

func FuzzRecoveryCode(f *testing.F) {
	f.Add("7h2kq-x9m4d-2vwz8")
	f.Fuzz(func(t *testing.T, typed string) {
		code, ok := mfa.RecoveryCode(typed)
		if again, still := mfa.RecoveryCode(code); ok && (!still || again != code || len(code) != 15) {
			t.Errorf("RecoveryCode(%q) = %q, and of that %q", typed, code, again)
		}
	})
}
