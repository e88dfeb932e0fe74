package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// state is what a pool's documents say at one epoch. It is never changed, only replaced.
type state struct {
	epoch    int64
	history  int64    // of the store: that of [Directory] when this was read
	settings Settings // as they bind: CaseSensitive is that of naming
	naming   naming
	index    index
	places   map[string]int // of groups that give something, in the order in which they are told
	roles    map[string]Role
	clients  map[string]keptClient // by id
	poolKey  []byte
	dated    []token.DatedKey // all signing keys that are stored
	accounts *token.Verifier  // of the tokens that act for their users, of any client

	// What follows is planned anew as time passes: see [Pool.today].
	keyPlan token.KeyPlan
	signer  *token.SigningKey
	jwks    []byte
	keys    token.KeySet
}

// establish makes the pool if need be, and loads its state. Another process may be doing the same.
func (p *Pool) establish(ctx context.Context) error {
	_, err := again(func() (struct{}, error) {
		if err := p.reload(ctx); err == nil {
			return struct{}{}, p.publish(ctx)
		} else if !errors.Is(err, storage.ErrNoPool) {
			return struct{}{}, err
		}
		settings := Settings{}.defaults()
		if p.config.Settings != nil {
			settings = *p.config.Settings
		}
		if err := p.create(ctx, settings, nil); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, p.reload(ctx)
	})
	return err
}

// create stores a new pool with its first keys, and says in its history who made it, where that is
// given.
func (p *Pool) create(ctx context.Context, settings Settings, did *occurrence) error {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: crypto/rand
	key, err := token.GenerateKey(settings.Keys.Algorithm)
	if err != nil {
		return err
	}
	body, err := settings.encode()
	if err != nil {
		return err
	}
	record := &storage.Pool{
		ID: p.config.ID, Issuer: p.config.Issuer, Clients: settings.generated(),
		Searchable: settings.searchable(), Created: p.now(),
	}
	changes := []storage.Change{
		naming{CaseSensitive: settings.SignIn.CaseSensitive}.change(p),
		storage.Put(record),
		storage.Put(p.document(settingsKind, only, body)),
		storage.Put(p.indexDocument(indexOf(settings))),
		storage.Put(p.sealed(poolKeyKind, only, secret)),
		storage.Put(p.sealed(signingKind, key.KID(), key.Marshal())),
		storage.Put(p.check()),
	}
	if did != nil {
		p.state.Store(&state{settings: settings, poolKey: secret}) // what an event is made with
		changes = append(changes, p.event(record.Created, *did))
	}
	return foreign(p.commit(ctx, changes...))
}

// publish stores what this process brings and the store lacks: the issuer and the client ids by
// which the pool is found, the mark of a new ring key, and the settings in code, so that other nodes
// and operators see them.
func (p *Pool) publish(ctx context.Context) error {
	now := p.now()
	mark := storage.DocumentKey{Kind: checkKind, ID: p.check().ID}
	wanted := []storage.DocumentKey{mark, {Kind: settingsKind, ID: only}, {Kind: settingsKind, ID: namesID}}
	got, err := p.store.Read(ctx, p.config.ID, storage.Want{Now: now, Documents: wanted})
	if err != nil {
		return err
	}
	changes, err := p.ownNames(ctx, p.config.Settings)
	if err != nil {
		return err
	}
	if got.Documents[0] == nil {
		changes = append(changes, storage.Put(p.check()))
	}
	if stored := got.Documents[1]; p.config.Settings != nil && stored != nil {
		more, err := p.overwrite(ctx, stored, got.Documents[2])
		if err != nil {
			return err
		}
		changes = append(changes, more...)
	}
	policy := p.state.Load().settings // those in code, or as stored
	if changes, err = p.reindexed(ctx, changes, policy, nil); err != nil || len(changes) == 0 {
		return err
	}
	if err := p.commit(ctx, changes...); err != nil {
		return foreign(err)
	}
	return p.reload(ctx)
}

// overwrite stores the settings in code in the place of those that are stored.
func (p *Pool) overwrite(ctx context.Context, stored, names *storage.Document) (changes []storage.Change, err error) {
	body, err := p.config.Settings.encode()
	if err != nil {
		return nil, err
	}
	n, err := parseNaming(names, stored)
	if err != nil {
		return nil, err
	}
	if changes, err = p.recase(ctx, n, p.config.Settings.SignIn); err != nil {
		return nil, err
	}
	if string(body) != string(stored.Body) {
		stored.Body, stored.Updated = body, p.now()
		changes = append(changes, storage.Put(stored))
	}
	return changes, nil
}

// current returns the state at an epoch that was read, or a later one (security.md S18), of the
// history that the store has now.
func (p *Pool) current(ctx context.Context, epoch int64) (*state, error) {
	if s := p.today(); s.epoch >= epoch && epoch > 0 && s.history == p.dir.history.Load() {
		return s, nil
	}
	if err := p.reload(ctx); err != nil {
		return nil, unavailable(err)
	}
	return p.today(), nil
}

// reload reads the pool's documents. It fails with ErrNoPool where there is no pool.
func (p *Pool) reload(ctx context.Context) error {
	p.loading.Lock()
	defer p.loading.Unlock()
	history := p.dir.history.Load()
	got, err := p.store.Read(ctx, p.config.ID, storage.Want{Now: p.now()})
	if err != nil {
		return err
	}
	if got.PoolEpoch == 0 {
		return storage.ErrNoPool
	}
	if s := p.state.Load(); s != nil && s.epoch >= got.PoolEpoch && s.history == history {
		return nil
	}
	s := &state{epoch: got.PoolEpoch, history: history} // read before the documents, so never newer than they are
	for _, load := range []func(context.Context, *state) error{
		p.loadRing, p.loadPoolKey, p.loadSigning, p.loadSettings, p.loadClients, p.loadIndex,
	} {
		if err := load(ctx, s); err != nil {
			return err
		}
	}
	if s.accounts, err = p.Verifier(s.settings.clientIDs()...); err != nil {
		return err
	}
	s.places, s.roles = s.settings.places(s.index.Gone), s.settings.roles(s.index.Gone)
	s.plan(p.now())
	p.state.Store(s)
	if s.index.unfinished() {
		p.dir.indexing.add(p)
	}
	return nil
}

// loadRing proves that the ring can open everything the pool has sealed.
func (p *Pool) loadRing(ctx context.Context, _ *state) error {
	docs, err := p.documents(ctx, checkKind)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if _, err := p.open(d); err != nil {
			return fmt.Errorf("%w: %w", ErrWrongKeyring, err)
		}
	}
	return nil
}

func (p *Pool) loadPoolKey(ctx context.Context, s *state) error {
	docs, err := p.documents(ctx, poolKeyKind)
	if err != nil {
		return err
	}
	if len(docs) != 1 {
		return fmt.Errorf("the pool has %d pool keys, not one", len(docs))
	}
	s.poolKey, err = p.open(docs[0])
	return err
}

func (p *Pool) loadSigning(ctx context.Context, s *state) (err error) {
	if _, s.dated, err = p.signingKeys(ctx); err == nil && len(s.dated) == 0 {
		err = errors.New("the pool has no signing key")
	}
	return err
}

func (p *Pool) loadSettings(ctx context.Context, s *state) error {
	docs, err := p.documents(ctx, settingsKind)
	if err != nil {
		return err
	}
	stored := map[string]*storage.Document{}
	for _, d := range docs {
		stored[d.ID] = d
	}
	if stored[only] == nil {
		return errors.New("the pool has no settings")
	}
	if s.naming, err = parseNaming(stored[namesID], stored[only]); err != nil {
		return err
	}
	if p.config.Settings != nil {
		s.settings = *p.config.Settings
	} else if s.settings, err = decodeSettings(stored[only].Body); err != nil {
		return err
	} else if ps := append(s.settings.problems(), p.config.lacks(s.settings)...); len(ps) > 0 {
		return &SettingsError{ps}
	}
	s.settings.SignIn.CaseSensitive = s.naming.CaseSensitive
	return nil
}
