package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
)

func containsFold(s, sub string) bool {
	return strings.Contains(strings.ToLower(s), strings.ToLower(sub))
}

// verdicts counts the sign-ins that were judged, as the events tell.
func (k *kit) verdicts(outcome string) int {
	k.t.Helper()
	page, err := k.store.Store.Events(k.t.Context(), "default", storage.EventQuery{})
	if err != nil {
		k.t.Fatal(err)
	}
	n := 0
	for _, e := range page.Events {
		if e.Kind == "sign_in" && strings.Contains(string(e.Header), fmt.Sprintf("%q:%q", "outcome", outcome)) {
			n++
		}
	}
	return n
}

// CVE class 66: of 100 parallel wrong guesses exactly 5 get a verdict, and all 100 look alike. Then
// a right one is refused like them.
func TestT5_ParallelGuessesGetFiveVerdicts(t *testing.T) {
	t.Parallel()
	for _, login := range []string{ada, "nobody@example.com"} {
		t.Run(login, func(t *testing.T) {
			onEach(t, func(t *testing.T, k *kit) {
				k.confirmed(ada)
				var (
					wg   sync.WaitGroup
					gate = make(chan struct{})
					errs [100]error
				)
				for i := range errs {
					wg.Go(func() {
						<-gate
						_, errs[i] = k.signInFrom(from(i), login, wrong)
					})
				}
				close(gate)
				wg.Wait()
				for _, err := range errs {
					if !errors.Is(err, pool.ErrNotAuthorized) || err.Error() != errs[0].Error() {
						t.Fatalf("guess = %v, want all alike", err)
					}
				}
				if n := k.verdicts("refused"); n != 5 {
					t.Errorf("%d verdicts, want exactly 5", n)
				}
				if _, err := k.signIn(login, right); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("right password while locked = %v, want ErrNotAuthorized", err)
				}
			})
		})
	}
}

func TestT5_LocksDouble(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 4 {
		k.signIn(ada, wrong)
	}
	for lock := time.Second; lock < 20*time.Minute; lock *= 2 {
		k.signIn(ada, wrong)
		before := k.verdicts("success")
		k.clock.advance(min(lock, 15*time.Minute) - time.Microsecond)
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) || k.verdicts("success") != before {
			t.Fatalf("right password just before the end of a lock of %v = %v", lock, err)
		}
		k.clock.advance(time.Microsecond)
	}
	if _, err := k.signIn(ada, right); err != nil {
		t.Fatalf("right password after the lock: %v", err)
	}
	for i := range 4 { // the run has ended: five are free again
		k.signIn(ada, wrong)
		if _, err := k.signIn(ada, right); err != nil {
			t.Fatalf("right password after failure %d of a new run: %v", i, err)
		}
	}
}

// CVE class 8: however the login is written, it is one counter.
func TestT5_SpellingsShareOneCounter(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for _, spelling := range []string{ada, "ADA@example.com", "Ada@Example.Com", "ada@EXAMPLE.com", "aDa@example.com"} {
		k.signIn(spelling, wrong)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("sixth guess = %v, want it locked", err)
	}
}

// The ceiling: a hundred failures in a row lock for good.
func TestT5_Ceiling(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 100 {
		k.signIn(ada, wrong)
		k.clock.advance(time.Hour)
	}
	k.clock.advance(10 * 365 * 24 * time.Hour)
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after 100 failures = %v, want it locked for good", err)
	}
}

// A password lock blocks neither refresh nor anybody else (security.md T6).
func TestT6_LockBlocksPasswordsOnly(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.confirmed("bob@example.com")
	d := k.done(ada)
	for range 6 {
		k.signIn(ada, wrong)
	}
	if _, err := k.refresh(d); err != nil {
		t.Errorf("refresh while locked: %v", err)
	}
	if _, err := k.signIn("bob@example.com", right); err != nil {
		t.Errorf("another user: %v", err)
	}
}

// Strangers' failures lock strangers: the owner's known device still gets in. Its own failures lock
// it, and nobody else.
func TestT6_KnownDeviceHasItsOwnBudget(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		known := pool.Caller{Device: k.done(ada).Device}
		for range 6 {
			k.signIn(ada, wrong)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Fatalf("a stranger with the right password = %v, want it locked", err)
		}
		if _, err := k.signInFrom(known, ada, right); err != nil {
			t.Errorf("the known device: %v", err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a stranger after the device's sign-in = %v, want it locked still", err)
		}
		for range 5 {
			k.signInFrom(known, ada, wrong)
		}
		if _, err := k.signInFrom(known, ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the device after five wrong guesses = %v, want it locked", err)
		}
		k.clock.advance(time.Minute)
		if _, err := k.signIn(ada, right); err != nil {
			t.Errorf("a stranger after the lock: %v", err)
		}
	})
}

// A device token of another user, of before a reset, of a year ago or made up gives nothing.
func TestT6_OtherDeviceTokensGiveNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.confirmed("eve@example.com")
	eves, old := k.done("eve@example.com").Device, k.done(ada).Device
	k.clock.advance(365 * 24 * time.Hour)
	stale := k.done(ada).Device
	if err := k.reset(k.forgot(ada), k.code(ada, 3), another); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		k.signIn(ada, wrong)
	}
	for name, token := range map[string]string{
		"another user's": eves, "a year old": old, "of before the reset": stale, "made up": "AAAA", "cut": stale[:len(stale)-1],
		"altered": flip(stale, 40), "huge": strings.Repeat("A", 1<<20), "not base64": "\x00\xff",
	} {
		if _, err := k.signInFrom(pool.Caller{Device: token}, ada, another); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s: sign-in = %v, want it locked", name, err)
		}
	}
}

// A network that gives a hundred wrong answers is refused for a while, whatever accounts they were
// at; an IPv6 customer is one network, and a mapped IPv4 address is that address (CVE class 9).
func TestT6_NetworksAreBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		same  func(n int) string
		other string
	}{
		"IPv4":   {func(int) string { return "192.0.2.1" }, "192.0.2.2"},
		"mapped": {func(n int) string { return []string{"192.0.2.1", "::ffff:192.0.2.1"}[n%2] }, "::ffff:192.0.2.2"},
		"IPv6":   {func(n int) string { return fmt.Sprintf("2001:db8::%x", n+1) }, "2001:db8:0:1::1"},
		"zone":   {func(n int) string { return fmt.Sprintf("fe80::1%%eth%d", n) }, "fe80:0:0:1::1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			k.confirmed(ada)
			for n := range 100 {
				if _, err := k.signInFrom(at(tt.same(n)), fmt.Sprintf("user%d@example.com", n), wrong); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Fatalf("guess %d = %v, want ErrNotAuthorized", n, err)
				}
			}
			_, err := k.signInFrom(at(tt.same(100)), ada, right)
			l, ok := errors.AsType[*pool.LimitError](err)
			if !ok || !l.Until.Equal(k.clock.Now().Add(15*time.Minute)) {
				t.Errorf("after a hundred = %v, want a *LimitError for 15 minutes", err)
			}
			if _, err := k.signInFrom(at(tt.other), ada, right); err != nil {
				t.Errorf("another network: %v", err)
			}
			k.clock.advance(15 * time.Minute)
			if _, err := k.signInFrom(at(tt.same(0)), ada, right); err != nil {
				t.Errorf("after 15 minutes: %v", err)
			}
		})
	}
}

// A password beyond 256 code points is counted and answered as a wrong one, without a hash.
func TestT9_OverlongPasswordIsAWrongOne(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	long := password.New(strings.Repeat("a", 257))
	for range 5 {
		if _, err := k.signIn(ada, long); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Fatalf("SignIn = %v, want ErrNotAuthorized", err)
		}
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after five = %v, want it locked", err)
	}
}

func TestT9_PasswordIsNormalisedNotTruncated(t *testing.T) {
	t.Parallel()
	k := open(t)
	composed, decomposed := password.New("pässwörd-"+strings.Repeat("x", 100)), password.New("pa\u0308sswo\u0308rd-"+strings.Repeat("x", 100))
	up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: composed})
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := k.signIn(ada, decomposed); err != nil {
		t.Errorf("the same text in another form: %v", err)
	}
	if _, err := k.signIn(ada, password.New("pässwörd-"+strings.Repeat("x", 99)+"y")); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("another last letter = %v, want ErrNotAuthorized", err)
	}
}

// Whoever has used up a network's wrong answers has no guesses there for nothing: neither at the
// sign-in nor, with a stolen access token, at the old password.
func TestT5_GuessesPastTheNetworksBudgetCount(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	thief := from(7)
	a, err := k.Account(t.Context(), k.done(ada).Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		k.signInFrom(thief, fmt.Sprintf("user%d@example.com", n), wrong)
	}
	for range 10 {
		_, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: wrong, New: another, Caller: thief})
		if _, ok := errors.AsType[*pool.LimitError](err); !ok {
			t.Fatalf("guess at the old password = %v, want a *LimitError", err)
		}
	}
	_, err = a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another, Caller: thief})
	if _, ok := errors.AsType[*pool.LimitError](err); !ok {
		t.Errorf("the right old password past the budget = %v, want a *LimitError", err)
	}
}

// Strangers who guess at codes close the way back for minutes, never for good.
func TestT6_RecoveryIsNeverClosedForGood(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 40 {
		ticket := k.forgot(ada)
		for range 5 {
			k.reset(ticket, "00000000", another)
			k.clock.advance(16 * time.Minute)
		}
	}
	k.clock.advance(2 * time.Hour)
	before := len(k.box.To(ada))
	ticket := k.forgot(ada)
	waitFor(t, func() bool { return len(k.box.To(ada)) > before })
	if err := k.reset(ticket, k.box.Code(ada), another); err != nil {
		t.Errorf("the owner's code after 200 guesses of strangers: %v", err)
	}
}

// A network that asks for a hundred sign-ups or codes is refused for a while.
func TestT6_RequestsOfANetworkAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t)
	limited := 0
	for n := range 110 {
		var err error
		if n%2 == 0 {
			_, err = k.SignUp(t.Context(), pool.SignUpInput{Username: fmt.Sprintf("u%d@example.com", n), Password: right, Caller: from(1)})
		} else {
			_, err = k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: fmt.Sprintf("u%d@example.com", n), Caller: from(1)})
		}
		if _, ok := errors.AsType[*pool.LimitError](err); ok {
			limited++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if limited != 10 {
		t.Errorf("%d of 110 were refused, want 10", limited)
	}
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Caller: from(2)}); err != nil {
		t.Errorf("another network: %v", err)
	}
}

// A ticket lives for a day, and each code that is sent again is rows, an event and maybe a mail: so
// it is a request of the network like the sign-up was. The ticket stays good.
func TestT6_ResentCodesOfANetworkAreBounded(t *testing.T) {
	t.Parallel()
	for login, most := range map[string]int{ada: 100, phone: 30} {
		k := open(t, takes(pool.Email, pool.Phone))
		ticket := k.signUp(login)
		resend := func(n int) (err error) {
			res, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket, Caller: from(n)})
			if err == nil {
				ticket = res.Ticket
			}
			return err
		}
		for n := range most {
			if err := resend(1); err != nil {
				t.Fatalf("%s: code %d = %v", login, n+2, err)
			}
		}
		_, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: login, Caller: from(1)})
		for what, err := range map[string]error{"one more code": resend(1), "a forgotten password": err} {
			if _, limited := errors.AsType[*pool.LimitError](err); !limited {
				t.Errorf("%s: %s = %v, want a LimitError", login, what, err)
			}
		}
		if err := resend(2); err != nil {
			t.Errorf("%s: another network: %v", login, err)
		}
	}
}

// Strangers who have closed an account for good are at a password that is no more once its owner has changed
// it: on another device the new one is as good as on the known one.
func TestT5_ChangeOpensALockedAccount(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	known := pool.Caller{Device: k.done(ada).Device}
	for range 100 {
		k.signIn(ada, wrong)
		k.clock.advance(time.Hour)
	}
	d, err := pool.Finished(k.signInFrom(known, ada, right))
	if err != nil {
		t.Fatal(err)
	}
	a, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another, Caller: known}); err != nil {
		t.Fatal(err)
	}
	if _, err := k.signIn(ada, another); err != nil {
		t.Errorf("the new password on another device = %v", err)
	}
}
