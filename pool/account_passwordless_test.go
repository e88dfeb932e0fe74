package pool_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// byPasskeys lets sign-ins begin by passkeys, too.
func byPasskeys(c *pool.Config) {
	passkeys(c)
	c.Settings = &pool.Settings{SignIn: pool.SignInSettings{First: []mfa.Kind{mfa.KindPassword, mfa.KindPasskey}}}
}

// withoutPassword makes login somebody who has a passkey and no password.
func (k *kit) withoutPassword(login string) (device *passkeytest.Authenticator) {
	k.t.Helper()
	k.confirmed(login)
	device = passkeytest.New(localhost)
	k.newPasskey(login, device)
	k.change(login, func(u *user.User) { u.Password = nil })
	return device
}

// Who has no password is asked for none: a step-up does for each sensitive act, by whatever they have.
func TestS5_WithoutAPasswordAStepUpDoes(t *testing.T) {
	t.Parallel()
	for name, act := range sensitive {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, byPasskeys, mayAct)
			device := k.withoutPassword("ada")
			d, err := k.enter(k.byPasskey(""), device)
			if err != nil {
				t.Fatal(err)
			}
			k.clock.advance(10 * time.Minute)
			for _, with := range []pool.Response{nil, pool.Password{Value: right}} {
				if err := act(k, k.account(d), with); !errors.Is(err, pool.ErrNeedsStepUp) {
					t.Errorf("with %v = %v, want ErrNeedsStepUp", with, err)
				}
			}
			next, err := k.enter(k.wants(k.stepUp(d, "", time.Minute)), device)
			if err != nil {
				t.Fatal(err)
			}
			if err := act(k, k.account(next), nil); err != nil {
				t.Errorf("after the step-up = %v", err)
			}
		})
	}
}
