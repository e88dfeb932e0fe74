package pool

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Factors returns what a user has set up beside a password; [Factors].Kinds and Required are as the
// pool and the user's groups say, whatever a client may ask for beside. It fails with [ErrNotFound].
// It costs one read.
func (a *Admin) Factors(ctx context.Context, id user.ID) (Factors, error) {
	if !validID(id) {
		return Factors{}, ErrNotFound
	}
	if err := a.reads(ctx, MayReadUsers); err != nil {
		return Factors{}, err
	}
	f, err := a.find(ctx, user.ByID(id))
	if err != nil {
		return Factors{}, err
	}
	return a.pool.factors(f.User, a.pool.rules(f.state, f.User, Client{})), nil
}

// ResetFactors removes all second factors of a user who has lost them, with their passkeys, recovery
// codes and remembered devices, and the locks on guessing at them. All sessions, tickets and codes end,
// and the owner is told, once for each kind. Where a second factor is required the next sign-in has the
// user set one up, and so would it anybody who knows the password: make sure who asks.
//
// It fails with [ErrNotFound]. It costs one read and one commit.
func (a *Admin) ResetFactors(ctx context.Context, id user.ID) error {
	p := a.pool
	return a.act(ctx, id, resetFactorsEvent, MaySetCredentials, func(f *found) ([]storage.Change, error) {
		changes := p.tell(f.User, f.told, Caller{}, f.now, removed(f.Factors, nil)...)
		f.User = bare(f.User)
		custom := storage.CounterKey{Pool: p.config.ID, Owner: string(f.ID), Name: customCounter}
		changes = append(append(changes, p.unguessed(f.User)...), storage.Delete(&storage.Counter{Key: custom}))
		return append(changes, p.voided(f.User, f.now), storage.Put(f.User)), nil
	})
}

// unguessed returns the changes that forget guesses at factors that u has not any more: a lock without
// end goes with its credential, or nothing could take the place of that (security.md T5).
func (p *Pool) unguessed(u *user.User) (changes []storage.Change) {
	f := u.Factors
	if f == nil {
		f = new(user.Factors)
	}
	gone := map[string]bool{
		totpCounter: len(f.Apps) == 0, recoveryCounter: len(f.Recovery.Codes) == 0,
		secondCounter: f.SMS.IsZero() && f.Email.IsZero(),
	}
	for _, name := range []string{totpCounter, recoveryCounter, secondCounter} {
		if gone[name] {
			key := storage.CounterKey{Pool: p.config.ID, Owner: string(u.ID), Name: name}
			changes = append(changes, storage.Delete(&storage.Counter{Key: key}))
		}
	}
	return changes
}

// bare returns the user without any factor. What authenticators call them stays: it is never another's
// (security.md S13).
func bare(u *user.User) *user.User {
	next := u.Clone()
	if next.Factors != nil {
		next.Factors = &user.Factors{Handle: next.Factors.Handle}
	}
	next.Logins = slices.DeleteFunc(next.Logins, func(l user.Login) bool { return l.Namespace == user.PasskeyID })
	return next
}

// removed tells which factors there were and are not any more.
func removed(was, is *user.Factors) (all []news) {
	names := map[mfa.Kind]message.Factor{
		mfa.KindTOTP: message.Authenticator, mfa.KindPasskey: message.Passkey,
		mfa.KindSMS: message.SMSCode, mfa.KindEmail: message.EmailCode,
	}
	left := kindsOf(is)
	for _, k := range kindsOf(was) {
		if !slices.Contains(left, k) {
			all = append(all, news{message.FactorRemoved, names[k]})
		}
	}
	return all
}

// kindsOf lists the kinds of factors, passkeys that are only a way in among them.
func kindsOf(f *user.Factors) []mfa.Kind {
	kinds := f.Has()
	if f != nil && len(f.Passkeys) > 0 && !f.PasskeySecond {
		kinds = append(kinds, mfa.KindPasskey)
	}
	return kinds
}
