package pool

import (
	"sync"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/user"
)

// bulkheads bound how many runs there are of each hook. A run that outlives its time keeps its place
// until it returns: what hangs cannot pile up.
type bulkheads map[string]*bulkhead

// bulkhead has places for the runs of one hook. A quarter of them are for other pools than the one
// that has most, so that no pool takes all.
type bulkhead struct {
	most int // of one pool

	mu sync.Mutex
	n  int
	of map[user.PoolID]int
}

// newBulkheads returns places for all hooks; alone says that there is but one pool.
func newBulkheads(alone bool) bulkheads {
	most := hook.Parallel
	if !alone {
		most -= hook.Parallel / 4
	}
	b := bulkheads{}
	for _, name := range hookNames {
		b[name] = &bulkhead{most: most, of: map[user.PoolID]int{}}
	}
	return b
}

// enter takes a place for a pool, if there is one.
func (b *bulkhead) enter(pool user.PoolID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.n >= hook.Parallel || b.of[pool] >= b.most {
		return false
	}
	b.n++
	b.of[pool]++
	return true
}

func (b *bulkhead) leave(pool user.PoolID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.n--
	if b.of[pool]--; b.of[pool] == 0 {
		delete(b.of, pool)
	}
}

func (b *bulkhead) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n >= hook.Parallel
}
