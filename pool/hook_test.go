package pool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
)

// with opens a pool with hooks.
func with(s hook.Set) func(*pool.Config) {
	return func(c *pool.Config) { c.Hooks = s }
}

// bubble is with, on the clock of a synctest bubble.
func bubble(s hook.Set) func(*pool.Config) {
	return func(c *pool.Config) { c.Hooks, c.Now = s, time.Now }
}

var errStaff = errors.New("staff only")

// refusals are the ways in which a hook may fail to say yes. Those named are what the error must be.
var refusals = map[string]struct {
	is  error
	say func(context.Context) error
}{
	"error": {errStaff, func(context.Context) error { return fmt.Errorf("told: %w", errStaff) }},
	"panic": {nil, func(context.Context) error { panic("ada@example.com is not welcome") }},
	"exit":  {nil, func(context.Context) error { runtime.Goexit(); return nil }},
	"hang":  {context.DeadlineExceeded, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
	"deaf":  {context.DeadlineExceeded, func(context.Context) error { time.Sleep(time.Hour); return nil }},
	// What the store says to us must not be taken for what a hook of the app says.
	"stale":    {storage.ErrStale, func(context.Context) error { return storage.ErrStale }},
	"conflict": {storage.ErrConflict, func(context.Context) error { return storage.ErrConflict }},
	"limit":    {nil, func(context.Context) error { return &storage.LimitError{} }},
}

// denies checks that err is the denial of a hook, for a reason.
func denies(t *testing.T, err error, name string, reason error) {
	t.Helper()
	e, ok := errors.AsType[*pool.HookError](err)
	if !ok || e.Hook != name {
		t.Fatalf("error = %v, want a HookError of %s", err, name)
	}
	if reason != nil && !errors.Is(err, reason) {
		t.Errorf("error = %v, which does not reach %v", err, reason)
	}
}

// A hook that does not say yes denies, runs once, and all that is written is the event and a count
// against the caller's network.
func TestS8_PreHooksDeny(t *testing.T) {
	t.Parallel()
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int32
				deny := false
				say := func(ctx context.Context) error {
					if !deny {
						return nil
					}
					runs.Add(1)
					return r.say(ctx)
				}
				k := open(t, bubble(hook.Set{
					PreSignUp: func(ctx context.Context, _ hook.PreSignUp) (hook.PreSignUpAnswer, error) {
						return hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, say(ctx)
					},
					PreAuthentication: func(ctx context.Context, _ hook.PreAuthentication) error { return say(ctx) },
				}))
				k.join(ada)
				deny = true
				for what, do := range map[string]func() error{
					"PreSignUp": func() error { return up(k, "bob@example.com", "correct horse battery") },
					"PreAuthentication": func() error {
						_, err := k.signIn(ada, right)
						return err
					},
				} {
					runs.Store(0)
					k.store.reset()
					hashed := k.Hashes()
					denies(t, do(), what, r.is)
					_, commits := k.store.counted()
					if got := fmt.Sprint(kinds(commits)); runs.Load() != 1 || k.Hashes() != hashed ||
						got != fmt.Sprint(kinds([][]storage.Change{{storage.Count{}, storage.Put(&storage.Event{})}})) {
						t.Errorf("%s: %d runs, %d hashes, wrote %s", what, runs.Load(), k.Hashes()-hashed, got)
					}
				}
				if k.user("bob@example.com") != nil {
					t.Error("a denied sign-up left a user")
				}
				deny = false
				k.done(ada)
				page, err := k.ListEvents(t.Context(), pool.EventQuery{})
				if err != nil {
					t.Fatal(err)
				}
				found := map[string]bool{}
				for _, e := range page.Events {
					found[e.Kind+" "+e.Reason] = true
					if strings.Contains(e.Reason, "ada") || strings.Contains(e.Reason, "staff") {
						t.Errorf("an event holds what the hook said: %q", e.Reason)
					}
				}
				if !found["sign_up hook:PreSignUp"] || !found["sign_in hook:PreAuthentication"] {
					t.Errorf("events = %v", found)
				}
				time.Sleep(2 * time.Hour) // what is deaf ends with the bubble
			})
		})
	}
}

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

// With PreAuthentication too, no entrance tells who is behind a login: neither what it says nor
// what runs.
func TestS19_PreAuthenticationDoesNotTell(t *testing.T) {
	t.Parallel()
	for _, say := range []error{nil, errStaff} {
		want := ""
		for state, make := range states {
			var runs atomic.Int32
			var armed atomic.Bool
			k := open(t, with(hook.Set{PreAuthentication: func(context.Context, hook.PreAuthentication) error {
				if !armed.Load() {
					return nil
				}
				runs.Add(1)
				return say
			}}))
			make(k, ada)
			armed.Store(true)
			k.store.reset()
			hashed := k.Hashes()
			var seen []error
			for range 7 {
				_, err := k.signIn(ada, wrong)
				seen = append(seen, err)
			}
			reads, commits := k.store.counted()
			got := fmt.Sprint(seen, reads, k.Hashes()-hashed, runs.Load(), kinds(commits))
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s: %s\nwant %s", state, got, want)
			}
		}
	}
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

// A sign-in that goes over several steps is asked about at each that judges something.
func TestS8_EveryWayBySignInIsAsked(t *testing.T) {
	t.Parallel()
	var deny atomic.Bool
	k := open(t, with(hook.Set{PreAuthentication: func(context.Context, hook.PreAuthentication) error {
		if deny.Load() {
			return errStaff
		}
		return nil
	}}))
	ticket := k.signUp(ada)
	first := k.code(ada, 1)
	step, err := k.signIn(ada, right)
	if err != nil {
		t.Fatal(err)
	}
	earned, code := step.(*pool.NeedConfirm), k.code(ada, 2)
	deny.Store(true)
	denies(t, confirm(k, earned.Ticket, code), "PreAuthentication", errStaff)
	denies(t, confirm(k, earned.Ticket, "000000"), "PreAuthentication", errStaff)
	if k.user(ada).Somebody() {
		t.Error("a denied answer confirmed the sign-up")
	}
	step, err = k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: ticket, Code: first})
	if err != nil {
		t.Fatalf("a ticket without a password signs nobody in, and is not asked about: %v", err)
	}
	next := step.(*pool.NeedPassword)
	_, err = k.Respond(t.Context(), pool.RespondInput{Ticket: next.Ticket, With: pool.Password{Value: right}})
	denies(t, err, "PreAuthentication", errStaff)
	deny.Store(false)
	if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: next.Ticket, With: pool.Password{Value: right}})); err != nil {
		t.Errorf("the ticket of a denied answer = %v, want it good", err)
	}
}

// No event that a hook is given holds a secret; what it does with its copy changes nothing of ours.
func TestS8_HooksAreGivenNoSecret(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told strings.Builder
	note := func(e hook.Event) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&told, "%+v\n", e)
		e.Attributes["name"], e.Metadata["campaign"] = "Eve", "changed"
	}
	k := open(t, with(hook.Set{
		PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			note(e.Event)
			return hook.PreSignUpAnswer{}, nil
		},
		PreAuthentication: func(_ context.Context, e hook.PreAuthentication) error { note(e.Event); return nil },
	}))
	metadata := map[string]string{"campaign": "spring"}
	res, err := k.SignUp(t.Context(), pool.SignUpInput{
		Username: ada, Password: right, Attributes: map[string]string{"name": "Ada"}, Metadata: metadata, Caller: from(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	code := k.code(ada, 1)
	if _, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: res.Ticket, Code: code, Metadata: metadata}); err != nil {
		t.Fatal(err)
	}
	in := pool.SignInInput{Username: "Ada@Example.com", With: pool.Password{Value: right}, Metadata: metadata, Caller: from(1)}
	if _, err := pool.Finished(k.SignIn(t.Context(), in)); err != nil {
		t.Fatal(err)
	}
	if metadata["campaign"] != "spring" || k.user(ada).Attributes["name"] != "Ada" {
		t.Error("a hook changed what is not its own")
	}
	for what, secret := range map[string]string{"password": right.Reveal(), "code": code, "ticket": res.Ticket} {
		if strings.Contains(told.String(), secret) {
			t.Errorf("a hook was given the %s", what)
		}
	}
	for _, part := range []string{"campaign:spring", "192.0.2.1", "name:Ada", "email:ada@example.com", "Username:Ada@Example.com", "Source:SignUp", "Source:Authentication"} {
		if !strings.Contains(told.String(), part) {
			t.Errorf("no hook was told %q:\n%s", part, told.String())
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
