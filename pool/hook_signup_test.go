package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
)

// join makes login a user whom the PreSignUp hook vouches for.
func (k *kit) join(login string) {
	k.t.Helper()
	res, err := k.SignUp(k.t.Context(), pool.SignUpInput{Username: login, Password: right})
	if err != nil || !res.Confirmed || res.Ticket != "" || res.Delivery != (pool.Delivery{}) {
		k.t.Fatalf("SignUp(%q) = %+v, %v, want it confirmed at once", login, res, err)
	}
}

func TestPreSignUpAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		say hook.PreSignUpAnswer
		bad bool
	}{
		"the usual way":           {hook.PreSignUpAnswer{}, false},
		"vouched for":             {hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, false},
		"confirmed, not proven":   {hook.PreSignUpAnswer{Confirm: true}, true},
		"proven, not confirmed":   {hook.PreSignUpAnswer{VerifyEmail: true}, true},
		"a number that is not":    {hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true, VerifyPhone: true}, true},
		"the number, unconfirmed": {hook.PreSignUpAnswer{VerifyPhone: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, with(hook.Set{PreSignUp: func(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) { return tt.say, nil }}))
			err := up(k, ada, "correct horse battery staple")
			if tt.bad {
				denies(t, err, "PreSignUp", hook.ErrMalformed)
				if k.user(ada) != nil {
					t.Error("a malformed answer made a user")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.say.Confirm {
				k.done(ada)
			} else {
				k.code(ada, 1)
			}
		})
	}
}

// Who is vouched for at an address that has an owner gets the same answer after the same work. The
// owner keeps the account, and hears of it.
func TestT7_VouchedForAtATakenAddress(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.join(ada)
		id := k.user(ada).ID
		want := ""
		for _, login := range []string{"bob@example.com", ada} {
			k.store.reset()
			hashed := k.Hashes()
			res, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: another})
			reads, commits := k.store.counted()
			got := fmt.Sprint(res.Confirmed, res.Ticket, res.Delivery, err, reads, k.Hashes()-hashed, kinds(commits))
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s: %s, want %s", login, got, want)
			}
		}
		if ms := k.mails(ada, 1); len(ms) != 1 || ms[0].Kind != "already_registered" {
			t.Errorf("mails to the owner: %v", ms)
		}
		if k.done(ada); k.user(ada).ID != id {
			t.Error("the address has another owner now")
		}
		if _, err := k.signIn(ada, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a stranger's password = %v", err)
		}
	}, with(hook.Set{PreSignUp: vouch}))
}

func vouch(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) {
	return hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, nil
}

// Of many who are vouched for at one address at once, one is its owner.
func TestT7_VouchedForAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { k.join(ada) })
		}
		all.Wait()
		k.done(ada)
	}, with(hook.Set{PreSignUp: vouch}))
}

// With PreSignUp too a sign-up looks the same at every address, whether the hook lets it go on or
// not.
func TestS19_PreSignUpDoesNotTell(t *testing.T) {
	t.Parallel()
	for _, say := range []error{nil, errStaff} {
		want := ""
		for state, make := range states {
			var armed atomic.Bool
			var runs atomic.Int32
			k := open(t, with(hook.Set{PreSignUp: func(_ context.Context, e hook.PreSignUp) (a hook.PreSignUpAnswer, err error) {
				if armed.Load() {
					runs.Add(1)
					err = say
				}
				if e.User != "" || e.Attributes["name"] != "" {
					t.Errorf("%s: the hook is told who is there: %+v", state, e)
				}
				return a, err
			}}))
			make(k, ada)
			k.clock.advance(2 * time.Hour) // mails of before do not count any more
			armed.Store(true)
			k.store.reset()
			hashed := k.Hashes()
			res, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: another})
			reads, commits := k.store.counted()
			got := fmt.Sprint(len(res.Ticket), res.Delivery, res.Confirmed, err, reads, k.Hashes()-hashed, runs.Load(), kinds(commits))
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s: %s\nwant %s", state, got, want)
			}
		}
	}
}
