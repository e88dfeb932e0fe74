//go:build unix

package token_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"syscall"
	"testing"

	"github.com/userpool-go/userpool/token"
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

func raw(b *testing.B, k *token.SigningKey) *ecdsa.PrivateKey {
	key, err := x509.ParsePKCS8PrivateKey(k.Marshal())
	if err != nil {
		b.Fatal(err)
	}
	return key.(*ecdsa.PrivateKey)
}

// BenchmarkSign compares a signed access token with the bare hash and signature over its bytes.
func BenchmarkSign(b *testing.B) {
	k, c := generate(b), claims(token.Access)
	text := []byte(sign(b, k, c))
	b.Run("bare", func(b *testing.B) {
		key := raw(b, k)
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			sum := sha256.Sum256(text)
			if _, err := ecdsa.SignASN1(rand.Reader, key, sum[:]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if _, err := k.Sign(c); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkVerify compares verifying an access token with the bare hash and signature check.
func BenchmarkVerify(b *testing.B) {
	k := generate(b)
	text := sign(b, k, claims(token.Access))
	b.Run("bare", func(b *testing.B) {
		key := raw(b, k)
		sum := sha256.Sum256([]byte(text))
		signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			sum := sha256.Sum256([]byte(text))
			if !ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature) {
				b.Fatal("not verified")
			}
		}
	})
	v := verifier(b, config(token.Access, now, k))
	b.Run("token", func(b *testing.B) {
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRefresh is all that a refresh token costs beside its commit.
func BenchmarkRefresh(b *testing.B) {
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		r, err := token.ParseRefresh(token.FormatRefresh(family, "main", "ada", "s1", "web", 5).Reveal())
		if err != nil || !r.Verify(family, "main", "web") {
			b.Fatal(err)
		}
	}
}
