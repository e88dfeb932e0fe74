package user

import (
	"errors"
	"net/mail"
	"strings"
)

// ErrEmail means that a text is no email address that this package takes.
var ErrEmail = errors.New("user: not an email address")

// EmailRule is the version of the rule by which [Email] makes canonical forms. Another rule is a
// planned migration, never a side effect (security.md S20).
const EmailRule = 1

// Email returns the login of an email address: compared without regard to ASCII case, shown as
// typed. It takes the plain form of RFC 5321 with a dotted ASCII domain, at most 254 bytes, and
// refuses what mail parsers read differently (quotes, comments, several @, address literals),
// because a login that two parsers read as two addresses is two people's (peers.md class 59). Plus
// tags and dots are kept.
func Email(typed string) (Login, error) {
	local, domain, ok := strings.Cut(typed, "@")
	if !ok || len(typed) > 254 || len(local) > 64 || !dotAtom(local) || !hostname(domain) {
		return Login{}, ErrEmail
	}
	parsed, err := mail.ParseAddress(typed)
	if err != nil || parsed.Name != "" || parsed.Address != typed {
		return Login{}, ErrEmail
	}
	return Login{Namespace: Name, Value: strings.ToLower(typed), Display: typed, Rule: EmailRule}, nil
}

// dotAtom reports whether s is a dot-atom of RFC 5322 in ASCII.
func dotAtom(s string) bool {
	for atom := range strings.SplitSeq(s, ".") {
		if atom == "" {
			return false
		}
		for _, c := range []byte(atom) {
			if !alphanumeric(c) && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", rune(c)) {
				return false
			}
		}
	}
	return true
}

// hostname reports whether s is a name of at least two labels (RFC 1123), the last not all digits.
func hostname(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for _, c := range []byte(l) {
			if !alphanumeric(c) && c != '-' {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return len(labels) > 1 && strings.Trim(last, "0123456789") != ""
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
