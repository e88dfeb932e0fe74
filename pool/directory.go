package pool

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Directory is all pools of a store in one process: one for each tenant, say. What a process does
// by itself it does once for all of them (delivery of mail, sweeping, following other nodes,
// rotation of signing keys, sealing of events), and passwords go through one door. So a [Pool] of it
// is a light handle without a goroutine, and a pool that nobody asks for is not even loaded. Where
// there is not enough for all, pools take turns.
//
// Its methods are safe for concurrent use, in one process and in several on one store.
type Directory struct {
	config  Config // of every pool, but for what is a pool's own
	keyring func(context.Context, user.PoolID) (*seal.Keyring, error)
	ring    *seal.Keyring // of the directory itself
	only    user.PoolID   // the pool that [Open] opened; "" means all of the store

	store  storage.Store
	clock  storage.Clock // of the store; nil means that it has none
	door   *password.Hasher
	holder string // of leases: this process
	hooks  bulkheads
	watch  *watch

	closed   atomic.Bool
	posted   atomic.Uint32 // messages put into the outbox by this process
	revoked  revocations
	since    storage.Cursor            // where the feed was read to
	history  atomic.Int64              // of the store: how often the feed began anew
	heard    atomic.Pointer[time.Time] // when it was last read to its end
	rounded  rounded
	outbox   *outbox
	posters  []*poster
	refusing marks // pools in which calls were refused
	sealing  marks // pools that may have events in no seal
	indexing marks // pools whose lists are not complete
	rounds   rounds

	mu      sync.Mutex
	pools   map[user.PoolID]*entry // all that are known to exist
	issuers map[string]user.PoolID // of those that were loaded
	failed  int                    // how many could not be loaded

	checkups map[user.PoolID]*checkup // that go on; "" is that of the directory

	stop   context.CancelFunc
	chores sync.WaitGroup
}

// DirectoryConfig is what this process brings to all pools of a store.
type DirectoryConfig struct {
	// Config is that of every pool. ID, Issuer and Settings stay empty: they are each pool's own, and
	// stored. ConfirmURL and CancelURL are paths such as "/confirm", which each pool has under its
	// issuer. Keys, where there is a Keyring too, seal only the page tokens of [Directory.Pools];
	// without them such a token is of use in this process alone.
	Config
	// Keyring returns the keyring of one pool, from a key service, say. It is asked as a pool is
	// loaded, for at most ten seconds, and must give a pool the same keys for ever. While it fails
	// for a pool, that pool alone is unavailable. Nil means that Keys seal everything.
	Keyring func(context.Context, user.PoolID) (*seal.Keyring, error)
}

// OpenDirectory opens all pools of a store and starts the chores, which end with [Directory.Close].
// The store stays the caller's to close, after the directory. It loads no pool: those that are not
// as they should be fail when they are asked for.
//
// It reads once what there is, a thousand pools at a time. A pool that was never asked for here
// costs some 200 bytes, and one that was, for a quarter of an hour after, some kilobytes. While
// nothing happens a directory of any size reads the store twice a second (changes, mail) and once
// more for each kind of Post hook, and makes its rounds: one read a minute for each pool, and an
// hourly look at its keys and history, of at most ten pools a second.
//
// It fails with a *[SettingsError] that lists all that is wrong with c, or with [ErrNoKeyring].
func OpenDirectory(ctx context.Context, st storage.Store, c DirectoryConfig) (*Directory, error) {
	c, err := c.check()
	if err != nil {
		return nil, err
	}
	ring := c.Keys
	if ring == nil && c.Keyring != nil {
		ring, err = seal.New(seal.Generate())
	} else if ring == nil {
		ring, err = ringFor(st)
	}
	if err != nil {
		return nil, err
	}
	d := newDirectory(st, c.Config, "")
	d.keyring, d.ring = c.Keyring, ring
	if err := d.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("open directory: %w", unavailable(err))
	}
	d.compareClocks(ctx)
	d.start(ctx)
	return d, nil
}

// check returns c with the defaults that are not a pool's own, or all that is wrong with it.
func (c DirectoryConfig) check() (DirectoryConfig, error) {
	var problems []string
	for name, given := range map[string]bool{
		"ID": c.ID != "", "Issuer": c.Issuer != "", "Settings": c.Settings != nil,
	} {
		if given {
			problems = append(problems, "a directory has no "+name+" of its own: each pool has one, which is stored")
		}
	}
	for name, path := range map[string]string{"ConfirmURL": c.ConfirmURL, "CancelURL": c.CancelURL} {
		if path != "" && (!strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//")) {
			problems = append(problems, "the "+name+` of a directory is a path, such as "/confirm", under each pool's issuer`)
		}
	}
	if len(problems) > 0 {
		slices.Sort(problems)
		return c, &SettingsError{problems}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

// newDirectory returns a directory that does nothing yet, of one pool or of all.
func newDirectory(st storage.Store, c Config, only user.PoolID) *Directory {
	w := newWatch(c)
	d := &Directory{
		config: c, store: w.around(st), door: w.observed(password.NewHasher(c.MaxHashes)), holder: rand.Text(), watch: w,
		hooks: newBulkheads(only != ""), only: only, pools: map[user.PoolID]*entry{}, issuers: map[string]user.PoolID{},
		checkups: map[user.PoolID]*checkup{},
	}
	d.clock, _ = st.(storage.Clock)
	d.outbox = newOutbox(d)
	d.posters = newPosters(d)
	return d
}

// handle returns the handle of a pool whose state is not loaded yet.
func (d *Directory) handle(c Config) *Pool {
	p := &Pool{
		config: c, dir: d, store: d.store, door: d.door, holder: d.holder, hooks: d.hooks,
		closed: &d.closed, outbox: d.outbox, gate: gate.New(c.Keys, d.door, decoy(c.hashing())),
	}
	p.refusals.Pool, p.sealer.Pool, p.texts.Pool = p, p, p
	p.signIns, p.mails = newBudget(p, "sign-ins"), newBudget(p, "mails")
	return p
}

// start begins the chores, unless a test runs them.
func (d *Directory) start(ctx context.Context) {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = stop
	if chore.Give(ctx, d.due) {
		return
	}
	chores := []func(context.Context){
		d.outbox.deliver, d.sweep, d.follow, d.rotate, d.moveNames, d.index, d.writeRefusals, d.seal, d.goRounds,
	}
	for _, r := range d.posters {
		chores = append(chores, r.run)
	}
	for _, run := range chores {
		d.chores.Go(func() { run(running) })
	}
}

// Close ends the chores, waits for the messages that are being sent and writes down what was
// refused, at most until ctx ends. What was not sent yet stays in the store for the next process.
// All calls of the directory and its pools fail with [ErrClosed] from then on. It may be called
// again.
func (d *Directory) Close(ctx context.Context) error {
	d.closed.Store(true)
	d.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.chores.Wait()
		if err := d.tellRefusals(ctx, 0); err != nil {
			d.config.Logger.WarnContext(ctx, "refusals are lost", "error", err)
		}
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *Directory) now() time.Time { return d.config.Now().UTC().Truncate(time.Microsecond) }
