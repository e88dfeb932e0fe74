package password

import (
	_ "embed" // the list of common passwords
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// common holds the passwords of common.txt: lower case, sorted by bytes, one a line. They are the
// passwords of at least four characters among the 20,000 most common ones that Royce Williams
// gathered, as Django ships them (BSD-3-Clause, see NOTICE; Debian package python3-django
// 3:3.2.25-0+deb12u2, django/contrib/auth/common-passwords.txt.gz).
//
//go:embed common.txt
var common string

// minWord is how many characters a word must have to make passwords guessable. Shorter ones are
// found in too many by chance.
const minWord = 4

// Blocklist is a set of passwords that nobody may choose, compared without regard to case and to
// width and compatibility forms (NFKC). It does not change and is safe for concurrent use. The zero
// Blocklist is empty.
type Blocklist struct {
	lines string // folded, sorted by bytes, each with a line feed behind it
}

// Common returns the list of about 19,000 passwords that is built in. It costs no memory beyond the
// program's own, and nothing to start with.
func Common() *Blocklist { return &Blocklist{common} }

// NewBlocklist returns the list of the given passwords. Those with a line break in them are left
// out.
func NewBlocklist(passwords ...string) *Blocklist {
	folded := make([]string, 0, len(passwords))
	for _, p := range passwords {
		if p = fold(p); p != "" && !strings.Contains(p, "\n") {
			folded = append(folded, p+"\n")
		}
	}
	slices.Sort(folded)
	return &Blocklist{strings.Join(slices.Compact(folded), "")}
}

// Contains reports whether s is on the list.
func (b *Blocklist) Contains(s Secret) bool { return b.contains(fold(s.Reveal())) }

// contains searches the lines by halves. From lo to hi there are always whole lines.
func (b *Blocklist) contains(folded string) bool {
	lo, hi := 0, len(b.lines)
	for lo < hi {
		middle := lo + (hi-lo)/2
		start := lo + strings.LastIndexByte(b.lines[lo:middle], '\n') + 1
		line, _, _ := strings.Cut(b.lines[start:hi], "\n")
		switch strings.Compare(line, folded) {
		case 0:
			return folded != ""
		case -1:
			lo = start + len(line) + 1
		default:
			hi = start
		}
	}
	return false
}

// guessed reports whether nfc is on the list, or is one of it with fewer than so many characters
// around it that are no letters: "Summer2024!" is "summer" to whoever guesses.
func (b *Blocklist) guessed(nfc string, shortest int) bool {
	folded := fold(nfc)
	if b.contains(folded) {
		return true
	}
	word := strings.TrimFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) })
	around := utf8.RuneCountInString(folded) - utf8.RuneCountInString(word)
	return utf8.RuneCountInString(word) >= minWord && around < shortest && b.contains(word)
}

// fold returns s in the form in which passwords and words are compared: NFKC without regard to case.
func fold(s string) string {
	return norm.NFKC.String(strings.ToLower(strings.ToUpper(norm.NFKC.String(s))))
}
