package memory_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var t0 = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(d time.Duration) time.Time { return t0.Add(d) }

// open returns a store with a live pool "p".
func open(t testing.TB) *memory.Store {
	t.Helper()
	st := memory.New()
	t.Cleanup(func() { st.Close() })
	commit(t, st, storage.Put(&storage.Pool{ID: "p", Created: t0, Issuer: "https://p.test", Searchable: []string{"email"}}))
	return st
}

func commit(t testing.TB, st storage.Store, changes ...storage.Change) {
	t.Helper()
	if err := st.Commit(t.Context(), changes...); err != nil {
		t.Fatalf("Commit() = %v, want nil", err)
	}
}

// refuse commits and wants the error, with nothing left behind.
func refuse(t *testing.T, st *memory.Store, want error, changes ...storage.Change) {
	t.Helper()
	before := memory.Dump(st)
	if err := st.Commit(t.Context(), changes...); !errors.Is(err, want) {
		t.Errorf("Commit() = %v, want %v", err, want)
	}
	if after := memory.Dump(st); !reflect.DeepEqual(before, after) {
		t.Errorf("a refused commit left something behind:\n%v\nwas\n%v", after, before)
	}
}

func read(t testing.TB, st storage.Store, w storage.Want) storage.Got {
	t.Helper()
	if w.Now.IsZero() {
		w.Now = t0
	}
	got, err := st.Read(t.Context(), "p", w)
	if err != nil {
		t.Fatalf("Read() = %v, want nil", err)
	}
	return got
}

func person(id, login string) *user.User {
	return &user.User{
		Pool: "p", ID: user.ID(id), Status: user.Confirmed, Created: t0,
		Logins: []user.Login{{Namespace: user.Name, Value: login}},
		Index:  []user.Term{{Name: "email", Value: login}},
	}
}

// member returns the n-th user as large as users usually are.
func member(n int) *user.User {
	email := fmt.Sprintf("user%07d@example.com", n)
	return &user.User{
		Pool: "p", ID: user.ID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)), Status: user.Confirmed,
		Logins:     []user.Login{{Namespace: user.Name, Value: email, Display: email}},
		Attributes: user.Attributes{"email": email, "name": "Ada Lovelace", "locale": "en"},
		Password: &user.Password{
			Hash:   "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA",
			Digest: make([]byte, 73), Form: user.FormNFC, Set: t0,
		},
		Index:   []user.Term{{Name: "email", Value: email}},
		Created: t0, Updated: t0,
	}
}

func attempt(id, login string, created time.Duration) *user.User {
	return &user.User{
		Pool: "p", ID: user.ID(id), Status: user.Unconfirmed, Created: at(created),
		Attempt: &user.Attempt{Login: user.Login{Namespace: user.Name, Value: login}, Expires: at(created + time.Hour)},
	}
}

func session(owner, id string, created time.Duration) *token.Session {
	return &token.Session{
		Pool: "p", User: owner, ID: id, Kind: token.Grant,
		Created: at(created), LastUsed: at(created), Expires: at(created + time.Hour),
	}
}

func message(id, owner string, due time.Duration) *storage.Outgoing {
	return &storage.Outgoing{Pool: "p", ID: id, Owner: user.ID(owner), Due: at(due), Created: at(due)}
}

func event(id string) *storage.Event {
	return &storage.Event{Pool: "p", ID: id, Time: t0, Leaf: make([]byte, 32)}
}

// TestT7_Attempts: three places at a login; the fourth attempt erases the oldest with what it owns.
func TestT7_Attempts(t *testing.T) {
	t.Parallel()
	st := open(t)
	commit(t, st, storage.Put(attempt("a1", "ada", 1)), storage.Put(session("a1", "s", 0)))
	commit(t, st, storage.Put(attempt("a2", "ada", 2*time.Second)))
	commit(t, st, storage.Put(attempt("a3", "ada", 3*time.Second)))
	commit(t, st, storage.Put(attempt("a4", "ada", 4*time.Second)))
	for id, want := range map[user.ID]bool{"a1": false, "a2": true, "a3": true, "a4": true} {
		if got := read(t, st, storage.Want{User: user.ByID(id)}).User; (got != nil) != want {
			t.Errorf("user %s is there: %t, want %t", id, got != nil, want)
		}
	}
	if got := read(t, st, storage.Want{Session: storage.SessionKey{User: "a1", ID: "s"}}).Session; got != nil {
		t.Errorf("the session of an erased attempt is still there")
	}
	newest := func(now time.Duration, want user.ID) {
		t.Helper()
		got := read(t, st, storage.Want{Now: at(now), User: user.ByLogin("ada")}).User
		if got == nil && want != "" || got != nil && got.ID != want {
			t.Errorf("at %v the login leads to %v, want %q", now, got, want)
		}
	}
	newest(0, "a4")
	newest(time.Hour+4*time.Second-1, "a4")
	newest(time.Hour+4*time.Second, "")
	commit(t, st, storage.Put(person("owner", "ada")))
	newest(0, "owner")
	if got := read(t, st, storage.Want{User: user.ByID("a2"), Now: at(2 * time.Hour)}).User; got != nil {
		t.Errorf("an expired attempt is found by id")
	}
}

// TestT7_Confirm: the attempt that proves the address takes it, and a rival never can.
func TestT7_Confirm(t *testing.T) {
	t.Parallel()
	st := open(t)
	commit(t, st, storage.Put(attempt("a1", "ada", 0)), storage.Put(attempt("a2", "ada", 1)))
	confirm := func(id user.ID) *user.User {
		u := read(t, st, storage.Want{User: user.ByID(id)}).User
		u.Status, u.Logins, u.Attempt = user.Confirmed, []user.Login{u.Attempt.Login}, nil
		return u
	}
	first, second := confirm("a1"), confirm("a2")
	commit(t, st, storage.Put(first))
	refuse(t, st, storage.ErrConflict, storage.Put(second))
	page, err := st.Pools(t.Context(), storage.PoolQuery{ID: "p"})
	if err != nil || page.Pools[0].Users != 1 {
		t.Errorf("Users = %d, %v, want 1", page.Pools[0].Users, err)
	}
}

// TestCommitLeavesNothing: each kind of refusal takes back all that went before it.
func TestCommitLeavesNothing(t *testing.T) {
	t.Parallel()
	st := open(t)
	commit(t, st,
		storage.Put(person("ada", "ada@example.com")), storage.Put(session("ada", "s", 0)), storage.Put(event("e")),
		storage.Put(&storage.Ticket{Pool: "p", ID: "t", User: "ada", Created: t0, Expires: at(time.Hour)}),
		storage.Put(message("m", "ada", 0)), storage.Put(&storage.Document{Pool: "p", Kind: "k", ID: "d"}),
		storage.Raise{Key: storage.CounterKey{Pool: "p", Owner: "ada", Name: "step"}, N: 5},
		storage.Count{Key: storage.CounterKey{Pool: "p", Owner: "ada", Name: "full"}, Rule: storage.Rule{Free: 1}, Now: t0},
	)
	got := read(t, st, storage.Want{User: user.ByID("ada"), Tickets: []string{"t"}, Documents: []storage.DocumentKey{{Kind: "k", ID: "d"}}})
	much := []storage.Change{
		storage.Delete(got.User), storage.Delete(got.Tickets[0]), storage.Put(got.Documents[0]),
		storage.Put(person("bob", "bob")), storage.Put(event("e2")), storage.Put(attempt("a", "x", 0)),
		storage.Put(&storage.Revocation{Pool: "p", ID: "r", User: "ada", Expires: at(time.Hour)}),
		storage.Defer{Pool: "p", Owner: "ada", Due: at(time.Hour)},
		storage.Count{Key: storage.CounterKey{Pool: "p", Owner: "ada", Name: "n"}, Rule: storage.Rule{Free: 5}, Now: t0},
		storage.Delete(&storage.Counter{Key: storage.CounterKey{Pool: "p", Owner: "ada", Name: "other"}}),
		storage.Put(&storage.Pool{ID: "p", Version: pool(t, st).Version, Created: t0, Issuer: "https://new.test"}),
	}
	stale := session("ada", "s", 0)
	stale.Version = 7
	tests := map[string]struct {
		last storage.Change
		want error
	}{
		"stale session":   {storage.Put(stale), storage.ErrStale},
		"session exists":  {storage.Put(session("ada", "s", 0)), storage.ErrStale},
		"event exists":    {storage.Put(event("e")), storage.ErrStale},
		"absent required": {storage.Require(&storage.Document{Pool: "p", Kind: "k", ID: "x"}), storage.ErrStale},
		"absent deleted":  {storage.Delete(&storage.Outgoing{Pool: "p", ID: "x", Version: 3}), storage.ErrStale},
		"login twice":     {storage.Put(person("eve", "bob")), storage.ErrConflict},
		"watermark":       {storage.Raise{Key: storage.CounterKey{Pool: "p", Owner: "ada", Name: "step"}, N: 5}, storage.ErrStale},
		"limit": {storage.Count{
			Key:  storage.CounterKey{Pool: "p", Owner: "ada", Name: "full"},
			Rule: storage.Rule{Free: 1}, Now: t0,
		}, storage.ErrLimited},
		"seal out of turn": {storage.Seal{
			Pool: "p", Events: []string{"e"},
			Record: storage.SealRecord{Number: 2, Count: 1, Time: t0},
		}, storage.ErrStale},
		"seal of nothing": {storage.Seal{
			Pool: "p", Events: []string{"e2", "e", "none"},
			Record: storage.SealRecord{Number: 1, Count: 3, Time: t0},
		}, storage.ErrStale},
		"another pool's event": {storage.Put(&storage.Event{Pool: "q", ID: "e", Time: t0, Leaf: make([]byte, 32)}), storage.ErrInvalid},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, i := range []int{0, len(much) / 2, len(much)} { // the order means nothing
				changes := append(append(append([]storage.Change{}, much[:i]...), tt.last), much[i:]...)
				refuse(t, st, tt.want, changes...)
			}
		})
	}
	commit(t, st, much...)
}

func pool(t testing.TB, st storage.Store) *storage.Pool {
	t.Helper()
	page, err := st.Pools(t.Context(), storage.PoolQuery{ID: "p"})
	if err != nil || len(page.Pools) != 1 {
		t.Fatalf("Pools() = %v, %v, want one", page.Pools, err)
	}
	return page.Pools[0]
}

// TestSessionsOfAUser: 100 fit; one more erases the one created first, with those below it.
func TestSessionsOfAUser(t *testing.T) {
	t.Parallel()
	st := open(t)
	for i := range 100 {
		s := session("ada", fmt.Sprintf("s%03d", i), time.Duration(i)*time.Millisecond)
		if i == 1 {
			s.Parent = "s000"
		}
		commit(t, st, storage.Put(s))
	}
	commit(t, st, storage.Put(session("ada", "late", time.Second)))
	page, err := st.Sessions(t.Context(), "p", storage.SessionQuery{User: "ada", Now: t0})
	if err != nil || len(page.Sessions) != 99 || page.Sessions[0].ID != "s002" {
		t.Errorf("there are %d sessions, %v, want 99 from s002 on", len(page.Sessions), err)
	}
	commit(t, st, storage.Put(session("ada", "early1", -time.Second)), storage.Put(session("ada", "early2", -time.Minute)))
	page, _ = st.Sessions(t.Context(), "p", storage.SessionQuery{User: "ada", Now: t0})
	if len(page.Sessions) != 100 || page.Sessions[0].ID != "early2" || page.Sessions[2].ID != "s003" {
		t.Errorf("sessions are %s, %s, %s, ... (%d)", page.Sessions[0].ID, page.Sessions[1].ID, page.Sessions[2].ID, len(page.Sessions))
	}
}

// TestDropLeavesTheName: of a deleted pool nothing stays but what keeps its id and issuer from being
// used again.
func TestDropLeavesTheName(t *testing.T) {
	t.Parallel()
	st := open(t)
	commit(t, st, storage.Put(person("ada", "ada")), storage.Put(event("e")), storage.Put(message("m", "ada", 0)),
		storage.Put(&storage.Revocation{Pool: "p", ID: "r", User: "ada", Expires: at(time.Hour)}))
	refuseDrop := func() {
		t.Helper()
		if _, err := st.Drop(t.Context(), "p", 10); !errors.Is(err, storage.ErrInvalid) {
			t.Errorf("Drop() of a live pool = %v, want %v", err, storage.ErrInvalid)
		}
	}
	refuseDrop()
	commit(t, st, storage.Delete(pool(t, st)))
	for calls, left := 0, true; left; calls++ {
		var err error
		if left, err = st.Drop(t.Context(), "p", 2); err != nil || calls > 10 {
			t.Fatalf("Drop() = %t, %v after %d calls", left, err, calls)
		}
	}
	refuse(t, st, storage.ErrNoPool, storage.Put(person("ada", "ada")))
	refuse(t, st, storage.ErrStale, storage.Put(&storage.Pool{ID: "p", Created: t0}))
	refuse(t, st, storage.ErrConflict, storage.Put(&storage.Pool{ID: "q", Created: t0, Issuer: "https://p.test"}))
	commit(t, st, storage.Put(&storage.Pool{ID: "q", Created: t0, Issuer: "https://q.test"}))
	ada := person("ada", "ada")
	ada.Pool = "q"
	commit(t, st, storage.Put(ada))
}

// TestS7_UserIDs: an id names one user in the whole store.
func TestS7_UserIDs(t *testing.T) {
	t.Parallel()
	st := open(t)
	commit(t, st, storage.Put(&storage.Pool{ID: "q", Created: t0}))
	commit(t, st, storage.Put(person("ada", "ada")))
	other := person("ada", "lovelace")
	other.Pool = "q"
	refuse(t, st, storage.ErrStale, storage.Put(other))
}

// TestCreatedTogether: sessions and attempts of one commit push out older ones, never each other.
func TestCreatedTogether(t *testing.T) {
	t.Parallel()
	st := open(t)
	for i := range 3 {
		commit(t, st, storage.Put(attempt(fmt.Sprint("old", i), "ada", time.Duration(i)*time.Second)))
	}
	commit(t, st, storage.Put(attempt("new1", "ada", -time.Minute)), storage.Put(attempt("new2", "ada", time.Minute)))
	for id, want := range map[user.ID]bool{"old0": false, "old1": false, "old2": true, "new1": true, "new2": true} {
		if got := read(t, st, storage.Want{User: user.ByID(id)}).User; (got != nil) != want {
			t.Errorf("user %s is there: %t, want %t", id, got != nil, want)
		}
	}
	refuse(t, st, storage.ErrInvalid, storage.Put(attempt("a", "bob", 0)), storage.Put(attempt("b", "bob", 0)),
		storage.Put(attempt("c", "bob", 0)), storage.Put(attempt("d", "bob", 0)))
}

// FuzzCursor: a cursor that was tampered with is ErrInvalid or a place like any other.
func FuzzCursor(f *testing.F) {
	st := open(f)
	commit(f, st, storage.Put(person("ada", "ada")), storage.Put(person("bob", "bob")))
	first, err := st.Users(f.Context(), "p", storage.UserQuery{Now: t0, Limit: 1})
	if err != nil || first.Next == "" {
		f.Fatalf("Users() = %v, %v, want a cursor", first, err)
	}
	for _, seed := range []string{"", first.Next, first.Next + ".", "....", "..MA..", "a.b.c.d.e", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, after string) {
		page, err := st.Users(t.Context(), "p", storage.UserQuery{Now: t0, After: after})
		if err != nil && !errors.Is(err, storage.ErrInvalid) || len(page.Users) > 2 {
			t.Errorf("Users(After: %q) = %d users, %v", after, len(page.Users), err)
		}
	})
}

// TestNewPoolRefused: a pool whose first commit is refused was never there.
func TestNewPoolRefused(t *testing.T) {
	t.Parallel()
	st := open(t)
	r := &storage.Revocation{Pool: "q", ID: "r", User: "ada", Expires: at(time.Hour)}
	d := &storage.Document{Pool: "q", Kind: "k", ID: "d"}
	absent := &storage.Ticket{Pool: "q", ID: "t", Version: 1}
	q := &storage.Pool{ID: "q", Created: t0, Issuer: "https://q.test"}
	refuse(t, st, storage.ErrStale, storage.Put(q), storage.Put(r), storage.Put(d), storage.Require(absent))
	q.Issuer = "https://p.test"
	refuse(t, st, storage.ErrConflict, storage.Put(r), storage.Put(d), storage.Put(q))
	q.Version = 3
	refuse(t, st, storage.ErrStale, storage.Put(q))
	refuse(t, st, storage.ErrNoPool, storage.Put(d))
}

// A page of a time begins there: users made before it are not looked at, however many there are.
func TestUsersMadeSince(t *testing.T) {
	t.Parallel()
	st := open(t)
	made := func(n int) time.Time { return at(time.Duration(n) * time.Millisecond) }
	for from := 0; from < 2*storage.Examined; from += storage.MaxChanges {
		var changes []storage.Change
		for n := from; n < from+storage.MaxChanges; n++ {
			u := member(n)
			u.Created = made(n)
			changes = append(changes, storage.Put(u))
		}
		commit(t, st, changes...)
	}
	const first, last = storage.Examined + 300, storage.Examined + 400
	q := storage.UserQuery{Now: t0, CreatedMin: made(first), CreatedMax: made(last), Limit: 60}
	for _, want := range []int{60, 40} {
		page, err := st.Users(t.Context(), "p", q)
		if err != nil || len(page.Users) != want {
			t.Fatalf("the page has %d users, %v, want %d", len(page.Users), err, want)
		}
		for _, u := range page.Users {
			if u.Created.Before(made(first)) || !u.Created.Before(made(last)) {
				t.Errorf("it has one made at %v", u.Created)
			}
		}
		q.After = page.Next
	}
	if q.After != "" {
		t.Error("there is another page")
	}
}
