//go:build unix

package seal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"syscall"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"
)

var digest = bytes.Repeat([]byte{7}, 32)

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

func BenchmarkSeal(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		aead, err := chacha20poly1305.NewX(digest)
		if err != nil {
			b.Fatal(err)
		}
		nonce := make([]byte, aead.NonceSize())
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			aead.Seal(nil, nonce, digest, digest)
		}
	})
	k := ring(b, key("a", 1))
	b.Run("ring", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			k.Seal(place, digest)
		}
	})
	blob := k.Seal(place, digest)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if _, err := k.Open(place, blob); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMAC(b *testing.B) {
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			h := hmac.New(sha256.New, digest)
			h.Write(digest)
			h.Sum(nil)
		}
	})
	k := ring(b, key("a", 1))
	b.Run("ring", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			k.MAC("code", digest)
		}
	})
}
