package pool

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// begin starts a sign-in by choice, of whoever is behind a login (Cognito's USER_AUTH). What may be
// chosen is what the pool offers, never what the user has: the steps, and what is done for them, are
// the same for nobody (security.md S19, CVE class 53).
func (p *Pool) begin(
	ctx context.Context, in SignInInput, ask *asking, login user.Login, kind mfa.Kind, h *hooked,
) (Step, error) {
	counter, budget := requested(login)
	r, err := p.readLogin(ctx, login, ask, counters{of: signInCounter, mail: signInMail, source: counter})
	if err != nil {
		return nil, err
	}
	if err := r.client.allows(FlowChoice); err != nil {
		return nil, err
	}
	if _, err := r.state.settings.SignIn.read(in.Username); err != nil {
		return nil, err // the kind of login was taken when the call began
	}
	kinds := p.beginnings(r.round)
	if kind != "" && !slices.Contains(kinds, kind) || len(kinds) == 0 {
		return nil, errWayIn
	}
	if len(kinds) == 1 {
		kind = kinds[0]
	}
	who, reason := mayBegin(r.owner())
	o := occurrence{who: who, from: in.Caller, Kind: beginEvent, Outcome: stepped, Reason: reason, Client: r.client.ID}
	if err := overBudget(r.source, budget, r.now); err != nil {
		return nil, p.unjudged(ctx, o, networkFull, err)
	}
	if err := p.afford(ctx, o, p.mails, r.state.settings.Limits.Mails, r.known); err != nil {
		return nil, err
	}
	if r.nobody() {
		return nil, p.told(ctx, r, budget, o, ErrNotFound)
	}
	c := carried{Owner: r.counter.Key.Owner}
	t, b := p.ticketOf(who, r.client.ID, purposeFirst, in.Caller, c, r.now, r.now.Add(r.client.StepLifetime))
	c.Browser = in.Caller.Browser
	c.Typed = p.config.Keys.Seal(p.typedLabel(t.ID), []byte(in.Username))
	if slices.Contains(kinds, mfa.KindPasskey) {
		c.Listed = candidates(r.state.passkeysAt(login, r.owner()))
	}
	h.codes.Counter = r.mail
	q := question{
		round: r.round, h: h, user: who, ticket: t, bearer: b, kinds: kinds, typed: login, carried: c, from: in.Caller,
	}
	if err := p.pose(ctx, &q, kind); err != nil {
		return nil, p.denied(ctx, err, r.now, o, storage.Count{Key: r.source.Key, Rule: budget, Now: r.now})
	}
	changes := append(q.changes, storage.Put(t), storage.Count{Key: r.source.Key, Rule: budget, Now: r.now}, p.event(r.now, o))
	if err := p.commit(ctx, changes...); err != nil {
		h.learn(err, r.now)
		return nil, overMail(err)
	}
	return q.step, nil
}

// mayBegin returns the owner of a login where they can sign in by more than a password, and else the zero user, with
// the reason for the event.
func mayBegin(u *user.User) (*user.User, string) {
	switch {
	case u == nil:
		return &user.User{}, string(gate.NoUser)
	case u.Disabled:
		return &user.User{}, string(gate.Disabled)
	case u.Status != user.Confirmed:
		return &user.User{}, string(u.Status)
	}
	return u, ""
}

// beginnings returns the ways in that are offered to everybody, the preferred one first. Where
// everybody must show two factors a code to an address is none, nor is what the program asks, and both
// lead nowhere.
func (p *Pool) beginnings(r round) []mfa.Kind {
	rules := p.rules(r.state, nil, r.client)
	return slices.DeleteFunc(rules.Offered(rules.Firsts), func(k mfa.Kind) bool {
		return rules.Require == mfa.Required && !beginsRequired(k)
	})
}

// typedLabel is what the login is sealed to that somebody typed: of nobody none stands in the clear
// (security.md T6).
func (p *Pool) typedLabel(ticket string) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "ticket", Owner: ticket, Field: "login"}
}

// login returns the login by which a sign-in was begun. It fails where users sign in by no such login
// any more, and for a ticket that was begun otherwise.
func (a answered) login(p *Pool) (typed string, login user.Login, err error) {
	text, err := p.config.Keys.Open(p.typedLabel(a.ticket.ID), a.Typed)
	if err != nil {
		return "", login, ErrTicketGone
	}
	var v validation
	login = v.login(a.state.settings.SignIn, string(text))
	if v.err() != nil {
		return "", login, ErrTicketGone
	}
	return string(text), login, nil
}

// answerFirst takes an answer to a step that begins a sign-in, or that begins it otherwise after what
// was shown does not do. In the former case the ticket may be nobody's.
func (p *Pool) answerFirst(ctx context.Context, a answered, with Response, j *judgement) (Step, error) {
	if a.Typed == nil {
		return p.answerOther(ctx, a, with, j)
	}
	if err := a.client.allows(FlowChoice); err != nil {
		return nil, err
	}
	typed, login, err := a.login(p)
	if err != nil {
		return nil, err
	}
	kinds := p.beginnings(a.round)
	switch w := with.(type) {
	case Choice:
		return p.askKind(ctx, a, question{kinds: kinds, typed: login}, w.Kind, &j.hooked)
	case Code:
		if bySent(a.Kind) && slices.Contains(kinds, a.Kind) {
			return p.answerFirstCode(ctx, a, w, typed, &j.hooked)
		}
	case CustomAnswer:
		if a.Kind == mfa.KindCustom && slices.Contains(kinds, a.Kind) {
			return p.answerFirstCustom(ctx, a, question{kinds: kinds, typed: login}, w, &j.hooked)
		}
	case PasskeyAssertion:
		if a.Kind == mfa.KindPasskey && slices.Contains(kinds, mfa.KindPasskey) {
			return p.answerFirstPasskey(ctx, a, w, typed, &j.hooked)
		}
	case Password:
		if (a.Kind == mfa.KindPassword || a.Kind == "") && slices.Contains(kinds, mfa.KindPassword) {
			j.ticket = &a
			return p.signIn(ctx, SignInInput{Username: typed, Caller: a.from}, a.ask, login, j)
		}
	}
	return nil, ErrWrongStep
}

// answerOther takes an answer of a user whose proofs so far do not begin a sign-in that is enough.
func (p *Pool) answerOther(ctx context.Context, a answered, with Response, j *judgement) (Step, error) {
	if a.user == nil {
		return nil, ErrTicketGone
	}
	d := p.judgeFactor(a, a.user)
	if d.Outcome() != gate.Step || d.Next() != gate.First {
		return nil, ErrTicketGone
	}
	switch w := with.(type) {
	case Choice:
		return p.askFor(ctx, a, d, w.Kind, &j.hooked)
	case Code:
		if bySent(a.Kind) && slices.Contains(d.Kinds(), a.Kind) {
			return p.answerFirstCode(ctx, a, w, called(a.user), &j.hooked)
		}
	case CustomAnswer:
		if a.Kind == mfa.KindCustom && slices.Contains(d.Kinds(), a.Kind) {
			return p.answerFirstCustom(ctx, a, question{kinds: d.Kinds()}, w, &j.hooked)
		}
	case PasskeyAssertion:
		if a.Kind == mfa.KindPasskey && slices.Contains(d.Kinds(), mfa.KindPasskey) {
			return p.answerFirstPasskey(ctx, a, w, called(a.user), &j.hooked)
		}
	case Password:
		if slices.Contains(d.Kinds(), mfa.KindPassword) {
			return p.withPassword(ctx, a, j)
		}
	}
	return nil, ErrWrongStep
}

// answerFirstCode judges a code by which a sign-in begins. Of nobody it is wrong, after the same work,
// and so is the right one while codes of the account are locked.
func (p *Pool) answerFirstCode(ctx context.Context, a answered, w Code, typed string, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Reason: string(a.Kind), Client: a.client.ID}
	if err := p.mayAnswerFirst(ctx, &a, typed, h, o); err != nil {
		return nil, err
	}
	proof, right := p.sentCode(a, w.Value)
	var d gate.Decision
	if right && a.user != nil && codeRule.Locked(a.begun, a.now).IsZero() && p.reaches(a) {
		d = p.judgeFactor(a, a.user, proof)
	}
	if d.Outcome() != gate.Mint && d.Outcome() != gate.Step {
		return nil, p.wrong(ctx, a.guess(a.begun), ErrBadCode, o, a.tried())
	}
	return p.advance(ctx, a.attained(a.user, d, h, a.begun, storage.Require(a.user)))
}

// mayAnswerFirst is mayAnswer for an answer by which a sign-in begins.
func (p *Pool) mayAnswerFirst(ctx context.Context, a *answered, typed string, h *hooked, o occurrence) error {
	risk, err := p.mayTry(ctx, h, a.round, typed, a.user, a.missed())
	a.risk = max(a.risk, risk)
	if err != nil {
		err = p.denied(ctx, err, a.now, o, storage.Count{Key: a.source, Rule: sourceRule, Now: a.now})
	}
	return err
}

// reaches reports whether the address that a code went to is still the user's.
func (p *Pool) reaches(a answered) bool {
	to, proven := a.user.Address(addressKind(a.Kind))
	return proven && a.state.pseudonym(to) == a.Channel
}

// poseFirst sends a code by which alone one may sign in, to the proven address of its kind: eight
// digits (security.md S3). Where there is none, as for nobody, or it has had enough, nothing is sent,
// which the step does not show; it tells no address but the one that was typed (T7).
func (p *Pool) poseFirst(q *question, repeated bool, others []mfa.Kind) {
	step := &NeedCode{Ticket: q.bearer.String(), Expires: q.ticket.Expires, By: q.Kind, Others: others}
	q.step = step
	to, proven := q.user.Address(addressKind(q.Kind))
	typed, rule := q.typed, smsRule
	if typed == (user.Login{}) { // of who has shown something already
		typed = to
	}
	if typed.Kind() == addressKind(q.Kind) {
		step.Delivery, rule = delivery(typed), mailing(typed)
	}
	if !proven {
		to = typed
	}
	channel := q.state.pseudonym(to)
	sent := q.h.codes.at(storage.CounterKey{Pool: p.config.ID, Owner: q.state.pseudonym(typed), Name: signInMail})
	if repeated && channel == q.Channel && !rule.Locked(sent, q.now).IsZero() {
		return // what sends nothing voids nothing
	}
	q.Channel, q.SMS, q.Until = channel, q.Kind == mfa.KindSMS, q.ticket.Expires
	if q.SMS {
		q.Until = q.now.Add(smsLifetime)
	}
	p.carry(q.ticket, q.bearer, q.carried) // which the code is bound to
	l := letterTo(to, message.SignInCode, localeOf(q.user, q.from.locale()), newLongCode())
	l.Name, l.Void = q.user.Username(), !proven
	if step.Delivery == (Delivery{}) {
		l.Found = true
		if q.SMS {
			full, count := p.countTexts(&q.h.named, p.sourceKey(q.state, q.from, namedRequests), q.now)
			l.Void = l.Void || full
			q.changes = append(q.changes, count...)
		}
	}
	l = p.asked(l, hook.Authentication, q.client, q.h.event.Metadata)
	q.changes = append(q.changes, p.mail(sent, rule, q.ticket, q.carried, l, q.now)...)
}
