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
	var f fields
	switch r := r.(type) {
	case *user.User:
		return examineUser(r)
	case *token.Session:
		f.session(r)
	case *Pool:
		f.keys(string(r.ID), r.Issuer)
		f.keys(r.Searchable...)
		f.times(r.Created)
		f.want(f.size <= maxState && len(r.Searchable) <= 10 && !r.Created.IsZero())
		f.keys(r.Clients...)
		f.want(f.size <= maxBody && len(r.Clients) <= maxClients && distinct(r.Clients))
	case *Ticket:
		f.keys(r.ID, string(r.User), r.Client, r.Purpose)
		f.bytes(r.MAC, r.Code, r.State)
		f.times(r.Created, r.Expires)
		f.want(f.size <= maxTicket && !r.Created.IsZero() && !r.Expires.IsZero())
	case *Document:
		f.keys(r.Kind, r.ID)
		f.bytes(r.Body)
		f.times(r.Created, r.Updated)
		f.want(len(r.Body) <= maxBody && r.Kind != "")
	case *Outgoing:
		f.keys(r.ID, string(r.Owner), r.Ticket)
		f.bytes(r.Body)
		f.times(r.Due, r.NotAfter, r.Created)
		f.want(len(r.Body) <= maxOutgoing && r.Owner != "" && !r.Due.IsZero() && !r.Created.IsZero())
	case *Revocation:
		f.keys(r.ID, string(r.User), r.Session)
		f.times(r.Expires)
		f.want(r.User != "" && !r.Expires.IsZero())
	case *Event:
		f.keys(r.ID, string(r.User), r.Kind)
		f.bytes(r.Header, r.Personal, r.Leaf)
		f.times(r.Time)
		f.want(len(r.Header) <= maxHeader && len(r.Personal) <= maxHeader && len(r.Leaf) == 32 && !r.Time.IsZero())
	default:
		return 0, fmt.Errorf("%T is no record", r)
	}
	return f.size, f.err
}

func (f *fields) session(s *token.Session) {
	f.keys(s.ID, s.User, string(s.Kind), s.Parent, s.Client, s.Device, s.Confirmation)
	f.bytes(s.Key)
	f.times(s.Created, s.LastUsed, s.Expires, s.Rotated)
	for _, p := range s.Proofs {
		f.size += 32
		f.texts(string(p.Method), p.Credential, p.Channel)
		f.times(p.Time)
	}
	f.want(f.size <= maxState && s.User != "" && s.Idle >= 0)
	f.want(!s.Created.IsZero() && !s.LastUsed.IsZero() && !s.Expires.IsZero())
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
	case u.Somebody() == (u.Attempt != nil), !u.Somebody() && len(u.Logins)+len(u.Groups) > 0:
		return 0, fmt.Errorf("an unconfirmed user, and no other, has an attempt, owns no login and is in no group")
	case ok && loaded.Status != user.Unconfirmed && !u.Somebody():
		return 0, fmt.Errorf("a user does not become unconfirmed again")
	case u.Attempt != nil && (u.Attempt.Login.Value == "" || u.Attempt.Expires.IsZero()):
		return 0, fmt.Errorf("an attempt has a login and an end")
	case u.Attempt != nil && (u.Attempt.Proves().Namespace == "" || u.Attempt.Proves().Value == ""):
		return 0, fmt.Errorf("an address to be proven has a namespace and a value")
	}
	seen := make(map[user.Login]bool, len(u.Logins))
	for _, l := range u.Logins {
		k := user.Login{Namespace: l.Namespace, Value: l.Value}
		if seen[k] || l.Namespace == "" || l.Value == "" {
			return 0, fmt.Errorf("a login is empty or stands twice")
		}
		seen[k] = true
	}
	terms := make(map[user.Term]bool, len(u.Index))
	for _, t := range u.Index {
		if t.Name == "" || t.Name == LoginTerm || len(t.Value) > MaxTerm || terms[t] {
			return 0, fmt.Errorf("an index term has no name or %q, is longer than %d bytes, or stands twice", LoginTerm, MaxTerm)
		}
		terms[t] = true
	}
	if err := user.CheckGroups(u.Groups); err != nil {
		return 0, err
	}
	var f fields
	f.user(u)
	return u.Size(), f.err
}

func (f *fields) user(u *user.User) {
	f.times(u.Created, u.Updated)
	for _, l := range u.Logins {
		f.login(l)
	}
	if a := u.Attempt; a != nil {
		f.login(a.Login)
		f.login(a.Address)
		f.times(a.Expires)
	}
	for name, value := range u.Attributes {
		f.texts(name, value)
	}
	for _, t := range u.Index {
		f.keys(t.Name, t.Value)
	}
	f.factors(u.Factors)
	p := u.Password
	if p == nil {
		return
	}
	f.texts(p.Hash, string(p.Form), p.Inner)
	f.times(p.Set)
	for _, past := range p.Past {
		f.texts(past.Hash)
	}
}

func (f *fields) factors(all *user.Factors) {
	if all == nil {
		return
	}
	f.texts(string(all.Preferred))
	f.times(all.SMS, all.Email, all.Recovery.Made)
	for _, a := range all.Apps {
		f.texts(a.ID, a.Name)
		f.times(a.Created)
	}
	for _, p := range all.Passkeys {
		f.texts(p.Transports...)
		f.texts(p.Name)
		f.times(p.Created)
	}
	for _, d := range all.Devices {
		f.texts(d.ID, d.Name, d.Agent)
		f.times(d.Created, d.Expires)
	}
}

func (f *fields) login(l user.Login) {
	f.keys(string(l.Namespace), l.Value)
	f.texts(l.Display)
}

// distinct tells whether no text is empty or stands twice.
func distinct(texts []string) bool {
	seen := make(map[string]bool, len(texts))
	for _, t := range texts {
		if t == "" || seen[t] {
			return false
		}
		seen[t] = true
	}
	return true
}
