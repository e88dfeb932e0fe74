package pool_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// acting returns what an administrator gets who acts as the user of a login.
func (k *kit) acting(login string, browser bool) *pool.Done {
	k.t.Helper()
	done, err := k.admin().Impersonate(k.t.Context(), pool.ImpersonateInput{ID: k.user(login).ID, Reason: "ticket 4711", Browser: browser})
	if err != nil {
		k.t.Fatal(err)
	}
	return done
}

// entered returns the account that tokens or a cookie open.
func (k *kit) entered(d *pool.Done) (*pool.Account, error) {
	if d.Cookie.IsZero() {
		a, err := k.Account(k.t.Context(), d.Tokens.Access)
		if err == nil {
			_, err = a.Get(k.t.Context())
		}
		return a, err
	}
	a, _, err := k.Session(k.t.Context(), d.Cookie)
	return a, err
}

// payload returns what a token says, unchecked.
func payload(text string) []byte {
	body, _ := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	return body
}

// Who acts as a user sees what they see, and says at each turn who it is.
func TestS6_TokensNameTheActor(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		own := k.done(ada)
		k.clock.advance(time.Minute)
		done := k.acting(ada, false)
		if !done.Tokens.Refresh.IsZero() || !done.Cookie.IsZero() || done.Device != "" || done.Tokens.Lifetime != 15*time.Minute {
			t.Errorf("done = %+v", done)
		}
		v, err := k.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Verify(t.Context(), done.Tokens.Access.Reveal())
		if err != nil || c.Actor != "root" || c.Subject != string(k.user(ada).ID) || c.ACR != "" || c.AMR != nil || !c.AuthTime.IsZero() {
			t.Errorf("access token: %+v, %v", c, err)
		}
		for _, text := range []string{done.Tokens.Access.Reveal(), done.Tokens.ID.Reveal()} {
			claims := map[string]any{}
			if err := json.Unmarshal(payload(text), &claims); err != nil {
				t.Fatal(err)
			}
			if act, _ := claims["act"].(map[string]any); act["sub"] != "root" || len(act) != 1 || claims["auth_time"] != nil || claims["acr"] != nil || claims["amr"] != nil {
				t.Errorf("claims %v", claims)
			}
			if exp := time.Unix(int64(claims["exp"].(float64)), 0); exp.After(k.clock.Now().Add(30 * time.Minute)) {
				t.Errorf("it expires at %v", exp)
			}
		}
		a, err := k.entered(done)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Get(t.Context()); err != nil || got.Email != ada || got.Actor != "root" {
			t.Errorf("account = %+v, %v", got, err)
		}
		if got, err := k.account(own).Get(t.Context()); err != nil || got.Actor != "" {
			t.Errorf("the user's own account = %+v, %v", got, err)
		}
		seen, err := k.account(own).Sessions(t.Context())
		if err != nil || !slices.ContainsFunc(seen, func(s pool.Session) bool { return s.Kind == token.Impersonation }) {
			t.Errorf("the user sees %+v, %v", seen, err)
		}
		if e := k.acted(k.user(ada).ID); e.Kind != "impersonate" || e.Outcome != "success" || e.Actor != "root" || e.Reason != "ticket 4711" {
			t.Errorf("event = %+v", e)
		}
		k.clock.advance(time.Second)
		if err := a.UpdateAttributes(t.Context(), pool.ChangeAttributesInput{Attributes: user.Attributes{"name": "Ada"}}); err != nil {
			t.Fatal(err)
		}
		if e := k.acted(k.user(ada).ID); e.Kind != "update_attributes" || e.Actor != "root" {
			t.Errorf("event of what was done = %+v", e)
		}
		k.clock.advance(time.Second)
		if err := a.SignOut(t.Context(), pool.Caller{}); err != nil {
			t.Fatal(err)
		}
		if e := k.acted(k.user(ada).ID); e.Kind != "sign_out" || e.Actor != "root" {
			t.Errorf("event of the end = %+v", e)
		}
		if _, err := k.refresh(own); err != nil {
			t.Errorf("the user's own session = %v", err)
		}
	})
}

// It ends with the time, with the user's sessions, and by either of them.
func TestS6_ImpersonationEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(k *kit, id user.ID, acting *pool.Account) error{
		"time passes":           func(k *kit, _ user.ID, _ *pool.Account) error { k.clock.advance(30 * time.Minute); return nil },
		"the actor signs out":   func(k *kit, _ user.ID, a *pool.Account) error { return a.SignOut(k.t.Context(), pool.Caller{}) },
		"disabled":              func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().Disable(k.t.Context(), id) },
		"signed out everywhere": func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().SignOutEverywhere(k.t.Context(), id) },
		"deleted":               func(k *kit, id user.ID, _ *pool.Account) error { return k.admin().DeleteUser(k.t.Context(), id) },
		"to be reset": func(k *kit, id user.ID, _ *pool.Account) error {
			return second(k.admin().ResetPassword(k.t.Context(), pool.RequireResetInput{ID: id}))
		},
		"the user does, everywhere": func(k *kit, _ user.ID, _ *pool.Account) error {
			return k.account(k.done(ada)).SignOutEverywhere(k.t.Context(), pool.Caller{})
		},
		"the user does, this one": func(k *kit, _ user.ID, _ *pool.Account) error {
			own := k.account(k.done(ada))
			all, err := own.Sessions(k.t.Context())
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(s pool.Session) bool { return s.Kind == token.Impersonation })
			return second(0, own.EndSession(k.t.Context(), pool.EndSessionInput{ID: all[i].ID}))
		},
	} {
		for _, browser := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, browser %v", name, browser), func(t *testing.T) {
				t.Parallel()
				onEach(t, func(t *testing.T, k *kit) {
					k.confirmed(ada)
					done := k.acting(ada, browser)
					a, err := k.entered(done)
					if err != nil {
						t.Fatal(err)
					}
					v, err := k.Verifier()
					if err != nil {
						t.Fatal(err)
					}
					if err := end(k, k.user(ada).ID, a); err != nil {
						t.Fatal(err)
					}
					if _, err := k.entered(done); !errors.Is(err, pool.ErrNotAuthorized) {
						t.Errorf("entered = %v, want ErrNotAuthorized", err)
					}
					if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
						t.Errorf("the account = %v, want ErrNotAuthorized", err)
					}
					if _, err := v.Verify(t.Context(), done.Tokens.Access.Reveal()); !browser && err == nil {
						t.Error("the token still verifies")
					}
				})
			})
		}
	}
}

// Staff stay in no browser for longer than users may.
func TestS6_NoLongerThanUsersStay(t *testing.T) {
	t.Parallel()
	k := open(t, func(c *pool.Config) {
		c.Settings = &pool.Settings{Sessions: pool.SessionSettings{Absolute: 10 * time.Minute, Idle: 10 * time.Minute}}
	})
	k.confirmed(ada)
	done := k.acting(ada, true)
	if want := k.clock.Now().Add(10 * time.Minute); !done.Expires.Equal(want) {
		t.Errorf("it expires at %v, want %v", done.Expires, want)
	}
	k.clock.advance(6 * time.Minute)
	if _, err := k.entered(done); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(4 * time.Minute)
	if _, err := k.entered(done); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("entered = %v, want ErrNotAuthorized", err)
	}
}

// Who is raised meanwhile is nobody's to act as who was above them before, by whatever way it came.
func TestS6_RaisedMeanwhile(t *testing.T) {
	t.Parallel()
	join := func(group string) func(k *kit, id user.ID) error {
		return func(k *kit, id user.ID) error { return k.admin().AddToGroup(k.t.Context(), id, group) }
	}
	for name, tt := range map[string]struct {
		do    func(k *kit, id user.ID) error
		raise bool
	}{
		"into a group of owners":      {join("owners"), true},
		"into one of another role":    {join("delete_users"), true},
		"into one of the same role":   {join("read_users"), false},
		"into one that gives nothing": {join("customers"), false},
		"out of a group":              {func(k *kit, id user.ID) error { return k.admin().RemoveFromGroup(k.t.Context(), id, "read_users") }, false},
		"by what their group gives now": {func(k *kit, _ user.ID) error {
			return k.admin().UpdateGroup(k.t.Context(), pool.Group{Name: "clerks", May: pool.MaySetGroups})
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			k.put(func(s *pool.Settings) {
				s.SignIn.Identifiers, s.Groups = []pool.Identifier{pool.Email}, append(ranks(), pool.Group{Name: "clerks"})
			})
			id := k.member(ada, pool.MayReadUsers)
			if err := k.admin().AddToGroup(t.Context(), id, "clerks"); err != nil {
				t.Fatal(err)
			}
			own := k.done(ada)
			desk := k.admin().Only(pool.MayImpersonate | pool.MayReadUsers)
			var begun []*pool.Done
			for _, browser := range []bool{false, true} {
				done, err := desk.Impersonate(t.Context(), pool.ImpersonateInput{ID: id, Reason: "why not", Browser: browser})
				if err != nil {
					t.Fatal(err)
				}
				if _, err := k.entered(done); err != nil {
					t.Fatal(err)
				}
				begun = append(begun, done)
			}
			if err := tt.do(k, id); err != nil {
				t.Fatal(err)
			}
			for i, done := range begun {
				if _, err := k.entered(done); errors.Is(err, pool.ErrNotAuthorized) != tt.raise || !tt.raise && err != nil {
					t.Errorf("session %d: entered = %v, want it refused: %v", i, err, tt.raise)
				}
			}
			listed, err := k.account(own).Sessions(t.Context())
			if n := len(listed); err != nil || n != 1 && tt.raise || n != 3 && !tt.raise {
				t.Errorf("%d sessions are listed, %v", n, err)
			}
		})
	}
}

// inPerson are the methods of an account, and whether somebody who acts as the user may do it. One
// that is missing here fails TestS6_WhatIsTheUsersOwn.
var inPerson = map[string]struct {
	allowed bool
	call    func(ctx context.Context, a *pool.Account) error
}{
	"Get":      {true, func(ctx context.Context, a *pool.Account) error { return second(a.Get(ctx)) }},
	"Sessions": {true, func(ctx context.Context, a *pool.Account) error { return second(a.Sessions(ctx)) }},
	"Assured":  {true, func(_ context.Context, a *pool.Account) error { return a.Assured("", 0) }}, // no act: TestS6_ActorsAreNotAssured
	"SignOut":  {true, func(ctx context.Context, a *pool.Account) error { return a.SignOut(ctx, pool.Caller{}) }},
	"UpdateAttributes": {true, func(ctx context.Context, a *pool.Account) error {
		return a.UpdateAttributes(ctx, pool.ChangeAttributesInput{Attributes: user.Attributes{"name": "Ada"}})
	}},
	"Factors": {true, func(ctx context.Context, a *pool.Account) error { return second(a.Factors(ctx)) }},
	"AddAuthenticator": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.AddAuthenticator(ctx, pool.AddAuthenticatorInput{With: pool.Password{Value: right}}))
	}},
	"AddCodes": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.AddCodes(ctx, pool.AddCodesInput{By: "email"}))
	}},
	"ConfirmCodes": {false, func(ctx context.Context, a *pool.Account) error {
		ticket := strings.Repeat("A", 64)
		return second(a.ConfirmCodes(ctx, pool.ConfirmCodesInput{By: "email", Ticket: ticket, Code: "123456"}))
	}},
	"RemoveCodes": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.RemoveCodes(ctx, pool.RemoveCodesInput{By: "email"}))
	}},
	"ConfirmAuthenticator": {false, func(ctx context.Context, a *pool.Account) error {
		ticket := strings.Repeat("A", 64) // is looked for after who asks
		return second(a.ConfirmAuthenticator(ctx, pool.ConfirmAuthenticatorInput{Ticket: ticket, Code: "123456"}))
	}},
	"RenameAuthenticator": {false, func(ctx context.Context, a *pool.Account) error {
		return second(0, a.RenameAuthenticator(ctx, pool.RenameAuthenticatorInput{ID: "x", With: pool.Password{Value: right}}))
	}},
	"RemoveAuthenticator": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.RemoveAuthenticator(ctx, pool.RemoveAuthenticatorInput{ID: "x", With: pool.Password{Value: right}}))
	}},
	"PreferFactor": {false, func(ctx context.Context, a *pool.Account) error {
		return a.PreferFactor(ctx, pool.PreferFactorInput{With: pool.Password{Value: right}})
	}},
	"MakeRecoveryCodes": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.MakeRecoveryCodes(ctx, pool.MakeRecoveryCodesInput{With: pool.Password{Value: right}}))
	}},
	"Admin": {false, func(ctx context.Context, a *pool.Account) error { return second(a.Admin().FindUser(ctx, ada)) }},
	"SignOutEverywhere": {false, func(ctx context.Context, a *pool.Account) error {
		return a.SignOutEverywhere(ctx, pool.Caller{})
	}},
	"ChangePassword": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.ChangePassword(ctx, pool.ChangePasswordInput{Old: right, New: another}))
	}},
	"RememberedDevices": {true, func(ctx context.Context, a *pool.Account) error { return second(a.RememberedDevices(ctx)) }},
	"RenameDevice": {false, func(ctx context.Context, a *pool.Account) error {
		return a.RenameDevice(ctx, pool.RenameDeviceInput{ID: "x"})
	}},
	"ForgetDevice": {false, func(ctx context.Context, a *pool.Account) error {
		return a.ForgetDevice(ctx, pool.ForgetDeviceInput{ID: "x"})
	}},
	"StepUp": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.StepUp(ctx, pool.StepUpInput{ACR: token.AAL1}))
	}},
	"ChangeAddress": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.ChangeAddress(ctx, pool.ChangeAddressInput{To: phone, With: pool.Password{Value: right}}))
	}},
	"ResendAddressCode": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.ResendAddressCode(ctx, pool.AddressCodeInput{Channel: message.SMS}))
	}},
	"ConfirmAddress": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.ConfirmAddress(ctx, pool.ConfirmAddressInput{Channel: message.SMS, Code: "12345678"}))
	}},
	"RemoveAddress": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.RemoveAddress(ctx, pool.RemoveAddressInput{Channel: message.Email, With: pool.Password{Value: right}}))
	}},
	"ChangeUsername": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.ChangeUsername(ctx, pool.ChangeUsernameInput{Username: "x", With: pool.Password{Value: right}}))
	}},
	"Export": {false, func(ctx context.Context, a *pool.Account) error {
		return a.Export(ctx, io.Discard, pool.ExportInput{With: pool.Password{Value: right}})
	}},
	"Delete": {false, func(ctx context.Context, a *pool.Account) error {
		return a.Delete(ctx, pool.DeleteInput{With: pool.Password{Value: right}})
	}},
	"EndSession": {false, func(ctx context.Context, a *pool.Account) error {
		all, err := a.Sessions(ctx)
		if err != nil {
			return err
		}
		return second(0, a.EndSession(ctx, pool.EndSessionInput{ID: all[0].ID, With: pool.Password{Value: right}}))
	}},
	"Passkeys": {true, func(ctx context.Context, a *pool.Account) error { return second(a.Passkeys(ctx)) }},
	"AddPasskey": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.AddPasskey(ctx, pool.AddPasskeyInput{With: pool.Password{Value: right}}))
	}},
	"ConfirmPasskey": {false, func(ctx context.Context, a *pool.Account) error {
		in := pool.ConfirmPasskeyInput{Ticket: strings.Repeat("A", 64), Passkey: pool.PasskeyAttestation{JSON: []byte("{}")}}
		return second(a.ConfirmPasskey(ctx, in))
	}},
	"RenamePasskey": {false, func(ctx context.Context, a *pool.Account) error {
		return a.RenamePasskey(ctx, pool.RenamePasskeyInput{ID: "x", Name: "y"})
	}},
	"RemovePasskey": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.RemovePasskey(ctx, pool.RemovePasskeyInput{ID: "x", With: pool.Password{Value: right}}))
	}},
	"AskForPasskey": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.AskForPasskey(ctx, pool.AskForPasskeyInput{On: true, With: pool.Password{Value: right}}))
	}},
	"EndOtherSessions": {false, func(ctx context.Context, a *pool.Account) error {
		return second(a.EndOtherSessions(ctx, pool.EndOtherSessionsInput{With: pool.Password{Value: right}}))
	}},
}

// Credentials, addresses, sessions and all that takes the user in person is refused to who acts as
// them, even with the right password, and even where the user is an administrator.
func TestS6_WhatIsTheUsersOwn(t *testing.T) {
	t.Parallel()
	account := reflect.TypeFor[*pool.Account]()
	for i := range account.NumMethod() {
		name := account.Method(i).Name
		row, ok := inPerson[name]
		if !ok {
			t.Errorf("Account.%s has no row in inPerson: may somebody do it who acts as the user?", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, browser := range []bool{false, true} {
				k := open(t, ranked)
				k.member(ada, pool.MayEverything)
				own := k.done(ada)
				a, err := k.entered(k.acting(ada, browser))
				if err != nil {
					t.Fatal(err)
				}
				before := k.user(ada).Version
				err = row.call(t.Context(), a)
				if row.allowed != (err == nil) || !row.allowed && !errors.Is(err, pool.ErrForbidden) {
					t.Errorf("browser %v: %v, want it allowed: %v", browser, err, row.allowed)
				}
				if !row.allowed && k.user(ada).Version != before {
					t.Errorf("browser %v: the user changed", browser)
				}
				if _, err := k.refresh(own); err != nil {
					t.Errorf("browser %v: the user's own session = %v", browser, err)
				}
			}
		})
	}
}

// What they wanted and may not do stands in the history, as theirs and not as the user's.
func TestS6_WhatIsForbiddenIsTold(t *testing.T) {
	t.Parallel()
	k := open(t, ranked)
	k.member(ada, pool.MayEverything)
	wanted := 0
	for _, browser := range []bool{false, true} {
		a, err := k.entered(k.acting(ada, browser))
		if err != nil {
			t.Fatal(err)
		}
		for name, row := range inPerson {
			if row.allowed {
				continue
			}
			wanted++
			if err := row.call(t.Context(), a); !errors.Is(err, pool.ErrForbidden) {
				t.Errorf("%s = %v, want ErrForbidden", name, err)
			}
		}
	}
	k.clock.advance(2 * time.Minute)
	waitFor(t, func() bool { _, n := k.told("role"); return n >= wanted })
	events, n := k.told("role")
	if n != wanted {
		t.Errorf("%d refusals are told, want %d", n, wanted)
	}
	for _, e := range events {
		if about := e.User == k.user(ada).ID || e.Kind == "read"; !about || e.Actor != "root" || e.Outcome != "refused" {
			t.Errorf("told %+v", e)
		}
	}
}

// Who cannot sign in is not impersonated, nor is anybody by a malformed wish, and then nothing is
// written.
func TestS6_NobodyActsAs(t *testing.T) {
	t.Parallel()
	type input = pool.ImpersonateInput
	for name, tt := range map[string]struct {
		who  func(k *kit)
		in   input
		want error
	}{
		"a sign-up":            {func(k *kit) { k.signUp(ada) }, input{}, pool.ErrNotAllowed},
		"one who was invited":  {func(k *kit) { k.invited(ada) }, input{}, pool.ErrNotAllowed},
		"one to be reset":      {func(k *kit) { statuses[user.ResetRequired](k, ada) }, input{}, pool.ErrNotAllowed},
		"one from elsewhere":   {func(k *kit) { statuses[user.External](k, ada) }, input{}, pool.ErrNotAllowed},
		"one who is disabled":  {func(k *kit) { k.confirmed(ada); k.disable(ada) }, input{}, pool.ErrNotAllowed},
		"nobody":               {nil, input{ID: "nobody"}, pool.ErrNotFound},
		"no id":                {nil, input{ID: "\xff"}, pool.ErrNotFound},
		"without a reason":     {nil, input{Reason: "-"}, pool.ErrInvalid},
		"for a long reason":    {nil, input{Reason: strings.Repeat("x", 257)}, pool.ErrInvalid},
		"for two lines":        {nil, input{Reason: "a\nb"}, pool.ErrInvalid},
		"for no text":          {nil, input{Reason: "\xff"}, pool.ErrInvalid},
		"for 31 minutes":       {nil, input{Lifetime: 31 * time.Minute}, pool.ErrInvalid},
		"for a second":         {nil, input{Lifetime: time.Second}, pool.ErrInvalid},
		"for less than none":   {nil, input{Lifetime: -time.Hour}, pool.ErrInvalid},
		"with much metadata":   {nil, input{Metadata: map[string]string{"x": strings.Repeat("x", 5000)}}, pool.ErrInvalid},
		"for a strange client": {func(k *kit) { k.confirmed(ada) }, input{Client: "x"}, pool.ErrUnknownClient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			in := tt.in
			if tt.who != nil {
				tt.who(k)
				in.ID = k.user(ada).ID
			} else if in.ID == "" {
				k.confirmed(ada)
				in.ID = k.user(ada).ID
			}
			switch in.Reason {
			case "":
				in.Reason = "why not"
			case "-":
				in.Reason = ""
			}
			for _, browser := range []bool{false, true} {
				in.Browser = browser
				k.store.reset()
				if done, err := k.admin().Impersonate(t.Context(), in); !errors.Is(err, tt.want) || done != nil {
					t.Errorf("= %v, %v, want %v", done, err, tt.want)
				}
				if _, commits := k.store.counted(); len(commits) > 0 {
					t.Errorf("%d commits", len(commits))
				}
			}
		})
	}
}

// A user who is an administrator acts as nobody until they have signed in by two factors, and never
// as their like; the program's staff never as theirs.
func TestS6_ActorsAreStrongAndAbove(t *testing.T) {
	t.Parallel()
	k := open(t, ranked)
	plain, peer := k.member(ada, 0), k.member("peer", pool.MayImpersonate)
	owner := k.staff("owner", pool.MayEverything)
	wish := func(id user.ID) pool.ImpersonateInput { return pool.ImpersonateInput{ID: id, Reason: "why not"} }
	if _, err := owner.Impersonate(t.Context(), wish(plain)); !errors.Is(err, pool.ErrForbidden) || !strings.Contains(err.Error(), "two factors") {
		t.Errorf("by one factor = %v, want ErrForbidden", err)
	}
	for name, tt := range map[string]struct {
		a    *pool.Admin
		as   user.ID
		want error
	}{
		"staff as a user":       {k.admin().Only(pool.MayImpersonate), plain, nil},
		"staff as their like":   {k.admin().Only(pool.MayImpersonate), peer, pool.ErrForbidden},
		"staff of all as owner": {k.admin().Only(pool.MayEverything), k.user("owner").ID, pool.ErrForbidden},
		"staff as less":         {k.admin().Only(pool.MayEverything), peer, nil},
		"staff of other things": {k.admin().Only(pool.MayEverything &^ pool.MayImpersonate), plain, pool.ErrForbidden},
		"the program as owner":  {k.admin(), k.user("owner").ID, nil},
	} {
		if _, err := tt.a.Impersonate(t.Context(), wish(tt.as)); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", name, err, tt.want)
		}
	}
}

// The user is told, by mail or else by SMS, unless the pool says otherwise.
func TestS6_TheUserIsTold(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.acting(ada, false)
	if m := k.mails(ada, 2)[1]; m.Kind != message.Impersonated || strings.Contains(m.Text, "4711") {
		t.Errorf("told %+v", m)
	}
	silent := open(t, func(c *pool.Config) {
		c.Settings = &pool.Settings{Impersonation: pool.ImpersonationSettings{InsecureSilent: true}}
	})
	silent.confirmed(ada)
	silent.store.keepMail(true)
	silent.acting(ada, true)
	due, err := silent.store.Due(t.Context(), nil, -1, silent.clock.Now().Add(time.Hour), 10)
	if err != nil || len(due) > 0 {
		t.Errorf("%d messages, %v, want silence", len(due), err)
	}
}

// PreTokenGeneration is told who acts, may refuse it, and cannot hide it.
func TestS6_HooksSeeTheActor(t *testing.T) {
	t.Parallel()
	errNo := errors.New("no")
	var told []hook.PreTokenGeneration
	deny := false
	k := open(t, func(c *pool.Config) {
		c.Hooks.PreTokenGeneration = func(_ context.Context, e hook.PreTokenGeneration) (hook.PreTokenGenerationAnswer, error) {
			told = append(told, e)
			if deny {
				return hook.PreTokenGenerationAnswer{}, errNo
			}
			return hook.PreTokenGenerationAnswer{Access: hook.Claims{Add: map[string]any{"plan": "pro"}}}, nil
		}
	})
	k.confirmed(ada)
	k.done(ada)
	done := k.acting(ada, false)
	if len(told) != 2 || told[0].Actor != "" || told[1].Actor != "root" || told[1].Source != hook.Impersonation {
		t.Errorf("told %+v", told)
	}
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if c, err := v.Verify(t.Context(), done.Tokens.Access.Reveal()); err != nil || c.Actor != "root" || c.Attributes["plan"] != "pro" {
		t.Errorf("claims %+v, %v", c, err)
	}
	deny = true
	k.clock.advance(time.Second)
	in := pool.ImpersonateInput{ID: k.user(ada).ID, Reason: "why not"}
	if _, err := k.admin().Impersonate(t.Context(), in); !errors.Is(err, errNo) {
		t.Errorf("= %v, want the hook's error", err)
	}
	if e := k.acted(in.ID); e.Kind != "impersonate" || e.Outcome != "refused" || e.Actor != "root" {
		t.Errorf("event = %+v", e)
	}
}

// What happens to the user meanwhile counts: nobody acts as somebody who was shut out just now.
func TestS6_ImpersonationMeanwhile(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		id := k.user(ada).ID
		k.store.meanwhile(func() {
			if err := k.admin().Disable(t.Context(), id); err != nil {
				t.Error(err)
			}
		})
		if done, err := k.admin().Impersonate(t.Context(), pool.ImpersonateInput{ID: id, Reason: "why not"}); !errors.Is(err, pool.ErrNotAllowed) || done != nil {
			t.Errorf("= %v, %v, want ErrNotAllowed", done, err)
		}
	})
}
