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

// assessed marks a call that PreAuthentication lets pass.
type assessed struct{}

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
					PreAuthentication: func(ctx context.Context, _ hook.PreAuthentication) error {
						if ctx.Value(assessed{}) != nil {
							return nil
						}
						return say(ctx)
					},
					AssessRisk: func(ctx context.Context, _ hook.AssessRisk) (hook.Risk, error) { return hook.NoRisk, say(ctx) },
				}))
				k.join(ada)
				deny = true
				for what, do := range map[string]func() error{
					"PreSignUp": func() error { return up(k, "bob@example.com", "correct horse battery") },
					"PreAuthentication": func() error {
						_, err := k.signIn(ada, right)
						return err
					},
					"AssessRisk": func() error {
						in := pool.SignInInput{Username: ada, With: pool.Password{Value: right}}
						return second(k.SignIn(context.WithValue(t.Context(), assessed{}, true), in))
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
				if !found["sign_up hook:PreSignUp"] || !found["sign_in hook:PreAuthentication"] || !found["sign_in hook:AssessRisk"] {
					t.Errorf("events = %v", found)
				}
				time.Sleep(2 * time.Hour) // what is deaf ends with the bubble
			})
		})
	}
}

// With hooks before the password too, no entrance tells who is behind a login: neither what it says nor
// what runs.
func TestS19_HooksBeforeThePasswordDoNotTell(t *testing.T) {
	t.Parallel()
	for _, say := range []error{nil, errStaff} {
		want := ""
		for state, make := range states {
			var runs atomic.Int32
			var armed atomic.Bool
			asked := func() error {
				if !armed.Load() {
					return nil
				}
				runs.Add(1)
				return say
			}
			k := open(t, with(hook.Set{
				PreAuthentication: func(context.Context, hook.PreAuthentication) error { return asked() },
				AssessRisk:        func(context.Context, hook.AssessRisk) (hook.Risk, error) { return hook.HighRisk, asked() },
			}))
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
