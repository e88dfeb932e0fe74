package memory

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Commit implements [storage.Store].
func (s *Store) Commit(ctx context.Context, changes ...storage.Change) error {
	if err := s.lock(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	id, err := storage.Check(changes)
	if err != nil || len(changes) == 0 {
		return err
	}
	c := commit{store: s, id: id, changes: changes}
	if err := c.apply(); err != nil {
		c.undo.run()
		return err
	}
	return nil
}

// commit is one commit under way.
type commit struct {
	store   *Store
	id      user.PoolID
	pool    *pool
	changes []storage.Change
	undo    undo
}

// apply goes over the changes once for each phase, so that their order means nothing: every stamp is
// compared before anything moves, and every login is given up before one is taken.
func (c *commit) apply() error {
	if err := c.open(); err != nil {
		return err
	}
	phases := []func(storage.Change) error{c.guard, c.count, c.erase, c.release, c.put, c.link}
	for _, phase := range phases {
		for i, change := range c.changes {
			if err := phase(change); err != nil {
				return &storage.ChangeError{Index: i, Err: err}
			}
		}
	}
	c.trim()
	c.announce()
	return nil
}

// open finds the pool, or makes room for one that the commit puts.
func (c *commit) open() error {
	c.pool = c.store.pools[c.id]
	switch {
	case c.pool != nil && !c.pool.deleted:
		return nil
	case !c.putsPool():
		return storage.ErrNoPool
	case c.pool != nil:
		return nil // the guard will refuse it: an id is not used again
	}
	c.pool = newPool(&c.store.feed)
	c.store.pools[c.id] = c.pool
	c.store.byID.insert(place{key: key{id: string(c.id)}})
	c.undo.add(func() {
		delete(c.store.pools, c.id)
		c.store.byID.remove(place{key: key{id: string(c.id)}})
	})
	return nil
}

func (c *commit) putsPool() bool {
	for _, change := range c.changes {
		if p, ok := change.(storage.PutRecord); ok {
			if _, ok := p.Record.(*storage.Pool); ok {
				return true
			}
		}
	}
	return false
}

// guard compares the stamp of a record with the one it was read at.
func (c *commit) guard(change storage.Change) error {
	switch change := change.(type) {
	case storage.PutRecord:
		if stored, read := c.stamps(change.Record); stored != read {
			return storage.ErrStale
		}
	case storage.DeleteRecord:
		if _, ok := change.Record.(*storage.Counter); ok {
			return nil
		}
		return c.required(change.Record)
	case storage.RequireRecord:
		return c.required(change.Record)
	}
	return nil
}

func (c *commit) required(record any) error {
	if stored, read := c.stamps(record); stored != read || read == 0 {
		return storage.ErrStale
	}
	return nil
}

// present is the stamp of what exists and has none that a change could know.
const present = -1

// stamps returns the stamp that is stored, 0 for an absent record, and the one a record was read at.
func (c *commit) stamps(record any) (stored, read int64) {
	k, p := keyOf(record), c.pool
	switch r := record.(type) {
	case *storage.Pool:
		if p.deleted {
			return present, r.Version
		}
		return stampOf(p.record, func(p *storage.Pool) int64 { return p.Version }), r.Version
	case *user.User:
		return c.userStamp(k), r.Version
	case *token.Session:
		return stampOf(p.sessions.rows[k], func(s *token.Session) int64 { return s.Version }), r.Version
	case *storage.Ticket:
		return stampOf(p.tickets.rows[k], func(t *storage.Ticket) int64 { return t.Version }), r.Version
	case *storage.Document:
		return stampOf(p.documents.rows[k], func(d *storage.Document) int64 { return d.Version }), r.Version
	case *storage.Outgoing:
		return stampOf(p.outgoing.rows[k], func(o *storage.Outgoing) int64 { return o.Version }), r.Version
	case *storage.Revocation:
		return stampOf(p.revocations.rows[k], func(*revocation) int64 { return present }), 0
	case *storage.Event:
		return stampOf(p.events.rows[k], func(*storage.Event) int64 { return present }), 0
	}
	return 0, 0
}

func stampOf[R any](row *R, stamp func(*R) int64) int64 {
	if row == nil {
		return 0
	}
	return stamp(row)
}

// userStamp looks into the other pools too: the id of a user is unique in the store.
func (c *commit) userStamp(k key) int64 {
	if row := c.pool.users.rows[k]; row != "" {
		return row.unpack().Version
	}
	for _, other := range c.store.pools {
		if other.users.rows[k] != "" {
			return present
		}
	}
	return 0
}

func keyOf(record any) key {
	t := storage.TargetOf(record)
	if _, ok := record.(*storage.Revocation); ok {
		return key{string(t.Pool), t.ID} // the feed holds those of all pools
	}
	return key{t.Owner, t.ID}
}

func loginKey(l user.Login) key { return key{string(l.Namespace), l.Value} }

// count moves counters and watermarks.
func (c *commit) count(change storage.Change) error {
	switch change := change.(type) {
	case storage.Count:
		return c.move(change.Key, change.Now, change.Move)
	case storage.Clear:
		return c.move(change.Key, change.Now, change.Move)
	case storage.Raise:
		row := storage.Counter{Key: change.Key}
		k := keyOf(&row)
		if old := c.pool.counters.rows[k]; old != nil {
			row = *old
		}
		if row.N >= change.N {
			return storage.ErrStale
		}
		row.N = change.N
		c.pool.counters.set(&c.undo, k, &row)
	}
	return nil
}

func (c *commit) move(k storage.CounterKey, now time.Time, by func(storage.Counter) (storage.Counter, error)) error {
	next, err := by(c.pool.counter(k, cut(now)))
	if err != nil {
		return err
	}
	c.pool.counters.set(&c.undo, keyOf(&next), counterRow(next))
	return nil
}

// counter returns the state of a counter at a time.
func (p *pool) counter(k storage.CounterKey, now time.Time) storage.Counter {
	row := p.counters.rows[key{k.Owner, k.Name}]
	if row == nil || !row.Expires.IsZero() && !row.Expires.After(now) {
		return storage.Counter{Key: k}
	}
	return *row
}
