package pool_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
)

// nothing is a sender that drops what it is given.
var nothing = message.SenderFunc(func(context.Context, message.Message) error { return nil })

// flaky is a sender that fails as it is told, and remembers what it was given.
type flaky struct {
	mu    sync.Mutex
	fail  error
	tried []message.Message
	sent  []message.Message
}

func (f *flaky) Send(_ context.Context, m message.Message) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tried = append(f.tried, m)
	if f.fail == nil {
		f.sent = append(f.sent, m)
	}
	return f.fail
}

func (f *flaky) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *flaky) counts() (tried, sent int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.tried), len(f.sent)
}

// A dead mail server loses nothing and blocks nobody: it is tried again, ever more rarely, under the
// same message id.
func TestOutboxRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{fail: errors.New("no route to host")}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.signUp(ada)
		time.Sleep(time.Hour)
		synctest.Wait()
		tried, sent := mail.counts()
		if sent != 0 || tried < 5 || tried > 15 {
			t.Errorf("tried %d times in an hour, want 5 to 15", tried)
		}
		mail.set(nil)
		time.Sleep(16 * time.Minute)
		synctest.Wait()
		if _, sent := mail.counts(); sent != 1 {
			t.Errorf("%d messages sent after the server came back, want 1", sent)
		}
		for _, m := range mail.tried {
			if m.ID != mail.tried[0].ID {
				t.Error("a repeat has another message id")
			}
		}
	})
}

func TestOutboxDropsWhatIsRefusedForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{fail: fmt.Errorf("no such mailbox: %w", message.ErrRefused)}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.signUp(ada)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if tried, _ := mail.counts(); tried != 1 {
			t.Errorf("tried %d times, want once", tried)
		}
	})
}

// A dead code is never sent: its message goes with its ticket (security.md T4).
func TestT4_DeadCodesAreNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mail := &flaky{fail: errors.New("down")}
		k := open(t, func(c *pool.Config) { c.Sender, c.Now = mail, time.Now })
		k.signUp(ada)
		time.Sleep(23 * time.Hour)
		mail.set(nil) // the next try would succeed, but only after the code's 24 hours
		k.signUp("bob@example.com")
		time.Sleep(time.Second)
		due, err := k.store.Store.Due(t.Context(), nil, -1, time.Now().Add(time.Hour), 10)
		if err != nil || len(due) > 1 {
			t.Fatalf("Due = %d messages, %v", len(due), err)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		left, err := k.store.Store.Due(t.Context(), nil, -1, time.Now().Add(100*time.Hour), 10)
		if err != nil || len(left) != 0 {
			t.Errorf("%d messages left, %v, want none", len(left), err)
		}
	})
}

// Two processes on one store do not send a message twice.
func TestOutboxSendsOnceAcrossProcesses(t *testing.T) {
	t.Parallel()
	mail := &flaky{}
	r := ring(t, seal.Generate())
	k := open(t, func(c *pool.Config) { c.Keys, c.Sender = r, mail })
	for range 3 {
		if _, err := reopen(t, k.store.Store, pool.Config{Keys: r, Sender: mail, Now: k.clock.Now}); err != nil {
			t.Fatal(err)
		}
	}
	const n = 20
	for i := range n {
		k.signUp(fmt.Sprintf("user%d@example.com", i))
	}
	waitFor(t, func() bool { _, sent := mail.counts(); return sent == n })
	due, err := k.store.Store.Due(t.Context(), nil, -1, k.clock.Now(), 100)
	if err != nil || len(due) != 0 {
		t.Errorf("Due after all was sent = %d, %v, want none", len(due), err)
	}
	if tried, _ := mail.counts(); tried != n {
		t.Errorf("tried %d times, want %d", tried, n)
	}
}

// The body in the store is sealed, and gone once it was sent.
func TestT4_OutboxBodiesAreSealed(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	mail := message.SenderFunc(func(ctx context.Context, m message.Message) error { <-stop; return nil })
	k := open(t, func(c *pool.Config) { c.Sender = mail })
	t.Cleanup(sync.OnceFunc(func() { close(stop) }))
	k.signUp(ada)
	var due []*storage.Outgoing
	waitFor(t, func() bool {
		due, _ = k.store.Store.Due(t.Context(), nil, -1, k.clock.Now(), 10)
		return len(due) == 1
	})
	if containsFold(string(due[0].Body), ada) || containsFold(string(due[0].Body), "code") {
		t.Error("the body can be read")
	}
}
