package pool

import (
	"context"
	"crypto/rand"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// DeleteInput erases one's own account.
type DeleteInput struct {
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// Delete erases the user, as [Admin.DeleteUser] does: logins, sessions, tickets, codes and messages
// that wait go at once, and where they were in the events of the pool cannot be read any more. There
// is no way back. Addresses are free, but one that was replaced rests until its link is over; a user
// name rests for 30 days, in which nobody can pass for the one who had it; the id is never used again
// (security.md S13). The proven address gets a last message, and so does every address that a link
// could have restored: whoever steals an account and deletes it does not do so unheard.
//
// It fails with [ErrNeedsProof], with [ErrNotAuthorized], which a wrong password is too, with
// [storage.ErrReferenced] where a foreign key of the app's own rows refuses it, and with a
// *[LimitError]. After an [ErrUnavailable] it may be done all the same, and is [ErrNotAuthorized]
// then. It costs one read and one commit, and a hash where a password is given.
func (a *Account) Delete(ctx context.Context, in DeleteInput) error {
	var v validation
	if err := v.proof(in.With); err != nil {
		return err
	}
	s := a.proving(in.With, in.Caller, deleteEvent)
	var sent unread // of messages to the address
	_, err := again(func() (struct{}, error) {
		g, err := a.prove(ctx, &s, a.formerAddresses())
		if err != nil {
			return struct{}{}, err
		}
		u := g.user
		changes, err := a.pool.farewellToFormer(g, in.Caller)
		if err != nil {
			return struct{}{}, err
		}
		changes = append(changes, a.pool.farewell(g, in.Caller, &sent)...)
		changes = append(changes, storage.Delete(u), a.pool.voided(u.Clone(), g.now))
		if len(g.proven) > 0 { // goes with the user
			g.guesses.Key, g.proven = g.strangers, nil
		}
		err = a.act(ctx, g, &s, changes...)
		to, _ := contact(u)
		sent.learn(err, mailing(to), g.now)
		return struct{}{}, err
	})
	return err
}

// farewell returns the changes that tell the owner of an account that it is gone. The message is
// nobody's, or it would go with the user; it counts against the address like those that strangers
// cause, because whoever is paid for messages to a phone could sign up and leave all day long.
func (p *Pool) farewell(g granted, from Caller, sent *unread) []storage.Change {
	to, proven := contact(g.user)
	n := sent.at(storage.CounterKey{Pool: p.config.ID, Owner: g.state.pseudonym(to), Name: signUpMail})
	rule := mailing(to)
	full := !rule.Locked(n, g.now).IsZero()
	l := letterTo(to, message.AccountDeleted, localeOf(g.user, from.locale()), "")
	l.Name, l.Void = g.user.Username(), !proven || full
	changes := []storage.Change{p.notify(user.ID("farewell/"+rand.Text()), l, g.now)}
	if full {
		return changes
	}
	return append(changes, storage.Count{Key: n.Key, Rule: rule, Now: g.now})
}

// formerAddresses asks for what the user can have restored.
func (a *Account) formerAddresses() (w storage.Want) {
	s, id := a.pool.state.Load(), user.ID(a.claims.Subject)
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		w.Tickets = append(w.Tickets, s.ownTicket(purposeFormer, k, id).ID())
	}
	return w
}

// farewellToFormer returns the changes that tell former addresses, of which there are few (maxFormer).
// The messages with their links go with the user, sent or not.
func (p *Pool) farewellToFormer(g granted, from Caller) (changes []storage.Change, err error) {
	seen := map[string]bool{}
	for _, t := range g.read.Tickets {
		given, err := readFormer(t, g.user, g.now)
		if err != nil {
			return nil, err
		}
		for _, f := range given.Given {
			to, err := user.Identify(f.To, user.CaseInsensitive)
			if err != nil || seen[f.To] { // "" is where an address was added
				continue
			}
			seen[f.To] = true
			l := letterTo(to, message.AccountDeleted, localeOf(g.user, from.locale()), "")
			l.Name = g.user.Username()
			changes = append(changes, p.notify(user.ID("farewell/"+rand.Text()), l, g.now))
		}
	}
	return changes, nil
}
