package pool

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Pool is an open user pool. Its methods are what a visitor may do; they are safe for concurrent
// use, in one process and in several on one store.
type Pool struct {
	config  Config // as checked
	store   storage.Store
	door    *password.Hasher
	gate    *gate.Gate
	holder  string // of leases: this handle
	state   atomic.Pointer[state]
	loading sync.Mutex // held while a newer state is read

	closed   atomic.Bool
	posted   atomic.Uint32 // messages put into the outbox by this process
	revoked  revocations
	since    storage.Cursor // where the feed was read to
	outbox   outbox
	refusals refusals
	hooks    bulkheads
	posters  []*poster
	signIns  *budget
	mails    *budget
	sealer   sealer
	stop     context.CancelFunc
	chores   sync.WaitGroup
}

// Open opens the pool that c names, and makes it if the store has none by that id. It starts the
// pool's chores (delivery of mail, sweeping, following other nodes, rotation of signing keys,
// writing down of refusals, sealing of events), which end with [Pool.Close]. The store stays the
// caller's to close, after the pool.
//
// It fails with a *[SettingsError] that lists all that is wrong with c, with [ErrNoKeyring], or with
// [ErrWrongKeyring].
func Open(ctx context.Context, st storage.Store, c Config) (*Pool, error) {
	c, err := c.check(st)
	if err != nil {
		return nil, err
	}
	door := password.NewHasher(c.MaxHashes)
	p := &Pool{config: c, store: st, door: door, holder: rand.Text(), hooks: newBulkheads()}
	p.outbox = outbox{Pool: p, wake: make(chan struct{}, 1), working: map[int]bool{}, sent: map[string]bool{}}
	p.refusals.Pool, p.sealer.Pool = p, p
	p.posters = newPosters(p)
	p.signIns, p.mails = newBudget(p, "sign-ins"), newBudget(p, "mails")
	p.gate = gate.New(c.Keys, door, decoy(c.hashing()))
	if err := p.establish(ctx); err != nil {
		return nil, fmt.Errorf("open pool %q: %w", c.ID, err)
	}
	if err := p.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("open pool %q: %w", c.ID, err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	if chore.Give(ctx, p.due) {
		return p, nil // a test runs them
	}
	p.chores.Go(func() { p.outbox.deliver(running) })
	p.chores.Go(func() { p.sweep(running) })
	p.chores.Go(func() { p.follow(running) })
	p.chores.Go(func() { p.rotate(running) })
	p.chores.Go(func() { p.refusals.run(running) })
	p.chores.Go(func() { p.sealer.run(running) })
	for _, r := range p.posters {
		p.chores.Go(func() { r.run(running) })
	}
	return p, nil
}

// Close ends the pool's chores, waits for the messages that are being sent and writes down what was
// refused, at most until ctx ends. What was not sent yet stays in the store for the next Open.
// Other calls fail with [ErrClosed] from then on. It may be called again.
func (p *Pool) Close(ctx context.Context) error {
	p.closed.Store(true)
	p.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.chores.Wait()
		if err := p.refusals.write(ctx, 0); err != nil {
			p.config.Logger.WarnContext(ctx, "refusals are lost", "pool", p.config.ID, "error", err)
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ID returns the name of the pool in its store.
func (p *Pool) ID() user.PoolID { return p.config.ID }

// Issuer returns what the pool's tokens name as their issuer.
func (p *Pool) Issuer() string { return p.config.Issuer }

// Settings returns the policy, with its defaults written out, as of the newest state that this
// process knows. What it points to is the pool's: do not change it.
func (p *Pool) Settings() Settings { return p.state.Load().settings }

// JWKS returns the public keys of the pool's tokens as a JSON Web Key Set (RFC 7517), as of the
// newest state that this process knows.
func (p *Pool) JWKS() []byte { return p.today().jwks }

// Verifier returns a verifier of the pool's access tokens for the given clients, or all of today's
// where none is named. Beside the signature and the claims it knows what was revoked: in this
// process at once, and elsewhere a second or two later (security.md T3: at most 5 s), for as long
// as the store can be read. A session that makes room for a user's hundred-and-first is not
// revoked: its access token lives on until it expires.
func (p *Pool) Verifier(clients ...string) (*token.Verifier, error) {
	if len(clients) == 0 {
		clients = p.state.Load().settings.clientIDs()
	}
	return token.NewVerifier(p.config.Issuer, token.Config{
		ClientIDs: clients, Use: token.Access, Keys: liveKeys{p}, Now: p.now, Revoked: p.revoked.covers,
	})
}

func (p *Pool) now() time.Time { return p.config.Now().UTC().Truncate(time.Microsecond) }

// decoy returns the hash that unknown users are judged against. Its digest matches no password.
func decoy(p password.Params) password.Hash {
	return password.Hash{Scheme: password.Argon2id, Params: p, Salt: make([]byte, 16), Digest: make([]byte, 32)}
}
