package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// exhausted has somebody who knows the password answer by wrong until there are no more guesses, ever.
func (k *kit) exhausted(ask func() string, by pool.Response) {
	k.t.Helper()
	for range 20 {
		ticket := ask()
		for range 5 {
			if _, err := k.answer(ticket, by); !errors.Is(err, pool.ErrBadCode) {
				k.t.Fatalf("a wrong answer: %v, want ErrBadCode", err)
			}
			k.clock.advance(20 * time.Second)
		}
		k.clock.advance(time.Hour)
	}
}

// A hundred wrong codes lock an app for good, and no more than it: who replaces it, by a recovery code
// or after the hold, sets up another.
func TestT5_ALockGoesWithItsApp(t *testing.T) {
	t.Parallel()
	t.Run("removed by its owner", func(t *testing.T) {
		t.Parallel()
		k := open(t)
		k.confirmed(ada)
		d := k.done(ada)
		seed, codes := k.withApp(d), d.RecoveryCodes
		k.exhausted(func() string { return k.askedTOTP(ada) }, pool.Code{Value: offBy(seed, k.clock.Now())})
		if _, err := k.respondCode(k.askedTOTP(ada), seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("the right code: %v, want it locked for good", err)
		}
		d, err := k.byRecoveryCode(ada, codes[0])
		if err != nil {
			t.Fatal(err)
		}
		app := k.user(ada).Factors.Apps[0].ID
		if d, err = pool.Finished(k.account(d).RemoveAuthenticator(t.Context(), pool.RemoveAuthenticatorInput{ID: app})); err != nil {
			t.Fatal(err)
		}
		k.byApp(ada, k.withApp(d))
	})
	t.Run("lost", func(t *testing.T) {
		t.Parallel()
		k := open(t, holds)
		k.confirmed(ada)
		seed := k.withApp(k.done(ada))
		k.exhausted(func() string { return k.askedTOTP(ada) }, pool.Code{Value: offBy(seed, k.clock.Now())})
		k.waiting(ada)
		k.clock.advance(3 * day)
		step, err := k.lost(ada)
		need, ok := step.(*pool.NeedTOTPSetup)
		if err != nil || !ok {
			t.Fatalf("after the wait = %v, %v, want to set up an app", step, err)
		}
		if _, err := pool.Finished(k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now()))); err != nil {
			t.Errorf("another app = %v", err)
		}
	})
	t.Run("challenges of the program's own, reset by an administrator", func(t *testing.T) {
		t.Parallel()
		k := open(t, challenges(animal()))
		k.confirmed(ada)
		k.exhausted(func() string { return k.challenged(ada).Ticket }, pool.CustomAnswer{Value: "newt"})
		if err := k.admin().ResetFactors(t.Context(), k.user(ada).ID); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Finished(k.replies(k.challenged(ada).Ticket, "wombat")); err != nil {
			t.Errorf("the right answer after that: %v", err)
		}
	})
}
