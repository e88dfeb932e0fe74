package storagetest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/storagetest"
)

// What is lost was done, what fails was not, and what the store refuses is refused.
func TestFaulty(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for name, tt := range map[string]struct {
		fault  storagetest.Fault
		want   error
		stored bool
	}{
		"none":    {storagetest.Fault{}, nil, true},
		"retry":   {storagetest.Fault{Err: storage.ErrRetry}, storage.ErrRetry, false},
		"unknown": {storagetest.Fault{Err: storage.ErrUnknown}, storage.ErrUnknown, false},
		"lost":    {storagetest.Fault{Err: storage.ErrUnknown, Done: true}, storage.ErrUnknown, true},
	} {
		st := &storagetest.Faulty{Store: memory.New()}
		st.Set(storagetest.At("Commit", 1, tt.fault))
		if err := st.Commit(ctx, storage.Put(&storage.Pool{ID: "shop", Created: noon})); !errors.Is(err, tt.want) {
			t.Errorf("%s: Commit = %v, want %v", name, err, tt.want)
		}
		page, err := st.Pools(ctx, storage.PoolQuery{})
		if err != nil || (len(page.Pools) == 1) != tt.stored {
			t.Errorf("%s: %d pools, %v, want it stored: %t", name, len(page.Pools), err, tt.stored)
		}
		if !st.Ephemeral() {
			t.Errorf("%s: a store in memory is durable", name)
		}
	}
	st := &storagetest.Faulty{Store: memory.New()}
	st.Set(storagetest.At("", 1, storagetest.Fault{Err: storage.ErrUnknown, Done: true}))
	if err := st.Commit(ctx, storage.Put(&storage.Document{Pool: "shop", Kind: "k", ID: "1", Created: noon, Updated: noon})); !errors.Is(err, storage.ErrNoPool) {
		t.Errorf("Commit to no pool = %v, want ErrNoPool", err)
	}
}

// A call that is delayed meets what has become of its context meanwhile.
func TestFaultyWaits(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	st := &storagetest.Faulty{Store: memory.New()}
	st.Set(storagetest.At("Read", 2, storagetest.Fault{Wait: cancel}))
	for _, want := range []error{nil, context.Canceled} {
		if _, err := st.Read(ctx, "shop", storage.Want{Now: noon}); !errors.Is(err, want) {
			t.Errorf("Read = %v, want %v", err, want)
		}
	}
}

// A seed chooses the same calls again.
func TestFaultyRepeats(t *testing.T) {
	t.Parallel()
	fails := func(seed uint64) (at []int) {
		st := &storagetest.Faulty{Store: memory.New()}
		st.Set(storagetest.Sometimes(seed, 4, storagetest.Fault{Err: storage.ErrRetry}))
		for i := range 200 {
			if _, err := st.Pools(t.Context(), storage.PoolQuery{}); err != nil {
				at = append(at, i)
			}
		}
		return at
	}
	first := fails(1)
	if n := len(first); n < 25 || n > 75 {
		t.Errorf("%d of 200 calls fail, want about 50", n)
	}
	if !slices.Equal(first, fails(1)) || slices.Equal(first, fails(2)) {
		t.Error("the same seed chooses other calls, or another the same")
	}
}
