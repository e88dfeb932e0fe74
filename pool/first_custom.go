package pool

import (
	"context"
	"errors"

	"github.com/userpool-go/userpool/storage"
)

// answerFirstCustom takes an answer to a challenge by which a sign-in begins, of whoever is behind it.
//
// The lock is read anew, since that of nobody's could not be with the ticket: hooks run for nobody who
// is locked, or whoever measures them would learn of more guesses than are counted (security.md T5),
// and could have the program judge without end.
func (p *Pool) answerFirstCustom(
	ctx context.Context, a answered, q question, w CustomAnswer, h *hooked,
) (Step, error) {
	o := a.answersCustom()
	err := p.stillOpen(ctx, a.now, o, storage.Clear{Key: a.begun.Key, Rule: codeRule, Now: a.now})
	if errors.Is(err, errLocked) {
		err = whileLocked(a.begun)
	}
	if err != nil {
		return nil, err
	}
	typed := q.typed.Display
	if a.Typed == nil {
		typed = called(a.user)
	}
	if err := p.mayAnswerFirst(ctx, &a, typed, h, o); err != nil {
		return nil, err
	}
	return p.answerCustom(ctx, a, q, w, h, a.begun)
}
