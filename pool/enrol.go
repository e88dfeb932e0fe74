package pool

import (
	"context"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// answerEnrol takes an answer to a step that has the user set up a second factor (Cognito's
// MFA_SETUP). Nothing is minted before the factor is proven. Who has one by now, in another window,
// starts again: their next sign-in asks for it.
func (p *Pool) answerEnrol(ctx context.Context, a answered, with Response, h *hooked) (Step, error) {
	d := p.judgeFactor(a, a.user)
	if d.Outcome() != gate.Step || d.Next() != gate.Enrol {
		return nil, ErrTicketGone
	}
	if err := p.mayAnswer(ctx, &a, h); err != nil {
		return nil, err
	}
	if d = p.judgeFactor(a, a.user); d.Next() != gate.Enrol { // at a risk that has grown
		o := occurrence{who: a.user, from: a.from, Kind: addFactorEvent, Outcome: refused, Reason: string(d.Reason()), Client: a.client.ID}
		return nil, p.wrong(ctx, a.guess(a.totp), ErrBadCode, o, a.tried())
	}
	if w, ok := with.(Choice); ok {
		return p.askFor(ctx, a, d, w.Kind, h)
	}
	if !slices.Contains(d.Kinds(), a.Kind) { // nothing was chosen, or it is not offered any more (security.md S18)
		return nil, ErrWrongStep
	}
	if a.Lost { // the factors give way to what is set up
		a.lost, a.user = a.user, replaces(a.user)
	}
	switch a.Kind {
	case mfa.KindTOTP:
		if w, ok := with.(Code); ok {
			return p.enrolAuthenticator(ctx, a, w, h)
		}
	case mfa.KindSMS, mfa.KindEmail:
		if w, ok := with.(Code); ok {
			return p.enrolCodes(ctx, a, w, h)
		}
	case mfa.KindPasskey:
		if w, ok := with.(PasskeyAttestation); ok {
			return p.enrolPasskey(ctx, a, w, h)
		}
	case mfa.KindPassword, mfa.KindRecovery, mfa.KindCustom: // are not set up
	}
	return nil, ErrWrongStep
}

// askAuthenticator asks for the first code of an app, whose seed is new each time that it is shown.
func (p *Pool) askAuthenticator(q *question, others []mfa.Kind) {
	s, sealed := p.setsUp(q.round, q.user, q.ticket.ID)
	s.Ticket, s.Expires = q.bearer.String(), q.ticket.Expires
	q.Secret, q.step = sealed, &NeedTOTPSetup{AuthenticatorSetup: s, Others: others}
}

// enrolAuthenticator judges the first code of an app that is set up within a sign-in.
func (p *Pool) enrolAuthenticator(ctx context.Context, a answered, w Code, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: addFactorEvent, Outcome: refused, Reason: string(mfa.KindTOTP), Client: a.client.ID}
	if a.lost == nil && !guessRule.Locked(a.totp, a.now).IsZero() { // or it is the lost ones that are locked
		return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
	}
	next, proof, step, err := p.newAuthenticator(a.user, a.ticket.ID, a.Secret, "", w.Value, a.now)
	if err != nil {
		return nil, err
	}
	if !proof.Holds() {
		return nil, p.wrong(ctx, a.guess(a.totp), ErrBadCode, o, a.tried())
	}
	return p.enrolled(ctx, a, next, h, message.Authenticator, a.totp, proof, raised(a.steps, step)...)
}

// enrolled ends the set-up of a factor within a sign-in: next is the user with it, and proof what it
// has proven. One commit stores it with the session, and the owner is told. The first factor comes
// with recovery codes, which [Done] hands out.
func (p *Pool) enrolled(
	ctx context.Context, a answered, next *user.User, h *hooked, factor message.Factor, at storage.Counter, proof gate.Proof,
	also ...storage.Change,
) (Step, error) {
	d := p.judgeFactor(a, next, proof)
	if d.Outcome() == gate.Refuse { // what may be a factor has changed meanwhile
		return nil, ErrTicketGone
	}
	all := []news{{message.FactorAdded, factor}}
	var codes []string
	if d.Outcome() == gate.Mint { // or there is nothing to hand them out with
		codes = p.firstCodes(next, a.now)
	}
	if codes != nil {
		all = append(all, news{kind: message.RecoveryCodesMade})
	}
	o := occurrence{who: next, from: a.from, Kind: addFactorEvent, Outcome: succeeded, Reason: string(factor), Client: a.client.ID}
	changes := append(p.tell(a.user, a.told, a.from, a.now, all...), storage.Put(next), p.event(a.now, o))
	if a.lost != nil {
		at = storage.Counter{} // goes with the lost ones
		changes = append(append(changes, p.unguessed(bare(a.lost))...), p.tellReplaced(a.lost, next, a.from, a.now)...)
	}
	v := a.attained(next, d, h, at, append(changes, also...)...)
	v.finished, v.codes = true, codes
	return p.advance(ctx, v)
}

// firstCodes gives u recovery codes, where there never were any, and returns them.
func (p *Pool) firstCodes(u *user.User, now time.Time) []string {
	if !u.Factors.Recovery.Made.IsZero() {
		return nil
	}
	return p.gate.RecoveryCodes(u, now)
}

// raised returns the changes that use up a step of an app's, and with it all before it; none where
// that was done already.
func raised(last storage.Counter, step int64) []storage.Change {
	if step <= last.N {
		return nil
	}
	return []storage.Change{storage.Raise{Key: last.Key, N: step}}
}
