//go:build linux

package pool_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/userpool-go/userpool/message/mailbox"
	"github.com/userpool-go/userpool/pool"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/storage/memory"
)

// BenchmarkObserver is a sign-in with the cheapest of hashes, without an observer and with one that
// counts all there is.
func BenchmarkObserver(b *testing.B) {
	var n atomic.Int64
	all := pool.Observer{
		Event: func(context.Context, pool.ObservedEvent) { n.Add(1) }, Store: func(context.Context, pool.StoreCall) { n.Add(1) },
		Hash: func(context.Context, pool.HashRun) { n.Add(1) }, Hook: func(context.Context, pool.HookRun) { n.Add(1) }, Message: func(context.Context, pool.MessageTry) { n.Add(1) },
		Chore: func(context.Context, pool.ChoreRound) { n.Add(1) },
	}
	for name, o := range map[string]pool.Observer{"none": {}, "all": all} {
		b.Run(name, func(b *testing.B) {
			box, hand := mailbox.New(), &chores.Hand{} // which would count for the time that passes
			p, err := pool.Open(chores.NewContext(b.Context(), hand), memory.New(), pool.Config{Sender: box, InsecureHash: &cheap, Observer: o})
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close(context.Background())
			k := &kit{Pool: p, t: b, box: box}
			ticket := k.signUp(ada)
			if err := errors.Join(hand.Run(b.Context()), confirm(k, ticket, box.Code(ada))); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				signIn(b, p, ada)
			}
		})
	}
}
