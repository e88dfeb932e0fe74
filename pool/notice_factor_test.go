package pool_test

import (
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// asksFactor signs in as far as the question for a second factor.
func (k *kit) asksFactor(c pool.Caller, login string) (ticket string) {
	k.t.Helper()
	step, err := k.signInFrom(c, login, right)
	switch need := step.(type) {
	case *pool.NeedTOTP:
		return need.Ticket
	case *pool.NeedChoice:
		return need.Ticket
	}
	k.t.Fatalf("SignIn = %v, %v, want to be asked for a factor", step, err)
	return ""
}

// A password alone, where a second factor is asked for, is no sign-in: the owner is told of the device
// once the factor is shown, and of no device that is theirs.
func TestT6_NewDeviceIsToldAfterTheSecondFactor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.settled(ada)
		seed := k.enrolled(ada)
		c := firefox
		for range 2 { // from a device that is known by then
			ticket := k.asksFactor(c, ada)
			answer := pool.RespondInput{Ticket: ticket, Caller: c, With: pool.Code{Value: "00000"}}
			if _, err := k.Respond(t.Context(), answer); err == nil {
				t.Fatal("a wrong code is taken")
			}
			answer.With = pool.Code{Value: seed.Code(k.clock.Now())}
			d, err := pool.Finished(k.Respond(t.Context(), answer))
			if err != nil {
				t.Fatal(err)
			}
			k.devices(ada, 1)
			c.Device = d.Device
			k.clock.advance(time.Minute)
		}
		k.asksFactor(pool.Caller{}, ada)
		k.devices(ada, 1)
	})
}

// Each recovery code that is used up is told, from a known device too; a wrong one, or one that was used
// before, is not.
func TestRecoveryCodeThatIsUsedIsTold(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.settled(ada)
		k.enrolled(ada)
		var codes []string
		k.change(ada, func(u *user.User) { codes = pool.RecoveryCodes(k.Pool, u) })
		c := firefox
		for n, tt := range []struct {
			code string
			told int
		}{{"aaaa-aaaa-aaaa-aaa", 0}, {codes[0], 1}, {codes[0], 1}, {codes[1], 2}} {
			d, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{
				Ticket: k.asksFactor(c, ada), Caller: c, With: pool.RecoveryCode{Value: tt.code},
			}))
			if (err == nil) != (n%2 == 1) {
				t.Fatalf("code %d: %v", n, err)
			}
			if err == nil {
				c.Device = d.Device
			}
			if ms := k.got(ada, message.RecoveryCodeUsed); len(ms) != tt.told {
				t.Errorf("code %d: told %d times, want %d", n, len(ms), tt.told)
			}
		}
		k.devices(ada, 1)
	})
}

// Who begins with a temporary password and has a second factor is told of the password, not of a device.
func TestNewcomersWithAFactorAreNotToldOfDevices(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.temporary(ada)
	seed := k.enrolled(ada)
	k.clock.advance(2 * time.Hour)
	step, err := k.Respond(t.Context(), pool.RespondInput{Ticket: k.asked(ada), With: pool.NewPassword{Value: another}})
	need, ok := step.(*pool.NeedTOTP)
	if err != nil || !ok {
		t.Fatalf("a password of one's own = %v, %v, want NeedTOTP", step, err)
	}
	answer := pool.RespondInput{Ticket: need.Ticket, With: pool.Code{Value: seed.Code(k.clock.Now())}}
	if _, err := pool.Finished(k.Respond(t.Context(), answer)); err != nil {
		t.Fatal(err)
	}
	k.devices(ada, 0)
	if n := len(k.got(ada, message.PasswordChanged)); n != 1 {
		t.Errorf("told %d times of the password, want once", n)
	}
}
