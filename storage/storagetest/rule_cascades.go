package storagetest

import (
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var cascadeRules = []contract{
	{
		"Cascades/User",
		"with a user go its logins, index terms, sessions, tickets, counters and messages, " +
			"and nothing of anybody else",
		userCascade,
	},
	{
		"Cascades/Ticket",
		"with a ticket go its counters and the message that carries its code, and nothing " +
			"else",
		ticketCascade,
	},
	{
		"Cascades/Together",
		"a commit is a set: a record and what goes with it may be deleted in one, in any " +
			"order",
		deletedTogether,
	},
	{
		"Cascades/Count",
		"a pool counts its users that are somebody",
		usersCounted,
	},
}

func userCascade(s *scene) {
	for n := 1; n <= 2; n++ {
		id := fmt.Sprint(n)
		u := person(n, "login"+id)
		u.Index = []user.Term{{Name: "color", Value: "red"}, {Name: storage.GroupTerm, Value: "g"}}
		carrier := outgoing("o"+id, u.ID)
		carrier.Ticket = "t" + id
		e := event("e"+id, noon)
		e.User = u.ID
		s.put(u, session(u.ID, 1), ticket("t"+id, u.ID), carrier, e, document("d", string(u.ID)))
		s.commit(storage.Raise{Key: counterKey(string(u.ID), "n"), N: 1},
			storage.Raise{Key: counterKey("t"+id, "n"), N: 1})
	}
	s.put(revocation("r"))
	s.commit(storage.Delete(s.user(userID(1))))
	s.owns("login1", "")
	s.owns("login2", userID(2))
	for _, r := range []any{person(1), session(userID(1), 1), ticket("t1", ""), outgoing("o1", userID(1))} {
		s.gone("what goes with a user", r)
	}
	for _, r := range []any{person(2), session(userID(2), 1), ticket("t2", ""), outgoing("o2", userID(2))} {
		s.there("what is another user's", r)
	}
	for _, r := range []any{event("e1", noon), document("d", string(userID(1))), revocation("r")} {
		s.there("history, documents and revocations, which outlive a user: it", r)
	}
	for _, owner := range []string{string(userID(1)), "t1"} {
		if s.counter(owner, "n", noon).N != 0 {
			s.Errorf("counter of %s outlived the user", owner)
		}
	}
	for _, owner := range []string{string(userID(2)), "t2"} {
		if s.counter(owner, "n", noon).N != 1 {
			s.Errorf("counter of %s went with another user", owner)
		}
	}
	for _, name := range []string{"color", storage.GroupTerm} {
		all := storage.UserQuery{Where: &storage.Where{Name: name, Prefix: true}}
		if got := s.users(all); len(got) != 1 {
			s.Errorf("the index %s lists %d users, want 1", name, len(got))
		}
	}
	s.put(person(1))
	s.gone("session of a user who was made anew", session(userID(1), 1))
}

func ticketCascade(s *scene) {
	mine, other := outgoing("mine", userID(1)), outgoing("other", userID(2))
	mine.Ticket, other.Ticket = "t", "u"
	s.put(person(1), person(2), ticket("t", userID(1)), ticket("u", userID(1)), mine, other,
		outgoing("plain", userID(3)))
	s.commit(storage.Raise{Key: counterKey("t", "a"), N: 1}, storage.Raise{Key: counterKey("t", "b"), N: 1},
		storage.Raise{Key: counterKey("u", "a"), N: 1})
	s.commit(storage.DeleteRecord{Record: s.stored(ticket("t", ""))})
	s.gone("the message that carries the code of a deleted ticket", mine)
	for _, r := range []any{other, outgoing("plain", userID(3)), ticket("u", ""), person(1)} {
		s.there("what has nothing to do with the deleted ticket", r)
	}
	if s.counter("t", "a", noon).N+s.counter("t", "b", noon).N != 0 || s.counter("u", "a", noon).N != 1 {
		s.Errorf("the counters of the deleted ticket are not what went")
	}
}

func deletedTogether(s *scene) {
	s.bothOrders(func(base int, commit func(x, y storage.Change)) {
		id := userID(base + 1)
		child := session(id, 2)
		child.Parent = session(id, 1).ID
		message := outgoing("m", id)
		message.Ticket = "t"
		records := []any{person(base + 1), session(id, 1), child, ticket("t", id), message}
		for _, pair := range [][2]int{{0, 1}, {0, 3}, {0, 4}, {1, 2}, {3, 4}} {
			s.put(records...)
			a, b := records[pair[0]], records[pair[1]]
			commit(storage.DeleteRecord{Record: s.stored(a)}, storage.DeleteRecord{Record: s.stored(b)})
			s.gone("the first of two deleted together", a)
			s.gone("the second of two deleted together", b)
			if u := s.user(id); u != nil {
				s.commit(storage.Delete(u))
			}
		}
	})
}

func usersCounted(s *scene) {
	counts := func(what string, want int64) {
		s.Helper()
		if got := s.stored(pool(home)).(*storage.Pool).Users; got != want {
			s.Errorf("the pool counts %d users after %s, want %d", got, what, want)
		}
	}
	counts("nothing", 0)
	s.put(person(1), person(2), attempt(3, bob))
	counts("two users and an attempt", 2)
	s.put(s.user(userID(1)))
	counts("an update", 2)
	s.put(confirm(s.user(userID(3))))
	counts("a confirmation", 3)
	s.put(attempt(4, "eve"))
	s.commit(storage.Delete(s.user(userID(4))))
	counts("the delete of an attempt", 3)
	s.commit(storage.Delete(s.user(userID(1))))
	counts("the delete of a user", 2)
	s.refused(storage.ErrStale, 1, putOf(person(5)), putOf(person(2)))
	counts("a refused commit", 2)
	s.put(s.stored(pool(home)))
	counts("a Put of the pool", 2)
}
