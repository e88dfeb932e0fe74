package password

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxWords bounds how many words are looked for, and maxWord how much of each is read.
const (
	maxWords = 64
	maxWord  = 256 // bytes
)

// guessedFrom reports whether nfc is little more than what others know of its owner: what is left of
// it without those words has fewer than so many characters, and at least one of the words was there.
// So "ada.lovelace1815" falls, and a sentence that mentions her name stands.
func guessedFrom(known []string, nfc string, shortest int) bool {
	rest := strings.Map(unleet, fold(nfc))
	found := false
	for _, w := range words(known) {
		if strings.Contains(rest, w) {
			rest, found = strings.ReplaceAll(rest, w, ""), true
		}
	}
	return found && utf8.RuneCountInString(rest) < shortest
}

// words returns the words to look for, the longest first so that none is broken up by a shorter one:
// each fact whole, and its parts between whatever is neither letter nor digit.
func words(known []string) []string {
	var all []string
	add := func(w string) {
		if w = strings.Map(unleet, w); utf8.RuneCountInString(w) >= minWord {
			all = append(all, w)
		}
	}
	for _, k := range known {
		k = fold(strings.ToValidUTF8(k[:min(len(k), maxWord)], ""))
		add(k)
		for part := range strings.FieldsFuncSeq(k, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			add(part)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	all = slices.Compact(all)
	return all[:min(len(all), maxWords)]
}

// unleet maps the digits and symbols that stand for letters to these. Letters that share a sign are
// one.
func unleet(r rune) rune {
	switch r {
	case '0':
		return 'o'
	case '1', '!', '|', 'l':
		return 'i'
	case '3', '€':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$', 'z', '2':
		return 's'
	case '6', '9':
		return 'g'
	case '7', '+':
		return 't'
	case '8':
		return 'b'
	}
	return r
}
