//go:build linux

package pool_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// What tells the test binary to start as a program would, on which database, and what to verify.
const (
	coldFile  = "USERPOOL_POOL_COLD_FILE"
	coldToken = "USERPOOL_POOL_COLD_TOKEN"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(coldFile); file != "" {
		if err := verifyOnce(crowd{hash: cheap, file: file}, os.Getenv(coldToken)); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	removeCrowds()
	os.Exit(code)
}

// verifyOnce is the work of a process that has just started: it opens the pool, verifies a token,
// and says how much memory it holds then.
func verifyOnce(c crowd, text string) error {
	ctx := context.Background()
	st, ring, err := c.store(ctx)
	if err != nil {
		return err
	}
	p, err := pool.Open(ctx, st, c.config(ring))
	if err != nil {
		return err
	}
	v, err := p.Verifier()
	if err != nil {
		return err
	}
	if _, err := v.Verify(ctx, text); err != nil {
		return err
	}
	fmt.Println("verified", status("VmRSS"))
	return nil
}

// status returns a line of this process's status, in bytes.
func status(name string) (n int64) {
	text, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(text), "\n"+name+":")
	fmt.Sscan(rest, &n)
	return n << 10
}

// BenchmarkColdStart is a fresh process on a million users, to the first token that it has
// verified: the goal is at most 15 ms, and 25 MB resident then. Best is the quickest of all.
func BenchmarkColdStart(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		c := million(b)
		access := signIn(b, c.open(b), c.login(0)).Tokens.Access.Reveal()
		best, resident, used := time.Hour, int64(0), time.Duration(0)
		for b.Loop() {
			start := time.Now()
			cmd := exec.Command(os.Args[0], "-test.run=^$")
			cmd.Env = append(os.Environ(), coldFile+"="+c.file, coldToken+"="+access)
			out, err := cmd.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			said, _ := bufio.NewReader(out).ReadString('\n')
			best = min(best, time.Since(start))
			var rss int64
			if _, err := fmt.Sscanf(said, "verified %d", &rss); err != nil {
				b.Fatalf("the process said %q", said)
			}
			if err := cmd.Wait(); err != nil {
				b.Fatal(err)
			}
			resident = max(resident, rss)
			used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		b.ReportMetric(float64(best.Microseconds())/1000, "best-ms")
		b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
		b.ReportMetric(float64(resident)/1e6, "rss-MB")
	})
}

// BenchmarkSignInParallel is 16 people at a time who sign in with hashes of the default cost: the
// goals are at least 0.85 of as many bare hashes as the processors do, measured in turns, and at
// most so many times 19 MiB and 20 MB above what the idle process holds.
func BenchmarkSignInParallel(b *testing.B) {
	const most = 16
	b.Run(fmt.Sprint(most), func(b *testing.B) {
		c := crowd{hash: password.Default(), size: 1000}.onDisk(b)
		p := c.open(b)
		round := func(n, callers int, f func(i int)) time.Duration {
			start := time.Now()
			var next atomic.Int64
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for i := next.Add(1); i <= int64(n); i = next.Add(1) {
						f(int(i))
					}
				})
			}
			all.Wait()
			return time.Since(start)
		}
		signIn := func(i int) {
			if _, err := enter(b.Context(), p, c.login(i)); err != nil {
				b.Error(err)
			}
		}
		debug.FreeOSMemory()
		idle := status("VmRSS")
		os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak counts from here
		round(4*most, most, signIn)
		above := status("VmHWM") - idle

		var theirs, bare time.Duration
		b.ResetTimer()
		for done := 0; done < b.N; done += 4 * most {
			n := min(4*most, b.N-done)
			theirs += round(n, most, signIn)
			b.StopTimer()
			bare += round(n, runtime.GOMAXPROCS(0), func(int) { bareHash() })
			b.StartTimer()
		}
		b.ReportMetric(float64(b.N)/theirs.Seconds(), "sign-ins/s")
		b.ReportMetric(float64(bare)/float64(theirs), "ratio")
		b.ReportMetric(float64(above)/1e6, "above-idle-MB")
	})
}
