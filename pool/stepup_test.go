package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// reply answers a step that gave a ticket.
func (k *kit) reply(step pool.Step, with pool.Response) (pool.Step, error) {
	k.t.Helper()
	var ticket string
	switch s := step.(type) {
	case *pool.NeedPassword:
		ticket = s.Ticket
	case *pool.NeedTOTP:
		ticket = s.Ticket
	case *pool.NeedChoice:
		ticket = s.Ticket
	default:
		k.t.Fatalf("there is nothing to answer: %T", step)
	}
	return k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: with})
}

// doneTwice signs a user in who has an app.
func (k *kit) doneTwice(login string, seed mfa.Seed) *pool.Done {
	k.t.Helper()
	step, err := k.signIn(login, right)
	if err != nil {
		k.t.Fatal(err)
	}
	k.clock.advance(30 * time.Second) // so that each code is another
	d, err := pool.Finished(k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())}))
	if err != nil {
		k.t.Fatal(err)
	}
	return d
}

func (k *kit) stepUp(d *pool.Done, acr string, age time.Duration) (pool.Step, error) {
	k.t.Helper()
	return k.account(d).StepUp(k.t.Context(), pool.StepUpInput{ACR: acr, MaxAge: age})
}

// A step-up asks for what the session lacks and for no more, and the session that comes of it meets
// what was asked for (RFC 9470).
func TestT1_StepUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada) // by the password alone: there is no more yet
		seed := k.enrolled(ada)
		for _, c := range []struct {
			name  string
			after time.Duration
			acr   string
			age   time.Duration
			asked []pool.StepKind
		}{
			{"a second factor", 0, token.AAL2, 0, []pool.StepKind{pool.KindTOTP}},
			{"nothing that it lacks", time.Minute, token.AAL2, time.Hour, []pool.StepKind{pool.KindPassword, pool.KindTOTP}},
			{"nothing at all", time.Minute, "", 0, []pool.StepKind{pool.KindPassword, pool.KindTOTP}},
			{"both anew", 2 * time.Minute, "", time.Minute, []pool.StepKind{pool.KindPassword, pool.KindTOTP}},
			{"both anew, and at once", time.Second, "", 1, []pool.StepKind{pool.KindPassword, pool.KindTOTP}},
			{"no less than before", 50 * time.Minute, token.AAL1, 40 * time.Minute, []pool.StepKind{pool.KindPassword, pool.KindTOTP}},
			{"both where they are too old", 25 * time.Hour, token.AAL2, 0, []pool.StepKind{pool.KindPassword, pool.KindTOTP}},
		} {
			k.clock.advance(c.after)
			if next, err := k.refresh(d); err == nil {
				d = next
			}
			a := k.account(d)
			step, err := a.StepUp(t.Context(), pool.StepUpInput{ACR: c.acr, MaxAge: c.age})
			var asked []pool.StepKind
			for err == nil && step.Kind() != pool.KindDone {
				asked = append(asked, step.Kind())
				k.clock.advance(30 * time.Second)
				if step.Kind() == pool.KindPassword {
					step, err = k.reply(step, pool.Password{Value: right})
				} else {
					step, err = k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())})
				}
			}
			next, err := pool.Finished(step, err)
			if err != nil || !slices.Equal(asked, c.asked) {
				t.Fatalf("%s: asked for %v, %v, want %v", c.name, asked, err, c.asked)
			}
			if claims, _ := k.read(next); c.acr == token.AAL2 && claims.ACR != token.AAL2 {
				t.Errorf("%s: acr = %q", c.name, claims.ACR)
			}
			if len(asked) > 0 && c.age > time.Minute {
				if err := k.account(next).Assured(c.acr, c.age); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
			}
			if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("%s: the session of before = %v, want ErrNotAuthorized", c.name, err)
			}
			d = next
		}
	}, mfaOff)
}

// mfaOff asks nobody for a second factor: only a step-up does.
func mfaOff(c *pool.Config) { c.Settings = &pool.Settings{MFA: pool.MFASettings{Require: mfa.Off}} }

// CVE class 52: the session of a step-up is another than the one before, which is over in the same
// commit, and it does not live on for longer (security.md T2).
func TestCVE52_StepUpReplacesTheSession(t *testing.T) {
	t.Parallel()
	for _, browser := range []bool{false, true} {
		t.Run(fmt.Sprintf("browser %t", browser), func(t *testing.T) {
			t.Parallel()
			k := open(t, mfaOff)
			k.confirmed(ada)
			c := pool.Caller{Browser: browser}
			d, err := pool.Finished(k.signInFrom(c, ada, right))
			if err != nil {
				t.Fatal(err)
			}
			seed := k.enrolled(ada)
			a := k.accountOf(d)
			before, err := a.Sessions(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			step, err := a.StepUp(t.Context(), pool.StepUpInput{ACR: token.AAL2, Caller: pool.Caller{Browser: !browser}})
			need, ok := step.(*pool.NeedTOTP)
			if err != nil || !ok {
				t.Fatalf("StepUp = %v, %v", step, err)
			}
			if _, err := a.Get(t.Context()); err != nil {
				t.Errorf("the session, before the step-up is done: %v", err)
			}
			in := pool.RespondInput{Ticket: need.Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}, Caller: pool.Caller{Browser: !browser}}
			if _, err := k.Respond(t.Context(), in); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("answered elsewhere = %v, want ErrWrongStep", err)
			}
			in.Caller = c
			next, err := pool.Finished(k.Respond(t.Context(), in))
			if err != nil {
				t.Fatal(err)
			}
			if next.Cookie.IsZero() == browser || next.Cookie.Reveal() == d.Cookie.Reveal() && browser {
				t.Error("the cookie is not a new one")
			}
			if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("the session of before = %v, want ErrNotAuthorized", err)
			}
			if !browser {
				v, err := k.Verifier()
				if err != nil {
					t.Fatal(err)
				}
				if _, err := v.Verify(t.Context(), d.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
					t.Errorf("a verifier takes the token of before: %v", err)
				}
				if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("refresh by the token of before = %v, want ErrNotAuthorized", err)
				}
			}
			after, err := k.accountOf(next).Sessions(t.Context())
			if err != nil || len(after) != 1 {
				t.Fatalf("sessions = %v, %v, want one", after, err)
			}
			if after[0].ID == before[0].ID || after[0].Expires.After(before[0].Expires) {
				t.Errorf("the session is %+v, was %+v", after[0], before[0])
			}
		})
	}
}

// accountOf returns the account of a sign-in, of tokens or of a browser.
func (k *kit) accountOf(d *pool.Done) *pool.Account {
	k.t.Helper()
	if d.Cookie.IsZero() {
		return k.account(d)
	}
	a, _, err := k.Session(k.t.Context(), d.Cookie)
	if err != nil {
		k.t.Fatal(err)
	}
	return a
}

// A step-up ends with the session that it is of: a ticket that was stolen outlives no sign-out.
func TestT3_StepUpEndsWithItsSession(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(k *kit, d *pool.Done) error{
		"signed out":            func(k *kit, d *pool.Done) error { return k.account(d).SignOut(k.t.Context(), caller) },
		"signed out everywhere": func(k *kit, d *pool.Done) error { return k.account(d).SignOutEverywhere(k.t.Context(), caller) },
		"disabled":              func(k *kit, d *pool.Done) error { k.disable(ada); return nil },
		"stepped up already": func(k *kit, d *pool.Done) error {
			step, err := k.stepUp(d, token.AAL1, 0)
			return second(step, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, mfaOff)
			k.confirmed(ada)
			d := k.done(ada)
			seed := k.enrolled(ada)
			step, err := k.stepUp(d, token.AAL2, 0)
			if err != nil {
				t.Fatal(err)
			}
			if err := end(k, d); err != nil {
				t.Fatal(err)
			}
			step, err = k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())})
			if !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("the step = %v, %v, want ErrTicketGone", step, err)
			}
		})
	}
}

// A browser session that lacks nothing is replaced at once. What comes of an access token, which every
// API that it is shown to could keep, is no more than it is: no refresh token without a proof.
func TestT2_AccessTokensRenewNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	b, err := pool.Finished(k.signInFrom(pool.Caller{Browser: true}, ada, right))
	if err != nil {
		t.Fatal(err)
	}
	k.clock.advance(time.Minute)
	for _, in := range []pool.StepUpInput{{}, {ACR: token.AAL1}, {MaxAge: time.Hour}} {
		if step, err := k.account(d).StepUp(t.Context(), in); err != nil || step.Kind() != pool.KindPassword {
			t.Errorf("by an access token, StepUp(%+v) = %v, %v, want a step", in, step, err)
		}
	}
	if _, err := k.refresh(d); err != nil {
		t.Errorf("the session is over by it: %v", err)
	}
	next, err := pool.Finished(k.accountOf(b).StepUp(t.Context(), pool.StepUpInput{}))
	if err != nil || next.Cookie.IsZero() {
		t.Errorf("by a cookie = %+v, %v, want another", next, err)
	}
}

// Who cannot show what is asked for is told to set it up, and gets nothing weaker.
func TestCVE43_NoFactorNoStepUp(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	if step, err := k.stepUp(d, token.AAL2, 0); !errors.Is(err, pool.ErrNoFactor) {
		t.Errorf("without a factor = %v, %v, want ErrNoFactor", step, err)
	}
	k.clock.advance(time.Hour)
	d, err := k.refresh(d)
	if err != nil {
		t.Fatal(err)
	}
	step, err := k.stepUp(d, "", time.Minute)
	if err != nil || step.Kind() != pool.KindPassword {
		t.Fatalf("for a newer sign-in = %v, %v", step, err)
	}
	if _, err := k.reply(step, pool.Password{Value: wrong}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("a wrong password = %v, want ErrNotAuthorized", err)
	}
	next, err := pool.Finished(k.reply(step, pool.Password{Value: right}))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.account(next).Assured("", time.Minute); err != nil {
		t.Errorf("after the step-up: %v", err)
	}
}

// CVE class 43: a step-up that asks for two factors is met by one of them at no point, in whatever order
// they come.
func TestCVE43_OneFactorIsNoStepUp(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	seed := k.enrolled(ada)
	d := k.doneTwice(ada, seed)
	k.clock.advance(25 * time.Hour)
	d, err := k.refresh(d)
	if err != nil {
		t.Fatal(err)
	}
	step, err := k.stepUp(d, token.AAL2, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())}); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("the code before the password = %v, want ErrWrongStep", err)
	}
	step, err = k.reply(step, pool.Password{Value: right})
	if err != nil || step.Kind() != pool.KindTOTP {
		t.Fatalf("the password = %v, %v, want a step for the code", step, err)
	}
	if _, err := k.reply(step, pool.Password{Value: right}); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("the password again = %v, want ErrWrongStep", err)
	}
	k.change(ada, func(u *user.User) { u.Factors = nil })
	if got, err := k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())}); err == nil {
		t.Errorf("a code of an app that is gone = %v", got)
	}
}

// An administrator who acts as a user steps up for nobody (security.md S6), and what is asked for in
// words that are none of ours is refused before anything is read.
func TestS6_StepUpIsTheUsersOwn(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	done, err := k.admin().Impersonate(t.Context(), pool.ImpersonateInput{ID: k.user(ada).ID, Reason: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.stepUp(done, token.AAL1, 0); !errors.Is(err, pool.ErrForbidden) {
		t.Errorf("StepUp = %v, want ErrForbidden", err)
	}
	a := k.account(k.done(ada))
	for _, in := range []pool.StepUpInput{{ACR: "aal3"}, {ACR: "AAL2"}, {ACR: "aal1 aal2"}, {MaxAge: -1}, {Metadata: map[string]string{"": ""}}} {
		if _, err := a.StepUp(t.Context(), in); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("StepUp(%+v) = %v, want ErrInvalid", in, err)
		}
	}
}
