package pool

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// AddAuthenticatorInput begins to set up an authenticator app.
type AddAuthenticatorInput struct {
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// AddAuthenticator begins to set up an authenticator app, as Cognito's AssociateSoftwareToken does:
// show the picture, and bring the code that the app shows to [Account.ConfirmAuthenticator] within ten
// minutes. Nothing is stored with the user before that, and apps of before stay good.
//
// It fails with [ErrNotAllowed] where the pool offers no apps or the user has [user.MaxApps], with
// [ErrNeedsProof], with [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError].
// It costs one read and one commit, and a hash where a password is given.
func (a *Account) AddAuthenticator(ctx context.Context, in AddAuthenticatorInput) (AuthenticatorSetup, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return AuthenticatorSetup{}, err
	}
	s := a.proving(in.With, in.Caller, setUpEvent)
	s.may = a.mayAddApp
	return again(func() (AuthenticatorSetup, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return AuthenticatorSetup{}, err
		}
		p, until := a.pool, g.now.Add(max(setUpLifetime, g.client.StepLifetime))
		t, b := p.ticketOf(g.user, g.client.ID, purposeAddFactor, s.from, carried{}, g.now, until)
		setup, sealed := p.setsUp(g.round, g.user, t.ID)
		setup.Ticket, setup.Expires = b.String(), t.Expires
		p.carry(t, b, carried{Browser: a.browser, Kind: mfa.KindTOTP, stepUp: stepUp{Acting: g.session.ID}, Secret: sealed})
		if err := a.act(ctx, g, &s, storage.Require(g.user), storage.Put(t)); err != nil {
			return AuthenticatorSetup{}, err
		}
		return setup, nil
	})
}

// mayAddApp refuses where the user may not have another app.
func (a *Account) mayAddApp(g granted) error {
	switch {
	case !slices.Contains(a.pool.rules(g.state, g.user, g.client).Seconds, mfa.KindTOTP):
		return errNotOffered
	case g.user.Factors != nil && len(g.user.Factors.Apps) >= user.MaxApps:
		return errManyApps
	}
	return nil
}

// ConfirmAuthenticatorInput brings the first code of an authenticator app.
type ConfirmAuthenticatorInput struct {
	Ticket string // of the [AuthenticatorSetup]
	Code   string // that the app shows
	Name   string // as the owner calls the app: one line of at most 64 characters; "" means nothing
	Caller Caller `json:"-"`
}

// ConfirmAuthenticator sets up the app that [Account.AddAuthenticator] gave a seed to, as Cognito's
// VerifySoftwareToken does; from now on sign-ins ask for a second factor. The acting session goes
// on as one that has shown it, and the step that comes back is [*Done]. Where there were never
// any recovery codes it has ten ([Done].RecoveryCodes). Other sessions stay as far as the pool's rule
// lets them: those that were begun by the password alone are over. The owner is told.
//
// It fails with [ErrBadCode], which counts like a wrong code at a sign-in, with [ErrTicketGone] where
// there is nothing to confirm in this session, or after five wrong codes, with [ErrNotAllowed] as
// [Account.AddAuthenticator] does, with a *[ValidationError], and with a *[LimitError]. It costs one
// read and one commit.
func (a *Account) ConfirmAuthenticator(ctx context.Context, in ConfirmAuthenticatorInput) (Step, error) {
	var v validation
	v.code(in.Code)
	v.factorName(in.Name)
	if err := v.err(); err != nil {
		return nil, err
	}
	return a.confirmSetUp(ctx, in.Ticket, in.Caller, mfa.KindTOTP, func(g granted, answer answered) (setUp, error) {
		if err := a.mayAddApp(g); err != nil {
			return setUp{}, err
		}
		next, proof, step, err := a.pool.newAuthenticator(g.user, answer.ticket.ID, answer.Secret, in.Name, in.Code, g.now)
		return setUp{next, message.Authenticator, proof, raised(answer.steps, step)}, err
	})
}

// setUp is what a code came to by which a factor is set up: a wrong one gives a proof that does not hold.
type setUp struct {
	user   *user.User // with the factor
	factor message.Factor
	proof  gate.Proof
	also   []storage.Change // that go with a right one
}

// confirmSetUp takes the code by which this session sets up a factor. A wrong one counts like one at a
// sign-in, and while guessing is locked none is judged.
func (a *Account) confirmSetUp(
	ctx context.Context, ticket string, from Caller, kind mfa.Kind, judge func(granted, answered) (setUp, error),
) (Step, error) {
	b, ok := parseBearer(ticket)
	if !ok {
		return nil, ErrTicketGone
	}
	p, admitted := a.pool, false
	s := a.proving(nil, from, addFactorEvent)
	return again(func() (Step, error) {
		g, answer, err := a.readSetUp(ctx, b, &s, kind)
		if err != nil {
			return nil, err
		}
		o, guesses := g.occurrence(&s), answer.second
		if kind == mfa.KindTOTP {
			guesses = answer.totp
		}
		if err := overBudget(g.source, sourceRule, g.now); err != nil && !admitted {
			return nil, p.unjudged(ctx, o, networkFull, err)
		}
		admitted = true
		if !rule(guesses.Key).Locked(guesses, g.now).IsZero() {
			return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
		}
		code, err := judge(g, answer)
		if err != nil {
			return nil, err
		}
		if !code.proof.Holds() {
			return nil, p.wrong(ctx, answer.guess(guesses), ErrBadCode, o, answer.tried())
		}
		return a.added(ctx, g, &s, code.user, code.factor, code.proof, append(answer.used(), code.also...)...)
	})
}

// readSetUp reads the ticket by which this session sets up a factor of a kind. It was given for a fresh
// proof, and is good in no other session.
func (a *Account) readSetUp(ctx context.Context, b bearer, s *proving, kind mfa.Kind) (g granted, answer answered, err error) {
	p := a.pool
	key := func(owner, name string) storage.CounterKey {
		return storage.CounterKey{Pool: p.config.ID, Owner: owner, Name: name}
	}
	g, err = a.readFor(ctx, s.from, storage.Want{Tickets: []string{b.ID()}, Counters: []storage.CounterKey{
		key(b.ID(), ticketCounter), key(a.claims.Subject, totpCounter), key(a.claims.Subject, totpSteps),
		key(a.claims.Subject, secondCounter),
	}})
	if err != nil {
		return g, answer, err
	}
	if err := a.inPerson(ctx, g, s.kind, s.from); err != nil {
		return g, answer, err
	}
	answer = answered{
		round: g.round, ticket: g.read.Tickets[0], user: g.user, bearer: b, from: s.from, source: g.source.Key,
		tries: g.read.Counters[0], totp: g.read.Counters[1], steps: g.read.Counters[2], second: g.read.Counters[3],
	}
	if answer.carried, err = p.answers(answer.ticket, b, g.user); err != nil {
		return g, answer, err
	}
	mine := answer.ticket.Purpose == purposeAddFactor && answer.Kind == kind && answer.Acting == g.session.ID
	if !mine || !ticketRule.Locked(answer.tries, g.now).IsZero() {
		return g, answer, ErrTicketGone
	}
	return g, answer, nil
}
