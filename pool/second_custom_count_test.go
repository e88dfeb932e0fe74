package pool_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// asksAgain asks another challenge after each wrong answer, which next makes.
func asksAgain(next func(context.Context) error) hook.Set {
	s := animal()
	create := s.CreateChallenge
	s.DefineChallenge = func(_ context.Context, e hook.DefineChallenge) (hook.DefineChallengeAnswer, error) {
		if n := len(e.Asked); n > 0 && e.Asked[n-1].Right {
			return hook.DefineChallengeAnswer{Enough: true}, nil
		}
		return hook.DefineChallengeAnswer{Name: "again"}, nil
	}
	s.CreateChallenge = func(ctx context.Context, e hook.CreateChallenge) (hook.CreateChallengeAnswer, error) {
		if len(e.Asked) > 0 {
			if err := next(ctx); err != nil {
				return hook.CreateChallengeAnswer{}, err
			}
		}
		return create(ctx, e)
	}
	return s
}

// countsOf returns how often commits count at a counter of a name.
func countsOf(commits [][]storage.Change, name string) (n int) {
	for _, c := range slices.Concat(commits...) {
		if count, ok := c.(storage.Count); ok && count.Key.Name == name {
			n++
		}
	}
	return n
}

// TestT5_AnswersCountBeforeTheNextChallenge: a wrong answer is counted before the challenge that follows
// it is made, and once: of many guesses at once the right one, which needs no other challenge, would
// otherwise come before all that count, and a lock would hold up nobody.
func TestT5_AnswersCountBeforeTheNextChallenge(t *testing.T) {
	t.Parallel()
	for counter, asked := range map[string]struct {
		config func(hook.Set) func(*pool.Config)
		begin  func(*kit) *pool.NeedCustom
	}{
		"code:sign_in": {byChallenge, func(k *kit) *pool.NeedCustom { return k.riddle(ada) }},
		"custom":       {func(s hook.Set) func(*pool.Config) { return challenges(s) }, func(k *kit) *pool.NeedCustom { return k.challenged(ada) }},
	} {
		var k *kit
		var before atomic.Int32
		var fails error
		k = open(t, asked.config(asksAgain(func(context.Context) error {
			_, commits := k.store.counted()
			before.Store(int32(countsOf(commits, counter)))
			return fails
		})))
		k.confirmed(ada)
		need := asked.begin(k)
		k.store.reset()
		k.store.meanwhile(func() { k.change(ada, func(u *user.User) { u.Updated = u.Updated.AddDate(0, 0, 1) }) })
		if _, err := k.replies(need.Ticket, "koala"); err != nil {
			t.Fatalf("%s: %v, want another challenge", counter, err)
		}
		if _, commits := k.store.counted(); before.Load() != 1 || countsOf(commits, counter) != 1 || countsOf(commits, "failures") != 1 {
			t.Errorf("%s: counted %d times before the next challenge was made, commits %v", counter, before.Load(), kinds(commits))
		}
		fails = errStaff
		k.store.reset()
		_, err := k.replies(need.Ticket, "koala")
		denies(t, err, "CreateChallenge", errStaff)
		if _, commits := k.store.counted(); countsOf(commits, counter) != 1 || !strings.Contains(reasons(k), "hook:CreateChallenge") {
			t.Errorf("%s: of a hook that fails commits %v, events %s", counter, kinds(commits), reasons(k))
		}
		fails = nil
		if _, err := pool.Finished(k.replies(need.Ticket, "wombat")); err != nil {
			t.Errorf("%s: the right answer: %v", counter, err)
		}
	}
}

// TestT5_NoNextChallengeWhileLocked: where guessing is locked by the time that an answer was judged no
// other challenge is made.
func TestT5_NoNextChallengeWhileLocked(t *testing.T) {
	t.Parallel()
	var made atomic.Int32
	s := asksAgain(func(context.Context) error { made.Add(1); return nil })
	verify := s.VerifyChallenge
	var meanwhile func()
	s.VerifyChallenge = func(ctx context.Context, e hook.VerifyChallenge) (bool, error) {
		if f := meanwhile; f != nil {
			meanwhile = nil
			f()
		}
		return verify(ctx, e)
	}
	k := open(t, byChallenge(s))
	k.confirmed(ada)
	need, rival := k.riddle(ada), k.riddle(ada)
	meanwhile = func() {
		for range 5 {
			_, _ = k.replies(rival.Ticket, "koala")
		}
		made.Store(0)
	}
	if _, err := k.replies(need.Ticket, "koala"); !errors.Is(err, pool.ErrBadCode) || made.Load() != 0 {
		t.Errorf("%v, and %d challenges made, want ErrBadCode and none", err, made.Load())
	}
}

// TestCVE6_ChallengesAreRefilledByNothing: neither another challenge nor another ticket nor another process
// gives more guesses than five a ticket and those of the account.
func TestCVE6_ChallengesAreRefilledByNothing(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.Generate())
	begin, keys := byChallenge(animal()), func(c *pool.Config) { c.Keys = r }
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		other := k.beside(begin, keys)
		need := k.riddle(ada)
		wrong := func(k *kit, ticket string) {
			t.Helper()
			if _, err := k.replies(ticket, "koala"); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("a wrong answer: %v, want ErrBadCode", err)
			}
		}
		wrong(k, need.Ticket)
		wrong(other, need.Ticket)
		if _, err := k.answer(need.Ticket, pool.Choice{Kind: mfa.KindCustom}); err != nil {
			t.Fatal(err)
		}
		wrong(other, need.Ticket)
		wrong(k, need.Ticket)
		for _, k := range []*kit{k, other} {
			if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("a sixth try: %v, want ErrTicketGone", err)
			}
		}
		need = other.riddle(ada)
		wrong(other, need.Ticket) // the fifth locks
		if _, err := k.replies(need.Ticket, "wombat"); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("rightly, while locked: %v, want ErrBadCode", err)
		}
		k.clock.advance(time.Second)
		if _, err := pool.Finished(k.replies(need.Ticket, "wombat")); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	}, begin, keys)
}
