package pool_test

import (
	"context"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/pool"
)

// seen is what an observer was told.
type seen struct {
	mu       sync.Mutex
	events   []pool.ObservedEvent
	calls    []pool.StoreCall
	hashes   []pool.HashRun
	messages []pool.MessageTry
	rounds   []pool.ChoreRound
}

func note[O any](s *seen, to *[]O) func(context.Context, O) {
	return func(_ context.Context, o O) {
		s.mu.Lock()
		defer s.mu.Unlock()
		*to = append(*to, o)
	}
}

func (s *seen) observe(c *pool.Config) {
	c.Observer = pool.Observer{
		Event: note(s, &s.events), Store: note(s, &s.calls), Hash: note(s, &s.hashes),
		Message: note(s, &s.messages), Chore: note(s, &s.rounds),
	}
}

// count returns how many of those told are as they should be.
func count[O any](s *seen, told *[]O, as func(O) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range *told {
		if as(o) {
			n++
		}
	}
	return n
}

// What happens is told once, with what it came to.
func TestObserver(t *testing.T) {
	t.Parallel()
	var s seen
	k := open(t, s.observe)
	k.confirmed(ada)
	k.signIn(ada, wrong)
	k.done(ada)
	k.delivered()
	for _, want := range []pool.ObservedEvent{
		{Pool: "default", Kind: "sign_up", Outcome: "step"},
		{Pool: "default", Kind: "confirm_sign_up", Outcome: "success"},
		{Pool: "default", Kind: "sign_in", Outcome: "refused", Reason: "no_proof"},
		{Pool: "default", Kind: "sign_in", Outcome: "success"},
	} {
		if n := count(&s, &s.events, func(e pool.ObservedEvent) bool { return e == want }); n != 1 {
			t.Errorf("%+v was told %d times, want 1", want, n)
		}
	}
	if n := count(&s, &s.hashes, func(h pool.HashRun) bool { return h.Outcome == "ok" && h.Pool == "default" }); n != int(k.Hashes()) {
		t.Errorf("%d hashes were told of, want %d", n, k.Hashes())
	}
	if n := count(&s, &s.messages, func(m pool.MessageTry) bool {
		return m.Kind == "confirm_sign_up" && m.Channel == "email" && m.Outcome == "sent"
	}); n != 1 {
		t.Errorf("%d messages were told of, want 1: %+v", n, s.messages)
	}
}
