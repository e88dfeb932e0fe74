package pool

import (
	"context"
	"errors"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
)

// ResendCode sends a new code for a sign-up, in exchange for its ticket: the one before and its code
// are void from then on. Wrong codes that were counted against the sign-up stay counted. A link is
// replaced alike.
//
// It fails with [ErrTicketGone], with [ErrWrongStep] and with a *[LimitError] where the caller's
// network has asked for enough, which leaves the ticket good. Beyond five mails or three messages
// by SMS an hour to one address nothing is sent, which the answer does not show. It costs one read
// and one commit.
func (p *Pool) ResendCode(ctx context.Context, in ResendInput) (SignUpResult, error) {
	b, ok := parseBearer(in.Ticket)
	if !ok {
		return SignUpResult{}, ErrTicketGone
	}
	var v validation
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return SignUpResult{}, err
	}
	var sent unread // of mails to the address
	ask := asking{secret: in.ClientSecret, from: in.Caller}
	return again(func() (SignUpResult, error) {
		a, err := p.readTicket(ctx, b, &ask)
		if err != nil {
			return SignUpResult{}, err
		}
		if a.ticket.Purpose != purposeConfirm || a.user.Somebody() {
			return SignUpResult{}, ErrWrongStep
		}
		if err := a.state.settings.SignUp.open(); err != nil {
			return SignUpResult{}, err
		}
		mails := sent.at(storage.CounterKey{Pool: p.config.ID, Owner: a.Channel, Name: signUpMail})
		res, err := p.resend(ctx, in, a, mails)
		if err != nil {
			sent.learn(err, mailing(a.user.Attempt.Proves()), a.now)
		}
		return res, overMail(err)
	})
}

func (p *Pool) resend(ctx context.Context, in ResendInput, a answered, sent storage.Counter) (SignUpResult, error) {
	u, to := a.user, a.user.Attempt.Proves()
	c := a.carried
	c.Until = a.state.sentTo(to, a.now).Until
	t, ticket := p.newTicket(u, a.client.ID, purposeConfirm, in.Caller, c, a.now, a.ticket.Expires)
	l := letterTo(to, message.ConfirmSignUp, in.Caller.locale(), newCode())
	l = p.asked(l, hook.ResendCode, a.client, in.Metadata)
	if a.Taken {
		l.Kind, l.Code = message.AlreadyRegistered, ""
	}
	o := occurrence{who: u, from: in.Caller, Kind: resendEvent, Outcome: stepped, Client: a.client.ID}
	counter, budget := requested(to)
	network := p.sourceKey(a.state, in.Caller, counter)
	changes := append(p.mail(sent, mailing(to), t, c, l, a.now),
		storage.Require(u), storage.Delete(a.ticket), storage.Put(t),
		storage.Count{Key: network, Rule: budget, Now: a.now}, p.event(a.now, o))
	err := p.commit(ctx, changes...)
	if full, ok := errors.AsType[*storage.LimitError](err); ok && full.Key == network {
		return SignUpResult{}, p.unjudged(ctx, o, networkFull, &LimitError{Until: full.Until})
	} else if err != nil {
		return SignUpResult{}, err
	}
	return SignUpResult{Ticket: ticket, Delivery: delivery(to)}, nil
}
