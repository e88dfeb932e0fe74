package pool

import (
	"context"
	"errors"
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// question is a step that asks for a factor, as it is made: by its ticket, of which the kind that is
// asked for and what answers are compared with are part.
type question struct {
	round
	h      *hooked
	user   *user.User // the zero user where a sign-in begins that is nobody's
	typed  user.Login // where a sign-in begins; the zero Login where something was shown already
	ticket *storage.Ticket
	bearer bearer     // what the visitor holds of the ticket
	kinds  []mfa.Kind // that the step can be answered with
	verify bool       // a passkey has to verify its user
	lost   bool       // it can be answered with LostFactors, too
	carried
	from    Caller
	step    Step
	changes []storage.Change // beside the ticket
}

// others are the kinds that the step can be answered with instead.
func (q *question) others() []mfa.Kind {
	kinds := slices.DeleteFunc(slices.Clone(q.kinds), func(k mfa.Kind) bool { return k == q.Kind })
	if q.lost && q.ticket.Purpose == purposeSecond {
		kinds = append(kinds, LostFactors)
	}
	return kinds
}

// pose asks for a kind, or lets the visitor choose where it is "".
func (p *Pool) pose(ctx context.Context, q *question, kind mfa.Kind) error {
	repeated := q.Kind == kind
	q.Kind, q.Secret = kind, nil
	others := q.others()
	switch kind {
	case mfa.KindTOTP:
		if q.ticket.Purpose == purposeSecond {
			q.step = &NeedTOTP{Ticket: q.bearer.String(), Expires: q.ticket.Expires, Others: others}
		} else if q.ticket.Purpose == purposeEnrol {
			p.askAuthenticator(q, others)
		}
	case mfa.KindPassword:
		q.step = &NeedPassword{Ticket: q.bearer.String(), Expires: q.ticket.Expires, Others: others}
	case mfa.KindSMS, mfa.KindEmail:
		switch q.ticket.Purpose {
		case purposeFirst:
			p.poseFirst(q, repeated, others)
		case purposeSecond:
			p.poseCode(q, repeated, others)
		case purposeEnrol, purposeAddFactor:
			if _, proven := q.user.Address(addressKind(kind)); proven {
				p.poseCode(q, repeated, others)
			}
		}
	case mfa.KindCustom:
		if q.ticket.Purpose == purposeFirst || q.ticket.Purpose == purposeSecond {
			if err := p.poseCustom(ctx, q); err != nil {
				return err
			}
		}
	case mfa.KindPasskey:
		if err := p.askPasskey(q, others); err != nil {
			return err
		}
	case mfa.KindRecovery:
	}
	if q.step == nil {
		q.Kind = ""
		q.step = &NeedChoice{Ticket: q.bearer.String(), Expires: q.ticket.Expires, Kinds: q.others(), Enrol: q.ticket.Purpose == purposeEnrol}
	}
	p.carry(q.ticket, q.bearer, q.carried)
	return nil
}

// judgeFactor asks the gate anew about what a ticket has proven, with what its answer proves.
func (p *Pool) judgeFactor(a answered, u *user.User, shown ...gate.Proof) gate.Decision {
	r := a.asks(p.request(a.round, u), a.now)
	r.Lost = a.Lost
	return gate.Decide(r, append(gate.Carried(u.ID, a.Proofs), shown...), a.now)
}

// answerSecond takes an answer to a step that asks for a second factor. What the user has set up and
// what is asked for may be other by now than when the step was given.
func (p *Pool) answerSecond(ctx context.Context, a answered, with Response, j *judgement) (Step, error) {
	d := p.judgeFactor(a, a.user)
	if d.Outcome() != gate.Step || d.Next() != gate.Second {
		return nil, ErrTicketGone
	}
	if _, ok := with.(Password); ok {
		if !slices.Contains(d.Kinds(), mfa.KindPassword) {
			return nil, ErrWrongStep
		}
		return p.withPassword(ctx, a, j)
	}
	h := &j.hooked
	if err := p.mayAnswer(ctx, &a, h); err != nil {
		return nil, err
	}
	switch w := with.(type) {
	case Choice:
		if w.Kind == LostFactors {
			return p.answerLost(ctx, a, d, h)
		}
		return p.askFor(ctx, a, d, w.Kind, h)
	case Code:
		if bySent(a.Kind) && slices.Contains(d.Kinds(), a.Kind) {
			return p.answerSecondCode(ctx, a, w, h)
		}
		if a.Kind == mfa.KindTOTP || a.Kind == "" && slices.Contains(d.Kinds(), mfa.KindTOTP) {
			return p.answerTOTP(ctx, a, w, h)
		}
	case CustomAnswer:
		if a.Kind == mfa.KindCustom && slices.Contains(d.Kinds(), a.Kind) {
			return p.answerSecondCustom(ctx, a, d, w, h)
		}
	case PasskeyAssertion:
		if a.Kind == mfa.KindPasskey && slices.Contains(d.Kinds(), mfa.KindPasskey) {
			return p.answerPasskey(ctx, a, w, h)
		}
	case RecoveryCode:
		if slices.Contains(d.Kinds(), mfa.KindRecovery) {
			return p.answerRecovery(ctx, a, w, h)
		}
	}
	return nil, ErrWrongStep
}

// askFor asks for another of the kinds that a decision offers.
func (p *Pool) askFor(ctx context.Context, a answered, d gate.Decision, kind mfa.Kind, h *hooked) (Step, error) {
	return p.askKind(ctx, a, question{kinds: d.Kinds(), verify: d.Verify(), lost: d.Lost()}, kind, h)
}

// askKind asks for another kind by the same ticket, so that its tries are not refilled.
func (p *Pool) askKind(ctx context.Context, a answered, q question, kind mfa.Kind, h *hooked) (Step, error) {
	if !slices.Contains(q.kinds, kind) {
		return nil, ErrWrongStep
	}
	q = a.asksOn(q, h)
	o := occurrence{who: a.user, from: a.from, Kind: answerEvent, Client: a.client.ID}
	if kind == mfa.KindCustom {
		if err := p.takesTry(ctx, a, h); err != nil {
			return nil, err
		}
	}
	if err := p.pose(ctx, &q, kind); err != nil {
		return nil, p.denied(ctx, err, a.now, o, storage.Count{Key: a.source, Rule: sourceRule, Now: a.now})
	}
	o.Outcome, o.Reason = stepped, string(q.step.Kind())
	choices := storage.CounterKey{Pool: p.config.ID, Owner: a.ticket.ID, Name: choiceCounter}
	changes := append(append(q.changes, a.stands()...), storage.Put(a.ticket), p.event(a.now, o),
		storage.Count{Key: choices, Rule: choiceRule, Now: a.now})
	counter, budget := requests, requestRule
	if kind == mfa.KindSMS {
		counter, budget = smsRequests, smsRequestRule
	}
	network := p.sourceKey(a.state, a.from, counter)
	if bySent(kind) { // or whoever has a ticket could have us write and send without end
		changes = append(changes, storage.Count{Key: network, Rule: budget, Now: a.now})
	}
	err := p.commit(ctx, changes...)
	if full, ok := errors.AsType[*storage.LimitError](err); ok && full.Key == network {
		return nil, p.unjudged(ctx, o, networkFull, &LimitError{Until: full.Until})
	} else if ok && full.Key == choices {
		return nil, ErrTicketGone
	}
	h.learn(err, a.now)
	if err := overMail(err); err != nil {
		return nil, err
	}
	return q.step, nil
}

// takesTry uses up a try of a ticket, once for all rounds of a call, before the program makes a challenge
// for its holder, who could have it do so without end, and at any number of times at once.
func (p *Pool) takesTry(ctx context.Context, a answered, h *hooked) error {
	if h.challenge.counted {
		return nil
	}
	err := p.commit(ctx, a.tried())
	if _, full := limit(err); full {
		return ErrTicketGone
	}
	h.challenge.counted = err == nil
	return err
}

// asksOn returns a question that goes on with the ticket that was answered.
func (a answered) asksOn(q question, h *hooked) question {
	q.round, q.h, q.user, q.ticket, q.bearer, q.carried, q.from = a.round, h, a.user, a.ticket, a.bearer, a.carried, a.from
	q.Risk = max(a.Risk, a.risk) // what there was stays with the sign-in
	if q.user == nil {
		q.user = &user.User{}
	}
	return q
}

// stands requires the user as read, where another question goes to who has shown something. Of a ticket
// that may be nobody's nobody is required, which would show.
func (a answered) stands() []storage.Change {
	if a.Typed != nil {
		return nil
	}
	return []storage.Change{storage.Require(a.user)}
}

// answerTOTP judges a code of an authenticator app. The step that it is of is raised in the commit that
// tells so: of any number of uses at once one wins (security.md S17).
func (p *Pool) answerTOTP(ctx context.Context, a answered, w Code, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Reason: string(mfa.KindTOTP), Client: a.client.ID}
	if !guessRule.Locked(a.totp, a.now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
	}
	proof, step, err := p.gate.App(a.user, w.Value, a.now, a.steps.N)
	if err != nil {
		return nil, unavailable(err)
	}
	d := p.judgeFactor(a, a.user, proof)
	if !proof.Holds() || d.Outcome() == gate.Refuse {
		return nil, p.wrong(ctx, a.guess(a.totp), ErrBadCode, o, a.tried())
	}
	return p.advance(ctx, a.attained(a.user, d, h, a.totp, storage.Require(a.user), storage.Raise{Key: a.steps.Key, N: step}))
}

// answerRecovery judges a recovery code. To put the user without it uses it up.
func (p *Pool) answerRecovery(ctx context.Context, a answered, w RecoveryCode, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Reason: string(mfa.KindRecovery), Client: a.client.ID}
	if !guessRule.Locked(a.recovery, a.now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
	}
	proof, without := p.gate.RecoveryCode(a.user, w.Value, a.now)
	if !proof.Holds() {
		return nil, p.wrong(ctx, a.guess(a.recovery), ErrBadCode, o, a.tried())
	}
	d := p.judgeFactor(a, without, proof)
	if d.Outcome() == gate.Refuse {
		return nil, p.wrong(ctx, a.guess(a.recovery), ErrBadCode, o, a.tried())
	}
	told := p.tell(a.user, a.told, a.from, a.now, news{kind: message.RecoveryCodeUsed})
	return p.advance(ctx, a.attained(without, d, h, a.recovery, append(told, storage.Put(without))...))
}

// attained is what the right answer to the ticket has shown.
func (a answered) attained(u *user.User, d gate.Decision, h *hooked, at storage.Counter, also ...storage.Change) attained {
	return attained{
		round: a.round, h: h, user: u, decided: d, stepUp: a.stepUp, replaces: a.replaces, remember: a.remember, occurred: signInEvent,
		at: at, source: a.source, earlier: a.Counted, first: a.First, also: append(a.used(), also...),
	}
}
