package pool_test

import (
	"errors"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
)

// TestT1_AProcessWithoutPasskeysIsNoWayAround: who is asked for a passkey after the password does not get
// in by the password where a process has no Config.Passkeys. What others have given out it takes no
// answers to, and sessions by passkeys it keeps.
func TestT1_AProcessWithoutPasskeysIsNoWayAround(t *testing.T) {
	t.Parallel()
	r, st := ring(t, seal.Generate()), memory.New()
	a := openOn(t, st, passkeys, func(c *pool.Config) { c.Keys = r })
	b := openOn(t, st, func(c *pool.Config) { c.Keys, c.Now, c.Sender = r, a.clock.Now, a.box })
	a.confirmed(ada)
	device := passkeytest.New(localhost)
	d := a.newPasskey(ada, device)
	d, err := pool.Finished(a.account(d).AskForPasskey(t.Context(), pool.AskForPasskeyInput{On: true}))
	if err != nil {
		t.Fatal(err)
	}
	if d, err = b.refresh(d); err != nil {
		t.Fatalf("the session by a passkey = %v", err)
	}
	step, err := b.signIn(ada, right)
	if done, ok := step.(*pool.Done); ok || err != nil && !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("the password alone = %v, %v", done, err)
	}
	if need, ok := step.(*pool.NeedPasskey); ok {
		t.Errorf("it is asked for what cannot be judged: %v", need)
	}
	if step, err := b.SignIn(t.Context(), pool.SignInInput{With: pool.Choice{Kind: mfa.KindPasskey}}); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("by a passkey = %v, %v, want ErrWrongStep", step, err)
	}
	need := a.byPasskey("")
	if _, err := b.enter(need, device); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("an answer to another process's step = %v, want ErrInvalid", err)
	}
	if _, err := a.enter(need, device); err != nil {
		t.Errorf("the same answer where it was asked for = %v", err)
	}
	if _, err := b.account(d).AddPasskey(t.Context(), pool.AddPasskeyInput{}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("AddPasskey = %v, want ErrNotAllowed", err)
	}
}

// TestT1_APasskeyIsSetUpWhereItIsJudged: the step that asks for a new one is answered by a process that
// knows passkeys, or not at all.
func TestT1_APasskeyIsSetUpWhereItIsJudged(t *testing.T) {
	t.Parallel()
	r, st := ring(t, seal.Generate()), memory.New()
	a := openOn(t, st, passkeys, func(c *pool.Config) { c.Keys = r })
	b := openOn(t, st, func(c *pool.Config) { c.Keys, c.Now, c.Sender = r, a.clock.Now, a.box })
	a.confirmed(ada)
	a.put(func(s *pool.Settings) { s.MFA.Require = mfa.Required })
	step, err := a.signIn(ada, right)
	choice, ok := step.(*pool.NeedChoice)
	if !ok {
		t.Fatalf("SignIn = %v, %v, want NeedChoice", step, err)
	}
	step, err = a.answer(choice.Ticket, pool.Choice{Kind: mfa.KindPasskey})
	need, ok := step.(*pool.NeedPasskeySetup)
	if !ok {
		t.Fatalf("Choice = %v, %v, want NeedPasskeySetup", step, err)
	}
	made := made(t, need, passkeytest.New(localhost)).Passkey
	if step, err := b.answer(need.Ticket, made); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("the process without passkeys = %v, %v, want ErrWrongStep", step, err)
	}
	if _, err := pool.Finished(a.answer(need.Ticket, made)); err != nil {
		t.Errorf("the process that asked = %v", err)
	}
}
