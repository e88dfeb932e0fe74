package pool

import (
	"context"
	"errors"
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// attained is what a call has shown to be right, with all that the commit which tells so is made of.
type attained struct {
	round
	h       *hooked
	user    *user.User // as it will be stored
	decided gate.Decision
	stepUp
	replaces *token.Session // that a step-up is of; nil means none
	remember bool           // the device
	occurred string         // the kind of event
	// at is the counter of guesses at what was proven, and source that of the network. The session that
	// is minted ends the run of the former. Where a step is due instead, the verdict leaves by it and is
	// counted (security.md T5), but for an act that is finished by itself, which counts nothing.
	at       storage.Counter
	source   storage.CounterKey
	finished bool
	first    bool     // sign-in with a password of one's own: the owner is told of no new device
	codes    []string // recovery codes that are handed out with the session
	earlier  []string // names of the counters of what was proven before, for the same sign-in
	also     []storage.Change
	warned   []storage.Change // that tell the owner of failures, with what is counted
}

// advance ends at the gate: it mints, or gives the step that is due. A decision to refuse is the
// caller's to answer, and none of these.
func (p *Pool) advance(ctx context.Context, v attained) (step Step, err error) {
	switch next := v.decided.Next(); {
	case v.decided.Outcome() == gate.Mint:
		step, err = p.mint(ctx, v)
	case next == gate.First || next == gate.Second || next == gate.Enrol:
		step, err = p.needFactor(ctx, v)
	default: // of a password alone
		err = ErrNotAuthorized
	}
	if refusal := whileLocked(v.at); errors.Is(err, errLocked) && !errors.Is(err, refusal) {
		err = refusal // as a wrong answer hears
	}
	return step, err
}

// counted returns the names of the counters that the session clears: of all that was proven for it.
func (v attained) counted() []string {
	if v.at.Key.Owner != string(v.user.ID) { // there is none, or it goes with its ticket
		return v.earlier
	}
	return append(slices.Clip(v.earlier), v.at.Key.Name)
}

// needFactor gives out a ticket for the step that is due.
func (p *Pool) needFactor(ctx context.Context, v attained) (Step, error) {
	c := carried{Browser: v.h.from.Browser, Proofs: v.decided.Proofs(), Risk: v.risk, First: v.first, Counted: v.counted(), stepUp: v.stepUp}
	purpose, lifetime := purposeSecond, v.client.StepLifetime
	switch v.decided.Next() {
	case gate.First:
		purpose = purposeFirst
		if slices.Equal(v.decided.Kinds(), []mfa.Kind{mfa.KindPassword}) {
			purpose = purposePassword
		}
	case gate.Enrol:
		c.Lost = v.decided.Lost()
		purpose, lifetime = purposeEnrol, max(lifetime, setUpLifetime)
	case gate.Confirm, gate.NewPassword, gate.Second:
	}
	t, b := p.ticketOf(v.user, v.client.ID, purpose, v.h.from, c, v.now, v.now.Add(lifetime))
	q := question{
		round: v.round, h: v.h, user: v.user, ticket: t, bearer: b, kinds: v.decided.Kinds(), verify: v.decided.Verify(), lost: v.decided.Lost(),
		carried: c, from: v.h.from,
	}
	if err := p.posed(ctx, v, &q); err != nil {
		return nil, err
	}
	changes := append(slices.Clip(v.also), q.changes...)
	changes = append(changes, storage.Put(t))
	if v.finished { // its own event is among the changes
		err := p.commit(ctx, changes...)
		v.h.learn(err, v.now)
		return q.step, overMail(err)
	}
	o := occurrence{
		who: v.user, from: v.h.from, Kind: v.occurred, Outcome: stepped, Reason: string(q.step.Kind()), Client: v.client.ID,
	}
	if err := p.counted(ctx, guess{v.at, v.source, v.now}, v.warned, o, changes...); err != nil {
		v.h.learn(err, v.now)
		return nil, err
	}
	return q.step, nil
}

// posed poses what comes foremost. Where a hook of the program does that it takes time for a right
// answer alone, so it is run only where the answer is to be told, and counted whatever it says.
func (p *Pool) posed(ctx context.Context, v attained, q *question) error {
	kind := foremost(q.kinds, v.user.Factors)
	if kind != mfa.KindCustom {
		return p.pose(ctx, q, kind)
	}
	o := occurrence{who: v.user, from: v.h.from, Kind: v.occurred, Outcome: refused, Client: v.client.ID}
	wouldBe := slices.Clip(v.also)
	if v.at.Key.Name != "" {
		wouldBe = append(wouldBe, storage.Clear{Key: v.at.Key, Rule: rule(v.at.Key), Now: v.now})
	}
	if err := p.mayPose(ctx, v, o, wouldBe); err != nil {
		return err
	}
	if err := p.pose(ctx, q, kind); err != nil {
		return p.withheld(ctx, v.round, v.h, createChallenge, err, o, wouldBe...)
	}
	return nil
}

// mayPose stands before the hooks of a challenge. A step-up follows no guess that is counted, so it is
// counted against the caller's network as a request, or whoever is signed in had the program work
// without end.
func (p *Pool) mayPose(ctx context.Context, v attained, o occurrence, wouldBe []storage.Change) error {
	switch {
	case v.h.challenge.created.asked:
		return nil
	case v.at.Key.Name != "" || v.Acting == "":
		return p.stillOpen(ctx, v.now, o, wouldBe...)
	}
	network := p.sourceKey(v.state, v.h.from, requests)
	err := p.commit(ctx, storage.Count{Key: network, Rule: requestRule, Now: v.now})
	if l, full := errors.AsType[*storage.LimitError](err); full {
		return p.unjudged(ctx, o, networkFull, &LimitError{Until: l.Until})
	}
	return err
}

// foremost returns the kind that is asked for unless the visitor chooses another, where there is one: the
// preferred one, or the only one beside recovery codes, which are for whoever has lost the others.
func foremost(kinds []mfa.Kind, f *user.Factors) mfa.Kind {
	if f != nil && f.Preferred == kinds[0] {
		return kinds[0]
	}
	if kept := slices.DeleteFunc(slices.Clone(kinds), func(k mfa.Kind) bool { return k == mfa.KindRecovery }); len(kept) == 1 {
		return kept[0]
	}
	if len(kinds) == 1 {
		return kinds[0]
	}
	return ""
}
