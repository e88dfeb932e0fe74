package pool

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// answered is a ticket whose bearer has shown itself, as of one read.
type answered struct {
	round
	ticket *storage.Ticket
	user   *user.User
	lost   *user.User // as it is with factors that are lost, where user is without them
	bearer bearer
	carried
	totp, recovery, second, custom, steps            storage.Counter // of guesses at factors, and the watermark of apps
	passkey, uses                                    storage.Counter // of wrong answers by a passkey, and the watermark of one
	tries, password, code, resetCode, requests, told storage.Counter
	begun                                            storage.Counter // of guesses at codes by which a sign-in begins: of a known device its own (security.md T6)
	guesses                                          storage.Counter // at the password: the same
	source                                           storage.CounterKey
	replaces                                         *token.Session // that a step-up is of; nil means none
	ask                                              *asking
	remember                                         bool // the device, if a sign-in ends
	from                                             Caller
}

// guess is one at what a counter counts.
func (a answered) guess(at storage.Counter) guess { return guess{at, a.source, a.now} }

// readTicket reads a ticket with its owner and their counters, in one round trip. A ticket whose
// tries are used up is gone. Who brings it must prove to be the client that it was given to (CVE
// class 31).
func (p *Pool) readTicket(ctx context.Context, b bearer, ask *asking) (a answered, err error) {
	now, c := p.now(), ask.from
	d := p.device(c, now)
	got, s, err := p.visit(ctx, c, storage.Want{
		Now: now, Tickets: []string{b.ID()}, User: ask.owner(),
		Counters: append([]storage.CounterKey{
			{Pool: p.config.ID, Owner: b.ID(), Name: ticketCounter},
			{Pool: p.config.ID, Name: passwordCounter},
			{Pool: p.config.ID, Name: confirmCounter},
			{Pool: p.config.ID, Name: resetCounter},
			{Pool: p.config.ID, Name: requestMark},
			p.sourceKey(p.state.Load(), c, failures),
			{Pool: p.config.ID, Name: changeMail},
			{Pool: p.config.ID, Name: totpCounter},
			{Pool: p.config.ID, Name: recoveryCounter},
			{Pool: p.config.ID, Name: secondCounter},
			{Pool: p.config.ID, Name: totpSteps},
			{Pool: p.config.ID, Name: devices},
			{Pool: p.config.ID, Name: signInCounter},
			{Pool: p.config.ID, Name: customCounter},
			{Pool: p.config.ID, Owner: string(d.User), Name: d.counter()},
			{Pool: p.config.ID, Owner: string(d.User), Name: d.signInCounter()},
		}, append(ask.counters(p), ask.passkeyCounters(p, b)...)...),
	})
	if err != nil {
		return a, err
	}
	if ask.foreign(got) {
		return p.readTicket(ctx, b, ask)
	}
	a = answered{
		round: round{state: s, now: now}, ticket: got.Tickets[0], user: got.User, bearer: b,
		totp: got.Counters[7], recovery: got.Counters[8], second: got.Counters[9], steps: got.Counters[10],
		custom: got.Counters[13],
		tries:  got.Counters[0], password: got.Counters[1], code: got.Counters[2],
		resetCode: got.Counters[3], requests: got.Counters[4], told: got.Counters[6],
		begun:  got.Counters[12],
		source: got.Counters[5].Key, from: c, ask: ask,
	}
	if err := overBudget(got.Counters[5], sourceRule, now); err != nil && !ask.admitted {
		return a, p.unjudged(ctx, occurrence{from: c, Kind: answerEvent}, networkFull, err)
	}
	ask.admitted = true
	if a.carried, err = p.answers(a.ticket, b, a.user); err != nil {
		return a, err
	}
	a.risk = a.Risk
	if !b.mailed && a.Browser != c.Browser { // a link is opened where its owner reads mail
		return a, errOtherSurface
	}
	if len(ask.passkey) > 0 {
		last := len(got.Counters) - 1
		a.passkey, a.uses = got.Counters[last-1], got.Counters[last]
	}
	if a.ticket.Purpose != purposePasskey && !owns(a.user, a.ticket) { // nobody's, or not any more: guesses count against what it was made for
		a.user, a.resetCode.Key.Owner, a.begun.Key.Owner = nil, a.Owner, a.Owner
	}
	if !ticketRule.Locked(a.tries, now).IsZero() {
		return a, ErrTicketGone
	}
	known := d.knows(a.user)
	if a.guesses = a.password; known {
		a.guesses, a.begun = got.Counters[14], got.Counters[15]
	}
	if a.Acting == "" && !known { // who steps up has signed in already
		a.devices = got.Counters[11]
	}
	ask.client = a.ticket.Client
	a.client, err = p.proven(ctx, ask, a.round, got.Counters[16:])
	if err == nil && a.state.predates(a.client.ID, a.ticket.Created) {
		err = ErrTicketGone
	}
	if err == nil && a.Acting != "" {
		a.replaces, err = p.acting(ctx, a)
	}
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

// missed are the guesses that count in the risk of an answer: not the right one that earned the ticket,
// which was counted, too (security.md T5).
func (a answered) missed() storage.Counter {
	c := a.guesses
	if slices.Contains(a.Counted, c.Key.Name) {
		c.Run = max(c.Run-1, 0)
	}
	return c
}

// mayAnswer asks PreAuthentication about an answer to a ticket that may end in a sign-in, and what risk
// there is in it. What there was when the sign-in began stays with it.
func (p *Pool) mayAnswer(ctx context.Context, a *answered, h *hooked) error {
	if err := a.client.allows(FlowPassword); err != nil && !a.client.has(FlowChoice) {
		return err
	}
	risk, err := p.mayTry(ctx, h, a.round, called(a.user), a.user, a.missed())
	a.risk = max(a.risk, risk)
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
