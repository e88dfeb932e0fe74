package password_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
)

// rules returns the rules that err says are broken.
func rules(err error) (rs []password.Rule) {
	if pe, ok := errors.AsType[*password.PolicyError](err); ok {
		for _, v := range pe.Violations {
			rs = append(rs, v.Rule)
		}
	}
	return rs
}

func TestPolicyCheck(t *testing.T) {
	t.Parallel()
	const (
		length, text, common, context = password.RuleLength, password.RuleText, password.RuleCommon, password.RuleContext
		upper, lower, number, symbol  = password.RuleUppercase, password.RuleLowercase, password.RuleNumbers, password.RuleSymbols
	)
	classes := password.Policy{RequireUppercase: true, RequireLowercase: true, RequireNumbers: true, RequireSymbols: true}
	cognito := classes
	cognito.MinLength, cognito.InsecureAllowCommon, cognito.InsecureAllowContext = 6, true, true
	tests := []struct {
		name   string
		policy password.Policy
		typed  string
		want   []password.Rule
	}{
		{"eight", password.Policy{}, "x7#qpl0w", nil},
		{"letters alone", password.Policy{}, "correcthorse", nil},
		{"blanks", password.Policy{}, "        ", nil},
		{"any script", password.Policy{}, "пароль-🐎", nil},
		{"longest", password.Policy{}, strings.Repeat("🐎", 256), nil},
		{"seven", password.Policy{}, "x7#qpl0", []password.Rule{length}},
		{"seven of two bytes", password.Policy{}, "äöüäöüä", []password.Rule{length}},
		{"four letters, decomposed", password.Policy{}, "a\u0308o\u0308u\u0308e\u0308", []password.Rule{length}},
		{"257", password.Policy{}, strings.Repeat("x", 257), []password.Rule{length}},
		{"a megabyte", classes, strings.Repeat("x", 1<<20), []password.Rule{length}},
		{"empty", password.Policy{}, "", []password.Rule{length}},
		{"NUL", password.Policy{}, "x7#q\x00pl0", []password.Rule{text}},
		{"not UTF-8", password.Policy{}, "x7#qpl0w\xff", []password.Rule{text}},
		{"both", password.Policy{}, "\xff", []password.Rule{length, text}},

		{"fourteen of fifteen", password.Policy{MinLength: 15}, "x7#qpl0wx7#qpl", []password.Rule{length}},
		{"six of six", password.Policy{MinLength: 6}, "x7#qpl", nil},
		{"five of six", password.Policy{MinLength: 6}, "x7#qp", []password.Rule{length}},
		{"below what may be asked", password.Policy{MinLength: 1}, "x7#qp", []password.Rule{length}},
		{"above what may be asked", password.Policy{MinLength: 1 << 40}, strings.Repeat("🐎", 99), nil},

		{"all classes", classes, "x7#qPl0w", nil},
		{"no class", classes, "äöüäöüäö", []password.Rule{upper, lower, number, symbol}},
		{"everything at once", classes, "dragon", []password.Rule{length, upper, number, symbol, common}},
		{"capitals beyond ASCII", classes, "x7#qpl0wÄ", []password.Rule{upper}},
		{"digits beyond ASCII", classes, "xx#qpLow٣", []password.Rule{number}},
		{"a space inside", classes, "xx qpLow3", nil},
		{"spaces outside", classes, " xxqpLow3 ", []password.Rule{symbol}},
		{"a sign that is no symbol", classes, "xx§qpLow3", []password.Rule{symbol}},
		{"Cognito, six", cognito, "Pass1!", nil},

		{"common", password.Policy{}, "iloveyou", []password.Rule{common}},
		{"common, in capitals", password.Policy{}, "ILoveYou", []password.Rule{common}},
		{"common, full width", password.Policy{}, "ｉｌｏｖｅｙｏｕ", []password.Rule{common}},
		{"common, digits behind", password.Policy{}, "Dragon2024!", []password.Rule{common}},
		{"common, signs around", password.Policy{}, "##dragon##", []password.Rule{common}},
		{"common, and eight more", password.Policy{}, "dragon48217733", nil},
		{"common, among others", password.Policy{}, "dragon likes tea", nil},
		{"common and allowed", password.Policy{InsecureAllowCommon: true}, "iloveyou", nil},

		{"login", password.Policy{}, "ada.lovelace@example.com", []password.Rule{context}},
		{"name and year", password.Policy{}, "Lovelace1815", []password.Rule{context}},
		{"name, disguised", password.Policy{}, "L0v3l4c3!!", []password.Rule{context}},
		{"name, twice", password.Policy{}, "lovelacelovelace", []password.Rule{context}},
		{"name and service", password.Policy{}, "Lovelace-Orchard-1", []password.Rule{context}},
		{"name in a sentence", password.Policy{}, "lovelace wrote programs", nil},
		{"a short name", password.Policy{}, "adaadaada", nil},
		{"name and allowed", password.Policy{InsecureAllowContext: true}, "Lovelace1815", nil},
	}
	facts := password.Facts{Words: []string{"ada.lovelace@example.com", "Ada Lovelace", "Orchard", "", "\xff"}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.policy.Check(password.New(tt.typed), facts)
			if got := rules(err); !slices.Equal(got, tt.want) || (err != nil) != errors.Is(err, password.ErrPolicy) {
				t.Errorf("Check(%.20q) = %v, want %v", tt.typed, err, tt.want)
			}
			if err != nil && len(tt.typed) > 1 && strings.Contains(err.Error(), tt.typed) {
				t.Errorf("the error quotes the password: %v", err)
			}
		})
	}
	if err := (password.Policy{}).Check(password.Secret{}, password.Facts{}); err == nil {
		t.Error("Check of no password = nil")
	}
}

// Old passwords cost hashes: they are looked at last, and only where there is need.
func TestPolicyHistory(t *testing.T) {
	t.Parallel()
	old, broke := password.New("old enough to know"), errors.New("door on fire")
	tests := []struct {
		name    string
		history int
		typed   string
		fails   error
		want    []password.Rule
		asked   bool
	}{
		{"off", 0, old.Reveal(), nil, nil, false},
		{"used", 5, old.Reveal(), nil, []password.Rule{password.RuleHistory}, true},
		{"new", 5, "new and different", nil, nil, true},
		{"refused anyway", 5, "short", nil, []password.Rule{password.RuleLength}, false},
		{"cannot be judged", 5, "new and different", broke, nil, true},
	}
	for _, tt := range tests {
		asked := false
		facts := password.Facts{Used: func(s password.Secret) (bool, error) {
			asked = true
			return s.Reveal() == old.Reveal(), tt.fails
		}}
		err := password.Policy{History: tt.history}.Check(password.New(tt.typed), facts)
		if !slices.Equal(rules(err), tt.want) || tt.fails != nil && !errors.Is(err, tt.fails) || asked != tt.asked {
			t.Errorf("%s: Check = %v, asked %v, want %v, asked %v", tt.name, err, asked, tt.want, tt.asked)
		}
	}
	if err := (password.Policy{History: 5}).Check(old, password.Facts{}); err != nil {
		t.Errorf("without old passwords: %v", err)
	}
}

func TestPolicyProblems(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := []struct {
		name   string
		policy password.Policy
		want   int
	}{
		{"zero", password.Policy{}, 0},
		{"least", password.Policy{MinLength: 6, TemporaryValidity: 1}, 0},
		{"most", password.Policy{MinLength: 99, History: 24, TemporaryValidity: 365 * day}, 0},
		{"too short", password.Policy{MinLength: 5}, 1},
		{"too long", password.Policy{MinLength: 100}, 1},
		{"negative", password.Policy{MinLength: -1, History: -1, TemporaryValidity: -1}, 3},
		{"too much", password.Policy{MinLength: 1000, History: 25, TemporaryValidity: 366 * day}, 3},
	}
	for _, tt := range tests {
		if got := tt.policy.Problems(); len(got) != tt.want {
			t.Errorf("%s: Problems = %q, want %d", tt.name, got, tt.want)
		}
	}
	set := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for validity, want := range map[time.Duration]time.Duration{0: 7 * day, -1: 7 * day, day: day} {
		if got := (password.Policy{TemporaryValidity: validity}).Expires(set); !got.Equal(set.Add(want)) {
			t.Errorf("Expires of %v = %v, want %v later", validity, got, want)
		}
	}
}

// Whatever is typed and known, a policy answers, and what it lets through is what it says.
func FuzzPolicyCheck(f *testing.F) {
	f.Add("correct horse", "ada@example.com")
	f.Add("\xff\x00ﷺİß", "ﷺ\xff")
	f.Fuzz(func(t *testing.T, typed, word string) {
		err := password.Policy{}.Check(password.New(typed), password.Facts{Words: []string{word}})
		if err != nil && !errors.Is(err, password.ErrPolicy) {
			t.Errorf("Check(%q) = %v", typed, err)
		}
		if n := len([]rune(typed)); err == nil && (n < password.MinLength || n > password.MaxLength) {
			t.Errorf("Check lets %d characters through", n)
		}
	})
}

func TestStricter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		was, is password.Policy
		want    bool
	}{
		"the same":             {password.Policy{}, password.Policy{}, false},
		"the default, in full": {password.Policy{}, password.Policy{MinLength: 8}, false},
		"longer":               {password.Policy{}, password.Policy{MinLength: 9}, true},
		"shorter":              {password.Policy{}, password.Policy{MinLength: 7}, false},
		"shorter, with digits": {password.Policy{}, password.Policy{MinLength: 6, RequireNumbers: true}, true},
		"upper case":           {password.Policy{}, password.Policy{RequireUppercase: true}, true},
		"lower case":           {password.Policy{}, password.Policy{RequireLowercase: true}, true},
		"symbols":              {password.Policy{}, password.Policy{RequireSymbols: true}, true},
		"no symbols any more":  {password.Policy{RequireSymbols: true}, password.Policy{}, false},
		"common ones no more":  {password.Policy{InsecureAllowCommon: true}, password.Policy{}, true},
		"names no more":        {password.Policy{InsecureAllowContext: true}, password.Policy{}, true},
		"common ones":          {password.Policy{}, password.Policy{InsecureAllowCommon: true}, false},
		"a history":            {password.Policy{}, password.Policy{History: 5, TemporaryValidity: 1}, false},
	} {
		if got := tt.is.Stricter(tt.was); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
