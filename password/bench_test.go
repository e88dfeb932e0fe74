//go:build unix

package password_test

import (
	"syscall"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/userpool-go/userpool/password"
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

// BenchmarkHash compares our hash with the bare primitive at the same parameters.
func BenchmarkHash(b *testing.B) {
	p, secret := password.Default(), password.New("correct horse battery")
	salt := make([]byte, 16)
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			argon2.IDKey([]byte(secret.Reveal()), salt, p.Time, p.Memory, p.Threads, 32)
		}
	})
	h, err := p.Hash(secret)
	if err != nil {
		b.Fatal(err)
	}
	door := password.NewHasher(0)
	b.Run("hash", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if _, err := door.Hash(b.Context(), p, secret); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if ok, err := door.Verify(b.Context(), h, secret, password.FormNFC); !ok || err != nil {
				b.Fatal(ok, err)
			}
		}
	})
}
