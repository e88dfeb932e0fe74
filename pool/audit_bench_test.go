//go:build linux

package pool_test

import (
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// What personal fields add to a commit: a refresh is the use case with the least work beside.
func BenchmarkPersonal(b *testing.B) {
	for name, caller := range map[string]pool.Caller{"bare": {}, "caller": home} {
		b.Run(name, func(b *testing.B) {
			k := open(b)
			k.confirmed(ada)
			d := k.done(ada)
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				var err error
				if d, err = pool.Finished(k.Refresh(b.Context(), pool.RefreshInput{Token: d.Tokens.Refresh, Caller: caller})); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A history of 10,000 events in two seals.
func BenchmarkVerifyEvents(b *testing.B) {
	k := open(b, func(c *pool.Config) { c.Now = time.Now })
	k.confirmed(ada)
	d := k.done(ada)
	for range 10_000 - 3 {
		var err error
		if d, err = k.refresh(d); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if r, err := k.VerifyEvents(b.Context()); err != nil || !r.Intact() || r.Sealed+r.Unsealed != 10_000 {
			b.Fatalf("%+v, %v", r, err)
		}
	}
}
