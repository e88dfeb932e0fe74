package user

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Comparable returns the value of an attribute in the form in which lists compare it: that of a
// standard claim without regard to letter case, in Unicode's normal form C; that of an attribute of
// one's own, which may be an identifier of any kind, byte for byte.
func Comparable(name, value string) string {
	if strings.HasPrefix(name, Custom) {
		return value
	}
	return norm.NFC.String(strings.ToLower(value))
}
