package pool_test

import (
	"errors"
	"reflect"
	"testing"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
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
	"AddCodes": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.AddCodes(k.t.Context(), pool.AddCodesInput{By: mfa.KindEmail, With: with}))
	},
	"RemoveCodes": func(k *kit, a *pool.Account, with pool.Response) error {
		k.gives(ada, func(f *user.Factors) { f.Email = start })
		return second(a.RemoveCodes(k.t.Context(), pool.RemoveCodesInput{By: mfa.KindEmail, With: with}))
	},
	"RenameAuthenticator": func(k *kit, a *pool.Account, with pool.Response) error {
		return a.RenameAuthenticator(k.t.Context(), pool.RenameAuthenticatorInput{ID: k.giveApp(ada), Name: "phone", With: with})
	},
	"RemoveAuthenticator": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.RemoveAuthenticator(k.t.Context(), pool.RemoveAuthenticatorInput{ID: k.giveApp(ada), With: with}))
	},
	"ChangeUsername": func(k *kit, a *pool.Account, with pool.Response) error {
		return second(a.ChangeUsername(k.t.Context(), pool.ChangeUsernameInput{Username: "countess", With: with}))
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
	"RenamePasskey": func(k *kit, a *pool.Account, with pool.Response) error {
		return a.RenamePasskey(k.t.Context(), pool.RenamePasskeyInput{ID: k.givePasskey(ada), Name: "phone", With: with})
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

// mayAct is a pool in which each of the acts may be done.
func mayAct(c *pool.Config) {
	passkeys(c)
	restores(c)
	takes(pool.Username, pool.Email, pool.PreferredUsername)(c)
	c.Settings.MFA.Kinds = []mfa.Kind{mfa.KindTOTP, mfa.KindEmail, mfa.KindPasskey}
}

// giveApp gives a user an authenticator app where they have none, and returns its id.
func (k *kit) giveApp(login string) string {
	k.t.Helper()
	if f := k.user(login).Factors; f == nil || len(f.Apps) == 0 {
		k.enrolled(login)
	}
	return k.user(login).Factors.Apps[0].ID
}

// gives gives a user a factor beside those that they have; a step-up asks for their app still.
func (k *kit) gives(login string, factor func(*user.Factors)) {
	k.change(login, func(u *user.User) {
		if u.Factors == nil {
			u.Factors = new(user.Factors)
		}
		if len(u.Factors.Apps) > 0 {
			u.Factors.Preferred = mfa.KindTOTP
		}
		factor(u.Factors)
	})
}

// Every act that takes a fresh proof is listed, and what is listed is one.
func TestS5_SensitiveActsAreListed(t *testing.T) {
	t.Parallel()
	acts := map[string]bool{}
	for m := range reflect.TypeFor[*pool.Account]().Methods() {
		for in := range m.Type.Ins() {
			if in.Kind() != reflect.Struct {
				continue
			}
			if _, takes := in.FieldByName("With"); takes {
				acts[m.Name] = true
			}
		}
	}
	for name := range acts {
		if _, ok := sensitive[name]; !ok {
			t.Errorf("%s takes a fresh proof, and is not listed", name)
		}
	}
	for name := range sensitive {
		if !acts[name] {
			t.Errorf("%s is listed, and takes no fresh proof", name)
		}
	}
}
