package pool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var errNoAddress = fmt.Errorf("%w: there is no proven address for codes of this kind", ErrNotAllowed)

var errCodesOn = fmt.Errorf("%w: codes of this kind are a second factor already", ErrNotAllowed)

var errBacks = fmt.Errorf("%w: codes to it are a second factor: end that first", ErrNotAllowed)

// AddCodesInput begins to set up codes as a second factor.
type AddCodesInput struct {
	By       mfa.Kind          // mfa.KindSMS or mfa.KindEmail
	With     Response          // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// AddCodes begins to make codes to the user's phone number or email address a second factor, as
// Cognito's SetUserMFAPreference does. The address has to be proven; a code goes there, and comes back
// to [Account.ConfirmCodes] within ten minutes. Beyond five an hour none is sent, and the
// [Delivery] of the step is zero.
//
// It fails with [ErrNotAllowed] where the pool does not offer them, no such address is proven, or they
// are a second factor already, with a *[ValidationError], with [ErrNeedsProof], with
// [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError]. It costs one read and one
// commit, and a hash where a password is given.
func (a *Account) AddCodes(ctx context.Context, in AddCodesInput) (*NeedCode, error) {
	var v validation
	v.sent(in.By)
	v.metadata(in.Metadata)
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, setUpEvent)
	s.event.Metadata = in.Metadata
	s.may = func(g granted) error { return a.mayAddCodes(g, in.By) }
	return again(func() (*NeedCode, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		p := a.pool
		c := carried{Browser: a.browser, stepUp: stepUp{Acting: g.session.ID}}
		t, b := p.ticketOf(g.user, g.client.ID, purposeAddFactor, s.from, c, g.now, g.now.Add(max(setUpLifetime, g.client.StepLifetime)))
		q := question{round: g.round, h: &s.hooked, user: g.user, ticket: t, bearer: b, carried: c, from: s.from}
		if err := p.pose(ctx, &q, in.By); err != nil {
			return nil, err
		}
		need, ok := q.step.(*NeedCode)
		if !ok {
			return nil, errNotOffered
		}
		network := storage.Count{Key: p.sourceKey(g.state, s.from, requests), Rule: requestRule, Now: g.now}
		err = a.act(ctx, g, &s, append(q.changes, storage.Require(g.user), storage.Put(t), network)...)
		s.learn(err, g.now)
		return need, err
	})
}

// mayAddCodes refuses where codes of a kind may not be set up.
func (a *Account) mayAddCodes(g granted, by mfa.Kind) error {
	_, proven := g.user.Address(addressKind(by))
	switch {
	case !slices.Contains(a.pool.rules(g.state, g.user, g.client).Seconds, by):
		return errNotOffered
	case !proven:
		return errNoAddress
	case slices.Contains(g.user.Factors.Has(), by): // to do so again would move its date, on which sessions stand
		return errCodesOn
	}
	return nil
}

// sent checks that a kind of factor is a code that is sent.
func (v *validation) sent(by mfa.Kind) {
	if !bySent(by) {
		v.add("By", "must be sms or email")
	}
}

// ConfirmCodesInput brings the code that was sent to set up codes as a second factor.
type ConfirmCodesInput struct {
	By     mfa.Kind // as in [AddCodesInput]
	Ticket string   // of the [NeedCode]
	Code   string
	Caller Caller `json:"-"`
}

// ConfirmCodes makes codes to an address a second factor; from now on sign-ins ask for one. The acting
// session goes on as one that has shown it, and the step that comes back is [*Done], with recovery
// codes where there were never any ([Done].RecoveryCodes). The owner is told. A channel that is a
// second factor is none any more by which a forgotten password is set anew (Cognito).
//
// It fails with [ErrBadCode], which counts like a wrong code at a sign-in, with [ErrTicketGone] where
// there is nothing to confirm in this session, or after five wrong codes, with [ErrNotAllowed] as
// [Account.AddCodes] does, with a *[ValidationError], and with a *[LimitError]. It costs one read and
// one commit.
func (a *Account) ConfirmCodes(ctx context.Context, in ConfirmCodesInput) (Step, error) {
	var v validation
	v.sent(in.By)
	v.code(in.Code)
	if err := v.err(); err != nil {
		return nil, err
	}
	return a.confirmSetUp(ctx, in.Ticket, in.Caller, in.By, func(g granted, answer answered) (setUp, error) {
		if err := a.mayAddCodes(g, in.By); err != nil {
			return setUp{}, err
		}
		next, proof := a.pool.withCodes(answer, in.Code)
		clear := storage.Clear{Key: answer.second.Key, Rule: codeRule, Now: g.now}
		return setUp{next, message.Factor(in.By), proof, []storage.Change{clear}}, nil
	})
}

// withCodes returns the user with codes of the answered kind as a second factor, where the code is the
// one that was sent to their proven address.
func (p *Pool) withCodes(a answered, code string) (next *user.User, proof gate.Proof) {
	next = a.user.Clone()
	if next.Factors == nil {
		next.Factors = new(user.Factors)
	}
	if a.Kind == mfa.KindSMS {
		next.Factors.SMS = a.now
	} else {
		next.Factors.Email = a.now
	}
	next.Updated = a.now
	a.user = next
	return next, p.secondCode(a, code)
}

// RemoveCodesInput ends codes as a second factor.
type RemoveCodesInput struct {
	By     mfa.Kind // mfa.KindSMS or mfa.KindEmail
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// RemoveCodes ends codes to an address as a second factor, with all that
// [Account.RemoveAuthenticator] does, and fails as that does.
func (a *Account) RemoveCodes(ctx context.Context, in RemoveCodesInput) (Step, error) {
	var v validation
	v.sent(in.By)
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, dropFactorEvent)
	without := func(g granted) *user.User {
		next := g.user.Clone()
		dropCodes(next.Factors, in.By)
		return next
	}
	s.may = func(g granted) error {
		if !slices.Contains(g.user.Factors.Has(), in.By) {
			return ErrNotFound
		}
		return a.mayDrop(g, without(g))
	}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		return a.dropped(ctx, g, &s, without(g), message.Factor(in.By))
	})
}

// dropCodes ends codes of a kind as a second factor.
func dropCodes(f *user.Factors, by mfa.Kind) {
	if by == mfa.KindSMS {
		f.SMS = time.Time{}
	} else {
		f.Email = time.Time{}
	}
}

// dropUnreached ends codes as a second factor that would go nowhere, because the address was taken away.
// A new address that was proven in its place gets them.
func dropUnreached(u *user.User) {
	for _, by := range u.Factors.Has() {
		if !bySent(by) {
			continue
		}
		if _, proven := u.Address(addressKind(by)); !proven {
			dropCodes(u.Factors, by)
			tidy(u.Factors)
		}
	}
}

// enrolCodes judges the code by which codes are set up within a sign-in.
func (p *Pool) enrolCodes(ctx context.Context, a answered, w Code, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: addFactorEvent, Outcome: refused, Reason: string(a.Kind), Client: a.client.ID}
	if !codeRule.Locked(a.second, a.now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
	}
	next, proof := p.withCodes(a, w.Value)
	if !proof.Holds() {
		return nil, p.wrong(ctx, a.guess(a.second), ErrBadCode, o, a.tried())
	}
	return p.enrolled(ctx, a, next, h, message.Factor(a.Kind), a.second, proof)
}
