package pool_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/user"
)

// signUpCheck is one that a sign-up makes. Cognito is what it says there, where that is something else.
type signUpCheck struct {
	name    string
	change  func(k *kit, in *pool.SignUpInput) // puts right what the check before has refused
	want    error
	cognito string
}

// The checks of a sign-up in their order: each input is also wrong in every way that is checked later.
// That order is Cognito's (cognito.md A.1), but that what is malformed is told first and all at once,
// since it says nothing of anybody, and that what a visitor may do is bounded.
func TestOrderOfSignUp(t *testing.T) {
	t.Parallel()
	var deny bool
	k := open(t, named, apps(server, pool.Client{ID: "web"}), with(hook.Set{
		PreSignUp: func(context.Context, hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			if deny {
				return hook.PreSignUpAnswer{}, errStaff
			}
			return hook.PreSignUpAnswer{}, nil
		},
	}))
	secret := k.secret("server")
	k.made("ada", true, false)
	deny = true
	caller := from(1)
	for range 100 { // the network has had enough
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Client: "web", Username: "ADA", Password: right, Attributes: user.Attributes{"email": "eve@example.com"}, Caller: caller})
		if !errors.Is(err, pool.ErrLoginTaken) {
			t.Fatal(err)
		}
	}
	in := pool.SignUpInput{
		Client: "none", ClientSecret: password.New("another-secret-of-32-characters!"), Username: "a b", Password: password.New("short"),
		Attributes: user.Attributes{"custom:unknown": "x"}, Caller: caller,
	}
	for _, c := range []signUpCheck{
		{"form", nil, pool.ErrInvalid, "client, closed, user name, attributes and password one after the other"},
		{"client", func(_ *kit, in *pool.SignUpInput) {
			in.Username, in.Password, in.Attributes = "ada", right, user.Attributes{"email": ada}
		}, pool.ErrUnknownClient, ""},
		{"client secret", func(_ *kit, in *pool.SignUpInput) { in.Client = "server" }, pool.ErrUnknownClient, "NotAuthorized"},
		{"network", func(_ *kit, in *pool.SignUpInput) { in.ClientSecret = secret }, pool.ErrLimited, "has quotas of accounts alone"},
		{"user name taken", func(_ *kit, in *pool.SignUpInput) { in.Caller = from(2) }, pool.ErrLoginTaken, ""},
		{"PreSignUp", func(_ *kit, in *pool.SignUpInput) { in.Username = "lovelace" }, errStaff, ""},
		{"address taken", func(*kit, *pool.SignUpInput) { deny = false }, nil, "no error in an alias pool, UsernameExists where it is the user name: here nothing tells (T7)"},
		{"all is well", func(_ *kit, in *pool.SignUpInput) { in.Attributes = user.Attributes{"email": "bob@example.com"} }, nil, ""},
	} {
		if c.change != nil {
			c.change(k, &in)
		}
		if _, err := k.SignUp(t.Context(), in); !errors.Is(err, c.want) {
			t.Errorf("%s = %v, want %v (Cognito: %s)", c.name, err, c.want, c.cognito)
		}
	}
	closed := open(t, joining(pool.SignUpSettings{Closed: true}, pool.Username))
	for name, want := range map[string]error{"a b": pool.ErrInvalid, "ada": pool.ErrNotAuthorized} {
		if _, err := closed.signUpAs(name, user.Attributes{"email": ada}); !errors.Is(err, want) {
			t.Errorf("closed, by %q = %v, want %v", name, err, want)
		}
	}
}

// What comes of a ticket and a code, or of a login, by who is behind it. Every deviation from Cognito
// is one of two: what would tell strangers of an account has no error of its own (security.md T7), and
// a ticket stands for the user name.
func TestResultsOfCodes(t *testing.T) {
	t.Parallel()
	begun := func(k *kit) (ticket, code string) {
		ticket = k.signUp(ada)
		return ticket, k.code(ada, 1)
	}
	asked := func(k *kit) (ticket, code string) {
		k.confirmed(ada)
		ticket = k.forgot(ada)
		return ticket, k.code(ada, 2)
	}
	resend := func(k *kit, ticket string) error {
		return second(k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: ticket}))
	}
	forgot := func(k *kit, login string) error {
		return second(k.ForgotPassword(k.t.Context(), pool.ForgotPasswordInput{Username: login}))
	}
	for _, tt := range []struct {
		call, of string
		do       func(k *kit) error
		want     error
		cognito  string
	}{
		{"ConfirmSignUp", "right", func(k *kit) error { ticket, code := begun(k); return confirm(k, ticket, code) }, nil, ""},
		{"ConfirmSignUp", "no ticket, no code", func(k *kit) error { return confirm(k, "", "") }, pool.ErrTicketGone, "UserNotFound, or CodeMismatch"},
		{"ConfirmSignUp", "no code", func(k *kit) error { ticket, _ := begun(k); return confirm(k, ticket, "") }, pool.ErrInvalid, ""},
		{"ConfirmSignUp", "wrong code", func(k *kit) error { ticket, code := begun(k); return confirm(k, ticket, flipDigit(code)) }, pool.ErrBadCode, "CodeMismatch"},
		{"ConfirmSignUp", "expired", func(k *kit) error {
			ticket, code := begun(k)
			k.clock.advance(24 * 3600e9)
			return confirm(k, ticket, code)
		}, pool.ErrTicketGone, "ExpiredCode"},
		{"ConfirmSignUp", "confirmed already", func(k *kit) error {
			ticket, code := begun(k)
			return errors.Join(confirm(k, ticket, code), confirm(k, ticket, code))
		}, pool.ErrTicketGone, "NotAuthorized: current status is CONFIRMED"},
		{"ConfirmSignUp", "proven by another", func(k *kit) error {
			ticket, code := begun(k)
			other := k.signUp(ada)
			return errors.Join(confirm(k, other, k.code(ada, 2)), confirm(k, ticket, code))
		}, pool.ErrLoginTaken, "AliasExists, or with ForceAliasCreation the alias moves: here it stays its owner's"},
		{"ConfirmSignUp", "an owned address", func(k *kit) error {
			k.confirmed(ada)
			res, _ := k.newcomer(ada)
			return confirm(k, res.Ticket, "123456")
		}, pool.ErrBadCode, "CodeMismatch, as the sign-up had sent a code"},
		{"ConfirmSignUp", "a ticket of a reset", func(k *kit) error { ticket, code := asked(k); return confirm(k, ticket, code) }, pool.ErrWrongStep, ""},

		{"ResendCode", "open", func(k *kit) error { ticket, _ := begun(k); return resend(k, ticket) }, nil, ""},
		{"ResendCode", "no ticket", func(k *kit) error { return resend(k, "") }, pool.ErrTicketGone, "UserNotFound, or as if it were sent"},
		{"ResendCode", "confirmed", func(k *kit) error {
			ticket, code := begun(k)
			return errors.Join(confirm(k, ticket, code), resend(k, ticket))
		}, pool.ErrTicketGone, "InvalidParameter: user is already confirmed"},
		{"ResendCode", "an owned address", func(k *kit) error {
			k.confirmed(ada)
			res, _ := k.newcomer(ada)
			return resend(k, res.Ticket)
		}, nil, ""},

		{"ForgotPassword", "malformed", func(k *kit) error { return forgot(k, "a b") }, pool.ErrInvalid, "UserNotFound"},
		{"ForgotPassword", "unknown", func(k *kit) error { return forgot(k, ada) }, nil, "UserNotFound, or as if it were sent"},
		{"ForgotPassword", "unconfirmed", func(k *kit) error { begun(k); return forgot(k, ada) }, nil, "InvalidParameter: no verified email"},
		{"ForgotPassword", "disabled", func(k *kit) error { k.confirmed(ada); k.disable(ada); return forgot(k, ada) }, nil, "NotAuthorized"},
		{"ForgotPassword", "invited", func(k *kit) error { k.invited(ada); return forgot(k, ada) }, nil, "NotAuthorized: cannot be reset in the current state"},
		{"ForgotPassword", "external", func(k *kit) error { states["external"](k, ada); return forgot(k, ada) }, nil, "NotAuthorized: cannot be reset in the current state"},

		{"ResetPassword", "right", func(k *kit) error { ticket, code := asked(k); return k.reset(ticket, code, another) }, nil, ""},
		{"ResetPassword", "no ticket", func(k *kit) error { return k.reset("", "12345678", password.New("short")) }, pool.ErrTicketGone, "UserNotFound, or CodeMismatch"},
		{"ResetPassword", "wrong code, bad password", func(k *kit) error {
			ticket, code := asked(k)
			return k.reset(ticket, flipDigit(code), password.New("short"))
		}, pool.ErrInvalid, "CodeMismatch: there the code is judged first"},
		{"ResetPassword", "after a bad password", func(k *kit) error {
			ticket, code := asked(k)
			_ = k.reset(ticket, code, password.New("short"))
			return k.reset(ticket, code, another)
		}, nil, ""},
		{"ResetPassword", "wrong code", func(k *kit) error { ticket, code := asked(k); return k.reset(ticket, flipDigit(code), another) }, pool.ErrBadCode, "CodeMismatch"},
		{"ResetPassword", "of nobody", func(k *kit) error { return k.reset(k.forgot(ada), "12345678", another) }, pool.ErrBadCode, "CodeMismatch or ExpiredCode"},
		{"ResetPassword", "expired", func(k *kit) error {
			ticket, code := asked(k)
			k.clock.advance(3600e9)
			return k.reset(ticket, code, another)
		}, pool.ErrTicketGone, "ExpiredCode"},
		{"ResetPassword", "used", func(k *kit) error {
			ticket, code := asked(k)
			return errors.Join(k.reset(ticket, code, another), k.reset(ticket, code, right))
		}, pool.ErrTicketGone, "ExpiredCode"},
	} {
		t.Run(fmt.Sprint(tt.call, "/", tt.of), func(t *testing.T) {
			t.Parallel()
			if err := tt.do(open(t)); !errors.Is(err, tt.want) {
				t.Errorf("= %v, want %v (Cognito: %s)", err, tt.want, tt.cognito)
			}
		})
	}
}
