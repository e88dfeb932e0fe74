package pool_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// ways are the methods that end in a session, or may: those that return a step or what is handed out.
// Each is tried where everybody must have a second factor, by somebody who has shown a password alone;
// a word says what holds one that is not.
var ways = map[string]struct {
	try  func(k *kit, a *pool.Account, d *pool.Done) (pool.Step, error)
	word string
}{
	"Pool.SignIn": {try: func(k *kit, _ *pool.Account, _ *pool.Done) (pool.Step, error) { return k.signIn(ada, right) }},
	"Pool.Refresh": {try: func(k *kit, _ *pool.Account, d *pool.Done) (pool.Step, error) {
		return k.Refresh(k.t.Context(), pool.RefreshInput{Token: d.Tokens.Refresh})
	}},
	"Account.StepUp": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.StepUp(k.t.Context(), pool.StepUpInput{})
	}},
	"Account.ChangePassword": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.ChangePassword(k.t.Context(), pool.ChangePasswordInput{Old: right, New: another})
	}},
	"Account.EndOtherSessions": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.EndOtherSessions(k.t.Context(), pool.EndOtherSessionsInput{With: pool.Password{Value: right}})
	}},
	"Account.ConfirmAuthenticator": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.ConfirmAuthenticator(k.t.Context(), pool.ConfirmAuthenticatorInput{Ticket: strings.Repeat("A", 64), Code: "123456"})
	}},
	"Account.ConfirmAddress": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.ConfirmAddress(k.t.Context(), pool.ConfirmAddressInput{Channel: message.SMS, Code: "12345678"})
	}},
	"Account.RemoveAuthenticator": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.RemoveAuthenticator(k.t.Context(), pool.RemoveAuthenticatorInput{ID: "x", With: pool.Password{Value: right}})
	}},
	"Account.ConfirmCodes": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.ConfirmCodes(k.t.Context(), pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: strings.Repeat("A", 64), Code: "123456"})
	}},
	"Account.RemoveCodes": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.RemoveCodes(k.t.Context(), pool.RemoveCodesInput{By: mfa.KindEmail, With: pool.Password{Value: right}})
	}},
	"Account.ConfirmPasskey": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.ConfirmPasskey(k.t.Context(), pool.ConfirmPasskeyInput{Ticket: strings.Repeat("A", 64), Passkey: pool.PasskeyAttestation{JSON: []byte("{}")}})
	}},
	"Account.RemovePasskey": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.RemovePasskey(k.t.Context(), pool.RemovePasskeyInput{ID: "x", With: pool.Password{Value: right}})
	}},
	"Account.AskForPasskey": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.AskForPasskey(k.t.Context(), pool.AskForPasskeyInput{On: true, With: pool.Password{Value: right}})
	}},
	"Account.MakeRecoveryCodes": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.MakeRecoveryCodes(k.t.Context(), pool.MakeRecoveryCodesInput{With: pool.Password{Value: right}})
	}},
	"Account.RemoveAddress": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.RemoveAddress(k.t.Context(), pool.RemoveAddressInput{Channel: message.Email, With: pool.Password{Value: right}})
	}},
	"Account.ChangeUsername": {try: func(k *kit, a *pool.Account, _ *pool.Done) (pool.Step, error) {
		return a.ChangeUsername(k.t.Context(), pool.ChangeUsernameInput{Username: "x", With: pool.Password{Value: right}})
	}},
	"Pool.Respond":       {word: "TestT1_AppIsAskedFor, TestT1_SetUpComesBeforeTheSession"},
	"Pool.ConfirmSignUp": {word: "it asks the gate by what was shown before: TestT1_SetUpComesBeforeTheSession"},
	"Pool.ConfirmLink":   {word: "like ConfirmSignUp"},
	"Pool.ResetPassword": {word: "it mints nothing: a sign-in follows"},
	"Admin.Impersonate":  {word: "of an administrator who has shown two: TestS6_ActorsAreStrongAndAbove"},
}

// Where a second factor is required no way leads to a session without one, and a way that is added is
// listed.
func TestT1_EveryWayToASession(t *testing.T) {
	t.Parallel()
	var all []string
	step, done := reflect.TypeFor[pool.Step](), reflect.TypeFor[*pool.Done]()
	for _, face := range []reflect.Type{
		reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account](), reflect.TypeFor[*pool.Admin](), reflect.TypeFor[*pool.App](),
	} {
		for m := range face.Methods() {
			if outs := slices.Collect(m.Type.Outs()); slices.Contains(outs, step) || slices.Contains(outs, done) {
				all = append(all, face.Elem().Name()+"."+m.Name)
			}
		}
	}
	for name := range ways {
		if !slices.Contains(all, name) {
			t.Errorf("%s is listed, and no way any more", name)
		}
	}
	for _, name := range all {
		way, ok := ways[name]
		if !ok {
			t.Errorf("%s leads to a session, and no row says what holds it", name)
			continue
		}
		if way.try == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onTwo(t, func(t *testing.T, a, b *kit) {
				b.confirmed(ada)
				d := b.done(ada)
				own := b.account(d)
				a.put(func(s *pool.Settings) { s.MFA.Require = mfa.Required })
				if _, err := own.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("the session of before = %v, want ErrNotAuthorized", err)
				}
				got, err := way.try(b, own, d)
				if _, ended := got.(*pool.Done); ended || err != nil && !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("= %v, %v: a session by one factor", got, err)
				}
			})
		})
	}
}
