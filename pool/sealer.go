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
	sealLease   = 10 * time.Second // so long, and half as long again, nothing is sealed after a sealer has died
	sealBatch   = 5000             // the most that one seal holds
	sealPurpose = "event seal v1"
)

// sealer links events into the chain, apart from the commits that write them: a chain head in those
// would let a pool sign in one person at a time (security.md T10).
type sealer struct {
	*Pool
	tenure tenure
	newest int64 // number of the newest seal that this process made
	waits  bool  // something was in no seal

	retained  time.Time // when old events were last looked for
	retaining bool      // not all of them are gone
}

// seal links what was written in all pools until ctx ends, and then lets the next process have the
// leases at once.
func (d *Directory) seal(ctx context.Context) {
	for pause(ctx, sealEvery) {
		if err := d.round(ctx, "seal", d.sealOnce); err != nil && !over(ctx) {
			d.config.Logger.WarnContext(ctx, "events wait to be sealed, or old ones stay", "error", err)
		}
	}
	for _, p := range d.sealing.take() {
		if p.sealer.tenure.held {
			d.giveUp(ctx, p.sealer.lease(p.now()))
		}
	}
}

// sealOnce seals what is in no seal, in the pools where something was written of late, and drops
// what is too old: a batch of each in turn.
func (d *Directory) sealOnce(ctx context.Context) error {
	return d.sealing.round(func(p *Pool) (turn, error) {
		again, err := p.sealer.once(ctx)
		if again {
			return goesOn, err
		}
		err = errors.Join(err, p.sealer.retain(ctx))
		if p.sealer.busy() {
			return nextRound, err
		}
		return finished, err
	})
}

// once seals a batch of what is in no seal, unless another process does. Again tells that there may
// be more.
func (s *sealer) once(ctx context.Context) (again bool, err error) {
	page, err := s.store.Events(ctx, s.config.ID, storage.EventQuery{Unsealed: true, Limit: 1})
	if s.waits = err == nil && len(page.Events) > 0; !s.waits {
		return false, err
	}
	if held, err := s.hold(ctx); err != nil || !held {
		return false, err
	}
	n, err := s.seal(ctx)
	return err == nil && n == sealBatch, err
}

// busy reports whether the pool needs another look in a second: something waits that another
// process may leave, or other processes leave to this one what they write.
func (s *sealer) busy() bool {
	since := s.now().Sub(s.tenure.asked)
	return s.waits || s.retaining || s.tenure.held && since >= 0 && since < sealLease
}

// hold tells whether this process is the sealer.
func (s *sealer) hold(ctx context.Context) (bool, error) {
	return s.tenure.take(ctx, s.dir, s.lease(s.now()))
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
