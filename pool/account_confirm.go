package pool

import (
	"context"
	"errors"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ConfirmAddressInput brings the code that was sent to a new address.
type ConfirmAddressInput struct {
	Channel  message.Channel // of the [Delivery]
	Code     string
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// ConfirmAddress proves the address that [Account.ChangeAddress] was asked for: it takes the place of
// the one of before, and is a login where the pool takes its kind. All other sessions end, with
// every ticket and code; the acting one goes on ([Account]), and the step that comes back is [*Done] with
// its tokens or its cookie, good for as long as the one before.
//
// An address that gives way is told, with a link that restores it within 7 days ([Pool.CancelChange]),
// and for so long nobody else takes it. Where none does, the other proven address is told, with a link
// that takes the new one away, or without one where [Config].CancelURL is not set.
//
// It fails with [ErrBadCode], with [ErrTicketGone] where there is nothing to confirm, or after five
// wrong codes, with [ErrLoginTaken] where somebody else has proven the address, with a
// *[ValidationError], and with a *[LimitError]. It costs one read and one commit.
func (a *Account) ConfirmAddress(ctx context.Context, in ConfirmAddressInput) (Step, error) {
	var v validation
	k := v.kind(in.Channel)
	v.code(in.Code)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	s := a.proving(nil, in.Caller, addressEvent)
	s.event.Metadata = in.Metadata
	admitted := false
	return again(func() (Step, error) {
		g, err := a.readPending(ctx, in.Caller, k, a.pool.sourceKey(a.pool.state.Load(), in.Caller, failures))
		if err != nil {
			return nil, err
		}
		g.source = g.read.Counters[3]
		o := g.occurrence(&s)
		if err := overBudget(g.source, sourceRule, g.now); err != nil && !admitted {
			return nil, a.pool.unjudged(ctx, o, networkFull, err)
		}
		admitted = true
		if !codeRule.Locked(g.code, g.now).IsZero() {
			return nil, a.pool.unjudged(ctx, o, accountLocked, ErrBadCode)
		}
		answer := answered{round: g.round, ticket: g.ticket, user: g.user, carried: g.carried, tries: g.left}
		if _, right := a.pool.sentCode(answer, in.Code); !right {
			guess := guess{g.code, g.source.Key, g.now}
			return nil, a.pool.wrong(ctx, guess, ErrBadCode, o, answer.tried())
		}
		return a.confirmAddress(ctx, g, &s, answer.used())
	})
}

// confirmAddress gives the user the address that they have proven.
func (a *Account) confirmAddress(ctx context.Context, g pending, s *proving, used []storage.Change) (Step, error) {
	g.proven = append(used, storage.Clear{Key: g.code.Key, Rule: codeRule, Now: g.now})
	next := g.state.moved(g.user, g.to.Kind(), g.to)
	changes, err := a.moving(ctx, g.granted, s, next, g.to.Kind())
	if err != nil {
		return nil, err
	}
	step, err := a.reissue(ctx, g.granted, s, next, changes...)
	if _, locked := limit(err); locked && !errors.Is(err, storage.ErrStale) {
		return nil, a.pool.unjudged(ctx, g.occurrence(s), accountLocked, ErrBadCode)
	}
	return step, owned(err)
}

// moving returns the changes that go with another address of a kind: the epoch of next, who is told,
// and what can be restored.
func (a *Account) moving(
	ctx context.Context, g granted, s *proving, next *user.User, k user.Kind,
) ([]storage.Change, error) {
	p, from, now := a.pool, s.from, g.now
	changes := []storage.Change{p.voided(next, now)}
	given, err := readFormer(g.read.Tickets[1], g.user, now)
	if err != nil {
		return nil, err
	}
	is, _ := next.Address(k)
	to := p.undoes(g.user, k, is)
	if to == (user.Login{}) {
		if t := g.read.Tickets[1]; t != nil { // or a thief removes an address first, and then adds theirs
			changes = append(changes, given.put(p, g.state, t, k, next, now))
		}
		return append(changes, p.tellOthers(g, k, from)...), nil
	}
	if until := given.full(); !until.IsZero() {
		return nil, &LimitError{Until: until}
	}
	old, kind := to, message.AddressReplaced
	if to.Kind() != k {
		old, kind = user.Login{}, message.AddressAdded
	}
	changes = append(changes, p.tell(g.user, g.told, from, now, removed(g.user.Factors, next.Factors)...)...)
	given, link := given.giveUp(p, g.state, k, old, g.user, now)
	l := letterTo(to, kind, localeOf(g.user, from.locale()), link)
	l.Name = g.user.Username()
	o := storage.Outgoing{Owner: g.user.ID, Class: noticeClass, NotAfter: now.Add(restoreLifetime)}
	before, err := p.standing(ctx, g.read.Tickets[1], g.state.ownTicket(purposeFormer, k, next.ID).ID(), s)
	if err != nil {
		return nil, err
	}
	changes = append(changes, given.put(p, g.state, before, k, next, now), p.enqueue(o, l, now))
	if g.user.Login(old) != (user.Login{}) {
		changes = append(changes, p.rest(g.user.ID, old, now)...)
	}
	return changes, nil
}

// undoes returns who gets the link that undoes a change of an address of a kind: the proven one that
// gives way or, where none does, the other that u has proven, or a thief would recover by theirs
// after the owner has everything else back. The zero Login means nobody.
func (p *Pool) undoes(u *user.User, k user.Kind, to user.Login) user.Login {
	old, proven := u.Address(k)
	switch {
	case proven && old.Value != to.Value:
		return old
	case proven || to == (user.Login{}) || p.config.CancelURL == "":
		return user.Login{}
	}
	for _, other := range []user.Kind{user.KindEmail, user.KindPhone} {
		if l, proven := u.Address(other); other != k && proven {
			return l
		}
	}
	return user.Login{}
}

// tellOthers returns the changes that tell the owner of an account, at each other address that they
// have proven, that it has another address or name.
func (p *Pool) tellOthers(g granted, changed user.Kind, from Caller) (changes []storage.Change) {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		to, proven := g.user.Address(k)
		rule := mailing(to)
		if k == changed || !proven || !rule.Locked(g.told, g.now).IsZero() {
			continue
		}
		l := letterTo(to, message.AddressesChanged, localeOf(g.user, from.locale()), "")
		l.Name = g.user.Username()
		changes = append(changes, p.notify(g.user.ID, l, g.now))
		if len(changes) == 1 {
			changes = append(changes, storage.Count{Key: g.told.Key, Rule: rule, Now: g.now})
		}
	}
	return changes
}
