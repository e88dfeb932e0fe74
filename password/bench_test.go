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

// BenchmarkDoor is what the door adds to a hash when nobody waits.
func BenchmarkDoor(b *testing.B) {
	door := password.NewHasher(2).For(password.From{Pool: "p", Source: "s", Account: "a"})
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		leave, err := password.Enter(b.Context(), door, password.Default())
		if err != nil {
			b.Fatal(err)
		}
		leave()
	}
}

// BenchmarkPolicyCheck judges a password that may be chosen, against the built-in list and six
// words.
func BenchmarkPolicyCheck(b *testing.B) {
	facts := password.Facts{Words: []string{"ada.lovelace@example.com", "Ada Lovelace", "Orchard"}}
	secret := password.New("correct horse battery staple")
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if err := (password.Policy{}).Check(secret, facts); err != nil {
			b.Fatal(err)
		}
	}
}
