package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Why a passkey stays, or is not asked for.
var (
	errLastWayIn = fmt.Errorf("%w: it is all that the user signs in by", ErrNotAllowed)
	errNoPasskey = fmt.Errorf("%w: there is no passkey that could be asked for", ErrNotAllowed)
	errNoOther   = fmt.Errorf("%w: who loses the passkey would be locked out: make recovery codes first", ErrNotAllowed)
)

// RemovePasskeyInput takes a passkey away.
type RemovePasskeyInput struct {
	ID     string   // of a [Passkey]
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// RemovePasskey takes a passkey of the user away. All other sessions end, with every ticket and code
// (security.md T3); the acting one goes on ([Account]), and the step that comes back is [*Done]. The owner is
// told.
//
// It fails with [ErrNotFound], with [ErrNotAllowed] where it is the last factor and one is required, or
// all that the user signs in by, with [ErrNeedsProof], also where the session rests on that passkey
// alone, with [ErrNotAuthorized], which a wrong password is too, and with a *[LimitError]. It costs one
// read and one commit, and a hash where a password is given.
func (a *Account) RemovePasskey(ctx context.Context, in RemovePasskeyInput) (Step, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	s := a.proving(in.With, in.Caller, dropFactorEvent)
	s.may = func(g granted) error {
		if passkeyAt(g.user.Factors, in.ID) < 0 {
			return ErrNotFound
		}
		next, _ := withoutPasskey(g.user, in.ID)
		if !a.pool.entersWithout(g, next) {
			return errLastWayIn
		}
		return a.mayGoOn(g, next, in.With != nil)
	}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		if s.with != nil {
			g.shown = []gate.Proof{s.owner}
		}
		next, gone := withoutPasskey(g.user, in.ID)
		uses := storage.CounterKey{Pool: a.pool.config.ID, Owner: string(g.user.ID), Name: usesOf(gone.ID)}
		return a.dropped(ctx, g, &s, next, message.Passkey, storage.Delete(&storage.Counter{Key: uses}))
	})
}

// withoutPasskey returns a user without a passkey of theirs, its login among what is gone.
func withoutPasskey(u *user.User, id string) (next *user.User, gone mfa.Passkey) {
	next = u.Clone()
	f, i := next.Factors, passkeyAt(next.Factors, id)
	gone = f.Passkeys[i]
	f.Passkeys = slices.Delete(f.Passkeys, i, i+1)
	f.PasskeySecond = f.PasskeySecond && len(f.Passkeys) > 0
	login := user.PasskeyLogin(gone.ID)
	next.Logins = slices.DeleteFunc(next.Logins, func(l user.Login) bool {
		return l.Namespace == login.Namespace && l.Value == login.Value
	})
	return next, gone
}

// entersWithout reports whether a user could still sign in as they would be.
func (p *Pool) entersWithout(g granted, next *user.User) bool {
	return slices.ContainsFunc(p.rules(g.state, next, g.client).Firsts, func(k mfa.Kind) bool {
		_, email := next.Address(user.KindEmail)
		_, phone := next.Address(user.KindPhone)
		return k == mfa.KindPassword && next.Password != nil || k == mfa.KindEmail && email || k == mfa.KindSMS && phone ||
			k == mfa.KindPasskey && len(next.Factors.Passkeys) > 0
	})
}

// mayGoOn tells why the acting session could not stand for a user without a passkey; known says that
// the password is shown besides.
func (a *Account) mayGoOn(g granted, next *user.User, known bool) error {
	d := gate.Decide(a.pool.request(g.round, next), gate.Carried(next.ID, g.session.Proofs), g.now)
	switch {
	case d.Reason() != gate.NoProof:
		return a.mayDrop(g, next)
	case known && next.Password != nil:
		return nil
	}
	return errStandsOn
}

// AskForPasskeyInput says whether a passkey is asked for after a password.
type AskForPasskeyInput struct {
	On     bool
	With   Response // [Password]; nil where the sign-in is fresh ([SessionSettings].Fresh)
	Caller Caller   `json:"-"`
}

// AskForPasskey says whether a passkey of the user's is asked for after a password (Cognito's WebAuthn
// MFA, which is only for who has another factor). Where it is not, as once the first was made, passkeys
// are a way in alone, and may be shown in place of another second factor. Who has no other gets
// recovery codes for the day on which the passkey is lost, in [Done].RecoveryCodes. Sessions that have
// shown the password alone are over with it, and all others where it is turned off; the acting one goes
// on ([Account]), and the step that comes back is [*Done]. The owner is told.
//
// It fails with [ErrNotAllowed] where there is no passkey, passkeys are no second factor here, or all
// recovery codes are used up and nothing else is left; with [ErrNeedsProof], also where the session has
// shown no passkey: sign in by one first; with [ErrNotAuthorized], which a wrong password is too, and
// with a *[LimitError]. It costs one read and one commit, and a hash where a password is given.
func (a *Account) AskForPasskey(ctx context.Context, in AskForPasskeyInput) (Step, error) {
	var v validation
	if err := v.proof(in.With); err != nil {
		return nil, err
	}
	kind := addFactorEvent
	if !in.On {
		kind = dropFactorEvent
	}
	s := a.proving(in.With, in.Caller, kind)
	s.may = func(g granted) error {
		if err := a.pool.mayAskForPasskey(g, in.On); err != nil {
			return err
		}
		err := a.mayDrop(g, asked(g.user, in.On))
		if in.On && errors.Is(err, errStandsOn) {
			return errNotShown
		}
		return err
	}
	return again(func() (Step, error) {
		g, err := a.prove(ctx, &s, storage.Want{})
		if err != nil {
			return nil, err
		}
		next := asked(g.user, in.On)
		if !in.On {
			return a.dropped(ctx, g, &s, next, message.Passkey)
		}
		next.Updated = g.now
		codes, all := a.pool.firstCodes(next, g.now), []news{{message.FactorAdded, message.Passkey}}
		if codes != nil {
			all = append(all, news{kind: message.RecoveryCodesMade})
		}
		return a.handing(ctx, g, &s, next, codes, a.pool.tell(g.user, g.told, s.from, g.now, all...)...)
	})
}

func asked(u *user.User, second bool) *user.User {
	next := u.Clone()
	if next.Factors != nil {
		next.Factors.PasskeySecond = second
	}
	return next
}

// mayAskForPasskey tells why passkeys cannot be asked for, or not any more.
func (p *Pool) mayAskForPasskey(g granted, on bool) error {
	f := g.user.Factors
	may := !on || slices.Contains(p.rules(g.state, g.user, g.client).Seconds, mfa.KindPasskey)
	if f == nil || len(f.Passkeys) == 0 || !may {
		return errNoPasskey
	}
	others := slices.DeleteFunc(f.Has(), func(k mfa.Kind) bool { return k == mfa.KindPasskey })
	if on && len(others) == 0 && len(f.Recovery.Codes) == 0 && !f.Recovery.Made.IsZero() {
		return errNoOther
	}
	return nil
}
