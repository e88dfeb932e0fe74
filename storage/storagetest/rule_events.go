package storagetest

import (
	"fmt"
	"strings"

	"github.com/userpool-go/userpool/storage"
)

var eventRules = []contract{
	{
		"Events/Order",
		"events come oldest first by (Time, ID), all of them, one user's, those unsealed or " +
			"those of a seal",
		eventOrder,
	},
	{
		"Events/Newest",
		"events of a user come newest first too, which is asked for of nothing else",
		newestEvents,
	},
	{
		"Events/Seal",
		"Seal stores its record and writes its number into the events",
		sealEvents,
	},
	{
		"Events/SealGuards",
		"a seal follows the newest one, and every event exists and is in none: otherwise " +
			"ErrStale and nothing is sealed",
		sealGuards,
	},
	{
		"Events/Trim",
		"Trim erases at most n events of the oldest seals, up to a number and never the newest, and " +
			"the seals that hold none any more",
		trimEvents,
	},
	{
		"Events/Query",
		"at most one of User, Unsealed and Seal may be asked for",
		eventQuery,
	},
}

// events returns the ids of one page of events, joined, and its seal.
func (s *scene) events(q storage.EventQuery) (string, *storage.SealRecord) {
	s.Helper()
	page, err := s.st.Events(s.ctx, home, q)
	if err != nil {
		s.Fatalf("events: %v", err)
	}
	var ids []string
	for _, e := range page.Events {
		ids = append(ids, e.ID)
	}
	return strings.Join(ids, " "), page.Seal
}

func (s *scene) wantEvents(what string, q storage.EventQuery, want string) {
	s.Helper()
	if got, _ := s.events(q); got != want {
		s.Errorf("events %s: %q, want %q", what, got, want)
	}
}

// sealOf returns a seal of the given number over events.
func sealOf(number int64, events ...string) storage.Seal {
	r := storage.SealRecord{
		Number: number, Digest: binary(), Count: len(events), MAC: []byte(fmt.Sprint("mac", number)),
		Time: at(int(number)),
	}
	if number > 1 {
		r.Previous = binary()
	}
	return storage.Seal{Pool: home, Record: r, Events: events}
}

func eventOrder(s *scene) {
	of := func(n int, e *storage.Event) *storage.Event { e.User = userID(n); return e }
	s.put(of(1, event("c", at(1))), of(2, event("b", at(2))), of(1, event("a", at(3))),
		event("d", at(2)), of(1, event("e", at(2))))
	s.wantEvents("of all", storage.EventQuery{}, "c b d e a")
	s.wantEvents("of a user", storage.EventQuery{User: userID(1)}, "c e a")
	s.wantEvents("of nobody known", storage.EventQuery{User: userID(9)}, "")
	s.commit(sealOf(1, "a", "c", "b"))
	s.wantEvents("unsealed", storage.EventQuery{Unsealed: true}, "d e")
	s.wantEvents("in the seal", storage.EventQuery{Seal: 1}, "c b a")
	s.wantEvents("of all", storage.EventQuery{}, "c b d e a")
}

func newestEvents(s *scene) {
	of := func(n int, e *storage.Event) *storage.Event { e.User = userID(n); return e }
	s.put(of(1, event("c", at(1))), of(2, event("b", at(2))), of(1, event("a", at(3))), event("d", at(2)),
		of(1, event("e", at(2))), of(1, event("f", at(2))))
	s.wantEvents("of a user, newest first", storage.EventQuery{User: userID(1), Newest: true}, "a f e c")
	s.wantEvents("of nobody known, newest first", storage.EventQuery{User: userID(9), Newest: true}, "")
	old, err := s.st.Events(s.ctx, home, storage.EventQuery{User: userID(1), Limit: 1})
	if err != nil {
		s.Fatalf("events: %v", err)
	}
	for _, q := range []storage.EventQuery{
		{Newest: true},
		{Newest: true, Unsealed: true},
		{Newest: true, Seal: 1},
	} {
		_, err := s.st.Events(s.ctx, home, q)
		s.is("newest first of what is not one user's", err, storage.ErrInvalid)
	}
	first, err := s.st.Events(s.ctx, home, storage.EventQuery{User: userID(1), Newest: true, Limit: 3})
	if err != nil || first.Next == "" || old.Next == "" {
		s.Fatalf("events: next %q, %v", first.Next, err)
	}
	s.put(of(1, event("g", at(4))), of(1, event("ee", at(2))))
	s.wantEvents("after a page", storage.EventQuery{User: userID(1), Newest: true, After: first.Next}, "c")
}

func sealEvents(s *scene) {
	if _, newest := s.events(storage.EventQuery{Unsealed: true}); newest != nil {
		s.Errorf("the newest seal of a pool without one is %s", show(newest))
	}
	s.put(event("a", at(1)), event("b", at(2)), event("c", at(3)))
	first, second := sealOf(1, "a", "b"), sealOf(2, "c")
	s.commit(first)
	_, newest := s.events(storage.EventQuery{Unsealed: true})
	s.same("the newest seal", newest, &first.Record)
	s.commit(second)
	_, newest = s.events(storage.EventQuery{Unsealed: true, Limit: 1})
	s.same("the newest seal", newest, &second.Record)
	_, asked := s.events(storage.EventQuery{Seal: 1})
	s.same("the seal asked for", asked, &first.Record)
	if _, none := s.events(storage.EventQuery{Seal: 3}); none != nil {
		s.Errorf("a seal that is not there reads as %s", show(none))
	}
	strange := "a\x01\"\\\u2028" + odd // beside "a", which is sealed already
	s.put(event(strange, at(4)))
	s.commit(sealOf(3, strange))
	for id, want := range map[string]int64{"a": 1, "b": 1, "c": 2, strange: 3} {
		if got := s.stored(event(id, noon)).(*storage.Event).Seal; got != want {
			s.Errorf("event %s says it is in seal %d, want %d", id, got, want)
		}
	}
}

func sealGuards(s *scene) {
	s.put(event("a", at(1)), event("b", at(2)), event("c", at(3)))
	refused := func(why string, change storage.Seal, left string) {
		s.Helper()
		s.refused(storage.ErrStale, 1, putOf(document("k", why)), change)
		s.gone("what stood beside a seal refused for "+why, document("k", why))
		s.wantEvents("unsealed after a seal refused for "+why, storage.EventQuery{Unsealed: true}, left)
	}
	refused("a number beyond the first", sealOf(2, "a"), "a b c")
	refused("an event that does not exist", sealOf(1, "a", "x"), "a b c")
	s.commit(sealOf(1, "a"))
	refused("a number taken", sealOf(1, "b"), "b c")
	refused("a gap", sealOf(3, "b"), "b c")
	refused("an event in another seal", sealOf(2, "b", "a"), "b c")
	s.commit(sealOf(2, "c", "b"))
	refused("nothing left", sealOf(3, "b"), "")
	s.put(pool("other"))
	e := event("a", noon)
	e.Pool = "other"
	s.put(e)
	theirs := sealOf(1, "a")
	theirs.Pool = "other"
	s.commit(theirs)
	if _, asked := s.events(storage.EventQuery{Seal: 2}); asked == nil || asked.Count != 2 {
		s.Errorf("seal 2 reads as %s after another pool was sealed", show(asked))
	}
}

func trimEvents(s *scene) {
	trim := func(seal int64, n int, left bool) {
		s.Helper()
		got, err := s.st.Trim(s.ctx, home, seal, n)
		if err != nil || got != left {
			s.Errorf("Trim to seal %d by %d: %t, %v, want %t", seal, n, got, err, left)
		}
	}
	trim(1, 10, false)
	s.put(event("a", at(9)), event("b", at(2)), event("c", at(3)), event("d", at(1)), event("e", at(5)), event("open", at(0)))
	trim(1, 10, false)
	s.commit(sealOf(1, "a", "b"))
	trim(1, 10, false)
	s.wantEvents("after the only seal was trimmed", storage.EventQuery{Seal: 1}, "b a")
	s.commit(sealOf(2, "c", "d"))
	s.commit(sealOf(3, "e"))
	s.put(pool("other"))
	theirs := event("a", noon)
	theirs.Pool = "other"
	s.put(theirs)
	first, second := sealOf(1, "a"), sealOf(2, "b")
	first.Pool, second.Pool = "other", "other"
	s.commit(first)
	theirs = event("b", noon)
	theirs.Pool = "other"
	s.put(theirs)
	s.commit(second)

	trim(0, 10, false)
	trim(-1, 10, false)
	s.wantEvents("after nothing was trimmed", storage.EventQuery{}, "open d b c e a")
	trim(1, 1, true)
	s.wantEvents("of a seal trimmed in part", storage.EventQuery{Seal: 1}, "a")
	if _, r := s.events(storage.EventQuery{Seal: 1}); r == nil {
		s.Errorf("a seal went before its last event")
	}
	trim(2, 2, true)
	s.wantEvents("after two more", storage.EventQuery{}, "open c e")
	if _, r := s.events(storage.EventQuery{Seal: 1}); r != nil {
		s.Errorf("a seal without events is still there: %s", show(r))
	}
	trim(9, 10, false)
	s.wantEvents("of the newest seal", storage.EventQuery{}, "open e")
	if _, r := s.events(storage.EventQuery{Seal: 2}); r != nil {
		s.Errorf("a trimmed seal is still there: %s", show(r))
	}
	s.commit(sealOf(4, "open"))
	trim(3, 10, false)
	s.wantEvents("after the next seal", storage.EventQuery{}, "open")
	if page, err := s.st.Events(s.ctx, "other", storage.EventQuery{}); err != nil || len(page.Events) != 2 {
		s.Errorf("another pool has %d events, %v, want 2", len(page.Events), err)
	}
	if left, err := s.st.Trim(s.ctx, "nowhere", 1, 1); left || err != nil {
		s.Errorf("Trim of no pool: %t, %v", left, err)
	}
}

func eventQuery(s *scene) {
	for _, q := range []storage.EventQuery{
		{User: userID(1), Unsealed: true}, {User: userID(1), Seal: 1}, {Unsealed: true, Seal: 1},
	} {
		_, err := s.st.Events(s.ctx, home, q)
		s.is("a query for two things", err, storage.ErrInvalid)
	}
}
