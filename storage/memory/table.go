package memory

import "slices"

// table is a map of rows with the lists they stand in. A row is never changed, only replaced.
type table[R any] struct {
	rows  map[key]*R
	lists []listing[R]
}

// listing is a list and what decides where a row stands in it: nowhere, once or more often.
type listing[R any] struct {
	list   *list
	places func(row *R, at func(place))
}

func newTable[R any]() table[R] { return table[R]{rows: make(map[key]*R)} }

// list adds an ordered list to a table that is still empty. The rows' keys are filled in.
func (t *table[R]) list(places func(row *R, at func(place))) *list {
	l := new(list)
	t.listIn(l, places)
	return l
}

// listIn is list for one that several tables share; their keys must not meet.
func (t *table[R]) listIn(l *list, places func(row *R, at func(place))) {
	t.lists = append(t.lists, listing[R]{l, places})
}

// set puts a row where another may be, or takes it away where row is nil.
func (t *table[R]) set(u *undo, k key, row *R) {
	old := t.rows[k]
	if old == nil && row == nil {
		return
	}
	t.replace(k, old, row)
	u.add(func() { t.replace(k, row, old) })
}

func (t *table[R]) replace(k key, old, row *R) {
	for _, l := range t.lists {
		if old != nil {
			l.places(old, func(p place) { p.key = k; l.list.remove(p) })
		}
		if row != nil {
			l.places(row, func(p place) { p.key = k; l.list.insert(p) })
		}
	}
	if row == nil {
		delete(t.rows, k)
		return
	}
	t.rows[k] = row
}

func (t *table[R]) size() int { return len(t.rows) }

// drain takes away at most n rows for good and returns how many.
func (t *table[R]) drain(n int) int {
	done := 0
	for k, row := range t.rows {
		if done >= n {
			break
		}
		t.replace(k, row, nil)
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
