package failover_test

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/postgres"
	"github.com/userpool-go/userpool/user"
)

// shown is a store that tells of a commit which was given up only when the primary shows it.
type shown struct {
	*postgres.Store
	t    testing.TB
	seen int
}

func (s *shown) Commit(ctx context.Context, changes ...storage.Change) error {
	err := s.Store.Commit(ctx, changes...)
	if !errors.Is(err, storage.ErrUnknown) {
		return err
	}
	for _, c := range changes {
		if put, ok := c.(storage.PutRecord); ok {
			if u, ok := put.Record.(*user.User); ok {
				waitFor(s.t, func() bool {
					got, e := s.Read(s.t.Context(), u.Pool, storage.Want{Now: time.Now(), User: user.ByID(u.ID)})
					return e == nil && got.User != nil && got.User.Version == put.Stamp
				})
				s.seen++
			}
		}
	}
	return err
}

// TestShownIsNotKept stops the synchronous replica of a primary. PostgreSQL then keeps a commit whose
// wait is given up, and shows it to whoever reads. It may die with that primary, so it is not
// acknowledged.
func TestShownIsNotKept(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short")
	}
	primary := postgrestest.NewServer(t)
	replica := primary.NewReplica()
	primary.Synchronous()
	s := &site{t: t, box: mailbox.New(), primary: primary, replica: replica}
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	s.ring = ring
	st := &shown{t: t}
	p := s.openOn(primary.URL(), func(of *postgres.Store) storage.Store { st.Store = of; return st })
	s.pools = [nodes]*pool.Pool{p, p, p}
	who := &person{login: "ada@example.com", ip: netip.MustParseAddr("10.0.0.1")}
	if err := s.live(who); err != nil {
		t.Fatal(err)
	}
	got, err := st.Read(t.Context(), "default", storage.Want{Now: time.Now(), User: user.ByLogin(who.login)})
	if err != nil || got.User == nil {
		t.Fatal(got, err)
	}

	replica.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = p.Admin(pool.Actor{Name: "operator"}).Disable(ctx, got.User.ID)
	if !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("to disable somebody on a primary that is alone = %v, want ErrUnavailable", err)
	}
	if st.seen == 0 {
		t.Error("the primary never showed it")
	}
	t.Logf("told after %s", time.Since(began))

	primary.Kill()
	replica.Start()
	replica.Promote()
	after, err := postgres.Open(t.Context(), replica.URL(), postgres.Config{Migrated: true})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	got, err = after.Read(t.Context(), "default", storage.Want{Now: time.Now(), User: user.ByLogin(who.login)})
	if err != nil || got.User == nil || got.User.Disabled {
		t.Errorf("what the primary alone had is not lost: %+v, %v", got.User, err)
	}
}
