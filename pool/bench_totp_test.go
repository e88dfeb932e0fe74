//go:build linux

package pool_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	chores "github.com/userpool-go/userpool/pool/internal/chore"
	"github.com/userpool-go/userpool/storage/memory"
)

// BenchmarkTOTPBare is what a step with a code of an authenticator app is measured against.
func BenchmarkTOTPBare(b *testing.B) {
	defer cpu(b)()
	seed, now := mfa.NewSeed(), time.Now()
	code := seed.Code(now)
	for b.Loop() {
		if _, ok := seed.Accept(code, now, 0); !ok {
			b.Fatal("not accepted")
		}
	}
}

// BenchmarkTOTPStep answers a step with a code of an authenticator app: ticket, seed and counters are
// read and opened, the code is judged, and one commit uses both up and makes the session, of which
// tokens are signed.
func BenchmarkTOTPStep(b *testing.B) {
	var moved atomic.Int64
	now := func() time.Time { return start.Add(time.Duration(moved.Load())) }
	ctx := chores.NewContext(b.Context(), new(chores.Hand))
	p, err := pool.Open(ctx, memory.New(), pool.Config{InsecureHash: &cheap, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close(context.Background()) })
	secret := password.New("correct horse battery staple")
	in := pool.CreateUserInput{Username: ada, EmailVerified: true, Password: secret, Permanent: true, Suppress: true}
	if _, err := p.Admin(pool.Actor{Name: "bench"}).CreateUser(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	signIn := func() pool.Step {
		step, err := p.SignIn(b.Context(), pool.SignInInput{Username: ada, With: pool.Password{Value: secret}, Caller: somebody()})
		if err != nil {
			b.Fatal(err)
		}
		return step
	}
	a, err := p.Account(b.Context(), signIn().(*pool.Done).Tokens.Access)
	if err != nil {
		b.Fatal(err)
	}
	setup, err := a.AddAuthenticator(b.Context(), pool.AddAuthenticatorInput{})
	if err != nil {
		b.Fatal(err)
	}
	code := setup.Seed.Code(now())
	if _, err := a.ConfirmAuthenticator(b.Context(), pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: code}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	var used float64
	for b.Loop() {
		moved.Add(int64(30 * time.Second))
		ticket := signIn().(*pool.NeedTOTP).Ticket // which is not measured
		before := spent(b)
		in := pool.RespondInput{Ticket: ticket, With: pool.Code{Value: setup.Seed.Code(now())}, Caller: somebody()}
		if _, err := pool.Finished(p.Respond(b.Context(), in)); err != nil {
			b.Fatal(err)
		}
		used += spent(b) - before
	}
	b.ReportMetric(used/float64(b.N), "cpu-ns/op")
}
