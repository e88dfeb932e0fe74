package pool_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// until waits for something that chores do.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after 20 s: %s", what)
		}
	}
}

// After a restart the mail of pools that nobody asks for is delivered, their events are sealed, and
// their keys follow each other.
func TestChoresOfPoolsThatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		first := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Sender = message.SenderFunc(func(context.Context, message.Message) error { return errors.New("down") })
		})
		for i := range 3 {
			k := first.kit(first.create(user.PoolID(fmt.Sprint("p", i)), pool.Settings{}))
			k.signUp(fmt.Sprintf("u%d@example.com", i))
		}
		if err := first.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := openCity(t, st)
		second.clock.advance(time.Minute) // what was not sent is tried again
		for i := range 3 {
			second.kit(nil).mails(fmt.Sprintf("u%d@example.com", i), 1)
			id := user.PoolID(fmt.Sprint("p", i))
			until(t, "events are sealed", func() bool {
				page, err := st.Events(t.Context(), id, storage.EventQuery{Unsealed: true})
				return err == nil && len(page.Events) == 0 && page.Seal != nil
			})
		}
		second.clock.advance(91 * 24 * time.Hour)
		for i := range 3 {
			until(t, "there is a second key", func() bool {
				page, err := st.Documents(t.Context(), user.PoolID(fmt.Sprint("p", i)), storage.DocumentQuery{Kind: "signing"})
				return err == nil && len(page.Documents) == 2
			})
		}
	})
}

// What one node writes into a pool the others seal and send too, each once.
func TestTwoDirectoriesShareTheChores(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		a := openCity(t, st)
		b := openCity(t, st, func(c *pool.DirectoryConfig) { c.Sender = a.box })
		var running sync.WaitGroup
		for i := range 4 {
			p := a.create(user.PoolID(fmt.Sprint("p", i)), pool.Settings{})
			q, err := b.Pool(t.Context(), p.ID())
			if err != nil {
				t.Fatal(err)
			}
			for n, p := range []*pool.Pool{p, q} {
				running.Go(func() {
					for m := range 5 {
						in := pool.SignUpInput{Username: fmt.Sprintf("u%d.%d.%d@example.com", i, n, m), Password: right}
						if _, err := p.SignUp(t.Context(), in); err != nil {
							t.Error(err)
						}
					}
				})
			}
		}
		running.Wait()
		for i := range 4 {
			id := user.PoolID(fmt.Sprint("p", i))
			for n := range 2 {
				for m := range 5 {
					a.kit(nil).mails(fmt.Sprintf("u%d.%d.%d@example.com", i, n, m), 1)
				}
			}
			until(t, "events are sealed", func() bool {
				page, err := st.Events(t.Context(), id, storage.EventQuery{Unsealed: true})
				return err == nil && len(page.Events) == 0
			})
			p, err := a.Pool(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := p.VerifyEvents(t.Context()); err != nil || !r.Intact() {
				t.Errorf("VerifyEvents = %+v, %v", r, err)
			}
		}
		if all := a.box.All(); len(all) != 40 {
			t.Errorf("%d messages of 40 were sent", len(all))
		}
	})
}

// A pool that cannot be served fails alone, with an error that says why, and is served again when it
// can be; its neighbours' mail goes out meanwhile.
func TestBrokenPoolFailsAlone(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		first := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Sender = message.SenderFunc(func(context.Context, message.Message) error { return errors.New("down") })
		})
		names := []user.PoolID{"denied", "panics", "exits", "none", "wrong", "newer", "fine"}
		for _, id := range names {
			first.kit(first.create(id, pool.Settings{})).signUp(string(id) + "@example.com")
		}
		if err := first.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		spoilSettings(t, st, "newer")
		foreign, err := seal.New(seal.Generate())
		if err != nil {
			t.Fatal(err)
		}
		var mended atomic.Bool
		c := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Keys = nil
			c.Keyring = func(_ context.Context, id user.PoolID) (*seal.Keyring, error) {
				switch {
				case mended.Load():
				case id == "denied":
					return nil, errors.New("no such key")
				case id == "panics":
					panic("keyring")
				case id == "exits":
					runtime.Goexit()
				case id == "none":
					return nil, nil
				case id == "wrong":
					return foreign, nil
				}
				return cityKeys, nil
			}
		})
		c.clock.advance(time.Minute)
		c.kit(nil).mails("fine@example.com", 1)
		for _, id := range names[:6] {
			_, err := c.Pool(t.Context(), id)
			_, settings := errors.AsType[*pool.SettingsError](err)
			want := errors.Is(err, pool.ErrUnavailable)
			switch id {
			case "wrong":
				want = errors.Is(err, pool.ErrWrongKeyring)
			case "newer":
				want = settings
			}
			if !want {
				t.Errorf("Pool(%q) = %v", id, err)
			}
		}
		p, err := c.Pool(t.Context(), "fine")
		if err != nil {
			t.Fatal(err)
		}
		c.kit(p).signUp("second@example.com")
		c.kit(p).mails("second@example.com", 1)
		if n := len(c.box.All()); n != 2 {
			t.Errorf("%d messages were sent, want those of the pool that is fine", n)
		}
		mended.Store(true)
		for _, id := range names[:5] {
			c.clock.advance(2 * time.Minute) // by then it is tried again
			until(t, "it is served again", func() bool { _, err := c.Pool(t.Context(), id); return err == nil })
			c.kit(nil).mails(string(id)+"@example.com", 1)
		}
	})
}

// spoilSettings stores settings that only a newer version knows.
func spoilSettings(t *testing.T, st storage.Store, id user.PoolID) {
	t.Helper()
	page, err := st.Documents(t.Context(), id, storage.DocumentQuery{Kind: "settings"})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range page.Documents {
		if d.ID != "pool" {
			continue
		}
		d.Body = []byte(`{"Format":99,"Unheard":true}`)
		if err := st.Commit(t.Context(), storage.Put(d)); err != nil {
			t.Fatal(err)
		}
	}
}

// A keyring that hangs for one pool holds up that one alone, and Close.
func TestHangingKeyring(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := memory.New()
		c := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Now = time.Now
			c.Keyring = func(ctx context.Context, id user.PoolID) (*seal.Keyring, error) {
				if id == "hangs" {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return cityKeys, nil
			}
		})
		if err := st.Commit(t.Context(), storage.Put(&storage.Pool{ID: "hangs", Issuer: issuerOf("hangs"), Created: start})); err != nil {
			t.Fatal(err)
		}
		fine := c.create("fine", pool.Settings{})
		var asked sync.WaitGroup
		for range 3 {
			asked.Go(func() {
				if _, err := c.Pool(t.Context(), "hangs"); !errors.Is(err, pool.ErrUnavailable) {
					t.Errorf("Pool = %v, want ErrUnavailable", err)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Pool(ctx, "hangs"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Pool for who waits a second = %v", err)
		}
		began := time.Now()
		c.kit(fine).signUp(ada)
		c.kit(fine).mails(ada, 1)
		if waited := time.Since(began); waited > 3*time.Second {
			t.Errorf("the mail of another pool took %v", waited)
		}
		asked.Wait()
	})
}

// Of many who ask for a pool that is not loaded, one loads it for all.
func TestColdPoolIsLoadedOnce(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		openCity(t, st).create("acme", pool.Settings{})
		var asked atomic.Int32
		c := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Keyring = func(context.Context, user.PoolID) (*seal.Keyring, error) { asked.Add(1); return cityKeys, nil }
		})
		var running sync.WaitGroup
		handles := make([]*pool.Pool, 64)
		for i := range handles {
			running.Go(func() {
				var err error
				if i%2 == 0 {
					handles[i], err = c.Pool(t.Context(), "acme")
				} else {
					handles[i], err = c.ByIssuer(t.Context(), issuerOf("acme"))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		running.Wait()
		for _, p := range handles {
			if p != handles[0] {
				t.Fatal("two handles of one pool")
			}
		}
		if n := asked.Load(); n != 1 {
			t.Errorf("it was loaded %d times", n)
		}
		c.clock.advance(time.Hour)
		c.Rest()
		if p, err := c.Pool(t.Context(), "acme"); p != handles[0] || err != nil {
			t.Errorf("beside a handle that somebody has there is another: %v", err)
		}
	})
}

// A flood of made-up hosts leaves nothing behind.
func TestUnknownIssuersAreNotRemembered(t *testing.T) {
	t.Parallel()
	c := openCity(t, memory.New())
	c.create("acme", pool.Settings{})
	for i := range 1000 {
		for _, err := range []error{
			errorOf(c.ByIssuer(t.Context(), fmt.Sprintf("https://h%d.example.com", i))),
			errorOf(c.Pool(t.Context(), user.PoolID(fmt.Sprint("h", i)))),
			errorOf(c.ByClient(t.Context(), pool.NewClientID())),
		} {
			if !errors.Is(err, pool.ErrNotFound) && !errors.Is(err, pool.ErrUnknownClient) {
				t.Fatal(err)
			}
		}
	}
	if n := c.Known(); n != 1 {
		t.Errorf("the directory knows %d pools of 1", n)
	}
}

func errorOf(_ *pool.Pool, err error) error { return err }

// TestS7_OutboxIsFairBetweenPools: pools with a backlog whose mail server hangs, however long, do not
// keep others waiting.
func TestS7_OutboxIsFairBetweenPools(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		release := make(chan struct{})
		box := mailbox.New()
		c := openCity(t, st, func(dc *pool.DirectoryConfig) {
			dc.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
				if strings.HasPrefix(m.Pool, "slow") {
					<-release
				}
				return box.Send(ctx, m)
			})
		})
		t.Cleanup(func() { close(release) })
		for i := range 3 {
			k := c.kit(c.create(user.PoolID(fmt.Sprint("slow", i)), pool.Settings{}))
			for n := range 40 {
				k.SignUp(t.Context(), pool.SignUpInput{Username: fmt.Sprintf("u%d@example.com", n), Password: right, Caller: from(n)})
			}
		}
		k := c.kit(c.create("quick", pool.Settings{}))
		k.signUp(ada)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		until(t, "the code of another pool", func() bool {
			for _, m := range box.All() {
				if m.Pool == "quick" {
					return true
				}
			}
			return ctx.Err() != nil
		})
	})
}

// TestPoolsHaveNoGoroutine: 500 open pools have those of one, and none is left after Close.
func TestPoolsHaveNoGoroutine(t *testing.T) {
	st := memory.New()
	before := runtime.NumGoroutine()
	c := openCity(t, st)
	c.create("p", pool.Settings{})
	one := runtime.NumGoroutine() - before
	for i := range 500 {
		c.create(user.PoolID(fmt.Sprint("p", i)), pool.Settings{})
	}
	until(t, "500 pools have more goroutines than one", func() bool { return runtime.NumGoroutine()-before <= one+1 })
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "goroutines are left after Close", func() bool { return runtime.NumGoroutine() <= before })
	for _, err := range []error{
		errorOf(c.Pool(t.Context(), "p1")), errorOf(c.Pool(t.Context(), "none")), errorOf(c.ByIssuer(t.Context(), issuerOf("p"))),
		errorOf(c.ByClient(t.Context(), pool.NewClientID())), errorOf(c.Create(t.Context(), operator, "q", issuerOf("q"), pool.Settings{})),
		c.Delete(t.Context(), operator, "p"),
	} {
		if !errors.Is(err, pool.ErrClosed) {
			t.Errorf("after Close: %v, want ErrClosed", err)
		}
	}
}
