package pool

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// nameLifetime is for how long a message with a user name is worth sending.
const nameLifetime = time.Hour

// ForgotUsername sends the user name of an account to the address that its owner signs in by as
// well, and so has proven. Where the account has no user name it is the address itself, which tells
// the reader that there is an account. Cognito has no such call.
//
// An address that nobody owns, or whose owner is disabled, gives the same answer after the same
// work; nothing is sent. It fails with a *[ValidationError], also for an address of a kind that no
// user signs in by, because several may have proven one of those; with [ErrUnknownClient], which a
// wrong secret of the client is too, and with a *[LimitError] where the caller's network or the pool
// as a whole has asked for enough. Together with [Pool.ForgotPassword] it sends
// no more to an address than that does alone. It costs one read and one commit.
func (p *Pool) ForgotUsername(ctx context.Context, in ForgotUsernameInput) (Delivery, error) {
	var v validation
	login := v.loginAddress(p.state.Load().settings.SignIn, in.Address)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return Delivery{}, err
	}
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
	return again(func() (Delivery, error) { return p.forgotUsername(ctx, in, &ask, login) })
}

func (p *Pool) forgotUsername(
	ctx context.Context, in ForgotUsernameInput, ask *asking, login user.Login,
) (Delivery, error) {
	counter, budget := requested(login)
	r, err := p.readLogin(ctx, login, ask, counters{of: requestMark, mail: resetMail, source: counter})
	if err != nil {
		return Delivery{}, err
	}
	var v validation
	if v.loginAddress(r.state.settings.SignIn, in.Address); v.err() != nil {
		return Delivery{}, v.err() // the kind of login was taken when the call began
	}
	u, rule, now := r.owner(), mailing(login), r.now
	o := occurrence{who: u, from: in.Caller, Kind: forgotNameEvent, Outcome: stepped, Client: r.client.ID}
	if err := overBudget(r.source, budget, now); err != nil {
		return Delivery{}, p.unjudged(ctx, o, networkFull, err)
	}
	if err := p.afford(ctx, o, p.mails, r.state.settings.Limits.Mails, r.known); err != nil {
		return Delivery{}, err
	}
	full := !rule.Locked(r.mail, now).IsZero()
	l := letterTo(login, message.ForgotUsername, in.Caller.locale(), "")
	l = p.asked(l, hook.ForgotUsername, r.client, in.Metadata)
	l.Over = full
	switch {
	case u == nil:
		o.Reason, l.Void = string(gate.NoUser), true
	case u.Disabled:
		o.Reason, l.Void = string(gate.Disabled), true
	default:
		l.To, l.Name, l.Void = u.Login(login).Display, u.Username(), full
	}
	owner := cmp.Or(idOf(u), user.ID("stranger/"+rand.Text())) // of a message that is dropped
	changes := []storage.Change{
		p.enqueue(storage.Outgoing{Owner: owner, NotAfter: now.Add(nameLifetime)}, l, now),
		storage.Count{Key: r.source.Key, Rule: budget, Now: now},
		p.event(now, o),
	}
	if !full {
		changes = append(changes, storage.Count{Key: r.mail.Key, Rule: rule, Now: now})
	}
	if err := p.commit(ctx, changes...); err != nil {
		return Delivery{}, overMail(err)
	}
	return delivery(login), nil
}

// loginAddress reads an address by which users sign in.
func (v *validation) loginAddress(s SignInSettings, typed string) user.Login {
	l, err := user.Identify(typed, user.CaseInsensitive)
	if err != nil || l.Kind() == user.KindUsername || !s.takes(l.Kind()) {
		v.add("Address", "must be an email address or phone number by which users sign in")
	}
	return l
}
