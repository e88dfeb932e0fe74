package password

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// MinLength is how many code points a chosen password has at least, unless a [Policy] says otherwise
// (NIST SP 800-63B-4, 3.1.1.2).
const MinLength = 8

// MaxHistory is how many old passwords are ever compared with a new one.
const MaxHistory = 24

// DefaultTemporaryValidity is how long a temporary password may be used, as in Cognito.
const DefaultTemporaryValidity = 7 * 24 * time.Hour

// Policy says which passwords may be chosen. It is plain values, to be stored with a pool's
// settings.
//
// The zero Policy is what NIST SP 800-63B-4 asks for: 8 to 256 code points, none that everybody
// tries first, no rules of composition, which only make passwords alike. The fields are Cognito's.
// A policy binds passwords that are chosen from then on.
type Policy struct {
	// MinLength is 6 to 99 code points; 0 means 8. NIST asks for 15 where a password is all that
	// is asked for. At most it is always 256.
	MinLength int
	// Composition, off unless asked for. Letters and digits are those of ASCII.
	RequireUppercase, RequireLowercase, RequireNumbers, RequireSymbols bool
	// TemporaryValidity is how long a temporary password may be used, at most 365 days. 0 means 7
	// days.
	TemporaryValidity time.Duration
	// History is how many of a user's passwords, the present one included, may not be chosen again:
	// 0 to 24. Each costs a hash at every change, but for those refused by other rules.
	History int
	// InsecureAllowCommon lets users have the passwords that are tried first at every account.
	InsecureAllowCommon bool
	// InsecureAllowContext lets users have passwords that are made of their login or name.
	InsecureAllowContext bool
}

// Facts are what a password is judged by besides itself. Zero facts are none.
type Facts struct {
	// Words are what others know of the user: login, names, the name of the pool or service.
	Words []string
	// Blocked are the passwords that many have. Nil means [Common].
	Blocked *Blocklist
	// Used reports whether a password is one of the user's last [Policy.History], at best by
	// [Hasher.Used]. It is asked only where History is not 0 and no other rule is broken, since it
	// costs hashes. Nil means that there are none.
	Used func(Secret) (bool, error)
}

// Problems lists what is wrong with p, for the settings that hold it. Nil means nothing.
func (p Policy) Problems() []string {
	var ps []string
	if p.MinLength != 0 && (p.MinLength < 6 || p.MinLength > 99) {
		ps = append(ps, fmt.Sprintf("password: the minimum length %d is not 6 to 99", p.MinLength))
	}
	if p.History < 0 || p.History > MaxHistory {
		ps = append(ps, fmt.Sprintf("password: the history %d is not 0 to %d", p.History, MaxHistory))
	}
	if p.TemporaryValidity < 0 || p.TemporaryValidity > 365*24*time.Hour {
		ps = append(ps, fmt.Sprintf("password: the validity of temporary passwords %v is not 0 to 365 days", p.TemporaryValidity))
	}
	return ps
}

// Expires returns when a temporary password that was set then can no longer be used.
func (p Policy) Expires(set time.Time) time.Time {
	if p.TemporaryValidity <= 0 {
		return set.Add(DefaultTemporaryValidity)
	}
	return set.Add(p.TemporaryValidity)
}

// Check judges a password that someone wants to have, valid UTF-8 without NUL besides what p says.
// The error is a *[PolicyError] with all rules that are broken, or whatever [Facts.Used] failed
// with. A policy that has [Policy.Problems] is judged by its nearest bounds.
func (p Policy) Check(s Secret, f Facts) error {
	typed, shortest := s.Reveal(), p.shortest()
	if len(typed) > MaxLength*utf8.UTFMax { // too long, and not worth reading
		return &PolicyError{[]Violation{{RuleLength, shortest, MaxLength}}}
	}
	// Short is judged in the form that is hashed, where a letter with its accent is one code point.
	nfc := norm.NFC.String(typed)
	var broken []Violation
	if utf8.RuneCountInString(nfc) < shortest || utf8.RuneCountInString(typed) > MaxLength {
		broken = append(broken, Violation{RuleLength, shortest, MaxLength})
	}
	if !utf8.ValidString(typed) || strings.ContainsRune(typed, 0) {
		broken = append(broken, Violation{Rule: RuleText})
	}
	broken = append(broken, p.composition(nfc)...)
	if !p.InsecureAllowCommon && f.blocked().guessed(nfc, shortest) {
		broken = append(broken, Violation{Rule: RuleCommon})
	}
	if !p.InsecureAllowContext && guessedFrom(f.Words, nfc, shortest) {
		broken = append(broken, Violation{Rule: RuleContext})
	}
	if broken == nil && p.History > 0 && f.Used != nil {
		used, err := f.Used(s)
		if err != nil {
			return fmt.Errorf("compare with old passwords: %w", err)
		}
		if used {
			broken = append(broken, Violation{Rule: RuleHistory, Max: min(p.History, MaxHistory)})
		}
	}
	if broken != nil {
		return &PolicyError{broken}
	}
	return nil
}

// Stricter reports whether p may refuse, by what it is made of, a password that another policy, was, lets pass.
// History and breaches are no part of that.
func (p Policy) Stricter(was Policy) bool {
	begins := func(before, after bool) bool { return after && !before }
	return p.shortest() > was.shortest() ||
		begins(was.RequireUppercase, p.RequireUppercase) || begins(was.RequireLowercase, p.RequireLowercase) ||
		begins(was.RequireNumbers, p.RequireNumbers) || begins(was.RequireSymbols, p.RequireSymbols) ||
		begins(!was.InsecureAllowCommon, !p.InsecureAllowCommon) ||
		begins(!was.InsecureAllowContext, !p.InsecureAllowContext)
}

// shortest returns how many code points p asks for.
func (p Policy) shortest() int {
	if p.MinLength == 0 {
		return MinLength
	}
	return min(max(p.MinLength, 6), 99)
}

// symbols are those of Cognito's password policy. A space counts where it is neither first nor last.
const symbols = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+="

// composition returns which classes of characters p asks for and s lacks.
func (p Policy) composition(s string) (broken []Violation) {
	has := func(lo, hi rune) bool {
		return strings.ContainsFunc(s, func(r rune) bool { return lo <= r && r <= hi })
	}
	symbol := strings.ContainsAny(s, symbols) || strings.Contains(strings.Trim(s, " "), " ")
	for _, c := range []struct {
		asked, kept bool
		rule        Rule
	}{
		{p.RequireUppercase, has('A', 'Z'), RuleUppercase},
		{p.RequireLowercase, has('a', 'z'), RuleLowercase},
		{p.RequireNumbers, has('0', '9'), RuleNumbers},
		{p.RequireSymbols, symbol, RuleSymbols},
	} {
		if c.asked && !c.kept {
			broken = append(broken, Violation{Rule: c.rule})
		}
	}
	return broken
}

func (f Facts) blocked() *Blocklist {
	if f.Blocked == nil {
		return Common()
	}
	return f.Blocked
}
