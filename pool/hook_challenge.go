package pool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/user"
)

// hookProblems returns what is wrong with the hooks beside each other.
func (c Config) hookProblems() (ps []string) {
	h := c.Hooks
	if (h.CreateChallenge == nil) != (h.VerifyChallenge == nil) {
		ps = append(ps, "the hooks CreateChallenge and VerifyChallenge go together")
	}
	if h.DefineChallenge != nil && h.CreateChallenge == nil {
		ps = append(ps, "the hook DefineChallenge is of no use without CreateChallenge and VerifyChallenge")
	}
	return ps
}

// challenged is what the hooks of challenges have said within one call, about one place in one sign-in.
type challenged struct {
	at       string
	defined  answer[hook.DefineChallengeAnswer]
	created  answer[hook.CreateChallengeAnswer]
	verified answer[bool]
	counted  bool // the answer or the choice, before the challenge that follows it was made
}

// about refuses where a later round of a call comes to another place in the sign-in than the hooks were
// asked about, because another call went on: what they said holds no more, and they are not asked again.
func (c *challenged) about(at string) error {
	if c.at == "" {
		c.at = at
	}
	if c.at != at {
		return ErrTicketGone
	}
	return nil
}

// nextChallenge asks DefineChallenge what comes next in a sign-in.
func (p *Pool) nextChallenge(ctx context.Context, q *question) (hook.DefineChallengeAnswer, error) {
	return once(&q.h.challenge.defined, func() (hook.DefineChallengeAnswer, error) {
		e := hook.DefineChallenge{Shown: gate.Kinds(q.Proofs), Asked: slices.Clone(q.Asked)}
		e.Event, e.UserNotFound = q.challengeEvent()
		well := func(a hook.DefineChallengeAnswer) error { return wellDefined(a, q.Asked) }
		return consult(ctx, p, defineChallenge, p.config.Hooks.DefineChallenge, e, well)
	})
}

// wellDefined checks an answer to DefineChallenge. To ask for a session without a challenge that was
// met would be a second way to one (security.md T1).
func wellDefined(a hook.DefineChallengeAnswer, asked []hook.Challenge) error {
	said := 0
	for _, one := range []bool{a.Name != "", a.Enough, a.Fail} {
		if one {
			said++
		}
	}
	switch {
	case said != 1:
		return errors.New("it is one of Name, Enough and Fail")
	case !line(a.Name, 64):
		return errors.New("a name is a line of at most 64 characters")
	case a.Enough && !slices.ContainsFunc(asked, func(c hook.Challenge) bool { return c.Right }):
		return errors.New("it is not enough while no challenge was answered rightly")
	case a.Name != "" && len(asked) >= hook.MaxChallenges:
		return fmt.Errorf("a sign-in has at most %d challenges", hook.MaxChallenges)
	}
	return nil
}

// newChallenge asks CreateChallenge for a challenge.
func (p *Pool) newChallenge(ctx context.Context, q *question, name string) (hook.CreateChallengeAnswer, error) {
	return once(&q.h.challenge.created, func() (hook.CreateChallengeAnswer, error) {
		e := hook.CreateChallenge{Name: name, Asked: slices.Clone(q.Asked)}
		e.Event, e.UserNotFound = q.challengeEvent()
		copied := func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
			a, err := p.config.Hooks.CreateChallenge(ctx, e)
			return hook.CreateChallengeAnswer{Params: maps.Clone(a.Params), Private: maps.Clone(a.Private)}, err
		}
		return consult(ctx, p, createChallenge, copied, e, wellCreated)
	})
}

// wellCreated checks an answer to CreateChallenge.
func wellCreated(a hook.CreateChallengeAnswer) error {
	if !small(a.Params) || !small(a.Private) {
		return fmt.Errorf("parameters are at most %d entries and %d bytes of UTF-8 without NUL", maxMetadata, maxMetadataBytes)
	}
	return nil
}

// judgeChallenge asks VerifyChallenge about an answer.
func (p *Pool) judgeChallenge(ctx context.Context, q *question, c challenge, typed string) (bool, error) {
	return once(&q.h.challenge.verified, func() (bool, error) {
		e := hook.VerifyChallenge{Name: c.Name, Private: c.private(), Answer: typed}
		e.Event, e.UserNotFound = q.challengeEvent()
		well := func(bool) error { return nil }
		return consult(ctx, p, verifyChallenge, p.config.Hooks.VerifyChallenge, e, well)
	})
}

// challengeEvent is what the hooks of challenges are told of a sign-in, and whether there is nobody whom
// an answer could sign in: of who is disabled or not confirmed they hear what they do of nobody.
func (q *question) challengeEvent() (e hook.Event, nobody bool) {
	who, login := q.user, called(q.user)
	if q.typed != (user.Login{}) {
		who, _ = mayBegin(q.user)
		login = q.typed.Display
	}
	if nobody = who.ID == ""; nobody {
		who = nil
	}
	e = q.h.about(q.client, login, who)
	e.Source = hook.Authentication
	return e, nobody
}
