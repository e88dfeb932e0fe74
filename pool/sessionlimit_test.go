package pool_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
)

// Use is noted now and then, so that an idle limit holds without a write at each page.
func TestT2_IdleSessions(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.browse(ada)
	k.store.reset()
	for range 24 * 12 { // three days of a page each quarter of an hour
		k.clock.advance(15 * time.Minute)
		if err := k.visit(d); err != nil {
			t.Fatalf("a session that is used ended: %v", err)
		}
	}
	if _, commits := k.store.counted(); len(commits) != 3*12 {
		t.Errorf("%d commits in three days, want one every two hours", len(commits))
	}
	k.clock.advance(22*time.Hour - time.Microsecond)
	if err := k.visit(d); err != nil {
		t.Errorf("after 22 hours: %v", err)
	}
	for k.clock.Now().Before(d.Expires) {
		if err := k.visit(d); err != nil {
			t.Fatalf("before the absolute limit: %v", err)
		}
		k.clock.advance(6 * time.Hour)
	}
	if err := k.visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("however busy, after 30 days = %v, want ErrNotAuthorized", err)
	}
}

// Many tabs whose use is due to be noted, while one of them signs out: nothing brings the session
// back.
func TestT3_UsesDoNotBringASessionBack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.browse(ada)
		a := k.opens(d)
		for n := range 4 {
			k.clock.advance(3 * time.Hour)
			var wg sync.WaitGroup
			gate := make(chan struct{})
			for i := range 16 {
				wg.Go(func() {
					<-gate
					if n == 3 && i == 8 {
						if err := a.SignOut(t.Context(), browser); err != nil {
							t.Errorf("SignOut: %v", err)
						}
					} else if err := k.visit(d); err != nil && (n < 3 || !errors.Is(err, pool.ErrNotAuthorized)) {
						t.Errorf("Session: %v", err)
					}
				})
			}
			close(gate)
			wg.Wait()
		}
		if err := k.visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("after signing out = %v, want ErrNotAuthorized", err)
		}
	})
}

// That a use could not be noted does not keep anybody out.
func TestUseThatIsNotNoted(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{storage.ErrStale, storage.ErrRetry, errors.New("disk full")} {
		k := open(t)
		k.confirmed(ada)
		d := k.browse(ada)
		k.clock.advance(3 * time.Hour)
		k.store.instead(fail)
		if err := k.visit(d); err != nil {
			t.Errorf("Session while commits fail with %v: %v", fail, err)
		}
	}
}

func TestS18_LoweredLimitsBindBrowserSessions(t *testing.T) {
	t.Parallel()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	st := memory.New()
	old := openOn(t, st, func(c *pool.Config) { c.Keys = ring })
	old.confirmed(ada)
	d := old.browse(ada)
	strict := func(s pool.SessionSettings) *kit {
		k := openOn(t, st, func(c *pool.Config) { c.Keys, c.Settings = ring, &pool.Settings{Sessions: s} })
		k.clock.advance(time.Hour)
		return k
	}
	for _, s := range []pool.SessionSettings{{Idle: time.Hour}, {Absolute: time.Hour}} {
		if err := strict(s).visit(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("an hour after %+v = %v, want ErrNotAuthorized", s, err)
		}
	}
	if err := strict(pool.SessionSettings{Idle: 61 * time.Minute}).visit(d); err != nil {
		t.Errorf("within the lowered limit: %v", err)
	}
}

func TestSessionSettings(t *testing.T) {
	t.Parallel()
	for s, ok := range map[pool.SessionSettings]bool{
		{}:                          true,
		{Absolute: time.Hour}:       true, // and idle no longer
		{Idle: 5 * time.Minute}:     true,
		{Idle: 30 * 24 * time.Hour}: true,
		{Idle: 400 * 24 * time.Hour, Absolute: 400 * 24 * time.Hour}: true,
		{Absolute: 401 * 24 * time.Hour}:                             false,
		{Absolute: time.Minute}:                                      false,
		{Idle: time.Minute}:                                          false,
		{Idle: -1}:                                                   false,
		{Absolute: -1}:                                               false,
		{Idle: 31 * 24 * time.Hour}:                                  false,
		{Idle: 2 * time.Hour, Absolute: time.Hour}:                   false,
	} {
		p, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &pool.Settings{Sessions: s}})
		if err == nil {
			p.Close(t.Context())
		}
		if _, refused := errors.AsType[*pool.SettingsError](err); refused == ok {
			t.Errorf("Open with %+v: %v", s, err)
		}
	}
}

// Refresh tokens become no older than their client lets them today, and who holds one is out at
// once, also with the access token of before.
func TestS18_LoweredLifetimesBindGrants(t *testing.T) {
	t.Parallel()
	onTwo(t, func(t *testing.T, a, b *kit) {
		a.confirmed(ada)
		d := a.done(ada)
		a.clock.advance(10 * time.Minute)
		account, err := b.Account(t.Context(), d.Tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		lifetime := func(to time.Duration) {
			a.put(func(s *pool.Settings) {
				s.Clients[0].Tokens = pool.TokenSettings{Access: 5 * time.Minute, ID: 5 * time.Minute, Refresh: to}
			})
		}
		lifetime(2 * time.Hour)
		if d, err = b.refresh(d); err != nil {
			t.Fatalf("within the new lifetime: %v", err)
		}
		a.clock.advance(time.Hour)
		lifetime(time.Hour)
		if _, err := account.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the account is open: %v", err)
		}
		if _, err := b.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("past the new lifetime: %v", err)
		}
		b.done(ada)
	})
}
