package user

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// text takes several lines: an address, a custom string.
func text(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// line takes one line. A name with a line break in it ends up in a mail's header some day.
func line(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029'
	})
}

func email(s string) bool { _, err := Email(s); return err == nil }

func phone(s string) bool { _, err := Phone(s); return err == nil }

// birthdate takes YYYY-MM-DD, with the year 0000 where it is not told, or a year alone (OpenID
// Connect Core 5.1).
func birthdate(s string) bool {
	layout := time.DateOnly
	if len(s) == len("2006") {
		layout = "2006"
	}
	_, err := time.Parse(layout, s)
	return err == nil && len(s) == len(layout)
}

var zoneName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,32}){0,2}$`)

// zone takes what looks like a name of the IANA time zone database. Which names there are depends on
// the machine, so whoever loads one must expect none.
func zone(s string) bool { return zoneName.MatchString(s) }

var localeName = regexp.MustCompile(`^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,6}$`)

// locale takes what looks like a language tag of BCP 47, or has underscores in it, as OpenID Connect
// allows.
func locale(s string) bool { return localeName.MatchString(s) }

// webURL takes an absolute http or https URL: pages put it into links, where a javascript: URL runs.
func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && line(s) && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// seconds takes a time in seconds since 1970.
func seconds(s string) bool { return number(s) && s[0] != '-' }

// number takes a whole number of 64 bits in its shortest spelling.
func number(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && strconv.FormatInt(n, 10) == s
}

var dateTimeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$`)

// dateTime takes RFC 3339 in capitals. The form comes first: time.Parse takes more than it says.
func dateTime(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil && dateTimeForm.MatchString(s)
}
