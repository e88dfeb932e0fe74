package pool_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// erased waits until nothing is left of a deleted pool.
func (c *city) erased(id user.PoolID) {
	c.t.Helper()
	until(c.t, "rows of a deleted pool are left", func() bool {
		left, err := c.store.Drop(context.Background(), id, 0)
		return err == nil && !left
	})
}

// TestS7_DeletedPoolIsOver: with the commit that deletes a pool all that it gave out is over, in this
// process at once and in others within seconds, and its neighbour does not notice.
func TestS7_DeletedPoolIsOver(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		c, node := openCity(t, st), openCity(t, st)
		gone, stays := c.kit(c.create("gone", pool.Settings{})), c.kit(c.create("stays", pool.Settings{}))
		elsewhere, err := node.Pool(t.Context(), "gone")
		if err != nil {
			t.Fatal(err)
		}
		gone.confirmed(ada)
		stays.confirmed("bob@example.com")
		over, lives := gone.done(ada), stays.done("bob@example.com")
		here, there := verifier(t, gone.Pool), verifier(t, elsewhere)
		for _, v := range []*token.Verifier{here, there} {
			if _, err := v.Verify(t.Context(), over.Tokens.Access.Reveal()); err != nil {
				t.Fatalf("Verify before: %v", err)
			}
		}
		if err := c.Delete(t.Context(), operator, "gone"); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		if _, err := here.Verify(t.Context(), over.Tokens.Access.Reveal()); err == nil {
			t.Error("a token of a deleted pool is good")
		}
		if jwks := string(gone.JWKS()); strings.Contains(jwks, "kid") {
			t.Errorf("a deleted pool publishes keys: %s", jwks)
		}
		for what, err := range map[string]error{
			"refresh": errorOfStep(gone.Refresh(t.Context(), pool.RefreshInput{Token: over.Tokens.Refresh})),
			"sign-in": errorOfStep(gone.signIn(ada, right)),
			"sign-up": func() error { _, err := gone.newcomer("new@example.com"); return err }(),
		} {
			if !errors.Is(err, pool.ErrClosed) {
				t.Errorf("%s = %v, want ErrClosed", what, err)
			}
		}
		for what, err := range map[string]error{
			"Pool":     errorOf(c.Pool(t.Context(), "gone")),
			"ByIssuer": errorOf(c.ByIssuer(t.Context(), issuerOf("gone"))),
			"Delete":   c.Delete(t.Context(), operator, "gone"),
		} {
			if !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("%s = %v, want ErrNotFound", what, err)
			}
		}
		until(t, "another process takes its tokens", func() bool {
			_, err := there.Verify(t.Context(), over.Tokens.Access.Reveal())
			return err != nil
		})
		if _, err := node.Pool(t.Context(), "gone"); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("Pool elsewhere = %v, want ErrNotFound", err)
		}
		c.erased("gone")
		if _, err := stays.refresh(lives); err != nil {
			t.Errorf("the neighbour's session: %v", err)
		}
		if _, err := verifier(t, stays.Pool).Verify(t.Context(), lives.Tokens.Access.Reveal()); err != nil {
			t.Errorf("the neighbour's token: %v", err)
		}
	})
}

// A process does not wait for the feed to tell it what a call has shown.
func TestDeletionIsSeenByWhoCalls(t *testing.T) {
	t.Parallel()
	st := memory.New()
	c, node := openCity(t, st), openCity(t, st)
	issuer := c.create("gone", pool.Settings{}).Issuer()
	p, err := node.ByIssuer(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Delete(t.Context(), operator, "gone"); err != nil {
		t.Fatal(err)
	}
	if err := errorOfStep(p.SignIn(t.Context(), pool.SignInInput{Username: ada, With: pool.Password{Value: right}})); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("sign-in = %v, want ErrClosed", err)
	}
	if _, err := node.ByIssuer(t.Context(), issuer); !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("ByIssuer = %v, want ErrNotFound", err)
	}
}

func verifier(t *testing.T, p *pool.Pool) *token.Verifier {
	t.Helper()
	v, err := p.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func errorOfStep(_ pool.Step, err error) error { return err }

// Protection keeps a pool until it is taken away, also one whose keyring is lost, which can be
// deleted then.
func TestDeletionProtection(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		c := openCity(t, st)
		p := c.create("acme", pool.Settings{DeletionProtection: true})
		lost := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Keyring = func(context.Context, user.PoolID) (*seal.Keyring, error) { return nil, errors.New("lost") }
		})
		for _, c := range []*city{c, lost} {
			if err := c.Delete(t.Context(), operator, "acme"); !errors.Is(err, pool.ErrNotAllowed) {
				t.Errorf("Delete of a protected pool = %v, want ErrNotAllowed", err)
			}
		}
		for _, tt := range []struct {
			actor pool.Actor
			id    user.PoolID
			want  error
		}{{pool.Actor{}, "acme", pool.ErrInvalid}, {operator, "none", pool.ErrNotFound}, {operator, "", pool.ErrNotFound}, {operator, "a/b", pool.ErrNotFound}} {
			if err := c.Delete(t.Context(), tt.actor, tt.id); !errors.Is(err, tt.want) {
				t.Errorf("Delete(%q) by %q = %v, want %v", tt.id, tt.actor.Name, err, tt.want)
			}
		}
		s, v, err := p.Admin(operator).Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s.DeletionProtection = false
		if err := p.Admin(operator).PutSettings(t.Context(), s, v); err != nil {
			t.Fatal(err)
		}
		if err := lost.Delete(t.Context(), operator, "acme"); err != nil {
			t.Errorf("Delete = %v", err)
		}
		c.erased("acme")
	})
}

// halting is a store that erases nothing while it is told so.
type halting struct {
	storage.Store
	mu    sync.Mutex
	stops bool
	calls int
}

func (s *halting) Drop(ctx context.Context, id user.PoolID, n int) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls++; s.stops && s.calls > 2 {
		return true, storage.ErrRetry
	}
	return s.Store.Drop(ctx, id, min(n, 3))
}

// What one process began to erase another finishes, a chunk at a time.
func TestDeletionGoesOn(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		slow := &halting{Store: st, stops: true}
		c := openCity(t, slow)
		p := c.create("acme", pool.Settings{})
		for i := range 5 {
			c.kit(p).confirmed(fmt.Sprintf("u%d@example.com", i))
		}
		if err := c.Delete(t.Context(), operator, "acme"); err != nil {
			t.Fatal(err)
		}
		until(t, "erasing began", func() bool { slow.mu.Lock(); defer slow.mu.Unlock(); return slow.calls > 2 })
		if err := c.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, err := st.Drop(t.Context(), "acme", 0); !left || err != nil {
			t.Fatalf("left %v, %v: this test resumes nothing", left, err)
		}
		openCity(t, st).erased("acme")
	})
}

// A pool is deleted while people sign in and up: whoever comes too late hears that it is closed, or
// loses the race, and nothing is left over.
func TestDeleteWhilePeopleSignIn(t *testing.T) {
	t.Parallel()
	onStores(t, func(t *testing.T, st storage.Store) {
		c := openCity(t, st, func(c *pool.DirectoryConfig) {
			c.Sender = message.SenderFunc(func(context.Context, message.Message) error { return nil })
		})
		p := c.create("acme", pool.Settings{})
		var running sync.WaitGroup
		began := make(chan struct{}, 8)
		for i := range 8 {
			running.Go(func() {
				for n := 0; ; n++ {
					login := fmt.Sprintf("u%d.%d@example.com", i, n)
					_, err := p.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right, Caller: from(i)})
					if n == 3 {
						began <- struct{}{}
					}
					if err == nil {
						_, err = p.SignIn(t.Context(), pool.SignInInput{Username: login, With: pool.Password{Value: wrong}, Caller: from(i)})
					}
					switch {
					case errors.Is(err, pool.ErrClosed):
						return
					case err != nil && !errors.Is(err, pool.ErrNotAuthorized) && !errors.Is(err, pool.ErrLimited):
						t.Errorf("meanwhile: %v", err)
						return
					}
				}
			})
		}
		for range 8 {
			<-began
		}
		if err := c.Delete(t.Context(), operator, "acme"); err != nil {
			t.Fatal(err)
		}
		running.Wait()
		c.erased("acme")
	})
}

// Who deletes a pool hears that it is deleted, and the log does, also where an answer was lost.
func TestDeleteWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, lost := range []error{storage.ErrRetry, storage.ErrUnknown} {
		synctest.Test(t, func(t *testing.T) {
			st := &storagetest.Faulty{Store: memory.New()}
			var log strings.Builder
			c := openCity(t, st, func(c *pool.DirectoryConfig) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			c.create("acme", pool.Settings{})
			time.Sleep(time.Minute)
			synctest.Wait()
			st.Set(storagetest.At("Commit", 1, storagetest.Fault{Err: lost, Done: errors.Is(lost, storage.ErrUnknown)}))
			if err := c.Delete(t.Context(), operator, "acme"); err != nil {
				t.Errorf("%v: Delete = %v", lost, err)
			}
			if !strings.Contains(log.String(), `msg="pool deleted" pool=acme actor=operator`) {
				t.Errorf("%v: the log says %q", lost, log.String())
			}
		})
	}
}

// A primary that no replica follows shows that a pool is deleted, and may take that along when it dies.
func TestDeletedIsNotOnlyRead(t *testing.T) {
	t.Parallel()
	st := &storagetest.Faulty{Store: memory.New()}
	c := openCity(t, st)
	c.create("acme", pool.Settings{})
	st.Set(func(_ context.Context, method string, _ []storage.Change) storagetest.Fault {
		if method == "Commit" || method == "Lease" {
			return storagetest.Fault{Err: storage.ErrUnknown, Done: true}
		}
		return storagetest.Fault{}
	})
	if err := c.Delete(t.Context(), operator, "acme"); !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("Delete on a primary that is alone = %v, want ErrUnavailable", err)
	}
}

// told is a store whose feed tells of all deleted pools, time and again, and that counts what is
// erased.
type told struct {
	storage.Store
	drops atomic.Int64
}

func (s *told) Changed(ctx context.Context, c storage.Cursor) (storage.Feed, error) {
	f, err := s.Store.Changed(ctx, c)
	all, _ := s.Store.Changed(ctx, "")
	for _, p := range all.Pools {
		if p.Deleted {
			f.Pools = append(f.Pools, p)
		}
	}
	return f, err
}

func (s *told) Drop(ctx context.Context, id user.PoolID, n int) (bool, error) {
	s.drops.Add(1)
	return s.Store.Drop(ctx, id, min(n, 5))
}

// Pools that a store has lost long ago hold up neither start nor what was deleted of late, and each
// is looked at once, however often a feed tells of it.
func TestErasedPoolsCostLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		st := &told{Store: memory.New()}
		for i := range 300 {
			id := user.PoolID(fmt.Sprint("old", i))
			if err := st.Commit(t.Context(), storage.Put(&storage.Pool{ID: id, Created: start})); err != nil {
				t.Fatal(err)
			}
			page, err := st.Pools(t.Context(), storage.PoolQuery{ID: id})
			if err != nil {
				t.Fatal(err)
			}
			if err := st.Commit(t.Context(), storage.Delete(page.Pools[0])); err != nil {
				t.Fatal(err)
			}
		}
		c := openCity(t, st)
		c.create("new", pool.Settings{})
		if err := c.Delete(t.Context(), operator, "new"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if left, err := st.Store.Drop(t.Context(), "new", 0); left || err != nil {
			t.Errorf("after ten seconds rows of a deleted pool are left: %v, %v", left, err)
		}
		time.Sleep(time.Hour)
		if n := st.drops.Load(); n > 310 {
			t.Errorf("%d times something was erased of 301 pools", n)
		}
	})
}

// A pool that is deleted while it is loaded, in vain, leaves nothing behind.
func TestDeletedWhileItFails(t *testing.T) {
	t.Parallel()
	st := memory.New()
	openCity(t, st).create("acme", pool.Settings{})
	asked, answer := make(chan struct{}), make(chan struct{})
	c := openCity(t, st, func(c *pool.DirectoryConfig) {
		c.Keyring = func(context.Context, user.PoolID) (*seal.Keyring, error) {
			asked <- struct{}{}
			<-answer
			return nil, errors.New("down")
		}
	})
	ended := make(chan error)
	go func() { _, err := c.Pool(t.Context(), "acme"); ended <- err }()
	<-asked
	if err := c.Delete(t.Context(), operator, "acme"); err != nil {
		t.Fatal(err)
	}
	close(answer)
	if err := <-ended; !errors.Is(err, pool.ErrNotFound) {
		t.Errorf("Pool = %v, want ErrNotFound", err)
	}
	if n, known := c.Failed(), c.Known(); n != 0 || known != 0 {
		t.Errorf("%d pools fail of %d, want none", n, known)
	}
}
