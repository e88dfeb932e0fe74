package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
)

// A step-up that begins anew, by any of several first factors, is its user's alone: who is signed out
// everywhere, or answers by the passkey of somebody else, hears what any other ticket says.
func TestT3_StepUpThatBeginsAnewIsItsUsersAlone(t *testing.T) {
	t.Parallel()
	k := open(t, begun, passkeys, func(c *pool.Config) {
		c.Settings.SignIn.First = append(c.Settings.SignIn.First, mfa.KindPasskey)
	})
	k.confirmed(ada)
	k.confirmed("eve@example.com")
	theirs := passkeytest.New(localhost)
	k.newPasskey("eve@example.com", theirs)
	d := k.done(ada)
	k.clock.advance(time.Minute)
	step, err := k.stepUp(d, "", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	need, ok := step.(*pool.NeedChoice)
	if !ok {
		t.Fatalf("StepUp = %T, want NeedChoice", step)
	}
	other := uses(t, k.byPasskey(""), theirs)
	answer := pool.RespondInput{Ticket: need.Ticket, With: other}
	if got, err := k.Respond(t.Context(), answer); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("by another's passkey = %v, %v, want ErrTicketGone", got, err)
	}
	if err := k.account(d).SignOutEverywhere(t.Context(), caller); err != nil {
		t.Fatal(err)
	}
	if got, err := k.reply(step, pool.Password{Value: right}); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after a sign-out everywhere = %v, %v, want ErrTicketGone", got, err)
	}
}
