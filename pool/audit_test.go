package pool_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// forged is a store whose events somebody who can write the database has changed.
type forged struct {
	storage.Store
	mu    sync.Mutex
	forge func(storage.EventQuery, *storage.EventPage)
}

func (f *forged) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	page, err := f.Store.Events(ctx, p, q)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.forge != nil {
		f.forge(q, &page)
	}
	return page, err
}

func (f *forged) by(forge func(storage.EventQuery, *storage.EventPage)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forge = forge
}

// history signs ada up and in, and refreshes, so that there are four seals, and one event in none.
func history(t *testing.T, n *node) {
	t.Helper()
	d := n.newcomer(ada) // the sign-up is sealed as the mail goes out
	n.run()
	for range 2 {
		for range 3 {
			var err error
			if d, err = n.refresh(d); err != nil {
				t.Fatal(err)
			}
			n.clock.advance(time.Second)
		}
		n.run()
	}
	n.done(ada)
}

func verify(t *testing.T, p *pool.Pool, kept ...pool.SealHead) pool.EventReport {
	t.Helper()
	r, err := p.VerifyEvents(t.Context(), kept...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestT10_TamperingIsFound: whatever is changed of a sealed history is found, and where.
func TestT10_TamperingIsFound(t *testing.T) {
	t.Parallel()
	st := &forged{Store: memory.New()}
	n := nodes(t, st, 1)[0]
	history(t, n)
	r := verify(t, n.Pool)
	if r.Head.Number != 4 || r.Sealed != 9 || r.Unsealed != 1 || !r.Oldest.Equal(n.clock.Now()) || !r.Intact() {
		t.Fatalf("an untouched history: %+v", r)
	}
	stranger := ring(t, seal.Generate())
	ofSeal := func(n int64, change func(p *storage.EventPage)) func(storage.EventQuery, *storage.EventPage) {
		return func(q storage.EventQuery, p *storage.EventPage) {
			if q.Seal == n {
				change(p)
			}
		}
	}
	// what somebody without the ring can do at best: leaf and all made anew
	again := func(e *storage.Event) {
		sum := sha256.Sum256(append(bytes.Clone(e.Header), e.Personal...))
		e.Leaf = sum[:]
	}
	for name, tt := range map[string]struct {
		forge func(storage.EventQuery, *storage.EventPage)
		want  string // in one of the problems
		seal  int64
	}{
		"header changed": {ofSeal(3, func(p *storage.EventPage) {
			p.Events[0].Header = bytes.Replace(p.Events[0].Header, []byte("success"), []byte("refused"), 1)
		}), "contents were changed", 3},
		"header changed, leaf made anew": {ofSeal(3, func(p *storage.EventPage) {
			p.Events[0].Header = bytes.Replace(p.Events[0].Header, []byte("success"), []byte("refused"), 1)
			again(p.Events[0])
		}), "not made of these events", 3},
		"header is no header": {ofSeal(3, func(p *storage.EventPage) {
			p.Events[0].Header = append(p.Events[0].Header, '}')
			again(p.Events[0])
		}), "contents were changed", 3},
		"leaf changed":            {ofSeal(2, func(p *storage.EventPage) { p.Events[0].Leaf[0] ^= 1 }), "contents were changed", 2},
		"leaf cut":                {ofSeal(2, func(p *storage.EventPage) { p.Events[0].Leaf = nil }), "contents were changed", 2},
		"personal fields put":     {ofSeal(2, func(p *storage.EventPage) { p.Events[0].Personal = []byte("x") }), "contents were changed", 2},
		"of another user":         {ofSeal(2, func(p *storage.EventPage) { p.Events[0].User = "eve" }), "columns", 2},
		"of another kind":         {ofSeal(2, func(p *storage.EventPage) { p.Events[0].Kind = "sign_out" }), "columns", 2},
		"of another time":         {ofSeal(2, func(p *storage.EventPage) { p.Events[0].Time = p.Events[0].Time.Add(1000) }), "columns", 2},
		"of another pool":         {ofSeal(2, func(p *storage.EventPage) { p.Events[0].Pool = "other" }), "columns", 2},
		"under another id":        {ofSeal(2, func(p *storage.EventPage) { p.Events[0].ID = "x" }), "columns", 2},
		"event removed":           {ofSeal(4, func(p *storage.EventPage) { p.Events = p.Events[1:] }), "of 3 events and holds 2", 4},
		"all removed":             {ofSeal(4, func(p *storage.EventPage) { p.Events = nil }), "of 3 events and holds 0", 4},
		"removed and counted":     {ofSeal(4, func(p *storage.EventPage) { p.Events = p.Events[1:]; p.Seal.Count-- }), "not made of these events", 4},
		"event twice":             {ofSeal(4, func(p *storage.EventPage) { p.Events = append(p.Events, p.Events[0]) }), "of 3 events and holds 4", 4},
		"one in place of another": {ofSeal(4, func(p *storage.EventPage) { p.Events[1] = p.Events[0].Clone() }), "not made of these events", 4},
		"reordered":               {ofSeal(4, func(p *storage.EventPage) { slices.Reverse(p.Events) }), "not made of these events", 4},
		"seal removed":            {ofSeal(2, func(p *storage.EventPage) { p.Seal = nil }), "the seal is gone", 2},
		"seal and events removed": {ofSeal(2, func(p *storage.EventPage) { *p = storage.EventPage{} }), "the seal is gone", 2},
		"gap in the numbers":      {ofSeal(3, func(p *storage.EventPage) { p.Seal.Number = 4 }), "says that it is seal 4", 3},
		"time of a seal":          {ofSeal(3, func(p *storage.EventPage) { p.Seal.Time = p.Seal.Time.Add(time.Hour) }), "not made of these events", 3},
		"follows another":         {ofSeal(3, func(p *storage.EventPage) { p.Seal.Previous[0] ^= 1 }), "does not follow", 3},
		"follows nothing":         {ofSeal(3, func(p *storage.EventPage) { p.Seal.Previous = nil }), "does not follow", 3},
		"first follows":           {ofSeal(1, func(p *storage.EventPage) { p.Seal.Previous = make([]byte, 32) }), "does not follow", 1},
		"digest changed":          {ofSeal(3, func(p *storage.EventPage) { p.Seal.Digest[0] ^= 1 }), "keyring", 3},
		"MAC changed":             {ofSeal(3, func(p *storage.EventPage) { p.Seal.MAC[len(p.Seal.MAC)-1] ^= 1 }), "keyring", 3},
		"no MAC":                  {ofSeal(3, func(p *storage.EventPage) { p.Seal.MAC = nil }), "keyring", 3},
		"MAC of another ring": {ofSeal(3, func(p *storage.EventPage) {
			p.Seal.MAC = stranger.MAC("event seal v1", p.Seal.Digest)
		}), "keyring", 3},
		"newest seal removed": {func(q storage.EventQuery, p *storage.EventPage) {
			if q.Unsealed {
				p.Seal.Number = 3
			}
			if q.Seal == 4 {
				p.Seal = nil
			}
		}, "its events are left", 4},
		"unsealed event changed": {func(q storage.EventQuery, p *storage.EventPage) {
			if q.Unsealed {
				p.Events[0].Header[2]++
			}
		}, "contents were changed", 0},
	} {
		t.Run(name, func(t *testing.T) {
			st.by(tt.forge)
			r := verify(t, n.Pool)
			if !slices.ContainsFunc(r.Problems, func(p pool.EventProblem) bool {
				return p.Seal == tt.seal && strings.Contains(p.String(), tt.want)
			}) {
				t.Errorf("found %v, want %q of seal %d", r.Problems, tt.want, tt.seal)
			}
		})
	}
}

// TestT10_CutOffIsFoundFromOutside: the newest seals, taken away with their events, are missed by
// who kept a head outside.
func TestT10_CutOffIsFoundFromOutside(t *testing.T) {
	t.Parallel()
	st := &forged{Store: memory.New()}
	n := nodes(t, st, 1)[0]
	history(t, n)
	head := verify(t, n.Pool).Head
	if r := verify(t, n.Pool, head, pool.SealHead{}); !r.Intact() {
		t.Errorf("whole, with its own head: %v", r.Problems)
	}
	if r := verify(t, n.Pool, pool.SealHead{Number: head.Number, Digest: make([]byte, 32)}); r.Intact() {
		t.Error("another head is not missed")
	}
	st.by(func(q storage.EventQuery, p *storage.EventPage) {
		if q.Unsealed {
			*p = storage.EventPage{Seal: &storage.SealRecord{Number: 3}}
		}
		if q.Seal == 4 {
			*p = storage.EventPage{}
		}
	})
	if r := verify(t, n.Pool); !r.Intact() {
		t.Errorf("cut off: %v; want nothing, for nothing inside can tell", r.Problems)
	}
	if r := verify(t, n.Pool, head); r.Intact() {
		t.Error("cut off: a head that was kept outside does not tell")
	}
}

// TestT10_TamperedDatabase changes a SQLite file behind the pool's back.
func TestT10_TamperedDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "userpool.db")
	st, err := sqlite.Open(t.Context(), path, sqlite.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	n := nodes(t, st, 1)[0]
	history(t, n)
	head := verify(t, n.Pool).Head
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, tt := range []struct{ sql, want string }{
		{`SELECT 1`, ""},
		{`UPDATE userpool_events SET seal = 3 WHERE id = (SELECT min(id) FROM userpool_events WHERE seal = 4)`, "seal 4: it was made of 3 events and holds 2"},
		{`UPDATE userpool_events SET seal = 0 WHERE id = (SELECT min(id) FROM userpool_events WHERE seal = 2)`, "seal 2: it was made of 2 events and holds 1"},
		{`DELETE FROM userpool_seals WHERE number = 2`, "seal 2: the seal is gone"},
		{`DELETE FROM userpool_seals WHERE number = 4`, "seal 4: the seal is gone"},
	} {
		if _, err := db.ExecContext(t.Context(), tt.sql); err != nil {
			t.Fatal(err)
		}
		r := verify(t, n.Pool, head)
		found := slices.ContainsFunc(r.Problems, func(p pool.EventProblem) bool { return p.String() == tt.want })
		if tt.want == "" && !r.Intact() || tt.want != "" && !found {
			t.Errorf("%s: found %v, want %q", tt.sql, r.Problems, tt.want)
		}
	}
}

// TestT10_OneSealer: of several processes one seals, and another takes over when it is gone.
func TestT10_OneSealer(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 2)
	first, second := ns[0], ns[1]
	first.newcomer(ada)
	first.run()
	at := verify(t, first.Pool).Head.Number
	second.done(ada)
	second.run()
	if r := verify(t, second.Pool); r.Head.Number != at || r.Unsealed != 1 {
		t.Errorf("beside the sealer: %+v", r)
	}
	first.run()
	if r := verify(t, second.Pool); r.Head.Number != at+1 || r.Unsealed != 0 {
		t.Errorf("the sealer's turn: %+v", r)
	}
	first.clock.advance(11 * time.Second) // it was never heard of again
	second.done(ada)
	second.run()
	if r := verify(t, second.Pool); r.Head.Number != at+2 || r.Unsealed != 0 || !r.Intact() {
		t.Errorf("the heir's turn: %+v", r)
	}
}

// TestT10_RivalSealersKeepTheChain: processes that all believe to hold the lease make one chain.
func TestT10_RivalSealersKeepTheChain(t *testing.T) {
	t.Parallel()
	ns := nodes(t, anarchic{memory.New()}, 4)
	d := ns[0].newcomer(ada)
	var running sync.WaitGroup
	for _, n := range ns {
		running.Go(func() {
			for range 20 {
				if _, err := n.Account(t.Context(), d.Tokens.Access); err != nil {
					t.Error(err)
				}
				if _, err := n.signIn(ada, wrong); err == nil {
					t.Error("a wrong password is right")
				}
				n.run()
				if r := verify(t, n.Pool); !r.Intact() {
					t.Errorf("while others seal: %v", r.Problems)
				}
			}
		})
	}
	running.Wait()
	for _, n := range ns {
		n.run()
	}
	if r := verify(t, ns[0].Pool); !r.Intact() || r.Unsealed != 0 || r.Sealed == 0 {
		t.Errorf("%+v", r)
	}
}

// TestT10_SealedWithinASecond runs a pool as a program does, and looks at what its timers do.
func TestT10_SealedWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := open(t, func(c *pool.Config) { c.Now = time.Now })
		k.confirmed(ada)
		k.done(ada)
		time.Sleep(1100 * time.Millisecond)
		if r := verify(t, k.Pool); r.Unsealed != 0 || r.Sealed < 3 || !r.Intact() {
			t.Errorf("%+v", r)
		}
	})
}

// TestT10_HeadsAreHandedOutside as they are made, each once, in their order.
func TestT10_HeadsAreHandedOutside(t *testing.T) {
	t.Parallel()
	var heads []pool.SealHead
	n := nodes(t, memory.New(), 1, func(c *pool.Config) { c.Sealed = func(h pool.SealHead) { heads = append(heads, h) } })[0]
	history(t, n)
	for i, h := range heads {
		if h.Number != int64(i+1) {
			t.Errorf("head %d is of seal %d", i+1, h.Number)
		}
	}
	if r := verify(t, n.Pool, heads...); !r.Intact() || int64(len(heads)) != r.Head.Number {
		t.Errorf("%d heads: %+v", len(heads), r)
	}
}

// TestT10_LargeBacklog is sealed in batches of 5,000 at once.
func TestT10_LargeBacklog(t *testing.T) {
	t.Parallel()
	st := memory.New()
	n := nodes(t, st, 1)[0]
	n.newcomer(ada)
	n.run()
	at := verify(t, n.Pool).Head.Number
	page, err := st.Events(t.Context(), "default", storage.EventQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]storage.Change, 0, 100)
	for i := range 12_000 {
		e := page.Events[0].Clone() // as an event it is nonsense, and found
		e.ID, e.Seal = "backlog/"+strings.Repeat("x", i%50)+time.Duration(i).String(), 0
		if batch = append(batch, storage.Put(e)); len(batch) == cap(batch) {
			if err := st.Commit(t.Context(), batch...); err != nil {
				t.Fatal(err)
			}
			batch = batch[:0]
		}
	}
	n.run()
	r := verify(t, n.Pool)
	if r.Head.Number != at+3 || r.Unsealed != 0 {
		t.Errorf("seal %d after %d, %d left; want three more, none left", r.Head.Number, at, r.Unsealed)
	}
	if len(r.Problems) != 100 {
		t.Errorf("%d problems, want the first hundred", len(r.Problems))
	}
}
