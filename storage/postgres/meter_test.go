//go:build unix

package postgres_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// side is one of the ways of doing the same that a benchmark compares, and what it has cost.
type side struct {
	name string
	op   func(caller int) error

	wall, client, server time.Duration
	allocs               uint64
}

// compare runs all sides in turns, b.N times each in all, from so many callers at a time: what
// disturbs the machine disturbs them alike. It reports what an operation of each costs in
// microseconds (time, processor of this process, processor of the server), and for the first beside
// each other one the ratios of throughput and of processor time.
func compare(b *testing.B, pool *pgxpool.Pool, callers int, sides ...*side) {
	b.Helper()
	backends := serverProcesses(b, pool)
	const rounds = 20
	each := max(1, b.N/rounds)
	order := slices.Clone(sides)
	total := 0
	b.ResetTimer()
	for total < b.N {
		n := min(each, b.N-total)
		for _, s := range order {
			s.run(b, backends, callers, n)
		}
		total += n
		slices.Reverse(order)
	}
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 / float64(b.N) }
	first := sides[0]
	for _, s := range sides {
		b.ReportMetric(per(s.wall), s.name+"-µs")
		b.ReportMetric(per(s.client), s.name+"-client-µs")
		b.ReportMetric(per(s.server), s.name+"-server-µs")
		b.ReportMetric(float64(s.allocs)/float64(b.N), s.name+"-allocs")
		if s != first {
			b.ReportMetric(float64(s.wall)/float64(first.wall), "throughput/"+s.name)
			b.ReportMetric(float64(first.client+first.server)/float64(s.client+s.server), "cpu/"+s.name)
		}
	}
	b.ReportMetric(0, "ns/op") // of all sides: means nothing
}

// run does the operation n times and adds what it cost.
func (s *side) run(b *testing.B, backends []int, callers, n int) {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	client, server, start := ownTime(b), timeOf(backends), time.Now()
	left := atomic.Int64{}
	left.Store(int64(n))
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			for left.Add(-1) >= 0 {
				if err := s.op(c); err != nil {
					b.Errorf("%s: %v", s.name, err)
					return
				}
			}
		})
	}
	wait.Wait()
	s.wall += time.Since(start)
	s.client += ownTime(b) - client
	s.server += timeOf(backends) - server
	runtime.ReadMemStats(&after)
	s.allocs += after.Mallocs - before.Mallocs
	if b.Failed() {
		b.FailNow()
	}
}

// ownTime returns the processor time of this process.
func ownTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// serverProcesses returns the processes of the server, those in its background included.
func serverProcesses(b *testing.B, pool *pgxpool.Pool) (pids []int) {
	b.Helper()
	rows, err := pool.Query(b.Context(), "SELECT pid FROM pg_stat_activity")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		pid := 0
		if err := rows.Scan(&pid); err != nil {
			b.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return pids
}

// timeOf returns the processor time of processes, as far as this machine tells.
func timeOf(pids []int) (sum time.Duration) {
	for _, pid := range pids {
		if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", pid)); err == nil {
			var running int64
			if _, err := fmt.Sscan(string(text), &running); err == nil {
				sum += time.Duration(running)
			}
		}
	}
	return sum
}
