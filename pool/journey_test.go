package pool_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

func TestJourney(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "Ada@Example.com", Password: right, Attributes: user.Attributes{"name": "Ada"}})
		if err != nil {
			t.Fatal(err)
		}
		step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: k.code("Ada@Example.com", 1)})
		need, ok := step.(*pool.NeedPassword)
		if err != nil || !ok {
			t.Fatalf("ConfirmSignUp = %T, %v, want *NeedPassword", step, err)
		}
		done, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}}))
		if err != nil {
			t.Fatalf("Respond: %v", err)
		}
		v, err := k.Verifier()
		if err != nil {
			t.Fatal(err)
		}
		claims, err := v.Verify(t.Context(), done.Tokens.Access.Reveal())
		if err != nil {
			t.Fatalf("Verify: %v", err)
		}
		if u := k.user(ada); claims.Subject != string(u.ID) || claims.ClientID != "default" || claims.Issuer != k.Issuer() {
			t.Errorf("claims = %+v, want subject %s of client default", claims, u.ID)
		}
		if u := k.user(ada); u.Status != user.Confirmed || u.Logins[0].Display != "Ada@Example.com" || u.Attributes["name"] != "Ada" {
			t.Errorf("user = %+v", u)
		}
		if _, err := k.signIn("ADA@EXAMPLE.COM", right); err != nil {
			t.Errorf("sign-in in another case: %v", err)
		}
		if err := k.SignOut(t.Context(), pool.SignOutInput{Token: done.Tokens.Refresh}); err != nil {
			t.Errorf("SignOut: %v", err)
		}
		if _, err := v.Verify(t.Context(), done.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
			t.Errorf("Verify after sign-out = %v, want ErrRevoked", err)
		}
		if err := k.SignOut(t.Context(), pool.SignOutInput{Token: done.Tokens.Refresh}); err != nil {
			t.Errorf("SignOut again = %v, want nil", err)
		}
	})
}

// A sign-in is one read and one commit, and its commit never writes the user (storage.md B12).
func TestSignInIsOneReadAndOneCommit(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for name, act := range map[string]func() error{
		"right":   func() error { _, err := k.signIn(ada, right); return err },
		"wrong":   func() error { _, err := k.signIn(ada, wrong); return expect(err, pool.ErrNotAuthorized) },
		"unknown": func() error { _, err := k.signIn("eve@example.com", wrong); return expect(err, pool.ErrNotAuthorized) },
		"refresh": func() error { d := k.done(ada); k.store.reset(); _, err := k.refresh(d); return err },
	} {
		k.store.reset()
		if err := act(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		reads, commits := k.store.counted()
		if reads != 1 || len(commits) != 1 {
			t.Errorf("%s: %d reads and %d commits, want 1 and 1: %v", name, reads, len(commits), kinds(commits))
		}
		for _, c := range commits[0] {
			if put, ok := c.(storage.PutRecord); ok {
				if _, ok := put.Record.(*user.User); ok {
					t.Errorf("%s: the commit writes the user", name)
				}
			}
		}
	}
}

func expect(got, want error) error {
	if errors.Is(got, want) {
		return nil
	}
	return errors.Join(errors.New("not as expected"), got)
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	ctx, mega := t.Context(), strings.Repeat("a", 1<<20)
	withPassword := func(s string) pool.Response { return pool.Password{Value: password.New(s)} }
	ticket := k.signUp("bob@example.com")
	k.mails("bob@example.com", 1)
	k.store.reset()
	for name, tt := range map[string]struct {
		act  func() error
		want error
	}{
		"sign up, no login":          {func() error { return up(k, "", "correct horse") }, pool.ErrInvalid},
		"sign up, huge login":        {func() error { return up(k, mega+"@example.com", "correct horse") }, pool.ErrInvalid},
		"sign up, NUL in login":      {func() error { return up(k, "a\x00@example.com", "correct horse") }, pool.ErrInvalid},
		"sign up, homoglyph":         {func() error { return up(k, "аda@example.com", "correct horse") }, pool.ErrInvalid},
		"sign up, invalid UTF-8":     {func() error { return up(k, "\xff@example.com", "correct horse") }, pool.ErrInvalid},
		"sign up, no password":       {func() error { return up(k, "eve@example.com", "") }, pool.ErrInvalid},
		"sign up, short password":    {func() error { return up(k, "eve@example.com", "1234567") }, pool.ErrInvalid},
		"sign up, common password":   {func() error { return up(k, "eve@example.com", "password123") }, pool.ErrInvalid},
		"sign up, login as password": {func() error { return up(k, "evelyn.smith@example.com", "evelyn.smith1") }, pool.ErrInvalid},
		"sign up, huge password":     {func() error { return up(k, "eve@example.com", mega) }, pool.ErrInvalid},
		"sign up, garbled password":  {func() error { return up(k, "eve@example.com", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7") }, pool.ErrInvalid},
		"sign up, foreign client":    {func() error { return upWith(k, "nobody", nil) }, pool.ErrUnknownClient},
		"sign up, verified by claim": {func() error { return upWith(k, "", user.Attributes{"email_verified": "true"}) }, pool.ErrInvalid},
		"sign up, other email":       {func() error { return upWith(k, "", user.Attributes{"email": "root@example.com"}) }, pool.ErrInvalid},
		"sign up, huge attribute":    {func() error { return upWith(k, "", user.Attributes{"name": mega}) }, pool.ErrInvalid},
		"sign up, too large for a token": {func() error {
			return upWith(k, "", user.Attributes{"name": strings.Repeat("<", 2048)})
		}, pool.ErrInvalid},
		"sign up, name of a log line": {func() error { return upWith(k, "", user.Attributes{"a\nlevel=ERROR": "x"}) }, pool.ErrInvalid},
		"sign up, garbled attribute":  {func() error { return upWith(k, "", user.Attributes{"name": "\xff"}) }, pool.ErrInvalid},
		"sign in, no login":           {func() error { _, err := k.SignIn(ctx, pool.SignInInput{}); return err }, pool.ErrInvalid},
		"sign in, code": {func() error {
			_, err := k.SignIn(ctx, pool.SignInInput{Username: ada, With: pool.Code{Value: "123456"}})
			return err
		}, pool.ErrWrongStep},
		"sign in, empty password": {func() error { _, err := k.signIn(ada, password.New("")); return err }, pool.ErrInvalid},
		"sign in, zero password":  {func() error { _, err := k.signIn(ada, password.Secret{}); return err }, pool.ErrInvalid},
		"sign in, huge login":     {func() error { _, err := k.signIn(mega, right); return err }, pool.ErrInvalid},
		"sign in, foreign client": {func() error {
			_, err := k.SignIn(ctx, pool.SignInInput{Client: "x", Username: ada, With: withPassword("abcdefgh")})
			return err
		}, pool.ErrUnknownClient},
		"confirm, no ticket":        {func() error { return confirm(k, "", "123456") }, pool.ErrTicketGone},
		"confirm, huge ticket":      {func() error { return confirm(k, mega, "123456") }, pool.ErrTicketGone},
		"confirm, garbled ticket":   {func() error { return confirm(k, ticket[:63]+"!", "123456") }, pool.ErrTicketGone},
		"confirm, truncated ticket": {func() error { return confirm(k, ticket[:63], "123456") }, pool.ErrTicketGone},
		"confirm, longer ticket":    {func() error { return confirm(k, ticket+"A", "123456") }, pool.ErrTicketGone},
		"confirm, line break":       {func() error { return confirm(k, ticket[:62]+"\r\n", "123456") }, pool.ErrTicketGone},
		"confirm, altered secret":   {func() error { return confirm(k, flip(ticket, 60), "123456") }, pool.ErrTicketGone},
		"confirm, altered id":       {func() error { return confirm(k, flip(ticket, 3), "123456") }, pool.ErrTicketGone},
		"confirm, no code":          {func() error { return confirm(k, ticket, "") }, pool.ErrInvalid},
		"confirm, huge code":        {func() error { return confirm(k, ticket, mega) }, pool.ErrInvalid},
		"respond, nothing":          {func() error { _, err := k.Respond(ctx, pool.RespondInput{Ticket: ticket}); return err }, pool.ErrInvalid},
		"respond, other answer": {func() error {
			_, err := k.Respond(ctx, pool.RespondInput{Ticket: ticket, With: withPassword("abcdefgh")})
			return err
		}, pool.ErrWrongStep},
		"refresh, nothing": {func() error { _, err := k.Refresh(ctx, pool.RefreshInput{}); return err }, pool.ErrNotAuthorized},
		"refresh, garbage": {func() error {
			_, err := k.Refresh(ctx, pool.RefreshInput{Token: token.NewSecret(mega)})
			return err
		}, pool.ErrNotAuthorized},
		"sign out, nothing": {func() error { return k.SignOut(ctx, pool.SignOutInput{}) }, pool.ErrNotAuthorized},
		"sign out, garbage": {func() error { return k.SignOut(ctx, pool.SignOutInput{Token: token.NewSecret("v1.x")}) }, pool.ErrNotAuthorized},
	} {
		if err := tt.act(); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", name, err, tt.want)
		} else if len(err.Error()) > 1000 || strings.ContainsAny(err.Error(), "\n\x00") {
			t.Errorf("%s: the error repeats the input: %q", name, err)
		}
	}
	if _, commits := k.store.counted(); len(commits) != 0 {
		t.Errorf("bad input wrote %d times, want nothing written", len(commits))
	}
}

func up(k *kit, login, pw string) error {
	_, err := k.SignUp(k.t.Context(), pool.SignUpInput{Username: login, Password: password.New(pw)})
	return err
}

func upWith(k *kit, client string, as user.Attributes) error {
	_, err := k.SignUp(k.t.Context(), pool.SignUpInput{Client: client, Username: "eve@example.com", Password: right, Attributes: as})
	return err
}

func confirm(k *kit, ticket, code string) error {
	_, err := k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: ticket, Code: code})
	return err
}

// flip changes the character at i to another of the alphabet.
func flip(s string, i int) string {
	c := byte('A')
	if s[i] == c {
		c = 'B'
	}
	return s[:i] + string(c) + s[i+1:]
}

// A logger that is handed an answer or an input writes no token, ticket or code (CVE class 61).
func TestAnswersAreNotLogged(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	var log strings.Builder
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("signed in", "step", d, "tokens", d.Tokens)
	fmt.Fprintf(&log, "%v %+v %#v", d, d, d)
	for _, v := range []any{
		&pool.NeedPassword{Ticket: "bearer"}, &pool.NeedConfirm{Ticket: "bearer"},
		&pool.NeedNewPassword{Ticket: "bearer"},
		pool.NewPassword{Value: password.New("bearer")},
		pool.SignUpResult{Ticket: "bearer"},
		pool.ForgotPasswordResult{Ticket: "bearer"},
		pool.CodeInput{Ticket: "bearer"},
		pool.LinkInput{Link: "bearer"},
		pool.RespondInput{Ticket: "bearer"},
		pool.ResendInput{Ticket: "bearer"},
		pool.ResetPasswordInput{Ticket: "bearer"},
		pool.Code{Value: "bearer"},
	} {
		logger.Info("asked", "value", v)
	}
	if strings.Contains(log.String(), "bearer") {
		t.Errorf("logged: %s", log.String())
	}
	for _, secret := range []token.Secret{d.Tokens.Access, d.Tokens.ID, d.Tokens.Refresh} {
		if secret.IsZero() || strings.Contains(log.String(), secret.Reveal()) {
			t.Fatalf("logged: %s", log.String())
		}
	}
}

// A full profile signs in, and an ID token says it.
func TestProfileReachesTheIDToken(t *testing.T) {
	t.Parallel()
	k := open(t)
	full := user.Attributes{"name": "Ada", "nickname": strings.Repeat("x", 2000), "gender": strings.Repeat("<", 300)}
	up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right, Attributes: full})
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
		t.Fatal(err)
	}
	keys, err := token.ParseKeySet(k.JWKS())
	if err != nil {
		t.Fatal(err)
	}
	v, err := token.NewVerifier(k.Issuer(), token.Config{ClientIDs: []string{"default"}, Use: token.ID, Keys: keys, Now: k.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	c, err := v.Verify(t.Context(), k.done(ada).Tokens.ID.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != "Ada" || c.Email != ada || c.EmailVerified == nil || !*c.EmailVerified || c.Attributes["nickname"] != full["nickname"] {
		t.Errorf("claims = %+v", c)
	}
}

func TestFinishedOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := pool.Finished(nil, nil); !errors.Is(err, pool.ErrUnfinished) {
		t.Errorf("Finished(nil, nil) = %v, want ErrUnfinished", err)
	}
}

func TestClosedPool(t *testing.T) {
	t.Parallel()
	k := open(t)
	if err := k.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("SignIn after Close = %v, want ErrClosed", err)
	}
}
