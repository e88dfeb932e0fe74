package password_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/password"
)

// witness is what is told of a door.
type witness struct {
	mu   sync.Mutex
	runs []password.Run
}

func (w *witness) see(_ context.Context, r password.Run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, r)
}

var light = password.Params{Memory: 8, Time: 1, Threads: 1}

// Whoever comes through an observed door is told of once, with how long they waited, and how it ended.
func TestObserved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := gather(t, 1) // full
		var w witness
		door := c.door.Observed(time.Now, w.see).For(password.From{Pool: "shop", Source: "192.0.2.1", Account: "ada@example.com"})
		gone, cancel := context.WithCancel(t.Context())
		go door.Verify(gone, password.Hash{Scheme: password.Argon2id, Params: light, Salt: make([]byte, 16), Digest: make([]byte, 32)}, password.New("secret"), password.FormNFC)
		go door.Hash(t.Context(), light, password.New("secret"))
		synctest.Wait()
		if running, waiting := door.Load(); running != 1 || waiting != 2 {
			t.Errorf("Load = %d, %d, want 1, 2", running, waiting)
		}
		time.Sleep(time.Second)
		cancel()
		synctest.Wait()
		time.Sleep(time.Second)
		c.leave()
		synctest.Wait()
		if len(w.runs) != 2 {
			t.Fatalf("told of %+v, want two", w.runs)
		}
		if r := w.runs[0]; r.Pool != "shop" || r.Waited != time.Second || r.Took != 0 || !errors.Is(r.Err, context.Canceled) {
			t.Errorf("who gave up = %+v", r)
		}
		if r := w.runs[1]; r != (password.Run{Pool: "shop", Waited: 2 * time.Second}) {
			t.Errorf("who waited = %+v", r)
		}
		if running, waiting := door.Load(); running != 0 || waiting != 0 {
			t.Errorf("Load = %d, %d, want none", running, waiting)
		}
	})
}

// One that is shed is told of, and one that is refused for what it is, is not: it never came to the
// door. Nobody is told of what comes by the door itself.
func TestObservedRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := gather(t, 1)
		defer c.leave()
		var w witness
		door := c.door.Observed(time.Now, w.see)
		heavy := password.Params{Memory: 256 << 10, Time: 10, Threads: 1}
		gone, cancel := context.WithCancel(t.Context())
		go c.door.Hash(gone, heavy, password.New("secret")) // takes all the places there are for a source
		synctest.Wait()
		_, err := door.Hash(t.Context(), heavy, password.New("secret"))
		if !errors.Is(err, password.ErrBusy) {
			t.Errorf("Hash at a full door = %v", err)
		}
		if _, err := door.Hash(t.Context(), password.Params{}, password.New("secret")); err == nil {
			t.Error("parameters of nothing are taken")
		}
		cancel()
		synctest.Wait()
		if len(w.runs) != 1 || !errors.Is(w.runs[0].Err, password.ErrBusy) || w.runs[0].Took != 0 {
			t.Errorf("told of %+v, want the one that was shed", w.runs)
		}
	})
}

// The place at the door is free again before anybody is told: who is slow to listen, or panics, holds
// up no other hash.
func TestObservedHoldsNoPlace(t *testing.T) {
	t.Parallel()
	bare := password.NewHasher(1)
	var running int
	door := bare.Observed(time.Now, func(context.Context, password.Run) {
		running, _ = bare.Load()
		panic("listening")
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("a panic of who listens is swallowed: whoever gives the function says what becomes of it")
			}
		}()
		door.Hash(t.Context(), light, password.New("secret"))
	}()
	if running != 0 {
		t.Errorf("%d hashes run while it is told, want none", running)
	}
	if _, err := bare.Hash(t.Context(), light, password.New("secret")); err != nil {
		t.Errorf("the next hash = %v", err)
	}
}

func ExampleHasher_Observed() {
	door := password.NewHasher(0).Observed(time.Now, func(_ context.Context, r password.Run) {
		fmt.Println("a hash for pool", r.Pool, "failed:", r.Err)
	})
	if _, err := door.For(password.From{Pool: "shop"}).Hash(context.Background(), light, password.New("secret")); err != nil {
		fmt.Println(err)
	}
	// Output: a hash for pool shop failed: <nil>
}
