package pool_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/userpool-go/userpool/storage/memory"
)

// limits opens a pool with small budgets.
func limits(l pool.LimitSettings) func(*pool.Config) {
	return func(c *pool.Config) { c.Settings = &pool.Settings{Limits: l} }
}

func limited(err error) bool {
	_, ok := errors.AsType[*pool.LimitError](err)
	return ok
}

// flood guesses n times, each at another login from another network, and returns how many were
// judged.
func (k *kit) flood(n int) (judged int) {
	k.t.Helper()
	var wg sync.WaitGroup
	var n64 atomic.Int64
	for w := range 8 {
		wg.Go(func() {
			for i := w; i < n; i += 8 {
				_, err := k.signInFrom(from(i), fmt.Sprintf("u%d@example.com", i), wrong)
				switch {
				case errors.Is(err, pool.ErrNotAuthorized):
					n64.Add(1)
				case !limited(err):
					k.t.Errorf("guess %d = %v, want a verdict or a *LimitError", i, err)
				}
			}
		})
	}
	wg.Wait()
	return int(n64.Load())
}

// leases returns how often a process asked the store for a slice of a budget.
func (k *kit) leases() (n int) {
	_, commits := k.store.counted()
	for _, changes := range commits {
		if c, ok := changes[0].(storage.Count); ok && strings.HasPrefix(c.Key.Name, "budget:") {
			n++
			if len(changes) > 1 {
				k.t.Errorf("a lease rides in a commit of %d changes", len(changes))
			}
		}
	}
	return n
}

// Guesses from ever so many networks are bounded for a pool as a whole, in all its processes, to
// within a slice for each. Known devices still get in; everybody does when ten seconds are over.
func TestT6_PoolHasABudget(t *testing.T) {
	t.Parallel()
	const (
		share = 150 // of ten seconds, for all
		slice = 7
	)
	ns := nodes(t, memory.New(), 3, limits(pool.LimitSettings{SignIns: 20}))
	k := ns[0].kit
	k.confirmedBy(ns[0], ada)
	known := pool.Caller{Device: k.done(ada).Device}
	for window := range 3 {
		judged := 0
		for _, n := range ns {
			n.store.reset()
			judged += n.flood(400)
		}
		if judged < share-slice || judged > share+len(ns)*slice {
			t.Errorf("window %d: %d guesses were judged, want %d, and at most a slice of %d more for each process", window, judged, share, slice)
		}
		leases := ns[0].leases() + ns[1].leases() + ns[2].leases()
		if leases > 30 {
			t.Errorf("window %d: the store was asked for %d slices", window, leases)
		}
		for _, n := range ns {
			_, err := n.signInFrom(from(1), ada, right)
			if l, ok := errors.AsType[*pool.LimitError](err); !ok || l.Until.Sub(k.clock.Now()) > 10*time.Second {
				t.Errorf("a stranger with the right password = %v, want a *LimitError of ten seconds", err)
			}
			if _, err := n.signInFrom(known, ada, right); err != nil {
				t.Errorf("the known device: %v", err)
			}
		}
		k.clock.advance(10 * time.Second)
	}
}

// confirmedBy makes login a user of a node whose chores the test runs.
func (k *kit) confirmedBy(n *node, login string) {
	k.t.Helper()
	ticket := k.signUp(login)
	n.run()
	if err := confirm(k, ticket, k.box.Code(login)); err != nil {
		k.t.Fatal(err)
	}
}

// The share of known devices is a budget too, and a device of one user has no part in it at another.
func TestT6_KnownDevicesShareIsBounded(t *testing.T) {
	t.Parallel()
	k := open(t, limits(pool.LimitSettings{SignIns: 2})) // 15 for all in ten seconds, 5 for known devices
	k.confirmed(ada)
	k.confirmed("bob@example.com")
	known := pool.Caller{Device: k.done(ada).Device}
	k.flood(60)
	if _, err := k.signInFrom(known, "bob@example.com", right); !limited(err) {
		t.Errorf("ada's device at bob's account = %v, want a *LimitError", err)
	}
	in := 0
	for range 20 {
		if _, err := k.signInFrom(known, ada, right); err == nil {
			in++
		} else if !limited(err) {
			t.Fatal(err)
		}
	}
	if in < 5 || in > 6 {
		t.Errorf("the known device got in %d times, want 5 and at most a slice of 1 more", in)
	}
}

// Whoever has an account and a device of it cannot spend what is kept for the devices of all.
func TestT6_OneAccountLeavesOthersTheirShare(t *testing.T) {
	t.Parallel()
	const mallory = "mallory@example.com"
	k := open(t, limits(pool.LimitSettings{SignIns: 8})) // 60 for all in ten seconds, 20 for known devices
	k.confirmed(ada)
	k.confirmed(mallory)
	own, hers := pool.Caller{Device: k.done(ada).Device}, pool.Caller{Device: k.done(mallory).Device}
	k.flood(100)
	in := 0
	for range 30 {
		if _, err := k.signInFrom(hers, mallory, right); err == nil {
			in++
		}
	}
	if _, err := k.signInFrom(own, ada, right); err != nil || in != 10 {
		t.Errorf("one account got in %d times, want 10; another after that = %v", in, err)
	}
	k.clock.advance(10 * time.Second)
	k.flood(100)
	if _, err := k.signInFrom(hers, mallory, right); err != nil {
		t.Errorf("ten seconds later = %v", err)
	}
}

// Sign-ups and forgotten passwords have one budget, apart from that of sign-ins.
func TestT6_MailsHaveABudget(t *testing.T) {
	t.Parallel()
	k := open(t, limits(pool.LimitSettings{Mails: 4})) // 30 in ten seconds
	k.confirmed(ada)
	k.signUp("open@example.com")
	known := pool.Caller{Device: k.done(ada).Device}
	through := 2
	for n := range 50 {
		var err error
		login := fmt.Sprintf("u%d@example.com", n)
		if n%2 == 0 {
			_, err = k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right, Caller: from(n)})
		} else {
			_, err = k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: login, Caller: from(n)})
		}
		if err == nil {
			through++
		} else if !limited(err) {
			t.Fatal(err)
		}
	}
	if through < 30 || through > 31 {
		t.Errorf("%d went through, want 30 and at most a slice of 1 more", through)
	}
	for _, login := range []string{ada, "open@example.com", "nobody@example.com"} {
		if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: login, Caller: from(1)}); !limited(err) {
			t.Errorf("%s: forgot = %v, want a *LimitError", login, err)
		}
		if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right, Caller: from(1)}); !limited(err) {
			t.Errorf("%s: sign-up = %v, want a *LimitError", login, err)
		}
	}
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada, Caller: known}); err != nil {
		t.Errorf("the owner's known device forgot: %v", err)
	}
	if _, err := k.signIn(ada, right); err != nil {
		t.Errorf("sign-in: %v", err)
	}
}

// One network that knocks at a locked account again and again takes nothing of the pool's budget:
// each judged guess of it counts against the network.
func TestT6_LocksTakeNothingOfTheBudget(t *testing.T) {
	t.Parallel()
	k := open(t, limits(pool.LimitSettings{SignIns: 4}))
	k.confirmed(ada)
	for range 200 {
		if _, err := k.signInFrom(from(1), "bob@example.com", wrong); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Fatalf("guess at a locked account = %v", err)
		}
	}
	if _, err := k.signInFrom(from(2), ada, right); err != nil {
		t.Errorf("another network: %v", err)
	}
}

// A budget that is used up looks the same whoever is behind an address, and whether or not it is
// locked.
func TestS19_SpentBudgetDoesNotTell(t *testing.T) {
	t.Parallel()
	want := ""
	for _, state := range []string{"absent", "attempt", "confirmed", "disabled", "reset required", "forced change", "external"} {
		for _, locked := range []bool{false, true} {
			k := open(t, limits(pool.LimitSettings{SignIns: 4, Mails: 4}))
			states[state](k, ada)
			if locked {
				k.lock(ada)
			}
			k.flood(60)
			for n := range 40 {
				k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: fmt.Sprintf("u%d@example.com", n), Caller: from(n)})
			}
			k.store.reset()
			k.hashed = k.Hashes()
			_, in := k.signIn(ada, right)
			_, up := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right})
			_, forgot := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada})
			reads, commits := k.store.counted()
			got := fmt.Sprintf("%d hashes, %d reads, %v\n%v\n%v\n%v", k.Hashes()-k.hashed, reads, kinds(commits), in, up, forgot)
			if want == "" {
				want = got
			}
			if got != want || !limited(in) || !limited(up) || !limited(forgot) {
				t.Errorf("%s, locked %v:\n%s\nwant as for nobody:\n%s", state, locked, got, want)
			}
		}
	}
}

// Whoever is refused by it is told to the operator.
func TestT10_SpentBudgetIsTold(t *testing.T) {
	t.Parallel()
	k := open(t, limits(pool.LimitSettings{SignIns: 4}))
	judged := k.flood(60)
	k.clock.advance(time.Minute)
	waitFor(t, func() bool { _, n := k.told("pool"); return n == 60-judged })
}

// stuck is a store whose leases of budgets hang, and then fail.
type stuck struct {
	storage.Store
	asked atomic.Int32
	gate  chan error
}

func (s *stuck) Commit(ctx context.Context, changes ...storage.Change) error {
	if c, ok := changes[0].(storage.Count); ok && strings.HasPrefix(c.Key.Name, "budget:") {
		s.asked.Add(1)
		if err := <-s.gate; err != nil {
			return err
		}
	}
	return s.Store.Commit(ctx, changes...)
}

func (s *stuck) Ephemeral() bool { return true }

// While a slice is asked for, others wait for the same one; who gives up waiting goes, and where
// the store fails nobody is told that the pool has had enough, nor waits for it again.
func TestT6_OneCallLeasesForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := &stuck{Store: memory.New(), gate: make(chan error)}
		k := openOn(t, st, bubble(hook.Set{}), limits(pool.LimitSettings{SignIns: 100})) // slices of 37
		for n := range 37 {
			k.signInFrom(from(n), fmt.Sprintf("u%d@example.com", n), wrong)
		}
		errs := make(chan error)
		guess := func(ctx context.Context, n int) {
			_, err := k.SignIn(ctx, pool.SignInInput{Username: fmt.Sprintf("v%d@example.com", n), With: pool.Password{Value: wrong}, Caller: from(n)})
			errs <- err
		}
		hear := func(n int, what string, want error) {
			t.Helper()
			for range n {
				if err := <-errs; !errors.Is(err, want) {
					t.Errorf("%s = %v, want %v", what, err, want)
				}
			}
		}
		for n := range 10 {
			go guess(t.Context(), n)
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		go guess(ctx, 10)
		synctest.Wait()
		cancel()
		hear(1, "who gave up", context.Canceled)
		st.gate <- errors.New("no answer")
		hear(10, "who asked or waited in vain", pool.ErrUnavailable)
		for n := range 10 {
			go guess(t.Context(), n)
		}
		synctest.Wait()
		st.gate <- nil
		hear(10, "who waited", pool.ErrNotAuthorized)
		if n := st.asked.Load(); n != 2 {
			t.Errorf("the store was asked %d times for one slice", n)
		}
	})
}

func TestLimitsHaveBounds(t *testing.T) {
	t.Parallel()
	for _, l := range []pool.LimitSettings{{SignIns: -1}, {Mails: -1}, {SignIns: 1_000_001}, {Mails: 2_000_000_000}, {SignIns: -2_000_000_000}} {
		_, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &pool.Settings{Limits: l}})
		if e, ok := errors.AsType[*pool.SettingsError](err); !ok || len(e.Problems) != 1 {
			t.Errorf("%+v = %v, want one problem", l, err)
		}
	}
	for _, l := range []pool.LimitSettings{{}, {SignIns: 1, Mails: 1}, {SignIns: 1_000_000, Mails: 1_000_000}} {
		k := open(t, limits(l))
		k.confirmed(ada)
		k.done(ada)
	}
}

// A clock that was ahead and goes back leaves nobody refused until it has caught up, and what was
// refused is told.
func TestT6_BudgetSurvivesTheClock(t *testing.T) {
	t.Parallel()
	n := nodes(t, memory.New(), 1, limits(pool.LimitSettings{SignIns: 1}))[0]
	n.clock.advance(day)
	for i := range 20 {
		n.signInFrom(from(i), fmt.Sprintf("u%d@example.com", i), wrong)
	}
	n.clock.advance(-day)
	if _, err := n.signInFrom(from(99), "bob@example.com", wrong); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after the clock went back = %v, want ErrNotAuthorized", err)
	}
	n.run()
	page, err := n.ListEvents(t.Context(), pool.EventQuery{})
	if err != nil || !slices.ContainsFunc(page.Events, func(e pool.Event) bool { return e.Reason == "pool" }) {
		t.Errorf("of %d events none tells of refusals, %v", len(page.Events), err)
	}
}
