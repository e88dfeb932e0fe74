package pool

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a pool's tags: Cognito's.
const (
	maxTags     = 50
	maxTagKey   = 128 // characters
	maxTagValue = 256 // characters
)

// tagProblems returns what is wrong with the tags.
func (s Settings) tagProblems() (ps []string) {
	if len(s.Tags) > maxTags {
		ps = append(ps, fmt.Sprintf("tags: there are %d, at most %d", len(s.Tags), maxTags))
	}
	for key, value := range s.Tags {
		if key == "" || !line(key, maxTagKey) || !line(value, maxTagValue) {
			ps = append(ps, fmt.Sprintf("tags: %.40q: a key is 1 to %d characters and a value at most %d, "+
				"of UTF-8 without control characters", key, maxTagKey, maxTagValue))
		}
	}
	return ps
}

// line reports whether s is one line of at most n characters.
func line(s string, n int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= n && !strings.ContainsFunc(s, unicode.IsControl)
}
