package storagetest_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/user"
)

// unsound are stores that break a rule that one caller can see, by the contract that must catch
// them.
var unsound = map[string]func(st storage.Store) storage.Store{
	"Records/EveryField":   edits(puts(func(t *storage.Ticket) { t.State = nil })),
	"Records/NotAliased":   func(st storage.Store) storage.Store { return &sharing{st, map[string]storage.Got{}} },
	"Expiry/Boundary":      func(st storage.Store) storage.Store { return lateByATick{st} },
	"Stamps/Moved":         edits(each(func(storage.RequireRecord) storage.Change { return nil })),
	"Stamps/Recreated":     edits(each(countStamps)),
	"Stamps/AllOrNothing":  func(st storage.Store) storage.Store { return oneByOne{st} },
	"Lost":                 edits(each(freshStamp)),
	"Logins/Moved":         func(st storage.Store) storage.Store { return oneByOne{st} },
	"Attempts/Rival":       edits(puts(func(u *user.User) { u.Logins = nil })),
	"Sessions/Kept":        func(st storage.Store) storage.Store { return eager{st} },
	"Sessions/Hundred":     func(st storage.Store) storage.Store { return crowded{st} },
	"Cascades/Ticket":      edits(puts(func(o *storage.Outgoing) { o.Ticket = "" })),
	"Counters/Refused":     func(st storage.Store) storage.Store { return oneByOne{st} },
	"Counters/Expect":      edits(each(expectNothing)),
	"Counters/Clear":       edits(each(func(storage.Clear) storage.Change { return nil })),
	"Outgoing/Defer":       edits(each(func(storage.Defer) storage.Change { return nil })),
	"Outgoing/Fair":        func(st storage.Store) storage.Store { return unfair{st} },
	"Events/SealGuards":    edits(each(func(storage.Seal) storage.Change { return nil })),
	"Events/Trim":          func(st storage.Store) storage.Store { return hasty{st} },
	"Sweep/Bounded":        func(st storage.Store) storage.Store { return greedy{st} },
	"Feed/Everything":      func(st storage.Store) storage.Store { return forgetful{st} },
	"Pages/EveryLimit":     func(st storage.Store) storage.Store { return generous{st} },
	"Pages/EveryCut":       func(st storage.Store) storage.Store { return byOffset{st} },
	"Lists/Logins":         func(st storage.Store) storage.Store { return perLogin{st} },
	"Events/Newest":        func(st storage.Store) storage.Store { return oldestFirst{st} },
	"Lists/LongWay":        func(st storage.Store) storage.Store { return impatient{st} },
	"Invalid/Commits":      func(st storage.Store) storage.Store { return lenient{st} },
	"End/Context":          func(st storage.Store) storage.Store { return tireless{st} },
	"End/Closed":           func(st storage.Store) storage.Store { return neverClosed{st} },
	"Stamps/PutNew":        func(st storage.Store) storage.Store { return lenient{st} },
	"Logins/Exact":         edits(puts(foldLogins)),
	"Attempts/Together":    func(st storage.Store) storage.Store { return oneByOne{st} },
	"Feed/Swept":           func(st storage.Store) storage.Store { return &renumbering{Store: st} },
	"Lists/Where":          func(st storage.Store) storage.Store { return wide{st} },
	"Apart/Records":        func(st storage.Store) storage.Store { return deferAll{st} },
	"Apart/Cursors":        func(st storage.Store) storage.Store { return anyPool{st} },
	"Apart/Drop":           func(st storage.Store) storage.Store { return dropTwice{st} },
	"Invalid/Limits":       edits(puts(func(u *user.User) { u.Attributes = nil })),
	"Pools/Clients":        edits(puts(func(p *storage.Pool) { p.Clients = nil })),
	"Logins/Unique":        func(st storage.Store) storage.Store { return vague{st} },
	"Attempts/ThreePlaces": edits(puts(func(t *storage.Ticket) { t.User = "" })),
}

func TestContractsCatch(t *testing.T) {
	t.Parallel()
	for name, breaks := range unsound {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := storagetest.Adapter{New: adapter.New, Open: func(context.Context, string) (storage.Store, error) {
				return breaks(memory.New()), nil
			}}
			failures := record(t, func(t testing.TB) { storagetest.Contract(t, a, name) })
			if len(failures) == 0 {
				t.Error("the broken store passes")
			}
		})
	}
}

func edits(edit func([]storage.Change) []storage.Change) func(storage.Store) storage.Store {
	return func(st storage.Store) storage.Store { return edited{st, edit} }
}

// countStamps makes the next stamp from the last, so that a record made anew has those of the old.
func countStamps(c storage.PutRecord) storage.Change {
	switch r := c.Record.(type) {
	case *user.User:
		c.Stamp = r.Version + 1
	case *storage.Ticket:
		c.Stamp = r.Version + 1
	case *storage.Document:
		c.Stamp = r.Version + 1
	}
	return c
}

// expectNothing lets every count come to what it does.
func expectNothing(c storage.Count) storage.Change {
	c.Expect = storage.Either
	return c
}

// freshStamp makes the store choose the stamp.
func freshStamp(c storage.PutRecord) storage.Change {
	c.Stamp = storage.NewStamp()
	return c
}

// sharing hands out the same ticket to all who read it.
type sharing struct {
	storage.Store
	last map[string]storage.Got
}

func (s *sharing) Read(ctx context.Context, pool user.PoolID, w storage.Want) (storage.Got, error) {
	if len(w.Tickets) == 0 {
		return s.Store.Read(ctx, pool, w)
	}
	key := strings.Join(w.Tickets, " ")
	if got, ok := s.last[key]; ok && got.Tickets[0] != nil {
		return got, nil
	}
	got, err := s.Store.Read(ctx, pool, w)
	s.last[key] = got
	return got, err
}

// lateByATick lets everything live a microsecond too long.
type lateByATick struct{ storage.Store }

func (s lateByATick) Read(ctx context.Context, pool user.PoolID, w storage.Want) (storage.Got, error) {
	w.Now = w.Now.Add(-time.Microsecond)
	return s.Store.Read(ctx, pool, w)
}

// crowded makes no room for one session more.
type crowded struct{ storage.Store }

func (s crowded) Commit(ctx context.Context, changes ...storage.Change) error {
	const first user.ID = "00000001-0000-4000-8000-000000000001"
	page, err := s.Sessions(ctx, "home", storage.SessionQuery{User: first, Now: noon})
	if err != nil || len(page.Sessions) >= 100 {
		return err
	}
	return s.Store.Commit(ctx, changes...)
}

// unfair serves one pool after the other.
type unfair struct{ storage.Store }

func (s unfair) Due(ctx context.Context, pools []user.PoolID, lane int, now time.Time,
	n int,
) ([]*storage.Outgoing, error) {
	if pools == nil {
		pools = []user.PoolID{"home", "small", "tiny"}
	}
	var out []*storage.Outgoing
	for _, p := range pools {
		due, err := s.Store.Due(ctx, []user.PoolID{p}, lane, now, n-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, due...)
	}
	return out, nil
}

// perLogin lists a user once for each login that matches, as an index of terms does.
type perLogin struct{ storage.Store }

func (s perLogin) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	page, err := s.Store.Users(ctx, pool, q)
	if q.Where == nil || q.Where.Name != storage.LoginTerm || !q.Where.Prefix {
		return page, err
	}
	var all []*user.User
	for _, u := range page.Users {
		for _, l := range u.Logins {
			if strings.HasPrefix(l.Value, q.Where.Value) {
				all = append(all, u)
			}
		}
	}
	page.Users = all
	return page, err
}

// oldestFirst knows one order only.
type oldestFirst struct{ storage.Store }

func (s oldestFirst) Events(ctx context.Context, pool user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	q.Newest = false
	return s.Store.Events(ctx, pool, q)
}

// hasty trims one seal too many.
type hasty struct{ storage.Store }

func (s hasty) Trim(ctx context.Context, p user.PoolID, seal int64, n int) (bool, error) {
	return s.Store.Trim(ctx, p, seal+1, n)
}

// greedy erases one more than it was allowed to.
type greedy struct{ storage.Store }

func (s greedy) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	return s.Store.Sweep(ctx, now, n+1)
}

// forgetful tells no revocations.
type forgetful struct{ storage.Store }

func (s forgetful) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	f, err := s.Store.Changed(ctx, since)
	f.Revocations = nil
	return f, err
}

// generous returns one document more than was asked for.
type generous struct{ storage.Store }

func (s generous) Documents(ctx context.Context, pool user.PoolID,
	q storage.DocumentQuery,
) (storage.DocumentPage, error) {
	q.Limit++
	return s.Store.Documents(ctx, pool, q)
}

// byOffset remembers how many documents it returned, rather than which was the last.
type byOffset struct{ storage.Store }

func (s byOffset) Documents(ctx context.Context, pool user.PoolID,
	q storage.DocumentQuery,
) (storage.DocumentPage, error) {
	from, _ := strconv.Atoi(q.After)
	limit := q.Limit
	q.After, q.Limit = "", 0
	page, err := s.Store.Documents(ctx, pool, q)
	page.Documents = page.Documents[min(from, len(page.Documents)):]
	if len(page.Documents) > limit {
		page.Documents, page.Next = page.Documents[:limit], strconv.Itoa(from+limit)
	}
	return page, err
}

// impatient takes an empty page for the end.
type impatient struct{ storage.Store }

func (s impatient) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	page, err := s.Store.Users(ctx, pool, q)
	if len(page.Users) < q.Limit {
		page.Next = ""
	}
	return page, err
}

// lenient takes what is not allowed for done.
type lenient struct{ storage.Store }

func (s lenient) Commit(ctx context.Context, changes ...storage.Change) error {
	err := s.Store.Commit(ctx, changes...)
	if errors.Is(err, storage.ErrInvalid) || errors.Is(err, storage.ErrStale) {
		return nil
	}
	return err
}

// vague does not tell which login was taken.
type vague struct{ storage.Store }

func (s vague) Commit(ctx context.Context, changes ...storage.Change) error {
	err := s.Store.Commit(ctx, changes...)
	if errors.Is(err, storage.ErrConflict) {
		return &storage.ChangeError{Err: storage.ErrConflict}
	}
	return err
}

// tireless goes on after its caller's context has ended.
type tireless struct{ storage.Store }

func (s tireless) Commit(ctx context.Context, changes ...storage.Change) error {
	return s.Store.Commit(context.WithoutCancel(ctx), changes...)
}

// neverClosed goes on after Close.
type neverClosed struct{ storage.Store }

func (s neverClosed) Close() error { return nil }
