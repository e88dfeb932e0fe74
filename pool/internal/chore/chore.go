// Package chore lets pooltest run the chores of a pool by hand: in a test they are due when its
// clock says so, and a timer would neither know that nor be done when the test looks.
//
// What passes between the two is a value in the context of pool.Open. A program cannot put it there,
// because no package outside of pool can import this one.
package chore

import (
	"context"
	"sync"
)

// Hand runs the chores of the pool that took it. It is safe for concurrent use.
type Hand struct {
	mu  sync.Mutex
	due func(context.Context) error
}

type contextKey struct{}

// NewContext returns a context whose pool gives its chores to h.
func NewContext(ctx context.Context, h *Hand) context.Context {
	return context.WithValue(ctx, contextKey{}, h)
}

// Give gives due, which does all that is due at the time, to the Hand of ctx. It reports whether
// there is one: if not, the pool runs its chores itself.
func Give(ctx context.Context, due func(context.Context) error) bool {
	h, ok := ctx.Value(contextKey{}).(*Hand)
	if !ok {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.due = due
	return true
}

// Run does what is due, and returns when it is done. One call at a time does it. Without a pool it
// does nothing.
func (h *Hand) Run(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.due == nil {
		return nil
	}
	return h.due(ctx)
}
