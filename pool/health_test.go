package pool_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
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
