package pool_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
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
	d, err := pool.Finished(a.account(d).AskForPasskey(t.Context(), pool.AskForPasskeyInput{On: true, With: pool.Password{Value: right}}))
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

// TestPasskeyLoginsAreNoNames: the login by which a passkey is found is no name that anybody signs in by,
// is shown or searches for, in whatever order logins stand; it is of one user, until that is deleted.
func TestPasskeyLoginsAreNoNames(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("bob@example.com")
		id := k.givePasskey(ada)
		k.change(ada, func(u *user.User) { slices.Reverse(u.Logins) })
		admin := k.admin()
		u, err := admin.FindUser(t.Context(), ada)
		if err != nil || u.Username != ada {
			t.Errorf("FindUser = %q, %v", u.Username, err)
		}
		value := k.user(ada).Logins[0].Value
		for _, name := range []string{id, value} {
			if _, err := admin.FindUser(t.Context(), name); !errors.Is(err, pool.ErrNotFound) && !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("FindUser(%q) = %v, want ErrNotFound", name, err)
			}
			if step, err := k.signIn(name, right); err == nil {
				t.Errorf("SignIn(%q) = %v", name, step)
			}
			for _, by := range []string{"username", "email"} {
				page, err := admin.ListUsers(t.Context(), pool.UserQuery{Filter: pool.Filter{Attribute: by, Value: name, Prefix: true}})
				if err == nil && len(page.Users) > 0 {
					t.Errorf("ListUsers by %s %q = %v", by, name, page.Users)
				}
			}
		}
		_, err = k.account(k.done(ada)).RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.Email})
		if !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("without the last login that can be typed = %v, want ErrNotAllowed", err)
		}
		bob := k.user("bob@example.com")
		bob.Logins = append(bob.Logins, k.user(ada).Logins[0])
		if err := k.store.Store.Commit(t.Context(), storage.Put(bob)); !errors.Is(err, storage.ErrConflict) {
			t.Errorf("one passkey of two users = %v, want ErrConflict", err)
		}
		if err := admin.DeleteUser(t.Context(), u.ID); err != nil {
			t.Fatal(err)
		}
		k.givePasskey("bob@example.com") // which fails while it is ada's
	}, passkeys)
}

// An act that needs more says what would do, and not to give what it was given.
func TestProofThatWouldDo(t *testing.T) {
	t.Parallel()
	k := open(t, passkeys)
	k.confirmed(ada)
	k.newPasskey(ada, passkeytest.New(localhost))
	done, err := pool.Finished(k.signIn(ada, right))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		with pool.Response
		want error
		says string
	}{
		{nil, pool.ErrNeedsProof, "sign in by one first"},
		{pool.Password{Value: right}, pool.ErrNeedsProof, "sign in by one first"},
		{pool.Code{Value: "123456"}, pool.ErrWrongStep, "Password"},
	} {
		_, err := k.account(done).AskForPasskey(t.Context(), pool.AskForPasskeyInput{On: true, With: tt.with})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("with %T: %v, want %v that says %q", tt.with, err, tt.want, tt.says)
		}
	}
	if !errors.Is(pool.ErrNeedsStepUp, pool.ErrNeedsProof) || errors.Is(pool.ErrNeedsProof, pool.ErrNeedsStepUp) {
		t.Error("a step-up is one proof among others")
	}
}
