package pool

import (
	"context"
	"log/slog"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// CancelInput brings the link that was sent to an address which was replaced, or about lost factors.
type CancelInput struct {
	Link   string // the value of its query parameter "link"
	Caller Caller `json:"-"`
}

// LogValue leaves everything out, like that of [SignUpResult].
func (CancelInput) LogValue() slog.Value { return redacted }

// CancelChange restores an address that was replaced less than 7 days ago, with the link that was
// sent there, for whoever holds the mailbox or the phone: nobody needs to be signed in. What was
// changed of that kind of address after it is undone with it, and links for that are over. All
// sessions, tickets and codes end, and the password is of no use any more, because whoever changed
// the address knew it: set a new one with [Pool.ForgotPassword].
//
// Whoever has the old mailbox within that week has the last word, be they a stranger whom it was left
// to: the new address is told, and an administrator gives the account back. Let users keep the old
// one for a week.
//
// It acts at once, so a page answers the GET of a link with a form, and calls CancelChange at its
// POST only: mail scanners open links before people do (security.md S2). A password that is set, or
// signing out everywhere, does not end such a link, or a thief would do it first.
//
// The link of a message that somebody says that all second factors are lost ([LostFactors]) ends that,
// in the same way, for as long as no others were set up in their place. The factors stay.
//
// A link that came because a first address of its kind was added takes that away; where the user
// signs in by nothing else it is [ErrNotAllowed] until the link to restore the other was used. One
// that was never sent, has expired or was used is [ErrTicketGone]. It costs one read and one commit.
func (p *Pool) CancelChange(ctx context.Context, in CancelInput) error {
	link, ok := parseBearer(in.Link)
	if !ok {
		return ErrTicketGone
	}
	_, err := again(func() (struct{}, error) {
		g := granted{round: round{now: p.now()}}
		got, s, err := p.visit(ctx, in.Caller, storage.Want{
			Now: g.now, Tickets: []string{link.ID()},
			Counters: []storage.CounterKey{{Pool: p.config.ID, Name: changeMail}},
		})
		if err != nil {
			return struct{}{}, err
		}
		t := got.Tickets[0]
		if t != nil && t.Purpose == purposeLost {
			return struct{}{}, p.cancelLost(ctx, t, link, got.User, in.Caller, g.now)
		}
		if t == nil || t.Purpose != purposeFormer || got.User == nil || t.User != got.User.ID {
			return struct{}{}, ErrTicketGone
		}
		g.state, g.user, g.told = s, got.User, got.Counters[0]
		given, err := readFormer(t, g.user, g.now)
		if err != nil {
			return struct{}{}, err
		}
		n := given.place(p, g.user, link)
		if n < 0 {
			return struct{}{}, ErrTicketGone
		}
		changes, err := p.restored(g, t, given, n, in.Caller)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, owned(p.commit(ctx, changes...))
	})
	return err
}

// restored returns the changes that give a user the n-th of the addresses that were given up.
func (p *Pool) restored(g granted, t *storage.Ticket, given former, n int, from Caller) ([]storage.Change, error) {
	to, _ := user.Identify(given.Given[n].To, user.CaseInsensitive) // it was read so before, or is none
	k, undone := given.Kind, given.Given[n:]
	given.Given = given.Given[:n]
	next := g.state.moved(g.user, k, to)
	if !next.Named() {
		return nil, errLastLogin
	}
	if status, err := user.Next(next.Status, user.RequireReset); err == nil {
		next.Status = status
	}
	o := occurrence{who: g.user, from: from, Kind: cancelEvent, Outcome: succeeded}
	changes := []storage.Change{
		p.voided(next, g.now), storage.Put(next), given.put(p, g.state, t, k, next, g.now), p.event(g.now, o),
	}
	keys := map[storage.CounterKey]bool{}
	for _, a := range undone { // nobody waits for these any more
		l, err := user.Identify(a.To, user.CaseInsensitive)
		if err != nil { // none
			continue
		}
		keys[p.restKey(l)], keys[p.leftKey(g.user.ID, l)] = true, true
	}
	for key := range keys {
		changes = append(changes, storage.Delete(&storage.Counter{Key: key}))
	}
	return append(changes, p.tellUndone(g, k, to, next, from)...), nil
}

// tellUndone returns the changes that tell the address which goes that it does, since perhaps it was
// they, and the owner of the second factor that goes with it.
func (p *Pool) tellUndone(g granted, k user.Kind, to user.Login, next *user.User, from Caller) []storage.Change {
	changes := p.tell(g.user, g.told, from, g.now, removed(g.user.Factors, next.Factors)...)
	out, proven := g.user.Address(k)
	rule := mailing(out)
	if !proven || out.Value == to.Value || !rule.Locked(g.told, g.now).IsZero() {
		return changes
	}
	if len(changes) == 0 { // or they are counted together
		changes = append(changes, storage.Count{Key: g.told.Key, Rule: rule, Now: g.now})
	}
	l := letterTo(out, message.AddressesChanged, localeOf(g.user, from.locale()), "")
	return append(changes, p.notify(g.user.ID, l, g.now))
}
