package pool_test

import (
	"testing"

	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
)

// BenchmarkPasskeyStep is the answer that ends a sign-in by a passkey, in memory: beside BenchmarkGot of
// mfa/passkey, which judges one alone.
func BenchmarkPasskeyStep(b *testing.B) {
	k := open(b, passkeys)
	k.confirmed(ada)
	device := passkeytest.New(localhost)
	k.newPasskey(ada, device)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		need := k.byPasskey("")
		answer := uses(b, need, device)
		k.clock.advance(2e9) // or the network would have asked too often
		b.StartTimer()
		if _, err := pool.Finished(k.answer(need.Ticket, answer)); err != nil {
			b.Fatal(err)
		}
	}
}
