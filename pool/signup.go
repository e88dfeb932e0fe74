package pool

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// SignUp starts a sign-up: it sends a code to the address, and the visitor brings it with the ticket
// to [Pool.ConfirmSignUp] within 24 hours. Until then nobody owns the address, and whoever confirms
// first gets it. An address that has an owner gives the same answer; the owner is told by mail. Where
// the settings say ByLink, it is a link in place of the code, for [Pool.ConfirmLink].
//
// It fails with a *[ValidationError], with [ErrUnknownClient], with [ErrNotAuthorized] where sign-up is
// closed, with a *[HookError], and with a *[LimitError] where the password door or a hook is full. It costs
// one hash, one read and one commit, and another commit where [Config].Breached is asked, as it does
// wherever a password is chosen.
func (p *Pool) SignUp(ctx context.Context, in SignUpInput) (SignUpResult, error) {
	var v validation
	login := v.login(in.Username)
	v.newPassword(p.state.Load().settings.Passwords, in.Password, in.Username, in.Attributes["name"])
	v.attributes(in.Attributes, login)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return SignUpResult{}, err
	}
	if _, err := p.state.Load().settings.admits(in.Client); err != nil {
		return SignUpResult{}, err // before the costly work; judged again with what is read
	}
	c := choice{value: in.Password, by: in.Caller}
	h := p.call(hook.Authentication, in.Caller, in.Metadata)
	return again(func() (SignUpResult, error) { return p.signUp(ctx, in, login, &c, &h) })
}

func (p *Pool) signUp(ctx context.Context, in SignUpInput, login user.Login, chosen *choice, h *hooked) (SignUpResult, error) {
	now := p.now()
	r, err := p.readLogin(ctx, login, in.Caller, passwordCounter, signUpMail, requests, now)
	if err != nil {
		return SignUpResult{}, err
	}
	client, err := r.state.settings.admits(in.Client)
	if err != nil {
		return SignUpResult{}, err
	}
	o := occurrence{from: in.Caller, Kind: signUpEvent, Outcome: stepped, Client: client.ID}
	if err := overBudget(r.source, requestRule, now); err != nil {
		return SignUpResult{}, p.unjudged(o, networkFull, err)
	}
	if chosen.hash == nil {
		if err := p.afford(ctx, o, p.mails, r.state.settings.Limits.Mails, false); err != nil {
			return SignUpResult{}, err
		}
	}
	vouched, err := p.mayJoin(ctx, h, client, in, login)
	if err != nil {
		return SignUpResult{}, p.denied(ctx, err, r.source.Key, requestRule, now, o)
	}
	if refusal, err := p.unbreached(ctx, chosen, now); refusal != nil || err != nil {
		return SignUpResult{}, cmp.Or(refusal, err)
	}
	if err := p.hashOnce(ctx, chosen, p.from(in.Caller, login.Value, false), r.owner(), r.attempt); err != nil {
		return SignUpResult{}, p.full(o, err)
	}
	u, err := p.attempt(login, in.Attributes, *chosen.hash, r.state.settings.Passwords, now)
	if err != nil {
		return SignUpResult{}, err
	}
	if vouched.Confirm {
		return p.joined(ctx, r, u, o, chosen, h, now)
	}
	c := carried{Channel: r.state.pseudonym(login)}
	l := letter{Kind: message.ConfirmSignUp, To: login.Display, Locale: in.Caller.locale(), Code: newCode()}
	// At a taken address all is done alike, with a code that nobody is sent or can guess: what is
	// written, and so how long it takes, does not tell.
	if owner := r.owner(); owner != nil {
		l.Kind, l.To, l.Code = message.AlreadyRegistered, owner.Login(login).Display, ""
		c.Taken, o.Outcome = true, refused
	}
	o.who = u
	t, ticket := p.newTicket(u, client.ID, purposeConfirm, in.Caller, c, now, now.Add(confirmLifetime))
	changes := append(p.mail(r.mail, t, c.Channel, l, now), storage.Put(u), storage.Put(t), p.event(now, o))
	if !chosen.asked { // else it was counted then
		changes = append(changes, storage.Count{Key: r.source.Key, Rule: requestRule, Now: now})
	}
	if err := p.commit(ctx, changes...); err != nil {
		return SignUpResult{}, overMail(err)
	}
	return SignUpResult{Ticket: ticket, Delivery: Delivery{message.Email, login.Display}}, nil
}

// attempt returns a sign-up that owns nothing yet (security.md T7).
func (p *Pool) attempt(login user.Login, as user.Attributes, hash password.Hash, policy password.Policy, now time.Time) (*user.User, error) {
	u := &user.User{
		Pool: p.config.ID, ID: user.NewID(), Status: user.Unconfirmed, Epoch: 1,
		Attempt: &user.Attempt{Login: login, Expires: now.Add(confirmLifetime)},
		Created: now, Updated: now,
	}
	u.Attributes = maps.Clone(as)
	return u, p.setPassword(u, hash, policy, now)
}

// busy turns a full door into the error that callers know.
func (p *Pool) busy(err error) error {
	if b, ok := errors.AsType[*password.BusyError](err); ok {
		return &LimitError{Until: p.now().Add(b.RetryAfter)}
	}
	return err
}
