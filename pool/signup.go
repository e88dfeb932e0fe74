package pool

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// SignUp starts a sign-up: it sends a code to the address, and the visitor brings it with the
// ticket to [Pool.ConfirmSignUp] within 24 hours, or within ten minutes if it came by SMS. Until
// then nobody owns the address, nor the user name if one was chosen, and whoever confirms first
// gets both. An address that has an owner gives the same answer; the owner is told by a message.
// Where the settings say ByLink, it is a link in place of the code that goes to an email address,
// for [Pool.ConfirmLink]; where they say ByAdmin nothing is sent, there is no ticket, and an
// administrator confirms.
//
// It fails with a *[ValidationError], with [ErrUnknownClient], with [ErrNotAuthorized] where
// sign-up is closed, with [ErrLoginTaken] where somebody has the chosen user name, with a
// *[HookError], and with a *[LimitError] where the caller's network, the password door or a hook is
// full. It costs one hash, one read and one commit; another read for a chosen user name, and
// another commit where [Config].Breached is asked, as it does wherever a password is chosen.
func (p *Pool) SignUp(ctx context.Context, in SignUpInput) (SignUpResult, error) {
	var v validation
	s := p.state.Load()
	up := v.registration(s, in)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return SignUpResult{}, err
	}
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
	c := choice{value: in.Password, by: in.Caller, salt: s.salt(up.address)}
	h := p.call(hook.Authentication, in.Caller, in.Metadata)
	return again(func() (SignUpResult, error) { return p.signUp(ctx, in, &ask, up, &c, &h) })
}

func (p *Pool) signUp(
	ctx context.Context, in SignUpInput, ask *asking, up registration, chosen *choice, h *hooked,
) (SignUpResult, error) {
	o := occurrence{from: in.Caller, Kind: signUpEvent, Outcome: stepped}
	_, rule := requested(up.address)
	r, err := p.readSignUp(ctx, in, ask, up, &o)
	if err != nil {
		return SignUpResult{}, err
	}
	client, now := r.client, r.now
	if chosen.hash == nil {
		if err := p.afford(ctx, o, p.mails, r.state.settings.Limits.Mails, false); err != nil {
			return SignUpResult{}, err
		}
	}
	vouched, err := p.mayJoin(ctx, h, client, in, up)
	if err != nil {
		return SignUpResult{}, p.denied(ctx, err, now, o, storage.Count{Key: r.source.Key, Rule: rule, Now: now})
	}
	if refusal, err := p.unbreached(ctx, chosen, now); refusal != nil || err != nil {
		return SignUpResult{}, cmp.Or(refusal, err)
	}
	if err := p.hashOnce(ctx, chosen, p.from(in.Caller, up.address.Value, false), r.owner(), r.attempt); err != nil {
		return SignUpResult{}, p.full(ctx, o, err)
	}
	u, err := p.attempt(up, *chosen.hash, r.state.settings, now)
	if err != nil {
		return SignUpResult{}, err
	}
	if vouched.Confirm {
		return p.joined(ctx, r, u, o, chosen, h)
	}
	c := r.state.sentTo(up.address, now)
	l := letterTo(up.address, message.ConfirmSignUp, in.Caller.locale(), newCode())
	l = p.asked(l, hook.SignUp, client, in.Metadata)
	l.Void = r.state.settings.SignUp.ByAdmin // there is no code to send
	// At a taken address all is done alike, with a code that nobody is sent or can guess: what is
	// written, and so how long it takes, does not tell.
	if owner := r.owner(); owner != nil && r.state.settings.SignIn.takes(up.address.Kind()) {
		l.Kind, l.To, l.Code, l.Void = message.AlreadyRegistered, owner.Login(up.address).Display, "", false
		c.Taken, o.Outcome = true, refused
	}
	o.who = u
	t, ticket := p.newTicket(u, client.ID, purposeConfirm, in.Caller, c, now, now.Add(confirmLifetime))
	changes := append(p.mail(r.mail, mailing(up.address), t, c, l, now),
		storage.Put(u), storage.Put(t), p.event(now, o))
	if !chosen.asked || r.source.Key.Name != requests { // else it was counted then
		changes = append(changes, storage.Count{Key: r.source.Key, Rule: rule, Now: now})
	}
	if err := p.commit(ctx, changes...); err != nil {
		return SignUpResult{}, overMail(err)
	}
	if r.state.settings.SignUp.ByAdmin {
		return SignUpResult{}, nil
	}
	return SignUpResult{Ticket: ticket, Delivery: delivery(up.address)}, nil
}

// readSignUp reads who is at the address that a sign-up is to prove, and before that who has the
// user name, where one was chosen. The network must have a request left.
func (p *Pool) readSignUp(
	ctx context.Context, in SignUpInput, ask *asking, up registration, o *occurrence,
) (r reading, err error) {
	places := []user.Login{up.login, up.address}
	if up.login == up.address {
		places = places[1:]
	}
	for _, l := range places {
		counter, rule := requested(l)
		if r, err = p.readLogin(ctx, l, ask, counters{passwordCounter, signUpMail, counter}); err != nil {
			return r, err
		}
		if r.state.settings.SignUp.Closed {
			return r, ErrNotAuthorized
		}
		if up.epoch != r.state.epoch { // other settings bind by now (security.md S18)
			var v validation
			if v.registration(r.state, in); v.err() != nil {
				return r, v.err()
			}
		}
		o.Client = r.client.ID
		if err := overBudget(r.source, rule, r.now); err != nil {
			return r, p.unjudged(ctx, *o, networkFull, err)
		}
		if l.Kind() == user.KindUsername && (r.owner() != nil || r.resting) {
			return r, p.nameTaken(ctx, r, *o)
		}
		if l.Kind() == user.KindUsername && r.state.naming.free() != nil {
			return r, r.state.naming.free() // whoever has the address
		}
		if r.client.InsecureTellExistence && r.owner() != nil && r.state.settings.SignIn.takes(l.Kind()) {
			o.Reason = "taken"
			return r, p.told(ctx, r, rule, *o, ErrLoginTaken)
		}
	}
	return r, nil
}

// nameTaken refuses a user name that somebody has chosen before, or that rests after them, which
// cannot be hidden: two cannot have it. It leaves once it is counted, so that a network learns of no
// more names than it may sign up.
func (p *Pool) nameTaken(ctx context.Context, r reading, o occurrence) error {
	o.Outcome, o.Reason = refused, "taken"
	err := p.commit(ctx, storage.Count{Key: r.source.Key, Rule: requestRule, Now: r.now}, p.event(r.now, o))
	if err != nil {
		return overMail(err)
	}
	return ErrLoginTaken
}

// attempt returns a sign-up that owns nothing yet (security.md T7).
func (p *Pool) attempt(up registration, hash password.Hash, s Settings, now time.Time) (*user.User, error) {
	u := &user.User{
		Pool: p.config.ID, ID: user.NewID(), Status: user.Unconfirmed, Epoch: 1,
		Attempt: &user.Attempt{Login: up.login, Expires: now.Add(s.SignUp.lifetime())}, Attributes: up.attributes,
		Created: now, Updated: now,
	}
	if up.address != up.login {
		u.Attempt.Address = up.address
	}
	return u, p.setPassword(u, hash, s.Passwords, now)
}

// busy turns a full door into the error that callers know.
func (p *Pool) busy(err error) error {
	if b, ok := errors.AsType[*password.BusyError](err); ok {
		return &LimitError{Until: p.now().Add(b.RetryAfter)}
	}
	return err
}
