package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// sealings is a store that notes which pools' events are sealed, in order, and tells of the first.
type sealings struct {
	storage.Store
	mu    sync.Mutex
	order []user.PoolID
	first func() // while the first seal is made
}

func (s *sealings) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		if seal, ok := c.(storage.Seal); ok {
			s.mu.Lock()
			first := s.first
			s.order, s.first = append(s.order, seal.Pool), nil
			s.mu.Unlock()
			if first != nil {
				first()
			}
		}
	}
	return s.Store.Commit(ctx, changes...)
}

// TestS7_SealersTakeTurns: events of a pool are sealed between those of another's backlog, also where
// they are written while it is being worked through.
func TestS7_SealersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := &sealings{Store: memory.New()}
		c := openCity(t, st, func(c *pool.DirectoryConfig) { c.Now = time.Now })
		c.create("much", pool.Settings{})
		little := c.create("little", pool.Settings{})
		time.Sleep(time.Minute) // what they were made with is sealed
		synctest.Wait()
		backlog(t, st.Store, "much", 12_000)
		st.mu.Lock()
		st.order, st.first = nil, func() { c.kit(little).signUp(ada) }
		st.mu.Unlock()
		time.Sleep(2 * time.Minute) // a round finds it
		synctest.Wait()
		st.mu.Lock()
		defer st.mu.Unlock()
		at, last := slices.Index(st.order, "little"), 0
		for i, id := range st.order {
			if id == "much" {
				last = i
			}
		}
		if at < 0 || at > last {
			t.Errorf("sealed were %v: a pool has waited for another's backlog", st.order)
		}
	})
}

// backlog leaves events of a pool in no seal.
func backlog(t *testing.T, st storage.Store, id user.PoolID, n int) {
	t.Helper()
	page, err := st.Events(t.Context(), id, storage.EventQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for first := range n / 100 {
		var batch []storage.Change
		for i := range 100 {
			e := page.Events[0].Clone()
			e.ID, e.Seal = fmt.Sprintf("backlog/%030d", first*100+i), 0
			batch = append(batch, storage.Put(e))
		}
		if err := st.Commit(t.Context(), batch...); err != nil {
			t.Fatal(err)
		}
	}
}

// Keyrings that hang hold up the hooks of other pools no longer than one of them does.
func TestHangingKeyringsHoldUpNoHook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		var down atomic.Bool
		heard := make(chan user.PoolID, 10)
		open := func() *city {
			return openCity(t, st, func(c *pool.DirectoryConfig) {
				c.Now = time.Now
				c.Keyring = func(ctx context.Context, id user.PoolID) (*seal.Keyring, error) {
					if down.Load() && id != "fine" {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return cityKeys, nil
				}
				c.Hooks.PostConfirmation = func(_ context.Context, e hook.PostConfirmation) error {
					if !down.Load() {
						return errors.New("not now")
					}
					heard <- e.Pool
					return nil
				}
			})
		}
		first := open()
		for i := range 41 {
			id := user.PoolID(fmt.Sprint("hangs", i))
			if i == 40 {
				id = "fine"
			}
			first.kit(first.create(id, pool.Settings{})).confirmed(string(id) + "@example.com")
		}
		if err := first.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		down.Store(true)
		began := time.Now()
		open()
		if id := <-heard; id != "fine" || time.Since(began) > 15*time.Second {
			t.Errorf("the hook of %q ran after %v", id, time.Since(began))
		}
	})
}
