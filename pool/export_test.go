package pool

import (
	"context"
	"crypto/rand"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Hashes returns how many passwords this pool has hashed.
func (p *Pool) Hashes() uint64 { return p.door.Count() }

// Known returns how many pools the directory knows of.
func (d *Directory) Known() int { return len(d.known()) }

// Rest lets go of the pools that nobody asked for of late.
func (d *Directory) Rest() { d.rest(d.now()) }

// Failed returns how many pools could not be loaded.
func (d *Directory) Failed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// Bare reports whether nothing stands between the pool and its store.
func Bare(p *Pool, st storage.Store) bool { return p.store == st }

// Tell commits what tells the owner of an account of changes to their factors, as each call does that
// makes some.
func Tell(ctx context.Context, p *Pool, id user.ID, from Caller, factor message.Factor, kinds ...message.Kind) error {
	now := p.now()
	got, err := p.read(ctx, storage.Want{
		Now: now, User: user.ByID(id), Counters: []storage.CounterKey{{Pool: p.config.ID, Name: changeMail}},
	})
	if err != nil {
		return err
	}
	if _, err := p.current(ctx, got.PoolEpoch); err != nil {
		return err
	}
	var all []news
	for _, k := range kinds {
		all = append(all, news{k, factor})
	}
	changes := p.tell(got.User, got.Counters[0], from, now, all...)
	if len(changes) == 0 {
		return nil
	}
	return overMail(p.commit(ctx, changes...))
}

// Seal gives a user an app of the seed.
func Seal(p *Pool, u *user.User, seed mfa.Seed) {
	a := user.App{ID: rand.Text(), Created: p.now()}
	a.Seed = p.config.Keys.Seal(gate.SeedLabel(u.Pool, u.ID, a.ID), seed.Bytes())
	if u.Factors == nil {
		u.Factors = new(user.Factors)
	}
	u.Factors.Apps = []user.App{a}
}

// RecoveryCodes gives a user recovery codes, and returns them.
func RecoveryCodes(p *Pool, u *user.User) []string { return p.gate.RecoveryCodes(u, p.now()) }
