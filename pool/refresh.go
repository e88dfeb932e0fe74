package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Refresh gives new tokens of a session for its current refresh token, which is spent by it: the
// token before the current one gives the same successor again within the client's grace, for
// parallel tabs and lost answers. After the grace it, or any older one, ends the session, because
// one of two holders stole it (security.md T4, RFC 9700 4.14). Today's status of the user decides,
// not that of the sign-in.
//
// It fails with [ErrNotAuthorized]: sign in again; and with [ErrFlowNotAllowed] where the client has
// no [FlowRefresh]. It costs one read and one commit.
func (p *Pool) Refresh(ctx context.Context, in RefreshInput) (Step, error) {
	var v validation
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	presented, err := token.ParseRefresh(in.Token.Reveal())
	if err != nil {
		return nil, ErrNotAuthorized
	}
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
	h := p.call(hook.RefreshTokens, in.Caller, in.Metadata)
	return again(func() (Step, error) { return p.refresh(ctx, &ask, presented, &h) })
}

func (p *Pool) refresh(ctx context.Context, ask *asking, presented token.Refresh, h *hooked) (Step, error) {
	g, err := p.readSession(ctx, ask, presented)
	if err != nil {
		return nil, err
	}
	if err := g.client.allows(FlowRefresh); err != nil {
		return nil, err
	}
	o := occurrence{who: g.user, from: ask.from, Kind: refreshEvent, Outcome: refused, Client: g.client.ID}
	verdict := token.Judge(g.session, presented.Generation, g.now, g.client.Tokens.Grace)
	if verdict == token.Reused {
		o.Reason = "reused"
		if err := p.commit(ctx, append(p.end(g), p.event(g.now, o))...); err != nil {
			return nil, err
		}
		return nil, ErrNotAuthorized
	}
	g.fade()
	held := g.stillHolds(p)
	if verdict == token.Future || held.Outcome() != gate.Mint {
		return nil, ErrNotAuthorized
	}
	next := g.session.Clone()
	next.Proofs = held.Proofs()                         // what a credential has proven that is gone says nothing any more
	guard := storage.Change(storage.Require(g.session)) // a retry: the same successor, and nothing moves
	if verdict == token.Current {
		next.Generation, next.Rotated, next.LastUsed = next.Generation+1, g.now, g.now
		guard = storage.Put(next)
	}
	set, err := p.tokens(ctx, g.round, h, g.user, next)
	if err != nil {
		return nil, p.denied(ctx, err, g.now, o)
	}
	o.Outcome = succeeded
	if err := p.commit(ctx, guard, storage.Require(g.user), p.event(g.now, o)); err != nil {
		return nil, err
	}
	return &Done{Tokens: set}, nil
}

// SignOut ends the session of a refresh token, whichever of its generations. Access tokens of it are
// refused by [Pool.Verifier] from then on; a stand-alone verifier honours them until they expire.
//
// A session that is over already is a success, and so is one that never was (RFC 7009, 2.2): nobody
// can tell the two apart any more. A token of another client, or an altered one, is
// [ErrNotAuthorized], and ends nothing. It costs one read and one commit.
func (p *Pool) SignOut(ctx context.Context, in SignOutInput) error {
	presented, err := token.ParseRefresh(in.Token.Reveal())
	if err != nil {
		return ErrNotAuthorized
	}
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller, leaves: true}
	_, err = again(func() (struct{}, error) { return struct{}{}, p.signOut(ctx, &ask, presented) })
	return err
}

func (p *Pool) signOut(ctx context.Context, ask *asking, presented token.Refresh) error {
	g, err := p.readSession(ctx, ask, presented)
	if errors.Is(err, errEnded) {
		return nil
	}
	if err != nil {
		return err
	}
	if presented.Generation > g.session.Generation {
		return ErrNotAuthorized
	}
	o := occurrence{who: g.user, from: ask.from, Kind: signOutEvent, Outcome: succeeded, Client: g.client.ID}
	return p.commit(ctx, append(p.end(g), p.event(g.now, o))...)
}

// granted is a live session whose refresh token was presented, as of one read.
type granted struct {
	round
	session *token.Session
	user    *user.User
	actor   gate.Actor      // a user who acts in the session
	read    storage.Got     // for an account only, like what follows
	guesses storage.Counter // at the password; read with a fresh proof only, like what follows
	source  storage.Counter // of the caller's network
	told    storage.Counter // of notices about the account

	strangers storage.CounterKey // of guesses at the password without a known device
	proven    []storage.Change   // that go with the act a password was given for
	shown     []gate.Proof       // by the act: the session that takes the place of the acting one stands on it
}

// fade takes the second level from a session that has lain idle for too long (security.md T2). The mark
// goes on with the session once a use of it is noted: to be there again does not bring the level back.
func (g granted) fade() {
	s := g.session
	if g.now.Sub(s.LastUsed) >= g.state.settings.Sessions.strongIdle() && token.ACR(s.Proofs, g.now) == token.AAL2 {
		s.Proofs = append(slices.Clip(s.Proofs), token.Proof{Method: token.MethodFaded, Time: g.now})
	}
}

// stillHolds decides by the proofs of the session whether there would be one today.
func (g granted) stillHolds(p *Pool) gate.Decision { return g.holds(p, g.session) }

// holds is stillHolds of any session of the user, by the rules for the client that it is of.
func (g granted) holds(p *Pool, s *token.Session) gate.Decision {
	r := g.request(p)
	if c, err := g.state.settings.client(s.Client); err == nil {
		r.Rules = p.rules(g.state, g.user, c)
	}
	return gate.Decide(r, gate.Carried(g.user.ID, s.Proofs), g.now)
}

// request asks the gate about a session that there is.
func (g granted) request(p *Pool) gate.Request {
	r := p.request(g.round, g.user)
	r.Purpose, r.May, r.Actor = gate.Refresh, uint32(g.state.roleOf(g.user)), g.actor
	return r
}

// guess is one at the password of the user.
func (g granted) guess() guess { return guess{g.guesses, g.source.Key, g.now} }

// errEnded is ErrNotAuthorized for a session that is not there any more.
var errEnded = fmt.Errorf("%w", ErrNotAuthorized)

// readSession finds the session of a refresh token and checks that the token is of its family. A
// token that is not has no effect: who knows a session's id must not be able to end it.
func (p *Pool) readSession(ctx context.Context, a *asking, presented token.Refresh) (g granted, err error) {
	g.now = p.now()
	got, s, err := p.visit(ctx, a.visitor(), storage.Want{
		Now: g.now, Session: storage.SessionKey{User: user.ID(presented.User), ID: presented.Session},
		Counters: a.counters(p),
	})
	if err != nil {
		return g, err
	}
	g.state = s
	if g.client, err = p.proven(ctx, a, g.round, got.Counters); err != nil {
		return g, err
	}
	g.session, g.user = got.Session, got.User
	if g.session == nil || g.user == nil || g.session.Epoch != g.user.Epoch {
		return g, errEnded
	}
	if g.session.Kind != token.Grant { // it has no family of tokens
		return g, ErrNotAuthorized
	}
	family, err := p.gate.Family(g.session)
	if err != nil {
		return g, unavailable(err)
	}
	if g.session.Client != g.client.ID || !presented.Verify(family, string(p.config.ID), g.client.ID) {
		return g, ErrNotAuthorized
	}
	if g.state.outlives(g.session, g.now) {
		return g, errEnded
	}
	return g, nil
}

// end returns the changes that end a session and tell verifiers so.
func (p *Pool) end(g granted) []storage.Change {
	return []storage.Change{
		storage.Delete(g.session),
		storage.Put(&storage.Revocation{
			Pool: p.config.ID, ID: g.session.ID, User: g.user.ID, Session: g.session.ID,
			Expires: g.now.Add(keepRevoked),
		}),
	}
}

const (
	// maxAccess is the longest lifetime of an access token.
	maxAccess = 24 * time.Hour
	// keepRevoked is for how long a revocation is kept. Who issued the token, who revokes it, who
	// sweeps and who verifies may each be off, and it must be there for as long as anybody takes the
	// token.
	keepRevoked = maxAccess + 4*maxSkew
)
