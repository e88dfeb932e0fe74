package mfa

import (
	"crypto/rand"
	"strings"
	"unicode"
)

// RecoveryCodes is how many recovery codes a user has at once.
const RecoveryCodes = 10

// recoveryLength makes 75 bits, in groups of five. NIST SP 800-63B-4 asks for 64 where a saved code
// recovers an account (4.2), and for six digits where it is a second factor (3.1.2).
const (
	recoveryLength = 15
	recoveryGroup  = 5
)

// recoveryRunes are Crockford's: none looks like another, in lower case.
const recoveryRunes = "0123456789abcdefghjkmnpqrstvwxyz"

// NewRecoveryCodes returns a set of random codes, each good once, in the form that people write down:
// "7h2kq-x9m4d-2vwz8". A new set takes the place of the one before.
func NewRecoveryCodes() []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		var random [recoveryLength]byte
		rand.Read(random[:]) // never fails: crypto/rand
		var code strings.Builder
		for j, r := range random {
			if j > 0 && j%recoveryGroup == 0 {
				code.WriteByte('-')
			}
			code.WriteByte(recoveryRunes[r%32])
		}
		codes[i] = code.String()
	}
	return codes
}

// RecoveryCode returns a typed recovery code as it is compared, and whether it can be one at all: case,
// blanks and dashes mean nothing, and what looks like a digit is one.
func RecoveryCode(typed string) (code string, ok bool) {
	if len(typed) > maxTyped {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToLower(typed) {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Dash, r):
		case r == 'o':
			b.WriteByte('0')
		case r == 'i' || r == 'l':
			b.WriteByte('1')
		case strings.ContainsRune(recoveryRunes, r):
			b.WriteRune(r)
		default:
			return "", false
		}
	}
	return b.String(), b.Len() == recoveryLength
}
