package mfa

import (
	"crypto/rand"
	"strings"
)

// RecoveryCodes is how many recovery codes a user has at once.
const RecoveryCodes = 10

// recoveryLength makes 50 bits. They are stored under a key and guesses at them are counted (NIST SP
// 800-63B-4, 3.1.2, asks for six digits then).
const recoveryLength = 10

// recoveryRunes are Crockford's: none looks like another, in lower case.
const recoveryRunes = "0123456789abcdefghjkmnpqrstvwxyz"

// NewRecoveryCodes returns a set of random codes, each good once, in the form that people write down:
// "7h2kq-x9m4d". A new set takes the place of the one before.
func NewRecoveryCodes() []string {
	codes := make([]string, RecoveryCodes)
	for i := range codes {
		var r [recoveryLength]byte
		rand.Read(r[:]) // never fails: crypto/rand
		for j := range r {
			r[j] = recoveryRunes[r[j]%32]
		}
		codes[i] = string(r[:recoveryLength/2]) + "-" + string(r[recoveryLength/2:])
	}
	return codes
}

// RecoveryCode returns a typed recovery code as it is compared, and whether it can be one at all: case,
// blanks and hyphens mean nothing, and what looks like a digit is one.
func RecoveryCode(typed string) (code string, ok bool) {
	if len(typed) > 64 {
		return "", false
	}
	var b strings.Builder
	for _, r := range strings.ToLower(typed) {
		switch {
		case r == '-' || r == ' ' || r == '\u00a0' || r == '\u2010' || r == '\u2013':
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
