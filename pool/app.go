package pool

import (
	"context"
	"errors"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// App is what a confidential app client does in its own name, rather than for a visitor. It holds no
// authority: each call asks anew whether the secret is live, and so one that was deleted has opened
// something for the last time.
type App struct {
	pool  *Pool
	asked asking
}

// App returns the face of an app client that shows a live secret; "" means the pool's only client.
// The caller is who asks for it, by whose network wrong secrets are counted: the zero one where it
// is the program itself.
//
// It fails with [ErrUnknownClient], for a public client too, or with a *[LimitError] where the
// network has shown too many wrong secrets and this is another, as each of its calls does from then
// on. It costs one read.
func (p *Pool) App(ctx context.Context, id string, secret password.Secret, from Caller) (*App, error) {
	a := &App{p, asking{client: id, secret: secret, from: from}}
	_, err := a.read(ctx, storage.SessionKey{})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// read reads a session with its user, for a client that has shown its secret anew.
func (a *App) read(ctx context.Context, key storage.SessionKey) (g granted, err error) {
	if a.asked.secret.IsZero() { // a public client has none, and no name of its own to act in
		return g, ErrUnknownClient
	}
	p, ask := a.pool, a.asked // of this call alone
	g.now = p.now()
	got, s, err := p.visit(ctx, ask.from, storage.Want{Now: g.now, Session: key, Counters: ask.counters(p)})
	if err != nil {
		return g, err
	}
	g.state = s
	if g.client, err = p.proven(ctx, &ask, g.round, got.Counters); err != nil {
		return g, err
	}
	g.session, g.user = got.Session, got.User
	return g, nil
}

// presented is a token as an app shows it, an access or a refresh token. It is neither where it
// cannot be either.
type presented struct {
	access  *token.Claims
	refresh *token.Refresh
}

// presented reads a token. Only an error of the keys is one.
func (a *App) presented(ctx context.Context, t token.Secret) (s presented, key storage.SessionKey, err error) {
	text := t.Reveal()
	if r, err := token.ParseRefresh(text); err == nil {
		return presented{refresh: &r}, storage.SessionKey{User: user.ID(r.User), ID: r.Session}, nil
	}
	c, err := a.pool.state.Load().accounts.Verify(ctx, text)
	switch {
	case err == nil:
		return presented{access: c}, storage.SessionKey{User: user.ID(c.Subject), ID: c.Session}, nil
	case errors.Is(err, token.ErrInvalid), errors.Is(err, token.ErrExpired), errors.Is(err, token.ErrRevoked):
		return s, key, nil
	}
	return s, key, unavailable(err)
}

// live reports whether what was read is a session of tokens that is not over.
func (g granted) live() bool {
	return g.session != nil && g.user != nil && g.session.Epoch == g.user.Epoch && g.session.Kind != token.Browser
}

// genuine reports whether the token is one that this pool gave out for the session that was read, to
// the client of the session.
func (s presented) genuine(p *Pool, g granted) (bool, error) {
	switch {
	case !g.live():
		return false, nil
	case s.access != nil:
		return s.access.ClientID == g.session.Client && s.access.Epoch == g.session.Epoch, nil
	case s.refresh == nil:
		return false, nil
	}
	family, err := p.gate.Family(g.session)
	if err != nil {
		return false, unavailable(err)
	}
	return s.refresh.Verify(family, string(p.config.ID), g.session.Client), nil
}

// Introspect tells what a token of the client's own is worth now (RFC 7662): by today's settings and
// the user's status, and so at once when it is revoked (security.md T3). Anything else is not
// active, and the answer does not say why: an ID token, a token of another client, one that is over,
// or none at all. It changes nothing. It costs one read.
func (a *App) Introspect(ctx context.Context, t token.Secret) (Introspection, error) {
	s, key, err := a.presented(ctx, t)
	if err != nil {
		return Introspection{}, err
	}
	g, err := a.read(ctx, key)
	if err != nil {
		return Introspection{}, err
	}
	ok, err := s.genuine(a.pool, g)
	over := !ok || g.session.Client != g.client.ID || g.state.outlives(g.session, g.now)
	if err != nil || over {
		return Introspection{}, err
	}
	g.fade()
	if g.actor, err = a.pool.actor(ctx, g, g.session); err != nil || g.stillHolds(a.pool).Outcome() != gate.Mint {
		return Introspection{}, err
	}
	if s.access != nil {
		return g.accessible(*s.access, a.pool.config.Hooks.PreTokenGeneration != nil), nil
	}
	verdict := token.Judge(g.session, s.refresh.Generation, g.now, g.client.Tokens.Grace)
	if usable := verdict == token.Current || verdict == token.Retry; !usable || !g.client.has(FlowRefresh) {
		return Introspection{}, nil
	}
	return g.refreshable(a.pool.config.Issuer), nil
}

// Revoke ends the session that a refresh or access token of the client's own is of, with all its
// tokens (RFC 7009): beside the pool at once, and at a stand-alone verifier when they expire. A
// token that is over, or was never given out, is a success: nobody can use it any more.
//
// It fails with [ErrNotAuthorized] for a token of another client, which stays as it was. Where the
// store fails it does, too, and nothing is known to be revoked (CVE class 38). It costs one read
// and one commit.
func (a *App) Revoke(ctx context.Context, t token.Secret) error {
	s, key, err := a.presented(ctx, t)
	if err != nil {
		return err
	}
	_, err = again(func() (struct{}, error) { return struct{}{}, a.revoke(ctx, s, key) })
	return err
}

func (a *App) revoke(ctx context.Context, s presented, key storage.SessionKey) error {
	g, err := a.read(ctx, key)
	if err != nil {
		return err
	}
	if ok, err := s.genuine(a.pool, g); err != nil || !ok {
		return err
	}
	if g.session.Client != g.client.ID || s.refresh != nil && s.refresh.Generation > g.session.Generation {
		return ErrNotAuthorized
	}
	o := occurrence{who: g.user, from: a.asked.from, Kind: revokeEvent, Outcome: succeeded, Client: g.client.ID}
	return a.pool.commit(ctx, append(a.pool.end(g), a.pool.event(g.now, o))...)
}
