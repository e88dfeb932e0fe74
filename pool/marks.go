package pool

import (
	"errors"
	"fmt"
	"sync"
)

// marks are the pools that a chore has to look after: those in which something happened here.
type marks struct {
	mu    sync.Mutex
	pools map[*Pool]bool
}

func (m *marks) add(p *Pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.pools == nil {
		m.pools = map[*Pool]bool{}
	}
	m.pools[p] = true
}

// take returns the marked pools in random order, so that none is always last, and none is marked
// then. Whoever is not done with one marks it again. In those that were deleted nothing is left to
// do.
func (m *marks) take() (pools []*Pool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.pools {
		if !p.gone.Load() {
			pools = append(pools, p)
		}
	}
	m.pools = nil
	return pools
}

// turn is what is left to do in a pool after its turn.
type turn int

const (
	finished  turn = iota
	nextRound      // is to look again
	goesOn         // as soon as the others had their turn
)

// round lets each marked pool have its turn, and who has more to do another, together with those
// that were marked meanwhile: no pool waits for another's backlog. One that fails waits for the next
// round.
func (m *marks) round(take func(*Pool) (turn, error)) (failed error) {
	waits := map[*Pool]error{}
	for again := true; again; {
		again = false
		for _, p := range m.take() {
			if waits[p] != nil {
				continue
			}
			left, err := take(p)
			switch {
			case err != nil:
				failed = errors.Join(failed, fmt.Errorf("pool %q: %w", p.config.ID, err))
				waits[p] = err
			case left == nextRound:
				waits[p] = nil
			case left == goesOn:
				m.add(p)
				again = true
			}
		}
	}
	for p := range waits {
		m.add(p)
	}
	return failed
}
