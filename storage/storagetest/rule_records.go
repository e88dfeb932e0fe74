package storagetest

import (
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var recordRules = []contract{
	{
		"Records/EveryField",
		"what is put is what is read, in every field, with times in UTC to the microsecond",
		everyField,
	},
	{
		"Records/ZeroFields",
		"a field that was zero comes back zero",
		zeroFields,
	},
	{
		"Records/KeptByTheStore",
		"epoch, count of users and deletion of a pool and the seal of an event are the " +
			"store's own: Put does not write them",
		keptByTheStore,
	},
	{
		"Records/NotAliased",
		"everything that a store takes and hands out is copied",
		notAliased,
	},
	{
		"Records/PutLeavesTheRecord",
		"Put does not change the record that it was given",
		putLeavesTheRecord,
	},
	{
		"Records/Absent",
		"absence is nil, never an error, and a pool that is absent gives the zero Got",
		absentRecords,
	},
	{
		"Records/OneOfAKind",
		"keys are of one pool, one kind and one owner: what has the same id elsewhere is " +
			"another record",
		oneOfAKind,
	},
	{
		"Records/Owner",
		"a session or a ticket that is read brings its owner, and the owner's counters",
		ownerComesAlong,
	},
	{
		"Records/ReadChecks",
		"a Read without a time, or for another pool's counter, is ErrInvalid",
		readChecks,
	},
}

func everyField(s *scene) { s.roundTrip(full()) }
func zeroFields(s *scene) { s.roundTrip(bare()) }

func (s *scene) roundTrip(records []any) {
	for _, r := range records {
		change, want := putOf(r), clone(r)
		s.commit(change)
		settle(want)
		if v := stampOf(want); v != nil {
			*v = change.Stamp
		}
		got := s.stored(r)
		if p, ok := got.(*storage.Pool); ok {
			p.Epoch = 0 // kept by the store, any number from 1 up
		}
		s.same(changeName(change)+" read back", got, want)
		if u, ok := got.(*user.User); ok {
			s.checkLoaded(u)
		}
	}
}

// checkLoaded wants a user that was handed out to remember what it was.
func (s *scene) checkLoaded(u *user.User) {
	s.Helper()
	got, ok := u.Loaded()
	if !ok {
		s.Errorf("user %s was handed out without MarkLoaded: it cannot be put again", u.ID)
		return
	}
	again := u.Clone()
	again.MarkLoaded()
	want, _ := again.Loaded()
	s.same("what the user was loaded with", got, want)
}

func keptByTheStore(s *scene) {
	s.put(&storage.Pool{ID: "other", Created: noon, Epoch: 99, Users: 7, Deleted: true})
	p, ok := s.stored(pool("other")).(*storage.Pool)
	if !ok {
		s.Fatalf("a pool put with Deleted set is not there: only Delete deletes it")
	}
	if p.Users != 0 || p.Epoch == 99 || p.Epoch < 1 || p.Deleted {
		s.Errorf("a pool put with Epoch 99, Users 7 and Deleted reads as %s", show(p))
	}
	before := p.Epoch
	p.Epoch, p.Users = before+50, 7
	s.put(p)
	if p := s.stored(p).(*storage.Pool); p.Users != 0 || p.Epoch >= before+50 {
		s.Errorf("a pool put again with another Epoch and Users reads as %s", show(p))
	}
	e := event("sealed?", noon)
	e.Seal = 3
	s.put(e)
	if e := s.stored(e).(*storage.Event); e.Seal != 0 {
		s.Errorf("an event put with Seal 3 reads with Seal %d, want 0", e.Seal)
	}
}

func notAliased(s *scene) {
	for _, r := range full() {
		s.put(r)
		before := show(s.stored(r))
		scribble(r)
		if got := show(s.stored(r)); got != before {
			s.Errorf("%T: a change to the record after its commit reached the store:\n got %s\nwant %s", r, got, before)
		}
		scribble(s.stored(r))
		if got := show(s.stored(r)); got != before {
			s.Errorf("%T: a change to what was read reached the store:\n got %s\nwant %s", r, got, before)
		}
	}
	before := s.listed()
	for _, r := range s.listed() {
		scribble(r)
	}
	s.same("what lists return after a caller changed the list before", s.listed(), before)
}

// listed returns all records of the pool home that lists return.
func (s *scene) listed() []any {
	s.Helper()
	var out []any
	users, err := s.st.Users(s.ctx, home, storage.UserQuery{Now: noon})
	out = appendAll(s, out, users.Users, err)
	sessions, err := s.st.Sessions(s.ctx, home, storage.SessionQuery{User: userID(1), Now: noon})
	out = appendAll(s, out, sessions.Sessions, err)
	documents, err := s.st.Documents(s.ctx, home, storage.DocumentQuery{Kind: odd})
	out = appendAll(s, out, documents.Documents, err)
	pools, err := s.st.Pools(s.ctx, storage.PoolQuery{})
	return appendAll(s, out, pools.Pools, err)
}

func appendAll[R any](s *scene, out []any, rs []*R, err error) []any {
	s.Helper()
	if err != nil {
		s.Fatalf("list: %v", err)
	}
	for _, r := range rs {
		out = append(out, r)
	}
	return out
}

func putLeavesTheRecord(s *scene) {
	for _, r := range full() {
		before := show(r)
		s.put(r)
		if got := show(r); got != before {
			s.Errorf("%T was changed by its own Put:\n got %s\nwant %s", r, got, before)
		}
	}
}

func absentRecords(s *scene) {
	w := storage.Want{
		Now: noon, User: user.ByID(userID(9)), Session: storage.SessionKey{User: userID(9), ID: "x"},
		Tickets: []string{"a", "b"}, Documents: []storage.DocumentKey{{Kind: "k", ID: "d"}},
		Counters: []storage.CounterKey{counterKey("o", "n"), counterKey("", "n")},
	}
	got := s.read(w)
	if got.PoolEpoch < 1 {
		s.Errorf("PoolEpoch of a pool that exists is %d, want at least 1", got.PoolEpoch)
	}
	got.PoolEpoch = 0
	s.same("nothing found", got, storage.Got{
		Tickets: make([]*storage.Ticket, 2), Documents: make([]*storage.Document, 1),
		Counters: []storage.Counter{{Key: counterKey("o", "n")}, {Key: counterKey("", "n")}},
	})
	if u := s.read(storage.Want{User: user.ByLogin("nobody")}).User; u != nil {
		s.Errorf("a login that nobody has found %s", show(u))
	}
	empty, err := s.st.Read(s.ctx, "no such pool", storage.Want{Now: noon, User: user.ByID(userID(9))})
	if err != nil {
		s.Errorf("read of a pool that does not exist: %v", err)
	}
	s.same("a pool that does not exist", empty, storage.Got{})
}

func oneOfAKind(s *scene) {
	s.put(pool("other"))
	there := person(2, "ada")
	there.Pool = "other"
	elsewhere := ticket("same", "")
	elsewhere.Pool, elsewhere.Client = "other", "theirs"
	s.put(there, elsewhere)
	s.put(person(1, "ada"), person(3), ticket("same", userID(1)), document("a", "same"), document("b", "same"),
		document("a", "same2"), session(userID(1), 1), session(userID(3), 1), event("same", noon),
		revocation("same"))
	s.commit(storage.Raise{Key: counterKey("same", "n"), N: 5}, storage.Raise{Key: counterKey("same2", "n"), N: 6},
		storage.Raise{Key: counterKey("same", "m"), N: 7})
	if got := s.owner("ada"); got != userID(1) {
		s.Errorf("login found user %q, want the one of this pool", got)
	}
	if s.user(userID(2)) != nil {
		s.Errorf("a user of another pool was found")
	}
	if got := s.read(storage.Want{Tickets: []string{"same"}}).Tickets[0]; got == nil || got.Client != "" {
		s.Errorf("the ticket read is %s, want the one of this pool", show(got))
	}
	docs := s.read(storage.Want{Documents: []storage.DocumentKey{
		{Kind: "b", ID: "same"},
		{Kind: "b", ID: "same2"},
	}}).Documents
	if docs[0] == nil || docs[0].Kind != "b" || docs[1] != nil {
		s.Errorf("documents of kind b read as %s", show(docs))
	}
	key := storage.SessionKey{User: userID(3), ID: session(userID(3), 1).ID}
	if got := s.read(storage.Want{Session: key}).Session; got == nil || got.User != string(userID(3)) {
		s.Errorf("session of user 3 read as %s", show(got))
	}
	for _, c := range []struct {
		owner, name string
		want        int64
	}{{"same", "n", 5}, {"same2", "n", 6}, {"same", "m", 7}, {"sam", "en", 0}} {
		if got := s.counter(c.owner, c.name, noon).N; got != c.want {
			s.Errorf("counter %s/%s stands at %d, want %d", c.owner, c.name, got, c.want)
		}
	}
}

func ownerComesAlong(s *scene) {
	a, b := person(1, "ada"), person(2, "bob")
	s.put(a, b, session(a.ID, 1), ticket("nobody's", ""), ticket("bob's", b.ID), ticket("ada's", a.ID))
	s.commit(storage.Raise{Key: counterKey(string(b.ID), "n"), N: 4})
	key := storage.SessionKey{User: a.ID, ID: session(a.ID, 1).ID}
	counters := []storage.CounterKey{counterKey("", "n"), counterKey("x", "n")}
	for _, c := range []struct {
		name string
		w    storage.Want
		want user.ID
		n    int64
	}{
		{"session", storage.Want{Session: key}, a.ID, 0},
		{"session of nobody", storage.Want{Session: storage.SessionKey{User: b.ID, ID: key.ID}}, "", 0},
		{"tickets", storage.Want{Tickets: []string{"none", "nobody's", "bob's", "ada's"}}, b.ID, 4},
		{"session before ticket", storage.Want{Session: key, Tickets: []string{"bob's"}}, a.ID, 0},
		{"ticket of nobody", storage.Want{Tickets: []string{"nobody's"}}, "", 0},
		{"named user before both", storage.Want{
			User: user.ByLogin("bob"), Session: key,
			Tickets: []string{"ada's"},
		}, b.ID, 4},
		{"named user who is absent", storage.Want{User: user.ByLogin("eve"), Session: key}, "", 0},
	} {
		c.w.Counters = counters
		got := s.read(c.w)
		var found user.ID
		if got.User != nil {
			found = got.User.ID
			s.checkLoaded(got.User)
		}
		if found != c.want {
			s.Errorf("%s: Got.User is %q, want %q", c.name, found, c.want)
		}
		if k := got.Counters[0].Key; k != counterKey(string(c.want), "n") || got.Counters[0].N != c.n {
			s.Errorf("%s: the user's counter is %s, want owner %q and N %d", c.name,
				show(got.Counters[0]), c.want, c.n)
		}
	}
}

func readChecks(s *scene) {
	foreign := storage.CounterKey{Pool: "other", Owner: "o", Name: "n"}
	for name, w := range map[string]storage.Want{
		"no time":                {User: user.ByID(userID(1))},
		"another pool's counter": {Now: noon, Counters: []storage.CounterKey{foreign}},
	} {
		_, err := s.st.Read(s.ctx, home, w)
		s.is(name, err, storage.ErrInvalid)
	}
	_, err := s.st.Users(s.ctx, home, storage.UserQuery{})
	s.is("Users without a time", err, storage.ErrInvalid)
	_, err = s.st.Sessions(s.ctx, home, storage.SessionQuery{User: userID(1)})
	s.is("Sessions without a time", err, storage.ErrInvalid)
}
