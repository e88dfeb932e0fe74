package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
)

// challenge is what a ticket keeps of a challenge of the program's own, sealed: its private parameters
// as names and values, in bytes, so that no character of them takes more room than the ticket has.
type challenge struct {
	Name    string      `json:"name,omitempty"`
	Private [][2][]byte `json:"private,omitempty"`
}

func newChallenge(name string, private map[string]string) challenge {
	c := challenge{Name: name}
	for key, value := range private {
		c.Private = append(c.Private, [2][]byte{[]byte(key), []byte(value)})
	}
	return c
}

// private returns the private parameters of a challenge.
func (c challenge) private() map[string]string {
	all := map[string]string{}
	for _, pair := range c.Private {
		all[string(pair[0])] = string(pair[1])
	}
	return all
}

func (p *Pool) challengeLabel(t *storage.Ticket) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "ticket", Owner: t.ID, Field: "challenge"}
}

// poseCustom asks for the answer to a challenge of the program's own, which the program may refuse.
func (p *Pool) poseCustom(ctx context.Context, q *question) error {
	if err := q.h.challenge.about(fmt.Sprint(q.user.ID, " asked ", len(q.Asked))); err != nil {
		return err
	}
	var next hook.DefineChallengeAnswer
	if p.config.Hooks.DefineChallenge != nil {
		var err error
		if next, err = p.nextChallenge(ctx, q); err != nil {
			return err
		}
		if next.Name == "" { // what is enough is said to an answer
			return denial{&HookError{defineChallenge, ErrNotAuthorized}}
		}
	}
	return p.challenge(ctx, q, next.Name)
}

// challenge makes the challenge of a name, and the step that asks for its answer.
func (p *Pool) challenge(ctx context.Context, q *question, name string) error {
	made, err := p.newChallenge(ctx, q, name)
	if err != nil {
		return err
	}
	text, err := json.Marshal(newChallenge(name, made.Private))
	if err != nil {
		return err
	}
	q.Secret = p.config.Keys.Seal(p.challengeLabel(q.ticket), text)
	q.step = &NeedCustom{
		Ticket: q.bearer.String(), Expires: q.ticket.Expires, Name: name, Params: made.Params, Others: q.others(),
	}
	return nil
}

// answersCustom is the event of a wrong answer to a challenge.
func (a answered) answersCustom() occurrence {
	return occurrence{who: a.user, from: a.from, Kind: signInEvent, Outcome: refused, Reason: string(mfa.KindCustom), Client: a.client.ID}
}

// answerSecondCustom takes an answer to a challenge that is a second factor.
func (p *Pool) answerSecondCustom(
	ctx context.Context, a answered, d gate.Decision, w CustomAnswer, h *hooked,
) (Step, error) {
	if !guessRule.Locked(a.custom, a.now).IsZero() {
		return nil, p.unjudged(ctx, a.answersCustom(), accountLocked, ErrBadCode)
	}
	return p.answerCustom(ctx, a, question{kinds: d.Kinds(), lost: d.Lost()}, w, h, a.custom)
}

// answerCustom has the program judge an answer to its challenge (security.md S8), which is a guess of
// those that a counter counts. The commit that tells what came of it deletes or changes the ticket, so
// of any number of answers at once one wins. Of nobody it is wrong at the end, after all that is done
// for an answer of somebody's.
func (p *Pool) answerCustom(
	ctx context.Context, a answered, q question, w CustomAnswer, h *hooked, at storage.Counter,
) (Step, error) {
	o := a.answersCustom()
	if err := h.challenge.about(string(idOf(a.user)) + string(a.Secret)); err != nil {
		return nil, err
	}
	var c challenge
	text, err := p.config.Keys.Open(p.challengeLabel(a.ticket), a.Secret)
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return nil, unavailable(fmt.Errorf("open challenge: %w", err))
	}
	q = a.asksOn(q, h)
	right, next, err := p.judgeCustom(ctx, &q, c, w.Value)
	switch {
	case err != nil:
		return nil, p.unverified(ctx, a, h, err, o, at)
	case next.Enough && a.user != nil:
		proof := gate.Custom(a.ticket, a.user, a.now)
		d := p.judgeFactor(a, a.user, proof)
		if !proof.Holds() || d.Outcome() == gate.Refuse {
			return nil, p.wrong(ctx, a.guess(at), ErrBadCode, o, a.tried())
		}
		return p.advance(ctx, a.attained(a.user, d, h, at, storage.Require(a.user)))
	case next.Fail:
		return nil, p.wrong(ctx, a.guess(at), ErrNotAuthorized, o, storage.Delete(a.ticket))
	case next.Name == "": // the same challenge stays
		return nil, p.wrong(ctx, a.guess(at), ErrBadCode, o, a.tried())
	}
	if err := p.countJudged(ctx, a, h, right, o, at); err != nil {
		return nil, err
	}
	return p.askNext(ctx, a, &q, next.Name)
}

// countJudged counts an answer that another challenge follows, once for all rounds of a call, before that
// is made: the hook takes its time, and of any number of guesses at once the right one, which may need
// none, would come before all that count (security.md T5).
func (p *Pool) countJudged(
	ctx context.Context, a answered, h *hooked, right bool, o occurrence, at storage.Counter,
) (err error) {
	switch {
	case h.challenge.counted:
		return nil
	case right:
		o.Outcome, o.Reason = stepped, string(KindCustom)
		err = p.counted(ctx, a.guess(at), nil, o)
	default:
		err = p.wrong(ctx, a.guess(at), nil, o, a.tried())
	}
	h.challenge.counted = err == nil
	return err
}

// askNext asks for the answer to another challenge by the same ticket, so that its tries are not refilled.
func (p *Pool) askNext(ctx context.Context, a answered, q *question, name string) (Step, error) {
	if err := p.challenge(ctx, q, name); err != nil {
		return nil, p.denied(ctx, err, a.now, a.answersCustom(), storage.Count{Key: a.source, Rule: sourceRule, Now: a.now})
	}
	p.carry(q.ticket, q.bearer, q.carried)
	if err := p.commit(ctx, append(a.stands(), storage.Put(q.ticket))...); err != nil {
		return nil, err
	}
	return q.step, nil
}

// judgeCustom asks whether an answer is right and what comes next.
func (p *Pool) judgeCustom(
	ctx context.Context, q *question, c challenge, typed string,
) (right bool, next hook.DefineChallengeAnswer, err error) {
	if right, err = p.judgeChallenge(ctx, q, c, typed); err != nil {
		return false, next, err
	}
	if p.config.Hooks.DefineChallenge == nil {
		return right, hook.DefineChallengeAnswer{Enough: right}, nil
	}
	q.Asked = append(q.Asked[:len(q.Asked):len(q.Asked)], hook.Challenge{Name: c.Name, Right: right})
	next, err = p.nextChallenge(ctx, q)
	return right, next, err
}

// unverified counts an answer that a hook did not get over like a wrong one: a program may well fail
// where an answer is wrong, and what fails after the verdict shows that there was one. Where none was
// judged, because too many judge, nothing is counted.
func (p *Pool) unverified(
	ctx context.Context, a answered, h *hooked, err error, o occurrence, at storage.Counter,
) error {
	d, denied := errors.AsType[denial](err)
	gone := ctx.Err() != nil && errors.Is(err, ctx.Err())
	_, limited := errors.AsType[*LimitError](err)
	switch {
	case denied:
		o.Reason = hookReason(d.Hook)
	case gone:
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
	case limited && !h.challenge.verified.asked:
		return p.unjudged(ctx, o, hookFull, err)
	case !limited:
		return err
	}
	return p.wrong(ctx, a.guess(at), err, o, a.tried())
}
