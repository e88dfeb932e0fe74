package storagetest

import (
	"context"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var endRules = []contract{
	{
		"End/Closed",
		"after Close every method returns ErrClosed, and Close may be called again",
		closedStore,
	},
	{
		"End/Context",
		"a context that has ended ends a call with its error and changes nothing",
		endedContext,
	},
}

// calls returns one call of every method of a store but Close.
func calls(ctx context.Context, st storage.Store) map[string]func() error {
	return map[string]func() error{
		"Read": func() error {
			_, err := st.Read(ctx, home, storage.Want{Now: noon, User: user.ByID(userID(1))})
			return err
		},
		"Users": func() error { _, err := st.Users(ctx, home, storage.UserQuery{Now: noon}); return err },
		"Sessions": func() error {
			_, err := st.Sessions(ctx, home, storage.SessionQuery{User: userID(1), Now: noon})
			return err
		},
		"Documents": func() error {
			_, err := st.Documents(ctx, home,
				storage.DocumentQuery{Kind: "k"})
			return err
		},
		"Events": func() error { _, err := st.Events(ctx, home, storage.EventQuery{}); return err },
		"Pools":  func() error { _, err := st.Pools(ctx, storage.PoolQuery{}); return err },
		"Drop":   func() error { _, err := st.Drop(ctx, "gone", 10); return err },
		"Commit": func() error { return st.Commit(ctx, putOf(document("k", "d"))) },
		"Lease": func() error {
			_, err := st.Lease(ctx, storage.Lease{Name: "chore", Holder: "late", Now: noon, Until: end})
			return err
		},
		"Due":     func() error { _, err := st.Due(ctx, nil, -1, noon, 10); return err },
		"Changed": func() error { _, err := st.Changed(ctx, ""); return err },
		"Sweep":   func() error { _, err := st.Sweep(ctx, end, 10); return err },
		"Trim":    func() error { _, err := st.Trim(ctx, home, 1, 10); return err },
	}
}

func closedStore(s *scene) {
	s.put(pool("gone"))
	s.commit(storage.DeleteRecord{Record: s.stored(pool("gone"))})
	for range 2 {
		if err := s.st.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	}
	for name, call := range calls(s.ctx, s.st) {
		s.is(name+" after Close", call(), storage.ErrClosed)
	}
}

func endedContext(s *scene) {
	s.put(pool("gone"))
	s.commit(storage.DeleteRecord{Record: s.stored(pool("gone"))})
	s.put(ticket("t", ""))
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	for name, call := range calls(ctx, s.st) {
		s.is(name+" after its context ended", call(), context.Canceled)
	}
	s.gone("what was put after the context had ended", document("k", "d"))
	if n := s.sweep(end, 10); n != 1 {
		s.Errorf("Sweep erased %d after one whose context had ended, want 1", n)
	}
	held, err := s.st.Lease(s.ctx, storage.Lease{Name: "chore", Holder: "first", Now: noon, Until: end})
	if err != nil || !held {
		s.Errorf("a lease that was asked for after the context had ended was given: %t, %v", held, err)
	}
}
