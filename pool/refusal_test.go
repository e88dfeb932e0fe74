package pool_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
)

// told returns the events that name a reason, and of how many calls they tell.
func (k *kit) told(reason string) (events []pool.Event, calls int) {
	k.t.Helper()
	page, err := k.ListEvents(k.t.Context(), pool.EventQuery{})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, e := range page.Events {
		if e.Reason == reason {
			events, calls = append(events, e), calls+e.Count
		}
	}
	return events, calls
}

// sealless leaves out what the sealer adds.
func sealless(events []pool.Event) []pool.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Seal = 0
	}
	return events
}

// lock lets strangers guess until an account is locked.
func (k *kit) lock(login string) {
	for range 5 {
		k.signIn(login, wrong)
	}
}

// Calls that are refused without a verdict write nothing of their own. A minute's worth of those of
// one reason, network and user is one event with their number, which says nothing of browsers.
func TestT10_RefusalsAreGathered(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		id := k.user(ada).ID
		k.lock(ada)
		k.lock("nobody@example.com")
		k.store.reset()
		callers := []pool.Caller{
			{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "one"},
			{IP: netip.MustParseAddr("::ffff:192.0.2.1"), UserAgent: "two"},
			{IP: netip.MustParseAddr("2001:db8::1")},
			{IP: netip.MustParseAddr("2001:db8::2")},
			{IP: netip.MustParseAddr("2001:db8::3")},
			{},
		}
		for _, c := range callers {
			k.signInFrom(c, ada, right)
			k.signInFrom(c, "nobody@example.com", wrong)
		}
		if _, commits := k.store.counted(); len(commits) != 0 {
			t.Fatalf("refused calls made %d commits", len(commits))
		}
		k.clock.advance(time.Minute)
		waitFor(t, func() bool { _, n := k.told("locked"); return n >= 12 })
		want := map[string]int{
			fmt.Sprint(id, " 192.0.2.1"): 2, fmt.Sprint(id, " 2001:db8::"): 3, fmt.Sprint(id, " invalid IP"): 1,
			" 192.0.2.1": 2, " 2001:db8::": 3, " invalid IP": 1,
		}
		events, _ := k.told("locked")
		for _, e := range events {
			key := fmt.Sprint(e.User, " ", e.IP)
			if e.Count != want[key] || e.Kind != "sign_in" || e.Outcome != "refused" || e.UserAgent != "" || !e.Time.Equal(k.clock.Now()) {
				t.Errorf("event %+v, want the count %d", e, want[key])
			}
			delete(want, key)
		}
		if len(want) > 0 {
			t.Errorf("not told: %v", want)
		}
		before, _ := k.told("locked")
		k.signIn(ada, wrong) // locks it again
		k.signIn(ada, right)
		k.clock.advance(time.Minute)
		waitFor(t, func() bool { _, n := k.told("locked"); return n == 13 })
		if after, _ := k.told("locked"); len(after) != len(before)+1 || fmt.Sprint(sealless(after[:len(before)])) != fmt.Sprint(sealless(before)) {
			t.Errorf("events were changed: %v, then %v", before, after)
		}
		if report, err := k.VerifyEvents(t.Context()); err != nil || !report.Intact() {
			t.Errorf("VerifyEvents = %v, %v", report.Problems, err)
		}
	})
}

// A flood of refusals from everywhere takes a bounded number of events, and none of it is lost.
func TestT10_RefusalsAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.lock(ada)
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			for i := range 1000 {
				c := pool.Caller{IP: netip.AddrFrom4([4]byte{10, byte(n), byte(i / 256), byte(i)})}
				if _, err := k.signInFrom(c, ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("sign-in = %v, want it locked", err)
				}
			}
		})
	}
	wg.Wait()
	k.clock.advance(time.Minute)
	waitFor(t, func() bool { _, n := k.told("locked"); return n == 4000 })
	events, _ := k.told("locked")
	rest := 0
	for _, e := range events {
		if e.User == "" && !e.IP.IsValid() {
			rest = e.Count
		}
	}
	if len(events) > 257 || rest < 4000-256 {
		t.Errorf("%d events, of which the rest tells of %d", len(events), rest)
	}
}

// What was gathered is written when the pool is closed, and not before its time.
func TestT10_CloseWritesRefusals(t *testing.T) {
	t.Parallel()
	st := memory.New()
	k := openOn(t, st)
	k.lock(ada)
	for range 7 {
		k.signIn(ada, right)
	}
	if _, n := k.told("locked"); n != 0 {
		t.Errorf("%d refusals were told at once", n)
	}
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := st.Events(t.Context(), "default", storage.EventQuery{})
	if err != nil {
		t.Fatal(err)
	}
	last := slices.IndexFunc(page.Events, func(e *storage.Event) bool { return containsFold(string(e.Header), `"count":7`) })
	if len(page.Events) != 6 || last < 0 {
		t.Errorf("a closed pool has told in %d events, one of them the seven: %v", len(page.Events), last >= 0)
	}
}

// The reasons by which a call is refused without a verdict: each is told.
func TestT10_EveryRefusalIsTold(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	for range 100 {
		k.SignUp(t.Context(), pool.SignUpInput{Username: "eve@example.com", Password: right})
		k.signIn(fmt.Sprintf("user%d@example.com", len(k.box.To("eve@example.com"))), wrong)
	}
	for n := range 100 {
		k.signIn(fmt.Sprintf("user%d@example.com", n), wrong)
	}
	k.signIn(ada, right)
	confirm(k, ticket, "000000")
	k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada})
	k.clock.advance(time.Minute)
	for _, kind := range []string{"sign_up", "sign_in", "respond", "forgot_password"} {
		waitFor(t, func() bool {
			events, _ := k.told("network")
			for _, e := range events {
				if e.Kind == kind {
					return true
				}
			}
			return false
		})
	}
}

// lossy loses the answer to the first commit of refusals, and fails the second.
type lossy struct {
	storage.Store
	n atomic.Int32
}

func (l *lossy) Commit(ctx context.Context, changes ...storage.Change) error {
	if !onlyEvents(changes) {
		return l.Store.Commit(ctx, changes...)
	}
	switch l.n.Add(1) {
	case 1:
		if err := l.Store.Commit(ctx, changes...); err != nil {
			return err
		}
		return storage.ErrUnknown
	case 2:
		return errors.New("no answer")
	}
	return l.Store.Commit(ctx, changes...)
}

func (l *lossy) Ephemeral() bool { return true }

// Where an answer of the store was lost, no refusal is told twice, and none is forgotten.
func TestT10_RefusalsAreToldOnce(t *testing.T) {
	t.Parallel()
	st := &lossy{Store: memory.New()}
	k := openOn(t, st)
	k.lock(ada)
	for n := range 3 {
		k.signInFrom(from(n), ada, right)
	}
	k.clock.advance(time.Minute)
	waitFor(t, func() bool { return st.n.Load() >= 1 })
	k.signIn(ada, wrong) // locks it again
	k.signIn(ada, right)
	k.clock.advance(time.Minute)
	waitFor(t, func() bool { return st.n.Load() >= 4 })
	waitFor(t, func() bool { _, n := k.told("locked"); return n == 4 })
	if n := st.n.Load(); n != 4 {
		t.Errorf("%d commits, want one lost, one failed, one repeated, and that of the next minute", n)
	}
}
