package storagetest

import (
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var pageRules = []contract{
	{
		"Pages/EveryLimit",
		"pages of any size, put together, are the list: nothing twice, nothing left out, no " +
			"page too long",
		everyLimit,
	},
	{
		"Pages/EveryCut",
		"what was there throughout comes exactly once, whatever is inserted or deleted " +
			"between two pages",
		everyCut,
	},
	{
		"Pages/Garbage",
		"an After that the list did not give is ErrInvalid",
		garbageCursors,
	},
}

// list is one way of paging through the records that fillLists makes.
type list struct {
	name string
	page pager
	want []string // of all that fillLists made, in order
	// add puts records that lie before, between and behind the others; nil means none can be added.
	add func(s *scene)
	// del deletes the record with an id; nil means that none can be deleted.
	del func(s *scene, id string)
}

// listedN is how many records fillLists makes of each kind.
const listedN = 7

// fillLists makes what the lists of lists page through.
func fillLists(s *scene) {
	early := person(1)
	early.Created = at(-9)
	s.put(early)
	var rs []any
	for n := range listedN {
		u := person(100+10*n, fmt.Sprint("login", n))
		u.Created = at(1 + (listedN-n)/2) // the later ids first, two at a time
		u.Index = []user.Term{{Name: "color", Value: fmt.Sprint("red", n/3)}, {Name: storage.GroupTerm, Value: "g"}}
		x := session(userID(1), 100+10*n)
		x.Created = at(n / 2)
		e := event(eventName(n), at(n/2))
		e.User = userID(1)
		sealed := event(fmt.Sprint("sealed", n), at(100+n/2))
		rs = append(rs, u, x, document("k", fmt.Sprint("d", n)), e, sealed)
	}
	s.put(rs...)
	var sealed []string
	for n := range listedN {
		sealed = append(sealed, fmt.Sprint("sealed", n))
		s.put(pool(user.PoolID(fmt.Sprint("p", n))))
		gone := pool(user.PoolID(fmt.Sprint("gone", n)))
		s.put(gone)
		s.commit(storage.DeleteRecord{Record: s.stored(gone)})
	}
	s.commit(sealOf(1, sealed...))
}

func eventName(n int) string { return fmt.Sprint("e", n) }

// names returns what name makes of 0 to n-1.
func names(n int, name func(int) string) []string {
	var out []string
	for i := range n {
		out = append(out, name(i))
	}
	return out
}

func numbered(prefix string) func(int) string {
	return func(n int) string { return fmt.Sprint(prefix, n) }
}

func userName(n int) string { return string(userID(100 + 10*n)) }

func lists() []list {
	byID := names(listedN, userName)
	var byCreated []string
	for _, n := range []int{6, 4, 5, 2, 3, 0, 1} {
		byCreated = append(byCreated, userName(n))
	}
	events := names(listedN, eventName)
	newest := slices.Clone(events)
	slices.Reverse(newest)
	sealed := names(listedN, numbered("sealed"))
	pools := append([]string{string(home)}, names(listedN, numbered("p"))...)
	users := func(q storage.UserQuery) list { return list{page: userPages(q), add: addUsers, del: deleteUser} }
	event := func(q storage.EventQuery) list { return list{page: eventPages(q), add: addEvents} }

	with := func(l list, name string, want []string) list { l.name, l.want = name, want; return l }
	color := func(value string, prefix bool) storage.UserQuery {
		return storage.UserQuery{Where: &storage.Where{Name: "color", Value: value, Prefix: prefix}}
	}
	group := storage.UserQuery{Where: &storage.Where{Name: storage.GroupTerm, Value: "g"}}
	return []list{
		with(users(storage.UserQuery{CreatedMax: at(50), CreatedMin: at(1), Order: storage.ByID}),
			"users by id", byID),
		with(users(storage.UserQuery{CreatedMax: at(50), CreatedMin: at(1)}), "users by creation", byCreated),
		with(users(storage.UserQuery{CreatedMax: at(50), CreatedMin: at(1), Stale: true}), "users, by a store without copies", byCreated),
		with(users(group), "users of a group", byID),
		with(users(storage.UserQuery{Where: &storage.Where{Name: storage.LoginTerm, Value: "login", Prefix: true}}),
			"users by login", byID),
		with(users(color("red", true)), "users by prefix", byID),
		with(users(color("red1", false)), "users by equality", byID[3:6]),
		{"sessions", sessionPages, names(listedN,
			func(n int) string { return session("", 100+10*n).ID }), addSessions, deleteSession},
		{"documents", documentPages, names(listedN, numbered("d")), addDocuments, deleteDocument},
		with(event(storage.EventQuery{}), "events", append(slices.Clone(events), sealed...)),
		with(event(storage.EventQuery{User: userID(1)}), "events of a user", events),
		with(event(storage.EventQuery{User: userID(1), Newest: true}), "events of a user, newest first", newest),
		with(event(storage.EventQuery{Unsealed: true}), "events in no seal", events),
		with(event(storage.EventQuery{Seal: 1}), "events of a seal", sealed),
		{"pools", poolPages(false), pools, addPools, nil},
		{"deleted pools", poolPages(true), names(listedN, numbered("gone")), addPools, nil},
	}
}

// rest reads a list from a cursor to its end.
func (s *scene) rest(l list, after string, limit int) []string {
	s.Helper()
	var all []string
	for range 1000 {
		ids, next, err := l.page(s.ctx, s.st, after, limit)
		if err != nil {
			s.Fatalf("%s: page of %d: %v", l.name, limit, err)
		}
		if len(ids) > limit {
			s.Errorf("%s: a page of %d has %d", l.name, limit, len(ids))
		}
		all = append(all, ids...)
		if next == "" {
			return all
		}
		if next == after {
			s.Fatalf("%s: a page's Next is the After that it was asked with", l.name)
		}
		after = next
	}
	s.Fatalf("%s: no end after 1000 pages", l.name)
	return nil
}

func everyLimit(s *scene) {
	fillLists(s)
	for _, l := range lists() {
		for limit := 1; limit <= len(l.want)+1; limit++ {
			if got := s.rest(l, "", limit); !slices.Equal(got, l.want) {
				s.Errorf("%s by %d:\n got %q\nwant %q", l.name, limit, got, l.want)
			}
		}
		ids, _, err := l.page(s.ctx, s.st, "", 0)
		if err != nil || !slices.Equal(ids, l.want) {
			s.Errorf("%s with limit 0, which means %d: got %q, %v", l.name, storage.MaxPage, ids, err)
		}
	}
}

func everyCut(s *scene) {
	for _, l := range lists() {
		for _, cut := range []int{1, 2, 3, 4, 5, 6} {
			if cut >= len(l.want) {
				continue
			}
			s := newScene(s.TB, s.adapter)
			fillLists(s)
			s.cut(l, cut)
		}
	}
}

// cut reads a page, deletes its last record and the one behind it, adds others, and reads on.
func (s *scene) cut(l list, n int) {
	s.Helper()
	first, next, err := l.page(s.ctx, s.st, "", n)
	if err != nil || next == "" {
		s.Fatalf("%s: page of %d: %q, next %q, %v", l.name, n, first, next, err)
	}
	throughout := slices.Clone(l.want)
	if l.del != nil {
		for _, id := range []string{l.want[n-1], l.want[n]} {
			l.del(s, id)
			throughout = slices.DeleteFunc(throughout, func(x string) bool { return x == id })
		}
	}
	if l.add != nil {
		l.add(s)
	}
	count := map[string]int{}
	for _, id := range append(first, s.rest(l, next, 2)...) {
		if count[id]++; count[id] > 1 {
			s.Errorf("%s cut at %d: %q came twice", l.name, n, id)
		}
	}
	for _, id := range throughout {
		if count[id] != 1 {
			s.Errorf("%s cut at %d: %q came %d times, want once: it was there throughout", l.name, n, id, count[id])
		}
	}
}

func garbageCursors(s *scene) {
	fillLists(s)
	for _, l := range lists() {
		for _, after := range []string{"garbage!", "\x00\xff", odd} {
			if _, _, err := l.page(s.ctx, s.st, after, 2); err == nil {
				s.Errorf("%s after %q is taken, want ErrInvalid", l.name, after)
			} else {
				s.is(l.name+" after garbage", err, storage.ErrInvalid)
			}
		}
	}
}
