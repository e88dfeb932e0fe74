package main

import (
	"context"
	"math/bits"
	"math/rand/v2"
	"sync"
	"time"
)

// work is one operation, done by one of the callers.
type work func(ctx context.Context, caller int, r *rand.Rand) error

// tally is what came of windows of one kind.
type tally struct {
	n            int
	wall         time.Duration
	self, server time.Duration // processor time: of this process, and of the server's
	latencies    latencies
}

func (t *tally) add(o *tally) {
	t.n, t.wall, t.self, t.server = t.n+o.n, t.wall+o.wall, t.self+o.self, t.server+o.server
	t.latencies.merge(&o.latencies)
}

// window lets so many callers work one after another, each in a loop, until the time is over.
func window(ctx context.Context, callers int, d time.Duration, server func() time.Duration, f work) (*tally, error) {
	t := &tally{}
	parts, failed := make([]latencies, callers), make(chan error, callers)
	self, theirs, start := spent(), server(), time.Now()
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for end, at := start.Add(d), time.Now(); at.Before(end); {
				if err := f(ctx, caller, r); err != nil {
					failed <- err
					return
				}
				now := time.Now()
				parts[caller].add(now.Sub(at))
				at = now
			}
		})
	}
	all.Wait()
	t.wall = time.Since(start)
	select {
	case err := <-failed:
		return nil, err
	default:
	}
	t.self, t.server = spent()-self, server()-theirs
	for i := range parts {
		t.n += parts[i].count()
		t.latencies.merge(&parts[i])
	}
	return t, nil
}

// latencies counts durations by size, to three parts in a hundred.
type latencies [64 * 32]uint32

func (l *latencies) add(d time.Duration) {
	n := uint64(max(0, d))
	shift := max(0, bits.Len64(n)-6)
	l[shift*32+int(n>>shift)]++
}

func (l *latencies) merge(o *latencies) {
	for i, n := range o {
		l[i] += n
	}
}

func (l *latencies) count() (n int) {
	for _, c := range l {
		n += int(c)
	}
	return n
}

// quantile returns the duration that a part of all is not above.
func (l *latencies) quantile(part float64) time.Duration {
	left := int(part * float64(l.count()))
	for i, c := range l {
		if left -= int(c); left < 0 {
			shift := max(0, i/32-1)
			return time.Duration(i-shift*32) << shift
		}
	}
	return 0
}
