package pool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// heard are the events that Post hooks were given, and what they say to the next.
type heard struct {
	mu     sync.Mutex
	events []hook.Event
	say    func(context.Context, hook.Event) error
}

func (h *heard) hear(ctx context.Context, e hook.Event) error {
	h.mu.Lock()
	h.events = append(h.events, e)
	say := h.say
	h.mu.Unlock()
	if say == nil {
		return nil
	}
	return say(ctx, e)
}

func (h *heard) set(say func(context.Context, hook.Event) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.say = say
}

func (h *heard) all() []hook.Event {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]hook.Event(nil), h.events...)
}

// hooks are both Post hooks.
func (h *heard) hooks() hook.Set {
	return hook.Set{
		PostConfirmation:   func(ctx context.Context, e hook.PostConfirmation) error { return h.hear(ctx, e.Event) },
		PostAuthentication: func(ctx context.Context, e hook.PostAuthentication) error { return h.hear(ctx, e.Event) },
	}
}

func failing(context.Context, hook.Event) error { return errStaff }

// What happened is told once it has happened, and each occasion by its name.
func TestPostHooksAreTold(t *testing.T) {
	t.Parallel()
	h := &heard{}
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Hooks: h.hooks()}))
	ctx, metadata := t.Context(), map[string]string{"campaign": "spring"}
	up, err := k.SignUp(ctx, pool.SignUpInput{Username: ada, Password: right, Attributes: map[string]string{"name": "Ada"}})
	if err != nil {
		t.Fatal(err)
	}
	want := func(sources ...hook.Source) {
		t.Helper()
		k.Clock.Advance(0)
		var got []hook.Source
		for _, e := range h.all() {
			got = append(got, e.Source)
			if e.ID == "" || e.Pool != "default" || e.Client != "default" || e.User == "" || e.Username != ada ||
				e.Attributes["name"] != "Ada" || e.Attributes["email"] != ada || e.Metadata["campaign"] != "spring" {
				t.Errorf("event %+v", e)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(sources) {
			t.Errorf("told of %v, want %v", got, sources)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.events = nil
	}
	want()
	_, err = k.ConfirmSignUp(ctx, pool.CodeInput{Ticket: up.Ticket, Code: k.Mail.Code(ada), Metadata: metadata})
	if err != nil {
		t.Fatal(err)
	}
	want(hook.ConfirmSignUp)
	in := pool.SignInInput{Username: ada, With: pool.Password{Value: right}, Metadata: metadata}
	done, err := pool.Finished(k.SignIn(ctx, in))
	if err != nil {
		t.Fatal(err)
	}
	want(hook.Authentication)
	in.With = pool.Password{Value: wrong}
	if _, err := k.SignIn(ctx, in); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Fatal(err)
	}
	if done, err = pool.Finished(k.Refresh(ctx, pool.RefreshInput{Token: done.Tokens.Refresh, Metadata: metadata})); err != nil {
		t.Fatal(err)
	}
	account, err := k.Account(ctx, done.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.ChangePassword(ctx, pool.ChangePasswordInput{Old: right, New: another}); err != nil {
		t.Fatal(err)
	}
	want()
	forgot, err := k.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: ada})
	if err != nil {
		t.Fatal(err)
	}
	reset := pool.ResetPasswordInput{Ticket: forgot.Ticket, Code: k.Mail.Code(ada), Password: right, Metadata: metadata}
	step, err := k.ResetPassword(ctx, reset)
	if err != nil {
		t.Fatal(err)
	}
	want(hook.ConfirmForgotPassword)
	answer := pool.RespondInput{Ticket: step.(*pool.NeedPassword).Ticket, With: pool.Password{Value: right}, Metadata: metadata}
	if _, err := pool.Finished(k.Respond(ctx, answer)); err != nil {
		t.Fatal(err)
	}
	want(hook.Authentication)
}

// A Post hook that fails is run again under the same id, ever later, and given up in the end.
func TestS8_PostHooksAreRunAgain(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]func(context.Context, hook.Event) error{
		"error": failing,
		"panic": func(context.Context, hook.Event) error { panic("no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, log := &heard{say: say}, &lockedBuffer{}
			hooks := h.hooks()
			hooks.PreSignUp = vouch
			k := pooltest.New(t, pooltest.WithConfig(pool.Config{Hooks: hooks, Logger: slog.New(slog.NewTextHandler(log, nil))}))
			join := func(login string) {
				t.Helper()
				if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right}); err != nil {
					t.Fatal(err)
				}
			}
			join(ada)
			runs := func(d, step time.Duration) int {
				before := len(h.all())
				for ; d > 0; d -= step {
					k.Clock.Advance(step)
				}
				return len(h.all()) - before
			}
			if n := runs(time.Minute, time.Second); n != 4 {
				t.Errorf("%d runs in a minute, want 4", n)
			}
			if n := runs(hook.GiveUp, 5*time.Minute); n < 280 || n > 300 {
				t.Errorf("%d runs in three days, want one in 15 minutes", n)
			}
			if n := runs(24*time.Hour, 5*time.Minute); n != 0 || !bytes.Contains(log.Bytes(), []byte("given up")) {
				t.Errorf("%d runs after it was given up, which the log must tell", n)
			}
			for _, e := range h.all() {
				if e.ID != h.all()[0].ID {
					t.Fatal("a repeat has another id")
				}
			}
			h.set(nil)
			join("bob@example.com")
			if n := runs(time.Hour, time.Hour); n != 1 {
				t.Errorf("%d runs for the next, want one", n)
			}
		})
	}
}

// A Post hook that does not end in time has failed.
func TestS8_PostHooksHaveATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &heard{say: func(ctx context.Context, _ hook.Event) error { <-ctx.Done(); return nil }}
		hooks := h.hooks()
		hooks.PreSignUp = vouch
		k := open(t, bubble(hooks))
		k.join(ada)
		time.Sleep(hook.Timeout + 20*time.Second)
		if n := len(h.all()); n < 2 || n > 3 {
			t.Errorf("%d runs, want it run again after its time", n)
		}
	})
}

// However many Post hooks hang, mail goes out, to that person and to others; and so many runs are
// going on.
func TestS8_HangingPostHooksHoldUpNoMail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := &heard{say: func(context.Context, hook.Event) error { <-release; return nil }}
		hooks := h.hooks()
		hooks.PreSignUp = vouch
		k := open(t, bubble(hooks))
		for n := range 300 {
			in := pool.SignUpInput{Username: fmt.Sprintf("user%d@example.com", n), Password: right, Caller: from(n)}
			if _, err := k.SignUp(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if n := len(h.all()); n != hook.Parallel {
			t.Errorf("%d runs hang, want %d", n, hook.Parallel)
		}
		before := time.Now()
		for n := range 300 {
			login := fmt.Sprintf("user%d@example.com", n)
			if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: login, Caller: from(n)}); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 300 {
			k.mails(fmt.Sprintf("user%d@example.com", n), 1)
		}
		if waited := time.Since(before); waited > 5*time.Second {
			t.Errorf("mail took %v beside hooks that hang", waited)
		}
		h.set(nil)
		close(release)
		time.Sleep(time.Hour)
		users := map[string]bool{}
		for _, e := range h.all() {
			users[e.Username] = true
		}
		if len(users) != 300 {
			t.Errorf("the hook was run for %d users, want all 300", len(users))
		}
	})
}

// Who has gone is not told of.
func TestPostHookOfAUserWhoHasGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := &heard{say: failing}
		hooks := h.hooks()
		hooks.PreSignUp = vouch
		k := open(t, bubble(hooks))
		k.join(ada)
		synctest.Wait()
		n := len(h.all())
		if err := k.store.Store.Commit(t.Context(), storage.Delete(k.user(ada))); err != nil {
			t.Fatal(err)
		}
		h.set(nil)
		time.Sleep(time.Hour)
		if got := len(h.all()); n == 0 || got != n {
			t.Errorf("%d runs, and %d after the user had gone", n, got)
		}
		if due, err := k.store.Due(t.Context(), nil, -1, time.Now().Add(hook.GiveUp), 10); err != nil || len(due) != 0 {
			t.Errorf("%d still wait, %v", len(due), err)
		}
	})
}

// What waits for a Post hook survives the process, waits for one that has the hook, and names
// nobody in the clear.
func TestS8_PostHooksSurviveAProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "userpool.db")
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	process := func(later time.Duration, h hook.Set, do func(k *kit)) {
		t.Helper()
		st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		box := mailbox.New()
		p, err := pool.Open(t.Context(), st, pool.Config{
			Keys: ring, Sender: box, InsecureHash: &cheap, Hooks: h,
			Now: func() time.Time { return time.Now().Add(later) },
		})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close(context.Background())
		do(&kit{Pool: p, t: t, box: box, store: &counting{Store: st}})
	}
	first, second := &heard{say: failing}, &heard{}
	hooks := hook.Set{PreSignUp: vouch, PostConfirmation: first.hooks().PostConfirmation}
	process(0, hooks, func(k *kit) {
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Metadata: map[string]string{"campaign": "spring"}})
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, func() bool { return len(first.all()) == 1 })
	})
	process(0, hook.Set{}, func(k *kit) {
		due, err := k.store.Due(t.Context(), nil, -1, time.Now().Add(time.Hour), 10)
		due = slices.DeleteFunc(due, func(m *storage.Outgoing) bool { return !strings.HasPrefix(string(m.Owner), "hook/") })
		if err != nil || len(due) != 1 {
			t.Fatalf("%d wait, %v, want one", len(due), err)
		}
		if text := fmt.Sprintf("%s %s", due[0].Owner, due[0].Body); strings.Contains(text, "spring") || strings.Contains(text, string(first.all()[0].User)) {
			t.Errorf("what waits for a hook is in the clear: %q", text)
		}
	})
	process(time.Minute, second.hooks(), func(*kit) { waitFor(t, func() bool { return len(second.all()) == 1 }) })
	if a, b := first.all()[0], second.all()[0]; a.ID != b.ID || a.User != b.User || b.Metadata["campaign"] != "spring" {
		t.Errorf("told %+v, and then %+v", a, b)
	}
}

// Where answers of the store are lost, Post hooks run at least once for what was stored.
func TestS8_PostHooksRunAtLeastOnce(t *testing.T) {
	t.Parallel()
	h := &heard{}
	hooks := h.hooks()
	hooks.PreSignUp = vouch
	k := openOn(t, &forgetful{Store: memory.New()}, with(hooks))
	k.join(ada)
	k.done(ada)
	waitFor(t, func() bool {
		sources := map[hook.Source]bool{}
		for _, e := range h.all() {
			sources[e.Source] = true
		}
		return len(sources) == 2
	})
}

// forgetful is a store whose answers to commits are lost, all of them.
type forgetful struct{ storage.Store }

func (f *forgetful) Commit(ctx context.Context, changes ...storage.Change) error {
	if err := f.Store.Commit(ctx, changes...); err != nil || settles(changes) {
		return err
	}
	return storage.ErrUnknown
}

func (f *forgetful) Ephemeral() bool { return true }

// The events of what no Post hook is there for cost nothing.
func TestNoHookWritesNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.store.reset()
	k.done(ada)
	if _, commits := k.store.counted(); kinds(commits)["PutRecord*storage.Outgoing"] != 0 {
		t.Errorf("a sign-in wrote %v", kinds(commits))
	}
}

// However much waits for one hook, such as one that no process has any more, the other runs.
func TestS8_BacklogsHoldUpNoOtherHook(t *testing.T) {
	t.Parallel()
	h := &heard{}
	sets := []hook.Set{
		{PreSignUp: vouch, PostAuthentication: h.hooks().PostAuthentication},
		{PreSignUp: vouch, PostConfirmation: h.hooks().PostConfirmation},
	}
	ns := nodes(t, memory.New(), 2, func(c *pool.Config) { c.Hooks, sets = sets[0], sets[1:] })
	ns[0].join(ada)
	for range 300 { // more than one look at the outbox finds
		ns[0].done(ada)
	}
	ns[0].clock.advance(time.Second)
	ns[1].join("bob@example.com")
	ns[1].run()
	if got := h.all(); len(got) != 1 || got[0].Source != hook.ConfirmSignUp {
		t.Errorf("behind a backlog of another hook %d are told", len(got))
	}
}

// slow is a store that takes its time to say what is due.
type slow struct{ storage.Store }

func (s slow) Due(ctx context.Context, of []user.PoolID, lane int, now time.Time, n int) ([]*storage.Outgoing, error) {
	due, err := s.Store.Due(ctx, of, lane, now, n)
	if len(due) > 0 {
		time.Sleep(3 * time.Second)
	}
	return due, err
}

// A Post hook that has failed pauses, also where what is due was read before it had and said after.
func TestS8_PostHooksPauseOnceTheyFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var began []time.Time
		h := &heard{say: func(context.Context, hook.Event) error {
			began = append(began, time.Now())
			time.Sleep(2 * time.Second)
			return errStaff
		}}
		k := openOn(t, slow{memory.New()}, bubble(hook.Set{PreSignUp: vouch, PostConfirmation: h.hooks().PostConfirmation}))
		k.join(ada)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(began) < 2 || began[1].Sub(began[0]) < 7*time.Second {
			t.Errorf("it ran at %v", began)
		}
	})
}

// unrenewed is a store that gives the lease of a hook once: of what comes of asking again nobody hears
// before they stop.
type unrenewed struct {
	storage.Store
	asked chan struct{} // takes one
}

func (u unrenewed) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	held, err := u.Store.Lease(ctx, l)
	if !strings.HasPrefix(l.Name, "hook/") || !l.Until.After(l.Now) {
		return held, err
	}
	select {
	case u.asked <- struct{}{}:
		return held, err
	default:
		<-ctx.Done()
		return false, ctx.Err()
	}
}

// A process that stops as it asks for its lease again keeps it until what it runs is done, or the next
// one would run that, too.
func TestS8_StoppingRunsNoPostHookTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first, second := &heard{}, &heard{}
		st := memory.New()
		c := pool.Config{Keys: ring(t, seal.Generate()), Sender: nothing, InsecureHash: &cheap}
		c.Hooks = hook.Set{PreSignUp: vouch, PostConfirmation: first.hooks().PostConfirmation}
		p, err := pool.Open(t.Context(), unrenewed{st, make(chan struct{}, 1)}, c)
		if err != nil {
			t.Fatal(err)
		}
		join := func(login string) {
			if _, err := p.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right}); err != nil {
				t.Fatal(err)
			}
		}
		join(ada)
		time.Sleep(14 * time.Second)
		first.set(func(context.Context, hook.Event) error { time.Sleep(4 * time.Second); return nil })
		join(ada2)
		time.Sleep(2 * time.Second) // past half of the lease
		join("eve@example.com")
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- p.Close(context.WithoutCancel(t.Context())) }()
		synctest.Wait()
		c.Hooks.PostConfirmation = second.hooks().PostConfirmation
		next, err := pool.Open(t.Context(), st, c)
		if err != nil {
			t.Fatal(err)
		}
		defer next.Close(context.WithoutCancel(t.Context()))
		if err := <-closed; err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		var told []string
		for _, e := range append(first.all(), second.all()...) {
			told = append(told, e.Username)
		}
		if want := []string{ada, ada2, "eve@example.com"}; !slices.Equal(told, want) {
			t.Errorf("told of %q, want %q", told, want)
		}
	})
}
