package storagetest

import (
	"errors"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var loginRules = []contract{
	{
		"Logins/Unique",
		"a login has one owner: a second is refused with a *ConflictError that names it, and " +
			"nothing is written",
		loginUnique,
	},
	{
		"Logins/Namespaces",
		"the same value in another namespace, or in another pool, is another login",
		loginNamespaces,
	},
	{
		"Logins/Exact",
		"logins are compared byte by byte: neither case, accents nor blanks are folded",
		loginExact,
	},
	{
		"Logins/GivenUp",
		"a login that its owner gave up, or that went with its owner, is free",
		loginGivenUp,
	},
	{
		"Logins/Kept",
		"a user put again keeps its logins, and how they are displayed may change",
		loginKept,
	},
	{
		"Logins/Moved",
		"a login may move from one user to another in one commit, whatever the order of the " +
			"changes",
		loginMoved,
	},
	{
		"Logins/Swapped",
		"two users may swap logins in one commit",
		loginSwapped,
	},
	{
		"Logins/Inherited",
		"a login may pass from a user who is deleted to another in one commit, whatever the " +
			"order",
		loginInherited,
	},
}

// conflict wants a commit to be refused for a login that another owns.
func (s *scene) conflict(ns user.Namespace, value string, index int, changes ...storage.Change) {
	s.Helper()
	err := s.refused(storage.ErrConflict, index, changes...)
	ce, ok := errors.AsType[*storage.ConflictError](err)
	if !ok {
		s.Errorf("got %T, want a *storage.ConflictError inside", err)
		return
	}
	if ce.Namespace != ns || ce.Value != value {
		s.Errorf("the conflict names %q in %q, want %q in %q", ce.Value, ce.Namespace, value, ns)
	}
}

// owns wants a login to lead to a user; "" means to nobody.
func (s *scene) owns(login string, want user.ID) {
	s.Helper()
	if got := s.owner(login); got != want {
		s.Errorf("login %q leads to %q, want %q", login, got, want)
	}
}

func loginUnique(s *scene) {
	s.put(person(1, "ada", "ada@example.com"))
	s.conflict(user.Name, "ada@example.com", 1, putOf(document("k", "d")),
		putOf(person(2, "bob", "ada@example.com", "eve")))
	s.gone("the refused user", person(2))
	s.gone("what stood beside it", document("k", "d"))
	s.owns("bob", "")
	s.owns("eve", "")
	s.owns("ada@example.com", userID(1))

	s.put(person(2, "bob"))
	b := s.user(userID(2))
	b.Logins = append(b.Logins, login("ada"))
	s.conflict(user.Name, "ada", 0, putOf(b))
	s.owns("ada", userID(1))
	s.same("user 2", s.user(userID(2)).Logins, []user.Login{login("bob")})
	s.conflict(user.Name, "new", -1, putOf(person(3, "new")), putOf(person(4, "new")))
	s.owns("new", "")
}

func loginNamespaces(s *scene) {
	s.put(person(1, "ada"))
	other := person(2)
	other.Logins = []user.Login{{Namespace: "passkey", Value: "ada"}}
	s.put(other)
	s.owns("ada", userID(1))
	third := person(3)
	third.Logins = []user.Login{{Namespace: "passkey", Value: "ada"}}
	s.conflict("passkey", "ada", 0, putOf(third))
	s.put(pool("other"))
	elsewhere := person(4, "ada")
	elsewhere.Pool = "other"
	s.put(elsewhere)
	s.owns("ada", userID(1))
}

func loginExact(s *scene) {
	alike := []string{"zoe", "Zoe", "ZOE", "zoë", "zoe\u0308", "zoe ", " zoe", "zoe\x01", "ｚoe", "zo%", "zo_"}
	for n, l := range alike {
		s.put(person(n+1, l))
	}
	for n, l := range alike {
		s.owns(l, userID(n+1))
	}
	s.owns("zOe", "")
	s.owns("zo", "")
	s.owns("zoe\x00", "")
}

func loginGivenUp(s *scene) {
	s.put(person(1, "ada", "countess"))
	a := s.user(userID(1))
	a.Logins = a.Logins[:1]
	s.put(a)
	s.owns("countess", "")
	s.put(person(2, "countess"))
	s.owns("countess", userID(2))
	s.commit(storage.Delete(s.user(userID(2))))
	s.owns("countess", "")
	s.put(person(3, "countess"))
	s.owns("countess", userID(3))
	s.owns("ada", userID(1))
}

func loginKept(s *scene) {
	s.put(person(1, "ada"))
	a := s.user(userID(1))
	a.Disabled = true
	a.Logins[0].Display, a.Logins[0].Rule = "ADA", 2
	s.put(a)
	s.owns("ada", userID(1))
	s.same("its login", s.user(userID(1)).Logins,
		[]user.Login{{Namespace: user.Name, Value: "ada", Display: "ADA", Rule: 2}})
	a = s.user(userID(1))
	a.Logins = []user.Login{login("lovelace")}
	s.put(a)
	s.owns("ada", "")
	s.owns("lovelace", userID(1))
}

// bothOrders runs try with two changes in the one order and, on users of their own, in the other.
func (s *scene) bothOrders(try func(base int, commit func(x, y storage.Change))) {
	try(0, func(x, y storage.Change) { s.commit(x, y) })
	try(10, func(x, y storage.Change) { s.commit(y, x) })
}

func loginMoved(s *scene) {
	s.bothOrders(func(base int, commit func(x, y storage.Change)) {
		alias := "alias" + string(rune('a'+base))
		s.put(person(base+1, alias), person(base+2))
		a, b := s.user(userID(base+1)), s.user(userID(base+2))
		a.Logins, b.Logins = nil, []user.Login{login(alias)}
		commit(putOf(a), putOf(b))
		s.owns(alias, userID(base+2))
		s.same("logins of who gave it", s.user(userID(base+1)).Logins, []user.Login{})
	})
}

func loginSwapped(s *scene) {
	s.put(person(1, "left"), person(2, "right"))
	a, b := s.user(userID(1)), s.user(userID(2))
	a.Logins, b.Logins = b.Logins, a.Logins
	s.put(a, b)
	s.owns("left", userID(2))
	s.owns("right", userID(1))
}

func loginInherited(s *scene) {
	s.bothOrders(func(base int, commit func(x, y storage.Change)) {
		alias := "alias" + string(rune('a'+base))
		s.put(person(base+1, alias))
		commit(storage.Delete(s.user(userID(base+1))), putOf(person(base+2, alias)))
		s.owns(alias, userID(base+2))
		s.gone("the deleted user", person(base+1))
	})
}
