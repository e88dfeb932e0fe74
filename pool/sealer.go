package pool

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

const (
	sealEvery   = time.Second
	sealLease   = 10 * time.Second // so long nothing is sealed after the process that did it has died
	sealBatch   = 5000             // the most that one seal holds
	sealPurpose = "event seal v1"
)

// sealer links events into the chain, apart from the commits that write them: a chain head in those
// would let a pool sign in one person at a time (security.md T10).
type sealer struct {
	*Pool
	asked  time.Time // when the lease was last asked for
	holds  bool
	newest int64 // number of the newest seal that this process made

	retained time.Time // when old events were last looked for
}

// run seals until ctx ends, and then lets the next process have the lease at once.
func (s *sealer) run(ctx context.Context) {
	for pause(ctx, sealEvery) {
		if err := s.once(ctx); err != nil && !over(ctx) {
			s.config.Logger.WarnContext(ctx, "events wait to be sealed", "pool", s.config.ID, "error", err)
		}
		if err := s.retain(ctx); err != nil && !over(ctx) {
			s.config.Logger.WarnContext(ctx, "old events stay", "pool", s.config.ID, "error", err)
		}
	}
	if s.holds {
		s.outbox.giveUp(ctx, s.lease(s.now()))
	}
}

// once seals all that is in no seal, unless another process does.
func (s *sealer) once(ctx context.Context) error {
	page, err := s.store.Events(ctx, s.config.ID, storage.EventQuery{Unsealed: true, Limit: 1})
	if err != nil || len(page.Events) == 0 {
		return err
	}
	if held, err := s.hold(ctx); err != nil || !held {
		return err
	}
	for {
		n, err := s.seal(ctx)
		if err != nil || n < sealBatch {
			return err
		}
	}
}

// hold tells whether this process is the sealer. It asks the store only when half of a lease is
// over, because to ask is to write.
func (s *sealer) hold(ctx context.Context) (bool, error) {
	now := s.now()
	if since := now.Sub(s.asked); since >= 0 && since < sealLease/2 {
		return s.holds, nil
	}
	held, err := s.store.Lease(ctx, s.lease(now))
	if err != nil {
		return false, err
	}
	s.asked, s.holds = now, held
	return held, nil
}

func (s *sealer) lease(now time.Time) storage.Lease {
	return storage.Lease{Name: "seal/" + string(s.config.ID), Holder: s.holder, Now: now, Until: now.Add(sealLease)}
}

// seal puts the oldest events that are in no seal into the next, and returns how many they were.
func (s *sealer) seal(ctx context.Context) (int, error) {
	events, newest, err := s.events(ctx, storage.EventQuery{Unsealed: true}, sealBatch)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	r := storage.SealRecord{Number: 1, Count: len(events), Time: s.now()}
	if newest != nil {
		r.Number, r.Previous = newest.Number+1, newest.Digest
	}
	if r.Number <= s.newest {
		return 0, fmt.Errorf("seal %d is gone, and nothing is sealed over the gap: see VerifyEvents", s.newest)
	}
	r.Digest = sealDigest(s.config.ID, r, events)
	r.MAC = s.config.Keys.MAC(sealPurpose, r.Digest)
	ids := make([]string, len(events))
	for i, e := range events {
		ids[i] = e.ID
	}
	err = s.commit(ctx, storage.Seal{Pool: s.config.ID, Record: r, Events: ids})
	if errors.Is(err, storage.ErrStale) {
		return 0, nil // another process sealed them after our lease
	}
	if err == nil {
		s.newest = r.Number
	}
	if err == nil && s.config.Sealed != nil {
		s.config.Sealed(SealHead{r.Number, r.Digest})
	}
	return len(events), err
}

// events reads at most n events, which are of one query, and the seal that the first page names.
func (p *Pool) events(
	ctx context.Context, q storage.EventQuery, n int,
) (events []*storage.Event, seal *storage.SealRecord, err error) {
	for {
		q.Limit = min(n-len(events), storage.MaxPage)
		page, err := p.store.Events(ctx, p.config.ID, q)
		if err != nil {
			return nil, nil, err
		}
		if q.After == "" {
			seal = page.Seal
		}
		events = append(events, page.Events...)
		if q.After = page.Next; q.After == "" || len(events) >= n {
			return events, seal, nil
		}
	}
}

// sealDigest is the SHA-256 over what a seal says but its MAC, and the leaves of its events by their
// order. Texts have their length before them: no two seals read the same.
func sealDigest(pool user.PoolID, r storage.SealRecord, events []*storage.Event) []byte {
	b := make([]byte, 0, 128+sha256.Size*len(events))
	for _, part := range []string{sealPurpose, string(pool), string(r.Previous)} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(part))), part...)
	}
	for _, n := range []int64{r.Number, int64(r.Count), r.Time.UnixMicro()} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, e := range events {
		b = append(b, e.Leaf...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
