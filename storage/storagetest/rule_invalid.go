package storagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var invalidRules = []contract{
	{
		"Invalid/Commits",
		"a commit that storage.Check refuses is ErrInvalid, and nothing of it is written",
		invalidCommits,
	},
	{
		"Invalid/Limits",
		"what just fits is taken",
		justFits,
	},
}

func invalidCommits(s *scene) {
	s.put(person(8, "eve"), ticket("kept", ""))
	for name, bad := range s.invalid() {
		good := document("beside", name)
		changes := append([]storage.Change{putOf(good)}, bad...)
		if _, err := storage.Check(changes); err == nil {
			s.Errorf("%s: storage.Check takes it", name)
			continue
		}
		s.Logf("invalid: %s", name)
		s.fails(storage.ErrInvalid, changes...)
		s.gone("what stood beside: "+name, good)
	}
	s.owns("eve", userID(8))
}

// invalid returns commits that break the contract, by how they do.
func (s *scene) invalid() map[string][]storage.Change {
	k, rule := counterKey("o", "n"), fiveAnHour
	loaded := s.user(userID(8))
	kept := s.stored(ticket("kept", "")).(*storage.Ticket)
	long := strings.Repeat("x", 513)
	all := map[string][]storage.Change{
		"no change":             {nil},
		"no record":             {storage.PutRecord{Stamp: 1}},
		"nil record":            {storage.Put[*user.User](nil)},
		"not a record":          {storage.PutRecord{Record: "x", Stamp: 1}},
		"no stamp":              {storage.PutRecord{Record: ticket("t", "")}},
		"a counter put":         {storage.PutRecord{Record: &storage.Counter{Key: k}, Stamp: 1}},
		"a counter required":    {storage.RequireRecord{Record: &storage.Counter{Key: k}}},
		"an event deleted":      {storage.Delete(event("e", noon))},
		"an event required":     {storage.Require(event("e", noon))},
		"a revocation deleted":  {storage.Delete(revocation("r"))},
		"a revocation required": {storage.Require(revocation("r"))},
		"one record put twice":  {putOf(ticket("t", "")), putOf(ticket("t", ""))},
		"put and required":      {putOf(kept), storage.Require(kept)},
		"put and deleted":       {putOf(kept), storage.Delete(kept)},
		"one counter twice": {
			storage.Count{Key: k, Rule: rule, Now: noon},
			storage.Raise{Key: k, N: 1},
		},
		"one owner deferred twice": {
			storage.Defer{Pool: home, Owner: "o", Due: noon},
			storage.Defer{Pool: home, Owner: "o", Due: end},
		},
		"two seals":                  {sealOf(1, "a"), sealOf(2, "b")},
		"101 changes":                manyTickets(101),
		"more than a megabyte":       manyDocuments(5, 256<<10),
		"a counter without an owner": {storage.Raise{Key: counterKey("", "n"), N: 1}},
		"a counter without a name":   {storage.Raise{Key: counterKey("o", ""), N: 1}},
		"a raise to 0":               {storage.Raise{Key: k}},
		"a count without a time":     {storage.Count{Key: k, Rule: rule}},
		"a count by no rule":         {storage.Count{Key: k, Now: noon}},
		"a count by a rule of two kinds": {storage.Count{
			Key:  k,
			Rule: storage.Rule{Free: 1, Window: 1, Base: 1, Max: 1}, Now: noon,
		}},
		"a lock expected of a window": {storage.Count{Key: k, Rule: rule, Now: noon, Expect: storage.Locks}},
		"an unknown expectation":      {storage.Count{Key: k, Rule: doubling, Now: noon, Expect: 3}},
		"a clear by no rule":          {storage.Clear{Key: k, Now: noon}},
		"a defer without a time":      {storage.Defer{Pool: home, Owner: "o"}},
		"a defer without an owner":    {storage.Defer{Pool: home, Due: noon}},
		"a seal of nothing":           {sealOf(1)},
		"a seal with a wrong count": {storage.Seal{
			Pool: home, Events: []string{"a"},
			Record: storage.SealRecord{Number: 1, Count: 2, Time: noon},
		}},
		"a seal without a number":         {sealOf(0, "a")},
		"a seal with an event twice":      {sealOf(1, "a", "a")},
		"an id that is too long":          {putOf(ticket(long, ""))},
		"no id":                           {putOf(ticket("", ""))},
		"a login that is too long":        {putOf(person(9, long))},
		"a user not read, deleted":        {storage.Delete(person(8, "eve"))},
		"a user not read, put at a stamp": {putOf(at0(person(8, "eve"), loaded.Version))},
		"a user who was read, put as new": {putOf(at0(loaded, 0))},
		"changes of two pools":            {putOf(&storage.Document{Pool: "other", Kind: "k", ID: "d"})},
		"no pool":                         {putOf(&storage.Ticket{ID: "t", Created: noon, Expires: noon})},
		"a counter of another pool": {storage.Raise{Key: storage.CounterKey{
			Pool:  "other",
			Owner: "o", Name: "n",
		}, N: 1}},
		"another pool deferred": {storage.Defer{Pool: "other", Owner: "o", Due: noon}},
		"another pool sealed": {storage.Seal{
			Pool: "other", Record: sealOf(1, "a").Record,
			Events: []string{"a"},
		}},
		"four attempts at one login": {
			putOf(attempt(11, bob)), putOf(attempt(12, bob)),
			putOf(attempt(13, bob)), putOf(attempt(14, bob)),
		},
		"a counter not in UTF-8":          {storage.Raise{Key: counterKey("o\xff", "n"), N: 1}},
		"a seal of an event not in UTF-8": {sealOf(1, "a\xff")},
		"a count beyond the year 9999":    {storage.Count{Key: k, Rule: rule, Now: noon.AddDate(9000, 0, 0)}},
		"a user back to unconfirmed":      {putOf(backToAttempt(loaded))},
	}
	for name, r := range spoilt() {
		all[name] = []storage.Change{putOf(r)}
	}
	return all
}

// at0 returns a copy of u at another stamp.
func at0(u *user.User, stamp int64) *user.User {
	c := u.Clone()
	c.Version = stamp
	return c
}

func backToAttempt(u *user.User) *user.User {
	c := u.Clone()
	c.Status, c.Logins, c.Attempt = user.Unconfirmed, nil, &user.Attempt{Login: login("eve"), Expires: end}
	return c
}

// spoilt returns records that may not be put, by what is wrong with them.
func spoilt() map[string]any {
	spoil := func(u *user.User, how func(u *user.User)) *user.User { how(u); return u }
	big := func(n int) []byte { return make([]byte, n) }
	out := map[string]any{
		"a user of 33 KB": spoil(person(9),
			func(u *user.User) { u.Attributes = user.Attributes{"a": string(big(33 << 10))} }),
		"a user without a status": spoil(person(9), func(u *user.User) { u.Status = "" }),
		"a user without a time":   spoil(person(9), func(u *user.User) { u.Created = time.Time{} }),
		"a user with an attempt": spoil(attempt(9, bob),
			func(u *user.User) { u.Status = user.Confirmed }),
		"an attempt without one": spoil(attempt(9, bob), func(u *user.User) { u.Attempt = nil }),
		"an attempt that owns a login": spoil(attempt(9, bob),
			func(u *user.User) { u.Logins = []user.Login{login("x")} }),
		"an attempt without an end": spoil(attempt(9, bob),
			func(u *user.User) { u.Attempt.Expires = time.Time{} }),
		"an attempt at nothing": attempt(9, ""),
		"an attempt that proves nothing": spoil(attempt(9, bob),
			func(u *user.User) { u.Attempt.Address = user.Login{Namespace: user.Name, Display: bob} }),
		"a login twice":  person(9, "x", "x"),
		"an empty login": person(9, ""),
		"a login without a namespace": spoil(person(9),
			func(u *user.User) { u.Logins = []user.Login{{Value: "x"}} }),
		"a term twice": spoil(person(9),
			func(u *user.User) { u.Index = []user.Term{{Name: "a", Value: "b"}, {Name: "a", Value: "b"}} }),
		"a term that is too long": spoil(person(9),
			func(u *user.User) { u.Index = []user.Term{{Name: "a", Value: string(big(129))}} }),
		"a term without a name": spoil(person(9),
			func(u *user.User) { u.Index = []user.Term{{Value: "b"}} }),
		"a group twice":                 spoil(person(9), func(u *user.User) { u.Groups = []string{"a", "a"} }),
		"groups that are not sorted":    spoil(person(9), func(u *user.User) { u.Groups = []string{"b", "a"} }),
		"a group with a NUL":            spoil(person(9), func(u *user.User) { u.Groups = []string{"a\x00"} }),
		"a group not in UTF-8":          spoil(person(9), func(u *user.User) { u.Groups = []string{"a\xff"} }),
		"a group without a name":        spoil(person(9), func(u *user.User) { u.Groups = []string{""} }),
		"an attempt in a group":         spoil(attempt(9, bob), func(u *user.User) { u.Groups = []string{"a"} }),
		"a session without a user":      session("", 1),
		"a session of a huge user":      session(user.ID(big(5<<20)), 1),
		"a ticket of a huge user":       ticket("t", user.ID(big(5<<20))),
		"a document not in UTF-8":       document("k", "a\xff"),
		"an event not in UTF-8":         event("a\xff", noon),
		"an attribute not in UTF-8":     spoil(person(9), func(u *user.User) { u.Attributes = user.Attributes{"a": "\xff"} }),
		"a login with a NUL":            person(9, "a\x00"),
		"a document with a NUL":         document("k", "a\x00"),
		"a login not in UTF-8":          person(9, "a\xff"),
		"a time beyond the year 9999":   event("e", noon.AddDate(9000, 0, 0)),
		"a user of 300,000 years hence": spoil(person(9), func(u *user.User) { u.Created = noon.AddDate(300_000, 0, 0) }),
		"a ticket of 17 KB": &storage.Ticket{
			Pool: home, ID: "t", State: big(17 << 10),
			Created: noon, Expires: noon,
		},
		"a ticket without an end":   &storage.Ticket{Pool: home, ID: "t", Created: noon},
		"a document of 257 KB":      &storage.Document{Pool: home, Kind: "k", ID: "d", Body: big(257 << 10)},
		"a document without a kind": document("", "d"),
		"a message of 65 KB": &storage.Outgoing{
			Pool: home, ID: "o", Owner: "o",
			Body: big(65 << 10), Due: noon, Created: noon,
		},
		"a message without an owner":  outgoing("o", ""),
		"a message without a time":    &storage.Outgoing{Pool: home, ID: "o", Owner: "o", Created: noon},
		"a revocation without an end": &storage.Revocation{Pool: home, ID: "r", User: "u"},
		"an event with a header of 5 KB": &storage.Event{
			Pool: home, ID: "e", Time: noon,
			Header: big(5 << 10), Leaf: big(32),
		},
		"an event without a leaf":          &storage.Event{Pool: home, ID: "e", Time: noon},
		"an event without a time":          &storage.Event{Pool: home, ID: "e", Leaf: big(32)},
		"a pool without a time in another": &storage.Pool{ID: home},
	}
	for n := range 3 {
		x := session(userID(1), 1)
		*[]*time.Time{&x.Created, &x.LastUsed, &x.Expires}[n] = time.Time{}
		out[fmt.Sprintf("a session without its time %d", n)] = x
	}
	return out
}

func manyTickets(n int) []storage.Change {
	var out []storage.Change
	for i := range n {
		out = append(out, putOf(ticket(fmt.Sprint("t", i), "")))
	}
	return out
}

func manyDocuments(n, size int) []storage.Change {
	var out []storage.Change
	for i := range n {
		d := document("k", fmt.Sprint("d", i))
		d.Body = make([]byte, size-len(d.Kind)-len(d.ID))
		out = append(out, putOf(d))
	}
	return out
}

func justFits(s *scene) {
	s.commit(manyTickets(100)...)
	s.there("the last of 100 tickets", ticket("t99", ""))
	s.commit(manyDocuments(4, 256<<10)...)
	s.there("the last of a megabyte", document("k", "d3"))
	u := person(9, strings.Repeat("l", 512))
	u.Index = []user.Term{{Name: "color", Value: strings.Repeat("t", storage.MaxTerm)}}
	u.Attributes = user.Attributes{"a": ""}
	u.Attributes["a"] = strings.Repeat("x", user.MaxSize-u.Size())
	s.put(u)
	if got := s.user(u.ID); got == nil || got.Size() != user.MaxSize {
		s.Errorf("a user of the largest size did not come back whole")
	}
}
