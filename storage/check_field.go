package storage

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// fields goes over the fields of a change: it adds up their bytes and keeps the first fault.
type fields struct {
	size int
	err  error
}

// keys takes texts by which something is found; stores hold those in indexes.
func (f *fields) keys(keys ...string) {
	for _, k := range keys {
		if len(k) > maxKey {
			f.refuse(fmt.Errorf("a key of %d bytes, at most %d", len(k), maxKey))
		}
	}
	f.texts(keys...)
}

// texts takes texts. Where they are not UTF-8 or have a NUL, databases and encodings replace, cut or
// refuse each in a way of its own: a page would then end at a key that the store does not have, for
// ever.
func (f *fields) texts(texts ...string) {
	for _, t := range texts {
		if !utf8.ValidString(t) || strings.IndexByte(t, 0) >= 0 {
			f.refuse(fmt.Errorf("a text is not UTF-8 without NUL"))
		}
		f.size += len(t)
	}
}

// bytes takes values that may be anything.
func (f *fields) bytes(values ...[]byte) {
	for _, v := range values {
		f.size += len(v)
	}
}

// times takes times, zero ones too. Beyond years of four digits a count of microseconds overflows
// sooner or later, and what was to end never would ends at once.
func (f *fields) times(times ...time.Time) {
	for _, t := range times {
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			f.refuse(fmt.Errorf("a time in the year %d, not 1 to 9999", year))
		}
	}
}

// want refuses where a rule about the record does not hold.
func (f *fields) want(ok bool) {
	if !ok {
		f.refuse(fmt.Errorf("a field is missing or too large"))
	}
}

func (f *fields) refuse(err error) {
	if f.err == nil {
		f.err = err
	}
}
