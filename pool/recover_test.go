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
	"github.com/userpool-go/userpool/user"
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

// CVE class 13: use, a newer request, a change of password or address, and an hour each kill older
// codes.
func TestCVE13_OldResetCodesAreDead(t *testing.T) {
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
		"moved": func(k *kit, _, _ string) {
			in := pool.UpdateAttributesInput{ID: k.user(ada).ID, Attributes: user.Attributes{"email": "lovelace@example.com"}, EmailVerified: true}
			if err := k.admin().UpdateAttributes(k.t.Context(), in); err != nil {
				k.t.Fatal(err)
			}
		},
		"set": func(k *kit, _, _ string) {
			in := pool.SetPasswordInput{ID: k.user(ada).ID, Password: another, Permanent: true}
			if err := k.admin().SetPassword(k.t.Context(), in); err != nil {
				k.t.Fatal(err)
			}
		},
		"signed out everywhere": func(k *kit, _, _ string) {
			if err := k.account(k.done(ada)).SignOutEverywhere(k.t.Context(), home); err != nil {
				k.t.Fatal(err)
			}
		},
		"deleted": func(k *kit, _, _ string) {
			if err := k.admin().DeleteUser(k.t.Context(), k.user(ada).ID); err != nil {
				k.t.Fatal(err)
			}
		},
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
