package pool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// What a user has of each kind of address there is one ticket for: who is signed in, and so known,
// needs no bearer to find it, and a newer one takes the place of the older.
const (
	purposePending = "change_address"        // one that is to be proven
	purposeFormer  = "cancel_address_change" // those of before, which can be restored
)

const (
	pendingLifetime = 24 * time.Hour     // Cognito's, for the code of an attribute
	restoreLifetime = 7 * 24 * time.Hour // security.md S5
)

// ownTicket returns the id of the ticket that a user has for a purpose and a kind of address. It
// shows nobody which user that is: links carry it.
func (s *state) ownTicket(purpose string, k user.Kind, id user.ID) bearer {
	var b bearer
	copy(b.id[:], s.hmac("ticket of "+purpose+" "+string(k), string(id)))
	return b
}

// standing returns the ticket in whose place another of its id is put: the one that was read or, where
// that was none and the commit of a round before was stale, one that has expired and that nobody has
// erased yet. To look for that costs a read.
func (p *Pool) standing(ctx context.Context, read *storage.Ticket, id string, s *proving) (*storage.Ticket, error) {
	if s.rounds++; read != nil || s.rounds == 1 {
		return read, nil
	}
	got, err := p.read(ctx, storage.Want{Now: time.Unix(0, 0), Tickets: []string{id}})
	if err != nil {
		return nil, err
	}
	return got.Tickets[0], nil
}

// former are the addresses of one kind that a user gave up within the last week, oldest first. They
// are a stack: whoever restores one undoes all that was changed after it, so that a link which a
// thief got for an address of their own is of no use once the owner has used theirs. It is of use for
// as long as the user has the address that the last change led to: what an administrator has changed
// since is not undone.
type former struct {
	Kind  user.Kind       `json:"kind"`
	Is    string          `json:"is,omitempty"` // "" means none
	Given []formerAddress `json:"given"`
}

// formerAddress is an address that can be restored by a link.
type formerAddress struct {
	To    string    `json:"to"`  // "" means none: there was no proven one
	MAC   []byte    `json:"mac"` // of the link
	Until time.Time `json:"until"`
}

// maxFormer is how many addresses of a kind can be given up within a week. The oldest must never
// give way to a newer one: it is the owner's.
const maxFormer = 8

// readFormer returns what a user can still have restored by a ticket, which may be nil.
func readFormer(t *storage.Ticket, u *user.User, now time.Time) (f former, err error) {
	if t == nil {
		return f, nil
	}
	if err := json.Unmarshal(t.State, &f); err != nil {
		return f, fmt.Errorf("read ticket: %w", err)
	}
	f.Given = slices.DeleteFunc(f.Given, func(a formerAddress) bool { return !now.Before(a.Until) })
	if len(f.Given) > 0 && f.Is != f.present(u).Display {
		f.Given = nil
	}
	return f, nil
}

// present returns the address that u has now.
func (f former) present(u *user.User) user.Login {
	is, _ := u.Address(f.Kind)
	return is
}

// full returns until when no more addresses can be given up; zero means that they can.
func (f former) full() time.Time {
	if len(f.Given) < maxFormer {
		return time.Time{}
	}
	return f.Given[0].Until
}

// put returns the change that stores what u, as they will be, can have restored, in place of t, the
// ticket of before.
func (f former) put(p *Pool, s *state, t *storage.Ticket, k user.Kind, u *user.User, now time.Time) storage.Change {
	if len(f.Given) == 0 {
		return storage.Delete(t)
	}
	f.Is = f.present(u).Display
	next := &storage.Ticket{Created: now}
	if t != nil {
		next = t.Clone()
	}
	next.Pool, next.ID, next.User = p.config.ID, s.ownTicket(purposeFormer, k, u.ID).ID(), u.ID
	next.Purpose, next.Epoch, next.Expires = purposeFormer, u.Epoch, f.Given[len(f.Given)-1].Until
	next.State, _ = json.Marshal(f) // texts, bytes and times cannot fail
	return storage.Put(next)
}

// giveUp returns f with an address on top, the zero Login meaning none, and what the link that
// restores it carries.
func (f former) giveUp(p *Pool, s *state, k user.Kind, old user.Login, u *user.User, now time.Time) (former, string) {
	link := newBearer()
	link.id = s.ownTicket(purposeFormer, k, u.ID).id
	f.Kind = k
	a := formerAddress{To: old.Display, Until: now.Add(restoreLifetime).Truncate(time.Microsecond)}
	a.MAC = p.config.Keys.MAC(purposeFormer, a.parts(p, u, link)...)
	f.Given = append(slices.Clip(f.Given), a)
	return f, link.String()
}

// place returns where in f the address stands that a link restores; -1 means nowhere.
func (f former) place(p *Pool, u *user.User, link bearer) int {
	return slices.IndexFunc(f.Given, func(a formerAddress) bool {
		return p.config.Keys.VerifyMAC(a.MAC, purposeFormer, a.parts(p, u, link)...)
	})
}

// parts is what the MAC of a link covers: all that decides what it restores, and for whom.
func (a formerAddress) parts(p *Pool, u *user.User, link bearer) [][]byte {
	return [][]byte{
		[]byte(p.config.ID), []byte(u.ID), []byte(link.ID()), []byte(a.To), link.secret[:],
		fmt.Appendf(nil, "%d", a.Until.UnixMicro()),
	}
}

// moved returns u with another address of a kind, which they have proven, in place of the one of
// before; the zero Login means none.
func (s *state) moved(u *user.User, k user.Kind, to user.Login) *user.User {
	next := u.Clone()
	withdraw(next, k)
	if to != (user.Login{}) {
		next.Prove(to, s.settings.SignIn.kinds()...)
	}
	dropUnreached(next)
	return next
}

// withdraw takes the address of a kind away from u.
func withdraw(u *user.User, k user.Kind) {
	u.Logins = slices.DeleteFunc(u.Logins, func(l user.Login) bool { return l.Kind() == k })
	delete(u.Attributes, k.Attribute())
	delete(u.Attributes, k.Attribute()+"_verified")
}

// carries reports whether a code is the one that was sent last for a ticket.
func (p *Pool) carries(t *storage.Ticket, code string) bool {
	var c carried
	if json.Unmarshal(t.State, &c) != nil {
		return false
	}
	_, right := p.gate.EmailCode(t, c.Channel, code, time.Time{})
	return right
}
