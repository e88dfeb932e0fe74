// Package storagetest proves that an adapter keeps the contract of package storage.
//
// Whoever writes an adapter says how to make an empty database and how to open it, and hands both
// to [Run] from a test:
//
//	var adapter = storagetest.Adapter{
//		New: func(t testing.TB) string { return filepath.Join(t.TempDir(), "pool.db") },
//		Open: func(ctx context.Context, address string) (storage.Store, error) {
//			return sqlite.Open(ctx, address, sqlite.Config{})
//		},
//	}
//
//	func TestContract(t *testing.T) { storagetest.Run(t, adapter) }
//	func TestMain(m *testing.M)     { os.Exit(storagetest.Main(m, adapter)) }
//
// What is proven, in the order in which an adapter usually comes to meet it:
//
//   - Contract: one caller, one rule at a time. A failure ends with the rule that was broken. To it
//     belongs that a commit whose answer is lost is settled by reading its stamp.
//   - Race: many callers wait at a gate and go at once, on one handle. The same races run on two
//     handles (Handles) and in two processes (Processes) where the store is a file or a server.
//   - Model: random commits and reads, against this store and storage/memory alike. A failure
//     prints the seed; USERPOOL_SEED=n repeats it and USERPOOL_STEPS=n goes on for longer.
//   - Kill: a process that writes is killed with SIGKILL, many times over; what it had acknowledged
//     is there whole, and nothing is there by halves.
//
// [Faulty] is for who builds on a store: one whose calls fail as those of a real one may.
//
// Main is what makes Processes and Kill possible: they start the test binary again, and in that
// child Main does the child's work instead of the tests. A store that says it is
// [storage.Ephemeral] is spared what needs a second handle.
package storagetest

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/userpool-go/userpool/storage"
)

// Adapter tells [Run] how to reach the store under test.
type Adapter struct {
	// New makes an empty database that lasts as long as the test, and returns where it is.
	New func(t testing.TB) (address string)
	// Open returns a handle on a database that New made: more than one at a time, in more than
	// one process, unless the store is [storage.Ephemeral].
	Open func(ctx context.Context, address string) (storage.Store, error)
	// Settle returns when nothing is under way any more that processes which were killed had sent
	// to a server. Nil means that nothing outlives a process.
	Settle func(ctx context.Context, address string) error
	// Kills is how many processes the proof Kill kills at most. 0 means 200, and fewer where time
	// is short: under -short and the race detector.
	Kills int
	// Steps is how many steps the proof Model goes at most. 0 means 1500, and fewer where time is
	// short.
	Steps int
}

// contract is one rule of the contract, tried by one caller on a database of its own.
type contract struct {
	name string
	rule string // what an adapter that fails has broken
	run  func(s *scene)
}

// contracts are all of them.
func contracts() []contract {
	return slices.Concat(recordRules, expiryRules, stampRules, loginRules, attemptRules, sessionRules,
		cascadeRules, counterRules, outgoingRules, eventRules, leaseRules, feedRules, sweepRules,
		poolRules, apartRules, invalidRules, pageRules, listRules, endRules, lostRules)
}

// Run proves the store of an adapter, in subtests.
func Run(t *testing.T, a Adapter) {
	t.Run("Contract", func(t *testing.T) {
		for _, c := range contracts() {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				explain(t, c.rule)
				c.run(newScene(t, a))
			})
		}
	})
	t.Run("Race", func(t *testing.T) {
		raceAll(t, a, func(s *scene, r race) error { return r.run(s.ctx, s.st, s.st) })
	})
	t.Run("Model", func(t *testing.T) {
		t.Parallel()
		runModel(t, a)
	})
	if isEphemeral(t, a) {
		return
	}
	t.Run("Handles", func(t *testing.T) {
		t.Run("Seen", func(t *testing.T) {
			explain(t, "what one handle wrote the others see at once")
			seenByOthers(newScene(t, a))
		})
		raceAll(t, a, func(s *scene, r race) error { return r.run(s.ctx, s.st, s.st, s.open()) })
	})
	t.Run("Processes", func(t *testing.T) {
		raceAll(t, a, func(s *scene, r race) error { return r.inTwoProcesses(s.ctx, s.st, s.address) })
	})
	t.Run("Kill", func(t *testing.T) {
		t.Parallel()
		explain(t, "what was acknowledged survives a kill whole, and nothing survives by halves")
		rounds := 200
		switch {
		case testing.Short():
			rounds = 20
		case underDetector:
			rounds = 50
		}
		if a.Kills > 0 {
			rounds = min(rounds, a.Kills)
		}
		killRounds(t, a, rounds)
	})
}

// Main runs the tests of m or, in a child process that [Run] started, the child's work. It returns
// what to pass to os.Exit.
func Main(m *testing.M, a Adapter) int {
	if task := os.Getenv(childTask); task != "" {
		return work(context.Background(), a, task, os.Getenv(childAddress))
	}
	return m.Run()
}

// raceAll runs every race on a database of its own.
func raceAll(t *testing.T, a Adapter, run func(s *scene, r race) error) {
	for _, r := range races() {
		t.Run(r.name, func(t *testing.T) {
			explain(t, r.rule)
			s := &scene{TB: t, ctx: t.Context(), adapter: a, address: a.New(t)}
			s.st = s.open()
			if err := run(s, r); err != nil {
				t.Error(err)
			}
		})
	}
}

func isEphemeral(t *testing.T, a Adapter) bool {
	s := newScene(t, a)
	e, ok := s.st.(storage.Ephemeral)
	return ok && e.Ephemeral()
}

// explain ends a failed test with the rule that it is about.
func explain(t *testing.T, rule string) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the rule: %s", rule)
		}
	})
}
