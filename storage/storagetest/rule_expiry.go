package storagetest

import (
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var expiryRules = []contract{
	{
		"Expiry/Boundary",
		"the time that a record expires at is the first at which it is gone, swept or not",
		expiryBoundary,
	},
	{
		"Expiry/Owner",
		"what has expired brings no owner",
		expiredBringsNobody,
	},
	{
		"Expiry/Lists",
		"lists leave out what has expired",
		expiredInLists,
	},
}

var end = noon.Add(time.Hour) // when everything here expires

func expiryBoundary(s *scene) {
	idle := session(userID(1), 2)
	idle.Expires, idle.LastUsed, idle.Idle = end.Add(time.Hour), end.Add(-time.Minute), time.Minute
	capped := session(userID(1), 3)
	capped.LastUsed, capped.Idle = noon, 5*time.Hour
	window := storage.Rule{Free: 1, Window: time.Hour}
	message := outgoing("m", userID(1))
	message.NotAfter = end
	s.put(person(1), attempt(2, "bob"), session(userID(1), 1), idle, capped, ticket("t", userID(1)), message)
	s.commit(storage.Count{Key: counterKey("o", "n"), Rule: window, Now: noon})

	sees := func(now time.Time) []bool {
		w := storage.Want{
			Now: now, User: user.ByID(userID(2)), Tickets: []string{"t"},
			Counters: []storage.CounterKey{counterKey("o", "n")},
		}
		got := s.read(w)
		seen := []bool{got.User != nil, got.Tickets[0] != nil, got.Counters[0].N == 1, s.ownerAt("bob", now) != ""}
		for _, x := range []*token.Session{session(userID(1), 1), idle, capped} {
			key := storage.SessionKey{User: userID(1), ID: x.ID}
			seen = append(seen, s.read(storage.Want{Now: now, Session: key}).Session != nil)
		}
		due, err := s.st.Due(s.ctx, []user.PoolID{home}, -1, now, 10)
		if err != nil {
			s.Fatalf("due: %v", err)
		}
		return append(seen, len(due) == 1)
	}
	names := []string{
		"attempt by id", "ticket", "counter", "attempt by login", "session", "idle session",
		"session whose idle limit lies beyond its end", "outgoing message",
	}
	last, gone := sees(end.Add(-tick)), sees(end)
	for i, name := range names {
		if !last[i] {
			s.Errorf("%s is gone a microsecond before it expires", name)
		}
		if gone[i] {
			s.Errorf("%s is still there at the time at which it expires", name)
		}
	}
}

// ownerAt reads who is found by a login at a time; "" means nobody.
func (s *scene) ownerAt(login string, now time.Time) user.ID {
	s.Helper()
	if u := s.read(storage.Want{Now: now, User: user.ByLogin(login)}).User; u != nil {
		return u.ID
	}
	return ""
}

func expiredBringsNobody(s *scene) {
	s.put(person(1), session(userID(1), 1), ticket("t", userID(1)))
	key := storage.SessionKey{User: userID(1), ID: session(userID(1), 1).ID}
	for name, w := range map[string]storage.Want{
		"session": {Now: end, Session: key}, "ticket": {Now: end, Tickets: []string{"t"}},
	} {
		if got := s.read(w); got.User != nil {
			s.Errorf("an expired %s brings user %s", name, got.User.ID)
		}
	}
}

func expiredInLists(s *scene) {
	later := session(userID(1), 2)
	later.Expires = end.Add(time.Hour)
	s.put(person(1), attempt(2, "bob"), session(userID(1), 1), later)
	for _, c := range []struct {
		now             time.Time
		users, sessions int
	}{{end.Add(-tick), 2, 2}, {end, 1, 1}} {
		for _, order := range []storage.Order{storage.ByCreated, storage.ByID} {
			users, err := s.st.Users(s.ctx, home, storage.UserQuery{Now: c.now, Order: order})
			if err != nil || len(users.Users) != c.users {
				s.Errorf("Users at %s: %d users and %v, want %d", c.now, len(users.Users), err, c.users)
			}
		}
		sessions, err := s.st.Sessions(s.ctx, home, storage.SessionQuery{User: userID(1), Now: c.now})
		if err != nil || len(sessions.Sessions) != c.sessions {
			s.Errorf("Sessions at %s: %d sessions and %v, want %d", c.now, len(sessions.Sessions), err, c.sessions)
		}
	}
}
