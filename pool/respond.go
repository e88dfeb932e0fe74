package pool

import (
	"context"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
)

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
	v.response(p.state.Load().settings.Passwords, in.With)
	v.metadata(in.Metadata)
	named := p.answersByPasskey(&v, in.With)
	if err := v.err(); err != nil {
		return nil, err
	}
	j := judgement{hooked: p.call(hook.Authentication, in.Caller, in.Metadata)}
	j.typed, _ = in.With.(Password)
	wanted, _ := in.With.(NewPassword)
	chosen := choice{value: wanted.Value, by: in.Caller}
	ask := asking{secret: in.ClientSecret, from: in.Caller, passkey: named}
	return again(func() (Step, error) {
		a, err := p.readTicket(ctx, b, &ask)
		if err != nil {
			return nil, err
		}
		a.remember = in.Remember
		if purpose != "" && a.ticket.Purpose != purpose {
			return nil, ErrWrongStep
		}
		if b.mailed {
			return p.answerLink(ctx, a, b, in.With, &j)
		}
		return p.answer(ctx, a, in.With, &chosen, &j)
	})
}

// answer takes an answer of the kind that the ticket is for.
func (p *Pool) answer(ctx context.Context, a answered, with Response, chosen *choice, j *judgement) (Step, error) {
	switch a.ticket.Purpose {
	case purposePasskey:
		return p.answerAnyPasskey(ctx, a, with, &j.hooked)
	case purposeFirst:
		return p.answerFirst(ctx, a, with, j)
	case purposeSecond:
		return p.answerSecond(ctx, a, with, j)
	case purposeEnrol:
		return p.answerEnrol(ctx, a, with, &j.hooked)
	}
	switch w := with.(type) {
	case Code:
		if a.ticket.Purpose == purposeConfirm {
			return p.confirm(ctx, a, w, &j.hooked)
		}
	case Password:
		if a.ticket.Purpose == purposePassword {
			return p.withPassword(ctx, a, j)
		}
	case NewPassword:
		if a.ticket.Purpose == purposeNewPassword {
			return p.newPassword(ctx, a, chosen, &j.hooked)
		}
	}
	return nil, ErrWrongStep
}

// withPassword judges the password that a step asked for.
func (p *Pool) withPassword(ctx context.Context, a answered, j *judgement) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Client: a.client.ID}
	if err := p.judgeAnswer(ctx, &a, j, o); err != nil {
		return nil, err
	}
	d := p.judgeFactor(a, a.user, j.owner, p.remembers(a.round, a.from, a.user))
	if !j.owner.Holds() || d.Outcome() == gate.Refuse {
		o.Reason = string(d.Reason())
		return nil, p.wrong(ctx, a.guess(a.guesses), ErrNotAuthorized, o, a.tried())
	}
	return p.advance(ctx, a.attained(a.user, d, &j.hooked, a.guesses, storage.Require(a.user)))
}

// judgeAnswer judges the password that answers a ticket, where it may be guessed at. An error is no
// verdict.
func (p *Pool) judgeAnswer(ctx context.Context, a *answered, j *judgement, o occurrence) error {
	if !guessRule.Locked(a.guesses, a.now).IsZero() {
		return p.unjudged(ctx, o, accountLocked, ErrNotAuthorized)
	}
	if err := p.mayAnswer(ctx, a, &j.hooked); err != nil {
		return err
	}
	return p.full(ctx, o, p.judge(ctx, j, p.from(a.from, string(a.user.ID), a.guesses.Key != a.password.Key), a.user, nil, a.now))
}
