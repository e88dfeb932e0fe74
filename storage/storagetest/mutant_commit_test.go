package storagetest_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// looseCount reads a counter, and writes it in a later step.
type looseCount struct{ *mutant }

func (m looseCount) Commit(ctx context.Context, changes ...storage.Change) error {
	c, _ := first[storage.Count](changes)
	w := storage.Want{Now: c.Now, Counters: []storage.CounterKey{c.Key}}
	got, err := m.Read(ctx, c.Key.Pool, w)
	m.meet()
	if err != nil {
		return err
	}
	if until := c.Rule.Locked(got.Counters[0], c.Now); !until.IsZero() {
		return refuse(&storage.LimitError{Key: c.Key, Until: until})
	}
	return m.Store.Commit(ctx, without(changes,
		func(c storage.Change) bool { _, is := c.(storage.Count); return is })...)
}

// looseStamps compares stamps, and writes in a later step whatever has happened since.
type looseStamps struct{ *mutant }

func (m looseStamps) Commit(ctx context.Context, changes ...storage.Change) error {
	m.meet() // every caller has read the same stamp and found it unmoved
	if put, ok := changes[0].(storage.PutRecord); ok {
		got, err := m.Read(ctx, "home", storage.Want{Now: noon, User: user.ByID(put.Record.(*user.User).ID)})
		if err != nil {
			return err
		}
		u := put.Record.(*user.User).Clone()
		u.Version = got.User.Version
		m.Store.Commit(ctx, storage.Put(u))
		return nil
	}
	m.Store.Commit(ctx, changes[0]) // DELETE, of one row or of none
	return m.Store.Commit(ctx, changes[1:]...)
}

// looseRequire looks at what is required, and does not hold it.
type looseRequire struct{ *mutant }

func (m looseRequire) Commit(ctx context.Context, changes ...storage.Change) error {
	r, requires := first[storage.RequireRecord](changes)
	if !requires {
		m.meet()
		defer m.happened()
		return m.Store.Commit(ctx, changes...)
	}
	err := m.Store.Commit(ctx, r)
	m.meet()
	m.linger(1)
	if err != nil {
		return err
	}
	return m.Store.Commit(ctx, without(changes, func(c storage.Change) bool { return c == storage.Change(r) })...)
}

// looseRaise reads the watermark, and writes it in a later step.
type looseRaise struct {
	*mutant
	mu sync.Mutex
	n  int64
}

func (m *looseRaise) Commit(_ context.Context, changes ...storage.Change) error {
	r, _ := first[storage.Raise](changes)
	m.mu.Lock()
	n := m.n
	m.mu.Unlock()
	m.meet()
	if r.N <= n {
		return refuse(storage.ErrStale)
	}
	m.mu.Lock()
	m.n = r.N
	m.mu.Unlock()
	return nil
}

// brittleGroup puts all commits into one transaction, which is rolled back where the context of one
// of them ends. It acknowledged the others before.
type brittleGroup struct {
	*mutant
	mu     sync.Mutex
	broken bool
}

func (m *brittleGroup) Commit(ctx context.Context, changes ...storage.Change) error {
	m.linger(1)
	m.mu.Lock()
	m.broken = m.broken || ctx.Err() != nil
	m.mu.Unlock()
	m.meet()
	if m.broken {
		return ctx.Err()
	}
	return m.Store.Commit(ctx, changes...)
}

// looseTally reads how many users and epochs there are, and writes one more in a later step.
type looseTally struct {
	*mutant
	mu           sync.Mutex
	users, epoch int64
}

func (m *looseTally) Commit(ctx context.Context, changes ...storage.Change) error {
	m.mu.Lock()
	users, epoch := m.users, m.epoch
	m.mu.Unlock()
	m.meet()
	m.mu.Lock()
	m.users, m.epoch = users+1, epoch+1
	m.mu.Unlock()
	return m.Store.Commit(ctx, changes...)
}

func (m *looseTally) Pools(ctx context.Context, q storage.PoolQuery) (storage.PoolPage, error) {
	page, err := m.Store.Pools(ctx, q)
	for _, p := range page.Pools {
		p.Users, p.Epoch = m.users, m.epoch
	}
	return page, err
}

// tornCommit applies a commit of two changes in two, the one that takes less first.
type tornCommit struct{ *mutant }

func (m tornCommit) Commit(ctx context.Context, changes ...storage.Change) error {
	less := func(a, b storage.Change) int { return logins(a) - logins(b) }
	slices.SortFunc(changes, less)
	for _, c := range changes {
		if err := m.Store.Commit(ctx, c); err != nil {
			return err
		}
		m.linger(16)
	}
	return nil
}

func logins(c storage.Change) int { return len(c.(storage.PutRecord).Record.(*user.User).Logins) }

func (m tornCommit) Read(ctx context.Context, pool user.PoolID, w storage.Want) (storage.Got, error) {
	defer m.happened()
	return m.Store.Read(ctx, pool, w)
}

// tornRead reads the user in one step, and the rest in another.
type tornRead struct{ *mutant }

func (m tornRead) Read(ctx context.Context, pool user.PoolID, w storage.Want) (storage.Got, error) {
	early, err := m.Store.Read(ctx, pool, w)
	if err != nil {
		return early, err
	}
	m.linger(1)
	late, err := m.Store.Read(ctx, pool, w)
	late.User = early.User
	return late, err
}

func (m tornRead) Commit(ctx context.Context, changes ...storage.Change) error {
	defer m.happened()
	return m.Store.Commit(ctx, changes...)
}

// looseSweep looks for what has expired, and erases it in a later step.
type looseSweep struct {
	*mutant
	sweeper *mutant // counts looks, for which commits linger
}

func (m looseSweep) Sweep(ctx context.Context, now time.Time, _ int) (int, error) {
	var ids []string
	for i := range 16 {
		ids = append(ids, fmt.Sprint("t", i))
	}
	expired, err := m.Read(ctx, "home", storage.Want{Now: now.Add(-1), Tickets: ids})
	if err != nil {
		return 0, err
	}
	m.sweeper.happened()
	m.await(8)
	still, err := m.Read(ctx, "home", storage.Want{Now: now.Add(-1), Tickets: ids})
	for i, t := range still.Tickets {
		if t != nil && expired.Tickets[i] != nil && !expired.Tickets[i].Expires.After(now) {
			m.Store.Commit(ctx, storage.Delete(t)) // by id alone, as it were
		}
	}
	return 3, err
}

func (m looseSweep) Commit(ctx context.Context, changes ...storage.Change) error {
	m.sweeper.await(1)
	defer m.happened()
	return m.Store.Commit(ctx, changes...)
}
