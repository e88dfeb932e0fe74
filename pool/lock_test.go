package pool_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// locks returns the events that say that they locked.
func (k *kit) locks() (events []pool.Event) {
	k.t.Helper()
	page, err := k.ListEvents(k.t.Context(), pool.EventQuery{})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, e := range page.Events {
		if !e.Until.IsZero() {
			events = append(events, e)
		}
	}
	return events
}

// warnings returns to whom mails went that tell of strangers.
func (k *kit) warnings() (to []string) {
	for _, login := range []string{ada, "open@example.com", "nobody@example.com", ""} {
		for _, m := range k.box.To(login) {
			if m.Kind == message.SignInAttempts {
				to = append(to, login)
			}
		}
	}
	return to
}

// Of any number of guesses at once one says that it locked, whether or not there is such a user;
// and so at each lock that follows. Nobody else does.
func TestT10_LocksAreToldOnce(t *testing.T) {
	t.Parallel()
	for _, login := range []string{ada, "nobody@example.com"} {
		t.Run(login, func(t *testing.T) {
			onEach(t, func(t *testing.T, k *kit) {
				k.confirmed(ada)
				for n, lasts := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
					var wg sync.WaitGroup
					for i := range 20 {
						wg.Go(func() { k.signInFrom(from(20*n+i), login, wrong) })
					}
					wg.Wait()
					events := k.locks()
					if len(events) != n+1 {
						t.Fatalf("%d events tell of %d locks", len(events), n+1)
					}
					e := events[n]
					if !e.Until.Equal(k.clock.Now().Add(lasts)) || e.Kind != "sign_in" || e.Outcome != "refused" || e.Reason == "" || e.Count != 1 {
						t.Errorf("lock %d is told by %+v", n+1, e)
					}
					k.clock.advance(lasts)
				}
			})
		})
	}
}

// Failures that do not lock do not say so, and neither does a run that a right password has ended.
func TestT10_OpenAccountsAreNotToldLocked(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 3 {
		for range 4 {
			k.signIn(ada, wrong)
		}
		k.done(ada)
	}
	if events := k.locks(); len(events) != 0 {
		t.Errorf("%d events tell of locks: %+v", len(events), events[0])
	}
}

// Locks on codes are told too.
func TestT10_LocksOfCodesAreTold(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	for range 5 {
		confirm(k, ticket, "000000")
	}
	k.confirmed("bob@example.com")
	reset := k.forgot("bob@example.com")
	for range 5 {
		k.reset(reset, "00000000", another)
	}
	var kinds []string
	for _, e := range k.locks() {
		kinds = append(kinds, e.Kind)
	}
	if fmt.Sprint(kinds) != "[confirm_sign_up reset_password]" && fmt.Sprint(kinds) != "[reset_password confirm_sign_up]" {
		t.Errorf("locks of %v are told, want of both codes", kinds)
	}
}

// The owner of an account that strangers lock gets one mail a day, in words of the owner's own;
// nobody else gets one, and none is for what a known device gets wrong (security.md T6).
func TestT6_OwnerIsToldOfStrangers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"locale": "de"} })
		known := pool.Caller{Device: k.done(ada).Device}
		k.signUp("open@example.com")
		for range 8 {
			k.signInFrom(known, ada, wrong)
		}
		for _, login := range []string{"open@example.com", "nobody@example.com"} {
			for range 8 {
				k.signIn(login, wrong)
			}
		}
		k.delivered()
		if to := k.warnings(); len(to) != 0 {
			t.Fatalf("warnings went to %q", to)
		}
		for day := range 2 {
			for range 12 {
				for range 6 {
					k.signIn(ada, wrong)
				}
				k.clock.advance(time.Hour)
			}
			ms := k.mails(ada, day+2)
			if m := ms[day+1]; m.Kind != message.SignInAttempts || m.Locale != "de" {
				t.Errorf("day %d: the mail is %v in %q", day, m.Kind, m.Locale)
			}
			k.clock.advance(13 * time.Hour)
		}
		k.delivered()
		if to := k.warnings(); len(to) != 2 {
			t.Errorf("warnings went to %q, want one a day to the owner", to)
		}
	})
}

// Strangers who lock an account at once cause one mail.
func TestT6_ParallelGuessesCauseOneMail(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		for n := range 3 {
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() { k.signInFrom(from(20*n+i), ada, wrong) })
			}
			wg.Wait()
			k.clock.advance(time.Minute)
		}
		k.delivered()
		k.mails(ada, 2)
		if to := k.warnings(); len(to) != 1 {
			t.Errorf("warnings went to %q, want one", to)
		}
	})
}

// A new sign-up at an address opens it for no more guesses, whether or not somebody owns it.
func TestS19_LocksOutliveSignUps(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"absent", "attempt", "confirmed"} {
		k := open(t)
		states[state](k, ada)
		k.clock.advance(time.Second) // the newest sign-up is the one below
		for range 6 {
			k.signIn(ada, wrong)
		}
		if _, err := k.newcomer(ada); err != nil {
			t.Fatal(err)
		}
		if step, err := k.signIn(ada, another); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s: %T, %v, want ErrNotAuthorized", state, step, err)
		}
		k.clock.advance(time.Minute)
		if step, err := k.signIn(ada, another); err != nil || step.Kind() != pool.KindConfirm {
			t.Errorf("%s: after the lock %T, %v, want a step", state, step, err)
		}
	}
}

// Whoever is behind an address, the failures that lock look like each other, also on the second day.
func TestS19_LocksDoNotTell(t *testing.T) {
	t.Parallel()
	want := ""
	for _, state := range []string{"absent", "attempt", "attempts", "confirmed", "disabled", "reset required", "forced change", "external"} {
		k := open(t)
		states[state](k, ada)
		k.store.reset()
		k.hashed = k.Hashes()
		var answers []string
		for range 10 {
			for range 3 {
				step, err := k.signIn(ada, wrong)
				answers = append(answers, fmt.Sprint(step, err))
			}
			k.clock.advance(2 * time.Hour)
		}
		reads, commits := k.store.counted()
		got := fmt.Sprintf("%d hashes, %d reads, %v\n%q", k.Hashes()-k.hashed, reads, kinds(commits), answers)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant as for nobody:\n%s", state, got, want)
		}
	}
}
