package storagetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Faulty is a store whose calls fail as those of a real one may: to test what is built on a store,
// and how a program answers while its database does not.
//
//	st := &storagetest.Faulty{Store: memory.New()}
//	p, err := pool.Open(ctx, st, pool.Config{})
//	...
//	st.Set(storagetest.At("Commit", 2, storagetest.Fault{Err: storage.ErrUnknown, Done: true}))
//
// Every method of [storage.Store] can fail but Close. Nothing does before Set.
type Faulty struct {
	storage.Store // what it is elsewhere

	plan atomic.Pointer[Plan]
}

// Plan says what becomes of a call, before it is made. Method is that of [storage.Store], and the
// changes are those of a Commit. It is asked by as many goroutines as call the store.
type Plan func(ctx context.Context, method string, changes []storage.Change) Fault

// Fault is what becomes of a call. The zero value lets it pass.
type Fault struct {
	// Wait is called first: it may let time pass, so that leases run out and contexts end.
	Wait func()
	// Then is called last, when the answer is there but nobody has it yet.
	Then func()
	// Err is the answer, in a wrapping. Nil means that the store answers.
	Err error
	// Done says that the call is made all the same, and that only its answer is lost. What the
	// store itself refuses comes back as it is.
	Done bool
}

// At is the plan by which the k-th call of a method fails, the first of which is 1, and no other. The
// empty method is any.
func At(method string, k int, f Fault) Plan {
	var calls atomic.Int64
	return func(_ context.Context, called string, _ []storage.Change) Fault {
		if method != "" && called != method || calls.Add(1) != int64(k) {
			return Fault{}
		}
		return f
	}
}

// Sometimes is the plan by which one call in n fails, in any of some ways. The same seed chooses the
// same calls, where they come in the same order.
func Sometimes(seed uint64, n int, ways ...Fault) Plan {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, 0))
	return func(context.Context, string, []storage.Change) Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.IntN(n) > 0 {
			return Fault{}
		}
		return ways[r.IntN(len(ways))]
	}
}

// Set puts a plan into force. Nil ends all faults.
func (f *Faulty) Set(p Plan) {
	if p == nil {
		f.plan.Store(nil)
		return
	}
	f.plan.Store(&p)
}

// Ephemeral tells what the store beneath is.
func (f *Faulty) Ephemeral() bool {
	e, ok := f.Store.(storage.Ephemeral)
	return ok && e.Ephemeral()
}

// faulty makes a call, or lets it fail.
func faulty[T any](ctx context.Context, f *Faulty, method string, changes []storage.Change, call func() (T, error)) (T, error) {
	plan := f.plan.Load()
	if plan == nil {
		return call()
	}
	fault := (*plan)(ctx, method, changes)
	if fault.Then != nil {
		defer fault.Then()
	}
	if fault.Wait != nil {
		fault.Wait()
	}
	if fault.Err == nil {
		return call()
	}
	var none T
	if fault.Done {
		if _, err := call(); err != nil {
			return none, err
		}
	}
	return none, fmt.Errorf("storagetest: a fault in %s: %w", method, fault.Err)
}

// Read implements [storage.Store].
func (f *Faulty) Read(ctx context.Context, p user.PoolID, w storage.Want) (storage.Got, error) {
	return faulty(ctx, f, "Read", nil, func() (storage.Got, error) { return f.Store.Read(ctx, p, w) })
}

// Users implements [storage.Store].
func (f *Faulty) Users(ctx context.Context, p user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	return faulty(ctx, f, "Users", nil, func() (storage.UserPage, error) { return f.Store.Users(ctx, p, q) })
}

// Sessions implements [storage.Store].
func (f *Faulty) Sessions(ctx context.Context, p user.PoolID, q storage.SessionQuery) (storage.SessionPage, error) {
	return faulty(ctx, f, "Sessions", nil, func() (storage.SessionPage, error) { return f.Store.Sessions(ctx, p, q) })
}

// Documents implements [storage.Store].
func (f *Faulty) Documents(ctx context.Context, p user.PoolID, q storage.DocumentQuery) (storage.DocumentPage, error) {
	return faulty(ctx, f, "Documents", nil, func() (storage.DocumentPage, error) { return f.Store.Documents(ctx, p, q) })
}

// Events implements [storage.Store].
func (f *Faulty) Events(ctx context.Context, p user.PoolID, q storage.EventQuery) (storage.EventPage, error) {
	return faulty(ctx, f, "Events", nil, func() (storage.EventPage, error) { return f.Store.Events(ctx, p, q) })
}

// Pools implements [storage.Store].
func (f *Faulty) Pools(ctx context.Context, q storage.PoolQuery) (storage.PoolPage, error) {
	return faulty(ctx, f, "Pools", nil, func() (storage.PoolPage, error) { return f.Store.Pools(ctx, q) })
}

// Drop implements [storage.Store].
func (f *Faulty) Drop(ctx context.Context, p user.PoolID, n int) (bool, error) {
	return faulty(ctx, f, "Drop", nil, func() (bool, error) { return f.Store.Drop(ctx, p, n) })
}

// Commit implements [storage.Store].
func (f *Faulty) Commit(ctx context.Context, changes ...storage.Change) error {
	_, err := faulty(ctx, f, "Commit", changes, func() (struct{}, error) { return struct{}{}, f.Store.Commit(ctx, changes...) })
	return err
}

// Lease implements [storage.Store].
func (f *Faulty) Lease(ctx context.Context, l storage.Lease) (bool, error) {
	return faulty(ctx, f, "Lease", nil, func() (bool, error) { return f.Store.Lease(ctx, l) })
}

// Due implements [storage.Store].
func (f *Faulty) Due(ctx context.Context, pools []user.PoolID, lane int, now time.Time, n int) ([]*storage.Outgoing, error) {
	return faulty(ctx, f, "Due", nil, func() ([]*storage.Outgoing, error) { return f.Store.Due(ctx, pools, lane, now, n) })
}

// Changed implements [storage.Store].
func (f *Faulty) Changed(ctx context.Context, since storage.Cursor) (storage.Feed, error) {
	return faulty(ctx, f, "Changed", nil, func() (storage.Feed, error) { return f.Store.Changed(ctx, since) })
}

// Sweep implements [storage.Store].
func (f *Faulty) Sweep(ctx context.Context, now time.Time, n int) (int, error) {
	return faulty(ctx, f, "Sweep", nil, func() (int, error) { return f.Store.Sweep(ctx, now, n) })
}

// Trim implements [storage.Store].
func (f *Faulty) Trim(ctx context.Context, p user.PoolID, seal int64, n int) (bool, error) {
	return faulty(ctx, f, "Trim", nil, func() (bool, error) { return f.Store.Trim(ctx, p, seal, n) })
}
