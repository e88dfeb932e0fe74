package storagetest

import (
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

var sessionRules = []contract{
	{
		"Sessions/Hundred",
		"a user may have 100 sessions: one more erases the one created first, and those below " +
			"it",
		hundredSessions,
	},
	{
		"Sessions/Kept",
		"the session that has to go is never one that the commit puts or requires, nor one above " +
			"such a one",
		sessionsKept,
	},
	{
		"Sessions/Below",
		"with a session go those below it, all the way down, and no others",
		sessionsBelow,
	},
}

// below returns the n-th session of user 1, under its parent-th.
func below(n, parent int) *token.Session {
	x := session(userID(1), n)
	x.Parent = session(userID(1), parent).ID
	return x
}

func hundredSessions(s *scene) {
	s.put(person(1), person(2), session(userID(2), 0))
	var first []any
	for n := 1; n <= 98; n++ {
		first = append(first, session(userID(1), n))
	}
	s.put(first...)
	s.put(below(99, 1), session(userID(1), 100))
	s.put(s.stored(session(userID(1), 100)))
	s.there("session 1 of 100", session(userID(1), 1))
	s.put(session(userID(1), 101))
	s.gone("the oldest of 101 sessions", session(userID(1), 1))
	s.gone("the session below it", below(99, 1))
	s.put(session(userID(1), 102))
	for _, n := range []int{2, 3, 98, 100, 101, 102} {
		s.there("one of 100 sessions", session(userID(1), n))
	}
	s.put(session(userID(1), 103))
	s.gone("the oldest of 101 sessions", session(userID(1), 2))
	s.there("session of another user", session(userID(2), 0))
	page, err := s.st.Sessions(s.ctx, home, storage.SessionQuery{User: userID(1), Now: noon})
	if err != nil || len(page.Sessions) != 100 {
		s.Errorf("the list has %d sessions and %v, want 100", len(page.Sessions), err)
	}
}

// sessionsKept signs in under the oldest of 100 sessions, which is the likely one: that of a
// browser.
func sessionsKept(s *scene) {
	browser := session(userID(1), 1)
	browser.Kind = token.Browser
	first := []any{person(1), browser, below(2, 1)}
	for n := 3; n <= 99; n++ {
		first = append(first, session(userID(1), n))
	}
	s.put(first...)
	s.put(session(userID(1), 100))

	s.commit(storage.RequireRecord{Record: s.stored(browser)}, putOf(below(101, 1)))
	s.kept(1, 101)
	s.gone("the next oldest of 101 sessions", session(userID(1), 2))
	s.put(below(102, 101))
	s.kept(1, 101, 102)
	s.gone("the next oldest of 101 sessions", session(userID(1), 3))
	s.commit(storage.RequireRecord{Record: s.stored(session(userID(1), 4))}, putOf(below(103, 102)))
	s.kept(1, 4, 101, 102, 103)
	s.gone("the next oldest of 101 sessions", session(userID(1), 5))
	s.commit(storage.RequireRecord{Record: s.stored(below(103, 102))}, putOf(session(userID(1), 104)))
	s.kept(1, 101, 102, 103, 104)
	s.gone("the oldest of 101 sessions", session(userID(1), 4))
	s.kept(6, 99)
	s.put(session(userID(1), 105))
	s.gone("a browser that the commit has nothing to do with", browser)
	s.gone("what was below it", below(103, 102))
	s.kept(6, 104, 105)
}

// kept wants sessions of user 1 to be there.
func (s *scene) kept(numbers ...int) {
	s.Helper()
	for _, n := range numbers {
		s.there(fmt.Sprintf("session %d", n), session(userID(1), n))
	}
}

func sessionsBelow(s *scene) {
	namesake := session(userID(2), 7)
	namesake.Parent = session(userID(1), 1).ID
	s.put(person(1), person(2), session(userID(1), 1), below(2, 1), below(3, 1), below(4, 3),
		session(userID(1), 5), below(6, 5), namesake)
	s.commit(storage.DeleteRecord{Record: s.stored(session(userID(1), 1))})
	for n := 1; n <= 4; n++ {
		s.gone("a session at or below the one deleted", session(userID(1), n))
	}
	s.there("session beside it", session(userID(1), 5))
	s.there("session below the one beside it", session(userID(1), 6))
	s.there("session of another user", namesake)
}
