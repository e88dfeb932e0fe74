package pool_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// required lets a pool require a second factor of everybody.
func required(c *pool.Config) {
	if c.Settings == nil {
		c.Settings = &pool.Settings{}
	}
	c.Settings.MFA.Require = mfa.Required
}

// settingUp signs in as somebody who has no factor, and has to.
func (k *kit) settingUp(login string) *pool.NeedTOTPSetup {
	k.t.Helper()
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedTOTPSetup)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedTOTPSetup", step, err)
	}
	return need
}

// respondCode answers a step with a code.
func (k *kit) respondCode(ticket, code string) (pool.Step, error) {
	return k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: pool.Code{Value: code}})
}

// offBy returns another code than an app shows.
func offBy(seed mfa.Seed, at time.Time) string {
	for _, c := range []string{"000000", "000001", "000002", "000003"} {
		if !slices.ContainsFunc([]int{-1, 0, 1}, func(n int) bool { return seed.Code(at.Add(time.Duration(n)*30*time.Second)) == c }) {
			return c
		}
	}
	return ""
}

// Who must have a second factor and has none sets one up, and has no session before (Cognito's
// MFA_SETUP). The first factor comes with recovery codes, and the owner is told of both.
func TestT1_SetUpComesBeforeTheSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		need := k.settingUp(ada)
		if left := need.Expires.Sub(k.clock.Now()); left != 10*time.Minute {
			t.Errorf("%v to set it up", left)
		}
		if _, err := k.respondCode(need.Ticket, offBy(need.Seed, k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a wrong code: %v, want ErrBadCode", err)
		}
		if f := k.user(ada).Factors; f != nil {
			t.Errorf("an app counts before it has shown a code: %+v", f)
		}
		code := need.Seed.Code(k.clock.Now())
		done, err := pool.Finished(k.respondCode(need.Ticket, code))
		if err != nil || len(done.RecoveryCodes) != mfa.RecoveryCodes || done.Tokens.Access.IsZero() {
			t.Fatalf("the right code: %+v, %v", done, err)
		}
		if _, err := k.refresh(done); err != nil {
			t.Errorf("refresh: %v", err)
		}
		var told []message.Kind
		for _, m := range k.mails(ada, 3)[1:] {
			told = append(told, m.Kind)
		}
		slices.Sort(told)
		if !slices.Equal(told, []message.Kind{message.FactorAdded, message.RecoveryCodesMade}) {
			t.Errorf("the owner is told of %v", told)
		}
		if _, err := k.respondCode(need.Ticket, code); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the ticket again: %v, want ErrTicketGone", err)
		}
		step, err := k.signIn(ada, right)
		second, ok := step.(*pool.NeedTOTP)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedTOTP", step, err)
		}
		if _, err := k.respondCode(second.Ticket, code); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("the code that set the app up: %v, want ErrBadCode", err)
		}
		answer := pool.RecoveryCode{Value: done.RecoveryCodes[9]}
		if again, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: second.Ticket, With: answer})); err != nil || again.RecoveryCodes != nil {
			t.Errorf("a recovery code: %+v, %v", again, err)
		}
	}, required)
}

// What is set up in one window is not set up again in another: of any number of answers at once one
// stores an app.
func TestCVE5_ParallelSetUpsAreOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		needs := []*pool.NeedTOTPSetup{k.settingUp(ada), k.settingUp(ada)}
		var wg sync.WaitGroup
		won := make(chan *pool.Done, 16)
		for i := range 16 {
			wg.Go(func() {
				need := needs[i%2]
				done, err := pool.Finished(k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now())))
				if err == nil {
					won <- done
				} else if !errors.Is(err, pool.ErrTicketGone) {
					t.Errorf("a loser hears %v, want ErrTicketGone", err)
				}
			})
		}
		wg.Wait()
		if n := len(k.user(ada).Factors.Apps); n != 1 || len(won) != 1 {
			t.Errorf("%d apps, %d sessions, want one of each", n, len(won))
		}
	}, required)
}

// A choice of the same app again gives another seed, and the one of before is worth nothing.
func TestEnrol_AnotherSeed(t *testing.T) {
	t.Parallel()
	k := open(t, required)
	k.confirmed(ada)
	first := k.settingUp(ada)
	choose := func(kind mfa.Kind) (pool.Step, error) {
		return k.Respond(t.Context(), pool.RespondInput{Ticket: first.Ticket, With: pool.Choice{Kind: kind}})
	}
	for _, kind := range []mfa.Kind{"", mfa.KindPassword, mfa.KindSMS, mfa.KindRecovery, "fax"} {
		if step, err := choose(kind); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("choice %q = %v, %v, want ErrWrongStep", kind, step, err)
		}
	}
	step, err := choose(mfa.KindTOTP)
	next, ok := step.(*pool.NeedTOTPSetup)
	if err != nil || !ok || next.Ticket != first.Ticket || next.Seed.Text() == first.Seed.Text() {
		t.Fatalf("choice = %v, %v, want another seed for the same ticket", step, err)
	}
	for name, with := range map[string]pool.Response{
		"a password": pool.Password{Value: right}, "a recovery code": pool.RecoveryCode{Value: "7h2kq-x9m4d-2vwz8"},
	} {
		if _, err := k.Respond(t.Context(), pool.RespondInput{Ticket: first.Ticket, With: with}); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("%s = %v, want ErrWrongStep", name, err)
		}
	}
	if _, err := k.respondCode(first.Ticket, first.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a code of the first seed: %v, want ErrBadCode", err)
	}
	if _, err := pool.Finished(k.respondCode(first.Ticket, next.Seed.Code(k.clock.Now()))); err != nil {
		t.Errorf("a code of the second: %v", err)
	}
}

// A kind that is taken out of the settings while somebody sets it up is not set up any more.
func TestS18_NoAppIsSetUpThatIsNotOfferedAnyMore(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.put(func(s *pool.Settings) { s.MFA.Require = mfa.Required })
	k.confirmed(ada)
	need := k.settingUp(ada)
	k.put(func(s *pool.Settings) { s.MFA.Kinds = []mfa.Kind{mfa.KindEmail} })
	if step, err := k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now())); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("the code of the app = %v, %v, want ErrWrongStep", step, err)
	}
	if f := k.user(ada).Factors; f != nil {
		t.Errorf("factors = %+v, want none", f)
	}
}
