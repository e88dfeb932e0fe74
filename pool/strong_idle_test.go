package pool_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

// TestT2_TwoFactorsFadeIdly: a session that nobody uses for an hour is of one factor from then on, and
// to use it again does not bring the other back. A step-up does, by all that a sign-in shows.
func TestT2_TwoFactorsFadeIdly(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		d := k.signedIn()
		seed := k.withApp(d)
		tokens := k.byApp(ada, seed)
		k.clock.advance(30 * time.Second)
		step, err := k.signInFrom(browser, ada, right)
		if err != nil {
			t.Fatal(err)
		}
		in := pool.RespondInput{Ticket: step.(*pool.NeedTOTP).Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Caller: browser}
		cookie, err := pool.Finished(k.Respond(t.Context(), in))
		if err != nil {
			t.Fatal(err)
		}
		strong := func(want bool) {
			t.Helper()
			if err := k.opens(cookie).Assured(token.AAL2, 0); (err == nil) != want {
				t.Errorf("the browser is of two factors: %v, want %v", err, want)
			}
			var err error
			if tokens, err = k.refresh(tokens); err != nil {
				t.Fatal(err)
			}
			c := claimsOf(t, k, tokens)
			if (c.ACR == token.AAL2) != want || want == (c.ACR == token.AAL1) || slices.Contains(c.AMR, "mfa") != want {
				t.Errorf("the tokens are of %q by %q, want two factors: %v", c.ACR, c.AMR, want)
			}
		}
		strong(true)
		for range 4 { // it is in use
			k.clock.advance(59 * time.Minute)
			strong(true)
		}
		k.clock.advance(time.Hour)
		strong(false)
		k.clock.advance(time.Minute)
		strong(false)

		account := k.opens(cookie)
		step, err = account.StepUp(t.Context(), pool.StepUpInput{ACR: token.AAL2, Caller: browser})
		need, ok := step.(*pool.NeedPassword)
		if err != nil || !ok {
			t.Fatalf("StepUp = %v, %v, want NeedPassword", step, err)
		}
		in = pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}, Caller: browser}
		if step, err = k.Respond(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		in = pool.RespondInput{Ticket: step.(*pool.NeedTOTP).Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Caller: browser}
		if cookie, err = pool.Finished(k.Respond(t.Context(), in)); err != nil {
			t.Fatal(err)
		}
		if err := k.opens(cookie).Assured(token.AAL2, 0); err != nil {
			t.Errorf("after a step-up: %v", err)
		}
	})
}

// claimsOf returns what an access token says.
func claimsOf(t *testing.T, k *kit, d *pool.Done) *token.Claims {
	t.Helper()
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(t.Context(), d.Tokens.Access.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What is set binds sessions that there are, and bounds are kept.
func TestS18_StrongIdleBinds(t *testing.T) {
	t.Parallel()
	k := open(t)
	d := k.signedIn()
	tokens := k.byApp(ada, k.withApp(d))
	k.put(func(s *pool.Settings) { s.Sessions.StrongIdle = 5 * time.Minute })
	k.clock.advance(5 * time.Minute)
	tokens, err := k.refresh(tokens)
	if err != nil {
		t.Fatal(err)
	}
	if c := claimsOf(t, k, tokens); c.ACR != token.AAL1 {
		t.Errorf("acr = %q, want aal1", c.ACR)
	}
	for _, d := range []time.Duration{-1, time.Minute, 25 * time.Hour} {
		s := pool.Settings{Sessions: pool.SessionSettings{StrongIdle: d}}
		_, err := pool.Open(t.Context(), k.store, pool.Config{Settings: &s})
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("%v: %v, want a SettingsError", d, err)
		}
	}
}
