package pool_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
)

var another = password.New("another horse battery staple")

// forgot asks for a code and returns the ticket.
func (k *kit) forgot(login string) string {
	k.t.Helper()
	res, err := k.ForgotPassword(k.t.Context(), pool.ForgotPasswordInput{Username: login})
	if err != nil {
		k.t.Fatalf("ForgotPassword(%q): %v", login, err)
	}
	return res.Ticket
}

func (k *kit) reset(ticket, code string, pw password.Secret) error {
	_, err := k.ResetPassword(k.t.Context(), pool.ResetPasswordInput{Ticket: ticket, Code: code, Password: pw})
	return err
}

func TestReset(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		if len(code) != 8 {
			t.Errorf("code of %d digits, want 8 (security.md S3)", len(code))
		}
		if _, err := k.signIn(ada, right); err != nil {
			t.Errorf("old password before the reset: %v", err)
		}
		step, err := k.ResetPassword(t.Context(), pool.ResetPasswordInput{Ticket: ticket, Code: code, Password: another})
		need, ok := step.(*pool.NeedPassword)
		if err != nil || !ok {
			t.Fatalf("ResetPassword = %T, %v, want *NeedPassword (security.md S4)", step, err)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("old password = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("session of before = %v, want it ended (CVE class 14)", err)
		}
		if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: another}})); err != nil {
			t.Errorf("new password: %v", err)
		}
		if ms := k.mails(ada, 3); ms[2].Kind != message.PasswordChanged {
			t.Errorf("the owner got %s, want a notice", ms[2].Kind)
		}
	})
}

// A reset of an account that strangers have locked for good opens it again (security.md T5).
func TestT5_ResetOpensALockedAccount(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 100 {
		k.signIn(ada, wrong)
		k.clock.advance(time.Hour)
	}
	ticket := k.forgot(ada)
	waitFor(t, func() bool { // behind the mails that tell of strangers
		ms := k.box.To(ada)
		return ms[len(ms)-1].Kind == message.ResetPassword
	})
	if err := k.reset(ticket, k.box.Code(ada), another); err != nil {
		t.Fatal(err)
	}
	if _, err := k.signIn(ada, another); err != nil {
		t.Errorf("sign-in after the reset: %v", err)
	}
}

// CVE class 13: use, a newer request and a password change each kill older codes.
func TestOldResetCodesAreDead(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(k *kit, ticket, code string){
		"used": func(k *kit, ticket, code string) {
			if err := k.reset(ticket, code, another); err != nil {
				k.t.Fatal(err)
			}
		},
		"newer request": func(k *kit, _, _ string) { k.clock.advance(time.Second); k.forgot(ada) },
		"changed": func(k *kit, _, _ string) {
			a, err := k.Account(k.t.Context(), k.done(ada).Tokens.Access)
			if err != nil {
				k.t.Fatal(err)
			}
			if _, err := a.ChangePassword(k.t.Context(), pool.ChangePasswordInput{Old: right, New: another}); err != nil {
				k.t.Fatal(err)
			}
		},
		"an hour":  func(k *kit, _, _ string) { k.clock.advance(time.Hour) },
		"disabled": func(k *kit, _, _ string) { k.disable(ada) },
	} {
		k := open(t)
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		kill(k, ticket, code)
		if err := k.reset(ticket, code, right); !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("%s: reset = %v, want it refused", name, err)
		}
	}
}

// Nobody can tell by asking for a code, or by answering with a wrong one, whether there is a user.
func TestS19_ForgotPasswordDoesNotTell(t *testing.T) {
	t.Parallel()
	k := open(t)
	const gone = "gone@example.com"
	k.confirmed(ada)
	k.confirmed(gone)
	k.disable(gone)
	k.signUp("tried@example.com")
	seen := map[string]string{}
	for _, login := range []string{ada, gone, "tried@example.com", "nobody@example.com"} {
		k.store.reset()
		res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: login})
		if err != nil || res.Delivery.Destination != login {
			t.Fatalf("%s: %+v, %v", login, res, err)
		}
		reads, commits := k.store.counted()
		trace := fmt.Sprint(len(res.Ticket), reads, kinds(commits))
		older := res.Ticket
		k.clock.advance(time.Second)
		newer := k.forgot(login)
		for i, ticket := range []string{older, newer, newer, newer, newer, newer, newer, newer} {
			k.store.reset()
			err := k.reset(ticket, "00000000", another)
			reads, commits := k.store.counted()
			trace += fmt.Sprint("\n", i, err, reads, kinds(commits))
		}
		seen[login] = trace
	}
	for login, trace := range seen {
		if trace != seen[ada] {
			t.Errorf("%s:\n%s\nwant as for a user:\n%s", login, trace, seen[ada])
		}
	}
}

func TestS1_ParallelResetsHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		var (
			wg   sync.WaitGroup
			gate = make(chan struct{})
			errs [64]error
		)
		for i := range errs {
			wg.Go(func() {
				<-gate
				_, errs[i] = k.ResetPassword(t.Context(), pool.ResetPasswordInput{
					Ticket: ticket, Code: code, Password: password.New(fmt.Sprintf("password number %d", i)), Caller: from(i),
				})
			})
		}
		close(gate)
		wg.Wait()
		winner := -1
		for i, err := range errs {
			if err == nil && winner >= 0 {
				t.Fatal("two winners")
			} else if err == nil {
				winner = i
			} else if !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("loser = %v, want ErrTicketGone", err)
			}
		}
		if winner < 0 {
			t.Fatal("no winner")
		}
		if _, err := k.signIn(ada, password.New(fmt.Sprintf("password number %d", winner))); err != nil {
			t.Errorf("the winner's password: %v", err)
		}
	})
}

func TestResetRefuses(t *testing.T) {
	t.Parallel()
	k := open(t)
	up := k.signUp(ada)
	confirmCode := k.code(ada, 1)
	if err := k.reset(up, confirmCode, another); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("reset with a sign-up's ticket = %v, want ErrWrongStep", err)
	}
	if err := confirm(k, up, confirmCode); err != nil {
		t.Fatal(err)
	}
	ticket := k.forgot(ada)
	code := k.code(ada, 2)
	for name, tt := range map[string]struct {
		err  error
		want error
	}{
		"confirm with a reset's ticket": {confirm(k, ticket, code), pool.ErrWrongStep},
		"short password":                {k.reset(ticket, code, password.New("1234567")), pool.ErrInvalid},
		"login as password":             {k.reset(ticket, code, password.New("ada@example.com")), pool.ErrInvalid},
		"common password":               {k.reset(ticket, code, password.New("password1")), pool.ErrInvalid},
		"no code":                       {k.reset(ticket, "", another), pool.ErrInvalid},
		"garbled ticket":                {k.reset(ticket+"A", code, another), pool.ErrTicketGone},
		"wrong code":                    {k.reset(ticket, flipDigit(code), another), pool.ErrBadCode},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s = %v, want %v", name, tt.err, tt.want)
		}
	}
	if err := k.reset(ticket, code, another); err != nil {
		t.Errorf("the right code after all that: %v", err)
	}
}

func TestResend(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	old := k.code(ada, 1)
	res, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket})
	if err != nil {
		t.Fatal(err)
	}
	code := k.code(ada, 2)
	if err := confirm(k, ticket, old); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the ticket before = %v, want ErrTicketGone", err)
	}
	if _, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket}); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("resend of the ticket before = %v, want ErrTicketGone", err)
	}
	for range 5 { // beyond five mails the answer is the same
		if res, err = k.ResendCode(t.Context(), pool.ResendInput{Ticket: res.Ticket}); err != nil {
			t.Fatal(err)
		}
	}
	if code != "" && confirm(k, res.Ticket, code) == nil {
		t.Error("a voided code confirmed")
	}
}

// A resend at a taken address sends the owner another notice, never a code.
func TestT7_ResendAtATakenAddress(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	ticket := k.signUp(ada)
	k.mails(ada, 2)
	if _, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket}); err != nil {
		t.Fatal(err)
	}
	if ms := k.mails(ada, 3); ms[2].Kind != message.AlreadyRegistered {
		t.Errorf("the owner got %s, want %s", ms[2].Kind, message.AlreadyRegistered)
	}
}

// A change of password ends the other sessions, replaces the acting one and tells the owner
// (security.md T3).
func TestT3_ChangePasswordEndsOtherSessions(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d, other := k.done(ada), k.done(ada)
	a, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	profile, err := a.Get(t.Context())
	if err != nil || profile.Email != ada || profile.ID != k.user(ada).ID {
		t.Fatalf("Get = %+v, %v", profile, err)
	}
	if _, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: wrong, New: another}); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("wrong old password = %v, want ErrNotAuthorized", err)
	}
	done, err := pool.Finished(a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
	if err != nil {
		t.Fatalf("ChangePassword: %v", err)
	}
	for name, old := range map[string]*pool.Done{"acting": d, "other": other} {
		if _, err := k.refresh(old); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s session of before = %v, want it ended", name, err)
		}
	}
	if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("account of the session before = %v, want ErrNotAuthorized", err)
	}
	if _, err := k.refresh(done); err != nil {
		t.Errorf("the session that replaced it: %v", err)
	}
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), other.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("access token of before = %v, want ErrRevoked", err)
	}
	if _, err := v.Verify(t.Context(), done.Tokens.Access.Reveal()); err != nil {
		t.Errorf("new access token: %v", err)
	}
	if ms := k.mails(ada, 2); ms[1].Kind != message.PasswordChanged {
		t.Errorf("the owner got %s, want a notice", ms[1].Kind)
	}
}

func TestSignOutEverywhere(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	one, two := k.done(ada), k.done(ada)
	a, err := k.Account(t.Context(), one.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	k.clock.advance(time.Millisecond) // events are listed by time
	if err := a.SignOutEverywhere(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	if e := k.last(k.user(ada).ID); e.Kind != "sign_out" || e.Reason != "everywhere" || e.IP != home.IP {
		t.Errorf("event = %+v, want where it was asked from", e)
	}
	for _, d := range []*pool.Done{one, two} {
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("refresh = %v, want ErrNotAuthorized", err)
		}
		if _, err := k.Account(t.Context(), d.Tokens.Access); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("Account = %v, want ErrNotAuthorized", err)
		}
	}
	three := k.done(ada)
	if a, err = k.Account(t.Context(), three.Tokens.Access); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(time.Millisecond)
	if err := a.SignOut(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	if e := k.last(k.user(ada).ID); e.Kind != "sign_out" || e.Reason != "" || e.IP != home.IP {
		t.Errorf("event = %+v, want where it was asked from", e)
	}
	if err := a.SignOut(t.Context(), home); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("again = %v, want ErrNotAuthorized", err)
	}
}

// An ID token and a garbled one open no account (CVE class 65).
func TestAccountRefuses(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.done(ada)
	for name, tok := range map[string]token.Secret{
		"ID token": d.Tokens.ID, "refresh token": d.Tokens.Refresh, "nothing": {}, "truncated": token.NewSecret(d.Tokens.Access.Reveal()[:100]),
	} {
		if _, err := k.Account(t.Context(), tok); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%s: Account = %v, want ErrNotAuthorized", name, err)
		}
	}
	a, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	k.disable(ada)
	if _, err := a.Get(t.Context()); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("disabled: Get = %v, want ErrNotAuthorized", err)
	}
}

// A policy with a history lets no password come back that it looks at, by change or by reset.
func TestPasswordHistory(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		number := func(n int) password.Secret { return password.New(fmt.Sprintf("password number %d", n)) }
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: number(0)})
		if err != nil {
			t.Fatal(err)
		}
		if err := confirm(k, up.Ticket, k.code(ada, 1)); err != nil {
			t.Fatal(err)
		}
		change := func(from, to int) error {
			d, err := pool.Finished(k.signIn(ada, number(from)))
			if err != nil {
				t.Fatal(err)
			}
			a, err := k.Account(t.Context(), d.Tokens.Access)
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: number(from), New: number(to)})
			return err
		}
		for n := range 3 {
			if err := change(n, n+1); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range []int{3, 2, 1} {
			if err := change(3, n); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("back to number %d = %v, want ErrInvalid", n, err)
			}
		}
		if err := change(3, 0); err != nil {
			t.Errorf("back to the one before those three: %v", err)
		}
		k.clock.advance(time.Minute)
		ticket := k.forgot(ada)
		code := k.code(ada, 6) // after the first, and four notices
		if err := k.reset(ticket, code, number(3)); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("reset to one of before = %v, want ErrInvalid", err)
		}
		if err := k.reset(ticket, code, number(9)); err != nil {
			t.Errorf("reset to a new one: %v", err)
		}
	}, func(c *pool.Config) { c.Settings = &pool.Settings{Passwords: password.Policy{History: 3}} })
}

// A request beyond the mails that an address gets sends nothing, and so voids nothing.
func TestUnsentRequestVoidsNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	for range 4 {
		k.forgot(ada)
		k.clock.advance(time.Second)
	}
	ticket := k.forgot(ada)
	code := k.code(ada, 6)
	for range 20 {
		k.clock.advance(time.Second)
		k.forgot(ada)
	}
	if err := k.reset(ticket, code, another); err != nil {
		t.Errorf("the code of the last mail: %v", err)
	}
}
