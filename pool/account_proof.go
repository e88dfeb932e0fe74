package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
)

// proving is the fresh proof that a call of an account brings, judged once for all its rounds. With
// is nil where the time of the sign-in is all that there is.
type proving struct {
	judgement
	with Response
	kind string                // of the event
	may  func(g granted) error // what else stands in the way; nil means nothing

	rounds int // in which a ticket of the user's own was to be put where none was read
}

// proving begins a call that needs fresh proof. What it mints is of the kind of the acting session.
func (a *Account) proving(with Response, from Caller, kind string) proving {
	from.Browser = a.browser
	s := proving{with: with, kind: kind}
	s.hooked = a.pool.call(hook.RefreshTokens, from, nil)
	s.typed, _ = with.(Password)
	return s
}

// errNoPassword is what an act gets that is given anything else as fresh proof.
var errNoPassword = fmt.Errorf("%w: fresh proof of who asks is a Password, or nil", ErrWrongStep)

// proof checks the form of a fresh proof.
func (v *validation) proof(with Response) error {
	switch w := with.(type) {
	case nil:
	case Password:
		if w.Value.IsZero() {
			v.add("With", "must not be an empty password")
		}
	default:
		return errNoPassword
	}
	return v.err()
}

// prove reads the session, with what else is wanted, for a sensitive act: one by which whoever has
// found an unlocked screen, or stolen a token, would get the account for good (OWASP ASVS 5.0,
// 7.5.1). It needs a sign-in that is fresh by the settings, or the password with the call, where a
// wrong one counts like a wrong one at sign-in (security.md T5). What is fresh must be all that a
// sign-in takes: with the password alone whoever has stolen a session as well would take the second
// factor away (CVE class 43), and a remembered device shows nobody. It is the one guard before them all:
// what must never do such an act is refused here.
func (a *Account) prove(ctx context.Context, s *proving, w storage.Want) (g granted, err error) {
	if g, err = a.readFor(ctx, s.from, w); err != nil {
		return g, err
	}
	if err := a.inPerson(ctx, g, s.kind, s.from); err != nil {
		return g, err
	}
	if s.may != nil { // before the proof: a refusal after it would tell that it was right
		if err := s.may(g); err != nil {
			return g, err
		}
	}
	p, o := a.pool, g.occurrence(s)
	fresh, shown := g.fresh(p), gate.Carried(g.user.ID, g.session.Proofs)
	if s.with == nil {
		since := g.now.Sub(authTime(g.session, g.now))
		if since >= g.state.settings.Sessions.Fresh || gate.Decide(fresh, shown, g.now).Outcome() != gate.Mint {
			return g, g.needsProof(p)
		}
		return g, nil
	}
	if !s.done && !gate.Suffices(fresh, shown, mfa.KindPassword, g.now) {
		return g, ErrNeedsStepUp // whether or not the password is right
	}
	if err := overBudget(g.source, sourceRule, g.now); err != nil && !s.done {
		return g, p.unjudged(ctx, o, networkFull, err)
	}
	if !guessRule.Locked(g.guesses, g.now).IsZero() {
		return g, p.unjudged(ctx, o, accountLocked, ErrNotAuthorized)
	}
	if err := p.judge(ctx, &s.judgement, p.from(s.from, string(g.user.ID), true), g.user, nil, g.now); err != nil {
		return g, p.full(ctx, o, err)
	}
	d := gate.Decide(fresh, append(shown, s.owner), g.now)
	if !s.owner.Holds() || d.Outcome() != gate.Mint {
		o.Reason = string(d.Reason())
		return g, p.wrong(ctx, g.guess(), ErrNotAuthorized, o)
	}
	g.proven = []storage.Change{storage.Clear{Key: g.guesses.Key, Rule: guessRule, Now: g.now}}
	return g, nil
}

// fresh asks the gate about a sign-in of which all was shown a short while ago.
func (g granted) fresh(p *Pool) gate.Request {
	r := g.request(p)
	r.MaxAge = g.state.settings.Sessions.Fresh
	return r
}

// needsProof says what would do.
func (g granted) needsProof(p *Pool) error {
	if gate.Suffices(g.fresh(p), gate.Carried(g.user.ID, g.session.Proofs), mfa.KindPassword, g.now) {
		return ErrNeedsProof
	}
	return ErrNeedsStepUp
}

// occurrence is the event of a sensitive act that is refused.
func (g granted) occurrence(s *proving) occurrence {
	return occurrence{who: g.user, from: s.from, Kind: s.kind, Outcome: refused, Client: g.client.ID}
}

// readFor reads the session with the counters of the caller's guesses at the password, and of
// notices to the owner. The wanted counters come first in what was read.
func (a *Account) readFor(ctx context.Context, c Caller, w storage.Want) (granted, error) {
	p, now := a.pool, a.pool.now()
	d, own := p.device(c, now), len(w.Counters)
	key := func(name string) storage.CounterKey {
		return storage.CounterKey{Pool: p.config.ID, Owner: a.claims.Subject, Name: name}
	}
	w.Counters = append(slices.Clip(w.Counters), key(passwordCounter), p.sourceKey(p.state.Load(), c, failures),
		key(changeMail), key(d.counter()))
	g, err := a.readWith(ctx, c, w)
	if err != nil {
		return g, err
	}
	counters := g.read.Counters[own:]
	g.guesses, g.source, g.told = counters[0], counters[1], counters[2]
	g.strangers = g.guesses.Key
	if d.knows(g.user) {
		g.guesses = counters[3]
	}
	return g, nil
}

// act commits a sensitive act with its event and what its proof came to.
func (a *Account) act(ctx context.Context, g granted, s *proving, changes ...storage.Change) error {
	o := g.occurrence(s)
	o.Outcome = succeeded
	changes = append(append(changes, g.proven...), a.pool.event(g.now, o))
	return a.refusedAct(ctx, g, s, overMail(a.pool.commit(ctx, changes...)))
}

// refusedAct returns what is told of a commit that was refused. Where a password was given that
// shows it to have been right, and is counted like a wrong one (security.md T5).
func (a *Account) refusedAct(ctx context.Context, g granted, s *proving, err error) error {
	o := g.occurrence(s)
	key, full := limit(err)
	l, _ := errors.AsType[*storage.LimitError](err)
	switch {
	case err == nil || errors.Is(err, storage.ErrStale):
		return err
	case full && key == g.guesses.Key:
		return a.pool.unjudged(ctx, o, accountLocked, ErrNotAuthorized)
	case full && key.Name == ticketCounter: // its tries were used up meanwhile
		err = ErrTicketGone
	case full:
		err = &LimitError{Until: l.Until}
	case errors.Is(err, storage.ErrConflict):
		err = ErrLoginTaken
	case !errors.Is(err, storage.ErrReferenced) && !errors.Is(err, ErrNotFound):
		return err // which says nothing of what was given
	}
	if s.with == nil {
		return err
	}
	return a.pool.wrong(ctx, g.guess(), err, o)
}
