package storage

import (
	"fmt"
	"time"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Limits of one commit and of what it holds. Beyond them a commit is ErrInvalid.
const (
	MaxChanges  = 100
	MaxCommit   = 1 << 20 // bytes, all changes together
	maxState    = 8 << 10
	maxTicket   = 16 << 10
	maxBody     = 256 << 10
	maxOutgoing = 64 << 10
	maxHeader   = 4 << 10
	maxSealed   = 5000
	maxKey      = 512 // of each text by which something is found
	maxClients  = 1000
	maxAttempts = 3 // at one login, put by one commit: there are no more places
)

// Check returns the pool of a commit, or why the commit is ErrInvalid. Adapters call it first, so
// that all refuse alike. Texts are UTF-8 without NUL, which PostgreSQL cannot hold; times are zero where that is
// allowed, else of the years 1 to 9999.
func Check(changes []Change) (user.PoolID, error) {
	if len(changes) > MaxChanges {
		return "", fmt.Errorf("%w: %d changes, at most %d", ErrInvalid, len(changes), MaxChanges)
	}
	var pool user.PoolID
	seen := make(map[Target]bool, len(changes))
	var attempts map[user.Login]int
	total := 0
	for i, c := range changes {
		t, size, err := examine(c)
		if err == nil {
			err = t.check()
		}
		if err != nil {
			return "", fmt.Errorf("%w: change %d: %w", ErrInvalid, i, err)
		}
		if i == 0 {
			pool = t.Pool
		}
		switch {
		case t.Pool == "":
			return "", fmt.Errorf("%w: change %d names no pool", ErrInvalid, i)
		case t.Pool != pool:
			return "", fmt.Errorf("%w: changes of two pools", ErrInvalid)
		case seen[t]:
			return "", fmt.Errorf("%w: change %d has the target of an earlier one", ErrInvalid, i)
		}
		seen[t] = true
		total += size
		login, ok := attempted(c)
		if !ok {
			continue
		}
		if attempts == nil {
			attempts = make(map[user.Login]int)
		}
		if attempts[login]++; attempts[login] > maxAttempts {
			return "", fmt.Errorf("%w: more than %d attempts at one login", ErrInvalid, maxAttempts)
		}
	}
	if total > MaxCommit {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrInvalid, total, MaxCommit)
	}
	return pool, nil
}

// attempted returns the login at which a change puts an attempt.
func attempted(c Change) (l user.Login, ok bool) {
	put, _ := c.(PutRecord)
	u, _ := put.Record.(*user.User)
	if u == nil || u.Attempt == nil {
		return l, false
	}
	return user.Login{Namespace: u.Attempt.Login.Namespace, Value: u.Attempt.Login.Value}, true
}

// Target is what a change is about. No two changes of a commit have the same.
type Target struct {
	Pool  user.PoolID
	Kind  string
	Owner string
	ID    string
}

// check refuses keys that a store could not keep as they are.
func (t Target) check() error {
	var f fields
	f.keys(string(t.Pool), t.Owner, t.ID)
	return f.err
}

// TargetOf returns what a record is stored under: its kind, and its key within the pool. The zero
// Target means that r is no record.
func TargetOf(r any) Target {
	switch r := r.(type) {
	case *Pool:
		return Target{r.ID, "pool", "", string(r.ID)}
	case *user.User:
		return Target{r.Pool, "user", "", string(r.ID)}
	case *token.Session:
		return Target{user.PoolID(r.Pool), "session", r.User, r.ID}
	case *Ticket:
		return Target{r.Pool, "ticket", "", r.ID}
	case *Document:
		return Target{r.Pool, "document", r.Kind, r.ID}
	case *Outgoing:
		return Target{r.Pool, "outgoing", "", r.ID}
	case *Revocation:
		return Target{r.Pool, "revocation", "", r.ID}
	case *Event:
		return Target{r.Pool, "event", "", r.ID}
	case *Counter:
		return counterTarget(r.Key)
	}
	return Target{}
}

func counterTarget(k CounterKey) Target { return Target{k.Pool, "counter", k.Owner, k.Name} }

// examine returns what a change is about and how many bytes it counts for, or what is wrong with it.
func examine(c Change) (t Target, size int, err error) {
	switch c := c.(type) {
	case PutRecord:
		return examinePut(c)
	case DeleteRecord:
		return examineKeyed(c.Record, "deleted")
	case RequireRecord:
		if _, ok := c.Record.(*Counter); ok {
			return t, 0, fmt.Errorf("a counter cannot be required")
		}
		return examineKeyed(c.Record, "required")
	case Count:
		expected := c.Expect == Either || c.Rule.Base > 0 && (c.Expect == StaysOpen || c.Expect == Locks)
		return examineCounter(c.Key, c.Rule.Valid() && timed(c.Now) && expected)
	case Clear:
		return examineCounter(c.Key, c.Rule.Valid() && timed(c.Now))
	case Raise:
		return examineCounter(c.Key, c.N > 0)
	case Defer:
		return Target{c.Pool, "defer", "", string(c.Owner)}, len(c.Owner), keyed(string(c.Owner), timed(c.Due))
	case Seal:
		return examineSeal(c)
	}
	return t, 0, fmt.Errorf("%T is no change", c)
}

func examineKeyed(r any, verb string) (Target, int, error) {
	switch r.(type) {
	case *Event, *Revocation:
		return Target{}, 0, fmt.Errorf("%T cannot be %s", r, verb)
	}
	if absent(r) {
		return Target{}, 0, fmt.Errorf("no record")
	}
	t := TargetOf(r)
	if u, ok := r.(*user.User); ok && verb == "deleted" {
		if _, loaded := u.Loaded(); !loaded {
			return t, 0, fmt.Errorf("the user was not read from a store")
		}
	}
	return t, len(t.Owner) + len(t.ID), keyed(t.ID, true)
}

func examineCounter(k CounterKey, ok bool) (Target, int, error) {
	if k.Owner == "" || !ok {
		return Target{}, 0, fmt.Errorf("counter without owner, time or a valid rule")
	}
	return counterTarget(k), len(k.Owner) + len(k.Name), keyed(k.Owner+k.Name, k.Name != "")
}

func examineSeal(c Seal) (Target, int, error) {
	t := Target{c.Pool, "seal", "", ""}
	r := c.Record
	if len(c.Events) == 0 || len(c.Events) > maxSealed || r.Count != len(c.Events) || r.Number < 1 || r.Time.IsZero() {
		return t, 0, fmt.Errorf("a seal holds 1 to %d events, their count, a number and a time", maxSealed)
	}
	if len(r.Previous)+len(r.Digest)+len(r.MAC) > maxKey {
		return t, 0, fmt.Errorf("the seal is too large")
	}
	var f fields
	f.bytes(r.Previous, r.Digest, r.MAC)
	f.times(r.Time)
	f.keys(c.Events...)
	seen := make(map[string]bool, len(c.Events))
	for _, id := range c.Events {
		if seen[id] || id == "" {
			return t, 0, fmt.Errorf("an event stands twice in the seal")
		}
		seen[id] = true
	}
	return t, f.size, f.err
}

// timed tells whether a change that needs a time has one that can be kept.
func timed(t time.Time) bool {
	var f fields
	f.times(t)
	return f.err == nil && !t.IsZero()
}

// keyed refuses empty and oversized keys.
func keyed(key string, ok bool) error {
	if !ok || key == "" || len(key) > maxKey {
		return fmt.Errorf("a key is missing or longer than %d bytes", maxKey)
	}
	return nil
}

// absent tells whether r is no record, or a nil pointer to one.
func absent(r any) bool {
	switch r := r.(type) {
	case *Pool:
		return r == nil
	case *user.User:
		return r == nil
	case *token.Session:
		return r == nil
	case *Ticket:
		return r == nil
	case *Document:
		return r == nil
	case *Outgoing:
		return r == nil
	case *Revocation:
		return r == nil
	case *Event:
		return r == nil
	case *Counter:
		return r == nil
	}
	return true
}
