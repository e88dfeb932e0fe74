package pooltest

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
)

// Kit is an open pool with everything around it in the test's reach. What it is asked to arrange and
// cannot, fails the test at once, so its own methods are for the goroutine of the test; those of the
// Pool are for all.
type Kit struct {
	*pool.Pool
	Clock *Clock
	Mail  *Mail

	t       testing.TB
	store   storage.Store
	secrets map[string]password.Secret // by client, those that the kit has made
	sources atomic.Uint32              // how many network addresses were given out
}

// Option changes what [New] opens.
type Option func(*setup)

type setup struct {
	config pool.Config
	store  storage.Store
}

// WithConfig opens the pool with c. What c leaves out is made for the test: a keyring, and hashes
// that cost nothing. Those are refused for an https issuer, whose hashes therefore are real ones
// and slow.
//
// Now says at what time the [Clock] begins. A Sender is given every message before it is kept in
// [Kit.Mail], which one that it fails to send does not reach.
func WithConfig(c pool.Config) Option { return func(s *setup) { s.config = c } }

// WithStore opens the pool on st, which stays the caller's to close. The default is a memory store
// of its own. Two kits on one store are two nodes, and need a keyring in common (pool.Config.Keys).
func WithStore(st storage.Store) Option { return func(s *setup) { s.store = st } }

// cheap are the parameters of hashes in tests.
var cheap = password.Params{Memory: 8, Time: 1, Threads: 1}

// New opens a pool that is closed when the test ends.
func New(t testing.TB, options ...Option) *Kit {
	t.Helper()
	var s setup
	for _, o := range options {
		o(&s)
	}
	if s.store == nil {
		st := memory.New()
		t.Cleanup(func() { _ = st.Close() }) // memory has nothing to lose
		s.store = st
	}
	hand, box := new(chore.Hand), mailbox.New()
	k := &Kit{t: t, store: s.store, secrets: map[string]password.Secret{}}
	k.Clock = newClock(t, hand, s.config.Now)
	k.Mail = &Mail{t: t, hand: hand, box: box}
	p, err := pool.Open(chore.NewContext(t.Context(), hand), s.store, forTest(t, s.config, k.Clock, box))
	if err != nil {
		t.Fatalf("pooltest: %v", err)
	}
	k.Pool = p
	t.Cleanup(func() {
		if err := p.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("pooltest: close the pool: %v", err)
		}
	})
	return k
}

// forTest completes a config.
func forTest(t testing.TB, c pool.Config, clock *Clock, box *mailbox.Mailbox) pool.Config {
	t.Helper()
	c.Now = clock.tick
	c.Sender = copies(c.Sender, box)
	if c.InsecureHash == nil && !strings.HasPrefix(c.Issuer, "https:") {
		c.InsecureHash = &cheap
	}
	if c.Keys == nil {
		ring, err := seal.New(seal.Generate())
		if err != nil {
			t.Fatalf("pooltest: %v", err)
		}
		c.Keys = ring
	}
	return c
}

// copies returns a sender that keeps in the box what another one, if there is one, has sent.
func copies(sender message.Sender, box *mailbox.Mailbox) message.Sender {
	if sender == nil {
		return message.SenderFunc(box.Send) // in production too, which refuses a mailbox
	}
	return message.SenderFunc(func(ctx context.Context, m message.Message) error {
		if err := sender.Send(ctx, m); err != nil {
			return err
		}
		return box.Send(ctx, m)
	})
}
