package pool_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// ill is a store that can be made to fail, and may have a clock.
type ill struct {
	storage.Store
	mu                sync.Mutex
	reads, feed, time error
	hangs             bool
	ahead, slow       time.Duration // of its clock; of its answer
	clock             *clock
}

func (s *ill) make(f func(*ill)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s)
}

func (s *ill) fails(err *error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *err
}

func (s *ill) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	s.mu.Lock()
	hangs := s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return storage.Got{}, ctx.Err()
	}
	if err := s.fails(&s.reads); err != nil {
		return storage.Got{}, err
	}
	return s.Store.Read(ctx, p, w)
}

func (s *ill) Pools(ctx context.Context, q storage.PoolQuery) (storage.PoolPage, error) {
	if err := s.fails(&s.reads); err != nil {
		return storage.PoolPage{}, err
	}
	return s.Store.Pools(ctx, q)
}

func (s *ill) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	if err := s.fails(&s.feed); err != nil {
		return storage.Feed{}, err
	}
	return s.Store.Changed(ctx, since)
}

// Now is by a server whose answer takes its time, half of it on the way there.
func (s *ill) Now(context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.time != nil {
		return time.Time{}, s.time
	}
	s.clock.advance(s.slow / 2)
	now := s.clock.Now().Add(s.ahead)
	s.clock.advance(s.slow / 2)
	return now, nil
}

func (*ill) Ephemeral() bool { return true }

// patient opens a pool on a store that can be made ill. Its chores run by hand.
func patient(t *testing.T, change ...func(*pool.Config)) (*kit, *ill, *chores.Hand) {
	t.Helper()
	sick, hand := &ill{Store: memory.New(), clock: &clock{now: start}}, &chores.Hand{}
	c := pool.Config{Now: sick.clock.Now, InsecureHash: &cheap}
	for _, f := range change {
		f(&c)
	}
	p, err := pool.Open(chores.NewContext(t.Context(), hand), sick, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	return &kit{Pool: p, t: t, clock: sick.clock}, sick, hand
}

var errFire = errors.New("disk on fire")

// What is wrong is told all together; five seconds between the clocks is not wrong yet (security.md S14).
func TestS14_ClocksAreCompared(t *testing.T) {
	t.Parallel()
	k, sick, _ := patient(t)
	for name, tt := range map[string]struct {
		make  func(*ill)
		wants []error // all of them at once
	}{
		"sound":           {func(*ill) {}, nil},
		"cannot be read":  {func(s *ill) { s.reads = errFire }, []error{pool.ErrUnavailable, errFire}},
		"no clock":        {func(s *ill) { s.time = errFire }, []error{pool.ErrUnavailable, errFire}},
		"clock ahead":     {func(s *ill) { s.ahead = 5*time.Second + time.Microsecond }, []error{pool.ErrClock}},
		"clock late":      {func(s *ill) { s.ahead = -5*time.Second - time.Microsecond }, []error{pool.ErrClock}},
		"not quite ahead": {func(s *ill) { s.ahead = 5 * time.Second }, nil},
		"not quite late":  {func(s *ill) { s.ahead = -5 * time.Second }, nil},
		"two at once": {
			func(s *ill) { s.reads, s.ahead = errFire, time.Minute },
			[]error{pool.ErrUnavailable, errFire, pool.ErrClock},
		},
	} {
		sick.make(tt.make)
		err := k.Health(t.Context())
		if (err == nil) != (tt.wants == nil) {
			t.Errorf("%s: Health = %v, want %v", name, err, tt.wants)
		}
		for _, want := range tt.wants {
			if !errors.Is(err, want) {
				t.Errorf("%s: Health = %v, want %v", name, err, want)
			}
		}
		sick.make(func(s *ill) { s.reads, s.time, s.ahead = nil, nil, 0 })
	}
	if err := k.Health(t.Context()); err != nil {
		t.Errorf("Health once all is well again = %v", err)
	}
}

// A process that does not hear of revocations lets in whose session has ended: it says that it is
// ill until it hears of them again (security.md T3).
func TestT3_DeafProcessesAreIll(t *testing.T) {
	t.Parallel()
	k, sick, hand := patient(t)
	sick.make(func(s *ill) { s.feed = errFire })
	for _, step := range []struct {
		after time.Duration
		want  error
	}{{0, nil}, {5 * time.Second, nil}, {time.Microsecond, pool.ErrBehind}, {time.Hour, pool.ErrBehind}} {
		k.clock.advance(step.after)
		if err := hand.Run(t.Context()); !errors.Is(err, errFire) {
			t.Fatalf("chores = %v", err)
		}
		if err := k.Health(t.Context()); !errors.Is(err, step.want) {
			t.Errorf("%v later: Health = %v, want %v", step.after, err, step.want)
		}
	}
	sick.make(func(s *ill) { s.feed = nil })
	if err := k.Health(t.Context()); !errors.Is(err, pool.ErrBehind) {
		t.Errorf("before anything was heard: Health = %v, want ErrBehind", err)
	}
	if err := hand.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Health(t.Context()); err != nil {
		t.Errorf("after it was heard: Health = %v", err)
	}
}

func TestHealthOfTheClosed(t *testing.T) {
	t.Parallel()
	k, _, _ := patient(t)
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := k.Health(t.Context()); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("Health = %v, want ErrClosed", err)
	}
}

// What the way of the answer took counts for no difference between the clocks, on either side.
func TestS14_SlowAnswersAreNoSkew(t *testing.T) {
	t.Parallel()
	k, sick, hand := patient(t)
	for ahead, want := range map[time.Duration]error{
		9 * time.Second: nil, -9 * time.Second: nil, 11 * time.Second: pool.ErrClock, -11 * time.Second: pool.ErrClock,
	} {
		sick.make(func(s *ill) { s.slow, s.ahead = 8*time.Second, ahead }) // half of it on the way there
		err := k.Health(t.Context())
		if !errors.Is(err, want) || errors.Is(err, pool.ErrClock) != (want != nil) {
			t.Errorf("%v ahead after 8 s: Health = %v, want %v", ahead, err, want)
		}
		if err := hand.Run(t.Context()); err != nil { // the clock has moved
			t.Fatal(err)
		}
	}
}

// A clock that is wrong does not keep a pool from opening, but its log says so.
func TestS14_OpenComparesTheClocks(t *testing.T) {
	t.Parallel()
	for ahead, want := range map[time.Duration]bool{0: false, 5 * time.Second: false, -time.Hour: true, time.Hour: true} {
		log := &lockedBuffer{}
		sick := &ill{Store: memory.New(), clock: &clock{now: start}, ahead: ahead}
		p, err := pool.Open(t.Context(), sick, pool.Config{
			Now: sick.clock.Now, Logger: slog.New(slog.NewTextHandler(log, nil)), Sender: message.Log(nil),
		})
		if err != nil {
			t.Fatalf("%v: Open = %v", ahead, err)
		}
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(log.String(), "the clock"); got != want {
			t.Errorf("%v: the log says %q", ahead, log.String())
		}
	}
}

// A store that hangs is told of in time for whoever asks, as one that fails.
func TestHealthWhileTheStoreHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k, sick, _ := patient(t)
		sick.make(func(s *ill) { s.hangs = true })
		began := time.Now()
		err := k.Health(context.Background())
		if took := time.Since(began); !errors.Is(err, pool.ErrUnavailable) || took > 5*time.Second {
			t.Errorf("Health = %v after %v, want ErrUnavailable within 5 s", err, took)
		}
		gone, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := k.Health(gone); !errors.Is(err, pool.ErrUnavailable) || time.Since(began) > 6*time.Second {
			t.Errorf("Health with a context of a second = %v", err)
		}
	})
}

// However many ask at once, the store is asked once: whoever floods a health check takes it from
// nobody, also while it hangs.
func TestHealthIsLookedAtOnceForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s witness
		k, sick, _ := patient(t, s.observe)
		before := len(of[pool.StoreCall](&s))
		sick.make(func(s *ill) { s.hangs = true })
		var asking sync.WaitGroup
		short, hangUp := context.WithCancel(t.Context())
		asking.Go(func() { k.Health(short) })
		synctest.Wait()
		for range 10000 {
			asking.Go(func() {
				if err := k.Health(context.Background()); !errors.Is(err, pool.ErrUnavailable) {
					t.Errorf("Health = %v, want ErrUnavailable", err)
				}
			})
		}
		synctest.Wait()
		hangUp() // which is no answer for the others
		synctest.Wait()
		if err := k.Health(short); !errors.Is(err, pool.ErrUnavailable) {
			t.Errorf("Health for who has gone = %v", err)
		}
		asking.Wait()
		if n := len(of[pool.StoreCall](&s)) - before; n != 2 {
			t.Errorf("the store was read %d times, want twice: by who hung up, and by one of the others", n)
		}
		sick.make(func(s *ill) { s.hangs = false })
		if err := k.Health(t.Context()); err != nil {
			t.Errorf("Health once it answers again = %v", err)
		}
	})
}

// A process whose keyring lacks a key that others seal with cannot serve the pool.
func TestT8_HealthNeedsTheWholeKeyring(t *testing.T) {
	t.Parallel()
	st, hand, keys := memory.New(), &chores.Hand{}, []seal.Key{seal.Generate(), seal.Generate()}
	ring := func(keys ...seal.Key) *seal.Keyring {
		r, err := seal.New(keys...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	old, err := pool.Open(chores.NewContext(t.Context(), hand), st, pool.Config{Keys: ring(keys[0])})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close(context.Background())
	if err := old.Health(t.Context()); err != nil {
		t.Fatalf("before: Health = %v", err)
	}
	next, err := pool.Open(t.Context(), st, pool.Config{Keys: ring(keys[1], keys[0])})
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close(context.Background())
	if err := next.Health(t.Context()); err != nil {
		t.Errorf("with both keys: Health = %v", err)
	}
	if err := old.Health(t.Context()); !errors.Is(err, pool.ErrWrongKeyring) || !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("with the old key alone: Health = %v, want ErrWrongKeyring", err)
	}
}

// A pool that is broken or gone is ill alone: the directory serves the others.
func TestHealthOfADirectory(t *testing.T) {
	t.Parallel()
	broken := user.PoolID("broken")
	c := openCity(t, memory.New(), func(c *pool.DirectoryConfig) {
		c.Keyring = func(_ context.Context, id user.PoolID) (*seal.Keyring, error) {
			if id == broken {
				return nil, errFire
			}
			return cityKeys, nil
		}
	})
	p, gone := c.create("shop", pool.Settings{}), c.create("gone", pool.Settings{})
	if _, err := c.Create(t.Context(), operator, broken, issuerOf(broken), pool.Settings{}); !errors.Is(err, pool.ErrUnavailable) {
		t.Fatalf("Create = %v", err)
	}
	if err := c.Delete(t.Context(), operator, "gone"); err != nil {
		t.Fatal(err)
	}
	if err := gone.Health(t.Context()); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("a deleted pool: Health = %v, want ErrClosed", err)
	}
	if err := errors.Join(c.Health(t.Context()), p.Health(t.Context())); err != nil {
		t.Errorf("the directory, and a pool beside: Health = %v", err)
	}
	if st := c.Stats(); st.Pools != 1 || st.Loaded != 1 {
		t.Errorf("Stats = %+v", st)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Health(t.Context())); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("closed: Health = %v, want ErrClosed", err)
	}
}
