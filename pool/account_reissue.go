package pool

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// reissue ends an act by which the user is another: next, mostly of a new epoch, which ends all other
// sessions. The acting one goes on with the proofs that it had, and until the end that it had. But for
// a factor that the act has added nothing is proven by it, so neither the time of the sign-in nor the
// limit of the session moves.
//
// A browser session, and one whose password was given, is replaced by another. By an access token alone
// the session stays, and its refresh tokens with whoever holds them: to hand out one would change what
// every API that the token is shown to could keep, for a month of the account, and leave its owner
// without any. Access tokens of before are of the epoch before, and over.
func (a *Account) reissue(
	ctx context.Context, g granted, s *proving, next *user.User, changes ...storage.Change,
) (Step, error) {
	p, o, stays := a.pool, g.occurrence(s), !a.browser && s.with == nil
	session, err := a.goesOn(g, s, next, stays)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAuthorized, err)
	}
	changes = append(changes, g.proven...)
	if err := p.unlocked(ctx, &s.hooked, o, g.now, changes); err != nil {
		return nil, err
	}
	done, err := p.handOut(ctx, g.round, &s.hooked, next, session)
	if err != nil {
		return nil, p.withheld(ctx, g.round, &s.hooked, preTokenGeneration, err, o, changes...)
	}
	o.Outcome = succeeded
	changes = append(changes, storage.Put(next), storage.Put(session), p.event(g.now, o))
	if stays {
		done.Tokens.Refresh = token.Secret{}
	} else {
		changes = append(changes, storage.Delete(g.session))
	}
	if err := overMail(p.commit(ctx, changes...)); err != nil {
		return nil, err
	}
	return done, nil
}

// goesOn returns the acting session as it is for the user as next: itself where it stays, or else the
// one that takes its place.
func (a *Account) goesOn(g granted, s *proving, next *user.User, stays bool) (*token.Session, error) {
	d := gate.Decide(a.pool.request(g.round, next), append(gate.Carried(next.ID, g.session.Proofs), g.shown...), g.now)
	if stays {
		return a.pool.gate.Renewed(g.session, d)
	}
	terms := g.state.settings.terms(g.client, s.from)
	terms.Lifetime = g.session.Expires.Sub(g.now)
	return a.pool.gate.Session(d, terms)
}
