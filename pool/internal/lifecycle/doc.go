// Package lifecycle lives through the lives of a pool's users at random, and has nothing but tests.
//
// Visitors, account owners and administrators do what they may, and what they may not, in several
// pools on one store, while a clock moves. A model stands beside: a list of people with what each
// should be able to do, written from the rules and not from the code. After every step the pools
// must say what the model says, and nothing that the model holds for dead may open anything.
//
// An operation is a line in a table and a function of a few lines, which does one thing to a pool
// and the same to the model:
//
//	{"disable", 2, []string{"Admin.Disable"}, disable},
//
//	func disable(w *world, t *town) {
//		p := w.anyone(t)
//		w.want(t.admin().Disable(w.ctx, p.id), nil)
//		p.disabled = true
//		p.revoke()
//	}
//
// The same is done where the store fails now and then, in any of the ways in which a real one does,
// or the caller hangs up, before a call of the store or after it; and once with every call of every
// operation and every way. What was broken off is called again
// with the same input; what was done although nobody was told, the model does too (trouble_test.go).
//
// A crowd does the same at once, where no model can say what each answer should be. What must hold
// in the end is checked then.
//
// A failure prints the seed and the shortest history that was found to fail alike. USERPOOL_SEED=n
// repeats a seed, and USERPOOL_STEPS=n goes on for longer:
//
//	USERPOOL_SEED=7 USERPOOL_STEPS=100000 go test -run Lifecycle ./pool/internal/lifecycle
package lifecycle
