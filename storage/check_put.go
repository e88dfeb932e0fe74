package storage

import (
	"fmt"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// examinePut is examine for a record that is written whole.
func examinePut(c PutRecord) (Target, int, error) {
	if absent(c.Record) {
		return Target{}, 0, fmt.Errorf("no record")
	}
	if _, ok := c.Record.(*Counter); ok || c.Stamp <= 0 {
		return Target{}, 0, fmt.Errorf("a counter cannot be put, nor anything without a stamp")
	}
	t := TargetOf(c.Record)
	if err := keyed(t.ID, true); err != nil {
		return t, 0, err
	}
	size, err := examineRecord(c.Record)
	return t, size, err
}

func examineRecord(r any) (size int, err error) {
	switch r := r.(type) {
	case *Pool:
		size = len(r.ID) + len(r.Issuer)
		for _, name := range r.Searchable {
			size += len(name)
		}
		return size, fits(size <= maxState && len(r.Searchable) <= 10 && !r.Created.IsZero())
	case *user.User:
		return examineUser(r)
	case *token.Session:
		size = len(r.ID) + len(r.Key) + len(r.Client) + len(r.Device) + len(r.Confirmation)
		for _, p := range r.Proofs {
			size += 32 + len(p.Method) + len(p.Credential) + len(p.Channel)
		}
		return size, fits(size <= maxState && r.User != "" && !r.Created.IsZero() && !r.LastUsed.IsZero() && !r.Expires.IsZero() && r.Idle >= 0)
	case *Ticket:
		size = len(r.ID) + len(r.MAC) + len(r.Code) + len(r.State) + len(r.Client) + len(r.Purpose)
		return size, fits(size <= maxState && !r.Created.IsZero() && !r.Expires.IsZero())
	case *Document:
		size = len(r.Kind) + len(r.ID) + len(r.Body)
		return size, fits(len(r.Body) <= maxBody && r.Kind != "" && len(r.Kind) <= maxKey)
	case *Outgoing:
		size = len(r.ID) + len(r.Body) + len(r.Ticket)
		return size, fits(len(r.Body) <= maxOutgoing && r.Owner != "" && !r.Due.IsZero() && !r.Created.IsZero())
	case *Revocation:
		return len(r.ID) + len(r.Session), fits(r.User != "" && !r.Expires.IsZero())
	case *Event:
		size = len(r.ID) + len(r.Kind) + len(r.Header) + len(r.Personal) + len(r.Leaf)
		return size, fits(len(r.Header) <= maxHeader && len(r.Personal) <= maxHeader && len(r.Leaf) == 32 && !r.Time.IsZero())
	}
	return 0, fmt.Errorf("%T is no record", r)
}

func examineUser(u *user.User) (int, error) {
	if n := u.Size(); n > user.MaxSize {
		return 0, fmt.Errorf("the user has %d bytes, at most %d", n, user.MaxSize)
	}
	loaded, ok := u.Loaded()
	switch {
	case !u.Status.Valid() || u.Created.IsZero():
		return 0, fmt.Errorf("a user has a status and a time of creation")
	case ok != (u.Version != 0):
		return 0, fmt.Errorf("a user with a stamp is one that was read from a store")
	case u.Somebody() == (u.Attempt != nil), !u.Somebody() && len(u.Logins) > 0:
		return 0, fmt.Errorf("an unconfirmed user, and no other, has an attempt, and owns no login")
	case ok && loaded.Status != user.Unconfirmed && !u.Somebody():
		return 0, fmt.Errorf("a user does not become unconfirmed again")
	case u.Attempt != nil && (u.Attempt.Login.Value == "" || u.Attempt.Expires.IsZero()):
		return 0, fmt.Errorf("an attempt has a login and an end")
	}
	seen := make(map[user.Login]bool, len(u.Logins))
	for _, l := range u.Logins {
		k := user.Login{Namespace: l.Namespace, Value: l.Value}
		if seen[k] || l.Namespace == "" || l.Value == "" || len(l.Value) > maxKey {
			return 0, fmt.Errorf("a login is empty, too long, or stands twice")
		}
		seen[k] = true
	}
	terms := make(map[user.Term]bool, len(u.Index))
	for _, t := range u.Index {
		if t.Name == "" || len(t.Value) > MaxTerm || terms[t] {
			return 0, fmt.Errorf("an index term has no name, is longer than %d bytes, or stands twice", MaxTerm)
		}
		terms[t] = true
	}
	return u.Size(), nil
}

func fits(ok bool) error {
	if !ok {
		return fmt.Errorf("a field is missing or too large")
	}
	return nil
}
