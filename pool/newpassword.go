package pool

import (
	"context"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// needNewPassword answers the right temporary password with a ticket to choose one of one's own.
func (p *Pool) needNewPassword(ctx context.Context, r reading, d gate.Decision, c Caller) (Step, error) {
	t, ticket := p.newTicket(r.user, r.client.ID, purposeNewPassword, c,
		carried{Proofs: d.Proofs(), Risk: r.risk, Counted: []string{r.counter.Key.Name}}, r.now, r.now.Add(r.client.StepLifetime))
	o := occurrence{
		who: r.user, from: c, Kind: signInEvent, Outcome: stepped,
		Reason: string(KindNewPassword), Client: r.client.ID,
	}
	if err := p.counted(ctx, r.guess(), p.warn(r, c), o, storage.Require(r.user), storage.Put(t)); err != nil {
		return nil, err
	}
	return &NeedNewPassword{Ticket: ticket, Expires: t.Expires}, nil
}

// newPassword sets the password that takes the place of a temporary one, and signs in by it. A
// password that may not be chosen leaves the ticket good, and counts like a wrong one: comparing
// with old ones costs hashes.
func (p *Pool) newPassword(ctx context.Context, a answered, chosen *choice, h *hooked) (Step, error) {
	u, policy, shown := a.user, a.state.settings.Passwords, gate.Carried(a.user.ID, a.Proofs)
	d := gate.Decide(p.request(a.round, u), shown, a.now)
	status, err := user.Next(u.Status, user.AnswerNewPassword)
	if d.Next() != gate.NewPassword || err != nil {
		return nil, ErrTicketGone // the temporary password has expired, or the user changed
	}
	o := occurrence{who: u, from: a.from, Kind: newPasswordEvent, Outcome: refused, Client: a.client.ID}
	if !guessRule.Locked(a.password, a.now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrNotAuthorized)
	}
	if err := p.mayAnswer(ctx, &a, h); err != nil {
		return nil, err
	}
	policy.History = max(policy.History, 1) // never the temporary one again
	next, refusal, err := p.choose(ctx, p.from(a.from, string(u.ID), false), policy, chosen, u, a.now)
	if err != nil {
		return nil, p.full(ctx, o, err)
	}
	if refusal != nil {
		return nil, p.wrong(ctx, a.guess(a.password), refusal, o)
	}
	next.Status = status
	d = gate.Decide(p.request(a.round, next), gate.Chosen(u, next, a.now, shown...), a.now)
	if d.Outcome() == gate.Refuse {
		o.Reason = string(d.Reason())
		return nil, p.wrong(ctx, a.guess(a.password), ErrNotAuthorized, o, a.tried())
	}
	o.Outcome = succeeded
	changes := append(p.replaced(next, a.told, a.now, a.from.locale()), storage.Put(next), p.event(a.now, o))
	changes = append(changes, a.used()...)
	h.event.Source = hook.NewPasswordChallenge
	return p.advance(ctx, attained{
		round: a.round, h: h, user: next, decided: d, occurred: signInEvent, at: a.password, finished: true, first: true, also: changes,
	})
}
