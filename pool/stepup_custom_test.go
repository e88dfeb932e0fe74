package pool_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
)

// byChallengeAlone begins sign-ins by challenges of the program's own, and counts those that are made.
func byChallengeAlone(made *atomic.Int32) func(*pool.Config) {
	s := animal()
	create := s.CreateChallenge
	s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		made.Add(1)
		return create(ctx, e)
	}
	return func(c *pool.Config) {
		byChallenge(s)(c)
		c.Settings.SignIn.First = []mfa.Kind{mfa.KindCustom}
	}
}

// TestS8_StepUpByChallenge: who began by a challenge steps up by another, once, and their session is over
// by it; a wrong answer counts, and who is signed out answers nothing.
func TestS8_StepUpByChallenge(t *testing.T) {
	t.Parallel()
	k := open(t, byChallengeAlone(new(atomic.Int32)))
	k.confirmed(ada)
	d, err := pool.Finished(k.replies(k.riddle(ada).Ticket, "wombat"))
	if err != nil {
		t.Fatal(err)
	}
	asks := func(d *pool.Done) *pool.NeedCustom {
		t.Helper()
		k.clock.advance(time.Minute)
		step, err := k.stepUp(d, "", time.Second)
		need, ok := step.(*pool.NeedCustom)
		if err != nil || !ok {
			t.Fatalf("StepUp = %v, %v, want NeedCustom", step, err)
		}
		return need
	}
	need, rival := asks(d), asks(d)
	if _, err := k.replies(need.Ticket, "koala"); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a wrong answer: %v, want ErrBadCode", err)
	}
	next, err := pool.Finished(k.replies(need.Ticket, "wombat"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ticket := range []string{need.Ticket, rival.Ticket} {
		if _, err := k.replies(ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("of a session that is over: %v, want ErrTicketGone", err)
		}
	}
	if _, err := k.refresh(d); err == nil {
		t.Error("the session of before goes on")
	}
	need = asks(next)
	if err := k.account(next).SignOutEverywhere(t.Context(), caller); err != nil {
		t.Fatal(err)
	}
	if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after a sign-out everywhere: %v, want ErrTicketGone", err)
	}
}

// TestS8_StepUpsByChallengeAreBounded: who is signed in has the program make no challenge without end, by
// one step-up after the other.
func TestS8_StepUpsByChallengeAreBounded(t *testing.T) {
	t.Parallel()
	made := new(atomic.Int32)
	k := open(t, byChallengeAlone(made))
	k.confirmed(ada)
	d, err := pool.Finished(k.replies(k.riddle(ada).Ticket, "wombat"))
	if err != nil {
		t.Fatal(err)
	}
	made.Store(0)
	k.clock.advance(time.Minute)
	for range 110 {
		_, err = k.stepUp(d, "", time.Second)
	}
	if _, limited := errors.AsType[*pool.LimitError](err); !limited || made.Load() > 100 {
		t.Errorf("%v after %d challenges, want a LimitError after 100 at the most", err, made.Load())
	}
}
