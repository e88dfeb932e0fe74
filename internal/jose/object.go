package jose

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrObject means that bytes are not a JSON object with each member once.
var ErrObject = errors.New("not a JSON object with each member once")

// Object returns the members of a JSON object by their exact names. It refuses an object in which,
// at any depth, a member stands twice, invalid UTF-8, and anything around the object: what two
// parsers read differently, one of them checks and the other believes. (encoding/json would take
// the last of two members, and "EXP" for "exp".)
func Object(b []byte) (map[string]json.RawMessage, error) {
	if len(b) == 0 || b[0] != '{' || b[len(b)-1] != '}' || !utf8.Valid(b) || !json.Valid(b) {
		return nil, ErrObject
	}
	members := map[string]json.RawMessage{}
	w := walker{b: b}
	if err := w.object(members); err != nil {
		return nil, err
	}
	return members, nil
}

// Text returns what a member of an object that [Object] has read says, if it is a string.
func Text(value json.RawMessage) (s string, ok bool) {
	if len(value) < 2 || value[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(value, '\\') < 0 { // most have no escapes, and say what stands there
		return string(value[1 : len(value)-1]), true
	}
	err := json.Unmarshal(value, &s)
	return s, err == nil
}

// walker finds its way through JSON that is known to be valid. Depth is bounded by json.Valid.
type walker struct {
	b []byte
	i int // of the next byte
}

// object walks over an object and puts its members into to.
func (w *walker) object(to map[string]json.RawMessage) error {
	w.i++ // {
	for {
		switch w.next() {
		case '}':
			w.i++
			return nil
		case ',':
			w.i++
			continue
		}
		name, err := w.name()
		if err != nil {
			return err
		}
		if _, twice := to[name]; twice {
			return fmt.Errorf("%w: %.40q stands twice", ErrObject, name)
		}
		w.next()
		w.i++ // :
		w.next()
		start := w.i
		if err := w.value(); err != nil {
			return err
		}
		to[name] = w.b[start:w.i]
	}
}

func (w *walker) value() error {
	switch w.b[w.i] {
	case '{':
		return w.object(map[string]json.RawMessage{})
	case '[':
		w.i++
		for {
			switch w.next() {
			case ']':
				w.i++
				return nil
			case ',':
				w.i++
			default:
				if err := w.value(); err != nil {
					return err
				}
			}
		}
	case '"':
		w.text()
	default: // number, true, false, null
		for w.i < len(w.b) && !ends(w.b[w.i]) {
			w.i++
		}
	}
	return nil
}

// name walks over the name of a member and returns it unescaped.
func (w *walker) name() (string, error) {
	start := w.i
	if plain := w.text(); plain {
		return string(w.b[start+1 : w.i-1]), nil
	}
	var s string
	if err := json.Unmarshal(w.b[start:w.i], &s); err != nil {
		return "", fmt.Errorf("%w: %w", ErrObject, err)
	}
	return s, nil
}

// text walks over a string, and tells whether it is without escapes.
func (w *walker) text() (plain bool) {
	plain = true
	for w.i++; w.b[w.i] != '"'; w.i++ {
		if w.b[w.i] == '\\' {
			plain = false
			w.i++
		}
	}
	w.i++
	return plain
}

// next skips blanks and returns the byte after them.
func (w *walker) next() byte {
	for blank(w.b[w.i]) {
		w.i++
	}
	return w.b[w.i]
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

func ends(c byte) bool { return c == ',' || c == '}' || c == ']' || blank(c) }
