package pool

import (
	"context"
	"errors"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// SignIn starts a sign-in by any login that the user owns: with a [Password]; with a [Choice] of the
// ways in that the pool offers ([SignInSettings].First), where the step that comes back asks for it;
// or without either, where it is [*NeedChoice], or asks for the only way that there is. Those steps
// are the same for everybody, also for nobody.
//
// A code to begin by has eight digits and goes to the proven address of its kind, at most five mails
// or three messages by SMS an hour at one login; beyond that, and where there is no such address,
// nothing is sent, which the answer does not show. A *[LimitError] speaks of the caller's network or
// of the pool as a whole. It costs one read and one commit. So does a challenge of the program's own to
// begin by, also for nobody; where a hook of it denies, for whoever that is, the error is a
// *[HookError]. An answer to it costs a read more, and one that another challenge follows a commit.
//
// Where a password was right, the step that comes back is [*Done], [*NeedConfirm] where the address is
// not proven yet, or [*NeedNewPassword] where it was a temporary one, which is good for as long as
// [password.Policy] says.
//
// Unknown users, wrong passwords, disabled and locked accounts are all [ErrNotAuthorized], after
// the same work; a *[LimitError] speaks of the caller's network, of the pool as a whole, of the
// password door or of a full hook. Wrong answers in a row lock guessing, the fifth for a second and
// each later one for twice as long (security.md T5). Where the client has no [FlowPassword], all of
// them are [ErrFlowNotAllowed], and so is a choice without [FlowChoice].
//
// An old system may be asked about a login that nobody has ([hook.Set].MigrateUser). It costs one
// hash, one read and one commit; another hash and commit where the stored hash is
// replaced by one of today's parameters.
func (p *Pool) SignIn(ctx context.Context, in SignInInput) (Step, error) {
	if w, ok := in.With.(Choice); ok && w.Kind == mfa.KindPasskey {
		return p.signInByPasskey(ctx, in)
	}
	var v validation
	login := v.login(p.state.Load().settings.SignIn, in.Username)
	typed, ok := in.With.(Password)
	wanted, chosen := in.With.(Choice)
	chosen = chosen || in.With == nil
	switch {
	case !ok && !chosen:
		return nil, errWayIn
	case ok && typed.Value.IsZero():
		v.add("With", "must not be an empty password")
	}
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	if chosen {
		h := p.call(hook.Authentication, in.Caller, in.Metadata)
		ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
		return again(func() (Step, error) { return p.begin(ctx, in, &ask, login, wanted.Kind, &h) })
	}
	j := judgement{hooked: p.call(hook.Authentication, in.Caller, in.Metadata)}
	j.typed = typed
	ask := asking{client: in.Client, secret: in.ClientSecret, from: in.Caller}
	return again(func() (Step, error) { return p.signIn(ctx, in, &ask, login, &j) })
}

// judgement is a password that was judged once, and holds for later rounds of the same call: another
// round that finds other users has no proof of theirs, because the gate drops it.
type judgement struct {
	hooked
	done           bool
	owner, attempt gate.Proof
	arrival        choice    // of the password of who is migrated
	mail           unread    // of mails to the address of an attempt
	ticket         *answered // that asked for the password; nil where it came with the sign-in
	texts          unread    // that the network has asked for
}

// judge hashes in the first round only.
func (p *Pool) judge(
	ctx context.Context, j *judgement, from password.From, owner, attempt *user.User, now time.Time,
) (err error) {
	if j.done {
		return nil
	}
	j.owner, j.attempt, err = p.gate.Passwords(ctx, from, owner, attempt, j.typed.Value, now)
	j.done = err == nil
	return p.busy(err)
}

func (p *Pool) signIn(
	ctx context.Context, in SignInInput, ask *asking, login user.Login, j *judgement,
) (Step, error) {
	r, err := p.readLogin(ctx, login, ask, counters{passwordCounter, signUpMail, failures})
	if err != nil {
		return nil, err
	}
	if err := r.client.allows(FlowPassword); err != nil && j.ticket == nil {
		return nil, err
	}
	now := r.now
	if _, err := r.state.settings.SignIn.read(in.Username); err != nil {
		return nil, err // the kind of login was taken when the call began
	}
	o := occurrence{who: r.user, from: in.Caller, Kind: signInEvent, Outcome: refused, Client: r.client.ID}
	if !j.done { // else it is to be counted, and no budget refuses it any more
		if err := overBudget(r.source, sourceRule, now); err != nil {
			return nil, p.unjudged(ctx, o, networkFull, err)
		}
		if err := p.signIns.spent(r.known); err != nil { // before a lock, which must not show by it
			return nil, p.unjudged(ctx, o, poolFull, err)
		}
	}
	if !guessRule.Locked(r.counter, now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrNotAuthorized) // so nothing is counted
	}
	if !j.done {
		if err := p.afford(ctx, o, p.signIns, r.state.settings.Limits.SignIns, r.known); err != nil {
			return nil, err
		}
	}
	if r.risk, err = p.mayTry(ctx, &j.hooked, r.round, in.Username, r.user, r.counter); err != nil {
		return nil, p.denied(ctx, err, now, o, storage.Count{Key: r.source.Key, Rule: sourceRule, Now: now})
	}
	if !j.done {
		asks := hook.MigrateUser{Event: j.about(r.client, in.Username, nil), Password: j.typed.Value}
		a, err := p.arrives(ctx, r, login, &j.hooked, asks)
		if err != nil {
			count, _ := failure(r.counter, now)
			return nil, p.denied(ctx, err, now, o, count, storage.Count{Key: r.source.Key, Rule: sourceRule, Now: now})
		}
		if a != nil {
			return p.migrate(ctx, r, login, a, j, o)
		}
	}
	if r.nobody() {
		o.Reason = string(gate.NoUser)
		return nil, p.wrong(ctx, r.guess(), ErrNotFound, o)
	}
	if err := p.judge(ctx, j, p.from(in.Caller, login.Value, r.known), r.owner(), r.attempt, now); err != nil {
		return nil, p.full(ctx, o, err)
	}
	// Whoever signed up at an address and then signs in sees the same where it has an owner.
	shown := []gate.Proof{j.owner}
	if j.owner.Holds() {
		shown = append(shown, p.remembers(r.round, in.Caller, r.user))
	}
	owner := gate.Decide(p.request(r.round, r.user), shown, now)
	attempt := gate.Decide(gate.Request{User: r.attempt, Purpose: gate.SignIn}, []gate.Proof{j.attempt}, now)
	switch {
	case owner.Outcome() == gate.Mint || owner.Next() == gate.Second || owner.Next() == gate.Enrol:
		step, err := p.advance(ctx, attained{
			round: r.round, h: &j.hooked, user: r.user, decided: owner, occurred: signInEvent,
			at: r.counter, source: r.source.Key, also: append(j.used(), storage.Require(r.user)), warned: p.warn(r, in.Caller),
		})
		if err == nil && r.attempt == nil {
			p.rehash(ctx, in.Caller, r.user, login, j.typed)
		}
		return step, err
	case owner.Next() == gate.NewPassword:
		return p.needNewPassword(ctx, r, owner, in.Caller)
	case attempt.Next() == gate.Confirm:
		return p.needConfirm(ctx, r, attempt, in.Caller, j)
	}
	o.Reason = string(owner.Reason())
	return nil, p.wrong(ctx, r.guess(), ErrNotAuthorized, o, append(p.warn(r, in.Caller), j.tried()...)...)
}

// used are the changes that come of a right password to the ticket that asked for it, if one did.
func (j *judgement) used() []storage.Change {
	if j.ticket == nil {
		return nil
	}
	return j.ticket.used()
}

// tried are those that come of a wrong one.
func (j *judgement) tried() []storage.Change {
	if j.ticket == nil {
		return nil
	}
	return []storage.Change{j.ticket.tried()}
}

// rehash replaces a hash that was made with other parameters than new ones are, now that the
// password is at hand (security.md T9). It is no password set: sessions and proofs stay. Where it
// cannot, the next sign-in tries again. An open sign-up at any login of the user shares the hash's
// salt until it ends, and keeps it; the one at the login that was typed is known to be over.
func (p *Pool) rehash(ctx context.Context, c Caller, u *user.User, typedLogin user.Login, typed Password) {
	old, err := password.Parse(u.Password.Hash)
	old.Digest = make([]byte, 32) // it is sealed, and of today's length where it was judged right
	if err != nil || !old.NeedsRehash(p.config.hashing()) {
		return
	}
	for _, l := range u.Logins {
		if l.Value == typedLogin.Value || l.Namespace == user.PasskeyID {
			continue
		}
		got, err := p.read(ctx, storage.Want{Now: p.now(), Attempt: user.ByLogin(l.Value)})
		if err != nil || got.Attempt != nil {
			return
		}
	}
	hash, err := p.door.For(p.from(c, string(u.ID), true)).Hash(ctx, p.config.hashing(), typed.Value)
	if err != nil {
		return
	}
	next := u.Clone()
	next.Password.Hash, next.Password.Form = hash.Bare(), user.FormNFC
	next.Password.Digest = p.config.Keys.Seal(gate.PasswordLabel(u.Pool, u.ID), hash.Digest)
	if err := p.commit(ctx, storage.Put(next)); err != nil && !errors.Is(err, storage.ErrStale) {
		p.config.Logger.WarnContext(ctx, "password hash not replaced",
			"pool", p.config.ID, "user", u.ID, "error", err)
	}
}

// needConfirm answers the right password of an attempt with a ticket and a new code. At an address
// that has an owner meanwhile the ticket confirms nothing, and it is the owner who gets a mail.
func (p *Pool) needConfirm(ctx context.Context, r reading, d gate.Decision, c Caller, j *judgement) (Step, error) {
	u, to, client, now := r.attempt, r.attempt.Attempt.Proves(), r.client, r.now
	l := letterTo(to, message.ConfirmSignUp, c.locale(), newCode())
	l = p.asked(l, hook.Authentication, client, j.event.Metadata)
	waits := r.state.settings.SignUp.ByAdmin || to.Kind() == user.KindUsername // there is no code to send
	l.Void = waits
	k := r.state.sentTo(to, now)
	k.Proofs, k.Risk = d.Proofs(), r.risk
	sent, rule := r.mail, mailing(to)
	if to != u.Attempt.Login { // the login is a user name, and what was read is not of the address
		sent = j.mail.at(storage.CounterKey{Pool: p.config.ID, Owner: k.Channel, Name: signUpMail})
	}
	if r.user.Somebody() {
		k.Taken, l.Kind, l.Code, l.Void = true, message.AlreadyRegistered, "", false
	}
	var asked []storage.Change
	if to.Kind() == user.KindPhone {
		var full bool
		full, asked = p.countTexts(&j.texts, p.sourceKey(r.state, c, smsRequests), now)
		l.Void, l.Over = l.Void || full, full
	}
	expires := earlier(u.Attempt.Expires, now.Add(confirmLifetime))
	t, ticket := p.newTicket(u, client.ID, purposeConfirm, c, k, now, expires)
	o := occurrence{
		who: u, from: c, Kind: signInEvent, Outcome: stepped, Reason: string(KindConfirm), Client: client.ID,
	}
	changes := append(append(p.mail(sent, rule, t, k, l, now), asked...), storage.Require(u), storage.Put(t))
	if err := p.counted(ctx, r.guess(), p.warn(r, c), o, changes...); err != nil {
		j.mail.learn(err, rule, now)
		j.texts.learn(err, smsRequestRule, now)
		return nil, err
	}
	if waits {
		return &NeedConfirm{Expires: u.Attempt.Expires}, nil
	}
	return &NeedConfirm{Ticket: ticket, Expires: t.Expires, Delivery: delivery(to)}, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func idOf(u *user.User) user.ID {
	if u == nil {
		return ""
	}
	return u.ID
}
