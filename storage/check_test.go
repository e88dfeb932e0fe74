package storage_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Records that pass, for tests to spoil. edit may be nil.

func pool(edit func(*storage.Pool)) *storage.Pool {
	return edited(&storage.Pool{ID: "p", Created: t0}, edit)
}

func person(edit func(*user.User)) *user.User {
	return edited(&user.User{Pool: "p", ID: "ada", Status: user.Confirmed, Created: t0}, edit)
}

func attempt(edit func(*user.User)) *user.User {
	return edited(&user.User{
		Pool: "p", ID: "eve", Status: user.Unconfirmed, Created: t0,
		Attempt: &user.Attempt{Login: login("eve@example.com"), Expires: t0.Add(time.Hour)},
	}, edit)
}

// loaded is person as a store hands it out.
func loaded(edit func(*user.User)) *user.User {
	u := person(func(u *user.User) { u.Version = 7 })
	u.MarkLoaded()
	return edited(u, edit)
}

func session(edit func(*token.Session)) *token.Session {
	return edited(&token.Session{
		Pool: "p", User: "ada", ID: "s", Created: t0, LastUsed: t0, Expires: t0.Add(time.Hour),
	}, edit)
}

func ticket(edit func(*storage.Ticket)) *storage.Ticket {
	return edited(&storage.Ticket{Pool: "p", ID: "t", Created: t0, Expires: t0.Add(time.Hour)}, edit)
}

func document(edit func(*storage.Document)) *storage.Document {
	return edited(&storage.Document{Pool: "p", Kind: "settings", ID: "d"}, edit)
}

func outgoing(edit func(*storage.Outgoing)) *storage.Outgoing {
	return edited(&storage.Outgoing{Pool: "p", ID: "o", Owner: "ada", Due: t0, Created: t0}, edit)
}

func revocation(edit func(*storage.Revocation)) *storage.Revocation {
	return edited(&storage.Revocation{Pool: "p", ID: "r", User: "ada", Expires: t0}, edit)
}

func event(edit func(*storage.Event)) *storage.Event {
	return edited(&storage.Event{Pool: "p", ID: "e", Time: t0, Leaf: make([]byte, 32)}, edit)
}

func seal(edit func(*storage.Seal)) storage.Seal {
	return *edited(&storage.Seal{
		Pool: "p", Record: storage.SealRecord{Number: 1, Count: 2, Time: t0}, Events: []string{"a", "b"},
	}, edit)
}

func edited[R any](r *R, edit func(*R)) *R {
	if edit != nil {
		edit(r)
	}
	return r
}

func login(value string) user.Login { return user.Login{Namespace: user.Name, Value: value} }

func counter(owner string) storage.CounterKey {
	return storage.CounterKey{Pool: "p", Owner: owner, Name: "n"}
}

// unknown is a change that no store knows.
type unknown struct{ storage.Change }

var long = strings.Repeat("x", 513)

func TestCheckPasses(t *testing.T) {
	t.Parallel()
	everything := []storage.Change{
		storage.Put(pool(nil)), storage.Put(loaded(nil)), storage.Put(attempt(nil)), storage.Put(session(nil)),
		storage.Put(ticket(nil)), storage.Put(document(nil)), storage.Put(outgoing(nil)),
		storage.Put(revocation(nil)), storage.Put(event(nil)), seal(nil),
		storage.Delete(document(func(d *storage.Document) { d.ID, d.Version = "gone", 3 })),
		storage.Delete(&storage.Counter{Key: counter("bob")}),
		storage.Require(session(func(s *token.Session) { s.User = "bob" })),
		storage.Count{Key: counter("ada"), Rule: password, Now: t0},
		storage.Clear{Key: counter("eve"), Rule: password, Now: t0},
		storage.Raise{Key: counter("step"), N: 1},
		storage.Defer{Pool: "p", Owner: "ada", Due: t0},
	}
	if id, err := storage.Check(everything); id != "p" || err != nil {
		t.Errorf("Check() = %q, %v, want p, nil", id, err)
	}
	if _, err := storage.Check([]storage.Change{storage.Put(person(nil))}); err != nil {
		t.Errorf("Check() of a new user = %v, want nil", err)
	}
	if id, err := storage.Check(nil); id != "" || err != nil {
		t.Errorf("Check() of nothing = %q, %v, want \"\", nil", id, err)
	}
	if _, err := storage.Check(documents(storage.MaxChanges, 0)); err != nil {
		t.Errorf("Check() of %d changes = %v, want nil", storage.MaxChanges, err)
	}
}

// rival returns one more attempt at the login of attempt.
func rival(id user.ID) *user.User { return attempt(func(u *user.User) { u.ID = id }) }

func documents(n, size int) (changes []storage.Change) {
	for i := range n {
		changes = append(changes, storage.Put(document(func(d *storage.Document) {
			d.ID, d.Body = fmt.Sprint(i), make([]byte, size)
		})))
	}
	return changes
}

// TestCheckCommit holds what changes may not do together.
func TestCheckCommit(t *testing.T) {
	t.Parallel()
	other := storage.Put(document(func(d *storage.Document) { d.Pool = "q" }))
	tests := map[string][]storage.Change{
		"101 changes":                  documents(storage.MaxChanges+1, 0),
		"over 1 MiB":                   documents(4, 256<<10),
		"two pools":                    {storage.Put(document(nil)), other},
		"put and require of a user":    {storage.Put(loaded(nil)), storage.Require(loaded(nil))},
		"put twice":                    {storage.Put(event(nil)), storage.Put(event(nil))},
		"put and delete of a ticket":   {storage.Put(ticket(nil)), storage.Delete(ticket(nil))},
		"require twice":                {storage.Require(session(nil)), storage.Require(session(nil))},
		"count and clear of a counter": {storage.Count{Key: counter("a"), Rule: tries, Now: t0}, storage.Clear{Key: counter("a"), Rule: tries, Now: t0}},
		"raise and delete of a counter": {
			storage.Raise{Key: counter("a"), N: 1},
			storage.Delete(&storage.Counter{Key: counter("a")}),
		},
		"defer twice": {storage.Defer{Pool: "p", Owner: "a", Due: t0}, storage.Defer{Pool: "p", Owner: "a", Due: t0.Add(1)}},
		"four attempts at one login": {
			storage.Put(rival("a")), storage.Put(rival("b")), storage.Put(rival("c")),
			storage.Put(rival("d")),
		},
		"seal twice": {seal(nil), seal(func(s *storage.Seal) { s.Record.Number = 2 })},
	}
	for name, changes := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := storage.Check(changes); !errors.Is(err, storage.ErrInvalid) {
				t.Errorf("Check() = %v, want %v", err, storage.ErrInvalid)
			}
		})
	}
}

// TestCheckChange holds what one change may not be.
func TestCheckChange(t *testing.T) {
	t.Parallel()
	stale := func(u *user.User) { u.Version = 9 }
	tests := map[string]storage.Change{
		"nil change":         nil,
		"unknown change":     unknown{},
		"no record":          storage.PutRecord{Stamp: 1},
		"not a record":       storage.PutRecord{Record: "ada", Stamp: 1},
		"a record by value":  storage.PutRecord{Record: storage.Ticket{Pool: "p", ID: "t"}, Stamp: 1},
		"put without stamp":  storage.PutRecord{Record: ticket(nil)},
		"negative stamp":     storage.PutRecord{Record: ticket(nil), Stamp: -1},
		"put of a counter":   storage.PutRecord{Record: &storage.Counter{Key: counter("a")}, Stamp: 1},
		"nil pool":           storage.Put[*storage.Pool](nil),
		"nil user":           storage.Put[*user.User](nil),
		"nil session":        storage.Put[*token.Session](nil),
		"nil ticket":         storage.Delete[*storage.Ticket](nil),
		"nil document":       storage.Require[*storage.Document](nil),
		"nil outgoing":       storage.Put[*storage.Outgoing](nil),
		"nil revocation":     storage.Put[*storage.Revocation](nil),
		"nil event":          storage.Put[*storage.Event](nil),
		"nil counter":        storage.Delete[*storage.Counter](nil),
		"event deleted":      storage.Delete(event(nil)),
		"event required":     storage.Require(event(nil)),
		"revocation deleted": storage.Delete(revocation(nil)),
		"revoc. required":    storage.Require(revocation(nil)),
		"counter required":   storage.RequireRecord{Record: &storage.Counter{Key: counter("a")}},
		"user made up":       storage.Put(person(stale)),
		"made up, deleted":   storage.Delete(person(stale)),
		"loaded, no stamp":   storage.Put(loaded(func(u *user.User) { u.Version = 0 })),

		"pool without id":       storage.Put(pool(func(p *storage.Pool) { p.ID = "" })),
		"pool without created":  storage.Put(pool(func(p *storage.Pool) { p.Created = time.Time{} })),
		"pool of 11 names":      storage.Put(pool(func(p *storage.Pool) { p.Searchable = make([]string, 11) })),
		"pool of 1001 clients":  storage.Put(pool(func(p *storage.Pool) { p.Clients = numbered(1001) })),
		"pool of client twice":  storage.Put(pool(func(p *storage.Pool) { p.Clients = []string{"a", "a"} })),
		"pool of client ''":     storage.Put(pool(func(p *storage.Pool) { p.Clients = []string{""} })),
		"pool too large":        storage.Put(pool(func(p *storage.Pool) { p.Issuer = strings.Repeat("x", 8<<10) })),
		"user without pool":     storage.Put(person(func(u *user.User) { u.Pool = "" })),
		"user without id":       storage.Put(person(func(u *user.User) { u.ID = "" })),
		"user with long id":     storage.Put(person(func(u *user.User) { u.ID = user.ID(long) })),
		"user without status":   storage.Put(person(func(u *user.User) { u.Status = "" })),
		"user of odd status":    storage.Put(person(func(u *user.User) { u.Status = "archived" })),
		"user without created":  storage.Put(person(func(u *user.User) { u.Created = time.Time{} })),
		"user of 33 KB":         storage.Put(person(func(u *user.User) { u.Attributes = user.Attributes{"a": strings.Repeat("x", 33<<10)} })),
		"login twice":           storage.Put(person(func(u *user.User) { u.Logins = []user.Login{login("a"), login("a")} })),
		"login without value":   storage.Put(person(func(u *user.User) { u.Logins = []user.Login{login("")} })),
		"login without ns":      storage.Put(person(func(u *user.User) { u.Logins = []user.Login{{Value: "a"}} })),
		"login too long":        storage.Put(person(func(u *user.User) { u.Logins = []user.Login{login(long)} })),
		"term twice":            storage.Put(person(func(u *user.User) { u.Index = []user.Term{{Name: "a"}, {Name: "a"}} })),
		"term without name":     storage.Put(person(func(u *user.User) { u.Index = []user.Term{{Value: "a"}} })),
		"term named login":      storage.Put(person(func(u *user.User) { u.Index = []user.Term{{Name: storage.LoginTerm, Value: "a"}} })),
		"term too long":         storage.Put(person(func(u *user.User) { u.Index = []user.Term{{Name: "a", Value: long[:129]}} })),
		"group twice":           storage.Put(person(func(u *user.User) { u.Groups = []string{"a", "a"} })),
		"groups not sorted":     storage.Put(person(func(u *user.User) { u.Groups = []string{"b", "a"} })),
		"group without name":    storage.Put(person(func(u *user.User) { u.Groups = []string{""} })),
		"group with a blank":    storage.Put(person(func(u *user.User) { u.Groups = []string{"a b"} })),
		"group with NUL":        storage.Put(person(func(u *user.User) { u.Groups = []string{"admin\x00"} })),
		"group too long":        storage.Put(person(func(u *user.User) { u.Groups = []string{long[:129]} })),
		"attempt in a group":    storage.Put(attempt(func(u *user.User) { u.Groups = []string{"a"} })),
		"session without user":  storage.Put(session(func(s *token.Session) { s.User = "" })),
		"session without end":   storage.Put(session(func(s *token.Session) { s.Expires = time.Time{} })),
		"session never made":    storage.Put(session(func(s *token.Session) { s.Created = time.Time{} })),
		"session never used":    storage.Put(session(func(s *token.Session) { s.LastUsed = time.Time{} })),
		"session idle below 0":  storage.Put(session(func(s *token.Session) { s.Idle = -1 })),
		"session too large":     storage.Put(session(func(s *token.Session) { s.Key = make([]byte, 9<<10) })),
		"ticket without end":    storage.Put(ticket(func(t *storage.Ticket) { t.Expires = time.Time{} })),
		"ticket never made":     storage.Put(ticket(func(t *storage.Ticket) { t.Created = time.Time{} })),
		"ticket of 17 KB":       storage.Put(ticket(func(t *storage.Ticket) { t.State = make([]byte, 17<<10) })),
		"document without kind": storage.Put(document(func(d *storage.Document) { d.Kind = "" })),
		"document of long kind": storage.Put(document(func(d *storage.Document) { d.Kind = long })),
		"document of 257 KB":    storage.Put(document(func(d *storage.Document) { d.Body = make([]byte, 257<<10) })),
		"outgoing of nobody":    storage.Put(outgoing(func(o *storage.Outgoing) { o.Owner = "" })),
		"outgoing never due":    storage.Put(outgoing(func(o *storage.Outgoing) { o.Due = time.Time{} })),
		"outgoing never made":   storage.Put(outgoing(func(o *storage.Outgoing) { o.Created = time.Time{} })),
		"outgoing of 65 KB":     storage.Put(outgoing(func(o *storage.Outgoing) { o.Body = make([]byte, 65<<10) })),
		"revocation of nobody":  storage.Put(revocation(func(r *storage.Revocation) { r.User = "" })),
		"revocation for ever":   storage.Put(revocation(func(r *storage.Revocation) { r.Expires = time.Time{} })),
		"event without leaf":    storage.Put(event(func(e *storage.Event) { e.Leaf = nil })),
		"event without time":    storage.Put(event(func(e *storage.Event) { e.Time = time.Time{} })),
		"event, large header":   storage.Put(event(func(e *storage.Event) { e.Header = make([]byte, 5<<10) })),
		"event, large personal": storage.Put(event(func(e *storage.Event) { e.Personal = make([]byte, 5<<10) })),

		"count of nobody":       storage.Count{Key: storage.CounterKey{Pool: "p", Name: "n"}, Rule: tries, Now: t0},
		"count of no name":      storage.Count{Key: storage.CounterKey{Pool: "p", Owner: "a"}, Rule: tries, Now: t0},
		"count of no pool":      storage.Count{Key: storage.CounterKey{Owner: "a", Name: "n"}, Rule: tries, Now: t0},
		"count without rule":    storage.Count{Key: counter("a"), Now: t0},
		"count without time":    storage.Count{Key: counter("a"), Rule: tries},
		"count of a long owner": storage.Count{Key: counter(long), Rule: tries, Now: t0},
		"clear without rule":    storage.Clear{Key: counter("a"), Now: t0},
		"clear without time":    storage.Clear{Key: counter("a"), Rule: tries},
		"raise to nothing":      storage.Raise{Key: counter("a")},
		"raise below nothing":   storage.Raise{Key: counter("a"), N: -1},
		"defer without time":    storage.Defer{Pool: "p", Owner: "a"},
		"defer of nobody":       storage.Defer{Pool: "p", Due: t0},

		"seal of nothing":      seal(func(s *storage.Seal) { s.Events, s.Record.Count = nil, 0 }),
		"seal, wrong count":    seal(func(s *storage.Seal) { s.Record.Count = 3 }),
		"seal, event twice":    seal(func(s *storage.Seal) { s.Events[1] = "a" }),
		"seal, event unnamed":  seal(func(s *storage.Seal) { s.Events[1] = "" }),
		"seal number 0":        seal(func(s *storage.Seal) { s.Record.Number = 0 }),
		"seal without time":    seal(func(s *storage.Seal) { s.Record.Time = time.Time{} }),
		"seal too large":       seal(func(s *storage.Seal) { s.Record.MAC = make([]byte, 513) }),
		"seal of 5,001 events": seal(func(s *storage.Seal) { s.Events, s.Record.Count = ids(5001), 5001 }),
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := storage.Check([]storage.Change{change}); !errors.Is(err, storage.ErrInvalid) {
				t.Errorf("Check() = %v, want %v", err, storage.ErrInvalid)
			}
		})
	}
}

func ids(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

// TestT7_CheckAttempt: an unconfirmed user has an attempt and owns nothing, nobody else has one, and
// nobody goes back.
func TestT7_CheckAttempt(t *testing.T) {
	t.Parallel()
	tests := map[string]*user.User{
		"without attempt":       attempt(func(u *user.User) { u.Attempt = nil }),
		"owns a login":          attempt(func(u *user.User) { u.Logins = []user.Login{login("eve@example.com")} }),
		"attempt at nothing":    attempt(func(u *user.User) { u.Attempt.Login.Value = "" }),
		"attempt without end":   attempt(func(u *user.User) { u.Attempt.Expires = time.Time{} }),
		"confirmed and attempt": attempt(func(u *user.User) { u.Status = user.Confirmed }),
		"unconfirmed again": loaded(func(u *user.User) {
			u.Status, u.Attempt = user.Unconfirmed, attempt(nil).Attempt
		}),
	}
	for name, u := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := storage.Check([]storage.Change{storage.Put(u)}); !errors.Is(err, storage.ErrInvalid) {
				t.Errorf("Check() = %v, want %v", err, storage.ErrInvalid)
			}
		})
	}
}

func TestTargetOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		record any
		want   storage.Target
	}{
		{pool(nil), storage.Target{Pool: "p", Kind: "pool", ID: "p"}},
		{person(nil), storage.Target{Pool: "p", Kind: "user", ID: "ada"}},
		{session(nil), storage.Target{Pool: "p", Kind: "session", Owner: "ada", ID: "s"}},
		{ticket(nil), storage.Target{Pool: "p", Kind: "ticket", ID: "t"}},
		{document(nil), storage.Target{Pool: "p", Kind: "document", Owner: "settings", ID: "d"}},
		{outgoing(nil), storage.Target{Pool: "p", Kind: "outgoing", ID: "o"}},
		{revocation(nil), storage.Target{Pool: "p", Kind: "revocation", ID: "r"}},
		{event(nil), storage.Target{Pool: "p", Kind: "event", ID: "e"}},
		{&storage.Counter{Key: counter("ada")}, storage.Target{Pool: "p", Kind: "counter", Owner: "ada", ID: "n"}},
		{"ada", storage.Target{}},
		{nil, storage.Target{}},
	}
	for _, tt := range tests {
		if got := storage.TargetOf(tt.record); got != tt.want {
			t.Errorf("TargetOf(%T) = %+v, want %+v", tt.record, got, tt.want)
		}
	}
}

// numbered returns n texts.
func numbered(n int) (texts []string) {
	for i := range n {
		texts = append(texts, fmt.Sprint("client", i))
	}
	return texts
}
