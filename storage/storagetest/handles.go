package storagetest

import "github.com/userpool-go/userpool/storage"

// seenByOthers writes on one of two handles, in turn, and reads on the other.
func seenByOthers(s *scene) {
	one, two := s.st, s.open()
	start := s.follow("").Next
	for _, r := range append(stamped(), event("e", noon), revocation("r")) {
		s.st = one
		s.put(r)
		want := s.stored(r)
		s.st = two
		s.same("what the other handle put", s.stored(r), want)
		if stampOf(r) == nil {
			continue
		}
		s.put(s.stored(r))
		s.st = one
		s.refused(storage.ErrStale, 0, putOf(want))
	}
	s.commit(storage.Raise{Key: counterKey("o", "n"), N: 3})
	s.put(document("k", "last"))
	s.st = two
	if got := s.counter("o", "n", noon).N; got != 3 {
		s.Errorf("the other handle's watermark reads %d, want 3", got)
	}
	f := s.follow(start) // a cursor that the other handle gave
	if got, want := latest(f, home).Epoch, s.read(storage.Want{}).PoolEpoch; got != want ||
		len(f.Revocations) == 0 {
		s.Errorf("the feed tells epoch %d and %d revocations, want %d and 1", got, len(f.Revocations), want)
	}
	s.owns("ada", userID(1))
	if err := one.Close(); err != nil {
		s.Errorf("close one handle: %v", err)
	}
	s.put(document("k", "after"))
	s.there("what was put after the other handle was closed", document("k", "after"))
}
