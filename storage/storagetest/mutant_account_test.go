package storagetest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func userOf(c storage.Change) *user.User { return c.(storage.PutRecord).Record.(*user.User) }

// looseLogin looks whether a login is taken, and inserts it in a later step, over no unique index.
type looseLogin struct{ *mutant }

func (m looseLogin) Commit(ctx context.Context, changes ...storage.Change) error {
	m.meet() // every caller has found the login free
	err := m.Store.Commit(ctx, changes...)
	if !errors.Is(err, storage.ErrConflict) {
		return err
	}
	u := userOf(changes[0]).Clone()
	u.Logins = nil
	return m.Store.Commit(ctx, storage.Put(u))
}

// lockedInOrder locks logins in the order in which they are given. As a database does, it refuses
// the one that would wait for ever.
type lockedInOrder struct {
	*mutant
	locks sync.Map // of *sync.Mutex by login
}

func (m *lockedInOrder) Commit(ctx context.Context, changes ...storage.Change) error {
	u := userOf(changes[0])
	firstLogin := m.lock(u.Logins[0].Value)
	firstLogin.Lock()
	defer firstLogin.Unlock()
	m.meet()
	second := m.lock(u.Logins[1].Value)
	if !second.TryLock() {
		return errors.New("deadlock detected")
	}
	defer second.Unlock()
	return m.Store.Commit(ctx, changes...)
}

func (m *lockedInOrder) lock(login string) *sync.Mutex {
	l, _ := m.locks.LoadOrStore(login, &sync.Mutex{})
	return l.(*sync.Mutex)
}

// loosePlaces counts the attempts at an address, and inserts one more in a later step: it keeps
// them under addresses that only it knows, so that the base store does not count them.
type loosePlaces struct{ *mutant }

func (m loosePlaces) Commit(ctx context.Context, changes ...storage.Change) error {
	m.meet() // every caller has found a free place
	u := userOf(changes[0])
	u.Attempt.Login.Value = fmt.Sprintf("%s#%s", u.Attempt.Login.Value, u.ID)
	return m.Store.Commit(ctx, changes...)
}

func (m loosePlaces) Users(ctx context.Context, pool user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	page, err := m.Store.Users(ctx, pool, q)
	for _, u := range page.Users {
		u.Attempt.Login.Value, _, _ = strings.Cut(u.Attempt.Login.Value, "#")
	}
	return page, err
}

// looseSessions counts a user's sessions, and inserts one more in a later step.
type looseSessions struct {
	*mutant
	mu    sync.Mutex
	extra []*token.Session
}

func (m *looseSessions) Commit(_ context.Context, changes ...storage.Change) error {
	m.meet() // every caller has counted 98
	m.mu.Lock()
	defer m.mu.Unlock()
	m.extra = append(m.extra, changes[0].(storage.PutRecord).Record.(*token.Session))
	return nil
}

func (m *looseSessions) Sessions(ctx context.Context, pool user.PoolID,
	q storage.SessionQuery,
) (storage.SessionPage, error) {
	page, err := m.Store.Sessions(ctx, pool, q)
	page.Sessions = append(page.Sessions, m.extra...)
	return page, err
}

// looseLease reads who holds a lease, and writes it in a later step.
type looseLease struct {
	*mutant
	mu     sync.Mutex
	asked  map[string]bool
	holder string
}

func (m *looseLease) Lease(_ context.Context, l storage.Lease) (bool, error) {
	m.mu.Lock()
	again := m.asked[l.Holder]
	if m.asked == nil {
		m.asked = map[string]bool{}
	}
	m.asked[l.Holder] = true
	m.mu.Unlock()
	if !again {
		m.meet() // every caller has found the lease free
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !again {
		m.holder = l.Holder
	}
	return m.holder == l.Holder, nil
}

// deafSeal does not look how many rows its guard has touched.
type deafSeal struct{ *mutant }

func (m deafSeal) Commit(ctx context.Context, changes ...storage.Change) error {
	m.Store.Commit(ctx, changes...)
	return nil
}

// hastyFeed takes its next cursor after it has read: what is committed in between is never told.
type hastyFeed struct {
	*mutant
	follower *mutant // counts looks at the feed, for which commits linger
}

func (m hastyFeed) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	f, err := m.Store.Changed(ctx, since)
	if err != nil {
		return f, err
	}
	m.follower.happened()
	m.linger(1)
	later, err := m.Store.Changed(ctx, since)
	f.Next = later.Next
	return f, err
}

func (m hastyFeed) Commit(ctx context.Context, changes ...storage.Change) error {
	m.follower.linger(1)
	defer m.happened()
	return m.Store.Commit(ctx, changes...)
}
