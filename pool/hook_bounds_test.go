package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
)

// What a hook said holds for the call, which reads and decides again where it lost a race.
func TestS8_HooksAreNotRunAgain(t *testing.T) {
	t.Parallel()
	var joins, tries atomic.Int32
	k := open(t, with(hook.Set{
		PreSignUp: func(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			joins.Add(1)
			return hook.PreSignUpAnswer{}, nil
		},
		PreAuthentication: func(context.Context, hook.PreAuthentication) error { tries.Add(1); return nil },
	}))
	k.confirmed(ada)
	joins.Store(0)
	tries.Store(0)
	k.staleOnce()
	k.signUp("bob@example.com")
	k.staleOnce()
	k.done(ada)
	if joins.Load() != 1 || tries.Load() != 1 {
		t.Errorf("PreSignUp ran %d times and PreAuthentication %d times, want once", joins.Load(), tries.Load())
	}
}

// staleOnce lets the next commit be lost to a race.
func (k *kit) staleOnce() {
	var told atomic.Bool
	k.store.answer(func(err error) error {
		if told.CompareAndSwap(false, true) {
			return storage.ErrStale
		}
		return err
	})
}

// A hook that hangs holds up itself alone: so many runs of it, and then everybody is refused at
// once.
func TestS8_HangingHooksAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running atomic.Int32
		var hang atomic.Bool
		release := make(chan struct{})
		k := open(t, bubble(hook.Set{
			PreSignUp: vouch,
			PreAuthentication: func(context.Context, hook.PreAuthentication) error {
				if hang.Load() {
					running.Add(1)
					defer running.Add(-1)
					<-release // and never mind the context
				}
				return nil
			},
		}))
		k.join(ada)
		hang.Store(true)
		var full, late atomic.Int32
		var all sync.WaitGroup
		for n := range 100 {
			all.Go(func() {
				_, err := k.signInFrom(from(n), ada, right)
				if _, ok := errors.AsType[*pool.LimitError](err); ok {
					full.Add(1)
				} else if errors.Is(err, context.DeadlineExceeded) {
					late.Add(1)
				}
			})
		}
		all.Wait()
		if full.Load() != 100-hook.Parallel || late.Load() != hook.Parallel || running.Load() != hook.Parallel {
			t.Errorf("%d refused, %d timed out, %d at once", full.Load(), late.Load(), running.Load())
		}
		for n := range 100 {
			if _, err := k.signInFrom(from(n), ada, right); !errors.Is(err, pool.ErrLimited) {
				t.Fatalf("beside what hangs = %v, want ErrLimited", err)
			}
		}
		if running.Load() != hook.Parallel {
			t.Errorf("%d runs hang, want %d", running.Load(), hook.Parallel)
		}
		k.join("bob@example.com") // another hook has room of its own
		hang.Store(false)
		close(release)
		synctest.Wait()
		k.done(ada)
	})
}

// Where guessing is locked nothing is judged, and no hook runs; a denial does not lock.
func TestS8_DenialsDoNotLock(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	var deny atomic.Bool
	k := open(t, with(hook.Set{PreSignUp: vouch, PreAuthentication: func(context.Context, hook.PreAuthentication) error {
		runs.Add(1)
		if deny.Load() {
			return errStaff
		}
		return nil
	}}))
	k.join(ada)
	deny.Store(true)
	for range 20 {
		_, err := k.signIn(ada, wrong)
		denies(t, err, "PreAuthentication", errStaff)
	}
	deny.Store(false)
	k.done(ada)
	for range 5 {
		_, _ = k.signIn(ada, wrong)
	}
	runs.Store(0)
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) || runs.Load() != 0 {
		t.Errorf("locked = %v after %d runs of the hook, want ErrNotAuthorized after none", err, runs.Load())
	}
}

// Denials use up the budget of the network they come from.
func TestS8_DenialsOfANetworkAreBounded(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	k := open(t, with(hook.Set{
		PreSignUp: func(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			runs.Add(1)
			return hook.PreSignUpAnswer{}, errStaff
		},
		PreAuthentication: func(context.Context, hook.PreAuthentication) error { runs.Add(1); return errStaff },
	}))
	for what, do := range map[string]func() error{
		"sign up": func() error { return up(k, ada, "correct horse battery staple") },
		"sign in": func() error { _, err := k.signIn(ada, right); return err },
	} {
		runs.Store(0)
		var err error
		for range 110 {
			err = do()
		}
		if !errors.Is(err, pool.ErrLimited) || runs.Load() != 100 {
			t.Errorf("%s: %v after %d runs, want ErrLimited after 100", what, err, runs.Load())
		}
	}
}

// Who hangs up while a hook runs has run it all the same: else a network would keep it full for
// nothing.
func TestS8_HangingUpIsCounted(t *testing.T) {
	t.Parallel()
	var hang func()
	wait := func(ctx context.Context) error { hang(); <-ctx.Done(); return ctx.Err() }
	k := open(t, with(hook.Set{
		PreSignUp: func(ctx context.Context, _ hook.PreSignUp) (a hook.PreSignUpAnswer, err error) {
			return a, wait(ctx)
		},
		PreAuthentication: func(ctx context.Context, _ hook.PreAuthentication) error { return wait(ctx) },
	}))
	for what, do := range map[string]func(context.Context) error{
		"sign up": func(ctx context.Context) error {
			return second(k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: right}))
		},
		"sign in": func(ctx context.Context) error {
			return second(k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: right}}))
		},
	} {
		var runs int
		var err error
		for range 110 {
			ctx, cancel := context.WithCancel(t.Context())
			hang = func() { runs++; cancel() }
			err = do(ctx)
			cancel()
		}
		if !errors.Is(err, pool.ErrLimited) || runs != 100 {
			t.Errorf("%s: %v after %d runs, want ErrLimited after 100", what, err, runs)
		}
	}
}

// What a visitor may send along is bounded before anything else is done.
func TestMetadataIsBounded(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for n := range 33 {
		many[fmt.Sprint(n)] = "x"
	}
	k := open(t)
	for name, m := range map[string]map[string]string{
		"many": many, "1 MB": {"x": strings.Repeat("x", 1<<20)}, "long key": {strings.Repeat("x", 5000): ""},
		"no key": {"": "x"}, "NUL": {"x": "a\x00b"}, "not UTF-8": {"x": "\xff"}, "key not UTF-8": {"\xff": "x"},
	} {
		ctx := t.Context()
		ticket := strings.Repeat("A", 64)
		for what, err := range map[string]error{
			"SignUp":         second(k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: right, Metadata: m})),
			"ConfirmSignUp":  second(k.ConfirmSignUp(ctx, pool.CodeInput{Ticket: ticket, Code: "123456", Metadata: m})),
			"ConfirmLink":    second(k.ConfirmLink(ctx, pool.LinkInput{Link: ticket, Metadata: m})),
			"ResendCode":     second(k.ResendCode(ctx, pool.ResendInput{Ticket: ticket, Metadata: m})),
			"SignIn":         second(k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: right}, Metadata: m})),
			"Respond":        second(k.Respond(ctx, pool.RespondInput{Ticket: ticket, With: pool.Code{Value: "123456"}, Metadata: m})),
			"ForgotPassword": second(k.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: ada, Metadata: m})),
			"ResetPassword":  second(k.ResetPassword(ctx, pool.ResetPasswordInput{Ticket: ticket, Code: "12345678", Password: right, Metadata: m})),
			"Refresh":        second(k.Refresh(ctx, pool.RefreshInput{Metadata: m})),
		} {
			if !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("%s with metadata %s = %v, want ErrInvalid", what, name, err)
			}
		}
	}
	if reads, commits := k.store.counted(); reads != 0 || len(commits) != 0 {
		t.Errorf("%d reads and %d commits, want none", reads, len(commits))
	}
}
