//go:build unix

package pool_test

import (
	"syscall"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
)

// cpu reports the processor time of the process per operation: machines are shared, and the wall
// clock counts the neighbours.
func cpu(b *testing.B) func() {
	used := func() int64 {
		var r syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
			b.Fatal(err)
		}
		return r.Utime.Nano() + r.Stime.Nano()
	}
	start := used()
	return func() { b.ReportMetric(float64(used()-start)/float64(b.N), "cpu-ns/op") }
}

// What personal fields add to a commit: a refresh is the use case with the least work beside.
func BenchmarkRefresh(b *testing.B) {
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
