package memory

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
)

// key names a row within a table: a session by user and id, a document by kind and id, a counter by
// owner and name, the others by id alone.
type key struct{ owner, id string }

// place is where a row stands in a list: by name, value and time, as far as the list needs them,
// then by the row's key, so that no two places are the same.
type place struct {
	name, value string
	at          int64 // microseconds
	key         key
}

// start is before every place of the name and value.
func start(name, value string) place { return place{name: name, value: value, at: math.MinInt64} }

func (p place) compare(q place) int {
	if c := strings.Compare(p.name, q.name); c != 0 {
		return c
	}
	if c := strings.Compare(p.value, q.value); c != 0 {
		return c
	}
	if c := cmp.Compare(p.at, q.at); c != 0 {
		return c
	}
	if c := strings.Compare(p.key.owner, q.key.owner); c != 0 {
		return c
	}
	return strings.Compare(p.key.id, q.key.id)
}

// list is an ordered set of places, cut into chunks: whatever its length, finding is a binary
// search and inserting moves one chunk.
type list struct{ chunks [][]place }

const maxChunk = 256

// find returns where p stands, or would.
func (l *list) find(p place) (chunk, at int, found bool) {
	first := func(c []place, p place) int { return c[0].compare(p) }
	chunk, found = slices.BinarySearchFunc(l.chunks, p, first)
	if found || chunk == 0 {
		return chunk, 0, found
	}
	chunk--
	at, found = slices.BinarySearchFunc(l.chunks[chunk], p, place.compare)
	return chunk, at, found
}

func (l *list) insert(p place) {
	c, at, found := l.find(p)
	switch {
	case found:
		return
	case len(l.chunks) == 0:
		l.chunks = [][]place{{p}}
		return
	}
	chunk := slices.Insert(l.chunks[c], at, p)
	l.chunks[c] = chunk
	if half := len(chunk) / 2; len(chunk) > maxChunk {
		l.chunks[c] = slices.Clone(chunk[:half])
		l.chunks = slices.Insert(l.chunks, c+1, slices.Clone(chunk[half:]))
	}
}

func (l *list) remove(p place) {
	c, at, found := l.find(p)
	if !found {
		return
	}
	chunk := slices.Delete(l.chunks[c], at, at+1)
	l.chunks[c] = chunk
	if len(chunk) == 0 {
		l.chunks = slices.Delete(l.chunks, c, c+1)
		return
	}
	// A thin chunk joins its neighbour, or a list that shrank would keep the room it once had.
	if c+1 < len(l.chunks) && len(chunk)+len(l.chunks[c+1]) <= maxChunk/2 {
		l.chunks[c] = append(slices.Clone(chunk), l.chunks[c+1]...)
		l.chunks = slices.Delete(l.chunks, c+1, c+2)
	}
}

// from iterates over p and what comes after it. The list must not change meanwhile.
func (l *list) from(p place) iter.Seq[place] {
	return func(yield func(place) bool) {
		c, at, _ := l.find(p)
		for ; c < len(l.chunks); c, at = c+1, 0 {
			for _, q := range l.chunks[c][at:] {
				if !yield(q) {
					return
				}
			}
		}
	}
}

// back iterates over p and what comes before it, backwards. The list must not change meanwhile.
func (l *list) back(p place) iter.Seq[place] {
	return func(yield func(place) bool) {
		c, at, found := l.find(p)
		if found {
			at++
		}
		for c = min(c, len(l.chunks)-1); c >= 0; c-- {
			for _, q := range slices.Backward(l.chunks[c][:at]) {
				if !yield(q) {
					return
				}
			}
			if c > 0 {
				at = len(l.chunks[c-1])
			}
		}
	}
}

// of returns the keys of all that stand under a name and value, in order.
func (l *list) of(name, value string) []key {
	var keys []key
	for p := range l.from(start(name, value)) {
		if p.name != name || p.value != value {
			break
		}
		keys = append(keys, p.key)
	}
	return keys
}

// until returns the keys of the first n places, in a list ordered by time alone, that are not after
// at.
func (l *list) until(at int64, n int) []key {
	var keys []key
	for p := range l.from(start("", "")) {
		if p.at > at || len(keys) >= n {
			break
		}
		keys = append(keys, p.key)
	}
	return keys
}
