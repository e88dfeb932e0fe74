package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// KeySettings say how the keys that sign tokens follow each other. A new key stands in [Pool.JWKS]
// for a day before it signs, and for 25 hours, which is longer than any token lives, after the next
// one began to: a verifier that asks for the keys once a day meets no token that it cannot check.
type KeySettings struct {
	// Every is how long after one key the next is made: 7 to 3650 days; 0 means 90 days. Negative
	// means never, and whoever copies the key signs for as long.
	Every time.Duration
	// Algorithm is that of the next key that is made: token.ES256, which "" means, token.EdDSA or
	// token.RS256, which Cognito's clients know. A change of it makes that key at once, which waits
	// its day like any other before it signs, while tokens of the key before verify until they
	// expire. It is for all clients: see that all who verify know it.
	Algorithm token.Algorithm
}

const (
	publishAhead = 24 * time.Hour
	keepAfter    = maxAccess + time.Hour // the hour is for a node that is late, or whose clock is
	rotates      = time.Minute
	rotateLease  = time.Minute
)

func (s KeySettings) defaults() KeySettings {
	s.Every = orElse(s.Every, 90*24*time.Hour)
	s.Algorithm = cmp.Or(s.Algorithm, token.ES256)
	return s
}

func (s KeySettings) problems() (ps []string) {
	const day = 24 * time.Hour
	if s.Every >= 0 && (s.Every < 7*day || s.Every > 3650*day) {
		ps = append(ps, fmt.Sprintf("keys: rotation every %v is not within %v and %v", s.Every, 7*day, 3650*day))
	}
	if !slices.Contains([]token.Algorithm{token.ES256, token.EdDSA, token.RS256}, s.Algorithm) {
		ps = append(ps, fmt.Sprintf("keys: algorithm %q is not %s, %s or %s",
			s.Algorithm, token.ES256, token.EdDSA, token.RS256))
	}
	return ps
}

// rotation is the rule that every node computes alike.
func (s KeySettings) rotation() token.Rotation {
	return token.Rotation{Every: s.Every, Algorithm: s.Algorithm, Publish: publishAhead, Keep: keepAfter}
}

// plan says which keys sign and verify at now, and until when that holds.
func (s *state) plan(now time.Time) {
	s.keyPlan = s.settings.Keys.rotation().Plan(s.dated, now)
	s.signer = s.keyPlan.Signer
	s.jwks, s.keys = token.JWKS(s.keyPlan.Publish...), token.KeysOf(s.keyPlan.Publish...)
}

// today returns the newest state that this process knows, with its keys as planned for now: which
// one signs changes by the clock, and no commit tells.
func (p *Pool) today() *state {
	for {
		s, now := p.state.Load(), p.now()
		if next := s.keyPlan.Next; next.IsZero() || now.Before(next) {
			return s
		}
		fresh := *s
		fresh.plan(now)
		if p.state.CompareAndSwap(s, &fresh) {
			return &fresh
		}
	}
}

// rotate keeps the signing keys of the pools that are loaded fresh until ctx ends; rounds look after
// the others.
func (d *Directory) rotate(ctx context.Context) {
	for {
		if err := d.round(ctx, "rotate", d.ofResident((*Pool).rotateOnce)); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "signing keys were not rotated", "error", err)
		}
		if !pause(ctx, rotates) {
			return
		}
	}
}

// ofResident does something once in each pool that is loaded.
func (d *Directory) ofResident(once func(*Pool, context.Context) error) func(context.Context) error {
	return func(ctx context.Context) (failed error) {
		for _, p := range d.resident() {
			if err := once(p, ctx); err != nil {
				failed = errors.Join(failed, fmt.Errorf("pool %q: %w", p.config.ID, err))
			}
		}
		return failed
	}
}

// rotateOnce makes the next signing key and erases those that are over, where it is time to, and
// unless another process does. In between it asks the store nothing.
func (p *Pool) rotateOnce(ctx context.Context) error {
	if plan := p.today().keyPlan; !plan.Due && len(plan.Drop) == 0 || p.gone.Load() {
		return nil
	}
	now := p.now()
	name := "rotate/" + string(p.config.ID)
	lease := storage.Lease{Name: name, Holder: p.holder, Now: now, Until: now.Add(rotateLease)}
	if held, err := p.store.Lease(ctx, lease); err != nil || !held {
		return err
	}
	if _, err := again(func() (struct{}, error) { return struct{}{}, p.succeed(ctx) }); err != nil {
		return err
	}
	return p.reload(ctx)
}

// succeed commits what the plan of the stored keys asks for. The newest key is written too, so that
// of two processes, one of which lost its lease on the way, only one makes its successor.
func (p *Pool) succeed(ctx context.Context) error {
	docs, keys, err := p.signingKeys(ctx)
	if err != nil {
		return err
	}
	settings := p.state.Load().settings.Keys
	plan := settings.rotation().Plan(keys, p.now())
	var changes []storage.Change
	if plan.Due {
		next, err := token.GenerateKey(settings.Algorithm)
		if err != nil {
			return err
		}
		newest := docs[0]
		newest.Updated = p.now()
		changes = append(changes, storage.Put(newest), storage.Put(p.sealed(signingKind, next.KID(), next.Marshal())))
	}
	for i, k := range keys {
		if slices.Contains(plan.Drop, k.Key) {
			changes = append(changes, storage.Delete(docs[i]))
		}
	}
	return p.commit(ctx, changes...)
}

// signingKeys reads the stored signing keys, newest first, and the documents that they stand in.
func (p *Pool) signingKeys(ctx context.Context) (docs []*storage.Document, keys []token.DatedKey, err error) {
	if docs, err = p.documents(ctx, signingKind); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(docs, func(a, b *storage.Document) int { return b.Created.Compare(a.Created) })
	for _, d := range docs {
		raw, err := p.open(d)
		if err != nil {
			return nil, nil, err
		}
		key, err := token.ParseSigningKey(raw)
		if err != nil {
			return nil, nil, err
		}
		keys = append(keys, token.DatedKey{Key: key, Created: d.Created})
	}
	return docs, keys, nil
}
