package pool

import (
	"context"
	"slices"
	"time"

	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// Session is a session as its owner sees it: nothing here opens it.
type Session struct {
	ID       string // for [EndSessionInput]
	Kind     token.SessionKind
	Client   string // the app that it is of
	This     bool   // it is the acting one
	SignedIn time.Time
	Created  time.Time
	LastUsed time.Time // of tokens the last refresh, of a browser noted now and then
	Expires  time.Time // at the latest, if it is not used meanwhile
}

// Sessions lists the sessions of the user that are live, the last used first: at most 100. It costs
// two reads, and one for each in which another user acts ([Admin.Impersonate]).
func (a *Account) Sessions(ctx context.Context) ([]Session, error) {
	g, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	return a.pool.sessions(ctx, g)
}

func (p *Pool) sessions(ctx context.Context, g granted) ([]Session, error) {
	page, err := p.store.Sessions(ctx, p.config.ID, storage.SessionQuery{User: g.user.ID, Now: g.now})
	if err != nil {
		return nil, unavailable(err)
	}
	list := make([]Session, 0, len(page.Sessions))
	for _, s := range page.Sessions {
		lives, err := g.lives(ctx, p, s)
		if err != nil {
			return nil, err
		}
		if !lives {
			continue
		}
		list = append(list, Session{
			ID: s.ID, Kind: s.Kind, Client: s.Client, This: s.ID == g.session.ID,
			SignedIn: authTime(s, g.now), Created: s.Created, LastUsed: s.LastUsed, Expires: s.Ends(),
		})
	}
	slices.SortStableFunc(list, func(a, b Session) int { return b.LastUsed.Compare(a.LastUsed) })
	return list, nil
}

// lives reports whether another session of the user is good for anything: what has ended by the
// epoch, by a limit that was lowered or with its client is stored until it expires.
func (g granted) lives(ctx context.Context, p *Pool, s *token.Session) (ok bool, err error) {
	if s == nil || s.Epoch != g.user.Epoch || g.state.outlives(s, g.now) {
		return false, nil
	}
	if g.actor, err = p.actor(ctx, g, s); err != nil {
		return false, err
	}
	return g.holds(p, s).Outcome() == gate.Mint, nil
}

// EndSessionInput ends one session of one's own.
type EndSessionInput struct {
	ID     string   // of a [Session]
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// EndSession ends one session of the user, with those under it, and tells verifiers so. To end the
// acting one is [Account.SignOut]'s, which asks for no proof.
//
// It fails with [ErrNotFound] where the user has no such session, whoever else has, with
// [ErrNeedsProof], with [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError].
// It costs two reads and one commit, and a hash where a password is given.
func (a *Account) EndSession(ctx context.Context, in EndSessionInput) error {
	var v validation
	if err := v.proof(in.With); err != nil {
		return err
	}
	if !sessionID(in.ID) {
		return ErrNotFound
	}
	s := a.proving(in.With, in.Caller, signOutEvent)
	_, err := again(func() (struct{}, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return struct{}{}, err
		}
		key := storage.SessionKey{User: g.user.ID, ID: in.ID} // of this user, whatever the id is of
		got, err := a.pool.read(ctx, storage.Want{Now: g.now, Session: key})
		if err != nil {
			return struct{}{}, err
		}
		lives, err := g.lives(ctx, a.pool, got.Session)
		if err != nil {
			return struct{}{}, err
		}
		if !lives {
			return struct{}{}, a.refusedAct(ctx, g, &s, ErrNotFound)
		}
		g.session = got.Session
		return struct{}{}, a.act(ctx, g, &s, a.pool.end(g)...)
	})
	return err
}

// sessionID reports whether a text can be the id of a session.
func sessionID(id string) bool {
	return len(id) == 26 && !slices.ContainsFunc([]byte(id), func(c byte) bool {
		return (c < 'A' || c > 'Z') && (c < '2' || c > '7')
	})
}

// EndOtherSessionsInput ends all sessions of one's own but the acting one.
type EndOtherSessionsInput struct {
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// EndOtherSessions ends all other sessions of the user, with every ticket and code. The acting one goes
// on ([Account]), and the step that comes back is [*Done] with its tokens or its cookie, good for as long
// as the one before. By an access token give the password, where the user has one: then the session is
// replaced, and whoever holds a copy of its refresh token is out, too.
//
// It fails with [ErrNeedsProof], with [ErrNotAuthorized], which a wrong password is too, and with a
// *[LimitError]. It costs one read and one commit, and a hash where a password is given.
func (a *Account) EndOtherSessions(ctx context.Context, in EndOtherSessionsInput) (Step, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, signOutEvent)
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		next := g.user.Clone()
		step, err := a.reissue(ctx, g, &s, next, a.pool.voided(next, g.now))
		return step, a.refusedAct(ctx, g, &s, err)
	})
}
