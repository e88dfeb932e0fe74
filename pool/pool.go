package pool

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Pool is an open user pool. Its methods are what a visitor may do; they are safe for concurrent
// use, in one process and in several on one store.
type Pool struct {
	config  Config     // as checked
	dir     *Directory // whose chores are the pool's
	state   atomic.Pointer[state]
	loading sync.Mutex  // held while a newer state is read
	gone    atomic.Bool // deleted, as this process knows

	// Of the directory.
	store  storage.Store
	door   *password.Hasher
	holder string // of leases
	hooks  bulkheads
	closed *atomic.Bool
	outbox *outbox

	gate     *gate.Gate
	refusals refusals
	signIns  *budget
	mails    *budget
	texts    texts
	sealer   sealer
	indexing tenure
}

// Open opens the pool that c names, and makes it if the store has none by that id: it is a
// [Directory] of one, whose settings and issuer may stand in code. It starts the pool's chores
// (delivery of mail, sweeping, following other nodes, rotation of signing keys, writing down of
// refusals, sealing of events), which end with [Pool.Close]. The store stays the caller's to close,
// after the pool.
//
// It fails with a *[SettingsError] that lists all that is wrong with c, with [ErrNoKeyring], or with
// [ErrWrongKeyring].
func Open(ctx context.Context, st storage.Store, c Config) (*Pool, error) {
	c, err := c.check(st)
	if err != nil {
		return nil, err
	}
	d := newDirectory(st, c, c.ID)
	p := d.handle(c)
	if err := p.establish(ctx); err != nil {
		return nil, fmt.Errorf("open pool %q: %w", c.ID, err)
	}
	d.pools[c.ID] = &entry{id: c.ID, pool: p}
	if err := d.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("open pool %q: %w", c.ID, err)
	}
	d.compareClocks(ctx)
	d.start(ctx)
	return p, nil
}

// Close closes what [Open] opened: it ends the pool's chores, waits for the messages that are being
// sent and writes down what was refused, at most until ctx ends. What was not sent yet stays in the
// store for the next Open. Other calls fail with [ErrClosed] from then on. It may be called again.
// With a pool of a [Directory] it does nothing: the directory is closed as a whole.
func (p *Pool) Close(ctx context.Context) error {
	if p.dir.only == "" {
		return nil
	}
	return p.dir.Close(ctx)
}

// ID returns the name of the pool in its store.
func (p *Pool) ID() user.PoolID { return p.config.ID }

// Issuer returns what the pool's tokens name as their issuer.
func (p *Pool) Issuer() string { return p.config.Issuer }

// Settings returns the policy, with its defaults written out, as of the newest state that this
// process knows. What it points to is the pool's: do not change it.
func (p *Pool) Settings() Settings { return p.state.Load().settings }

// JWKS returns the public keys of the pool's tokens as a JSON Web Key Set (RFC 7517), as of the
// newest state that this process knows. A deleted pool has none.
func (p *Pool) JWKS() []byte {
	if p.gone.Load() {
		return token.JWKS()
	}
	return p.today().jwks
}

// Verifier returns a verifier of the pool's access tokens for the given clients, or all of today's
// where none is named. Beside the signature and the claims it knows what was revoked: in this
// process at once, and elsewhere a second or two later (security.md T3: at most 5 s), for as long
// as the store can be read. A session that makes room for a user's hundred-and-first is not
// revoked: its access token lives on until it expires. A token of another process, whose clock is
// ahead, is taken though it seems to be of the future, by ten seconds at most (security.md S14: each is
// within five of the database's); none lives for longer by that.
func (p *Pool) Verifier(clients ...string) (*token.Verifier, error) {
	if len(clients) == 0 {
		clients = p.state.Load().settings.clientIDs()
	}
	return token.NewVerifier(p.config.Issuer, token.Config{
		ClientIDs: clients, Use: token.Access, Keys: liveKeys{p}, Now: p.now, Revoked: p.over, Early: 2 * maxSkew,
	})
}

// over reports whether the session of a token has ended, or the pool with all of them, or the client
// that it is for was taken out of the settings, whoever has its id by now. Tokens tell whole seconds.
func (p *Pool) over(c token.Claims) bool {
	if p.gone.Load() || p.dir.revoked.covers(p.config.ID, c) {
		return true
	}
	s := p.state.Load()
	_, err := s.settings.place(c.ClientID)
	return err != nil || s.predates(c.ClientID, c.IssuedAt.Add(time.Second))
}

func (p *Pool) now() time.Time { return p.config.Now().UTC().Truncate(time.Microsecond) }

// decoy returns the hash that unknown users are judged against. Its digest matches no password.
func decoy(p password.Params) password.Hash {
	return password.Hash{Scheme: password.Argon2id, Params: p, Salt: make([]byte, 16), Digest: make([]byte, 32)}
}
