package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// TestUserChangeOf: an app is told of users that are somebody, and of no unproven sign-up.
func TestUserChangeOf(t *testing.T) {
	t.Parallel()
	tried := attempt(func(u *user.User) { u.Version = 7 })
	tried.MarkLoaded()
	confirmed := tried.Clone()
	confirmed.Status, confirmed.Attempt = user.Confirmed, nil
	tests := map[string]struct {
		change           storage.Change
		told             bool
		created, deleted bool
	}{
		"stored for the first time":       {storage.Put(person(nil)), true, true, false},
		"attempt confirmed":               {storage.Put(confirmed), true, true, false},
		"changed":                         {storage.Put(loaded(nil)), true, false, false},
		"deleted":                         {storage.Delete(loaded(nil)), true, false, true},
		"confirmed in memory and deleted": {storage.Delete(confirmed), false, false, true},
		"attempt":                         {storage.Put(attempt(nil)), false, false, false},
		"attempt changed":                 {storage.Put(tried), false, false, false},
		"attempt deleted":                 {storage.Delete(tried), false, false, true},
		"required":                        {storage.Require(loaded(nil)), false, false, false},
		"another record":                  {storage.Put(ticket(nil)), false, false, false},
		"another record deleted":          {storage.Delete(ticket(nil)), false, false, false},
		"no record":                       {storage.Count{}, false, false, false},
		"nothing":                         {nil, false, false, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, told := storage.UserChangeOf(tt.change)
			if told != tt.told {
				t.Fatalf("UserChangeOf() told = %t, want %t", told, tt.told)
			}
			if told && (got.User == nil || got.Created() != tt.created || got.Deleted() != tt.deleted) {
				t.Errorf("UserChangeOf() = %+v, want created %t, deleted %t", got, tt.created, tt.deleted)
			}
		})
	}
}

// TestStamps: no stamp is 0, negative, or given twice.
func TestStamps(t *testing.T) {
	t.Parallel()
	seen := map[int64]bool{}
	for range 10_000 {
		n := storage.NewStamp()
		if n <= 0 || seen[n] {
			t.Fatalf("NewStamp() = %d, want a new positive number", n)
		}
		seen[n] = true
	}
	u := person(nil)
	first, second := storage.Put(u), storage.Put(u)
	if first.Stamp == second.Stamp || u.Version != 0 {
		t.Errorf("two Puts have stamps %d and %d and left version %d", first.Stamp, second.Stamp, u.Version)
	}
}

// TestErrors: a refusal is found by its class and by its type, however deep it is wrapped.
func TestErrors(t *testing.T) {
	t.Parallel()
	limit := &storage.LimitError{Key: counter("ada"), Until: t0}
	conflict := &storage.ConflictError{Namespace: user.Name, Value: "ada@example.com"}
	tests := []struct {
		err   error
		class error
	}{
		{limit, storage.ErrLimited},
		{conflict, storage.ErrConflict},
		{storage.ErrStale, storage.ErrStale},
		{storage.ErrReferenced, storage.ErrReferenced},
	}
	for _, tt := range tests {
		err := fmt.Errorf("sign up: %w", &storage.ChangeError{Index: 3, Err: tt.err})
		change, ok := errors.AsType[*storage.ChangeError](err)
		if !ok || change.Index != 3 {
			t.Errorf("%v: no *ChangeError of change 3 inside", err)
		}
		for _, class := range []error{storage.ErrStale, storage.ErrConflict, storage.ErrLimited, storage.ErrReferenced, storage.ErrInvalid} {
			if got := errors.Is(err, class); got != (class == tt.class) {
				t.Errorf("errors.Is(%v, %v) = %t", err, class, got)
			}
		}
	}
	if got, ok := errors.AsType[*storage.LimitError](error(&storage.ChangeError{Err: limit})); !ok || got != limit {
		t.Errorf("the *LimitError inside is %v", got)
	}
	if strings.Contains(conflict.Error(), "ada") {
		t.Errorf("%q tells the login, which is personal", conflict)
	}
	if strings.Contains(limit.Error(), "ada") {
		t.Errorf("%q tells whose counter it is", limit)
	}
}

// TestLane pins lanes: they are stored, and a message in another lane than its owner's earlier ones
// would overtake them.
func TestLane(t *testing.T) {
	t.Parallel()
	for owner, want := range map[user.ID]int{
		"":                                     5,
		"ada":                                  59,
		"bob":                                  20,
		"6f0c1a2b-3c4d-4e5f-8a6b-7c8d9e0f1a2b": 37,
		"hook/PostConfirmation/a":              1549980,
		"hook/PostConfirmation/b":              1549980,
		"hook/PostAuthentication/a":            3273829,
	} {
		if got := storage.Lane(owner); got != want {
			t.Errorf("Lane(%q) = %d, want %d", owner, got, want)
		}
	}
	if got, want := storage.LaneLease("p", 7), "outbox/p/7"; got != want {
		t.Errorf("LaneLease(p, 7) = %q, want %q", got, want)
	}
	used := map[int]bool{}
	for i := range 10_000 {
		lane := storage.Lane(user.ID(fmt.Sprint(i)))
		if lane < 0 || lane >= storage.Lanes {
			t.Fatalf("Lane(%d) = %d, want 0 to %d", i, lane, storage.Lanes-1)
		}
		used[lane] = true
	}
	if len(used) != storage.Lanes {
		t.Errorf("10,000 owners use %d lanes, want %d", len(used), storage.Lanes)
	}
}

// TestClone: neither side of a copy sees the other's later changes.
func TestClone(t *testing.T) {
	t.Parallel()
	p := pool(func(p *storage.Pool) { p.Searchable = []string{"email"} })
	p.Clone().Searchable[0] = "changed"
	tk := ticket(func(tk *storage.Ticket) { tk.MAC, tk.Code, tk.State = []byte("m"), []byte("c"), []byte("s") })
	c := tk.Clone()
	c.MAC[0], c.Code[0], c.State[0] = 'x', 'x', 'x'
	d := document(func(d *storage.Document) { d.Body = []byte("b") })
	d.Clone().Body[0] = 'x'
	o := outgoing(func(o *storage.Outgoing) { o.Body = []byte("b") })
	o.Clone().Body[0] = 'x'
	e := event(func(e *storage.Event) { e.Header, e.Personal, e.Leaf = []byte("h"), []byte("p"), []byte("l") })
	ec := e.Clone()
	ec.Header[0], ec.Personal[0], ec.Leaf[0] = 'x', 'x', 'x'
	s := &storage.SealRecord{Previous: []byte("p"), Digest: []byte("d"), MAC: []byte("m")}
	sc := s.Clone()
	sc.Previous[0], sc.Digest[0], sc.MAC[0] = 'x', 'x', 'x'

	got := strings.Join([]string{
		p.Searchable[0], string(tk.MAC), string(tk.Code), string(tk.State), string(d.Body), string(o.Body),
		string(e.Header), string(e.Personal), string(e.Leaf), string(s.Previous), string(s.Digest), string(s.MAC),
	}, " ")
	if want := "email m c s b b h p l p d m"; got != want {
		t.Errorf("after changes to the copies the records hold %q, want %q", got, want)
	}
}
