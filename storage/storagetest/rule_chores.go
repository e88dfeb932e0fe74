package storagetest

import (
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
)

var leaseRules = []contract{
	{
		"Leases/OneHolder",
		"a lease has one holder until it runs out, is renewed, or is given up by its holder",
		leaseHolder,
	},
}

var sweepRules = []contract{
	{
		"Sweep/Expired",
		"Sweep erases what has expired, with what it owns, and nothing that lives",
		sweepExpired,
	},
	{
		"Sweep/Bounded",
		"Sweep erases at most n; fewer mean that it is done",
		sweepBounded,
	},
}

func leaseHolder(s *scene) {
	for i, c := range []struct {
		name, holder string
		now, until   time.Duration
		want         bool
	}{
		{"a", "x", 0, 30, true},
		{"a", "y", 10, 40, false},
		{"b", "y", 10, 40, true},
		{"a", "x", 20, 50, true},  // renewed
		{"a", "y", 30, 60, false}, // the first end no longer counts
		{"a", "y", 50, 80, true},  // run out at its end
		{"a", "x", 60, 90, false},
		{"a", "x", 61, 61, false}, // gives up what it does not hold
		{"a", "z", 62, 90, false},
		{"a", "y", 65, 65, false}, // gives up
		{"a", "z", 66, 90, true},
		{"a", "z", 70, 75, true}, // shortened
		{"a", "x", 75, 99, true},
		{"b", "y", 11, 12, true},
	} {
		got, err := s.st.Lease(s.ctx, storage.Lease{
			Name: c.name, Holder: c.holder, Now: noon.Add(c.now * time.Second),
			Until: noon.Add(c.until * time.Second),
		})
		if err != nil || got != c.want {
			s.Errorf("step %d: lease %q by %q from %d to %d: %t, %v, want %t", i, c.name, c.holder,
				c.now, c.until, got, err, c.want)
		}
	}
}

// sweep sweeps until it is done, n at a time.
func (s *scene) sweep(now time.Time, n int) (total int) {
	s.Helper()
	for range 1000 {
		got, err := s.st.Sweep(s.ctx, now, n)
		if err != nil || got > n {
			s.Fatalf("Sweep of %d: %d, %v", n, got, err)
		}
		total += got
		if got < n {
			return total
		}
	}
	s.Fatalf("Sweep is not done after 1000 calls")
	return total
}

func sweepExpired(s *scene) {
	dead := attempt(1, bob)
	dead.Attempt.Expires = noon
	over := session(userID(2), 1)
	over.Expires = noon
	under := session(userID(2), 2)
	under.Parent = over.ID
	void := ticket("void", userID(2))
	void.Expires = noon
	carrier := outgoing("carrier", userID(2))
	carrier.Ticket = "void"
	late := outgoing("late", userID(3))
	late.Due, late.NotAfter = at(0), noon
	old := revocation("old")
	old.Expires = noon
	s.put(dead, ticket("t1", userID(1)), outgoing("o1", userID(1)), person(2, "ada"), over, under,
		void, carrier, late, old)
	s.put(attempt(4, bob), session(userID(2), 3), ticket("live", userID(2)), revocation("new"),
		outgoing("o4", userID(4)))
	live := []any{
		attempt(4, bob), person(2), session(userID(2), 3), ticket("live", ""),
		revocation("new"), outgoing("o4", userID(4)),
	}
	expired := []any{dead, ticket("t1", ""), outgoing("o1", userID(1)), over, under, void, carrier, late, old}
	s.commit(storage.Count{Key: counterKey("o", "n"), Rule: storage.Rule{Free: 3, Window: time.Hour}, Now: at(0)},
		storage.Count{Key: counterKey("o", "lock"), Rule: doubling, Now: at(0)},
		storage.Raise{Key: counterKey("void", "n"), N: 1},
		storage.Raise{Key: counterKey("live", "n"), N: 1})

	s.sweep(noon.Add(-tick), 2)
	for _, r := range []any{under, carrier, ticket("t1", "")} {
		s.there("what is owned by what has not expired yet", r)
	}
	s.sweep(noon, 2)
	for _, r := range expired {
		s.gone("what had expired, or was owned by it,", r)
	}
	for _, r := range live {
		s.there("what had not expired", r)
	}
	if s.counter("void", "n", noon).N != 0 || s.counter("live", "n", noon).N != 1 ||
		s.counter("o", "lock", noon).N != 1 {
		s.Errorf("Sweep erased a counter that lives, or left one whose ticket is gone")
	}
	s.put(ticket("void", ""), attempt(1, bob)) // their ids are free once they were swept
}

func sweepBounded(s *scene) {
	for batch := range 3 {
		var rs []any
		for i := range 10 {
			t := ticket(fmt.Sprint(batch, "-", i), "")
			t.Expires = at(batch)
			rs = append(rs, t)
		}
		s.put(rs...)
	}
	for _, want := range []int{7, 7, 6, 0} {
		got, err := s.st.Sweep(s.ctx, at(1), 7)
		if err != nil || got != want {
			s.Errorf("Sweep of 7 of 20 expired tickets: %d, %v, want %d", got, err, want)
		}
	}
	if total := s.sweep(noon, 3); total != 10 {
		s.Errorf("Sweep erased %d of the last 10 tickets", total)
	}
}
