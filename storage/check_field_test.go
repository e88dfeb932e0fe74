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

// spelled returns a change for each text that a change may hold, with that text in it. Those under
// "key" are texts by which something is found.
func spelled(text string) map[string]storage.Change {
	return map[string]storage.Change{
		"key: pool":               storage.Put(pool(func(p *storage.Pool) { p.ID = user.PoolID(text) })),
		"key: pool issuer":        storage.Put(pool(func(p *storage.Pool) { p.Issuer = text })),
		"key: pool client":        storage.Put(pool(func(p *storage.Pool) { p.Clients = []string{text} })),
		"key: pool searchable":    storage.Put(pool(func(p *storage.Pool) { p.Searchable = []string{text} })),
		"key: user pool":          storage.Put(person(func(u *user.User) { u.Pool = user.PoolID(text) })),
		"key: user":               storage.Put(person(func(u *user.User) { u.ID = user.ID(text) })),
		"key: login namespace":    storage.Put(person(func(u *user.User) { u.Logins = []user.Login{{Namespace: user.Namespace(text), Value: "a"}} })),
		"key: login":              storage.Put(person(func(u *user.User) { u.Logins = []user.Login{login(text)} })),
		"key: attempt":            storage.Put(attempt(func(u *user.User) { u.Attempt.Login = login(text) })),
		"key: term name":          storage.Put(person(func(u *user.User) { u.Index = []user.Term{{Name: text}} })),
		"key: term":               storage.Put(person(func(u *user.User) { u.Index = []user.Term{{Name: "a", Value: text}} })),
		"key: session pool":       storage.Put(session(func(s *token.Session) { s.Pool = text })),
		"key: session":            storage.Put(session(func(s *token.Session) { s.ID = text })),
		"key: session user":       storage.Put(session(func(s *token.Session) { s.User = text })),
		"key: session kind":       storage.Put(session(func(s *token.Session) { s.Kind = token.SessionKind(text) })),
		"key: session parent":     storage.Put(session(func(s *token.Session) { s.Parent = text })),
		"key: session client":     storage.Put(session(func(s *token.Session) { s.Client = text })),
		"key: session device":     storage.Put(session(func(s *token.Session) { s.Device = text })),
		"key: session thumbprint": storage.Put(session(func(s *token.Session) { s.Confirmation = text })),
		"key: ticket":             storage.Put(ticket(func(t *storage.Ticket) { t.ID = text })),
		"key: ticket user":        storage.Put(ticket(func(t *storage.Ticket) { t.User = user.ID(text) })),
		"key: ticket client":      storage.Put(ticket(func(t *storage.Ticket) { t.Client = text })),
		"key: ticket purpose":     storage.Put(ticket(func(t *storage.Ticket) { t.Purpose = text })),
		"key: document":           storage.Put(document(func(d *storage.Document) { d.ID = text })),
		"key: document kind":      storage.Put(document(func(d *storage.Document) { d.Kind = text })),
		"key: document deleted":   storage.Delete(document(func(d *storage.Document) { d.ID = text })),
		"key: kind required":      storage.Require(document(func(d *storage.Document) { d.Kind = text })),
		"key: outgoing":           storage.Put(outgoing(func(o *storage.Outgoing) { o.ID = text })),
		"key: outgoing owner":     storage.Put(outgoing(func(o *storage.Outgoing) { o.Owner = user.ID(text) })),
		"key: outgoing ticket":    storage.Put(outgoing(func(o *storage.Outgoing) { o.Ticket = text })),
		"key: revocation":         storage.Put(revocation(func(r *storage.Revocation) { r.ID = text })),
		"key: revocation user":    storage.Put(revocation(func(r *storage.Revocation) { r.User = user.ID(text) })),
		"key: revocation session": storage.Put(revocation(func(r *storage.Revocation) { r.Session = text })),
		"key: event":              storage.Put(event(func(e *storage.Event) { e.ID = text })),
		"key: event user":         storage.Put(event(func(e *storage.Event) { e.User = user.ID(text) })),
		"key: event kind":         storage.Put(event(func(e *storage.Event) { e.Kind = text })),
		"key: event sealed":       seal(func(s *storage.Seal) { s.Events[0] = text }),
		"key: counter":            storage.Raise{Key: storage.CounterKey{Pool: "p", Owner: "a", Name: text}, N: 1},
		"key: counter owner":      storage.Count{Key: counter(text), Rule: tries, Now: t0},
		"key: counter cleared":    storage.Clear{Key: counter(text), Rule: tries, Now: t0},
		"key: counter deleted":    storage.Delete(&storage.Counter{Key: counter(text)}),
		"key: counter pool":       storage.Raise{Key: storage.CounterKey{Pool: user.PoolID(text), Owner: "a", Name: "n"}, N: 1},
		"key: deferred":           storage.Defer{Pool: "p", Owner: user.ID(text), Due: t0},

		"login display":   storage.Put(person(func(u *user.User) { u.Logins = []user.Login{{Namespace: user.Name, Value: "a", Display: text}} })),
		"attempt display": storage.Put(attempt(func(u *user.User) { u.Attempt.Login.Display = text })),
		"attribute":       storage.Put(person(func(u *user.User) { u.Attributes = user.Attributes{"a": text} })),
		"attribute name":  storage.Put(person(func(u *user.User) { u.Attributes = user.Attributes{text: "a"} })),
		"password hash":   storage.Put(person(func(u *user.User) { u.Password = &user.Password{Hash: text} })),
		"password form":   storage.Put(person(func(u *user.User) { u.Password = &user.Password{Form: user.Form(text)} })),
		"password inner":  storage.Put(person(func(u *user.User) { u.Password = &user.Password{Inner: text} })),
		"past password":   storage.Put(person(func(u *user.User) { u.Password = &user.Password{Past: []user.Past{{Hash: text}}} })),
		"proof method":    storage.Put(proven(token.Proof{Method: token.Method(text)})),
		"credential":      storage.Put(proven(token.Proof{Credential: text})),
		"proof channel":   storage.Put(proven(token.Proof{Channel: text})),
	}
}

func proven(p token.Proof) *token.Session {
	return session(func(s *token.Session) { s.Proofs = []token.Proof{p} })
}

// TestCheckTexts: no text is anything but UTF-8 without NUL, which stores would replace, cut or page around for
// ever, and no key is so long that only some of them take it.
func TestCheckTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\xff", "\xc3", "\xed\xa0\x80", "\xff" + "a", "a\x00", "\x00"} {
		for name, change := range spelled(text) {
			invalid(t, fmt.Sprintf("%s %q", name, text), change)
		}
	}
	for name, change := range spelled(long) {
		if strings.HasPrefix(name, "key") {
			invalid(t, name+" of 513 bytes", change)
		}
	}
	for name, change := range spelled(strings.Repeat("x", 5<<20)) {
		invalid(t, name+" of 5 MiB", change)
	}
	for name, change := range spelled("Zo\u00eb \x01 \U0010ffff \ufffd") {
		if _, err := storage.Check([]storage.Change{change}); err != nil {
			t.Errorf("%s in UTF-8: %v, want nil", name, err)
		}
	}
	halves := storage.CounterKey{Pool: "p", Owner: "\xc3", Name: "\xa9"}
	invalid(t, "a letter in two halves", storage.Raise{Key: halves, N: 1})
}

func invalid(t *testing.T, what string, c storage.Change) {
	t.Helper()
	if _, err := storage.Check([]storage.Change{c}); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("%s: %v, want %v", what, err, storage.ErrInvalid)
	}
}

// TestCheckTimes: a time that overflows in a store would end at once what was to last.
func TestCheckTimes(t *testing.T) {
	t.Parallel()
	west := time.FixedZone("west", -12*3600)
	first, last := time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, at := range []time.Time{
		first.Add(-time.Hour), last.Add(time.Second), last.In(west).Add(time.Second),
		time.Date(300_000, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<62, 0), time.Unix(-1<<62, 0),
	} {
		for name, change := range timedAt(at) {
			invalid(t, fmt.Sprintf("%s at %v", name, at), change)
		}
	}
	for _, at := range []time.Time{first, last, last.In(west), storage.Forever} {
		for name, change := range timedAt(at) {
			if _, err := storage.Check([]storage.Change{change}); err != nil {
				t.Errorf("%s at %v: %v, want nil", name, at, err)
			}
		}
	}
}

// timedAt returns a change for each time that a change may hold, with that time in it.
func timedAt(at time.Time) map[string]storage.Change {
	return map[string]storage.Change{
		"pool created":      storage.Put(pool(func(p *storage.Pool) { p.Created = at })),
		"user created":      storage.Put(person(func(u *user.User) { u.Created = at })),
		"user updated":      storage.Put(person(func(u *user.User) { u.Updated = at })),
		"attempt expires":   storage.Put(attempt(func(u *user.User) { u.Attempt.Expires = at })),
		"password set":      storage.Put(person(func(u *user.User) { u.Password = &user.Password{Set: at} })),
		"session created":   storage.Put(session(func(s *token.Session) { s.Created = at })),
		"session last used": storage.Put(session(func(s *token.Session) { s.LastUsed = at })),
		"session expires":   storage.Put(session(func(s *token.Session) { s.Expires = at })),
		"session rotated":   storage.Put(session(func(s *token.Session) { s.Rotated = at })),
		"proof":             storage.Put(proven(token.Proof{Time: at})),
		"ticket created":    storage.Put(ticket(func(t *storage.Ticket) { t.Created = at })),
		"ticket expires":    storage.Put(ticket(func(t *storage.Ticket) { t.Expires = at })),
		"document created":  storage.Put(document(func(d *storage.Document) { d.Created = at })),
		"document updated":  storage.Put(document(func(d *storage.Document) { d.Updated = at })),
		"outgoing due":      storage.Put(outgoing(func(o *storage.Outgoing) { o.Due = at })),
		"outgoing until":    storage.Put(outgoing(func(o *storage.Outgoing) { o.NotAfter = at })),
		"outgoing created":  storage.Put(outgoing(func(o *storage.Outgoing) { o.Created = at })),
		"revocation":        storage.Put(revocation(func(r *storage.Revocation) { r.Expires = at })),
		"event":             storage.Put(event(func(e *storage.Event) { e.Time = at })),
		"seal":              seal(func(s *storage.Seal) { s.Record.Time = at }),
		"count":             storage.Count{Key: counter("a"), Rule: tries, Now: at},
		"clear":             storage.Clear{Key: counter("a"), Rule: tries, Now: at},
		"defer":             storage.Defer{Pool: "p", Owner: "a", Due: at},
	}
}
