package pool

import (
	"cmp"
	"context"
	"errors"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ForgotPassword sends a code to the address, with which and the ticket [Pool.ResetPassword] sets a
// new password within an hour, as in Cognito, or within ten minutes if it came by SMS. For a user
// name the code goes to the owner's proven email address or, without one, phone number, and where
// [RecoverySettings] name other ways than the login that was typed, there; then the answer does not
// say where. A newer request voids the ticket of an older one. The old password stays good until
// then. Who was invited recovers like anybody else, even after the temporary password has lapsed;
// Cognito refuses them.
//
// A login that nobody owns gives the same answer after the same work; nothing is sent. It fails
// with a *[ValidationError], with [ErrUnknownClient], with [ErrNotAuthorized] where only
// administrators help, and with a *[LimitError] where the caller's network or the pool as a whole
// has asked for enough. Beyond five mails or three messages by SMS an hour to one login nothing is
// sent, nor by SMS beyond thirty an hour that a network asks for without typing the number; the
// answer does not show it. It costs one read and one commit.
func (p *Pool) ForgotPassword(ctx context.Context, in ForgotPasswordInput) (ForgotPasswordResult, error) {
	var v validation
	login := v.login(p.state.Load().settings.SignIn, in.Username)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return ForgotPasswordResult{}, err
	}
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
	var named unread // of requests by user names
	h := p.call(hook.ForgotPassword, in.Caller, in.Metadata)
	return again(func() (ForgotPasswordResult, error) { return p.forgotPassword(ctx, in, &ask, login, &named, &h) })
}

func (p *Pool) forgotPassword(
	ctx context.Context, in ForgotPasswordInput, ask *asking, login user.Login, named *unread, h *hooked,
) (ForgotPasswordResult, error) {
	counter, budget := requested(login)
	r, err := p.readLogin(ctx, login, ask, counters{of: requestMark, mail: resetMail, source: counter})
	if err != nil {
		return ForgotPasswordResult{}, err
	}
	if _, err := r.state.settings.SignIn.read(in.Username); err != nil {
		return ForgotPasswordResult{}, err // the kind of login was taken when the call began
	}
	if err := r.state.settings.Recovery.open(); err != nil {
		return ForgotPasswordResult{}, err
	}
	f := r.state.settings.forgetful(r.user, login)
	o := occurrence{who: f.user, from: in.Caller, Kind: forgotEvent, Outcome: stepped, Reason: f.reason, Client: r.client.ID}
	if err := overBudget(r.source, budget, r.now); err != nil {
		return ForgotPasswordResult{}, p.unjudged(ctx, o, networkFull, err)
	}
	if err := p.afford(ctx, o, p.mails, r.state.settings.Limits.Mails, r.known); err != nil {
		return ForgotPasswordResult{}, err
	}
	asks := hook.MigrateUser{Event: h.about(r.client, in.Username, nil)}
	if a, err := p.arrives(ctx, r, login, h, asks); err != nil {
		return ForgotPasswordResult{}, p.denied(ctx, err, r.now, o, storage.Count{Key: r.source.Key, Rule: budget, Now: r.now})
	} else if a != nil {
		f = r.state.awaited(a, login)
	}
	if f.arrives == "" && r.nobody() {
		return ForgotPasswordResult{}, p.told(ctx, r, budget, o, ErrNotFound)
	}
	o.Reason = f.reason
	return p.sendReset(ctx, r, in, login, f, named, o)
}

// sendReset sends a code to whoever has forgotten a password, and gives out the ticket for it. It is
// the same work where nobody has.
func (p *Pool) sendReset(
	ctx context.Context, r reading, in ForgotPasswordInput, login user.Login, f forgetful, named *unread, o occurrence,
) (ForgotPasswordResult, error) {
	now := r.now
	request := max(r.counter.N+1, now.UnixMicro())
	c := r.state.sentTo(f.to, now)
	c.Owner, c.Request, c.Arrives = r.counter.Key.Owner, request, f.arrives
	t, ticket := p.newTicket(f.user, r.client.ID, purposeReset, in.Caller, c, now, now.Add(resetLifetime))
	l := letterTo(f.to, message.ResetPassword, in.Caller.locale(), newLongCode())
	l = p.asked(l, hook.ForgotPassword, r.client, in.Metadata)
	mails, told := mailing(login), delivery(login)
	var full bool
	var count []storage.Change
	if r.state.settings.Recovery.elsewhere(login) {
		mails, told, l.Found = smsRule, Delivery{}, true
		full, count = p.countTexts(named, p.sourceKey(r.state, in.Caller, namedRequests), now)
	}
	l.Name, l.Void = f.name, f.reason != "" || full && l.SMS
	_, budget := requested(login)
	changes := append(append(p.mail(r.mail, mails, t, c, l, now), count...), storage.Put(t),
		storage.Count{Key: r.source.Key, Rule: budget, Now: now}, p.event(now, o))
	if mails.Locked(r.mail, now).IsZero() { // a request that sends nothing voids nothing
		changes = append(changes, storage.Raise{Key: r.counter.Key, N: request})
	}
	if err := p.commit(ctx, changes...); err != nil {
		named.learn(err, smsRequestRule, now)
		return ForgotPasswordResult{}, overMail(err)
	}
	return ForgotPasswordResult{Ticket: ticket, Delivery: told}, nil
}

// forgetful is whose password a code may set anew. Whoever cannot recover gets what a stranger gets:
// a ticket of nobody, and a message that is not sent.
type forgetful struct {
	user    *user.User // whose the ticket is; the zero user is nobody
	name    string     // the user name, in the message
	to      user.Login // where the code goes
	reason  string     // why it does not; "" means that it does
	arrives string     // what was typed by somebody whom an old system knows
}

func (s Settings) forgetful(u *user.User, login user.Login) forgetful {
	u, reason := recoverable(u)
	to, ok := s.recoversAt(u, login)
	if !ok {
		return forgetful{user: &user.User{}, to: login, reason: cmp.Or(reason, noAddress)}
	}
	return forgetful{user: u, name: u.Username(), to: to}
}

// noAddress is why nothing is sent to a user who has proven no address.
const noAddress = "no_address"

// recoverable returns u where a code by mail may set a new password, and the zero user, with the
// reason for the event, where not: an attempt proves nothing by it, and a disabled user stays so.
func recoverable(u *user.User) (*user.User, string) {
	nobody := &user.User{}
	switch {
	case u == nil || !u.Somebody():
		return nobody, string(gate.NoUser)
	case u.Disabled:
		return nobody, string(gate.Disabled)
	}
	if _, err := user.Next(u.Status, user.Forget); err != nil {
		return nobody, string(u.Status)
	}
	return u, ""
}

// ResetPassword sets a new password with the code of [Pool.ForgotPassword]. All sessions, tickets
// and codes of the user end, locks on guessing the old password with them, and the owner is told by
// mail. It signs nobody in (security.md S4): the step that comes back is [*NeedPassword].
//
// It fails with a *[ValidationError], which leaves the code good, with [ErrBadCode], with
// [ErrTicketGone], with [ErrNotAuthorized] where only administrators help by now, and with a
// *[LimitError] where the password door is full, which counts like a wrong code. It costs one read,
// one commit and, for the right code, another read and one hash; one read more for who comes over
// from an old system by it.
func (p *Pool) ResetPassword(ctx context.Context, in ResetPasswordInput) (Step, error) {
	b, ok := parseBearer(in.Ticket)
	if !ok {
		return nil, ErrTicketGone
	}
	var v validation
	v.code(in.Code)
	v.newPassword(p.state.Load().settings.Passwords, in.Password)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	c := choice{value: in.Password, by: in.Caller}
	h := p.call(hook.Authentication, in.Caller, in.Metadata)
	ask := asking{secret: in.ClientSecret, from: in.Caller}
	return again(func() (Step, error) {
		a, err := p.readTicket(ctx, b, &ask)
		if err != nil {
			return nil, err
		}
		if a.ticket.Purpose != purposeReset {
			return nil, ErrWrongStep
		}
		return p.resetPassword(ctx, a, in, &ask, &c, &h)
	})
}

func (p *Pool) resetPassword(
	ctx context.Context, a answered, in ResetPasswordInput, ask *asking, c *choice, h *hooked,
) (Step, error) {
	if err := a.state.settings.Recovery.open(); err != nil {
		return nil, err
	}
	u, proof, came, err := p.mayReset(ctx, &a, in, ask, h)
	if err != nil {
		return nil, err
	}
	o := occurrence{who: u, from: in.Caller, Kind: resetEvent, Outcome: refused, Client: a.client.ID}
	if to, _ := contact(u); u.Password == nil { // then sign-ups may be open under the salt of the address
		c.salt = a.state.salt(to)
	}
	from := p.from(in.Caller, string(u.ID), false)
	next, refusal, err := p.choose(ctx, from, a.state.settings.Passwords, c, u, a.now)
	if err != nil {
		return nil, p.unchosen(ctx, a.guess(a.resetCode), err, o)
	}
	if refusal != nil {
		return nil, p.wrong(ctx, a.guess(a.resetCode), refusal, o)
	}
	if next.Status, err = user.Next(u.Status, user.Reset); err != nil {
		return nil, p.wrong(ctx, a.guess(a.resetCode), ErrBadCode, o, a.tried()) // recoverable has said otherwise
	}
	d := gate.Decide(p.request(a.round, next), []gate.Proof{proof}, a.now)
	t, ticket := p.newTicket(next, a.client.ID, purposePassword, in.Caller,
		carried{Proofs: d.Proofs()}, a.now, a.now.Add(a.client.StepLifetime))
	o.Outcome = succeeded
	changes := append(p.replaced(next, a.told, a.now, in.Caller.locale()),
		storage.Put(next), storage.Put(t), storage.Delete(&storage.Counter{Key: a.password.Key}),
		storage.Clear{Key: a.resetCode.Key, Rule: codeRule, Now: a.now}, p.event(a.now, o))
	changes = append(append(changes, a.used()...), came...)
	changes = append(changes,
		p.afterwards(postConfirmation, hook.ConfirmForgotPassword, h, a.client.ID, next, a.now)...)
	if err := overMail(p.commit(ctx, changes...)); err != nil {
		if _, locked := limit(err); locked && !errors.Is(err, storage.ErrStale) {
			return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
		}
		return nil, arrived(err, h)
	}
	return &NeedPassword{Ticket: ticket, Expires: t.Expires}, nil
}

// mayReset returns whose password a code sets, where it is right, and what else is to be stored of
// somebody who arrives by it. A ticket of nobody, one whose user has changed since, one that a newer
// request has replaced and a locked counter all go the way of a wrong code: any other would tell
// whether there is a user.
func (p *Pool) mayReset(
	ctx context.Context, a *answered, in ResetPasswordInput, ask *asking, h *hooked,
) (u *user.User, proof gate.Proof, came []storage.Change, err error) {
	u, _ = recoverable(a.user)
	proof, right := p.sentCode(*a, in.Code)
	right = right && a.state.settings.Recovery.takes(a.SMS) && !a.state.settings.backs(u, sentBy(a.SMS)) && codeRule.Locked(a.resetCode, a.now).IsZero()
	known := u.ID != "" && a.Request == a.requests.N
	o := occurrence{who: u, from: in.Caller, Kind: resetEvent, Outcome: refused, Client: a.client.ID}
	wrong := func() error { return p.wrong(ctx, a.guess(a.resetCode), ErrBadCode, o, a.tried()) }
	if !right || !known && a.Arrives == "" {
		return nil, proof, nil, wrong()
	}
	wouldBe := append(a.used(), storage.Clear{Key: a.resetCode.Key, Rule: codeRule})
	if err := p.stillOpen(ctx, a.now, o, wouldBe...); errors.Is(err, errLocked) {
		return nil, proof, nil, ErrBadCode
	} else if err != nil || known {
		return u, proof, nil, err
	}
	u, came, err = p.returns(ctx, a, ask, h)
	if err != nil {
		return nil, proof, nil, p.unchosen(ctx, a.guess(a.resetCode), err, o)
	}
	if u == nil {
		return nil, proof, nil, wrong()
	}
	return u, proof, came, nil
}
