package pooltest_test

import (
	"cmp"
	"errors"
	"slices"
	"testing"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/token"
)

// People with second factors sign in by them, and an answer that is no longer good is refused.
func TestSecondFactors(t *testing.T) {
	t.Parallel()
	k := pooltest.New(t, pooltest.WithConfig(pool.Config{Passkeys: passkey.New()}))
	ada := k.Person("ada@example.com", pooltest.TOTP(), pooltest.Passkey())
	level := func() (acr string, amr []string) {
		t.Helper()
		v, err := k.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Verify(t.Context(), ada.Tokens().Access.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		return c.ACR, c.AMR
	}
	if acr, amr := level(); acr != token.AAL2 || !slices.Contains(amr, "otp") {
		t.Errorf("by an app: %q, %q", acr, amr)
	}
	ada.SignInByPasskey()
	if acr, amr := level(); acr != token.AAL2 || slices.Contains(amr, "pwd") {
		t.Errorf("by a passkey: %q, %q", acr, amr)
	}
	step, err := k.SignIn(t.Context(), pool.SignInInput{With: pool.Choice{Kind: mfa.KindPasskey}})
	need, ok := step.(*pool.NeedPasskey)
	if err != nil || !ok {
		t.Fatalf("SignIn = %v, %v", step, err)
	}
	ada.Authenticator().Origin = "https://evil.example"
	answer, err := ada.Authenticator().Get(need.Options)
	if err != nil {
		t.Fatal(err)
	}
	in := pool.RespondInput{Ticket: need.Ticket, With: pool.PasskeyAssertion{JSON: answer}}
	if _, err := k.Respond(t.Context(), in); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("from another origin: %v, want ErrNotAuthorized", err)
	}
}

func TestNobodyHasNothing(t *testing.T) {
	t.Parallel()
	bob := pooltest.New(t).Person("bob@example.com")
	if bob.Code() != "" || bob.Authenticator() != nil {
		t.Error("somebody without factors has some")
	}
}

// Who must have a second factor sets up at the first sign-in what they were ordered with.
func TestWhoMustHaveAFactor(t *testing.T) {
	t.Parallel()
	code := pool.MFASettings{Kinds: []mfa.Kind{mfa.KindEmail, mfa.KindTOTP}}
	for name, c := range map[string]struct {
		settings pool.Settings
		login    string
		options  []pooltest.PersonOption
		acr      string
	}{
		"an app, of several kinds": {
			settings: pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}},
			options:  []pooltest.PersonOption{pooltest.TOTP()}, acr: token.AAL2,
		},
		"an app, the only kind": {
			settings: pool.Settings{MFA: pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindTOTP}}},
			options:  []pooltest.PersonOption{pooltest.TOTP()}, acr: token.AAL2,
		},
		"a passkey": {
			settings: pool.Settings{MFA: pool.MFASettings{Require: mfa.Required}},
			options:  []pooltest.PersonOption{pooltest.Passkey()}, acr: token.AAL2,
		},
		"both, as a member": {
			settings: pool.Settings{Groups: []pool.Group{{Name: "staff", RequireMFA: true}}},
			options:  []pooltest.PersonOption{pooltest.InGroup("staff"), pooltest.Passkey(), pooltest.TOTP()}, acr: token.AAL2,
		},
		"codes by email, through a client": {
			settings: pool.Settings{MFA: code, Clients: []pool.Client{{ID: "bank", RequireMFA: true}}}, acr: token.AAL1,
		},
		"codes by SMS": {
			settings: pool.Settings{
				SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Phone}},
				MFA:    pool.MFASettings{Require: mfa.Required, Kinds: []mfa.Kind{mfa.KindSMS}},
			}, login: "+4915112345678", acr: token.AAL2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := pooltest.New(t, pooltest.WithConfig(pool.Config{Passkeys: passkey.New(), Settings: &c.settings}))
			p := k.Person(cmp.Or(c.login, "ada@example.com"), c.options...)
			v, err := k.Verifier()
			if err != nil {
				t.Fatal(err)
			}
			if claims, err := v.Verify(t.Context(), p.Tokens().Access.Reveal()); err != nil || claims.ACR != c.acr {
				t.Errorf("Verify = %+v, %v, want acr %q", claims, err, c.acr)
			}
		})
	}
}
