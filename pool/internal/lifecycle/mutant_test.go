package lifecycle_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// mutant is a store that does one thing wrong.
type mutant struct {
	storage.Store
	want   func(*storage.Want)                          // before a read
	got    func(*storage.Got)                           // after a read
	drops  func(storage.Change) bool                    // of a commit
	answer func(*mutant, error, []storage.Change) error // to a commit
}

func (m *mutant) Ephemeral() bool { return true }

func (m *mutant) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	if m.want != nil {
		m.want(&w)
	}
	got, err := m.Store.Read(ctx, p, w)
	if m.got != nil && err == nil {
		m.got(&got)
	}
	return got, err
}

func (m *mutant) Commit(ctx context.Context, changes ...storage.Change) error {
	if m.drops != nil {
		changes = slices.DeleteFunc(slices.Clone(changes), m.drops)
	}
	if len(changes) == 0 {
		return nil
	}
	err := m.Store.Commit(ctx, changes...)
	if m.answer != nil {
		return m.answer(m, err, changes)
	}
	return err
}

// Sweep leaves what has expired where a mutant is to find it.
func (m *mutant) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	if m.want != nil {
		return 0, nil
	}
	return m.Store.Sweep(ctx, now, n)
}

// uncounted drops the counting of what begins with a name.
func uncounted(name string) func(storage.Change) bool {
	return func(c storage.Change) bool {
		n, ok := c.(storage.Count)
		return ok && strings.HasPrefix(n.Key.Name, name)
	}
}

// deletes reports whether a change deletes a record of a type.
func deletes[T any](c storage.Change) bool {
	d, ok := c.(storage.DeleteRecord)
	if !ok {
		return false
	}
	_, ok = d.Record.(T)
	return ok
}

var mutants = map[string]mutant{
	"sessions outlive the epoch": {got: func(g *storage.Got) {
		if g.Session != nil && g.User != nil {
			g.Session.Epoch = g.User.Epoch
		}
	}},
	"tickets outlive the epoch": {got: func(g *storage.Got) {
		if len(g.Tickets) == 1 && g.Tickets[0] != nil && g.User != nil {
			g.User.Epoch = g.Tickets[0].Epoch
		}
	}},
	"who is disabled is let in": {got: func(g *storage.Got) {
		if g.User != nil {
			g.User.Disabled = false
		}
	}},
	"who must reset is let in": {got: func(g *storage.Got) {
		if g.User != nil && g.User.Status == user.ResetRequired {
			g.User.Status = user.Confirmed
		}
	}},
	"temporary passwords are for good": {got: func(g *storage.Got) {
		if g.User != nil && g.User.Password != nil {
			g.User.Password.Set = g.User.Password.Set.Add(20 * 24 * time.Hour)
		}
	}},
	"what has expired lives on": {want: func(w *storage.Want) {
		if len(w.Tickets) > 0 {
			w.Now = w.Now.Add(-10 * time.Minute)
		}
	}},
	"sessions never end": {want: func(w *storage.Want) {
		if w.Session != (storage.SessionKey{}) {
			w.Now = w.Now.Add(-48 * time.Hour)
		}
	}, got: func(g *storage.Got) {
		if g.Session != nil { // by its age the pool ends it, too
			g.Session.Created = g.Session.Created.Add(48 * time.Hour)
		}
	}},
	"guesses at passwords are free":        {drops: uncounted("password")},
	"guesses at codes are free":            {drops: uncounted("code:")},
	"guesses at one ticket are free":       {drops: uncounted("tries")},
	"mails are free":                       {drops: uncounted("mail:")},
	"tickets are good for ever":            {drops: deletes[*storage.Ticket]},
	"locks outlive the password":           {drops: deletes[*storage.Counter]},
	"deleted users stay":                   {drops: deletes[*user.User]},
	"an older request for a reset is good": {drops: func(c storage.Change) bool { _, ok := c.(storage.Raise); return ok }},
	"two own one login": {answer: func(m *mutant, err error, changes []storage.Change) error {
		if errors.Is(err, storage.ErrConflict) {
			return nil
		}
		return err
	}},
	"groups are forgotten": {drops: func(c storage.Change) bool {
		put, ok := c.(storage.PutRecord)
		if !ok {
			return false
		}
		if u, ok := put.Record.(*user.User); ok {
			u.Groups = nil
		}
		return false
	}},
}

// hasty are settings that mean something else than what the model goes by.
var hasty = map[string]func(*pool.Settings){
	"access tokens live longer": func(s *pool.Settings) {
		s.Clients = []pool.Client{{ID: "default", Tokens: pool.TokenSettings{Access: 20 * time.Minute}}}
	},
	"the grace is longer": func(s *pool.Settings) {
		s.Clients = []pool.Client{{ID: "default", Tokens: pool.TokenSettings{Grace: time.Minute}}}
	},
	"temporary passwords live longer": func(s *pool.Settings) { s.Passwords.TemporaryValidity = 30 * 24 * time.Hour },
	"browsers may idle longer":        func(s *pool.Settings) { s.Sessions.Idle = 12 * time.Hour },
	"old passwords are looked at":     func(s *pool.Settings) { s.Passwords.History = 5 },
	"nobody may sign up":              func(s *pool.Settings) { s.SignUp.Closed = true },
}

// The check finds what a store forgets, and what settings change, within some thousand steps.
func TestMutantsAreFound(t *testing.T) {
	t.Parallel()
	if brief() {
		return
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			isFound(t, func() (storage.Store, error) {
				own := m
				own.Store = memory.New()
				return &own, nil
			}, place{})
		})
	}
	for name, change := range hasty {
		t.Run(name, func(t *testing.T) { t.Parallel(); isFound(t, inMemory, place{change: []func(*pool.Settings){change}}) })
	}
}

func isFound(t *testing.T, open func() (storage.Store, error), at place) {
	t.Helper()
	steps := 0
	for seed := range uint64(20) {
		l, err := random(seed, 1000).live(t.Context(), open, at)
		steps += len(l.told)
		if err != nil {
			t.Logf("after %d steps: %v", steps, err)
			return
		}
	}
	t.Errorf("not found in %d steps", steps)
}
