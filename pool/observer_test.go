package pool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// witness is what an observer was told.
type witness struct {
	mu  sync.Mutex
	all []any
}

func (s *witness) observe(c *pool.Config) {
	c.Observer = pool.Observer{
		Event: telling[pool.ObservedEvent](s), Store: telling[pool.StoreCall](s), Hash: telling[pool.HashRun](s),
		Hook: telling[pool.HookRun](s), Message: telling[pool.MessageTry](s), Chore: telling[pool.ChoreRound](s),
	}
}

func telling[O any](s *witness) func(context.Context, O) {
	return func(_ context.Context, o O) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all = append(s.all, o)
	}
}

// of returns what was told of a kind.
func of[O any](s *witness) (all []O) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		if o, ok := o.(O); ok {
			all = append(all, o)
		}
	}
	return all
}

// times returns how often something was told.
func times[O any](s *witness, is func(O) bool) int {
	return len(slices.DeleteFunc(of[O](s), func(o O) bool { return !is(o) }))
}

// What happens is told once, with what came of it.
func TestObserver(t *testing.T) {
	t.Parallel()
	var s witness
	k := open(t, s.observe)
	k.confirmed(ada)
	k.signIn(ada, wrong)
	k.store.answer(func(err error) error { return errors.Join(err, storage.ErrUnknown) })
	k.done(ada) // whose commit is found out
	k.store.answer(nil)
	k.signIn("nobody@example.com", wrong)
	k.delivered()
	for event, want := range map[pool.ObservedEvent]int{
		{Pool: "default", Kind: "sign_up", Outcome: "step"}:                          1,
		{Pool: "default", Kind: "confirm_sign_up", Outcome: "success"}:               1,
		{Pool: "default", Kind: "sign_in", Outcome: "refused", Reason: "no_proof"}:   1,
		{Pool: "default", Kind: "sign_in", Outcome: "refused", Reason: "no_user"}:    1,
		{Pool: "default", Kind: "sign_in", Outcome: "success"}:                       1,
		{Pool: "default", Kind: "sign_in", Outcome: "success", Reason: "everywhere"}: 0,
	} {
		if n := times(&s, func(e pool.ObservedEvent) bool { return e == event }); n != want {
			t.Errorf("%+v was told %d times, want %d", event, n, want)
		}
	}
	if hashes := of[pool.HashRun](&s); len(hashes) != int(k.Hashes()) || hashes[0] != (pool.HashRun{Pool: "default", Outcome: "ok"}) {
		t.Errorf("told of %d hashes, want %d: %+v", len(hashes), k.Hashes(), hashes)
	}
	waitFor(t, func() bool { return len(of[pool.MessageTry](&s)) == 1 })
	if m := of[pool.MessageTry](&s)[0]; m != (pool.MessageTry{Pool: "default", Kind: message.ConfirmSignUp, Channel: message.Email, Outcome: "sent"}) {
		t.Errorf("told of %+v", m)
	}
	unknown := func(c pool.StoreCall) bool {
		return c.Operation == "commit" && c.Outcome == "unknown" && c.Pool == "default" && c.Began.Equal(start)
	}
	if n := times(&s, unknown); n != 1 {
		t.Errorf("told of %d lost answers, want 1", n)
	}
}

// A refusal without a verdict is told at once, and not again with those of its minute.
func TestObserverOfRefusals(t *testing.T) {
	t.Parallel()
	var s witness
	k := open(t, s.observe)
	k.lock(ada)
	for range 3 {
		k.signIn(ada, right)
	}
	locked := func(e pool.ObservedEvent) bool {
		return e == pool.ObservedEvent{Pool: "default", Kind: "sign_in", Outcome: "refused", Reason: "locked"}
	}
	if n := times(&s, locked); n != 3 {
		t.Errorf("told of %d, want 3", n)
	}
	k.clock.advance(time.Minute)
	waitFor(t, func() bool { _, n := k.told("locked"); return n == 3 })
	if n := times(&s, locked); n != 3 {
		t.Errorf("told of %d once they are in the history, want 3", n)
	}
}

func TestObserverOfTheStore(t *testing.T) {
	t.Parallel()
	var s witness
	k := open(t, s.observe)
	k.confirmed(ada)
	for outcome, err := range map[string]error{
		"stale":      &storage.ChangeError{Err: storage.ErrStale},
		"conflict":   &storage.ChangeError{Err: &storage.ConflictError{Namespace: user.Name, Value: ada}},
		"limited":    &storage.ChangeError{Err: &storage.LimitError{}},
		"referenced": &storage.ChangeError{Err: storage.ErrReferenced},
		"unknown":    fmt.Errorf("%w: %w", storage.ErrUnknown, context.Canceled),
		"retry":      fmt.Errorf("%w: %w", storage.ErrRetry, errors.New("deadlock")),
		"invalid":    storage.ErrInvalid,
		"no_pool":    storage.ErrNoPool,
		"closed":     storage.ErrClosed,
		"canceled":   context.DeadlineExceeded,
		"error":      errors.New("disk on fire"),
	} {
		k.store.instead(err)
		k.signIn(ada, right)
		if n := times(&s, func(c pool.StoreCall) bool { return c.Operation == "commit" && c.Outcome == outcome }); n == 0 {
			t.Errorf("%v is not told as %q", err, outcome)
		}
	}
}

// refusing is a door's mail server that says what it is told to.
func refusing(err error) func(*pool.Config) {
	return func(c *pool.Config) {
		c.Sender = message.SenderFunc(func(context.Context, message.Message) error { return err })
	}
}

func TestObserverOfMessages(t *testing.T) {
	t.Parallel()
	for outcome, change := range map[string]func(*pool.Config){
		"failed":  refusing(errors.New("no route to host")),
		"refused": refusing(fmt.Errorf("%w: no such mailbox", message.ErrRefused)),
	} {
		var s witness
		k := open(t, change, s.observe)
		k.signUp(ada)
		waitFor(t, func() bool { return len(of[pool.MessageTry](&s)) > 0 })
		if m := of[pool.MessageTry](&s)[0]; m != (pool.MessageTry{Pool: "default", Kind: message.ConfirmSignUp, Channel: message.Email, Outcome: outcome}) {
			t.Errorf("%s: told of %+v", outcome, m)
		}
	}
	var s witness
	k := open(t, s.observe)
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: "nobody@example.com"}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return len(of[pool.MessageTry](&s)) > 0 })
	if m := of[pool.MessageTry](&s)[0]; m.Outcome != "dropped" || m.Kind != message.ResetPassword {
		t.Errorf("void: told of %+v", m)
	}
}

// A hash that the door had no room for is told of, too.
func TestObserverOfTheDoor(t *testing.T) {
	t.Parallel()
	var s witness
	k := open(t, s.observe, func(c *pool.Config) { // of one network one such may run, and another wait
		c.MaxHashes, c.InsecureHash = 1, &password.Params{Memory: 76 << 10, Time: 10, Threads: 1}
	})
	var visitors sync.WaitGroup
	for range 5 {
		visitors.Go(func() { k.signIn(ada, wrong) })
	}
	visitors.Wait()
	outcomes := map[string]int{}
	for _, h := range of[pool.HashRun](&s) {
		outcomes[h.Outcome]++
	}
	if outcomes["ok"] == 0 || outcomes["shed"] == 0 || outcomes["ok"]+outcomes["shed"] != 5 {
		t.Errorf("told of %v, of 5", outcomes)
	}
	if st := k.Stats(); st.HashesRunning != 0 || st.HashesWaiting != 0 {
		t.Errorf("Stats once all have gone = %+v", st)
	}
}

// A run of a hook is told of once, with what came of it, a visitor who left meanwhile, and one that
// there was no room for, included.
func TestObserverOfHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s witness
		var says atomic.Pointer[func(context.Context) (hook.PreSignUpAnswer, error)]
		ask := func(ctx context.Context, _ hook.PreSignUp) (hook.PreSignUpAnswer, error) { return (*says.Load())(ctx) }
		k := open(t, bubble(hook.Set{PreSignUp: ask}), s.observe)
		hangs := func(ctx context.Context) (hook.PreSignUpAnswer, error) {
			<-ctx.Done()
			return hook.PreSignUpAnswer{}, ctx.Err()
		}
		for _, tt := range []struct {
			outcome string
			took    time.Duration
			says    func(context.Context) (hook.PreSignUpAnswer, error)
		}{
			{"ok", 0, func(context.Context) (a hook.PreSignUpAnswer, err error) { return }},
			{"failed", 0, func(context.Context) (a hook.PreSignUpAnswer, err error) { return a, errors.New(sentinel) }},
			{"failed", 0, func(context.Context) (hook.PreSignUpAnswer, error) { panic(sentinel) }},
			{"failed", 0, func(context.Context) (a hook.PreSignUpAnswer, err error) { a.VerifyEmail = true; return }},
			{"timeout", hook.Timeout, hangs},
			{"canceled", time.Second, hangs},
		} {
			says.Store(&tt.says)
			ctx, cancel := context.WithCancel(t.Context())
			if tt.outcome == "canceled" {
				time.AfterFunc(time.Second, cancel)
			}
			before := len(of[pool.HookRun](&s))
			k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: right})
			cancel()
			want := pool.HookRun{Pool: "default", Name: "PreSignUp", Took: tt.took, Outcome: tt.outcome}
			if got := of[pool.HookRun](&s)[before:]; !slices.Equal(got, []pool.HookRun{want}) {
				t.Errorf("told of %+v, want %+v", got, want)
			}
		}
		says.Store(&hangs)
		var visitors sync.WaitGroup
		for range hook.Parallel + 1 {
			visitors.Go(func() { k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right}) })
		}
		visitors.Wait()
		full := pool.HookRun{Pool: "default", Name: "PreSignUp", Outcome: "full"}
		if n := times(&s, func(r pool.HookRun) bool { return r == full }); n != 1 {
			t.Errorf("told of %d that there was no room for, want 1", n)
		}
		s.innocent(t, "default")
	})
}

// Whatever a process does by itself is told of by its name, also when it fails.
func TestObserverOfChores(t *testing.T) {
	t.Parallel()
	var s witness
	nothing := func(context.Context, hook.PostAuthentication) error { return nil }
	k := open(t, s.observe, with(hook.Set{PostAuthentication: nothing}))
	names := []string{"PostAuthentication", "deliver", "erase", "follow", "index", "refusals", "rotate", "rounds", "seal", "sweep"}
	sound := func() []string {
		seen := map[string]bool{}
		for _, r := range of[pool.ChoreRound](&s) {
			if r.Outcome == "ok" && r.Name != "names" { // which has its round later
				seen[r.Name] = true
			}
		}
		return slices.Sorted(maps.Keys(seen))
	}
	waitFor(t, func() bool { return slices.Equal(sound(), names) })
	at := k.Stats().Chores
	for _, name := range names {
		if !at[name].Equal(start) {
			t.Errorf("Stats.Chores = %v, want one of %q at %v", at, name, start)
		}
	}

	var failing witness
	_, sick, hand := patient(t, failing.observe)
	sick.make(func(s *ill) { s.feed = errFire })
	hand.Run(t.Context())
	want := pool.ChoreRound{Name: "follow", Outcome: "error"}
	if n := times(&failing, func(r pool.ChoreRound) bool { return r == want }); n != 1 {
		t.Errorf("told of a round that failed %d times, want 1", n)
	}
}

// brokenly is an observer that panics at all it is told.
func brokenly(c *pool.Config) {
	c.Observer = pool.Observer{
		Event: func(context.Context, pool.ObservedEvent) { panic("event") }, Store: func(context.Context, pool.StoreCall) { panic("store") },
		Hash: func(context.Context, pool.HashRun) { panic("hash") }, Hook: func(context.Context, pool.HookRun) { panic("hook") }, Message: func(context.Context, pool.MessageTry) { panic("message") },
		Chore: func(context.Context, pool.ChoreRound) { panic("chore") },
	}
}

// An observer that panics takes nothing with it: neither the answer of a commit that was made, nor a
// place at the door, nor a message, nor the process.
func TestObserverThatPanics(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	k := open(t, brokenly, func(c *pool.Config) {
		c.MaxHashes, c.Logger = 1, slog.New(slog.NewTextHandler(log, nil))
	})
	k.confirmed(ada)
	d := k.done(ada)
	if _, err := k.refresh(d); err != nil {
		t.Errorf("refresh = %v", err)
	}
	if _, err := k.signIn(ada, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("wrong password = %v", err)
	}
	if err := k.Health(t.Context()); err != nil {
		t.Errorf("Health = %v", err)
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if n := bytes.Count(log.Bytes(), []byte("observer panicked")); n != 1 {
		t.Errorf("the log tells it %d times, want once:\n%s", n, log.Bytes())
	}
}

// sentinel is what no observer may be told, whoever types it and wherever.
const sentinel = "sentinel@example.com"

// word is what a label looks like: nothing personal does.
var word = regexp.MustCompile(`^([a-z_]*|hook:[A-Za-z]+|(Pre|Post)[A-Z][A-Za-z]+|CustomMessage|MigrateUser)$`)

// innocent fails for whatever was told that is no word, number or time, or no such pool.
func (s *witness) innocent(t *testing.T, pools ...user.PoolID) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.all {
		for f, v := range reflect.ValueOf(o).Fields() {
			id, isPool := v.Interface().(user.PoolID)
			switch {
			case isPool && id != "" && !slices.Contains(pools, id), !isPool && v.Kind() == reflect.String && !word.MatchString(v.String()):
				t.Errorf("%T.%s = %q", o, f.Name, v)
			case v.Kind() != reflect.String && v.Kind() != reflect.Int64 && v.Kind() != reflect.Int && v.Type() != reflect.TypeFor[time.Time]():
				t.Errorf("%T.%s is a %s: see that it can hold nothing personal", o, f.Name, v.Type())
			}
		}
	}
}

// Whatever is typed into any text of any input of any method, an observer learns none of it: metrics
// outlive the erasure of a person, and a label that visitors choose has no end. New inputs join by
// themselves.
func TestT10_ObserversLearnNothingPersonal(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account](), reflect.TypeFor[*pool.Admin]()} {
		for i := range typ.NumMethod() {
			if m := typ.Method(i); m.Type.NumIn() == 3 && strings.HasSuffix(m.Type.In(2).Name(), "Input") {
				t.Run(methodName(m), func(t *testing.T) {
					t.Parallel()
					tellsNobody(t, m)
				})
			}
		}
	}
}

func tellsNobody(t *testing.T, m reflect.Method) {
	var s witness
	special := needs[m.Name]
	k := open(t, s.observe, func(c *pool.Config) {
		if special != nil {
			special(c)
		}
	})
	k.confirmed(ada)
	d, bob := k.done(ada), k.signUp("bob@example.com")
	good := reflect.ValueOf(inputs[methodName(m)](k, d, bob))
	for _, field := range texts(m.Type.In(2), nil) {
		in := reflect.New(m.Type.In(2)).Elem()
		in.Set(good)
		set(in.FieldByIndex(field), sentinel)
		call(t.Context(), k, d, m, in)
	}
	call(t.Context(), k, d, m, good)
	if len(of[pool.StoreCall](&s)) == 0 || len(of[pool.ObservedEvent](&s)) == 0 {
		t.Error("the observer was told nothing: that proves nothing")
	}
	s.innocent(t, "default")
}

// Nor does it learn what others say: who acts as somebody and why, what is changed, hooks, stores and
// mail servers that fail, and who asks for pools that are not there.
func TestT10_ObserversLearnNothingFromErrors(t *testing.T) {
	t.Parallel()
	var s witness
	sick := &counting{Store: memory.New()}
	c := openCity(t, sick, func(c *pool.DirectoryConfig) {
		s.observe(&c.Config)
		refusing(errors.New(sentinel))(&c.Config)
		c.Hooks = hook.Set{PreAuthentication: func(context.Context, hook.PreAuthentication) error {
			return errors.New(sentinel)
		}}
	})
	p := c.create("shop", pool.Settings{})
	admin := p.Admin(pool.Actor{Name: sentinel})
	u, err := admin.CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true, Password: right})
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.SetPassword(t.Context(), pool.SetPasswordInput{ID: u.ID, Password: right, Permanent: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.Impersonate(t.Context(), pool.ImpersonateInput{ID: u.ID, Reason: sentinel}); err != nil {
		t.Fatal(err)
	}
	settings, version, err := admin.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	settings.Branding.Name, settings.SignUp.Closed = sentinel, true
	if err := admin.PutSettings(t.Context(), settings, version); err != nil {
		t.Fatal(err)
	}
	k := c.kit(p)
	k.signIn(ada, right) // which the hook denies
	for _, fail := range []error{errors.New(sentinel), &storage.ChangeError{Err: &storage.ConflictError{Namespace: user.Name, Value: sentinel}}} {
		sick.instead(fail)
		k.signIn(ada, wrong)
		k.Refresh(t.Context(), pool.RefreshInput{Token: token.NewSecret(sentinel)})
	}
	sick.instead(nil)
	for _, asked := range []string{sentinel, "sentinel"} {
		c.Pool(t.Context(), user.PoolID(asked))
		c.ByIssuer(t.Context(), "https://"+asked)
		c.ByClient(t.Context(), strings.Repeat("a", 26))
	}
	waitFor(t, func() bool { return len(of[pool.MessageTry](&s)) > 0 })
	for _, want := range []pool.ObservedEvent{
		{Pool: "shop", Kind: "impersonate", Outcome: "success"},
		{Pool: "shop", Kind: "put_settings", Outcome: "success"},
		{Pool: "shop", Kind: "sign_in", Outcome: "refused", Reason: "hook:PreAuthentication"},
	} {
		if n := times(&s, func(e pool.ObservedEvent) bool { return e == want }); n != 1 {
			t.Errorf("%+v was told %d times, want 1", want, n)
		}
	}
	s.innocent(t, "shop")
}

// An observer may ask for Stats of whatever it is in the midst of: it is called outside of the locks
// that they take.
func TestObserverMayAskForStats(t *testing.T) {
	t.Parallel()
	var p *pool.Pool
	var asked sync.Map
	ask := func(what string) {
		if p != nil {
			p.Stats()
			asked.Store(what, true)
		}
	}
	hand := &chores.Hand{}
	opened, err := pool.Open(chores.NewContext(t.Context(), hand), memory.New(), pool.Config{
		InsecureHash: &cheap, Sender: message.Log(nil),
		Observer: pool.Observer{
			Event: func(context.Context, pool.ObservedEvent) { ask("event") }, Store: func(context.Context, pool.StoreCall) { ask("store") },
			Hash: func(context.Context, pool.HashRun) { ask("hash") }, Message: func(context.Context, pool.MessageTry) { ask("message") },
			Chore: func(context.Context, pool.ChoreRound) { ask("chore") },
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close(context.Background())
	p = opened
	if _, err := p.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right}); err != nil {
		t.Fatal(err)
	}
	if st := p.Stats(); st.Due != 0 || st.Pools != 1 || st.Loaded != 1 || st.Failed != 0 || st.Sending != 0 || st.Followed.IsZero() {
		t.Errorf("Stats = %+v", st)
	}
	if err := hand.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{"event", "store", "hash", "message", "chore"} {
		if _, ok := asked.Load(what); !ok {
			t.Errorf("it was told of no %s", what)
		}
	}
}

// The store of a pool that nobody observes is the bare one: nothing is allocated for an observer, and
// no time taken.
func TestNoObserverCostsNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	if !pool.Bare(k.Pool, k.store) {
		t.Error("the store of a pool without an observer is wrapped")
	}
	var s witness
	if observed := open(t, s.observe); pool.Bare(observed.Pool, observed.store) {
		t.Error("that of a pool with an observer is not")
	}
}
