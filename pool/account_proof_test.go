package pool_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// account returns the account of a sign-in.
func (k *kit) account(d *pool.Done) *pool.Account {
	k.t.Helper()
	a, err := k.Account(k.t.Context(), d.Tokens.Access)
	if err != nil {
		k.t.Fatal(err)
	}
	return a
}

// sensitive are the acts that need fresh proof.
var sensitive = map[string]func(k *kit, a *pool.Account, with pool.Response) error{
	"EndOtherSessions": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.EndOtherSessions(k.t.Context(), pool.EndOtherSessionsInput{With: with}))
	},
	"ChangeAddress": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.ChangeAddress(k.t.Context(), pool.ChangeAddressInput{To: ada2, With: with}))
	},
	"RemoveAddress": func(k *kit, a *pool.Account, with pool.Response) error {
		if u := k.user(ada); u.Attributes["phone_number"] == "" {
			k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"phone_number": phone} })
		}
		return second(a.RemoveAddress(k.t.Context(), pool.RemoveAddressInput{Channel: message.SMS, With: with}))
	},
	"AddAuthenticator": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.AddAuthenticator(k.t.Context(), pool.AddAuthenticatorInput{With: with}))
	},
	"PreferFactor": func(k *kit, a *pool.Account, with pool.Response) error {
		return a.PreferFactor(k.t.Context(), pool.PreferFactorInput{With: with})
	},
	"MakeRecoveryCodes": func(k *kit, a *pool.Account, with pool.Response) error {
		if k.user(ada).Factors == nil { // a passkey that is only a way in asks nobody for it
			k.change(ada, func(u *user.User) {
				u.Factors = &user.Factors{Passkeys: []mfa.Passkey{{ID: []byte("key"), PublicKey: []byte("key"), Created: start}}}
			})
		}
		return second(a.MakeRecoveryCodes(k.t.Context(), pool.MakeRecoveryCodesInput{With: with}))
	},
	"Export": func(k *kit, a *pool.Account, with pool.Response) error {
		_, text, err := k.export(a, pool.ExportInput{With: with})
		if err != nil && text != "" {
			k.t.Errorf("%v after %q", err, text)
		}
		return err
	},
	"Delete": func(k *kit, a *pool.Account, with pool.Response) error {
		return a.Delete(k.t.Context(), pool.DeleteInput{With: with})
	},
	"AddPasskey": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.AddPasskey(k.t.Context(), pool.AddPasskeyInput{With: with}))
	},
	"RemovePasskey": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.RemovePasskey(k.t.Context(), pool.RemovePasskeyInput{ID: k.givePasskey(ada), With: with}))
	},
	"AskForPasskey": func(k *kit, a *pool.Account, with pool.Response) error {
		k.givePasskey(ada)
		return second(a.AskForPasskey(k.t.Context(), pool.AskForPasskeyInput{With: with}))
	},
	"EndSession": func(k *kit, a *pool.Account, with pool.Response) error {
		all, err := a.Sessions(k.t.Context())
		if err != nil || len(all) == 0 {
			return errors.Join(err, pool.ErrNotAuthorized)
		}
		return a.EndSession(k.t.Context(), pool.EndSessionInput{ID: all[0].ID, With: with})
	},
}

// A sensitive act needs a sign-in that is fresh, or the password with the call: whoever has only a
// token that was stolen later, or refreshed, gets the account for no longer than that.
func TestS5_SensitiveActsNeedFreshProof(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, restores, passkeys)
			k.confirmed(ada)
			d := k.done(ada)
			if err := act(k, k.account(d), nil); err != nil {
				t.Fatalf("right after the sign-in = %v", err)
			}
			k = open(t, restores, passkeys)
			k.confirmed(ada)
			d = k.done(ada)
			k.clock.advance(9 * time.Minute)
			d, err := k.refresh(d)
			if err != nil {
				t.Fatal(err)
			}
			k.clock.advance(time.Minute)
			a := k.account(d)
			if err := act(k, a, nil); !errors.Is(err, pool.ErrNeedsProof) {
				t.Errorf("ten minutes after the sign-in = %v, want ErrNeedsProof: a refresh proves nothing", err)
			}
			if err := act(k, a, pool.Password{Value: wrong}); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("with a wrong password = %v, want ErrNotAuthorized", err)
			}
			if err := act(k, a, pool.Code{Value: "123456"}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("with a code = %v, want ErrWrongStep", err)
			}
			if err := act(k, a, pool.Password{}); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("with an empty password = %v, want ErrInvalid", err)
			}
			if err := act(k, a, pool.Password{Value: right}); err != nil {
				t.Errorf("with the password = %v", err)
			}
		})
	}
}

// A password that is given for fresh proof is guessed at like one at sign-in: by the same counter,
// also where the sign-in is fresh, and the right one is refused while it is locked.
func TestT5_FreshProofIsCounted(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, restores, passkeys)
			k.confirmed(ada)
			a := k.account(k.done(ada))
			for range 5 {
				if err := act(k, a, pool.Password{Value: wrong}); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Fatalf("wrong password = %v", err)
				}
			}
			if err := act(k, a, pool.Password{Value: right}); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("right password while locked = %v, want ErrNotAuthorized", err)
			}
			if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("sign-in while locked = %v, want the same lock", err)
			}
			k.clock.advance(2 * time.Second)
			if err := act(k, a, pool.Password{Value: right}); err != nil {
				t.Errorf("right password after the lock = %v", err)
			}
			for range 4 {
				k.signIn(ada, wrong)
			}
			if _, err := k.signIn(ada, right); err != nil && name != "Delete" {
				t.Errorf("the act did not end the run of failures: %v", err)
			}
		})
	}
}

// Where the verdict on a password cannot be counted, it does not leave.
func TestT5_UncountedFreshProofDoesNotLeave(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		k := open(t, restores, passkeys)
		k.confirmed(ada)
		a := k.account(k.done(ada))
		k.store.instead(storage.ErrRetry)
		for _, pw := range []pool.Password{{Value: right}, {Value: wrong}} {
			if err := act(k, a, pw); !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("%s = %v, want ErrUnavailable", name, err)
			}
		}
	}
}

// The bound is a setting, within limits.
func TestFreshIsASetting(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) { c.Settings = &pool.Settings{Sessions: pool.SessionSettings{Fresh: time.Hour}} })
	k.confirmed(ada)
	d := k.done(ada)
	k.clock.advance(14 * time.Minute)
	if err := sensitive["PreferFactor"](k, k.account(d), nil); err != nil {
		t.Errorf("within the hour = %v", err)
	}
	for _, bad := range []time.Duration{time.Second, -time.Hour, 25 * time.Hour} {
		_, err := pool.Open(t.Context(), k.store.Store, pool.Config{
			ID: "other", Sender: k.box, Settings: &pool.Settings{Sessions: pool.SessionSettings{Fresh: bad}},
		})
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("fresh for %v = %v, want a SettingsError", bad, err)
		}
	}
}

// together calls f for each of n at once, and returns when all are done.
func together(n int, f func(n int)) {
	var gate, all sync.WaitGroup
	gate.Add(1)
	for i := range n {
		all.Go(func() { gate.Wait(); f(i) })
	}
	gate.Done()
	all.Wait()
}

// CVE class 43: a stolen session and the password take nothing from who has a second factor: for
// sensitive acts both are shown anew. Whether the password is right is not even looked at.
func TestCVE43_AThiefWithThePasswordLacksAFactor(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, restores, passkeys)
			k.confirmed(ada)
			seed := k.enrolled(ada)
			d := k.doneTwice(ada, seed)
			k.clock.advance(10 * time.Minute)
			a := k.account(d)
			k.store.reset()
			for _, with := range []pool.Response{nil, pool.Password{Value: wrong}, pool.Password{Value: right}} {
				err := act(k, a, with)
				if !errors.Is(err, pool.ErrNeedsStepUp) || !errors.Is(err, pool.ErrNeedsProof) {
					t.Errorf("with %v = %v, want ErrNeedsStepUp", with, err)
				}
			}
			if _, commits := k.store.counted(); len(commits) > 0 {
				t.Errorf("the store was written: %v", commits)
			}
			step, err := k.stepUp(d, "", 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if step, err = k.reply(step, pool.Password{Value: right}); err != nil {
				t.Fatal(err)
			}
			k.clock.advance(30 * time.Second)
			next, err := pool.Finished(k.reply(step, pool.Code{Value: seed.Code(k.clock.Now())}))
			if err != nil {
				t.Fatal(err)
			}
			if err := act(k, k.account(next), nil); err != nil {
				t.Errorf("after the step-up = %v", err)
			}
		})
	}
}
