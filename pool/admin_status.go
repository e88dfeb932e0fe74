package pool

import (
	"context"
	"fmt"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ConfirmUserInput confirms a sign-up without a code.
type ConfirmUserInput struct {
	ID user.ID
	// EmailVerified and PhoneVerified vouch for an address of the sign-up, which is then proven.
	// The administrator's word alone proves none: an address that the user is to sign in by has to
	// be vouched for, and any other that is not stays unproven.
	EmailVerified, PhoneVerified bool
	Metadata                     map[string]string // for hooks: at most 32 entries of 4 KiB in all
}

// ConfirmSignUp makes a user of a sign-up, as Cognito's AdminConfirmSignUp does, with the password
// of whoever signed up: vouch for no address that you have not seen to be theirs. PostConfirmation
// is run. The tickets and the code of the sign-up are over; others at what the user now owns can no
// longer be confirmed.
//
// It fails with [ErrNotFound], with [ErrNotAllowed] in any other status, with a *[ValidationError],
// and with [ErrLoginTaken] where somebody owns one of the logins. It costs one read and one commit.
func (a *Admin) ConfirmSignUp(ctx context.Context, in ConfirmUserInput) error {
	p := a.pool
	var v validation
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return err
	}
	h := p.call(hook.ConfirmSignUp, Caller{}, in.Metadata)
	return a.act(ctx, in.ID, confirmEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		status, err := next(f.User, user.Confirm)
		if err != nil {
			return nil, err
		}
		if err := f.own(vouching{in.EmailVerified, in.PhoneVerified}); err != nil {
			return nil, err
		}
		f.Status = status
		changes := []storage.Change{p.voided(f.User, f.now), storage.Put(f.User)}
		return append(changes, p.afterwards(postConfirmation, hook.ConfirmSignUp, &h, "", f.User, f.now)...), nil
	})
}

// errUnproven means that a sign-up is by an address that nobody has proven.
var errUnproven = fmt.Errorf("%w: the address of the sign-up is not proven; confirm it first", ErrNotAllowed)

// own lets a sign-up own its login, and the addresses that are vouched for (security.md T7).
func (f *found) own(g vouching) error {
	var v validation
	var vouched []user.Login
	login, said := f.Attempt.Login, told(f.User)
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		address, err := user.Identify(said[k.Attribute()], user.CaseInsensitive)
		there := err == nil && address.Kind() == k
		vouched = append(vouched, v.vouched(k, address, there, login.Kind() == k, g)...)
	}
	if err := v.err(); err != nil {
		return err
	}
	f.User = f.Clone()
	f.Own()
	for _, l := range vouched {
		f.Prove(l, f.state.settings.SignIn.kinds()...)
	}
	return nil
}

// Disable shuts a user out until [Admin.Enable]: all sessions, tickets and codes end, and nothing
// begins one. The status stays as it is. It fails with [ErrNotFound]. It costs one read and one
// commit.
func (a *Admin) Disable(ctx context.Context, id user.ID) error {
	return a.act(ctx, id, disableEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		f.Disabled = true
		return []storage.Change{a.pool.voided(f.User, f.now), storage.Put(f.User)}, nil
	})
}

// Enable lets a user who is disabled sign in again. What ended stays over. It fails with
// [ErrNotFound]. It costs one read and one commit.
func (a *Admin) Enable(ctx context.Context, id user.ID) error {
	return a.act(ctx, id, enableEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		f.Disabled, f.Updated = false, f.now
		return []storage.Change{storage.Put(f.User)}, nil
	})
}

// SignOutEverywhere ends all sessions of a user, and voids every ticket and code. It fails with
// [ErrNotFound]. It costs one read and one commit.
func (a *Admin) SignOutEverywhere(ctx context.Context, id user.ID) error {
	return a.act(ctx, id, signOutEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		f.reason = "everywhere"
		return []storage.Change{a.pool.voided(f.User, f.now), storage.Put(f.User)}, nil
	})
}

// DeleteUser erases a user, with logins, sessions, tickets, codes and messages that wait; where
// they were in the events of the pool cannot be read any more (security.md T10, S13). Addresses
// are free; a user name rests for 30 days; the id is never used again. It fails with [ErrNotFound],
// and with [storage.ErrReferenced] where a foreign key of the app's own rows refuses it. After an
// [ErrUnavailable] it may be done all the same, and is [ErrNotFound] then. It costs one read and
// one commit.
func (a *Admin) DeleteUser(ctx context.Context, id user.ID) error {
	return a.act(ctx, id, deleteEvent, MayDeleteUsers, func(f *found) ([]storage.Change, error) {
		return []storage.Change{storage.Delete(f.User), a.pool.voided(f.Clone(), f.now)}, nil
	})
}

// AddToGroup puts a user into a group of [Settings].Groups; in it already, nothing changes. Tokens
// tell of it from the next on. It fails with a *[ValidationError] where the pool has no such group,
// with [ErrNotFound], and with [ErrNotAllowed] for a sign-up that is not confirmed and where the
// user is in as many as one can be. It costs one read and one commit.
func (a *Admin) AddToGroup(ctx context.Context, id user.ID, group string) error {
	return a.act(ctx, id, joinEvent, MaySetGroups, func(f *found) ([]storage.Change, error) {
		var v validation
		v.groups(f.state, []string{group})
		if err := v.err(); err != nil {
			return nil, err
		}
		if !f.Somebody() {
			return nil, fmt.Errorf("%w: the sign-up is not confirmed", ErrNotAllowed)
		}
		if err := f.Join(group); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotAllowed, err)
		}
		f.Updated = f.now
		return append(f.state.index.required(), storage.Put(f.User)), nil
	})
}

// RemoveFromGroup takes a user out of a group, which may be one that the pool has no more; not in
// it, nothing changes. Tokens tell of it from the next on. It fails with [ErrNotFound]. It costs
// one read and one commit.
func (a *Admin) RemoveFromGroup(ctx context.Context, id user.ID, group string) error {
	return a.act(ctx, id, leaveEvent, MaySetGroups, func(f *found) ([]storage.Change, error) {
		f.Leave(group)
		f.Updated = f.now
		return []storage.Change{storage.Put(f.User)}, nil
	})
}
