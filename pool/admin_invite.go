package pool

import (
	"cmp"
	"context"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ResendInvitationInput asks for another invitation. Its fields are those of [CreateUserInput].
type ResendInvitationInput struct {
	ID       user.ID
	Password password.Secret // temporary; the zero one means that one is made
	Channel  message.Channel
	Locale   string
	Metadata map[string]string
}

// ResendInvitation sends an invitation again, with a new temporary password whose time begins now,
// to a user in status ForceChangePassword; in any other it is [ErrNotAllowed]. The temporary
// password of before is of no use any more, also where its message was not sent yet.
//
// It fails also with [ErrNotFound], with a *[ValidationError], and with a *[LimitError] where the
// password door is full. It costs one hash, one read and one commit.
func (a *Admin) ResendInvitation(ctx context.Context, in ResendInvitationInput) error {
	p := a.pool
	var v validation
	v.metadata(in.Metadata)
	policy := p.state.Load().settings.Passwords
	if !in.Password.IsZero() {
		v.newPassword(policy, in.Password)
		v.mailable(in.Password)
	}
	if in.Channel != "" && in.Channel != message.Email && in.Channel != message.SMS {
		v.add("Channel", "must be email or sms")
	}
	if err := v.err(); err != nil {
		return err
	}
	c := choice{value: in.Password, trusted: true}
	return a.act(ctx, in.ID, inviteEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		if !in.Password.IsZero() { // they could sign in by it
			if err := f.by.lets(MaySetCredentials); err != nil {
				return nil, err
			}
		}
		status, err := next(f.User, user.Reinvite)
		if err != nil {
			return nil, err
		}
		policy := f.state.settings.Passwords
		if c.value.IsZero() {
			c.value, c.asked = policy.Generate(password.Facts{Words: known(f.User)}), true
		}
		var v validation
		to := v.invited(f.state.settings.Limits, addresses(f.User), in.Channel, password.Secret{})
		if err := v.err(); err != nil {
			return nil, err
		}
		chosen, refusal, err := p.choose(ctx, a.door(f.ID), policy, &c, f.User, f.now)
		if refusal != nil || err != nil {
			return nil, cmp.Or(refusal, err)
		}
		chosen.Status, f.User = status, chosen
		return []storage.Change{
			storage.Put(chosen), p.revokeAll(chosen, f.now), storage.Delete(&f.guesses),
			p.invite(f.state, chosen, to, c.value, in.Locale, in.Metadata, f.now),
		}, nil
	})
}

// addresses returns those of u, proven or not.
func addresses(u *user.User) (as []user.Login) {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		if l, _ := u.Address(k); l != (user.Login{}) {
			as = append(as, l)
		}
	}
	return as
}

// invited returns to which of some addresses an invitation goes. A password that is none of ours
// must be one that a message can carry.
func (v *validation) invited(
	limits LimitSettings, addresses []user.Login, by message.Channel, given password.Secret,
) user.Login {
	v.mailable(given)
	for _, l := range addresses { // an email address comes first
		if (by == "" || channel(l) == by) && (l.Kind() != user.KindPhone || limits.serves(l.Value)) {
			return l
		}
	}
	v.add("Channel", "must be one by which the user has an address that messages go to: email or sms")
	return user.Login{}
}

func (v *validation) mailable(given password.Secret) {
	if given.IsZero() {
		return
	}
	if _, _, _, err := message.Render(message.Invitation, message.Data{Code: given.Reveal()}); err != nil {
		v.add("Password", "must be printable, to be sent in an invitation")
	}
}

// invite returns the change that sends u an invitation. It dies with the epoch, and so with the
// password that it carries.
func (p *Pool) invite(
	s *state, u *user.User, to user.Login, temporary password.Secret, locale string, metadata map[string]string, now time.Time,
) storage.Change {
	l := letterTo(to, message.Invitation, localeOf(u, locale), temporary.Reveal())
	l = p.asked(l, hook.AdminCreateUser, Client{}, metadata)
	l.Name, l.Epoch = u.Username(), u.Epoch
	return p.enqueue(storage.Outgoing{Owner: u.ID, NotAfter: s.settings.Passwords.Expires(now)}, l, now)
}

// localeOf returns in which language an administrator's messages to u are: as the input says, or
// else the attribute of OpenID Connect.
func localeOf(u *user.User, asked string) string {
	return Caller{Locale: cmp.Or(asked, u.Attributes["locale"])}.locale()
}
