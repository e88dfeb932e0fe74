package pool

import (
	"context"
	"errors"
	"slices"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// ConfirmSignUp proves the address of a sign-up with the code that was sent there, and makes the
// visitor a user of the pool. With the ticket of [Pool.SignUp] the step that comes back is
// [*NeedPassword]; with that of a [*NeedConfirm], which a right password earned, it is [*Done].
//
// It fails with [ErrBadCode], with [ErrTicketGone] after five wrong codes, after 24 hours, or when
// it was answered already, and with [ErrLoginTaken] where another sign-up proved the address first.
// It costs one read and one commit.
func (p *Pool) ConfirmSignUp(ctx context.Context, in CodeInput) (Step, error) {
	answer := RespondInput{Ticket: in.Ticket, With: Code{in.Code}, Metadata: in.Metadata, Caller: in.Caller}
	return p.respond(ctx, answer, purposeConfirm)
}

// Respond answers a step. What it costs and how it fails is the same as with the call that the step
// came from; an answer of another kind than the step asks for is [ErrWrongStep] and changes nothing.
//
// A [NewPassword] that may not be chosen is a *[ValidationError], after which the step can be
// answered again; it counts like a wrong password. It costs one read, one commit, and two hashes
// or, with a history, one for each password that is looked at.
func (p *Pool) Respond(ctx context.Context, in RespondInput) (Step, error) {
	return p.respond(ctx, in, "")
}

// respond answers the ticket, which must have the purpose where one is named.
func (p *Pool) respond(ctx context.Context, in RespondInput, purpose string) (Step, error) {
	b, ok := parseTicket(in.Ticket)
	if !ok {
		return nil, ErrTicketGone
	}
	var v validation
	chosen := choice{by: in.Caller}
	switch w := in.With.(type) {
	case nil:
		v.add("With", "must be an answer to the step")
	case Password:
		if w.Value.IsZero() {
			v.add("With", "must not be an empty password")
		}
	case Code:
		v.code(w.Value)
	case NewPassword:
		v.newPassword(p.state.Load().settings.Passwords, w.Value)
		chosen.value = w.Value
	}
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	j := judgement{hooked: p.call(hook.Authentication, in.Caller, in.Metadata)}
	j.typed, _ = in.With.(Password)
	return again(func() (Step, error) {
		a, err := p.readTicket(ctx, b, in.Caller)
		if err != nil {
			return nil, err
		}
		if purpose != "" && a.ticket.Purpose != purpose {
			return nil, ErrWrongStep
		}
		if b.mailed {
			return p.answerLink(ctx, a, b, in.With, &j)
		}
		switch w := in.With.(type) {
		case Code:
			if a.ticket.Purpose == purposeConfirm {
				return p.confirm(ctx, a, w, &j.hooked)
			}
		case Password:
			if a.ticket.Purpose == purposePassword {
				return p.withPassword(ctx, a, &j)
			}
		case NewPassword:
			if a.ticket.Purpose == purposeNewPassword {
				return p.newPassword(ctx, a, &chosen, &j.hooked)
			}
		}
		return nil, ErrWrongStep
	})
}

// answered is a ticket whose bearer has shown itself, as of one read.
type answered struct {
	round
	ticket *storage.Ticket
	user   *user.User
	carried
	tries, password, code, resetCode, requests, told storage.Counter
	source                                           storage.CounterKey
	from                                             Caller
}

// guess is one at what a counter counts.
func (a answered) guess(at storage.Counter) guess { return guess{at, a.source, a.now} }

// readTicket reads a ticket with its owner and their counters, in one round trip. A ticket whose
// tries are used up is gone.
func (p *Pool) readTicket(ctx context.Context, b bearer, c Caller) (a answered, err error) {
	now := p.now()
	got, err := p.read(ctx, storage.Want{
		Now: now, Tickets: []string{b.ID()},
		Counters: []storage.CounterKey{
			{Pool: p.config.ID, Owner: b.ID(), Name: ticketCounter},
			{Pool: p.config.ID, Name: passwordCounter},
			{Pool: p.config.ID, Name: confirmCounter},
			{Pool: p.config.ID, Name: resetCounter},
			{Pool: p.config.ID, Name: requestMark},
			p.sourceKey(p.state.Load(), c, failures),
			{Pool: p.config.ID, Name: changeMail},
		},
	})
	if err != nil {
		return a, err
	}
	a = answered{
		round: round{now: now}, ticket: got.Tickets[0], user: got.User,
		tries: got.Counters[0], password: got.Counters[1], code: got.Counters[2],
		resetCode: got.Counters[3], requests: got.Counters[4], told: got.Counters[6],
		source: got.Counters[5].Key, from: c,
	}
	if err := overBudget(got.Counters[5], sourceRule, now); err != nil {
		return a, p.unjudged(occurrence{from: c, Kind: answerEvent}, networkFull, err)
	}
	if a.carried, err = p.answers(a.ticket, b, a.user); err != nil {
		return a, err
	}
	if !b.mailed && a.Browser != c.Browser { // a link is opened where its owner reads mail
		return a, errOtherSurface
	}
	if !owns(a.user, a.ticket) { // nobody's, or not any more: guesses count against what it was made for
		a.user, a.resetCode.Key.Owner = nil, a.Owner
	}
	if !ticketRule.Locked(a.tries, now).IsZero() {
		return a, ErrTicketGone
	}
	if a.state, err = p.current(ctx, got.PoolEpoch); err != nil {
		return a, err
	}
	a.client, err = a.state.settings.client(a.ticket.Client)
	return a, err
}

// used are the changes that come of a right answer to the ticket. It has no tries any more then,
// and where others used them up meanwhile the answer came too late: of guesses at once no more than
// those count.
func (a answered) used() []storage.Change {
	return []storage.Change{storage.Delete(a.ticket), storage.Clear{Key: a.tries.Key, Rule: ticketRule, Now: a.now}}
}

// tried is the change that counts a wrong answer to the ticket.
func (a answered) tried() storage.Change {
	return storage.Count{Key: a.tries.Key, Rule: ticketRule, Now: a.now}
}

// confirm judges the code of a sign-up. The right one proves the address and takes the login in the
// same commit that consumes the ticket, so of any number at once one wins (security.md T7).
func (p *Pool) confirm(ctx context.Context, a answered, c Code, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: confirmEvent, Outcome: refused, Client: a.client.ID}
	if !codeRule.Locked(a.code, a.now).IsZero() {
		return nil, p.unjudged(o, accountLocked, ErrBadCode)
	}
	if slices.ContainsFunc(a.Proofs, func(p token.Proof) bool { return p.Method == token.MethodPassword }) {
		if err := p.mayAnswer(ctx, a, h); err != nil { // a right code signs in
			return nil, err
		}
	}
	proof, right := p.sentCode(a, c.Value)
	if !right || a.user.Status != user.Unconfirmed {
		return nil, p.wrong(ctx, a.guess(a.code), ErrBadCode, o, a.tried())
	}
	step, err := p.confirmed(ctx, a, append(gate.Carried(a.user.ID, a.Proofs), proof), h)
	if errors.Is(err, errLocked) { // as a wrong code hears
		err = ErrBadCode
	}
	return step, err
}

// confirmed makes a user of the attempt whose address was proven, and goes on with the proofs.
func (p *Pool) confirmed(ctx context.Context, a answered, proofs []gate.Proof, h *hooked) (Step, error) {
	u := a.user.Clone()
	proven := u.Attempt.Proves()
	u.Own()
	u.Prove(proven, a.state.settings.SignIn.kinds()...)
	u.Status, u.Updated = user.Confirmed, a.now

	d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, proofs, a.now)
	changes := append(a.used(), storage.Put(u), storage.Clear{Key: a.code.Key, Rule: codeRule, Now: a.now},
		p.event(a.now, occurrence{who: u, from: a.from, Kind: confirmEvent, Outcome: succeeded, Client: a.client.ID}))
	changes = append(changes, p.afterwards(postConfirmation, hook.ConfirmSignUp, h, a.client.ID, u, a.now)...)
	switch {
	case d.Outcome() == gate.Mint:
		step, err := p.mint(ctx, a.round, h, u, d, a.password.Key, changes...)
		return step, taken(err)
	case d.Outcome() == gate.Step && d.Next() == gate.Password:
		t, ticket := p.newTicket(u, a.client.ID, purposePassword, a.from,
			carried{Proofs: d.Proofs()}, a.now, a.now.Add(stepLifetime))
		if err := p.commit(ctx, append(changes, storage.Put(t))...); err != nil {
			return nil, taken(err)
		}
		return &NeedPassword{Ticket: ticket, Expires: t.Expires}, nil
	}
	o := occurrence{
		who: a.user, from: a.from, Kind: confirmEvent, Outcome: refused,
		Reason: string(d.Reason()), Client: a.client.ID,
	}
	return nil, p.wrong(ctx, a.guess(a.code), ErrNotAuthorized, o, a.tried())
}

// mayAnswer asks PreAuthentication about an answer to a ticket that may end in a sign-in by
// password.
func (p *Pool) mayAnswer(ctx context.Context, a answered, h *hooked) error {
	err := p.mayTry(ctx, h, a.client, called(a.user), a.user)
	if err != nil {
		err = p.denied(ctx, err, a.now, occurrence{who: a.user, from: a.from, Kind: signInEvent, Client: a.client.ID},
			storage.Count{Key: a.source, Rule: sourceRule, Now: a.now})
	}
	return err
}

// sentCode judges a code that was sent for a ticket, to an email address or to a phone.
func (p *Pool) sentCode(a answered, code string) (gate.Proof, bool) {
	if !a.Until.IsZero() && !a.now.Before(a.Until) {
		return gate.Proof{}, false
	}
	if a.SMS {
		return p.gate.SMSCode(a.ticket, a.Channel, code, a.now)
	}
	return p.gate.EmailCode(a.ticket, a.Channel, code, a.now)
}

// withPassword judges the password that a step asked for.
func (p *Pool) withPassword(ctx context.Context, a answered, j *judgement) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Client: a.client.ID}
	if !guessRule.Locked(a.password, a.now).IsZero() {
		return nil, p.unjudged(o, accountLocked, ErrNotAuthorized)
	}
	if err := p.mayAnswer(ctx, a, &j.hooked); err != nil {
		return nil, err
	}
	if err := p.judge(ctx, j, p.from(a.from, string(a.user.ID), false), a.user, nil, a.now); err != nil {
		return nil, p.full(o, err)
	}
	proofs := append(gate.Carried(a.user.ID, a.Proofs), j.owner)
	d := gate.Decide(gate.Request{User: a.user, Purpose: gate.SignIn}, proofs, a.now)
	if !j.owner.Holds() || d.Outcome() != gate.Mint {
		o.Reason = string(d.Reason())
		return nil, p.wrong(ctx, a.guess(a.password), ErrNotAuthorized, o, a.tried())
	}
	return p.mint(ctx, a.round, &j.hooked, a.user, d, a.password.Key, append(a.used(), storage.Require(a.user))...)
}

// taken turns what may refuse a right code into the errors that callers know: a login that another
// user owns, and a counter that locked meanwhile.
func taken(err error) error {
	if errors.Is(err, storage.ErrConflict) {
		return ErrLoginTaken
	}
	if _, locked := limit(err); locked {
		return ErrBadCode
	}
	return err
}
