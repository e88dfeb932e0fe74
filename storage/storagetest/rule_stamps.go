package storagetest

import (
	"fmt"

	"github.com/userpool-go/userpool/storage"
)

var stampRules = []contract{
	{
		"Stamps/PutNew",
		"a record put at stamp 0 must not exist: the second is ErrStale and changes nothing",
		putNewTwice,
	},
	{
		"Stamps/Moved",
		"Put, Delete and Require of a record that has moved since it was read are ErrStale",
		movedIsStale,
	},
	{
		"Stamps/Gone",
		"Put, Delete and Require of a record that is gone are ErrStale",
		goneIsStale,
	},
	{
		"Stamps/Recreated",
		"a stamp is never used again: what was read before a delete is stale after the record " +
			"was made anew",
		recreatedIsStale,
	},
	{
		"Stamps/AllOrNothing",
		"a commit of which one change is refused writes nothing, and the error names that " +
			"change",
		allOrNothing,
	},
	{
		"Stamps/Once",
		"events and revocations are only ever new",
		writtenOnce,
	},
	{
		"Stamps/Require",
		"Require changes nothing and passes while the record stands still",
		requirePasses,
	},
	{
		"Stamps/Nothing",
		"a commit of nothing at all is a success",
		emptyCommit,
	},
}

// stamped returns a record of every kind that carries a stamp, to be put as new.
func stamped() []any {
	return []any{
		pool("stamped"), person(1, "ada"), attempt(2, "bob"), session(userID(1), 1), ticket("t", userID(1)),
		document("k", "d"), outgoing("o", userID(1)),
	}
}

// unguarded returns one record more of the kind and pool of r, to stand beside it in a commit.
func unguarded(r any, n int) any {
	if p, ok := r.(*storage.Pool); ok {
		d := document("beside", fmt.Sprint(n))
		d.Pool = p.ID
		return d
	}
	return document("beside", fmt.Sprint(n))
}

// refuses tries r in each of the given ways, between two good changes, and wants ErrStale for it
// and nothing written.
func (s *scene) refuses(why string, r any, ways ...storage.Change) {
	s.Helper()
	before := show(s.stored(r))
	for i, way := range ways {
		a, b := unguarded(r, 2*i), unguarded(r, 2*i+1)
		s.Logf("%T %s: %s", r, why, changeName(way))
		s.refused(storage.ErrStale, 1, putOf(a), way, putOf(b))
		s.gone("what stood beside a refused change", a)
		s.gone("what stood beside a refused change", b)
		if after := show(s.stored(r)); after != before {
			s.Errorf("%T %s: a refused commit changed it:\n got %s\nwant %s", r, why, after, before)
		}
	}
}

func ways(r any) []storage.Change {
	return []storage.Change{putOf(r), storage.DeleteRecord{Record: r}, storage.RequireRecord{Record: r}}
}

func putNewTwice(s *scene) {
	for _, r := range stamped() {
		s.put(r)
		s.refuses("put as new though it exists", r, putOf(r))
	}
}

func movedIsStale(s *scene) {
	for _, r := range stamped() {
		s.put(r)
		old := s.stored(r)
		s.put(old)
		if got, was := *stampOf(s.stored(r)), *stampOf(old); got == was {
			s.Errorf("%T: its stamp did not move with a Put", r)
		}
		s.refuses("read before it moved", old, ways(old)...)
		s.put(s.stored(r))
	}
}

func goneIsStale(s *scene) {
	for _, r := range stamped()[1:] { // a deleted pool stays: see poolRules
		s.put(r)
		old := s.stored(r)
		s.commit(storage.DeleteRecord{Record: old})
		s.gone("a deleted record", r)
		s.refuses("read before it was deleted", old, ways(old)...)
		s.put(r)
	}
}

func recreatedIsStale(s *scene) {
	for _, r := range stamped()[1:] {
		s.put(r)
		old := s.stored(r)
		s.commit(storage.DeleteRecord{Record: old})
		s.put(r)
		s.refuses("read before it was deleted and made anew", old, ways(old)...)
	}
}

func allOrNothing(s *scene) {
	s.put(document("k", "old"))
	old := s.stored(document("k", "old"))
	s.put(old)
	good := []any{
		person(1, "ada"), session(userID(1), 1), ticket("t", userID(1)),
		outgoing("o", userID(1)), event("e", noon), revocation("r"),
	}
	changes := []storage.Change{
		storage.Count{Key: counterKey("o", "n"), Rule: storage.Rule{Free: 5}, Now: noon},
		storage.Raise{Key: counterKey("o", "w"), N: 3},
	}
	for _, r := range good {
		changes = append(changes, putOf(r))
	}
	for i := range len(changes) + 1 {
		broken := make([]storage.Change, 0, len(changes)+1)
		broken = append(broken, changes[:i]...)
		broken = append(broken, storage.RequireRecord{Record: old})
		broken = append(broken, changes[i:]...)
		s.refused(storage.ErrStale, i, broken...)
		for _, r := range good {
			s.gone("part of a refused commit", r)
		}
		if n := s.counter("o", "n", noon).N + s.counter("o", "w", noon).N; n != 0 {
			s.Errorf("a refused commit moved a counter")
		}
	}
	s.commit(changes...)
}

func writtenOnce(s *scene) {
	for _, r := range []any{event("e", noon), revocation("r")} {
		s.put(r)
		before := show(s.stored(r))
		s.refused(storage.ErrStale, 0, putOf(clone(r)))
		if after := show(s.stored(r)); after != before {
			s.Errorf("a second Put of %T changed it", r)
		}
	}
}

func requirePasses(s *scene) {
	for _, r := range stamped() {
		s.put(r)
		got := s.stored(r)
		before := show(got)
		s.commit(storage.RequireRecord{Record: got}, putOf(unguarded(r, 1)))
		s.there("what a passed Require guarded", unguarded(r, 1))
		after := s.stored(r)
		if p, ok := after.(*storage.Pool); ok {
			p.Epoch = got.(*storage.Pool).Epoch // raised by the document beside it
		}
		if show(after) != before {
			s.Errorf("Require changed %T:\n got %s\nwant %s", r, show(after), before)
		}
		again := s.stored(r)
		s.commit(storage.DeleteRecord{Record: s.stored(unguarded(r, 1))}, storage.RequireRecord{Record: again})
	}
}

func emptyCommit(s *scene) {
	if err := s.st.Commit(s.ctx); err != nil {
		s.Errorf("a commit of nothing: %v", err)
	}
}
