package storagetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/storage"
)

// settled tells, as a caller must after ErrUnknown, whether a change was applied: by the stamp that
// is stored. A stamp is never used again, so that neither a later write nor a record made anew is
// taken for ours.
func settled(ctx context.Context, st storage.Store, change storage.Change) (applied bool, err error) {
	switch c := change.(type) {
	case storage.PutRecord:
		now, err := stored(ctx, st, c.Record)
		return now != nil && *stampOf(now) == c.Stamp, err
	case storage.DeleteRecord:
		now, err := stored(ctx, st, c.Record)
		return now == nil || *stampOf(now) != *stampOf(c.Record), err
	}
	return false, fmt.Errorf("%T leaves no stamp", change)
}

// lostAnswers settles a lost Put of a new record, Put of a stored one and Delete, each applied and
// not, and sends again what was not.
func lostAnswers(s *scene) {
	for _, r := range stamped()[1:] {
		for _, applies := range []bool{false, true} {
			s.Logf("%T, applied: %t", r, applies)
			s.lose(applies, putOf(r))
			s.lose(applies, putOf(s.stored(r)))
			s.lose(applies, storage.DeleteRecord{Record: s.stored(r)})
			s.gone("a record whose delete was settled", r)
		}
		s.put(r) // the next ones need the user
	}
}

func (s *scene) lose(applies bool, change storage.Change) {
	s.Helper()
	deaf := Faulty{Store: s.st}
	deaf.Set(At("", 1, Fault{Err: storage.ErrUnknown, Done: applies}))
	err := deaf.Commit(s.ctx, change)
	if !errors.Is(err, storage.ErrUnknown) {
		s.Fatalf("%s: got %v, want ErrUnknown", changeName(change), err)
	}
	got, err := settled(s.ctx, s.st, change)
	if err != nil || got != applies {
		s.Errorf("%s: the stamp says applied %t, %v; it was %t", changeName(change), got, err, applies)
	}
	if applies {
		s.refused(storage.ErrStale, 0, change) // sent again it does nothing
		return
	}
	s.commit(change)
	if got, err := settled(s.ctx, s.st, change); err != nil || !got {
		s.Errorf("%s sent again: the stamp says applied %t, %v", changeName(change), got, err)
	}
}

var lostRules = []contract{
	{
		"Lost",
		"after ErrUnknown the stored stamp tells whether the commit was applied, and to send " +
			"it again is safe",
		lostAnswers,
	},
}
