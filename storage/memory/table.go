package memory

import "slices"

// table is a map of rows with the lists they stand in. A row is a pointer, or a packed user; it is
// never changed, only replaced, and its zero value is none.
type table[R comparable] struct {
	rows  map[key]R
	lists []listing[R]
}

// listing is a list and what decides where a row stands in it: nowhere, once or more often.
type listing[R comparable] struct {
	list   *list
	places func(row R, at func(place))
}

func newTable[R comparable]() table[R] { return table[R]{rows: make(map[key]R)} }

// list adds an ordered list to a table that is still empty. The rows' keys are filled in.
func (t *table[R]) list(places func(row R, at func(place))) *list {
	l := new(list)
	t.listIn(l, places)
	return l
}

// listIn is list for one that several tables share; their keys must not meet.
func (t *table[R]) listIn(l *list, places func(row R, at func(place))) {
	t.lists = append(t.lists, listing[R]{l, places})
}

// set puts a row where another may be.
func (t *table[R]) set(u *undo, k key, row R) {
	old := t.rows[k]
	if old == row {
		return
	}
	t.replace(k, old, row)
	u.add(func() { t.replace(k, row, old) })
}

// remove takes away the row under a key, if there is one.
func (t *table[R]) remove(u *undo, k key) {
	var none R
	t.set(u, k, none)
}

func (t *table[R]) replace(k key, old, row R) {
	var none R
	for _, l := range t.lists {
		if old != none {
			l.places(old, func(p place) { p.key = k; l.list.remove(p) })
		}
		if row != none {
			l.places(row, func(p place) { p.key = k; l.list.insert(p) })
		}
	}
	delete(t.rows, k) // the key too: it may be a part of the old row, and keep that in memory
	if row != none {
		t.rows[k] = row
	}
}

func (t *table[R]) size() int { return len(t.rows) }

// drain takes away at most n rows for good and returns how many.
func (t *table[R]) drain(n int) int {
	var none R
	done := 0
	for k, row := range t.rows {
		if done >= n {
			break
		}
		t.replace(k, row, none)
		done++
	}
	return done
}

// undo remembers how to take back what a commit has done so far. A nil one remembers nothing, for
// work that is never taken back.
type undo struct{ steps []func() }

func (u *undo) add(step func()) {
	if u != nil {
		u.steps = append(u.steps, step)
	}
}

func (u *undo) run() {
	for _, step := range slices.Backward(u.steps) {
		step()
	}
}

// assign sets a variable outside of the tables.
func assign[T any](u *undo, to *T, value T) {
	old := *to
	*to = value
	u.add(func() { *to = old })
}
