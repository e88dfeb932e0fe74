package pool_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
)

// A sensitive act needs a sign-in that is fresh, or the password with the call: whoever has only a
// token that was stolen later, or refreshed, gets the account for no longer than that.
func TestS5_SensitiveActsNeedFreshProof(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, mfaOff, mayAct)
			k.confirmed("ada")
			d := k.done(ada)
			if err := act(k, k.account(d), nil); err != nil {
				t.Fatalf("right after the sign-in = %v", err)
			}
			k = open(t, mfaOff, mayAct)
			k.confirmed("ada")
			d = k.done(ada)
			k.clock.advance(9 * time.Minute)
			d, err := k.refresh(d)
			if err != nil {
				t.Fatal(err)
			}
			k.clock.advance(time.Minute)
			a := k.account(d)
			if err := act(k, a, nil); !errors.Is(err, pool.ErrNeedsProof) {
				t.Errorf("ten minutes after the sign-in = %v, want ErrNeedsProof: a refresh proves nothing", err)
			}
			if err := act(k, a, pool.Password{Value: wrong}); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("with a wrong password = %v, want ErrNotAuthorized", err)
			}
			if err := act(k, a, pool.Code{Value: "123456"}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("with a code = %v, want ErrWrongStep", err)
			}
			if err := act(k, a, pool.Password{}); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("with an empty password = %v, want ErrInvalid", err)
			}
			if err := act(k, a, pool.Password{Value: right}); err != nil {
				t.Errorf("with the password = %v", err)
			}
		})
	}
}

// A password that is given for fresh proof is guessed at like one at sign-in: by the same counter,
// also where the sign-in is fresh, and the right one is refused while it is locked.
func TestT5_FreshProofIsCounted(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, mfaOff, mayAct)
			k.confirmed("ada")
			a := k.account(k.done(ada))
			for range 5 {
				if err := act(k, a, pool.Password{Value: wrong}); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Fatalf("wrong password = %v", err)
				}
			}
			if err := act(k, a, pool.Password{Value: right}); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("right password while locked = %v, want ErrNotAuthorized", err)
			}
			if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("sign-in while locked = %v, want the same lock", err)
			}
			k.clock.advance(2 * time.Second)
			if err := act(k, a, pool.Password{Value: right}); err != nil {
				t.Errorf("right password after the lock = %v", err)
			}
			for range 4 {
				k.signIn(ada, wrong)
			}
			if _, err := k.signIn(ada, right); err != nil && name != "Delete" {
				t.Errorf("the act did not end the run of failures: %v", err)
			}
		})
	}
}

// Where the verdict on a password cannot be counted, it does not leave.
func TestT5_UncountedFreshProofDoesNotLeave(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, mfaOff, mayAct)
			k.confirmed("ada")
			a := k.account(k.done(ada))
			k.store.instead(storage.ErrRetry)
			for _, pw := range []pool.Password{{Value: right}, {Value: wrong}} {
				if err := act(k, a, pw); !errors.Is(err, pool.ErrUnavailable) {
					t.Errorf("= %v, want ErrUnavailable", err)
				}
			}
		})
	}
}

// The bound is a setting, within limits.
func TestFreshIsASetting(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Sessions: pool.SessionSettings{Fresh: time.Hour}} })
	k.confirmed(ada)
	d := k.done(ada)
	k.clock.advance(14 * time.Minute)
	if err := sensitive["PreferFactor"](k, k.account(d), nil); err != nil {
		t.Errorf("within the hour = %v", err)
	}
	for _, bad := range []time.Duration{time.Second, -time.Hour, 25 * time.Hour} {
		_, err := pool.Open(t.Context(), k.store.Store, pool.Config{
			ID: "other", Sender: k.box, Settings: &pool.Settings{Sessions: pool.SessionSettings{Fresh: bad}},
		})
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("fresh for %v = %v, want a SettingsError", bad, err)
		}
	}
}

// together calls f for each of n at once, and returns when all are done.
func together(n int, f func(n int)) {
	var gate, all sync.WaitGroup
	gate.Add(1)
	for i := range n {
		all.Go(func() { gate.Wait(); f(i) })
	}
	gate.Done()
	all.Wait()
}

// CVE class 43: a stolen session and the password take nothing from who has a second factor: for
// sensitive acts both are shown anew. Whether the password is right is not even looked at.
func TestCVE43_AThiefWithThePasswordLacksAFactor(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, mayAct)
			k.confirmed("ada")
			seed := k.enrolled(ada)
			d := k.doneTwice(ada, seed)
			k.clock.advance(10 * time.Minute)
			a := k.account(d)
			k.store.reset()
			for _, with := range []pool.Response{nil, pool.Password{Value: wrong}, pool.Password{Value: right}} {
				err := act(k, a, with)
				if !errors.Is(err, pool.ErrNeedsStepUp) || !errors.Is(err, pool.ErrNeedsProof) {
					t.Errorf("with %v = %v, want ErrNeedsStepUp", with, err)
				}
			}
			if _, commits := k.store.counted(); len(commits) > 0 {
				t.Errorf("the store was written: %v", commits)
			}
			step, err := k.stepUp(d, "", 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if step, err = k.reply(step, pool.Password{Value: right}); err != nil {
				t.Fatal(err)
			}
			k.clock.advance(30 * time.Second)
			next, err := pool.Finished(k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())}))
			if err != nil {
				t.Fatal(err)
			}
			if err := act(k, k.account(next), nil); err != nil {
				t.Errorf("after the step-up = %v", err)
			}
		})
	}
}
