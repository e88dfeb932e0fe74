package pool_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const localhost = "http://localhost"

func passkeys(c *pool.Config) { c.Passkeys = passkey.New() }

// newPasskey has login make a passkey in their account on a device, and returns the session after it.
func (k *kit) newPasskey(login string, device *passkeytest.Authenticator) *pool.Done {
	k.t.Helper()
	return k.addPasskey(k.account(k.done(login)), device)
}

func (k *kit) addPasskey(a *pool.Account, device *passkeytest.Authenticator) *pool.Done {
	k.t.Helper()
	need, err := a.AddPasskey(k.t.Context(), pool.AddPasskeyInput{})
	if err != nil {
		k.t.Fatal(err)
	}
	d, err := pool.Finished(a.ConfirmPasskey(k.t.Context(), made(k.t, need, device)))
	if err != nil {
		k.t.Fatal(err)
	}
	return d
}

func made(t testing.TB, need *pool.NeedPasskeySetup, device *passkeytest.Authenticator) pool.ConfirmPasskeyInput {
	t.Helper()
	answer, err := device.Create(need.Options)
	if err != nil {
		t.Fatal(err)
	}
	return pool.ConfirmPasskeyInput{Ticket: need.Ticket, Passkey: pool.PasskeyAttestation{JSON: answer, Name: "phone"}}
}

// A passkey that was made is refused as other acts are, where the tries of its ticket were used up since
// it was read: by an error that callers know, and not by what the store says.
func TestRefusedPasskey(t *testing.T) {
	t.Parallel()
	k := open(t, passkeys)
	k.confirmed(ada)
	a := k.account(k.done(ada))
	need, err := a.AddPasskey(t.Context(), pool.AddPasskeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(need.Ticket)
	if err != nil {
		t.Fatal(err)
	}
	tries := storage.CounterKey{Pool: "default", Owner: base64.RawURLEncoding.EncodeToString(raw[:16]), Name: "tries"}
	k.store.meanwhile(func() {
		for range 5 {
			count := storage.Count{Key: tries, Rule: storage.Rule{Free: 5}, Now: k.clock.Now()}
			if err := k.store.Store.Commit(t.Context(), count); err != nil {
				t.Error(err)
			}
		}
	})
	step, err := a.ConfirmPasskey(t.Context(), made(t, need, passkeytest.New(localhost)))
	if !errors.Is(err, pool.ErrTicketGone) || step != nil {
		t.Errorf("ConfirmPasskey = %v, %v, want ErrTicketGone", step, err)
	}
	if keys := k.user(ada).Factors; keys != nil && len(keys.Passkeys) > 0 {
		t.Error("it was kept")
	}
}

// givePasskey gives login a passkey that nobody can use, and returns its id.
func (k *kit) givePasskey(login string) string {
	k.t.Helper()
	p := mfa.Passkey{ID: bytes.Repeat([]byte{9}, 32), PublicKey: []byte("key"), Verified: true, Created: k.clock.Now()}
	k.change(login, func(u *user.User) {
		if _, has := u.Factors.Passkey(p.ID); !has {
			if u.Factors == nil {
				u.Factors = new(user.Factors)
			}
			if len(u.Factors.Apps) > 0 { // or a step-up asks which
				u.Factors.Preferred = mfa.KindTOTP
			}
			if u.Factors.Passkeys = append(u.Factors.Passkeys, p); u.Factors.Handle == nil {
				u.Factors.Handle = bytes.Repeat([]byte{8}, 64)
			}
			u.Logins = append(u.Logins, user.PasskeyLogin(p.ID))
		}
	})
	return base64.RawURLEncoding.EncodeToString(p.ID)
}

// byPasskey begins a sign-in by a passkey, of any or of a login's.
func (k *kit) byPasskey(login string) *pool.NeedPasskey {
	k.t.Helper()
	return k.wants(k.SignIn(k.t.Context(), pool.SignInInput{Username: login, With: pool.Choice{Kind: mfa.KindPasskey}}))
}

func (k *kit) wants(step pool.Step, err error) *pool.NeedPasskey {
	k.t.Helper()
	need, ok := step.(*pool.NeedPasskey)
	if err != nil || !ok {
		k.t.Fatalf("= %v, %v, want NeedPasskey", step, err)
	}
	return need
}

// uses returns what a device answers to a step.
func uses(t testing.TB, need *pool.NeedPasskey, device *passkeytest.Authenticator) pool.PasskeyAssertion {
	t.Helper()
	answer, err := device.Get(need.Options)
	if err != nil {
		t.Fatal(err)
	}
	return pool.PasskeyAssertion{JSON: answer}
}

func (k *kit) enter(need *pool.NeedPasskey, device *passkeytest.Authenticator) (*pool.Done, error) {
	k.t.Helper()
	return pool.Finished(k.answer(need.Ticket, uses(k.t, need, device)))
}

// TestT2_PasskeyIsBothFactors: a verified passkey signs in without a name, a password and another
// factor, and says so; one that does not verify its user is one factor.
func TestT2_PasskeyIsBothFactors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("bob@example.com")
		device, bare := passkeytest.New(localhost), passkeytest.New(localhost)
		bare.Unverified = true
		k.newPasskey(ada, device)
		k.newPasskey("bob@example.com", bare)
		for _, tt := range []struct {
			login, names string
			device       *passkeytest.Authenticator
			acr          string
		}{{ada, "", device, token.AAL2}, {ada, ada, device, token.AAL2}, {"bob@example.com", "", bare, token.AAL1}} {
			d, err := k.enter(k.byPasskey(tt.names), tt.device)
			if err != nil {
				t.Fatalf("%s: %v", tt.login, err)
			}
			c, _ := k.read(d)
			if c.Subject != string(k.user(tt.login).ID) || c.ACR != tt.acr || !slices.Contains(c.AMR, "pop") && !slices.Contains(c.AMR, "hwk") && !slices.Contains(c.AMR, "swk") {
				t.Errorf("%s: the token is of %s, at %q by %v", tt.login, c.Subject, c.ACR, c.AMR)
			}
		}
	}, passkeys)
}

// TestS1_PasskeyAnswerIsGoodOnce: of 64 uses of one answer at once one signs in, on every store, and
// it is of no use to another ticket.
func TestS1_PasskeyAnswerIsGoodOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		device := passkeytest.New(localhost)
		device.Counts = true
		k.newPasskey(ada, device)
		need := k.byPasskey("")
		answer := uses(t, need, device)
		var mu sync.Mutex
		var won int
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				_, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: answer}))
				if err != nil && !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("one of 64 = %v", err)
				}
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d of 64 uses of one answer signed in", won)
		}
		if _, err := k.answer(k.byPasskey("").Ticket, answer); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("an answer to another challenge = %v, want ErrNotAuthorized", err)
		}
	}, passkeys)
}

// TestT6_PasskeyRefusals: whatever is wrong with an answer, and whoever it is of, it looks the same, is
// counted against the ticket and locks nobody out.
func TestT6_PasskeyRefusals(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		device func(*passkeytest.Authenticator)
		before func(k *kit)
	}{
		"another origin":        {device: func(d *passkeytest.Authenticator) { d.Origin = "https://evil.example" }},
		"another party":         {device: func(d *passkeytest.Authenticator) { d.RPID = "evil.example" }},
		"another challenge":     {device: func(d *passkeytest.Authenticator) { d.Challenge = make([]byte, 32) }},
		"the handle of another": {device: func(d *passkeytest.Authenticator) { d.Handle = bytes.Repeat([]byte{7}, 64) }},
		"nobody there":          {device: func(d *passkeytest.Authenticator) { d.Absent = true }},
		"framed":                {device: func(d *passkeytest.Authenticator) { d.Framed = true }},
		"disabled":              {before: func(k *kit) { k.disable(ada) }},
		"reset required":        {before: func(k *kit) { k.change(ada, func(u *user.User) { u.Status = user.ResetRequired }) }},
		"deleted": {before: func(k *kit) {
			if err := k.admin().DeleteUser(k.t.Context(), k.user(ada).ID); err != nil {
				k.t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, passkeys)
			k.confirmed(ada)
			device := passkeytest.New(localhost)
			k.newPasskey(ada, device)
			need := k.byPasskey("")
			if tt.device != nil {
				tt.device(device)
			}
			if tt.before != nil {
				tt.before(k)
			}
			answer := uses(t, need, device)
			k.store.reset()
			for i := range 6 {
				want := pool.ErrNotAuthorized
				if i >= 5 {
					want = pool.ErrTicketGone
				}
				if _, err := k.answer(need.Ticket, answer); !errors.Is(err, want) {
					t.Errorf("answer %d = %v, want %v", i, err, want)
				}
			}
			if reads, commits := k.store.counted(); reads != 6 || len(commits) != 5 {
				t.Errorf("6 answers took %d reads and %d commits, want 6 and 5", reads, len(commits))
			}
			if tt.device != nil {
				k.done(ada) // and her password is not locked
			}
		})
	}
}

// TestT6_PasswordLockLeavesPasskey: strangers who guess at a password keep nobody out who has a
// passkey.
func TestT6_PasswordLockLeavesPasskey(t *testing.T) {
	t.Parallel()
	k := open(t, passkeys)
	k.confirmed(ada)
	device := passkeytest.New(localhost)
	k.newPasskey(ada, device)
	for i := range 100 {
		k.signInFrom(from(i), ada, wrong)
		k.clock.advance(20 * time.Minute)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Fatalf("the password = %v, want it locked", err)
	}
	if _, err := k.enter(k.byPasskey(ada), device); err != nil {
		t.Errorf("the passkey = %v", err)
	}
}

// TestS17_DecoyPasskeys: a login that nobody has, or whose owner has no passkey, is asked for passkeys
// all the same: the same ones each time and in each process, others at each login, like those that
// people have.
func TestS17_DecoyPasskeys(t *testing.T) {
	t.Parallel()
	k := open(t, passkeys)
	k.confirmed(ada)
	k.confirmed("bob@example.com")
	k.newPasskey("bob@example.com", passkeytest.New(localhost))
	asked := func(login string) string {
		var o struct {
			Allow []struct {
				ID         string
				Type       string
				Transports []string
			} `json:"allowCredentials"`
		}
		if err := json.Unmarshal(k.byPasskey(login).Options, &o); err != nil {
			t.Fatal(err)
		}
		for _, c := range o.Allow {
			if len(c.ID) < 22 || c.Type != "public-key" || len(c.Transports) == 0 {
				t.Errorf("%s: asks for %+v", login, c)
			}
		}
		return fmt.Sprint(len(o.Allow), o.Allow)
	}
	seen, lengths := map[string]string{}, map[int]bool{}
	for i := range 40 {
		login := fmt.Sprintf("nobody%d@example.com", i)
		if i == 0 {
			login = ada
		}
		got := asked(login)
		lengths[len(got)] = true
		if other := seen[got]; other != "" || got != asked(login) || got[0] == '0' {
			t.Errorf("%s: %s, as %q", login, got, other)
		}
		seen[got] = login
	}
	if len(lengths) < 3 {
		t.Errorf("decoys are alike: %v", lengths)
	}
	if got := asked(""); got != "0 []" {
		t.Errorf("where nobody is named: %s", got)
	}
	if got := asked("ADA@example.com"); got != asked(ada) {
		t.Errorf("another spelling tells: %s", got)
	}
}

// TestS17_TheListIsOfNoState: which passkeys a login is asked for is the same by each way to them, and
// stays as it was when its owner is disabled or must reset their password.
func TestS17_TheListIsOfNoState(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]func(k *kit){
		"nobody":         nil,
		"confirmed":      func(*kit) {},
		"disabled":       func(k *kit) { k.disable(ada) },
		"reset required": func(k *kit) { k.change(ada, func(u *user.User) { u.Status = user.ResetRequired }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, passkeys)
			if then != nil {
				k.confirmed(ada)
				k.newPasskey(ada, passkeytest.New(localhost))
			}
			listed := func(need *pool.NeedPasskey) string {
				var o struct {
					Allow json.RawMessage `json:"allowCredentials"`
				}
				if err := json.Unmarshal(need.Options, &o); err != nil || len(o.Allow) < 22 {
					t.Fatalf("%s: %v", need.Options, err)
				}
				return string(o.Allow)
			}
			before := listed(k.byPasskey(ada))
			if then != nil {
				then(k)
			}
			step, err := k.SignIn(t.Context(), pool.SignInInput{Username: ada})
			choice, ok := step.(*pool.NeedChoice)
			if !ok {
				t.Fatalf("SignIn = %v, %v, want NeedChoice", step, err)
			}
			chosen := k.wants(k.answer(choice.Ticket, pool.Choice{Kind: mfa.KindPasskey}))
			if at, by := listed(k.byPasskey(ada)), listed(chosen); at != before || by != before {
				t.Errorf("it was %s, and is %s, and %s by choice", before, at, by)
			}
		})
	}
}

// TestPasskeyAfterPassword: with PasskeySecond a passkey is asked for after the password, and one of
// somebody else is a wrong answer.
func TestPasskeyAfterPassword(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("eve@example.com")
		device, hers := passkeytest.New(localhost), passkeytest.New(localhost)
		d := k.newPasskey(ada, device)
		k.newPasskey("eve@example.com", hers)
		k.enrolled(ada) // for the day on which the passkey is lost
		_, err := k.account(d).AskForPasskey(t.Context(), pool.AskForPasskeyInput{On: true})
		if err != nil {
			t.Fatal(err)
		}
		step, err := k.signIn(ada, right)
		if choice, ok := step.(*pool.NeedChoice); err != nil || !ok || !slices.Equal(choice.Kinds, []mfa.Kind{mfa.KindPasskey, mfa.KindTOTP, mfa.KindRecovery}) {
			t.Fatalf("SignIn = %v, %v, want a choice of passkey and app", step, err)
		}
		need := k.wants(k.answer(step.(*pool.NeedChoice).Ticket, pool.Choice{Kind: mfa.KindPasskey}))
		anybody := k.byPasskey("")
		if _, err := k.answer(need.Ticket, uses(t, anybody, hers)); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the passkey of another = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.answer(need.Ticket, uses(t, anybody, device)); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("an answer to another challenge = %v, want ErrNotAuthorized", err)
		}
		d, err = k.enter(need, device)
		if err != nil {
			t.Fatal(err)
		}
		if c, _ := k.read(d); c.ACR != token.AAL2 {
			t.Errorf("acr %q", c.ACR)
		}
	}, passkeys)
}

// TestPasskeyClones: one that counts and goes back is refused, on whichever node, of which its owner is
// told, and the other one goes on.
func TestPasskeyClones(t *testing.T) {
	t.Parallel()
	k := open(t, passkeys)
	k.confirmed(ada)
	device := passkeytest.New(localhost)
	device.Counts = true
	k.newPasskey(ada, device)
	clone := device.Clone()
	for range 2 {
		if _, err := k.enter(k.byPasskey(""), device); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := k.enter(k.byPasskey(""), clone); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("the clone = %v, want ErrNotAuthorized", err)
	}
	if n := len(k.got(ada, message.PasskeyCopied)); n != 1 {
		t.Errorf("the owner is told %d times, want once", n)
	}
	if _, err := k.enter(k.byPasskey(""), device); err != nil {
		t.Errorf("the device after it: %v", err)
	}
	if n := len(k.got(ada, message.PasskeyCopied)); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// TestS18_PasskeySettingsBind: what one process asks of passkeys binds the next answer in any other.
func TestS18_PasskeySettingsBind(t *testing.T) {
	t.Parallel()
	for name, tighten := range map[string]func(*pool.Settings){
		"another page": func(s *pool.Settings) { s.Passkeys.Origins = []string{"http://localhost:8080"} },
		"no passkeys":  func(s *pool.Settings) { s.SignIn.First = []mfa.Kind{mfa.KindPassword} },
		"another flow": func(s *pool.Settings) { s.Clients[0].Flows = []pool.Flow{pool.FlowPassword} },
		"nobody at all": func(s *pool.Settings) {
			s.Passkeys = pool.PasskeySettings{RPID: "example.com", Origins: []string{"https://example.com"}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onTwo(t, func(t *testing.T, a, b *kit) {
				a.confirmed(ada)
				device := passkeytest.New(localhost)
				a.newPasskey(ada, device)
				need := b.byPasskey("")
				a.put(tighten)
				_, err := b.enter(need, device)
				asksMore := name == "no passkeys" && errors.Is(err, pool.ErrUnfinished) // for the password, then
				if !errors.Is(err, pool.ErrNotAuthorized) && !errors.Is(err, pool.ErrFlowNotAllowed) && !asksMore {
					t.Errorf("an answer to what was asked before = %v", err)
				}
			}, passkeys)
		})
	}
}
