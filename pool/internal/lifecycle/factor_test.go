package lifecycle_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
)

// Of 64 uses at once of one code of an authenticator app, and of one recovery code, in two processes
// and by several tickets, one signs in, on every store (security.md S17; CVE classes 4, 5 and 12).
func TestS17_OneWinnerOnEveryStore(t *testing.T) {
	t.Parallel()
	for _, on := range stores {
		t.Run(on.name, func(t *testing.T) {
			t.Parallel()
			st, err := on.open(t)()
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			r := racers(t, st)
			code := pool.Code{Value: r.seed.Code(r.now)}
			if won := r.race(t, code); won != 1 {
				t.Errorf("a code signed in %d times", won)
			}
			if won := r.race(t, pool.RecoveryCode{Value: r.codes[0]}); won != 1 {
				t.Errorf("a recovery code signed in %d times", won)
			}
			if won := r.race(t, code); won != 0 {
				t.Errorf("a code that was used signed in %d times", won)
			}
		})
	}
}

// racing are two processes on one store, and what a user of theirs has to sign in by.
type racing struct {
	pools []*pool.Pool
	with  pool.Password
	seed  mfa.Seed
	codes []string
	now   time.Time
}

const racer = "racer@example.com"

func racers(t *testing.T, st storage.Store) *racing {
	t.Helper()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	r := &racing{with: pool.Password{Value: password.New("correct horse battery staple")}, now: time.Now()} // which stands still
	ctx := t.Context()
	for range 2 {
		p, err := pool.Open(ctx, st, pool.Config{
			Keys: ring, InsecureHash: &password.Params{Memory: 8, Time: 1, Threads: 1}, Now: func() time.Time { return r.now },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close(context.WithoutCancel(ctx)) })
		r.pools = append(r.pools, p)
	}
	in := pool.CreateUserInput{Username: racer, EmailVerified: true, Password: r.with.Value, Permanent: true, Suppress: true}
	if _, err := r.pools[0].Admin(operator).CreateUser(ctx, in); err != nil {
		t.Fatal(err)
	}
	done, err := pool.Finished(r.pools[0].SignIn(ctx, pool.SignInInput{Username: racer, With: r.with}))
	if err != nil {
		t.Fatal(err)
	}
	a, err := r.pools[0].Account(ctx, done.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	setup, err := a.AddAuthenticator(ctx, pool.AddAuthenticatorInput{})
	if err != nil {
		t.Fatal(err)
	}
	code := setup.Seed.Code(r.now.Add(-30 * time.Second)) // of the step before the one that is raced for
	if done, err = pool.Finished(a.ConfirmAuthenticator(ctx, pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: code})); err != nil {
		t.Fatal(err)
	}
	r.seed, r.codes = setup.Seed, done.RecoveryCodes
	return r
}

// race answers 64 times at once, and returns how often it signed in.
func (r *racing) race(t *testing.T, with pool.Response) int {
	t.Helper()
	var tickets []string
	for i := range 4 {
		step, err := r.pools[i%2].SignIn(t.Context(), pool.SignInInput{Username: racer, With: r.with})
		need, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		tickets = append(tickets, need.Ticket)
	}
	var all sync.WaitGroup
	won := make(chan struct{}, 64)
	for i := range 64 {
		all.Go(func() {
			in := pool.RespondInput{Ticket: tickets[i%4], With: with}
			if _, err := pool.Finished(r.pools[i/4%2].Respond(t.Context(), in)); err == nil {
				won <- struct{}{}
			}
		})
	}
	all.Wait()
	return len(won)
}
