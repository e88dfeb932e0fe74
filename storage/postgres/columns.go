package postgres

import (
	"strings"
	"time"
	"unicode/utf8"
)

// micros returns a time as it is stored: microseconds since 1970, what is below cut off, or NULL
// for the zero time.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// when reads what micros wrote.
func when(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMicro(*n).UTC()
}

// nobodys is a key that no record has: it is longer than any ([storage.Check]).
var nobodys = strings.Repeat("\ufffd", 200)

// key returns a text to look for. One with a NUL is nobody's: PostgreSQL refuses to look for it, so
// another that is nobody's stands in.
func key[T ~string](text T) string {
	if strings.IndexByte(string(text), 0) >= 0 || !utf8.ValidString(string(text)) {
		return nobodys
	}
	return string(text)
}
