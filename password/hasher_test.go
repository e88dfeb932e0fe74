package password_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/userpool-go/userpool/password"
)

func TestHasher(t *testing.T) {
	t.Parallel()
	door, ctx := password.NewHasher(0), t.Context()
	h, err := door.Hash(ctx, cheap, password.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{"correct horse": true, "wrong": false} {
		if ok, err := door.Verify(ctx, h, password.New(typed), password.FormNFC); ok != want || err != nil {
			t.Errorf("Verify(%q) = %v, %v, want %v", typed, ok, err, want)
		}
	}
	if got := door.Count(); got != 3 {
		t.Errorf("Count = %d, want 3", got)
	}
	if _, err := door.Verify(ctx, h, password.New("a\u0308"), password.FormRaw); err != nil || door.Count() != 5 {
		t.Errorf("Count after a try in two forms = %d, %v, want 5", door.Count(), err)
	}
}

func TestHasherRefusesWithoutWork(t *testing.T) {
	t.Parallel()
	door, gone := password.NewHasher(1), t.Context()
	gone, cancel := context.WithCancel(gone)
	cancel()
	h, long := hash(t, "x"), password.New(strings.Repeat("x", 257))
	if _, err := door.Hash(t.Context(), cheap, long); !errors.Is(err, password.ErrTooLong) {
		t.Errorf("Hash of 257 characters: %v, want ErrTooLong", err)
	}
	if ok, err := door.Verify(t.Context(), h, long, password.FormNFC); ok || err != nil {
		t.Errorf("Verify of 257 characters = %v, %v, want a wrong password", ok, err)
	}
	bare := h
	bare.Digest = nil
	if ok, err := door.Verify(t.Context(), bare, password.New("x"), password.FormNFC); ok || !errors.Is(err, password.ErrHash) {
		t.Errorf("Verify without digest = %v, %v, want ErrHash", ok, err)
	}
	if _, err := door.Hash(gone, cheap, password.New("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash after the caller has gone: %v", err)
	}
	if ok, err := door.Verify(gone, h, password.New("x"), password.FormNFC); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("Verify after the caller has gone = %v, %v", ok, err)
	}
	if door.Count() != 0 {
		t.Errorf("Count = %d, want 0", door.Count())
	}
}

// Of many at once only so many are in the door, the queue is bounded, and each caller gets a verdict
// or a typed refusal.
func TestT9_DoorIsBounded(t *testing.T) {
	t.Parallel()
	const n, callers = 2, 400 // two at work and 128 in the queue
	door, params := password.NewHasher(n), password.Params{Memory: 4 << 10, Time: 2, Threads: 1}
	h, err := params.Hash(password.New("x"))
	if err != nil {
		t.Fatal(err)
	}
	gate := make(chan struct{})
	var right, busy atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			<-gate
			ok, err := door.Verify(t.Context(), h, password.New("x"), password.FormNFC)
			shed, isBusy := errors.AsType[*password.BusyError](err)
			switch {
			case ok && err == nil:
				right.Add(1)
			case !ok && isBusy && errors.Is(err, password.ErrBusy) && shed.RetryAfter > 0:
				busy.Add(1)
			default:
				t.Errorf("Verify = %v, %v, want a verdict or BusyError", ok, err)
			}
		})
	}
	close(gate)
	wg.Wait()
	if got := right.Load() + busy.Load(); got != callers || right.Load() < n+64*n || uint64(right.Load()) != door.Count() {
		t.Errorf("%d verdicts, %d shed, %d hashes, want %d answers, at least %d verdicts", right.Load(), busy.Load(), door.Count(), callers, n+64*n)
	}
	if runtime.GOMAXPROCS(0) == 1 {
		return
	}
	if ok, err := door.Verify(t.Context(), h, password.New("x"), password.FormNFC); !ok || err != nil {
		t.Errorf("after the crowd Verify = %v, %v", ok, err)
	}
}

// Who waits leaves when its context ends, and gives its place in the queue back.
func TestHasherWaitsNoLongerThanItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door, h := password.NewHasher(1), hash(t, "x")
		release := password.Occupy(door)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if ok, err := door.Verify(ctx, h, password.New("x"), password.FormNFC); ok || !errors.Is(err, context.Canceled) {
					t.Errorf("Verify = %v, %v, want context.Canceled", ok, err)
				}
			})
		}
		synctest.Wait() // all 64 wait now
		if _, err := door.Verify(t.Context(), h, password.New("x"), password.FormNFC); !errors.Is(err, password.ErrBusy) {
			t.Errorf("the 65th in the queue: %v, want ErrBusy", err)
		}
		cancel()
		wg.Wait()
		release()
		if ok, err := door.Verify(t.Context(), h, password.New("x"), password.FormNFC); !ok || err != nil {
			t.Errorf("with the queue gone Verify = %v, %v", ok, err)
		}
		if door.Count() != 1 {
			t.Errorf("Count = %d, want 1", door.Count())
		}
	})
}
