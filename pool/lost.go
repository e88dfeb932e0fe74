package pool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// LostFactors is what a [Choice] names that answers a step which asks for a second factor, where the
// user has none of them any more (security.md S4). It is among the kinds of such a step where
// [MFASettings].RecoveryHold allows it, after a password, and asks for no factor: [*NeedWait] answers
// it, or, once that wait is over, the step that has another factor set up. With that one the old ones
// are removed, with passkeys, recovery codes and remembered devices; all sessions end, and the owner
// is told at every address.
//
// Whoever knows the password may be a thief. So the owner is told at every proven address, at once and
// twice more as the wait goes on, with a link that ends it ([Pool.CancelChange]). A sign-in with a
// second factor ends it, too, and so does whatever ends all sessions, such as a password that is set.
// A user without a proven address that messages go to ([LimitSettings].Countries) cannot be told: that
// is [ErrNotAllowed], like the fourth such answer within 30 days.
const LostFactors mfa.Kind = "lost_factors"

// KindWait is the kind of a [NeedWait].
const KindWait StepKind = "recovery_wait"

// NeedWait says that others may be set up in place of factors that are lost, but not yet: who signs in
// from Until on and before Ends, and answers with [LostFactors] again, sets up another factor. The
// ticket that begins the wait is gone by it. To ask again meanwhile changes nothing.
type NeedWait struct{ Until, Ends time.Time }

// Kind returns [KindWait].
func (*NeedWait) Kind() StepKind { return KindWait }

// LogValue names the step.
func (*NeedWait) LogValue() slog.Value { return slog.StringValue(string(KindWait)) }

func (*NeedWait) step() {}

// purposeLost is of the ticket that is the link by which the owner ends the wait. It answers no step.
const purposeLost = "lost_factors"

// lostCounter counts how often somebody has said so of an account: each time is three messages, and
// each that is not ended a way in.
const lostCounter = "lost_factors"

var lostRule = storage.Rule{Free: 3, Window: 30 * 24 * time.Hour}

// The wait that [MFASettings].RecoveryHold may ask for (security.md S4).
const (
	minHold = 72 * time.Hour
	maxHold = 30 * 24 * time.Hour
)

// answerLost takes the answer that all factors are lost. The first one begins the wait, and the one
// after it sets up others.
func (p *Pool) answerLost(ctx context.Context, a answered, d gate.Decision, h *hooked) (Step, error) {
	if !d.Lost() {
		return nil, ErrWrongStep
	}
	a.Lost = true
	from, until, held := gate.Held(a.user, a.state.settings.MFA.RecoveryHold)
	switch {
	case !held || !a.now.Before(until):
		return p.hold(ctx, a)
	case a.now.Before(from):
		return &NeedWait{from, until}, nil
	}
	d = p.judgeFactor(a, a.user)
	if d.Outcome() != gate.Step || d.Next() != gate.Enrol {
		return nil, ErrWrongStep // no kind of factor may be set up
	}
	v := a.attained(a.user, d, h, storage.Counter{}, storage.Require(a.user))
	v.finished, v.also = true, append(v.also, p.event(a.now, a.losing(stepped)))
	return p.advance(ctx, v)
}

func (a answered) losing(outcome string) occurrence {
	return occurrence{who: a.user, from: a.from, Kind: lostEvent, Outcome: outcome, Client: a.client.ID}
}

// hold begins the wait. The owner is told whatever else they were told of late, or whoever causes much
// of that could keep this from them.
func (p *Pool) hold(ctx context.Context, a answered) (Step, error) {
	hold := a.state.settings.MFA.RecoveryHold
	from := a.now.Add(hold)
	ends := from.Add(gate.Recovery)
	t, link := p.newTicket(a.user, a.client.ID, purposeLost, Caller{}, carried{}, a.now, ends)
	next := a.user.Clone()
	next.Factors.Lost = user.Lost{ID: t.ID, Asked: a.now, Until: from, Epoch: next.Epoch}
	next.Updated = a.now
	changes := append(a.used(), storage.Put(next), storage.Put(t), p.event(a.now, a.losing(succeeded)))
	told := false
	for _, to := range reachable(a.user) {
		l := noticeTo(a.user, to, message.FactorsLost, a.from, a.now)
		l.Code, told = link, told || !l.SMS || a.state.settings.Limits.serves(l.To)
		for third := range time.Duration(3) {
			o := storage.Outgoing{Owner: a.user.ID, Class: noticeClass, Ticket: t.ID, NotAfter: ends}
			changes = append(changes, p.enqueueAt(o, l, a.now, a.now.Add(third*hold/3)))
		}
	}
	if !told {
		return nil, fmt.Errorf("%w: nobody could be told that the factors are lost", ErrNotAllowed)
	}
	key := storage.CounterKey{Pool: p.config.ID, Owner: string(a.user.ID), Name: lostCounter}
	err := p.commit(ctx, append(changes, storage.Count{Key: key, Rule: lostRule, Now: a.now})...)
	if full, limited := limit(err); limited && full == key && !errors.Is(err, storage.ErrStale) {
		return nil, fmt.Errorf("%w: the factors were said to be lost too often of late", ErrNotAllowed)
	}
	if err != nil {
		return nil, err
	}
	return &NeedWait{from, ends}, nil
}

// reachable are the addresses at which a user can be told something: all that are proven.
func reachable(u *user.User) (all []user.Login) {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		if to, proven := u.Address(k); proven {
			all = append(all, to)
		}
	}
	return all
}

// replaces returns the user whose lost factors make room for another: without any, and of a new epoch,
// so that every session ends.
func replaces(u *user.User) *user.User {
	next := bare(u)
	next.Epoch++
	return next
}

// tellReplaced returns the changes that go with the factor that takes the place of all others.
func (p *Pool) tellReplaced(was, is *user.User, from Caller, now time.Time) []storage.Change {
	changes := []storage.Change{p.revokeAll(is, now)}
	for _, to := range reachable(was) {
		changes = append(changes, p.notify(was.ID, noticeTo(was, to, message.FactorsReplaced, from, now), now))
	}
	return changes
}

// found returns v where factors that were said to be lost are not, since one was just shown: the user
// is stored without that.
func (p *Pool) found(v attained) attained {
	f := v.user.Factors
	if f == nil || f.Lost == (user.Lost{}) || !gate.Twice(p.request(v.round, v.user), v.decided) {
		return v
	}
	v.user = v.user.Clone()
	v.user.Factors.Lost = user.Lost{}
	v.also = slices.DeleteFunc(slices.Clone(v.also), func(c storage.Change) bool { return ofUser(c, v.user.ID) })
	v.also = append(v.also, storage.Put(v.user))
	return v
}

// waits reports whether a ticket is of a wait that goes on.
func waits(t *storage.Ticket, u *user.User) bool {
	return owns(u, t) && u.Factors != nil && u.Factors.Lost.ID == t.ID
}

// cancelLost ends the wait by the link that was sent to the owner. Whoever began it knows the password,
// so that is of no use any more.
func (p *Pool) cancelLost(ctx context.Context, t *storage.Ticket, link bearer, u *user.User, from Caller, now time.Time) error {
	if !p.config.Keys.VerifyMAC(t.MAC, "ticket", ticketParts(t, link)...) || !waits(t, u) {
		return ErrTicketGone
	}
	next := u.Clone()
	next.Factors.Lost = user.Lost{}
	if status, err := user.Next(next.Status, user.RequireReset); err == nil {
		next.Status = status
	}
	o := occurrence{who: u, from: from, Kind: cancelLostEvent, Outcome: succeeded}
	return p.commit(ctx, p.voided(next, now), storage.Put(next), storage.Delete(t), p.event(now, o))
}
