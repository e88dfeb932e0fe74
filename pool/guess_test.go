package pool_test

import (
	"context"
	"encoding/base64"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// crowded is a store at which guesses of many visitors meet: all have read before the first
// commits, and then they come in any order.
type crowded struct {
	storage.Store
	arrive sync.WaitGroup // who has not read yet

	mu      sync.Mutex
	rand    *rand.Rand
	waiting int
	lose    int                // the answer to this commit is lost; 0 means none is
	counted int                // guesses, in commits that were done
	guesses storage.CounterKey // of the account
	network storage.CounterKey
}

func (c *crowded) Ephemeral() bool { return true }

// expect lets so many visitors read before any may commit.
func (c *crowded) expect(visitors, lose int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting, c.lose, c.counted = visitors, lose, 0
	c.arrive.Add(visitors)
}

func (c *crowded) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	got, err := c.Store.Read(ctx, p, w)
	if len(w.Counters) < 4 { // a chore, or a second look
		return got, err
	}
	c.mu.Lock()
	first := c.waiting > 0
	if first {
		c.waiting--
		c.arrive.Done()
	}
	c.mu.Unlock()
	if first {
		c.arrive.Wait()
	}
	return got, err
}

func (c *crowded) Commit(ctx context.Context, changes ...storage.Change) error {
	if chore(changes) {
		return c.Store.Commit(ctx, changes...)
	}
	c.mu.Lock()
	pause := c.rand.IntN(64)
	c.mu.Unlock()
	for range pause {
		runtime.Gosched()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.Store.Commit(ctx, changes...)
	if err != nil {
		return err
	}
	for _, change := range changes {
		n, ok := change.(storage.Count)
		switch {
		case ok && n.Rule.Base > 0:
			c.counted++
			c.guesses = n.Key
		case ok && n.Key.Name == "failures":
			c.network = n.Key
		}
	}
	if c.lose--; c.lose == 0 {
		return storage.ErrUnknown
	}
	return nil
}

const sourceWindow = 15 * time.Minute

// Of guesses at once, however far the counters of the account, of the ticket and of the network are
// apart, each is counted, or refused because of a lock that stands: and so none that is right
// passes beside more that were judged than T5 and S1 allow.
func TestT5_EveryGuessAtOnceIsCounted(t *testing.T) {
	t.Parallel()
	for name, g := range guessings {
		for kind, times := range map[string]int{"memory": 12, "sqlite": 2} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				for range times {
					seed := rand.Uint64()
					if guessAtOnce(t, kind, g, seed); t.Failed() {
						t.Fatalf("seed %#x", seed)
					}
				}
			})
		}
	}
}

func guessAtOnce(t *testing.T, kind string, g guessing, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	var st storage.Store = memory.New()
	if kind == "sqlite" {
		var err error
		if st, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{}); err != nil {
			t.Fatal(err)
		}
	}
	c := &crowded{Store: st, rand: rand.New(rand.NewPCG(seed, 1))}
	k := openOn(t, c)
	answers, ticket := g.begin(k)
	k.apart(r, c, answers[len(answers)-1])

	const visitors = 10
	lucky, luck := r.IntN(visitors), r.IntN(len(answers)-1)
	c.expect(visitors, r.IntN(2*visitors))
	var (
		all  sync.WaitGroup
		errs [visitors]error
	)
	for i := range errs {
		answer := answers[len(answers)-1]
		if i == lucky {
			answer = answers[luck]
		}
		all.Go(func() { errs[i] = answer() })
	}
	all.Wait()

	accounted := c.counted
	for _, err := range errs {
		if err == nil || errors.Is(err, pool.ErrTicketGone) {
			accounted++
		}
	}
	ended := g.ends && slices.Contains(errs[:], nil)
	if accounted < visitors && !ended && !k.locked(c.guesses, ticket) {
		t.Errorf("%d of %d guesses are accounted for, and no lock stands: %q", accounted, visitors, errs)
	}
}

// apart puts counters out of step: a wrong answer, then some more failures at the account alone,
// and of the network alone nearly as many as it has.
func (k *kit) apart(r *rand.Rand, c *crowded, wrongly func() error) {
	k.t.Helper()
	if err := wrongly(); err == nil {
		k.t.Fatal("a wrong answer passes")
	}
	free := storage.Rule{Free: 1000, Window: sourceWindow}
	n := k.counter(c.guesses).N
	k.use(storage.Count{Key: c.guesses, Rule: storage.Rule{Free: 5, Base: time.Second, Max: time.Hour}}, r.IntN(max(1, 5-int(n))))
	if r.IntN(3) > 0 {
		k.use(storage.Count{Key: c.network, Rule: free}, 93+r.IntN(5))
	}
}

// counter reads a counter.
func (k *kit) counter(key storage.CounterKey) storage.Counter {
	k.t.Helper()
	got, err := k.store.Store.Read(k.t.Context(), "default", storage.Want{Now: k.clock.Now(), Counters: []storage.CounterKey{key}})
	if err != nil {
		k.t.Fatal(err)
	}
	return got.Counters[0]
}

// locked reports whether a counter is, or a ticket's tries are used up.
func (k *kit) locked(guesses storage.CounterKey, ticket string) bool {
	tries := int64(0)
	if raw, err := base64.RawURLEncoding.DecodeString(ticket); err == nil && len(raw) > 16 {
		tries = k.counter(storage.CounterKey{Pool: "default", Owner: base64.RawURLEncoding.EncodeToString(raw[:16]), Name: "tries"}).N
	}
	return tries >= 5 || k.counter(guesses).Until.After(k.clock.Now())
}

// visitor is a test with the context of a visitor who may hang up.
type visitor struct {
	testing.TB
	ctx context.Context
}

func (v visitor) Context() context.Context { return v.ctx }

// looked is a store in which something happens after a visitor's first look, or after the second.
type looked struct {
	storage.Store
	first, second func()
}

func (l *looked) Ephemeral() bool { return true }

func (l *looked) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	got, err := l.Store.Read(ctx, p, w)
	then := &l.first
	if len(w.Counters) < 4 {
		then = &l.second
	}
	if f := *then; f != nil && (len(w.Tickets) == 0 || len(w.Counters) > 1) { // not of a chore
		*then = nil
		f()
	}
	return got, err
}

// A new password is hashed for what was right alone, and who waits for that has seen it: so it does
// not come to that where guessing has locked by then, and who hangs up meanwhile is counted.
func TestT5_WhatIsRightIsCountedBeforeItTakesTime(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"old password", "code to reset"} {
		g := guessings[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := &looked{Store: memory.New()}
			k := openOn(t, st)
			answers, _ := g.begin(k)
			key := storage.CounterKey{Pool: "default", Owner: string(k.user(ada).ID), Name: g.counter}
			wrongly := answers[len(answers)-1]
			before := k.Hashes()
			_ = wrongly()
			judging := k.Hashes() - before
			before = k.Hashes()
			st.first = func() {
				k.use(storage.Count{Key: key, Rule: storage.Rule{Free: 1, Base: time.Minute, Max: time.Hour}}, 1)
			}
			if err := answers[0](); !errors.Is(err, g.locked) || k.Hashes()-before != judging {
				t.Errorf("where guessing has locked = %v after %d hashes, want %v after %d", err, k.Hashes()-before, g.locked, judging)
			}
			k.clock.advance(2 * time.Minute)
			n := k.counter(key).N
			ctx, hangUp := context.WithCancel(t.Context())
			k.t, st.second = visitor{t, ctx}, hangUp
			if err := answers[0](); !errors.Is(err, context.Canceled) {
				t.Errorf("hung up = %v", err)
			}
			k.t = t
			if now := k.counter(key); now.Run != n+1 {
				t.Errorf("%d are counted, want %d", now.Run, n+1)
			}
		})
	}
}
