package pool_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// losing is a store that loses its newest commit of settings: until then epochs are higher by one, and
// after it they come again.
type losing struct {
	storage.Store
	lost atomic.Bool
}

// before marks the cursors of the history that was lost.
const before = "before:"

func (l *losing) epoch(n int64) int64 {
	if l.lost.Load() || n == 0 {
		return n
	}
	return n + 1
}

func (l *losing) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	got, err := l.Store.Read(ctx, p, w)
	got.PoolEpoch = l.epoch(got.PoolEpoch)
	return got, err
}

func (l *losing) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	lost := l.lost.Load()
	at, was := strings.CutPrefix(string(since), before)
	if was && lost {
		at = ""
	}
	feed, err := l.Store.Changed(ctx, storage.Cursor(at))
	feed.Anew = was && lost
	if !lost {
		feed.Next = before + feed.Next
	}
	for i := range feed.Pools {
		feed.Pools[i].Epoch = l.epoch(feed.Pools[i].Epoch)
	}
	return feed, err
}

// A replica that takes over without the newest settings gives their epoch to the next ones: a process
// that has loaded the lost ones must not take those for the same.
func TestS18_SettingsOfAnotherHistory(t *testing.T) {
	t.Parallel()
	st, r := &losing{Store: memory.New()}, ring(t, seal.Generate())
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
	k.confirmed(ada)
	if _, err := k.signIn(ada, right); err != nil {
		t.Fatal(err)
	}
	st.lost.Store(true)
	if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &pool.Settings{Clients: []pool.Client{{ID: "web"}}}}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool {
		_, err := k.SignIn(t.Context(), pool.SignInInput{Client: "default", Username: ada, With: pool.Password{Value: right}})
		return errors.Is(err, pool.ErrUnknownClient)
	})
}
