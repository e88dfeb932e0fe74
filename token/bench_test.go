//go:build unix

package token_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

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

// BenchmarkSign signs access tokens, over the bare hash and signature of their bytes.
func BenchmarkSign(b *testing.B) {
	for _, alg := range algorithms {
		k, c := generateFor(b, alg), claims(token.Access)
		text := []byte(sign(b, k, c))
		b.Run(string(alg)+"/bare", func(b *testing.B) {
			key := raw(b, k)
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				message, opts := text, crypto.SignerOpts(crypto.Hash(0))
				if alg != token.EdDSA {
					sum := sha256.Sum256(text)
					message, opts = sum[:], crypto.SHA256
				}
				if _, err := key.Sign(rand.Reader, message, opts); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(string(alg)+"/token", func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				if _, err := k.Sign(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// bare returns the check of a signature over text by the standard library alone.
func bare(b *testing.B, k *token.SigningKey, text []byte) func() bool {
	switch key := raw(b, k).(type) {
	case *ecdsa.PrivateKey:
		sum := sha256.Sum256(text)
		signature, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		return func() bool {
			sum := sha256.Sum256(text)
			return ecdsa.VerifyASN1(&key.PublicKey, sum[:], signature)
		}
	case ed25519.PrivateKey:
		signature, public := ed25519.Sign(key, text), key.Public().(ed25519.PublicKey)
		return func() bool { return ed25519.Verify(public, text, signature) }
	case *rsa.PrivateKey:
		sum := sha256.Sum256(text)
		signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		return func() bool {
			sum := sha256.Sum256(text)
			return rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) == nil
		}
	}
	b.Fatal("unknown key")
	return nil
}

// BenchmarkBareVerify is the floor: the hash and the check of the signature of an access token.
func BenchmarkBareVerify(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(string(alg), func(b *testing.B) {
			k := generateFor(b, alg)
			verify := bare(b, k, []byte(sign(b, k, claims(token.Access))))
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				if !verify() {
					b.Fatal("not verified")
				}
			}
		})
	}
}

// BenchmarkVerify checks access tokens that were not seen before: the goal is at most 1.3 of the
// bare check (RS256: 1.5) and 110 allocations. The tokens take turns, more of them than are
// remembered, so that remembering is paid for.
func BenchmarkVerify(b *testing.B) {
	for _, alg := range algorithms {
		b.Run(string(alg), func(b *testing.B) {
			k, c := generateFor(b, alg), claims(token.Access)
			texts := make([]string, 64)
			for i := range texts {
				c.JTI = rand.Text()
				texts[i] = sign(b, k, c)
			}
			cfg := config(token.Access, now, k)
			cfg.Seen = len(texts) / 4
			v := verifier(b, cfg)
			b.ReportAllocs()
			defer cpu(b)()
			for i := 0; b.Loop(); i++ {
				if _, err := v.Verify(b.Context(), texts[i%len(texts)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerifySeen checks a token that was seen before: the goal is at most 0.03 of the bare
// check.
func BenchmarkVerifySeen(b *testing.B) {
	b.Run("ES256", func(b *testing.B) {
		k := generate(b)
		v, text := verifier(b, config(token.Access, now, k)), sign(b, k, claims(token.Access))
		b.ReportAllocs()
		defer cpu(b)()
		for b.Loop() {
			if _, err := v.Verify(b.Context(), text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMiddleware is a request with a token that was seen before, as it passes the middleware alone
// and a guard behind it. The guard's goal is no allocation at all.
func BenchmarkMiddleware(b *testing.B) {
	k := generate(b)
	v, c := verifier(b, config(token.Access, now, k)), claims(token.Access)
	next := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+sign(b, k, c))
	guard := token.Require(token.Requirement{Scopes: []string{"openid"}, Self: true, ACR: token.AAL1, MaxAge: 2 * time.Hour})(next)
	in, w := r.WithContext(token.NewContext(b.Context(), &token.Claims{AuthTime: time.Now(), ACR: c.ACR, Scope: c.Scope})), httptest.NewRecorder()
	for _, bench := range []struct {
		name string
		h    http.Handler
		r    *http.Request
	}{{"alone", v.Middleware(next), r}, {"with a guard", v.Middleware(guard), r}, {"guard alone", guard, in}} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			defer cpu(b)()
			for b.Loop() {
				bench.h.ServeHTTP(w, bench.r)
			}
			if w.Code != http.StatusOK {
				b.Fatal(w.Code)
			}
		})
	}
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
