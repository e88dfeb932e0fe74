package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
)

// TestT1_AppIsAskedFor: who has an authenticator app gets no session without its code, and a code is
// good once (security.md S17, CVE class 4).
func TestT1_AppIsAskedFor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		seed := k.enrolled(ada)
		step, err := k.signIn(ada, right)
		need, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		answer := func(ticket, code string) (pool.Step, error) {
			return k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Code{Value: code}})
		}
		code := seed.Code(k.clock.Now())
		wrong := "000000"
		if wrong == code {
			wrong = "000001"
		}
		if _, err := answer(need.Ticket, wrong); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a wrong code: %v, want ErrBadCode", err)
		}
		if _, err := pool.Finished(answer(need.Ticket, code)); err != nil {
			t.Fatalf("the right code: %v", err)
		}
		step, err = k.signIn(ada, right)
		if need, ok = step.(*pool.NeedTOTP); err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		if _, err := answer(need.Ticket, code); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a code that was used: %v, want ErrBadCode", err)
		}
		k.clock.advance(30 * time.Second)
		if _, err := pool.Finished(answer(need.Ticket, seed.Code(k.clock.Now()))); err != nil {
			t.Errorf("the next code: %v", err)
		}
	})
}

// enrolled gives a user an authenticator app.
func (k *kit) enrolled(login string) mfa.Seed {
	k.t.Helper()
	u := k.user(login)
	seed := mfa.NewSeed()
	pool.Seal(k.Pool, u, seed)
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatal(err)
	}
	return seed
}
