package pool_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// inputs makes, for every method that takes an input, one that would pass. Ada is a user, signed in
// as d; bob has signed up, and holds the ticket.
var inputs = map[string]func(k *kit, d *pool.Done, bob string) any{
	"SignUp": func(*kit, *pool.Done, string) any {
		return pool.SignUpInput{Client: "default", Username: "eve@example.com", Password: right, Attributes: user.Attributes{"name": "Eve"}, Caller: caller}
	},
	"ConfirmSignUp": func(k *kit, _ *pool.Done, bob string) any {
		return pool.CodeInput{Ticket: bob, Code: k.code("bob@example.com", 1), Caller: caller}
	},
	"ConfirmLink": func(k *kit, _ *pool.Done, bob string) any {
		return pool.LinkInput{Link: k.link("bob@example.com", 1), Ticket: bob, Caller: caller}
	},
	"ResendCode": func(_ *kit, _ *pool.Done, bob string) any {
		return pool.ResendInput{Ticket: bob, Caller: caller}
	},
	"SignIn": func(*kit, *pool.Done, string) any {
		return pool.SignInInput{Client: "default", Username: ada, With: pool.Password{Value: right}, Caller: caller}
	},
	"Respond": func(k *kit, _ *pool.Done, bob string) any {
		return pool.RespondInput{Ticket: bob, With: pool.Code{Value: k.code("bob@example.com", 1)}, Caller: caller}
	},
	"ForgotPassword": func(*kit, *pool.Done, string) any {
		return pool.ForgotPasswordInput{Client: "default", Username: ada, Caller: caller}
	},
	"ForgotUsername": func(*kit, *pool.Done, string) any {
		return pool.ForgotUsernameInput{Client: "default", Address: ada, Caller: caller}
	},
	"ResetPassword": func(k *kit, _ *pool.Done, _ string) any {
		ticket := k.forgot(ada)
		return pool.ResetPasswordInput{Ticket: ticket, Code: k.code(ada, 2), Password: another, Caller: caller}
	},
	"Refresh": func(_ *kit, d *pool.Done, _ string) any {
		return pool.RefreshInput{Client: "default", Token: d.Tokens.Refresh, Caller: caller}
	},
	"SignOut": func(_ *kit, d *pool.Done, _ string) any {
		return pool.SignOutInput{Client: "default", Token: d.Tokens.Refresh, Caller: caller}
	},
	"RenameDevice": func(k *kit, _ *pool.Done, _ string) any {
		return pool.RenameDeviceInput{ID: k.remembered(ada), Name: "laptop", Caller: caller}
	},
	"ForgetDevice": func(k *kit, _ *pool.Done, _ string) any {
		return pool.ForgetDeviceInput{ID: k.remembered(ada), Caller: caller}
	},
	"StepUp": func(*kit, *pool.Done, string) any {
		return pool.StepUpInput{ACR: token.AAL1, MaxAge: time.Hour, Caller: caller}
	},
	"ChangePassword": func(*kit, *pool.Done, string) any {
		return pool.ChangePasswordInput{Old: right, New: another, Caller: caller}
	},
	"UpdateAttributes": func(*kit, *pool.Done, string) any {
		return pool.ChangeAttributesInput{Attributes: user.Attributes{"name": "Ada"}, Caller: caller}
	},
	"EndSession": func(k *kit, d *pool.Done, _ string) any {
		all, _ := k.account(d).Sessions(k.t.Context())
		return pool.EndSessionInput{ID: all[0].ID, With: pool.Password{Value: right}, Caller: caller}
	},
	"AddPasskey": func(*kit, *pool.Done, string) any {
		return pool.AddPasskeyInput{With: pool.Password{Value: right}, Caller: caller}
	},
	"ConfirmPasskey": func(k *kit, d *pool.Done, _ string) any {
		need, err := k.account(d).AddPasskey(k.t.Context(), pool.AddPasskeyInput{Caller: caller})
		if err != nil {
			k.t.Fatal(err)
		}
		in := made(k.t, need, passkeytest.New(localhost))
		in.Caller = caller
		return in
	},
	"RenamePasskey": func(k *kit, _ *pool.Done, _ string) any {
		return pool.RenamePasskeyInput{ID: k.givePasskey(ada), Name: "laptop", With: pool.Password{Value: right}, Caller: caller}
	},
	"RemovePasskey": func(k *kit, _ *pool.Done, _ string) any {
		return pool.RemovePasskeyInput{ID: k.givePasskey(ada), With: pool.Password{Value: right}, Caller: caller}
	},
	"AskForPasskey": func(k *kit, _ *pool.Done, _ string) any {
		k.givePasskey(ada)
		return pool.AskForPasskeyInput{With: pool.Password{Value: right}, Caller: caller}
	},
	"EndOtherSessions": func(*kit, *pool.Done, string) any {
		return pool.EndOtherSessionsInput{With: pool.Password{Value: right}, Caller: caller}
	},
	"ChangeAddress": func(*kit, *pool.Done, string) any {
		return pool.ChangeAddressInput{To: phone, With: pool.Password{Value: right}, Caller: caller}
	},
	"ResendAddressCode": func(k *kit, d *pool.Done, _ string) any {
		k.ask(d, phone)
		return pool.AddressCodeInput{Channel: message.SMS, Caller: caller}
	},
	"ConfirmAddress": func(k *kit, d *pool.Done, _ string) any {
		k.ask(d, phone)
		return pool.ConfirmAddressInput{Channel: message.SMS, Code: k.code(phone, 1), Caller: caller}
	},
	"RemoveAddress": func(k *kit, d *pool.Done, _ string) any {
		k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"phone_number": phone} })
		return pool.RemoveAddressInput{Channel: message.SMS, With: pool.Password{Value: right}, Caller: caller}
	},
	"ChangeUsername": func(*kit, *pool.Done, string) any {
		return pool.ChangeUsernameInput{Username: "lovelace", With: pool.Password{Value: right}, Caller: caller}
	},
	"AddAuthenticator": func(*kit, *pool.Done, string) any {
		return pool.AddAuthenticatorInput{With: pool.Password{Value: right}, Caller: caller}
	},
	"AddCodes": func(*kit, *pool.Done, string) any {
		return pool.AddCodesInput{By: mfa.KindEmail, With: pool.Password{Value: right}, Caller: caller}
	},
	"ConfirmCodes": func(k *kit, d *pool.Done, _ string) any {
		need, err := k.account(d).AddCodes(k.t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
		if err != nil {
			k.t.Fatal(err)
		}
		return pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: need.Ticket, Code: k.factorCode(ada), Caller: caller}
	},
	"RemoveCodes": func(k *kit, d *pool.Done, _ string) any {
		k.withCodes(d)
		return pool.RemoveCodesInput{By: mfa.KindEmail, With: pool.Password{Value: right}, Caller: caller}
	},
	"ConfirmAuthenticator": func(k *kit, d *pool.Done, _ string) any {
		setup := k.addApp(d)
		return pool.ConfirmAuthenticatorInput{Ticket: setup.Ticket, Code: setup.Seed.Code(k.clock.Now()), Name: "phone", Caller: caller}
	},
	"RenameAuthenticator": func(k *kit, d *pool.Done, _ string) any {
		k.withApp(d)
		return pool.RenameAuthenticatorInput{ID: k.user(ada).Factors.Apps[0].ID, Name: "phone", With: pool.Password{Value: right}, Caller: caller}
	},
	"RemoveAuthenticator": func(k *kit, d *pool.Done, _ string) any {
		k.withApp(d)
		return pool.RemoveAuthenticatorInput{ID: k.user(ada).Factors.Apps[0].ID, With: pool.Password{Value: right}, Caller: caller}
	},
	"PreferFactor": func(k *kit, d *pool.Done, _ string) any {
		k.withApp(d)
		return pool.PreferFactorInput{Kind: mfa.KindTOTP, With: pool.Password{Value: right}, Caller: caller}
	},
	"MakeRecoveryCodes": func(k *kit, d *pool.Done, _ string) any {
		k.withApp(d)
		return pool.MakeRecoveryCodesInput{With: pool.Password{Value: right}, Caller: caller}
	},
	"CancelChange": func(k *kit, d *pool.Done, _ string) any {
		k.changed(d, ada2, 1)
		return pool.CancelInput{Link: k.undo(ada, 2), Caller: caller}
	},
	"Delete": func(*kit, *pool.Done, string) any {
		return pool.DeleteInput{With: pool.Password{Value: right}, Caller: caller}
	},
	"Admin.CreateUser": func(*kit, *pool.Done, string) any {
		return pool.CreateUserInput{Username: "eve@example.com", EmailVerified: true, Password: right, Attributes: user.Attributes{"name": "Eve"}}
	},
	"Admin.ResendInvitation": func(k *kit, _ *pool.Done, _ string) any {
		return pool.ResendInvitationInput{ID: k.invited("ida@example.com"), Password: another}
	},
	"Admin.ConfirmSignUp": func(k *kit, _ *pool.Done, _ string) any {
		return pool.ConfirmUserInput{ID: k.user("bob@example.com").ID, EmailVerified: true}
	},
	"Admin.SetPassword": func(k *kit, _ *pool.Done, _ string) any {
		return pool.SetPasswordInput{ID: k.user(ada).ID, Password: another}
	},
	"Admin.UpdateAttributes": func(k *kit, _ *pool.Done, _ string) any {
		return pool.UpdateAttributesInput{ID: k.user(ada).ID, Attributes: user.Attributes{"name": "Ada"}}
	},
	"Admin.AddClientSecret": func(*kit, *pool.Done, string) any {
		return pool.AddClientSecretInput{Client: "default", Secret: password.New(strings.Repeat("secret", 7))}
	},
	"Admin.ResetPassword": func(k *kit, _ *pool.Done, _ string) any {
		return pool.RequireResetInput{ID: k.user(ada).ID, Client: "default"}
	},
	"Admin.Impersonate": func(k *kit, _ *pool.Done, _ string) any {
		return pool.ImpersonateInput{ID: k.user(ada).ID, Reason: "ticket 4711", Client: "default"}
	},
}

// methodName names a method; those of an administrator have names of their own.
func methodName(m reflect.Method) string {
	if m.Type.In(0) == reflect.TypeFor[*pool.Admin]() {
		return "Admin." + m.Name
	}
	return m.Name
}

var caller = pool.Caller{IP: netip.MustParseAddr("192.0.2.1"), UserAgent: "test", Locale: "en"}

// hostile are values that no text of an input may have, whatever it is for. An empty client means
// the only one, and an empty attribute none.
var hostile = map[string]string{
	"empty": "", "1 MB": strings.Repeat("a", 1<<20), "not UTF-8": "\xff\xfe", "NUL": "a\x00b", "line break": "a\r\nb",
}

// Whatever a visitor puts into any text of any input: a typed error, or the answer that it always
// gives where the text is nobody's business; at once, and nothing is written but that somebody
// guessed.
func TestHostileInput(t *testing.T) {
	t.Parallel()
	for _, typ := range []reflect.Type{reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account](), reflect.TypeFor[*pool.Admin]()} {
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			if m.Type.NumIn() != 3 || !strings.HasSuffix(m.Type.In(2).Name(), "Input") {
				continue
			}
			if inputs[methodName(m)] == nil {
				t.Errorf("%s has no input here: add one that would pass", methodName(m))
				continue
			}
			for _, field := range texts(m.Type.In(2), nil) {
				for name, value := range hostile {
					t.Run(strings.Join([]string{methodName(m), pathName(m.Type.In(2), field), name}, "/"), func(t *testing.T) {
						t.Parallel()
						tryHostile(t, m, field, value)
					})
				}
			}
		}
	}
}

// needs are what a pool has to be like for the input of a method to pass.
var needs = map[string]func(*pool.Config){
	"ConfirmLink": byLink, "ChangeUsername": renaming, "CancelChange": restores, "AddPasskey": passkeys, "ConfirmPasskey": passkeys,
	"RenamePasskey": passkeys, "RemovePasskey": passkeys, "AskForPasskey": passkeys,
	"AddCodes": bySentCodes, "ConfirmCodes": bySentCodes, "RemoveCodes": bySentCodes,
}

// openFor opens a pool on which the input of a method passes.
func openFor(t *testing.T, m reflect.Method, change ...func(*pool.Config)) *kit {
	if need := needs[m.Name]; need != nil {
		change = append([]func(*pool.Config){need}, change...)
	}
	return open(t, change...)
}

func tryHostile(t *testing.T, m reflect.Method, field []int, value string) {
	k := openFor(t, m)
	k.confirmed(ada)
	d, bob := k.done(ada), k.signUp("bob@example.com")
	in := reflect.New(m.Type.In(2)).Elem()
	in.Set(reflect.ValueOf(inputs[methodName(m)](k, d, bob)))
	set(in.FieldByIndex(field), value)
	k.store.reset()

	err := call(t.Context(), k, d, m, in)
	_, commits := k.store.counted()
	if inCaller := in.Type().Field(field[0]).Name == "Caller"; inCaller || err == nil {
		if err != nil || !inCaller && !harmless(in, field, value) {
			t.Errorf("= %v, which is not what it should be", err)
		}
		return
	}
	if !typed(err) || len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x00") || !utf8.ValidString(err.Error()) {
		t.Errorf("= %.300q, want a typed error that does not repeat the input", err)
	}
	for kind := range kinds(commits) {
		if kind != "Count" && kind != "PutRecord*storage.Event" && kind != "commits" {
			t.Errorf("= %v after %s", err, kind)
		}
	}
}

// texts returns the paths to all texts of an input; those that a map holds are reached as it is.
func texts(t reflect.Type, at []int) (paths [][]int) {
	for i := range t.NumField() {
		path := append(at[:len(at):len(at)], i)
		switch f := t.Field(i); f.Type {
		case reflect.TypeFor[string](), reflect.TypeFor[[]byte](), reflect.TypeFor[user.ID](), reflect.TypeFor[message.Channel](), reflect.TypeFor[password.Secret](), reflect.TypeFor[token.Secret](),
			reflect.TypeFor[user.Attributes](), reflect.TypeFor[map[string]string](), reflect.TypeFor[pool.Response]():
			paths = append(paths, path)
		case reflect.TypeFor[pool.Caller](), reflect.TypeFor[pool.PasskeyAttestation]():
			paths = append(paths, texts(f.Type, path)...)
		}
	}
	return paths
}

func pathName(t reflect.Type, path []int) string { return t.FieldByIndex(path).Name }

func set(f reflect.Value, value string) {
	switch old := f.Interface().(type) {
	case []byte:
		f.SetBytes([]byte(value))
	case string, user.ID, message.Channel:
		f.SetString(value)
	case password.Secret:
		f.Set(reflect.ValueOf(password.New(value)))
	case token.Secret:
		f.Set(reflect.ValueOf(token.NewSecret(value)))
	case user.Attributes:
		f.Set(reflect.ValueOf(user.Attributes{"name": value}))
	case map[string]string:
		f.Set(reflect.ValueOf(map[string]string{"key": value}))
	case pool.Password:
		f.Set(reflect.ValueOf(pool.Password{Value: password.New(value)}))
	case pool.Code:
		f.Set(reflect.ValueOf(pool.Code{Value: value}))
	default:
		panic(fmt.Sprintf("no hostile %T", old))
	}
}

// call calls a method of the pool, or of ada's account.
func call(ctx context.Context, k *kit, d *pool.Done, m reflect.Method, in reflect.Value) error {
	receiver := reflect.ValueOf(k.Pool)
	if m.Type.In(0) == reflect.TypeFor[*pool.Account]() {
		a, err := k.Account(ctx, d.Tokens.Access)
		if err != nil {
			return err
		}
		receiver = reflect.ValueOf(a)
	}
	if m.Type.In(0) == reflect.TypeFor[*pool.Admin]() {
		receiver = reflect.ValueOf(k.admin())
	}
	out := m.Func.Call([]reflect.Value{receiver, reflect.ValueOf(ctx), in})
	err, _ := out[len(out)-1].Interface().(error)
	return err
}

// harmless tells whether a value is one that a field may have.
func harmless(in reflect.Value, field []int, value string) bool {
	switch in.Type().FieldByIndex(field).Name {
	case "Client", "Channel", "ACR":
		return value == ""
	case "ClientSecret": // of the public client that all of them are for
		return value == ""
	case "Locale": // of a message: whatever it is, there are words for it
		return true
	case "Password": // an administrator who gives none has one made
		return value == "" && (in.Type() == reflect.TypeFor[pool.CreateUserInput]() || in.Type() == reflect.TypeFor[pool.ResendInvitationInput]())
	case "Username": // one that is preferred may go
		return value == "" && in.Type() == reflect.TypeFor[pool.ChangeUsernameInput]()
	case "Name": // a factor needs none
		return value == ""
	case "Ticket": // a link may be opened without one
		return value == "" && in.Type() == reflect.TypeFor[pool.LinkInput]()
	case "Attributes", "Metadata":
		return value == "" || value == hostile["line break"]
	}
	return false
}

// typed tells whether an error is one that a caller can act on.
func typed(err error) bool {
	for _, class := range []error{
		pool.ErrInvalid, pool.ErrNotAuthorized, pool.ErrBadCode, pool.ErrTicketGone, pool.ErrWrongStep, pool.ErrUnknownClient, pool.ErrNotFound,
	} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

// A login in other letters is the same login where they are the same letters, and nobody's where
// they only look so (CVE class 59).
func TestSpellingsOfALogin(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for login, want := range map[string]error{
		"ADA@example.com": nil, "Ada@EXAMPLE.COM": nil,
		"аda@example.com": pool.ErrInvalid, "ada@exаmple.com": pool.ErrInvalid, "ada@example.com\u200b": pool.ErrInvalid,
		"ａda@example.com": pool.ErrInvalid, "ada@example.com.": pool.ErrInvalid, "ada @example.com": pool.ErrInvalid,
		`"ada"@example.com`: pool.ErrInvalid, "ada@example.com,eve@example.com": pool.ErrInvalid,
		"<ada@example.com>": pool.ErrInvalid, "ada@[192.0.2.1]": pool.ErrInvalid, "ada@\u212a.example": pool.ErrInvalid,
		"a.da@example.com": pool.ErrNotAuthorized, "ada+x@example.com": pool.ErrNotAuthorized,
	} {
		if _, err := k.signIn(login, right); !errors.Is(err, want) {
			t.Errorf("%q = %v, want %v", login, err, want)
		}
	}
}

// What was good for somebody else, before, or at another door is good for nothing.
func TestForeignTicketsAndTokens(t *testing.T) {
	t.Parallel()
	k, other := open(t), open(t, func(c *pool.Config) { c.ID, c.Issuer = "other", "http://localhost:2" })
	for _, in := range []*kit{k, other} {
		in.confirmed(ada)
	}
	d, foreign := k.done(ada), other.done(ada)
	ticket, theirs := k.signUp("bob@example.com"), other.signUp("bob@example.com")
	code := k.code("bob@example.com", 1)
	if err := confirm(k, theirs, code); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("a ticket of another pool = %v", err)
	}
	for name, tok := range map[string]token.Secret{
		"another pool's": foreign.Tokens.Refresh, "access": d.Tokens.Access, "ID": d.Tokens.ID, "a ticket": token.NewSecret(ticket),
		"a device": token.NewSecret(d.Device), "longer": token.NewSecret(d.Tokens.Refresh.Reveal() + "A"),
		"truncated": token.NewSecret(d.Tokens.Refresh.Reveal()[:60]), "other case": token.NewSecret(strings.ToUpper(d.Tokens.Refresh.Reveal())),
	} {
		if _, err := k.Refresh(t.Context(), pool.RefreshInput{Token: tok}); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh with %s token = %v, want ErrNotAuthorized", name, err)
		}
		if err := k.SignOut(t.Context(), pool.SignOutInput{Token: tok}); !errors.Is(err, pool.ErrNotAuthorized) && name != "another pool's" {
			t.Errorf("sign out with %s token = %v, want ErrNotAuthorized", name, err)
		}
	}
	for name, tok := range map[string]token.Secret{
		"another pool's": foreign.Tokens.Access, "a refresh": d.Tokens.Refresh, "an ID": d.Tokens.ID, "a ticket": token.NewSecret(ticket),
	} {
		if _, err := k.Account(t.Context(), tok); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("account of %s token = %v, want ErrNotAuthorized", name, err)
		}
	}
	if err := confirm(k, ticket, code); err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, ticket, code); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the same ticket again = %v, want ErrTicketGone", err)
	}
	if _, err := k.refresh(d); err != nil {
		t.Errorf("after all that the session is over: %v", err)
	}
	k.clock.advance(25 * time.Hour)
	if _, err := k.Account(t.Context(), d.Tokens.Access); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("account of an expired token = %v, want ErrNotAuthorized", err)
	}
}
