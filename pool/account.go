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

// Account is what the bearer of an access token, or of the cookie of a browser session, may do with
// their own account. It holds no authority: each call reads the session and the user anew, so that a
// revocation counts at once (security.md T3).
//
// Each call fails also with [ErrNotAuthorized] where the session is over: sign in again. An
// administrator who acts as the user may read, and gets [ErrForbidden] for what is the user's own.
//
// Acts that change factors, addresses or names give the session anew, as a [*Done]. A browser session
// is replaced, and so is one whose password is given with the act. By an access token alone it goes on,
// and there is no refresh token in [Done].Tokens: the one that there is stays good. So who has stolen an
// access token gets no more by it.
type Account struct {
	pool    *Pool
	claims  token.Claims // of a browser session only its names, and how it began
	browser bool
}

// Account returns the account of an access token, which must be of this pool, of any of its clients,
// and have the scope "account". It fails with [ErrNotAuthorized], and reads nothing.
func (p *Pool) Account(ctx context.Context, accessToken token.Secret) (*Account, error) {
	claims, err := p.state.Load().accounts.Verify(ctx, accessToken.Reveal())
	if err != nil || !claims.HasScope(accountScope) {
		return nil, ErrNotAuthorized
	}
	return &Account{p, *claims, false}, nil
}

// Profile is what users may see of themselves.
type Profile struct {
	ID            user.ID
	Username      string // the chosen one, or else the first login
	Email         string // "" means none
	EmailVerified bool
	Phone         string // "" means none
	PhoneVerified bool
	Attributes    user.Attributes // without what has a field here
	Groups        []string        // that the pool has, by precedence ([Group]); nil means none
	Created       time.Time
	// Actor is the administrator who acts as the user in this session ([Admin.Impersonate]); ""
	// means the user, and so it is with what administrators see.
	Actor string
}

// Get returns the profile. It costs one read.
func (a *Account) Get(ctx context.Context) (Profile, error) {
	g, err := a.read(ctx)
	if err != nil {
		return Profile{}, err
	}
	return g.profile(), nil
}

// SignOut ends the session, with those under it. It costs one read and one commit.
func (a *Account) SignOut(ctx context.Context, from Caller) error {
	_, err := again(func() (struct{}, error) {
		g, err := a.read(ctx)
		if err != nil {
			return struct{}{}, err
		}
		o := occurrence{
			who: g.user, from: from, Kind: signOutEvent, Outcome: succeeded, Client: g.client.ID, Actor: g.session.Actor(),
		}
		return struct{}{}, a.pool.commit(ctx, append(a.pool.end(g), a.pool.event(g.now, o))...)
	})
	return err
}

// SignOutEverywhere ends all sessions of the user, this one too, and voids every ticket and code. It
// costs one read and one commit.
func (a *Account) SignOutEverywhere(ctx context.Context, from Caller) error {
	_, err := again(func() (struct{}, error) {
		g, err := a.read(ctx)
		if err != nil {
			return struct{}{}, err
		}
		if err := a.inPerson(ctx, g, signOutEvent, from); err != nil {
			return struct{}{}, err
		}
		u := g.user
		u.Epoch++
		u.Updated = g.now
		o := occurrence{
			who: u, from: from, Kind: signOutEvent, Outcome: succeeded, Reason: "everywhere", Client: g.client.ID,
		}
		return struct{}{}, a.pool.commit(ctx, storage.Put(u), a.pool.revokeAll(u, g.now), a.pool.event(g.now, o))
	})
	return err
}

// ChangePassword sets a new password with the old one. All other sessions end, with every ticket
// and code; the acting one is replaced, and the step that comes back is [*Done] with its tokens, or
// with the cookie where it is a browser session. The owner is told by mail or else by SMS, as often
// in an hour as codes are sent there.
//
// A wrong old password is [ErrNotAuthorized] and counts like a wrong one at sign-in. It fails also
// with a *[ValidationError], and with a *[LimitError] where the password door is full. It costs two
// reads, one commit and two hashes.
func (a *Account) ChangePassword(ctx context.Context, in ChangePasswordInput) (Step, error) {
	var v validation
	if in.Old.IsZero() {
		v.add("Old", "must be the present password")
	}
	v.newPassword(a.pool.state.Load().settings.Passwords, in.New)
	if err := v.err(); err != nil {
		return nil, err
	}
	c := change{
		proving: a.proving(Password{in.Old}, in.Caller, changeEvent),
		chosen:  choice{value: in.New, by: in.Caller},
	}
	c.event.Source = hook.ChangePassword
	return again(func() (Step, error) { return a.changePassword(ctx, &c) })
}

// change is a change of password whose costly parts were done once.
type change struct {
	proving
	chosen choice
}

func (a *Account) changePassword(ctx context.Context, c *change) (Step, error) {
	g, err := a.prove(ctx, &c.proving, storage.Want{})
	if err != nil {
		return nil, err
	}
	p, u, now, o := a.pool, g.user, g.now, g.occurrence(&c.proving)
	if err := p.stillOpen(ctx, now, o, g.proven...); err != nil {
		return nil, err
	}
	from := p.from(c.from, string(u.ID), true)
	next, refusal, err := p.choose(ctx, from, g.state.settings.Passwords, &c.chosen, u, now)
	if err != nil {
		return nil, p.unchosen(ctx, g.guess(), err, o)
	}
	if refusal != nil {
		return nil, p.wrong(ctx, g.guess(), refusal, o)
	}
	shown := append(gate.Carried(u.ID, g.session.Proofs), c.owner)
	d := gate.Decide(p.request(g.round, next), gate.Chosen(u, next, now, shown...), now)
	o.Outcome = succeeded
	changes := append(p.replaced(next, g.told, now, c.from.locale()),
		storage.Put(next), storage.Delete(g.session), p.event(now, o))
	if g.guesses.Key != g.strangers { // theirs, up to a lock without end, were at the old one
		changes = append(changes, storage.Delete(&storage.Counter{Key: g.strangers}))
	}
	return p.mint(ctx, attained{round: g.round, h: &c.hooked, user: next, decided: d, at: g.guesses, also: changes})
}

// inPerson fails where somebody else acts as the user, and lets the history tell who wanted it:
// credentials, factors, addresses, links, consent, export and deletion are the user's own (security.md
// S6).
func (a *Account) inPerson(ctx context.Context, g granted, kind string, from Caller) error {
	if g.session.Kind != token.Impersonation {
		return nil
	}
	o := occurrence{who: g.user, from: from, Kind: kind, Actor: g.session.Actor()}
	return a.pool.unjudged(ctx, o, forbidden, fmt.Errorf("%w: it takes the user in person", ErrForbidden))
}

// read returns the live session with its user, or ErrNotAuthorized, for whoever asks.
func (a *Account) read(ctx context.Context) (granted, error) {
	return a.readWith(ctx, Caller{}, storage.Want{})
}

// readWith reads the session and its user for a caller, with what else is wanted, and judges them as
// they are now.
func (a *Account) readWith(ctx context.Context, from Caller, w storage.Want) (g granted, err error) {
	p := a.pool
	g.now = p.now()
	w.Now = g.now
	w.Session = storage.SessionKey{User: user.ID(a.claims.Subject), ID: a.claims.Session}
	if g.read, g.state, err = p.visit(ctx, from, w); err != nil {
		return g, err
	}
	g.session, g.user = g.read.Session, g.read.User
	if g.session == nil || g.user == nil || g.session.Epoch != g.user.Epoch || !a.names(g.session) {
		return g, ErrNotAuthorized
	}
	if g.state.outlives(g.session, g.now) {
		return g, ErrNotAuthorized
	}
	if g.client, err = g.state.settings.client(g.session.Client); err != nil {
		return g, ErrNotAuthorized
	}
	if g.actor, err = p.actor(ctx, g, g.session); err != nil {
		return g, err
	}
	g.fade()
	judged := g.stillHolds(p)
	if judged.Outcome() != gate.Mint {
		return g, ErrNotAuthorized
	}
	g.session.Proofs = judged.Proofs() // what a credential has proven that is gone says nothing any more
	return g, nil
}

// names reports whether what the account was opened with is of this session, and of the epoch that it
// is of by now: a cookie opens no session of tokens, nor a token one of a browser.
func (a *Account) names(s *token.Session) bool {
	if s.Epoch != a.claims.Epoch {
		return false
	}
	if a.browser {
		return s.Kind != token.Grant
	}
	return s.Kind != token.Browser && s.Client == a.claims.ClientID
}

// revokeAll returns the change that tells verifiers that all sessions of u before its epoch are
// over.
func (p *Pool) revokeAll(u *user.User, now time.Time) storage.Change {
	return storage.Put(&storage.Revocation{
		Pool: p.config.ID, ID: fmt.Sprintf("%s/%d", u.ID, u.Epoch),
		User: u.ID, Epoch: u.Epoch, Expires: now.Add(keepRevoked),
	})
}
