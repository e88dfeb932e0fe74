package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Due implements [storage.Store].
func (s *Store) Due(ctx context.Context, pools []user.PoolID, lane int, now time.Time, n int) ([]*storage.Outgoing, error) {
	if err := s.rlock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.RUnlock()
	if pools == nil {
		for id, p := range s.pools {
			if len(p.outgoing.rows) > 0 {
				pools = append(pools, id)
			}
		}
	}
	type head struct {
		turn int
		*storage.Outgoing
	}
	var heads []head
	for _, id := range slices.Compact(slices.Sorted(slices.Values(pools))) {
		if p := s.live(id); p != nil {
			for turn, o := range p.heads(lane, now, n) {
				heads = append(heads, head{turn, o})
			}
		}
	}
	slices.SortStableFunc(heads, func(a, b head) int {
		return cmp.Or(cmp.Compare(a.turn, b.turn), a.Due.Compare(b.Due))
	})
	var out []*storage.Outgoing
	for _, h := range heads[:min(max(n, 0), len(heads))] {
		out = append(out, h.Clone())
	}
	return out, nil
}

// heads returns at most n messages to send: of each owner the first of those due, in the order of
// the pool.
func (p *pool) heads(lane int, now time.Time, n int) []*storage.Outgoing {
	var heads []*storage.Outgoing
	next := start("", "")
	for found := true; found; {
		found = false
		for at := range p.due.from(next) {
			if at.at > now.UnixMicro() { // nor is the rest of the class due
				next, found = start(at.name+"\x00", ""), true
				break
			}
			if len(heads) >= n {
				break
			}
			o := p.outgoing.rows[at.key]
			if (lane < 0 || storage.Lane(o.Owner) == lane) && p.head(o.Owner, now) == o {
				heads = append(heads, o)
			}
		}
	}
	return heads
}

// head returns the first of an owner's messages that is due.
func (p *pool) head(owner user.ID, now time.Time) *storage.Outgoing {
	for at := range p.outgoingOfOwner.from(start(string(owner), "")) {
		if at.name != string(owner) {
			break
		}
		o := p.outgoing.rows[at.key]
		if !o.Due.After(now) && (o.NotAfter.IsZero() || o.NotAfter.After(now)) {
			return o
		}
	}
	return nil
}
