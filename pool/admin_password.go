package pool

import (
	"cmp"
	"context"
	"fmt"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// SetPasswordInput sets a user's password.
type SetPasswordInput struct {
	ID       user.ID
	Password password.Secret
	// Permanent makes it the user's own. Otherwise it is temporary: the user replaces it at the
	// next sign-in, within [password.Policy].TemporaryValidity.
	Permanent bool
}

// SetPassword sets a user's password, as Cognito's AdminSetUserPassword does, in any status: the
// user is then Confirmed, or in ForceChangePassword. All sessions, tickets and codes end, locks on
// guessing the old password with them, and the owner is told by mail or else by SMS, as often in an
// hour as codes are sent there. The password itself is sent to nobody.
//
// A sign-up that is not confirmed owns its user name then. Where it is by an address it is
// [ErrNotAllowed]: that proves no address ([Admin.ConfirmSignUp]). It fails also with
// [ErrNotFound], with a *[ValidationError], with [ErrLoginTaken], and with a *[LimitError] where
// the password door is full. It costs one read, one commit and one hash, and a hash more for each
// password that the policy compares with.
func (a *Admin) SetPassword(ctx context.Context, in SetPasswordInput) error {
	p := a.pool
	var v validation
	v.newPassword(p.state.Load().settings.Passwords, in.Password)
	if err := v.err(); err != nil {
		return err
	}
	event := user.SetTemporary
	if in.Permanent {
		event = user.SetPassword
	}
	c := choice{value: in.Password, trusted: true}
	return a.act(ctx, in.ID, setPasswordEvent, MaySetCredentials, func(f *found) ([]storage.Change, error) {
		status, err := next(f.User, event)
		if err != nil {
			return nil, err
		}
		if f.Attempt != nil && f.Attempt.Login.Kind() != user.KindUsername {
			return nil, errUnproven
		}
		chosen, refusal, err := p.choose(ctx, a.door(f.ID), f.state.settings.Passwords, &c, f.User, f.now)
		if refusal != nil || err != nil {
			return nil, cmp.Or(refusal, err)
		}
		if f.User = chosen; f.Attempt != nil {
			f.Own()
		}
		f.Status = status
		changes := p.replaced(f.User, f.told, f.now, localeOf(f.User, ""))
		return append(changes, storage.Put(f.User), storage.Delete(&f.guesses)), nil
	})
}

// RequireResetInput asks a user to set a new password.
type RequireResetInput struct {
	ID       user.ID
	Client   string            // that the ticket is for; "" means the pool's only client
	Browser  bool              // the ticket will be used in a browser: see [Caller].Browser
	Locale   string            // of the message; "" means the attribute "locale"
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
}

// ResetPassword makes the password of a user useless, as Cognito's AdminResetUserPassword does, and
// sends a code to set a new one to the proven email address or, without one, phone number, or as
// [RecoverySettings] say. All sessions, tickets and codes end. The ticket that comes back goes with the code, as that of
// [Pool.ForgotPassword] does, and is for the program to bring to the user; who has none asks for a
// code anew, which voids this one.
//
// It fails with [ErrNotFound], with [ErrNotAllowed] in another status than Confirmed and
// ResetRequired, where the user is disabled, and where no address is proven, with
// [ErrUnknownClient], and with a *[ValidationError]. It costs one read and one commit.
func (a *Admin) ResetPassword(ctx context.Context, in RequireResetInput) (res ForgotPasswordResult, err error) {
	p := a.pool
	var v validation
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return res, err
	}
	err = a.act(ctx, in.ID, requireResetEvent, MaySetCredentials, func(f *found) ([]storage.Change, error) {
		status, err := next(f.User, user.RequireReset)
		if err != nil {
			return nil, err
		}
		client, err := f.state.settings.client(in.Client)
		if err != nil {
			return nil, err
		}
		to, proven := f.state.settings.recoveryContact(f.User)
		if f.Disabled || !proven {
			return nil, fmt.Errorf("%w: a code goes to somebody who is enabled and has proven an address", ErrNotAllowed)
		}
		f.Status = status
		changes := []storage.Change{p.voided(f.User, f.now), storage.Put(f.User)}
		l := letterTo(to, message.ResetPassword, localeOf(f.User, in.Locale), newLongCode())
		l = p.asked(l, hook.ForgotPassword, client, in.Metadata)
		l.Name, l.Trusted = f.Username(), true
		ticket, sent := p.resetTicket(f, client, to, l, in.Browser)
		res = ForgotPasswordResult{Ticket: ticket, Delivery: delivery(to)}
		return append(changes, sent...), nil
	})
	if err != nil {
		return ForgotPasswordResult{}, err
	}
	return res, nil
}

// resetTicket returns a ticket to reset a password, which voids those of before, and the changes
// that store it and send its code. They count against no budget: strangers cause none of them.
func (p *Pool) resetTicket(
	f *found, client Client, to user.Login, l letter, browser bool,
) (ticket string, changes []storage.Change) {
	c := f.state.sentTo(to, f.now)
	c.Owner, c.Request = f.resets.Key.Owner, max(f.resets.N+1, f.now.UnixMicro())
	by, until := Caller{Browser: browser}, f.now.Add(resetLifetime)
	t, ticket := p.newTicket(f.User, client.ID, purposeReset, by, c, f.now, until)
	p.setCode(t, c.Channel, l.Code)
	changes = []storage.Change{storage.Put(t), p.post(t, c, l, f.now), storage.Raise{Key: f.resets.Key, N: c.Request}}
	return ticket, changes
}
