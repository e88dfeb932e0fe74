//go:build linux

package pool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
)

// spent returns the processor time of this process, in nanoseconds: machines are shared, and the
// wall clock counts the neighbours.
func spent(b *testing.B) float64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return float64(r.Utime.Nano() + r.Stime.Nano())
}

// cpu reports the processor time of the process per operation.
func cpu(b *testing.B) func() {
	start := spent(b)
	return func() { b.ReportMetric((spent(b)-start)/float64(b.N), "cpu-ns/op") }
}

// bareHash is one Argon2id at the default parameters, and nothing around it.
func bareHash() {
	p := password.Default()
	argon2.IDKey([]byte("correct horse battery staple"), make([]byte, 16), p.Time, p.Memory, p.Threads, 32)
}

// BenchmarkArgon2idBare is what the overheads are measured against.
func BenchmarkArgon2idBare(b *testing.B) {
	defer cpu(b)()
	for b.Loop() {
		bareHash()
	}
}

// overBare reports as cpu does, and the ratio to a bare hash, measured before and after.
func overBare(b *testing.B) func() {
	bare := func() float64 {
		const n = 25
		start := spent(b)
		for range n {
			bareHash()
		}
		return (spent(b) - start) / n
	}
	before, start := bare(), spent(b)
	return func() {
		each := (spent(b) - start) / float64(b.N)
		b.ReportMetric(each, "cpu-ns/op")
		b.ReportMetric(2*each/(before+bare()), "ratio")
	}
}

// somebody is a caller with an address and a browser, never of the same network.
func somebody() pool.Caller {
	n := callers.Add(1)
	return pool.Caller{
		IP:        netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
	}
}

var callers atomic.Uint32

func enter(ctx context.Context, p *pool.Pool, login string) (*pool.Done, error) {
	return pool.Finished(p.SignIn(ctx, pool.SignInInput{
		Username: login, With: pool.Password{Value: right}, Caller: somebody(),
	}))
}

func signIn(b *testing.B, p *pool.Pool, login string) *pool.Done {
	b.Helper()
	d, err := enter(b.Context(), p, login)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkSignInOverhead is a whole sign-in but for the hash, which is as cheap as it gets, with
// what the chores do for it: the goal is at most 0.03 of a bare hash, among a million people on
// SQLite with every commit on the disk.
func BenchmarkSignInOverhead(b *testing.B) {
	run := func(b *testing.B, c crowd, p *pool.Pool) {
		b.ReportAllocs()
		defer overBare(b)()
		for b.Loop() {
			signIn(b, p, c.login(rand.IntN(c.size)))
		}
	}
	b.Run("memory", func(b *testing.B) {
		c := crowd{hash: cheap, size: 1000}
		st := memory.New()
		r, err := seal.New(seal.Generate())
		if err != nil {
			b.Fatal(err)
		}
		if err := c.fill(b.Context(), st, r); err != nil {
			b.Fatal(err)
		}
		run(b, c, c.openOn(b.Context(), b, st, r))
	})
	b.Run("sqlite", func(b *testing.B) {
		c := million(b)
		run(b, c, c.open(b))
	})
}

// BenchmarkSignUpOverhead is a sign-up, likewise; "later-ns" is what delivering its mail and
// sealing its event cost afterwards.
func BenchmarkSignUpOverhead(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		c := million(b)
		var hand chores.Hand // they are run apart, after the sign-ups
		p := c.openIn(chores.NewContext(b.Context(), &hand), b)
		b.ReportAllocs()
		report := overBare(b)
		for b.Loop() {
			in := pool.SignUpInput{Username: fmt.Sprintf("new%d@example.com", callers.Load()), Password: right, Caller: somebody()}
			if _, err := p.SignUp(b.Context(), in); err != nil {
				b.Fatal(err)
			}
		}
		report()
		start := spent(b)
		if err := hand.Run(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric((spent(b)-start)/float64(b.N), "later-ns/op")
	})
}

// BenchmarkRefresh is a refresh whose rotation is stored, with two tokens signed: the goal is at
// most 0.4 ms of processor time on SQLite.
func BenchmarkRefresh(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		c := million(b)
		p := c.open(b)
		d := signIn(b, p, c.login(0))
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			var err error
			if d, err = pool.Finished(p.Refresh(b.Context(), pool.RefreshInput{Token: d.Tokens.Refresh, Caller: somebody()})); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAccountGet is what an app pays for a page that shows its user: one read, of people who
// take turns.
func BenchmarkAccountGet(b *testing.B) {
	b.Run("sqlite", func(b *testing.B) {
		c := million(b)
		p := c.open(b)
		tokens := make([]token.Secret, 256)
		for i := range tokens {
			tokens[i] = signIn(b, p, c.login(i*c.size/len(tokens))).Tokens.Access
		}
		b.ReportAllocs()
		defer cpu(b)()
		for i := 0; b.Loop(); i++ {
			a, err := p.Account(b.Context(), tokens[i%len(tokens)])
			if err == nil {
				_, err = a.Get(b.Context())
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify is the check of an access token beside its pool, first met and met again.
func BenchmarkVerify(b *testing.B) {
	for name, texts := range map[string]int{"new": 5000, "seen": 100} {
		b.Run(name, func(b *testing.B) {
			k := open(b)
			k.confirmed(ada)
			v, err := k.Verifier()
			if err != nil {
				b.Fatal(err)
			}
			d := k.done(ada)
			tokens := make([]string, texts)
			for i := range tokens {
				if d, err = k.refresh(d); err != nil {
					b.Fatal(err)
				}
				tokens[i] = d.Tokens.Access.Reveal()
			}
			b.ReportAllocs()
			defer cpu(b)()
			for i := 0; b.Loop(); i++ {
				if _, err := v.Verify(b.Context(), tokens[i%texts]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
