package passkey_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"testing"
)

// BenchmarkGot is beside the one signature that it checks, bare.
func BenchmarkGot(b *testing.B) {
	a, p := made(b)
	state, answer := used(b, a, nil, "")
	b.Run("passkey", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := web.Got(rp, state, answer, p, ada.Handle); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		digest := sha256.Sum256(bytes.Repeat([]byte{7}, 69))
		signature, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], signature) {
				b.Fatal("no signature")
			}
		}
	})
}
