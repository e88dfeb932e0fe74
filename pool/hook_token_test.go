package pool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// shaping is a PreTokenGeneration hook whose answer a test changes.
type shaping struct {
	mu     sync.Mutex
	events []hook.PreTokenGeneration
	answer hook.PreTokenGenerationAnswer
	err    error
}

func (s *shaping) hook(_ context.Context, e hook.PreTokenGeneration) (hook.PreTokenGenerationAnswer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return s.answer, s.err
}

func (s *shaping) say(a hook.PreTokenGenerationAnswer, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events, s.answer, s.err = nil, a, err
}

func (s *shaping) sources() (all []hook.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		all = append(all, e.Source)
	}
	return all
}

// read verifies both tokens of a Done.
func (k *kit) read(d *pool.Done) (access, id *token.Claims) {
	k.t.Helper()
	access, err := k.verifierOf(token.Access).Verify(k.t.Context(), d.Tokens.Access.Reveal())
	if err != nil {
		k.t.Fatalf("access token: %v", err)
	}
	if id, err = k.verifierOf(token.ID).Verify(k.t.Context(), d.Tokens.ID.Reveal()); err != nil {
		k.t.Fatalf("ID token: %v", err)
	}
	return access, id
}

func (k *kit) verifierOf(use token.Use) *token.Verifier {
	k.t.Helper()
	keys, err := token.ParseKeySet(k.JWKS())
	if err != nil {
		k.t.Fatal(err)
	}
	v, err := token.NewVerifier(k.Issuer(), token.Config{ClientIDs: []string{"default"}, Use: use, Keys: keys, Now: k.clock.Now})
	if err != nil {
		k.t.Fatal(err)
	}
	return v
}

// What the hook adds, takes away and replaces is in the tokens of a sign-in, a refresh and a change
// of password, and is asked for at each.
func TestPreTokenGeneration(t *testing.T) {
	t.Parallel()
	s := &shaping{}
	k := open(t, with(hook.Set{PreSignUp: vouch, PreTokenGeneration: s.hook}))
	in := pool.SignUpInput{Username: ada, Password: right, Attributes: map[string]string{"name": "Ada", "nickname": "countess", "zoneinfo": "Europe/London"}}
	if _, err := k.SignUp(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	s.say(hook.PreTokenGenerationAnswer{
		ID: hook.Claims{
			Add:      map[string]any{"tenant": "acme", "nickname": "boss", "level": 3, "gone": true},
			Suppress: []string{"zoneinfo", "name", "gone", "never there"},
		},
		Access:    hook.Claims{Add: map[string]any{"https://example.com/roles": []string{"admin"}, "tenant": "acme", "x": map[string]any{"y": nil}}},
		AddScopes: []string{"orders:read", "orders:write"}, SuppressScopes: []string{"orders:write"},
		Groups: []string{"staff"},
	}, nil)
	check := func(d *pool.Done) {
		t.Helper()
		access, id := k.read(d)
		if !reflect.DeepEqual(access.Attributes, map[string]string{"tenant": "acme"}) || string(access.Values["https://example.com/roles"]) != `["admin"]` ||
			string(access.Values["x"]) != `{"y":null}` || !slices.Equal(access.Scope, []string{"account", "orders:read"}) || !access.InGroup("staff") {
			t.Errorf("access token: %+v", access)
		}
		if !reflect.DeepEqual(id.Attributes, map[string]string{"tenant": "acme", "nickname": "boss"}) || len(id.Values) != 1 || string(id.Values["level"]) != "3" ||
			id.Name != "" || id.Email != ada || !*id.EmailVerified || !id.InGroup("staff") {
			t.Errorf("ID token: %+v", id)
		}
	}
	d := k.done(ada)
	check(d)
	d, err := k.refresh(d)
	if err != nil {
		t.Fatal(err)
	}
	check(d)
	account, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if d, err = pool.Finished(account.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another})); err != nil {
		t.Fatal(err)
	}
	check(d)
	if got := s.sources(); !slices.Equal(got, []hook.Source{hook.Authentication, hook.RefreshTokens, hook.ChangePassword}) {
		t.Errorf("asked at %v", got)
	}
	s.say(hook.PreTokenGenerationAnswer{SuppressScopes: []string{"account"}, Groups: []string{}, ID: hook.Claims{Suppress: []string{"email"}}}, nil)
	if d, err = k.refresh(d); err != nil {
		t.Fatal(err)
	}
	access, id := k.read(d)
	if len(access.Scope) != 0 || len(id.Groups) != 0 || id.Email != "" || id.EmailVerified != nil || id.Attributes["nickname"] != "countess" {
		t.Errorf("access token %+v, ID token %+v", access, id)
	}
	if _, err := k.Account(t.Context(), d.Tokens.Access); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("an account without its scope = %v", err)
	}
}

// badAnswers returns answers that nobody may give.
func badAnswers() map[string]hook.PreTokenGenerationAnswer {
	add := func(name string, value any) hook.PreTokenGenerationAnswer {
		return hook.PreTokenGenerationAnswer{Access: hook.Claims{Add: map[string]any{name: value}}}
	}
	inID := func(name string, value any) hook.PreTokenGenerationAnswer {
		return hook.PreTokenGenerationAnswer{ID: hook.Claims{Add: map[string]any{name: value}}}
	}
	scope := func(s string) hook.PreTokenGenerationAnswer {
		return hook.PreTokenGenerationAnswer{AddScopes: []string{s}}
	}
	m := map[string]hook.PreTokenGenerationAnswer{
		"1 MB":              add("x", strings.Repeat("x", 1<<20)),
		"1 MB in ID":        inID("x", strings.Repeat("x", 1<<20)),
		"many":              inID("x", make([]int, 3000)),
		"NUL":               add("x", "a\x00b"),
		"NUL, deep":         inID("x", []any{map[string]any{"a\x00": 1}}),
		"not UTF-8":         add("x", "\xff"),
		"not UTF-8, deep":   add("x", []any{"\xff"}),
		"raw, not UTF-8":    add("x", json.RawMessage("[\"\xff\"]")),
		"raw, no JSON":      add("x", json.RawMessage("{")),
		"raw, twice":        add("x", json.RawMessage(`{"a":1,"a":2}`)),
		"not a number":      add("x", math.NaN()),
		"a channel":         add("x", make(chan int)),
		"panics":            add("x", panicking{}),
		"a name of members": add(`x":1,"admin`, true),
		"no name":           add("", 1),
		"a long name":       add(strings.Repeat("x", 129), 1),
		"account":           scope("account"),
		"Cognito's account": scope("aws.cognito.signin.user.admin"),
		"a blank":           scope("a account"),
		"no scope":          scope(""),
		"a quote":           scope(`"`),
		"a scope of 1 MB":   scope(strings.Repeat("x", 1<<20)),
		"a group of NUL":    {Groups: []string{"a\x00"}},
		"no group":          {Groups: []string{""}},
		"a group, no UTF-8": {Groups: []string{"\xff"}},
		"groups of 1 MB":    {Groups: []string{strings.Repeat("x", 1<<20)}},
	}
	for _, name := range []string{
		"sub", "iss", "aud", "exp", "iat", "nbf", "jti", "origin_jti", "token_use", "auth_time", "amr", "acr", "epoch", "cnf", "client_id",
		"username", "email", "email_verified", "phone_number", "phone_number_verified", "name", "cognito:username", "cognito:groups", "cognito:roles",
		"scope", "azp", "nonce", "at_hash", "version", "identities", "device_key", "event_id", "act", "may_act", "sid", "groups", "roles",
		"SUB", "Aud", "Scope", "Email_Verified", "Cognito:Groups",
	} {
		m["sets "+name], m["sets in ID "+name] = add(name, "x"), inID(name, true)
		if !slices.Contains([]string{"name", "email", "phone_number"}, name) {
			m["suppresses "+name] = hook.PreTokenGenerationAnswer{Access: hook.Claims{Suppress: []string{name}}}
		}
	}
	return m
}

// panicking is a value of the app's that cannot be marshalled.
type panicking struct{}

func (panicking) MarshalJSON() ([]byte, error) { panic("no") }

// An answer that may not be given gives no tokens: nothing of what the issuer says is a hook's to
// say, the scope of one's own account least (security.md S12).
func TestS12_HostileAnswersGiveNoTokens(t *testing.T) {
	t.Parallel()
	s := &shaping{}
	k := open(t, with(hook.Set{PreSignUp: vouch, PreTokenGeneration: s.hook}))
	k.join(ada)
	d := k.done(ada)
	bad := badAnswers()
	for name, a := range bad {
		s.say(a, nil)
		k.store.reset()
		_, err := k.refresh(d)
		denies(t, err, "PreTokenGeneration", nil)
		if name != "panics" && !errors.Is(err, hook.ErrMalformed) {
			t.Errorf("%s = %v, want ErrMalformed", name, err)
		}
		if len(err.Error()) > 300 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
		if _, commits := k.store.counted(); len(commits) != 0 { // events alone are not counted
			t.Errorf("%s: wrote %v", name, kinds(commits))
		}
	}
	if events, _ := k.told("hook:PreTokenGeneration"); len(events) != len(bad) {
		t.Errorf("%d events tell of %d answers", len(events), len(bad))
	}
	s.say(hook.PreTokenGenerationAnswer{}, nil)
	if _, err := k.refresh(d); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// A token that would be longer than verifiers take is refused, however it came to be.
func TestS8_LongTokensAreRefused(t *testing.T) {
	t.Parallel()
	s := &shaping{}
	k := open(t, with(hook.Set{PreSignUp: vouch, PreTokenGeneration: s.hook}))
	long := map[string]string{"name": strings.Repeat("a", 2000), "nickname": strings.Repeat("b", 1900)}
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: long}); err != nil {
		t.Fatal(err)
	}
	most := hook.Claims{Add: map[string]any{"x": strings.Repeat("x", hook.MaxClaims-100)}}
	s.say(hook.PreTokenGenerationAnswer{Access: most}, nil)
	k.done(ada)
	s.say(hook.PreTokenGenerationAnswer{ID: most}, nil)
	_, err := k.signIn(ada, right)
	denies(t, err, "PreTokenGeneration", hook.ErrMalformed)
}

// A sign-in whose tokens are refused shows that the password was right, so it is counted before it
// leaves, and stores no session.
func TestT5_WithheldTokensAreCounted(t *testing.T) {
	t.Parallel()
	for name, r := range refusals {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var deny atomic.Bool
				var runs atomic.Int32
				k := open(t, bubble(hook.Set{PreSignUp: vouch, PreTokenGeneration: func(ctx context.Context, _ hook.PreTokenGeneration) (a hook.PreTokenGenerationAnswer, err error) {
					runs.Add(1)
					if deny.Load() {
						err = r.say(ctx)
					}
					return a, err
				}}))
				k.join(ada)
				deny.Store(true)
				k.store.reset()
				for n := range 5 {
					_, err := k.signIn(ada, right)
					denies(t, err, "PreTokenGeneration", r.is)
					if n == 0 {
						_, commits := k.store.counted()
						want := kinds([][]storage.Change{{storage.Count{}, storage.Count{}, storage.Put(&storage.Event{})}})
						if fmt.Sprint(kinds(commits)) != fmt.Sprint(want) {
							t.Errorf("wrote %v, want %v", kinds(commits), want)
						}
					}
				}
				if runs.Load() != 5 {
					t.Errorf("%d runs, want 5", runs.Load())
				}
				deny.Store(false)
				if r.is == context.DeadlineExceeded {
					time.Sleep(2 * time.Hour) // what is deaf ends with the bubble; the lock, within its time
					return
				}
				if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) || runs.Load() != 5 {
					t.Errorf("after five = %v, want it locked", err)
				}
			})
		})
	}
}

// A hook takes its time for the right answer alone. Where guessing is locked since the answer was
// read it is not asked, because a visitor who waits for it would learn what the refusal hides.
func TestT5_NoTokensAreShapedWhileLocked(t *testing.T) {
	t.Parallel()
	s := &shaping{}
	var meanwhile func()
	k := open(t, with(hook.Set{
		PreSignUp: vouch, PreTokenGeneration: s.hook,
		PreAuthentication: func(context.Context, hook.PreAuthentication) error { meanwhile(); return nil },
	}))
	k.join(ada)
	meanwhile = func() {
		meanwhile = func() {}
		for range 5 {
			_, _ = k.signIn(ada, wrong)
		}
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) || len(s.sources()) != 0 {
		t.Errorf("right, beside five that were wrong = %v after %d runs of the hook, want ErrNotAuthorized after none", err, len(s.sources()))
	}
}

// Whoever hangs up while the hook takes its time has seen that the password was right, so it is
// counted.
func TestT5_HangingUpIsCounted(t *testing.T) {
	t.Parallel()
	var hangUp context.CancelFunc
	k := open(t, with(hook.Set{
		PreSignUp: vouch,
		PreTokenGeneration: func(ctx context.Context, _ hook.PreTokenGeneration) (a hook.PreTokenGenerationAnswer, err error) {
			hangUp()
			<-ctx.Done()
			return a, ctx.Err()
		},
	}))
	k.join(ada)
	for range 5 {
		ctx, cancel := context.WithCancel(t.Context())
		hangUp = cancel
		if _, err := k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Password{Value: right}}); !errors.Is(err, context.Canceled) {
			t.Fatalf("hung up = %v", err)
		}
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after five = %v, want it locked", err)
	}
}

// What the hook said holds for the call.
func TestS8_TokensAreShapedOnce(t *testing.T) {
	t.Parallel()
	s := &shaping{}
	k := open(t, with(hook.Set{PreSignUp: vouch, PreTokenGeneration: s.hook}))
	k.join(ada)
	k.staleOnce()
	d := k.done(ada)
	k.staleOnce()
	if _, err := k.refresh(d); err != nil {
		t.Fatal(err)
	}
	if got := s.sources(); len(got) != 2 {
		t.Errorf("asked %d times in two calls", len(got))
	}
}

// A hook that is full tells no more than one that refuses.
func TestT5_FullHookTellsNoPassword(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hang atomic.Bool
		release := make(chan struct{})
		k := open(t, bubble(hook.Set{PreSignUp: vouch, PreTokenGeneration: func(context.Context, hook.PreTokenGeneration) (a hook.PreTokenGenerationAnswer, err error) {
			if hang.Load() {
				<-release
			}
			return a, nil
		}}))
		logins := make([]string, hook.Parallel+1)
		for n := range logins {
			logins[n] = fmt.Sprintf("user%d@example.com", n)
			k.join(logins[n])
		}
		hang.Store(true)
		var all sync.WaitGroup
		for n := range hook.Parallel {
			all.Go(func() { _, _ = k.signInFrom(from(n), logins[n], right) })
		}
		all.Wait()
		last := logins[hook.Parallel]
		for range 5 {
			if _, err := k.signIn(last, right); !errors.Is(err, pool.ErrLimited) {
				t.Errorf("beside a full hook = %v, want ErrLimited", err)
			}
		}
		if _, err := k.signIn(last, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("after five of them = %v, want it locked: each showed that the password was right", err)
		}
		close(release)
	})
}
