package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Account is what the bearer of an access token may do with their own account. It holds no authority:
// each call reads the session and the user anew, so that a revocation counts at once (security.md T3).
type Account struct {
	pool   *Pool
	claims token.Claims
}

// Account returns the account of an access token, which must be of this pool, of any of its clients,
// and have the scope "account". It fails with [ErrNotAuthorized], and reads nothing.
func (p *Pool) Account(ctx context.Context, accessToken token.Secret) (*Account, error) {
	claims, err := p.state.Load().accounts.Verify(ctx, accessToken.Reveal())
	if err != nil || !claims.HasScope(accountScope) {
		return nil, ErrNotAuthorized
	}
	return &Account{p, *claims}, nil
}

// Profile is what users may see of themselves.
type Profile struct {
	ID            user.ID
	Username      string
	Email         string
	EmailVerified bool
	Attributes    user.Attributes
	Created       time.Time
}

// Get returns the profile. It costs one read.
func (a *Account) Get(ctx context.Context) (Profile, error) {
	g, _, err := a.read(ctx)
	if err != nil {
		return Profile{}, err
	}
	u := g.user
	return Profile{
		ID: u.ID, Username: u.Logins[0].Display, Email: u.Logins[0].Display, EmailVerified: true,
		Attributes: u.Attributes, Created: u.Created,
	}, nil
}

// SignOut ends the session of the access token. It costs one read and one commit.
func (a *Account) SignOut(ctx context.Context, from Caller) error {
	_, err := again(func() (struct{}, error) {
		g, now, err := a.read(ctx)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, a.pool.commit(ctx, append(a.pool.end(g, now),
			a.pool.event(now, occurrence{who: g.user, from: from, Kind: signOutEvent, Outcome: succeeded, Client: g.client.ID}))...)
	})
	return err
}

// SignOutEverywhere ends all sessions of the user, this one too, and voids every ticket and code. It
// costs one read and one commit.
func (a *Account) SignOutEverywhere(ctx context.Context, from Caller) error {
	_, err := again(func() (struct{}, error) {
		g, now, err := a.read(ctx)
		if err != nil {
			return struct{}{}, err
		}
		u := g.user
		u.Epoch++
		u.Updated = now
		return struct{}{}, a.pool.commit(ctx, storage.Put(u), a.pool.revokeAll(u, now),
			a.pool.event(now, occurrence{who: u, from: from, Kind: signOutEvent, Outcome: succeeded, Reason: "everywhere", Client: g.client.ID}))
	})
	return err
}

// ChangePassword sets a new password with the old one. All other sessions end, with every ticket and
// code; the acting one is replaced, and the step that comes back is [*Done] with its tokens. The
// owner is told by mail.
//
// A wrong old password is [ErrNotAuthorized] and counts like a wrong one at sign-in. It fails also
// with a *[ValidationError], and with a *[LimitError] where the password door is full. It costs one
// read, one commit and two hashes.
func (a *Account) ChangePassword(ctx context.Context, in ChangePasswordInput) (Step, error) {
	var v validation
	if in.Old.IsZero() {
		v.add("Old", "must be the present password")
	}
	v.newPassword(a.pool.state.Load().settings.Passwords, in.New)
	if err := v.err(); err != nil {
		return nil, err
	}
	c := change{input: in, judgement: judgement{hooked: a.pool.call(hook.ChangePassword, in.Caller, nil)}, chosen: choice{value: in.New, by: in.Caller}}
	return again(func() (Step, error) { return a.changePassword(ctx, &c) })
}

// change is a change of password whose costly parts were done once.
type change struct {
	input ChangePasswordInput
	judgement
	chosen choice
}

func (a *Account) changePassword(ctx context.Context, c *change) (Step, error) {
	g, now, err := a.readFor(ctx, c.input.Caller)
	if err != nil {
		return nil, err
	}
	p, u := a.pool, g.user
	from := p.from(c.input.Caller, string(u.ID), true)
	o := occurrence{who: u, from: c.input.Caller, Kind: changeEvent, Outcome: refused, Client: g.client.ID}
	if err := overBudget(g.source, sourceRule, now); err != nil {
		return nil, p.unjudged(o, networkFull, err)
	}
	if !guessRule.Locked(g.guesses, now).IsZero() {
		return nil, p.unjudged(o, accountLocked, ErrNotAuthorized)
	}
	if err := p.judge(ctx, &c.judgement, from, u, nil, Password{c.input.Old}, now); err != nil {
		return nil, p.full(o, err)
	}
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, []gate.Proof{c.owner}, now); d.Outcome() != gate.Mint {
		o.Reason = string(d.Reason())
		return nil, p.wrong(ctx, g.source.Key, g.guesses, ErrNotAuthorized, now, o)
	}
	next, refusal, err := p.choose(ctx, from, g.state.settings.Passwords, &c.chosen, u, now)
	if err != nil {
		return nil, p.full(o, err)
	}
	if refusal != nil {
		return nil, p.wrong(ctx, g.source.Key, g.guesses, refusal, now, o)
	}
	d := gate.Decide(gate.Request{User: next, Purpose: gate.SignIn}, gate.Chosen(u, next, c.owner), now)
	o.Outcome = succeeded
	changes := append(p.replaced(next, now, c.input.Caller.locale()), storage.Put(next), storage.Delete(g.session), p.event(now, o))
	return p.mint(ctx, g.state, g.client, next, &c.hooked, d, g.guesses.Key, now, changes...)
}

// read returns the live session of the token with its user, or ErrNotAuthorized.
func (a *Account) read(ctx context.Context) (g granted, now time.Time, err error) {
	return a.readFor(ctx, Caller{})
}

// readFor also returns the counters of a caller's guesses at the password.
func (a *Account) readFor(ctx context.Context, c Caller) (g granted, now time.Time, err error) {
	p := a.pool
	now = p.now()
	id, d := user.ID(a.claims.Subject), p.device(c, now)
	got, err := p.read(ctx, storage.Want{
		Now: now, Session: storage.SessionKey{User: id, ID: a.claims.Session},
		Counters: []storage.CounterKey{
			{Pool: p.config.ID, Owner: string(id), Name: passwordCounter},
			p.sourceKey(p.state.Load(), c, failures),
			{Pool: p.config.ID, Owner: string(id), Name: d.counter()},
		},
	})
	if err != nil {
		return g, now, err
	}
	if g.state, err = p.current(ctx, got.PoolEpoch); err != nil {
		return g, now, err
	}
	if g.client, err = g.state.settings.client(a.claims.ClientID); err != nil {
		return g, now, ErrNotAuthorized
	}
	g.session, g.user, g.guesses = got.Session, got.User, got.Counters[0]
	if g.source = got.Counters[1]; d.knows(got.User) {
		g.guesses = got.Counters[2]
	}
	if g.session == nil || g.user == nil || g.session.Epoch != g.user.Epoch || g.session.Client != g.client.ID {
		return g, now, ErrNotAuthorized
	}
	judged := gate.Decide(gate.Request{User: g.user, Purpose: gate.Refresh}, gate.Carried(g.user.ID, g.session.Proofs), now)
	if judged.Outcome() != gate.Mint {
		return g, now, ErrNotAuthorized
	}
	return g, now, nil
}

// revokeAll returns the change that tells verifiers that all sessions of u before its epoch are over.
func (p *Pool) revokeAll(u *user.User, now time.Time) storage.Change {
	return storage.Put(&storage.Revocation{
		Pool: p.config.ID, ID: fmt.Sprintf("%s/%d", u.ID, u.Epoch), User: u.ID, Epoch: u.Epoch, Expires: now.Add(maxAccess),
	})
}
