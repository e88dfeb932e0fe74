package pool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// writable is all that visitors and account owners can write: every field of every input of their
// faces. Who adds one says here that it may be theirs to write, and has seen to what they could put
// there.
var writable = map[reflect.Type]string{
	reflect.TypeFor[pool.SignUpInput]():               "Client ClientSecret Username Password Attributes Metadata Caller",
	reflect.TypeFor[pool.CodeInput]():                 "ClientSecret Ticket Code Metadata Caller",
	reflect.TypeFor[pool.LinkInput]():                 "Link ClientSecret Ticket Metadata Caller",
	reflect.TypeFor[pool.ResendInput]():               "ClientSecret Ticket Metadata Caller",
	reflect.TypeFor[pool.SignInInput]():               "Client ClientSecret Username With Metadata Caller",
	reflect.TypeFor[pool.RespondInput]():              "ClientSecret Ticket With Remember Metadata Caller",
	reflect.TypeFor[pool.ForgotPasswordInput]():       "Client ClientSecret Username Metadata Caller",
	reflect.TypeFor[pool.ForgotUsernameInput]():       "Client ClientSecret Address Metadata Caller",
	reflect.TypeFor[pool.ResetPasswordInput]():        "ClientSecret Ticket Code Password Metadata Caller",
	reflect.TypeFor[pool.RefreshInput]():              "Client ClientSecret Token Metadata Caller",
	reflect.TypeFor[pool.SignOutInput]():              "Client ClientSecret Token Caller",
	reflect.TypeFor[pool.ChangePasswordInput]():       "Old New Caller",
	reflect.TypeFor[pool.RenameDeviceInput]():         "ID Name Caller",
	reflect.TypeFor[pool.ForgetDeviceInput]():         "ID Caller",
	reflect.TypeFor[pool.StepUpInput]():               "ACR MaxAge Metadata Caller",
	reflect.TypeFor[pool.ChangeAttributesInput]():     "Attributes Caller",
	reflect.TypeFor[pool.EndSessionInput]():           "ID With Caller",
	reflect.TypeFor[pool.EndOtherSessionsInput]():     "With Caller",
	reflect.TypeFor[pool.DeleteInput]():               "With Caller",
	reflect.TypeFor[pool.CancelInput]():               "Link Caller",
	reflect.TypeFor[pool.ChangeAddressInput]():        "To With Metadata Caller",
	reflect.TypeFor[pool.ChangeUsernameInput]():       "Username With Caller",
	reflect.TypeFor[pool.ConfirmAddressInput]():       "Channel Code Metadata Caller",
	reflect.TypeFor[pool.ExportInput]():               "With Caller",
	reflect.TypeFor[pool.RemoveAddressInput]():        "Channel With Caller",
	reflect.TypeFor[pool.AddressCodeInput]():          "Channel Metadata Caller",
	reflect.TypeFor[pool.AddCodesInput]():             "By With Metadata Caller",
	reflect.TypeFor[pool.ConfirmCodesInput]():         "By Ticket Code Caller",
	reflect.TypeFor[pool.RemoveCodesInput]():          "By With Caller",
	reflect.TypeFor[pool.AddAuthenticatorInput]():     "With Caller",
	reflect.TypeFor[pool.ConfirmAuthenticatorInput](): "Ticket Code Name Caller",
	reflect.TypeFor[pool.RenameAuthenticatorInput]():  "ID Name With Caller",
	reflect.TypeFor[pool.RemoveAuthenticatorInput]():  "ID With Caller",
	reflect.TypeFor[pool.PreferFactorInput]():         "Kind With Caller",
	reflect.TypeFor[pool.MakeRecoveryCodesInput]():    "With Caller",
	reflect.TypeFor[pool.AddPasskeyInput]():           "With Caller",
	reflect.TypeFor[pool.ConfirmPasskeyInput]():       "Ticket Passkey Caller",
	reflect.TypeFor[pool.RenamePasskeyInput]():        "ID Name With Caller",
	reflect.TypeFor[pool.RemovePasskeyInput]():        "ID With Caller",
	reflect.TypeFor[pool.AskForPasskeyInput]():        "On With Caller",
}

// CVE class 44: a visitor writes what is listed, and a body that is decoded into an input does not
// say who calls, nor which program.
func TestCVE44_WritableFieldsAreListed(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	for _, face := range []reflect.Type{reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account]()} {
		for m := range face.Methods() {
			for in := range m.Type.Ins() {
				if in.Kind() != reflect.Struct || !strings.HasSuffix(in.Name(), "Input") || seen[in] {
					continue
				}
				seen[in] = true
				var fields []string
				for f := range in.Fields() {
					fields = append(fields, f.Name)
					program := f.Type == reflect.TypeFor[pool.Caller]() || f.Name == "ClientSecret"
					if program && f.Tag.Get("json") != "-" {
						t.Errorf("%s.%s is decoded from a body: tag it json:\"-\"", in.Name(), f.Name)
					}
				}
				if got := strings.Join(fields, " "); got != writable[in] {
					t.Errorf("%s of %s.%s writes %q, listed is %q", in.Name(), face.Elem().Name(), m.Name, got, writable[in])
				}
			}
		}
	}
	for in := range writable {
		if !seen[in] {
			t.Errorf("%s is listed, and nothing takes it", in.Name())
		}
	}
}

// What is not theirs visitors and account owners cannot set as an attribute either.
func TestCVE44_AttributesOfThePoolsOwn(t *testing.T) {
	t.Parallel()
	k := open(t, schema(user.Attribute{Name: "custom:role", AdminOnly: true}, user.Attribute{Name: "name"}))
	k.confirmed(ada)
	a, before := k.account(k.done(ada)), k.user(ada)
	for _, name := range []string{
		"custom:role", "email", "email_verified", "phone_number_verified", "sub", "iss", "id", "status", "groups", "roles",
		"cognito:groups", "cognito:user_status", "cognito:username", "identities", "Email_Verified", "EMAIL", "custom:Role",
		"custom:role ", " custom:role", "custom:role\x00", "",
	} {
		as := user.Attributes{"name": "Ada", name: "eve@example.com"}
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "new@example.com", Password: right, Attributes: as})
		if !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("sign-up with %q = %v, want ErrInvalid", name, err)
		}
		if err := a.UpdateAttributes(t.Context(), pool.ChangeAttributesInput{Attributes: as}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("update of %q = %v, want ErrInvalid", name, err)
		}
	}
	if after := k.user(ada); after.Version != before.Version {
		t.Errorf("the user is %+v, was %+v", after, before)
	}
	if k.user("new@example.com") != nil {
		t.Error("a sign-up was stored")
	}
	body := `{"username":"new@example.com","caller":{"ip":"192.0.2.1","browser":true},"Caller":{"IP":"192.0.2.1"},"id":"x","status":"confirmed"}`
	var in pool.SignUpInput
	if err := json.Unmarshal([]byte(body), &in); err != nil || in.Caller != (pool.Caller{}) {
		t.Errorf("the body says who calls: %+v, %v", in.Caller, err)
	}
}

// kept are types whose values say what is to stay in the pool: records as they are stored, and
// passwords in any form.
var kept = []reflect.Type{
	reflect.TypeFor[user.User](), reflect.TypeFor[user.Password](), reflect.TypeFor[user.Past](),
	reflect.TypeFor[token.Session](), reflect.TypeFor[password.Hash](), reflect.TypeFor[password.Secret](),
	reflect.TypeFor[storage.Ticket](), reflect.TypeFor[storage.Document](), reflect.TypeFor[storage.Outgoing](),
	reflect.TypeFor[storage.Counter](), reflect.TypeFor[storage.Event](),
}

// CVE class 62: nothing that a face gives back, to an administrator or anybody else, has room for a
// password, a hash or a record of the store.
func TestCVE62_NoFaceGivesSecrets(t *testing.T) {
	t.Parallel()
	faces := []reflect.Type{
		reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account](), reflect.TypeFor[*pool.Admin](), reflect.TypeFor[*pool.Directory](),
		reflect.TypeFor[*pool.App](),
	}
	seen := map[reflect.Type]bool{}
	for _, face := range faces {
		for m := range face.Methods() {
			for out := range m.Type.Outs() {
				if !slices.Contains(faces, out) {
					gives(t, face.Elem().Name()+"."+m.Name, out, seen)
				}
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

// once are secrets that are made for whoever asks, and shown to nobody again.
var once = []string{"Admin.AddClientSecret.Value"}

// gives looks through all that a type has room for.
func gives(t *testing.T, where string, out reflect.Type, seen map[reflect.Type]bool) {
	t.Helper()
	if slices.Contains(kept, out) && !slices.Contains(once, where) {
		t.Errorf("%s gives a %s", where, out)
	}
	if seen[out] {
		return
	}
	seen[out] = true
	switch out.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		gives(t, where, out.Elem(), seen)
	case reflect.Map:
		gives(t, where, out.Key(), seen)
		gives(t, where, out.Elem(), seen)
	case reflect.Struct:
		for f := range out.Fields() {
			if f.IsExported() {
				gives(t, where+"."+f.Name, f.Type, seen)
			}
		}
	default:
	}
}

// Nor does what they give hold one as a text.
func TestCVE62_AdministratorsSeeNoSecrets(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.invited("ida@example.com")
	ticket := k.signUp("eve@example.com")
	code := k.code("eve@example.com", 1)
	d := k.done(ada)
	reset := k.forgot(ada)
	a := k.admin()
	var seen strings.Builder
	see := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&seen, "%s\n%+v\n", text, v)
	}
	for _, login := range []string{ada, "ida@example.com", "eve@example.com"} {
		found, err := a.FindUser(t.Context(), login)
		see(found, err)
		got, err := a.GetUser(t.Context(), found.ID)
		see(got, err)
	}
	users, err := a.ListUsers(t.Context(), pool.UserQuery{})
	see(users, err)
	events, err := k.ListEvents(t.Context(), pool.EventQuery{})
	see(events, err)
	settings, _, err := a.Settings(t.Context())
	see(settings, err)
	sessions, err := k.account(d).Sessions(t.Context())
	see(sessions, err)
	secrets := map[string]string{
		"password": right.Reveal(), "ticket": ticket, "code": `"` + code + `"`, "ticket of a reset": reset,
		"refresh token": d.Tokens.Refresh.Reveal(), "access token": d.Tokens.Access.Reveal(), "PHC string": "argon2",
	}
	if stored := k.user(ada).Password; stored != nil {
		secrets["salt"] = stored.Hash[strings.LastIndex(stored.Hash, "$")+1:]
	}
	for what, secret := range secrets {
		if strings.Contains(seen.String(), secret) {
			t.Errorf("%s is shown", what)
		}
	}
	if !strings.Contains(seen.String(), ada) {
		t.Error("nothing was looked at")
	}
}

// CVE class 63: where sign-up is closed nobody joins by themselves: not by a hook that vouches for
// them, not by a sign-up that others began, and not once it was closed meanwhile. An administrator
// makes users all the same.
func TestCVE63_ClosedSignUp(t *testing.T) {
	t.Parallel()
	closed := func(c *pool.Config) { c.Settings = &pool.Settings{SignUp: pool.SignUpSettings{Closed: true}} }
	for name, hooks := range map[string]hook.Set{"no hook": {}, "a hook that vouches": {PreSignUp: vouch}} {
		k := open(t, closed, with(hooks))
		k.invited("eve@example.com")
		for _, login := range []string{ada, "eve@example.com"} {
			k.store.reset()
			hashed := k.Hashes()
			_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right})
			if !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("%s: SignUp(%s) = %v, want ErrNotAuthorized", name, login, err)
			}
			if _, commits := k.store.counted(); len(commits) != 0 || k.Hashes() != hashed {
				t.Errorf("%s: a sign-up that is refused cost work: %v", name, commits)
			}
		}
		if k.user(ada) != nil {
			t.Errorf("%s: a closed pool stored a sign-up", name)
		}
		if _, err := pool.Finished(k.signIn(ada, right)); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s: sign-in = %v, want ErrNotAuthorized", name, err)
		}
	}
	k := open(t)
	ticket := k.signUp("ida@example.com")
	code := k.code("ida@example.com", 1)
	k.put(func(s *pool.Settings) { s.SignUp.Closed = true })
	if err := confirm(k, ticket, code); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("closed meanwhile: confirmed = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("closed meanwhile: SignUp = %v, want ErrNotAuthorized", err)
	}
}
