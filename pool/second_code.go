package pool

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// factorMail counts the codes that go to an address as a second factor, whoever's sign-in asks for
// them: it is of the address's pseudonym, so that neither a new ticket nor another account refills it.
const factorMail = "mail:second_factor"

// factorRule is how many of those go to an address: Cognito's five an hour. They come after a right
// first factor, so there may be as many by SMS as by mail.
var factorRule = storage.Rule{Free: 5, Window: time.Hour}

// addressKind returns the kind of address that a code of a kind of factor goes to.
func addressKind(k mfa.Kind) user.Kind {
	if k == mfa.KindSMS {
		return user.KindPhone
	}
	return user.KindEmail
}

// poseCode sends a code to the user's proven address and asks for it. The code is bound to the ticket
// and to the address, and one that is sent again takes the place of the one before (security.md S3).
// Where the address has had enough nothing is sent, which the step says: who gets it has shown a
// first factor. A code that was sent before for it stays good then.
func (p *Pool) poseCode(q *question, repeated bool, others []mfa.Kind) {
	to, proven := q.user.Address(addressKind(q.Kind))
	step := &NeedCode{Ticket: q.bearer.String(), Expires: q.ticket.Expires, By: q.Kind, Others: others}
	q.step = step
	goes := q.state.sentTo(to, q.now)
	sent := q.h.codes.at(storage.CounterKey{Pool: p.config.ID, Owner: goes.Channel, Name: factorMail})
	full := !factorRule.Locked(sent, q.now).IsZero()
	if full && repeated && goes.Channel == q.Channel {
		return
	}
	q.Channel, q.SMS, q.Until, q.ticket.Code = goes.Channel, goes.SMS, goes.Until, nil
	if full || !proven {
		return
	}
	step.Delivery = masked(to)
	p.carry(q.ticket, q.bearer, q.carried) // which the code is bound to
	l := letterTo(to, message.FactorCode, localeOf(q.user, q.from.locale()), newCode())
	l.Name, l.Found = q.user.Username(), true
	l = p.asked(l, hook.Authentication, q.client, q.h.event.Metadata)
	q.changes = append(q.changes, p.mail(sent, factorRule, q.ticket, q.carried, l, q.now)...)
}

// answerSecondCode judges a code that was sent as a second factor. The right one deletes the ticket,
// so of any number of uses at once one wins; wrong ones count against the ticket and against the
// account, whichever code they were at (CVE class 6).
func (p *Pool) answerSecondCode(ctx context.Context, a answered, w Code, h *hooked) (Step, error) {
	o := occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Reason: string(a.Kind), Client: a.client.ID}
	if !codeRule.Locked(a.second, a.now).IsZero() {
		return nil, p.unjudged(ctx, o, accountLocked, ErrBadCode)
	}
	proof := p.secondCode(a, w.Value)
	d := p.judgeFactor(a, a.user, proof)
	if !proof.Holds() || d.Outcome() == gate.Refuse {
		return nil, p.wrong(ctx, a.guess(a.second), ErrBadCode, o, a.tried())
	}
	return p.advance(ctx, a.attained(a.user, d, h, a.second, storage.Require(a.user)))
}

// secondCode judges a code that was sent to the address that the user still has. One that does not
// hold is wrong.
func (p *Pool) secondCode(a answered, code string) (none gate.Proof) {
	to, proven := a.user.Address(addressKind(a.Kind))
	if !proven || a.state.pseudonym(to) != a.Channel || !a.Until.IsZero() && !a.now.Before(a.Until) {
		return none
	}
	return p.gate.SecondCode(a.ticket, a.user, a.Kind, a.Channel, code, a.now)
}

// bySent reports whether a kind of factor is a code that is sent.
func bySent(k mfa.Kind) bool { return k == mfa.KindSMS || k == mfa.KindEmail }

// masked tells where a code went to somebody who may not know the whole address, as Cognito does:
// +*********5678 and a***@e***.
func masked(to user.Login) Delivery {
	shown := to.Display
	switch local, domain, isMail := strings.Cut(shown, "@"); {
	case isMail:
		shown = first(local) + "***@" + first(domain) + "***"
	default:
		shown = "+" + strings.Repeat("*", max(0, len(shown)-5)) + shown[max(0, len(shown)-4):]
	}
	return Delivery{channel(to), shown}
}

// first returns the first character of s.
func first(s string) string {
	r := slices.Collect(strings.SplitSeq(s, ""))
	if len(r) == 0 {
		return ""
	}
	return r[0]
}
