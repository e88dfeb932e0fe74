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
	answer := RespondInput{
		ClientSecret: in.ClientSecret, Ticket: in.Ticket, With: Code{in.Code}, Metadata: in.Metadata, Caller: in.Caller,
	}
	return p.respond(ctx, answer, purposeConfirm)
}

// confirm judges the code of a sign-up. The right one proves the address and takes the login in the
// same commit that consumes the ticket, so of any number at once one wins (security.md T7).
func (p *Pool) confirm(ctx context.Context, a answered, c Code, h *hooked) (Step, error) {
	if err := a.state.settings.SignUp.open(); err != nil {
		return nil, err
	}
	o := occurrence{who: a.user, from: a.from, Kind: confirmEvent, Outcome: refused, Client: a.client.ID}
	if !codeRule.Locked(a.code, a.now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
	}
	if slices.ContainsFunc(a.Proofs, func(p token.Proof) bool { return p.Method == token.MethodPassword }) {
		if err := p.mayAnswer(ctx, &a, h); err != nil { // a right code signs in
			return nil, err
		}
	}
	proof, right := p.sentCode(a, c.Value)
	if !right || a.user.Status != user.Unconfirmed {
		return nil, p.wrong(ctx, a.guess(a.code), ErrBadCode, o, a.tried())
	}
	step, err := p.confirmed(ctx, a, append(gate.Carried(a.user.ID, a.Proofs), proof), h)
	if errors.Is(err, ErrNotAuthorized) && !a.user.Disabled { // as a wrong code hears
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

	d := gate.Decide(p.request(a.round, u), proofs, a.now)
	changes := append(a.used(), storage.Put(u), storage.Clear{Key: a.code.Key, Rule: codeRule, Now: a.now},
		p.event(a.now, occurrence{who: u, from: a.from, Kind: confirmEvent, Outcome: succeeded, Client: a.client.ID}))
	changes = append(changes, p.afterwards(postConfirmation, hook.ConfirmSignUp, h, a.client.ID, u, a.now)...)
	if d.Outcome() != gate.Refuse {
		step, err := p.advance(ctx, attained{
			round: a.round, h: h, user: u, decided: d, occurred: signInEvent, at: a.password, finished: true, first: true, also: changes,
		})
		return step, taken(err)
	}
	o := occurrence{
		who: a.user, from: a.from, Kind: confirmEvent, Outcome: refused,
		Reason: string(d.Reason()), Client: a.client.ID,
	}
	return nil, p.wrong(ctx, a.guess(a.code), ErrNotAuthorized, o, a.tried())
}

// taken turns what may refuse a right code into the errors that callers know: a login that another
// user owns, and a counter that locked meanwhile.
func taken(err error) error {
	if errors.Is(err, storage.ErrConflict) {
		return ErrLoginTaken
	}
	if _, locked := limit(err); locked && !errors.Is(err, storage.ErrStale) {
		return ErrBadCode
	}
	return err
}
