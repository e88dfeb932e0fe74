package pool_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

const day = 24 * time.Hour

func keeps(d time.Duration) func(*pool.Config) {
	return func(c *pool.Config) { c.Settings = &pool.Settings{Events: pool.EventSettings{Keep: d}} }
}

// days lets events happen, and be sealed, on so many days.
func (n *node) days(count int) {
	n.t.Helper()
	for range count {
		n.signIn(ada, wrong)
		n.run()
		n.clock.advance(day)
	}
	n.run()
}

func (n *node) verified(kept ...pool.SealHead) pool.EventReport {
	n.t.Helper()
	r, err := n.VerifyEvents(n.t.Context(), kept...)
	if err != nil {
		n.t.Fatal(err)
	}
	return r
}

// What is older than the settings keep goes, by whole seals. The rest verifies from the anchor on,
// also with heads that were kept outside since, and the newest seal stays for ever.
func TestT10_RetentionLeavesAnAnchor(t *testing.T) {
	t.Parallel()
	t.Run("memory", func(t *testing.T) { t.Parallel(); retention(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		retention(t, st)
	})
}

func retention(t *testing.T, st storage.Store) {
	n := nodes(t, st, 1, keeps(3*day))[0]
	n.days(2)
	old := n.verified()
	if old.Dropped != 0 || old.Head.Number != 2 {
		t.Fatalf("after two days seal %d of %d was dropped", old.Dropped, old.Head.Number)
	}
	n.days(8)
	r := n.verified(old.Head)
	if !r.Intact() || r.Dropped != 7 || r.Head.Number != 10 || r.Sealed != 3 {
		t.Errorf("after ten days %d events are kept after seal %d of %d: %v", r.Sealed, r.Dropped, r.Head.Number, r.Problems)
	}
	page, err := n.ListEvents(t.Context(), pool.EventQuery{})
	if err != nil || len(page.Events) != 3 || page.Events[0].Time.Before(n.clock.Now().Add(-3*day)) {
		t.Errorf("%d events are listed, %v, want those of three days", len(page.Events), err)
	}
	n.clock.advance(100 * 365 * day)
	n.run()
	r = n.verified(r.Head)
	if !r.Intact() || r.Dropped != 9 || r.Sealed != 1 {
		t.Errorf("after a hundred years %d events are kept after seal %d: %v", r.Sealed, r.Dropped, r.Problems)
	}
	n.days(1)
	if r = n.verified(r.Head); !r.Intact() || r.Head.Number != 11 {
		t.Errorf("the next seal is %d: %v", r.Head.Number, r.Problems)
	}
	r.Head.Number, r.Head.Digest = r.Dropped, make([]byte, 32)
	if n.verified(r.Head).Intact() {
		t.Error("an anchor at another seal than was kept outside goes unseen")
	}
}

// By default events are kept for two years.
func TestT10_EventsAreKeptByDefault(t *testing.T) {
	t.Parallel()
	n := nodes(t, memory.New(), 1)[0]
	n.days(2)
	n.clock.advance(2*365*day - 2*day - time.Hour)
	n.run()
	if r := n.verified(); r.Dropped != 0 {
		t.Errorf("seal %d was dropped within two years", r.Dropped)
	}
	n.clock.advance(2 * time.Hour)
	n.run()
	if r := n.verified(); r.Dropped != 1 || !r.Intact() {
		t.Errorf("seal %d is the anchor after two years: %v", r.Dropped, r.Problems)
	}
}

// anchorOf returns the document that says what was dropped.
func (n *node) anchorOf() *storage.Document {
	n.t.Helper()
	page, err := n.store.Store.Documents(n.t.Context(), "default", storage.DocumentQuery{Kind: "event-anchor"})
	if err != nil || len(page.Documents) != 1 {
		n.t.Fatalf("%d anchors, %v", len(page.Documents), err)
	}
	return page.Documents[0]
}

// Whoever writes the database cannot drop more than the pool did, nor put back, forge, borrow or
// take away the anchor that would excuse it.
func TestT10_ForgedAnchorsAreFound(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(n *node, old *storage.Document){
		"more dropped":  func(n *node, _ *storage.Document) { n.trim(9) },
		"put back":      func(n *node, old *storage.Document) { n.write(old.Body) },
		"taken away":    func(n *node, _ *storage.Document) { n.must(storage.Delete(n.anchorOf())) },
		"empty":         func(n *node, _ *storage.Document) { n.write(nil) },
		"in the clear":  func(n *node, _ *storage.Document) { n.trim(9); n.write([]byte(`{"Number":9}`)) },
		"altered":       func(n *node, _ *storage.Document) { b := slices.Clone(n.anchorOf().Body); b[len(b)-1] ^= 1; n.write(b) },
		"of other keys": func(n *node, _ *storage.Document) { n.write(foreign(n.t.(*testing.T))) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := nodes(t, memory.New(), 1, keeps(3*day))[0]
			n.days(5)
			old := n.anchorOf()
			n.days(5)
			if r := n.verified(); !r.Intact() || r.Dropped != 7 {
				t.Fatalf("before it was forged: %d, %v", r.Dropped, r.Problems)
			}
			forge(n, old)
			if r := n.verified(); r.Intact() {
				t.Errorf("it goes unseen; seal %d is the anchor", r.Dropped)
			}
		})
	}
}

func (n *node) trim(number int64) {
	n.t.Helper()
	if _, err := n.store.Store.Trim(n.t.Context(), "default", number, 1000); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) must(changes ...storage.Change) {
	n.t.Helper()
	if err := n.store.Store.Commit(n.t.Context(), changes...); err != nil {
		n.t.Fatal(err)
	}
}

// write gives the anchor another body.
func (n *node) write(body []byte) {
	n.t.Helper()
	d := n.anchorOf()
	d.Body = body
	n.must(storage.Put(d))
}

// foreign returns the anchor of a pool of the same name and history under other keys.
func foreign(t *testing.T) []byte {
	t.Helper()
	m := nodes(t, memory.New(), 1, keeps(3*day), func(c *pool.Config) { c.Keys = ring(t, seal.Generate()) })[0]
	m.days(10)
	return m.anchorOf().Body
}

// beheaded hides every seal after the anchor.
type beheaded struct {
	storage.Store
	cut bool
}

func (b *beheaded) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	if b.cut {
		return storage.EventPage{}, nil
	}
	return b.Store.Events(ctx, p, q)
}

// An anchor with nothing after it shows that the rest was cut off.
func TestT10_AnchorAloneIsFound(t *testing.T) {
	t.Parallel()
	st := &beheaded{Store: memory.New()}
	n := nodes(t, st, 1, keeps(3*day))[0]
	n.days(10)
	st.cut = true
	if n.verified().Intact() {
		t.Error("a history that was cut off at the anchor goes unseen")
	}
}

// aged makes seals look older than they are, or fails to trim.
type aged struct {
	storage.Store
	by   time.Duration
	fail bool
	read int // pages of events
}

func (a *aged) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	a.read++
	page, err := a.Store.Events(ctx, p, q)
	if page.Seal != nil {
		page.Seal.Time = page.Seal.Time.Add(-a.by)
	}
	return page, err
}

func (a *aged) Trim(ctx context.Context, p user.PoolID, number int64, n int) (bool, error) {
	if a.fail {
		return false, errors.New("full disk")
	}
	return a.Store.Trim(ctx, p, number, n)
}

// Seals whose time somebody has changed are not dropped by it: what would prove it stays.
func TestT10_BrokenHistoryIsKept(t *testing.T) {
	t.Parallel()
	st := &aged{Store: memory.New()}
	n := nodes(t, st, 1, keeps(3*day))[0]
	n.days(2)
	st.by = 10 * day
	n.clock.advance(2 * time.Hour)
	if err := n.hand.Run(t.Context()); err == nil {
		t.Error("nobody is told that the history is broken")
	}
	before := st.read
	n.run()
	if st.read > before+2 {
		t.Errorf("%d pages were read again a moment later: who breaks a seal could have it verified every second", st.read-before)
	}
	st.by = 0
	if r := n.verified(); !r.Intact() || r.Dropped != 0 || r.Sealed != 2 {
		t.Errorf("%d events are left after seal %d: %v", r.Sealed, r.Dropped, r.Problems)
	}
}

// Where dropping stops half-way the history verifies, and the next round ends it.
func TestT10_RetentionStopsHalfWay(t *testing.T) {
	t.Parallel()
	st := &aged{Store: memory.New(), fail: true}
	n := nodes(t, st, 1, keeps(3*day))[0]
	for range 10 {
		n.signIn(ada, wrong)
		n.hand.Run(t.Context()) // fails to trim
		n.clock.advance(day)
	}
	if r := n.verified(); !r.Intact() || r.Dropped == 0 {
		t.Errorf("half-way, after seal %d: %v", r.Dropped, r.Problems)
	}
	st.fail = false
	n.run()
	page, err := n.ListEvents(t.Context(), pool.EventQuery{})
	if r := n.verified(); !r.Intact() || err != nil || len(page.Events) != 3 {
		t.Errorf("then %d events are left after seal %d, %v: %v", len(page.Events), r.Dropped, err, r.Problems)
	}
}

// However much there is to drop, as when a setting was lowered, a round takes a batch of it:
// sealing, which the same process does, goes on between.
func TestT10_RetentionGoesByBatches(t *testing.T) {
	t.Parallel()
	n := nodes(t, memory.New(), 1, keeps(3*day), with(hook.Set{PreSignUp: vouch}))[0]
	n.join(ada)
	for range 5000 {
		n.done(ada)
	}
	n.run()
	n.days(2)
	n.clock.advance(3 * day)
	n.run()
	first := n.verified()
	n.run()
	if r := n.verified(); !first.Intact() || first.Dropped != 1 || !r.Intact() || r.Dropped != 3 || r.Sealed != 1 {
		t.Errorf("seal %d is dropped, and seal %d a moment later: %v %v", first.Dropped, r.Dropped, first.Problems, r.Problems)
	}
}

// Many processes drop what one would.
func TestT10_ManyProcessesRetain(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 3, keeps(3*day))
	for i := range 12 {
		ns[i%3].signIn(ada, wrong)
		for _, n := range ns {
			n.run()
		}
		ns[0].clock.advance(day)
	}
	if r := ns[2].verified(); !r.Intact() || r.Dropped == 0 || r.Sealed < 3 || r.Sealed > 4 {
		t.Errorf("%d events are kept after seal %d: %v", r.Sealed, r.Dropped, r.Problems)
	}
}

func TestEventSettingsHaveBounds(t *testing.T) {
	t.Parallel()
	for _, d := range []time.Duration{-1, 1, day - 1, 101 * 365 * day, -1 << 63, 1<<63 - 1} {
		c := pool.Config{}
		keeps(d)(&c)
		_, err := pool.Open(t.Context(), memory.New(), c)
		if e, ok := errors.AsType[*pool.SettingsError](err); !ok || len(e.Problems) != 1 {
			t.Errorf("%v = %v, want one problem", d, err)
		}
	}
}
