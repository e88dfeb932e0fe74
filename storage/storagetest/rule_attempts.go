package storagetest

import (
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var attemptRules = []contract{
	{
		"Attempts/OwnNothing",
		"an unconfirmed sign-up owns no login: rivals at one address are no conflict, and an " +
			"owner may take it",
		attemptsOwnNothing,
	},
	{
		"Attempts/ThreePlaces",
		"there are three places at a login; a fourth attempt erases the oldest with all that " +
			"it has",
		threePlaces,
	},
	{
		"Attempts/Together",
		"three attempts at one login may be put by one commit: they take the places of those there",
		attemptsTogether,
	},
	{
		"Attempts/Lookup",
		"a login leads to its owner or, where nobody owns it, to the newest live attempt, which " +
			"can be asked for besides",
		attemptLookup,
	},
	{
		"Attempts/Rival",
		"of rival attempts one can confirm; then the others cannot",
		rivalCannotConfirm,
	},
	{
		"Attempts/PlaceFreed",
		"an attempt that confirmed, was deleted or moved holds no place at the login it left",
		placeFreed,
	},
	{
		"Attempts/PutAgain",
		"an attempt that is put again keeps its one place",
		attemptPutAgain,
	},
}

const bob = "bob@example.com"

func attemptsOwnNothing(s *scene) {
	s.put(attempt(1, bob), attempt(2, bob))
	s.there("attempt 1", attempt(1, bob))
	s.there("attempt 2", attempt(2, bob))
	s.put(person(3, bob))
	s.owns(bob, userID(3))
	s.put(attempt(4, bob))
	s.owns(bob, userID(3))
	s.there("an attempt at an owned login", attempt(4, bob))
}

func threePlaces(s *scene) {
	s.put(attempt(1, "elsewhere"))
	s.put(attempt(2, bob), ticket("t2", userID(2)), outgoing("o2", userID(2)), session(userID(2), 1))
	s.commit(storage.Raise{Key: counterKey(string(userID(2)), "n"), N: 1},
		storage.Raise{Key: counterKey("t2", "n"), N: 1})
	s.put(attempt(3, bob), ticket("t3", userID(3)), outgoing("o3", userID(3)))
	s.put(attempt(4, bob))
	old := s.user(userID(2))
	s.put(attempt(5, bob))
	s.gone("the oldest of four attempts", attempt(2, bob))
	s.gone("its ticket", ticket("t2", ""))
	s.gone("its message", outgoing("o2", userID(2)))
	s.gone("its session", session(userID(2), 1))
	if n := s.counter(string(userID(2)), "n", noon).N + s.counter("t2", "n", noon).N; n != 0 {
		s.Errorf("a counter of the voided attempt or of its ticket is still there")
	}
	for _, r := range []any{
		attempt(1, ""), attempt(3, ""), attempt(4, ""), attempt(5, ""),
		ticket("t3", ""), outgoing("o3", userID(3)),
	} {
		s.there("what the fourth attempt has nothing to do with", r)
	}
	s.refused(storage.ErrStale, 0, putOf(confirm(old)))
}

func attemptsTogether(s *scene) {
	s.put(attempt(7, bob), attempt(8, bob), attempt(9, bob)) // made later than those below
	s.put(attempt(1, bob), attempt(2, bob), attempt(3, bob), attempt(4, "elsewhere"))
	for n := 1; n <= 4; n++ {
		s.there("an attempt that the last commit put", attempt(n, ""))
	}
	for n := 7; n <= 9; n++ {
		s.gone("an attempt that had no place any more", attempt(n, ""))
	}
}

func attemptLookup(s *scene) {
	ends := []time.Time{end.Add(2 * time.Hour), end.Add(time.Hour), end}
	for i, e := range ends {
		a := attempt(i+1, bob)
		a.Attempt.Expires = e
		s.put(a)
	}
	for _, c := range []struct {
		now  time.Time
		want user.ID
	}{{noon, userID(3)}, {end, userID(2)}, {ends[1], userID(1)}, {ends[0], ""}} {
		if got := s.ownerAt(bob, c.now); got != c.want {
			s.Errorf("at %s the login leads to %q, want %q", c.now, got, c.want)
		}
	}
	s.put(person(9, bob))
	s.owns(bob, userID(9))
	got := s.read(storage.Want{User: user.ByLogin(bob), Attempt: user.ByLogin(bob)})
	if got.User == nil || got.User.ID != userID(9) || got.Attempt == nil || got.Attempt.ID != userID(3) {
		s.Errorf("the owner %v and the newest attempt %v at a login, want %q and %q", got.User, got.Attempt, userID(9), userID(3))
	}
	if got := s.read(storage.Want{Now: ends[0], Attempt: user.ByLogin(bob)}); got.Attempt != nil || got.User != nil {
		s.Errorf("an attempt that has expired is there: %v, %v", got.Attempt, got.User)
	}
	if got := s.read(storage.Want{Attempt: user.ByLogin("elsewhere")}); got.Attempt != nil {
		s.Errorf("an attempt where there is none: %v", got.Attempt)
	}
	s.commit(storage.Delete(s.user(userID(9))))
	s.owns(bob, userID(3))
}

func rivalCannotConfirm(s *scene) {
	s.put(attempt(1, bob), attempt(2, bob))
	first, rival := s.user(userID(1)), s.user(userID(2))
	s.put(confirm(first))
	s.owns(bob, userID(1))
	s.conflict(user.Name, bob, 0, putOf(confirm(rival)))
	s.same("the rival", s.user(userID(2)), rival)
	s.refused(storage.ErrStale, 0, putOf(confirm(first)))
	s.conflict(user.Name, bob, 1, putOf(document("k", "d")), putOf(person(3, bob)))
}

func placeFreed(s *scene) {
	s.put(attempt(1, bob))
	s.put(attempt(2, bob))
	s.put(attempt(3, bob))
	s.put(confirm(s.user(userID(1))))
	s.put(attempt(4, bob))
	s.there("attempt 2, whose place nobody needed: one had confirmed", attempt(2, ""))
	s.commit(storage.Delete(s.user(userID(4))))
	s.put(attempt(5, bob))
	s.there("attempt 2, whose place nobody needed: one was deleted", attempt(2, ""))
	moved := s.user(userID(3))
	moved.Attempt.Login = login("robert@example.com")
	s.put(moved)
	s.owns("robert@example.com", userID(3))
	s.put(attempt(6, bob))
	s.there("attempt 2, whose place nobody needed: one had moved", attempt(2, ""))
	s.put(attempt(7, bob))
	s.gone("the oldest of four", attempt(2, ""))
}

func attemptPutAgain(s *scene) {
	s.put(attempt(1, bob))
	s.put(attempt(2, bob))
	s.put(attempt(3, bob))
	for range 3 {
		a := s.user(userID(2))
		a.Attempt.Expires = a.Attempt.Expires.Add(time.Minute)
		s.put(a)
	}
	for n := range 3 {
		s.there("one of three attempts", attempt(n+1, bob))
	}
	s.owns(bob, userID(3))
	if got := s.ownerAt(bob, end); got != userID(2) {
		s.Errorf("after the others expired the login leads to %q, want the attempt that was prolonged", got)
	}
}
