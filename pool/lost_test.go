package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// holds lets users who have lost all factors set up another after three days.
func holds(c *pool.Config) {
	if c.Settings == nil {
		c.Settings = &pool.Settings{}
	}
	c.CancelURL, c.Settings.MFA.RecoveryHold = cancelURL, 3*day
}

// texted gives the user of an address a proven phone number, too.
func (k *kit) texted(login string) {
	k.t.Helper()
	u := k.user(login)
	if u.Attributes == nil {
		u.Attributes = user.Attributes{}
	}
	u.Attributes["phone_number"], u.Attributes["phone_number_verified"] = phone, "true"
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatal(err)
	}
}

// askedTwice signs in with the right password, as somebody of whom a second factor is asked.
func (k *kit) askedTwice(login string) (ticket string, others []mfa.Kind) {
	k.t.Helper()
	switch step, err := k.signIn(login, right); s := step.(type) {
	case *pool.NeedTOTP:
		return s.Ticket, s.Others
	case *pool.NeedChoice:
		return s.Ticket, s.Kinds
	default:
		k.t.Fatalf("SignIn = %v, %v, want to be asked for a second factor", step, err)
		return "", nil
	}
}

// chooses answers a step with a kind.
func (k *kit) chooses(ticket string, kind mfa.Kind) (pool.Step, error) {
	return k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Choice{Kind: kind}})
}

// lost signs in with the password and says that all factors are lost.
func (k *kit) lost(login string) (pool.Step, error) {
	k.t.Helper()
	ticket, _ := k.askedTwice(login)
	return k.chooses(ticket, pool.LostFactors)
}

// waiting is lost, where a wait is what comes of it.
func (k *kit) waiting(login string) *pool.NeedWait {
	k.t.Helper()
	step, err := k.lost(login)
	wait, ok := step.(*pool.NeedWait)
	if err != nil || !ok {
		k.t.Fatalf("LostFactors = %v, %v, want NeedWait", step, err)
	}
	return wait
}

// Who has lost all second factors waits for 72 hours, of which every address is told three times, and
// then sets up another with the password, which takes the place of all others.
func TestS4_LostFactorsWaitAndAreReplaced(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		old := k.done(ada)
		k.texted(ada)
		seed := k.enrolled(ada)
		u := k.user(ada)
		codes := pool.RecoveryCodes(k.Pool, u)
		if err := k.store.Store.Commit(t.Context(), storage.Put(u)); err != nil {
			t.Fatal(err)
		}
		begun := k.clock.Now()
		ticket, others := k.askedTwice(ada)
		if !slices.Contains(others, pool.LostFactors) {
			t.Errorf("others = %v, want the way for who has lost them", others)
		}
		step, err := k.chooses(ticket, pool.LostFactors)
		wait, ok := step.(*pool.NeedWait)
		if err != nil || !ok || !wait.Until.Equal(begun.Add(3*day)) || !wait.Ends.Equal(begun.Add(10*day)) {
			t.Fatalf("LostFactors = %+v, %v, want to wait three days", step, err)
		}
		if _, err := k.respondCode(ticket, seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the ticket again = %v, want ErrTicketGone", err)
		}
		for n := range 3 {
			for _, to := range []string{ada, phone} {
				if got := k.got(to, message.FactorsLost); len(got) != n+1 {
					t.Errorf("%d days on %s was told %d times", n, to, len(got))
				}
			}
			if again := k.waiting(ada); *again != *wait {
				t.Errorf("asked again after %d days: %+v, want %+v", n, again, wait)
			}
			k.clock.advance(day - time.Second)
			if again := k.waiting(ada); *again != *wait {
				t.Errorf("asked again: %+v, want %+v", again, wait)
			}
			k.clock.advance(time.Second)
		}
		if n := len(k.got(ada, message.FactorsLost)); n != 3 {
			t.Errorf("%d messages in all, want 3", n)
		}
		link := k.box.To(ada)
		step, err = k.lost(ada)
		need, ok := step.(*pool.NeedTOTPSetup)
		if err != nil || !ok || slices.Contains(need.Others, pool.LostFactors) {
			t.Fatalf("after the wait = %v, %v, want to set up an app", step, err)
		}
		if f := k.user(ada).Factors; len(f.Apps) != 1 || len(f.Recovery.Codes) != len(codes) {
			t.Errorf("the factors went before there was another: %+v", f)
		}
		if _, err := k.respondCode(need.Ticket, seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a code of the lost app = %v, want ErrBadCode", err)
		}
		done, err := pool.Finished(k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now())))
		if err != nil || len(done.RecoveryCodes) != mfa.RecoveryCodes {
			t.Fatalf("another app = %+v, %v", done, err)
		}
		if f := k.user(ada).Factors; len(f.Apps) != 1 || f.Lost != (user.Lost{}) {
			t.Errorf("factors = %+v, want the new app alone", f)
		}
		if _, err := k.refresh(done); err != nil {
			t.Errorf("the session: %v", err)
		}
		if _, err := k.refresh(old); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a session of before = %v, want it ended", err)
		}
		for _, to := range []string{ada, phone} {
			if n := len(k.got(to, message.FactorsReplaced)); n != 1 {
				t.Errorf("%s was told %d times that they are replaced", to, n)
			}
		}
		k.clock.advance(time.Minute)
		ticket, _ = k.askedTwice(ada)
		if _, err := k.respondCode(ticket, seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("the lost app = %v, want ErrBadCode", err)
		}
		answer := pool.RecoveryCode{Value: codes[0]}
		if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: ticket, With: answer}); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a recovery code of before = %v, want ErrBadCode", err)
		}
		if _, err := pool.Finished(k.respondCode(ticket, need.Seed.Code(k.clock.Now()))); err != nil {
			t.Errorf("the new app: %v", err)
		}
		if err := k.cancel(linkIn(link)); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the link after that = %v, want ErrTicketGone", err)
		}
	}, holds)
}

// linkIn returns what the newest message that tells of lost factors carries in its link.
func linkIn(ms []message.Message) string {
	for _, m := range slices.Backward(ms) {
		if m.Kind == message.FactorsLost {
			_, link, _ := strings.Cut(m.Text, cancelURL+"?link=")
			return link[:min(64, len(link))]
		}
	}
	return ""
}

// The link that every message carries ends the wait, without a sign-in: the factors stay, all sessions
// and steps end, and the password, which somebody else knows, is of no use any more.
func TestS4_LinkEndsTheWait(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.texted(ada)
		seed := k.enrolled(ada)
		k.waiting(ada)
		k.clock.advance(3*day + time.Minute)
		step, err := k.lost(ada)
		need, ok := step.(*pool.NeedTOTPSetup)
		if err != nil || !ok {
			t.Fatalf("LostFactors = %v, %v", step, err)
		}
		other, _ := k.askedTwice(ada)
		k.got(phone, message.FactorsLost)
		link := linkIn(k.box.To(phone))
		for name, bad := range map[string]string{
			"none": "", "short": link[:63], "flipped id": flip(link, 3), "flipped secret": flip(link, 40), "a ticket": need.Ticket,
		} {
			if err := k.cancel(bad); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("%s = %v, want ErrTicketGone", name, err)
			}
		}
		for name, with := range map[string]pool.Response{"a code": pool.Code{Value: "000000"}, "a choice": pool.Choice{Kind: pool.LostFactors}} {
			if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: link, With: with}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("the link as a ticket, with %s = %v, want ErrWrongStep", name, err)
			}
		}
		if err := k.cancel(link); err != nil {
			t.Fatal(err)
		}
		if f := k.user(ada).Factors; len(f.Apps) != 1 || f.Lost != (user.Lost{}) {
			t.Errorf("factors = %+v, want them as they were", f)
		}
		if _, err := k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the set-up after it = %v, want ErrTicketGone", err)
		}
		if _, err := k.chooses(other, pool.LostFactors); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("a step of before = %v, want ErrTicketGone", err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the password = %v, want it of no use", err)
		}
		if err := k.cancel(link); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the link again = %v, want ErrTicketGone", err)
		}
		former := k.box.Code(ada)
		if err := k.reset(k.forgot(ada), former, another); err == nil {
			t.Error("a code of before resets")
		}
		ticket := k.forgot(ada)
		k.delivered()
		if err := k.reset(ticket, k.box.Code(ada), another); err != nil {
			t.Fatal(err)
		}
		step, err = k.signIn(ada, another)
		second, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		if _, err := pool.Finished(k.respondCode(second.Ticket, seed.Code(k.clock.Now()))); err != nil {
			t.Errorf("the factor that stayed: %v", err)
		}
	}, holds)
}

// What ends the wait, and what keeps it: each by its name.
func TestS4_WhatEndsTheWait(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		meanwhile func(k *kit, seed mfa.Seed)
		ends      bool
	}{
		"nothing":            {func(*kit, mfa.Seed) {}, false},
		"a wrong password":   {func(k *kit, _ mfa.Seed) { k.signIn(ada, wrong) }, false},
		"the right password": {func(k *kit, _ mfa.Seed) { k.askedTwice(ada) }, false},
		"a wrong code": {func(k *kit, s mfa.Seed) {
			ticket, _ := k.askedTwice(ada)
			k.respondCode(ticket, offBy(s, k.clock.Now()))
		}, false},
		"a sign-in with a factor": {func(k *kit, s mfa.Seed) {
			ticket, _ := k.askedTwice(ada)
			if _, err := pool.Finished(k.respondCode(ticket, s.Code(k.clock.Now()))); err != nil {
				k.t.Fatal(err)
			}
		}, true},
		"a sign-in with a recovery code": {func(k *kit, _ mfa.Seed) {
			u := k.user(ada)
			codes := pool.RecoveryCodes(k.Pool, u)
			if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
				k.t.Fatal(err)
			}
			ticket, _ := k.askedTwice(ada)
			in := pool.RespondInput{Ticket: ticket, With: pool.RecoveryCode{Value: codes[0]}}
			if _, err := pool.Finished(k.Respond(k.t.Context(), in)); err != nil {
				k.t.Fatal(err)
			}
		}, true},
		"a password that is reset": {func(k *kit, _ mfa.Seed) {
			ticket := k.forgot(ada)
			k.delivered()
			if err := k.reset(ticket, k.box.Code(ada), right); err != nil {
				k.t.Fatal(err)
			}
		}, true},
		"signing out everywhere": {func(k *kit, _ mfa.Seed) {
			if err := k.admin().SignOutEverywhere(k.t.Context(), k.user(ada).ID); err != nil {
				k.t.Fatal(err)
			}
		}, true},
		"a sign-in with a factor, of which the device is remembered": {func(k *kit, s mfa.Seed) {
			ticket, _ := k.askedTwice(ada)
			done, err := pool.Finished(k.respondCode(ticket, s.Code(k.clock.Now())))
			if err != nil || len(k.user(ada).Factors.Devices) != 1 {
				k.t.Fatalf("%+v, %v", done, err)
			}
		}, true},
		"being too late": {func(k *kit, _ mfa.Seed) { k.clock.advance(7 * day) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, holds, func(c *pool.Config) { c.Settings.Devices.Remember = pool.RememberAlways })
			k.confirmed(ada)
			seed := k.enrolled(ada)
			was := k.waiting(ada)
			k.clock.advance(day - time.Minute)
			before := len(k.got(ada, message.FactorsLost))
			tt.meanwhile(k, seed)
			k.clock.advance(2*day + time.Minute)
			after := len(k.got(ada, message.FactorsLost)) - before
			step, err := k.lost(ada)
			wait, waits := step.(*pool.NeedWait)
			if err != nil || waits != tt.ends || waits && !wait.Until.After(was.Until) {
				t.Errorf("after the wait = %v, %v, want one that is over: %v", step, err, tt.ends)
			}
			if tt.ends && name != "being too late" && after > 0 {
				t.Errorf("%d messages after it was ended", after)
			}
		})
	}
}

// Nobody replaces factors where the settings leave that to administrators, by a step that is about
// something else, or without an owner who could be told.
func TestS4_NoWayAroundTheHold(t *testing.T) {
	t.Parallel()
	t.Run("administrators alone", func(t *testing.T) {
		t.Parallel()
		k := open(t)
		k.confirmed(ada)
		k.enrolled(ada)
		ticket, others := k.askedTwice(ada)
		if slices.Contains(others, pool.LostFactors) {
			t.Errorf("others = %v", others)
		}
		if step, err := k.chooses(ticket, pool.LostFactors); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("LostFactors = %v, %v, want ErrWrongStep", step, err)
		}
	})
	t.Run("who sets one up has none to lose", func(t *testing.T) {
		t.Parallel()
		k := open(t, holds, required)
		k.confirmed(ada)
		need := k.settingUp(ada)
		if step, err := k.chooses(need.Ticket, pool.LostFactors); !errors.Is(err, pool.ErrWrongStep) || slices.Contains(need.Others, pool.LostFactors) {
			t.Errorf("LostFactors = %v, %v, want ErrWrongStep", step, err)
		}
	})
	t.Run("nobody to tell", func(t *testing.T) {
		t.Parallel()
		k := open(t, holds, takes(pool.Username))
		k.confirmed("ada")
		k.enrolled("ada")
		u := k.user("ada")
		delete(u.Attributes, "email")
		if err := k.store.Store.Commit(t.Context(), storage.Put(u)); err != nil {
			t.Fatal(err)
		}
		ticket, _ := k.askedTwice("ada")
		if step, err := k.chooses(ticket, pool.LostFactors); !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("LostFactors = %v, %v, want ErrNotAllowed", step, err)
		}
	})
	t.Run("four times in 30 days", func(t *testing.T) {
		t.Parallel()
		k := open(t, holds)
		k.confirmed(ada)
		seed := k.enrolled(ada)
		for range 3 {
			k.waiting(ada)
			k.clock.advance(day)
			ticket, _ := k.askedTwice(ada)
			if _, err := pool.Finished(k.respondCode(ticket, seed.Code(k.clock.Now()))); err != nil {
				t.Fatal(err)
			}
		}
		if step, err := k.lost(ada); !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("the fourth = %v, %v, want ErrNotAllowed", step, err)
		}
		if l := k.user(ada).Factors; l.Lost != (user.Lost{}) {
			t.Errorf("the fourth is stored: %+v", l)
		}
		k.clock.advance(30 * day)
		k.waiting(ada)
	})
}

// Of any number of answers at once one begins the wait: there is one set of messages.
func TestS4_ParallelAnswersAreOneWait(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.enrolled(ada)
		tickets := make([]string, 4)
		for i := range tickets {
			tickets[i], _ = k.askedTwice(ada)
		}
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				step, err := k.chooses(tickets[i%4], pool.LostFactors)
				if _, ok := step.(*pool.NeedWait); !ok && !errors.Is(err, pool.ErrTicketGone) {
					t.Errorf("answer %d = %v, %v", i, step, err)
				}
			})
		}
		wg.Wait()
		k.clock.advance(3 * day)
		if n := len(k.got(ada, message.FactorsLost)); n != 3 {
			t.Errorf("%d messages, want 3", n)
		}
	}, holds)
}

// Who ends the wait while another factor is being set up: one of both wins, whole.
func TestS4_LinkAgainstSetUp(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			k := open(t, holds)
			k.confirmed(ada)
			k.enrolled(ada)
			k.waiting(ada)
			k.clock.advance(3 * day)
			k.got(ada, message.FactorsLost)
			link := linkIn(k.box.To(ada))
			step, err := k.lost(ada)
			need, ok := step.(*pool.NeedTOTPSetup)
			if err != nil || !ok {
				t.Fatalf("LostFactors = %v, %v", step, err)
			}
			var ended, replaced error
			var done *pool.Done
			var wg sync.WaitGroup
			wg.Go(func() { ended = k.cancel(link) })
			wg.Go(func() { done, replaced = pool.Finished(k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now()))) })
			wg.Wait()
			if (ended == nil) == (replaced == nil) {
				t.Fatalf("the link = %v, the set-up = %v, want one of both", ended, replaced)
			}
			loser := errors.Join(ended, replaced)
			if !errors.Is(loser, pool.ErrTicketGone) {
				t.Errorf("the loser hears %v, want ErrTicketGone", loser)
			}
			if replaced == nil {
				if _, err := k.refresh(done); err != nil {
					t.Errorf("the session: %v", err)
				}
			} else if k.user(ada).Status != user.ResetRequired {
				t.Error("the password is still good")
			}
		})
	}
}

// A longer wait binds those who wait already; a shorter one does not come before what their owner was
// told; none at all leaves it to administrators.
func TestS18_RecoveryHoldBinds(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) { c.CancelURL = cancelURL })
	set := func(hold time.Duration) {
		t.Helper()
		k.put(func(s *pool.Settings) { s.MFA.RecoveryHold = hold })
	}
	set(5 * day)
	k.confirmed(ada)
	k.enrolled(ada)
	k.waiting(ada)
	set(3 * day)
	k.clock.advance(4 * day)
	if wait := k.waiting(ada); wait.Until.Sub(k.clock.Now()) != day {
		t.Errorf("a shorter wait: %+v", wait)
	}
	set(7 * day)
	k.clock.advance(2 * day)
	if wait := k.waiting(ada); wait.Until.Sub(k.clock.Now()) != day {
		t.Errorf("a longer wait: %+v", wait)
	}
	ticket, _ := k.askedTwice(ada)
	set(0)
	if step, err := k.chooses(ticket, pool.LostFactors); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("none = %v, %v, want ErrWrongStep", step, err)
	}
	for hold, ok := range map[time.Duration]bool{
		-1: false, 1: false, 72*time.Hour - 1: false, 72 * time.Hour: true, 30 * day: true, 30*day + 1: false,
	} {
		_, err := k.admin().Plan(t.Context(), pool.Settings{MFA: pool.MFASettings{RecoveryHold: hold}})
		if (err == nil) != ok {
			t.Errorf("a hold of %v = %v, allowed %v", hold, err, ok)
		}
	}
	_, err := open(t).admin().Plan(t.Context(), pool.Settings{MFA: pool.MFASettings{RecoveryHold: 3 * day}})
	if err == nil {
		t.Error("a hold without a page to end it is taken")
	}
}

// A number to which nothing is sent tells nobody that the factors are lost.
func TestS4_NoHoldWithoutAWordToTheOwner(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) { c.CancelURL = cancelURL })
	k.put(func(s *pool.Settings) {
		s.SignIn.Identifiers, s.MFA.RecoveryHold = []pool.Identifier{pool.Phone}, 3*day
	})
	k.confirmed(phone)
	k.enrolled(phone)
	k.put(func(s *pool.Settings) { s.Limits.Countries = []string{"+1"} })
	if step, err := k.lost(phone); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("LostFactors = %v, %v, want ErrNotAllowed", step, err)
	}
	if l := k.user(phone).Factors.Lost; l != (user.Lost{}) {
		t.Errorf("a wait began of which nobody hears: %+v", l)
	}
}

// Whoever looks at what somebody has set up sees that it is said to be lost, and until when: the owner, in
// a session of before, and an administrator whom they call.
func TestS4_WaitsAreSeen(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		seed := k.enrolled(ada)
		d := k.doneTwice(ada, seed)
		seen := func(when string, want *pool.NeedWait) {
			t.Helper()
			own, err := k.account(d).Factors(t.Context())
			theirs, e := k.admin().Factors(t.Context(), k.user(ada).ID)
			if err := errors.Join(err, e); err != nil {
				t.Fatal(err)
			}
			for _, got := range []*pool.NeedWait{own.Lost, theirs.Lost} {
				if (got == nil) != (want == nil) || want != nil && *got != *want {
					t.Errorf("%s: lost %+v, want %+v", when, got, want)
				}
			}
		}
		refreshed := func(after time.Duration) {
			t.Helper()
			k.clock.advance(after)
			var err error
			if d, err = k.refresh(d); err != nil {
				t.Fatal(err)
			}
		}
		seen("before", nil)
		wait := k.waiting(ada)
		seen("as it begins", wait)
		refreshed(3 * day)
		seen("when it is over", wait)
		refreshed(7 * day)
		seen("too late", nil)
		k.waiting(ada)
		k.doneTwice(ada, seed)
		seen("once a factor was shown", nil)
	}, holds)
}
