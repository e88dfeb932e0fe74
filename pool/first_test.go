package pool_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/user"
)

// begun begins sign-ins by email and phone, with codes as well.
func begun(c *pool.Config) {
	takes(pool.Email, pool.Phone)(c)
	byCode(c)
}

func (k *kit) start(login string, with pool.Response) (pool.Step, error) {
	return k.SignIn(k.t.Context(), pool.SignInInput{Username: login, With: with})
}

// sent begins a sign-in of login by a code to it, and returns the step that asks for it.
func (k *kit) sent(login string) *pool.NeedCode {
	k.t.Helper()
	by := mfa.KindEmail
	if login == phone {
		by = mfa.KindSMS
	}
	step, err := k.start(login, pool.Choice{Kind: by})
	need, ok := step.(*pool.NeedCode)
	if err != nil || !ok {
		k.t.Fatalf("SignIn by %s = %v, %v, want NeedCode", by, step, err)
	}
	return need
}

// TestS3_SignInByCode: a code alone signs in, has eight digits, is bound to the ticket that it was asked
// for with, and is good once.
func TestS3_SignInByCode(t *testing.T) {
	t.Parallel()
	for _, login := range []string{ada, phone} {
		onEach(t, func(t *testing.T, k *kit) {
			k.confirmed(login)
			need := k.sent(login)
			if need.Delivery.Destination != login || len(need.Others) != 2 {
				t.Errorf("NeedCode = %+v", need)
			}
			code := k.code(login, 2)
			if len(code) != 8 {
				t.Errorf("code %q, want eight digits", code)
			}
			for _, bad := range []string{other(code), code[:6], code + "0", "x"} {
				if _, err := k.answer(need.Ticket, pool.Code{Value: bad}); !errors.Is(err, pool.ErrBadCode) {
					t.Errorf("%q: %v, want ErrBadCode", bad, err)
				}
			}
			if _, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: code})); err != nil {
				t.Fatalf("the right code: %v", err)
			}
			if _, err := k.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("a code that was used: %v, want ErrTicketGone", err)
			}
			next := k.sent(login)
			if newer := k.code(login, 3); newer != code {
				if _, err := k.answer(next.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrBadCode) {
					t.Errorf("a code of another ticket: %v, want ErrBadCode", err)
				}
			}
		}, begun)
	}
}

// TestCVE53_ChoicesAreThePools: what the pool offers is what there is to choose, in its order, whoever is
// behind the login; a choice can be changed.
func TestCVE53_ChoicesAreThePools(t *testing.T) {
	t.Parallel()
	k := open(t, begun)
	k.confirmed(ada)
	for _, login := range []string{ada, "nobody@example.com", phone} {
		step, err := k.start(login, nil)
		need, ok := step.(*pool.NeedChoice)
		want := []mfa.Kind{mfa.KindPassword, mfa.KindEmail, mfa.KindSMS}
		if err != nil || !ok || !slices.Equal(need.Kinds, want) || need.Enrol {
			t.Fatalf("SignIn(%s) = %+v, %v, want a choice of %v", login, step, err, want)
		}
		for _, kind := range []mfa.Kind{mfa.KindTOTP, mfa.KindRecovery, mfa.KindPasskey, "", "none"} {
			if _, err := k.answer(need.Ticket, pool.Choice{Kind: kind}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("Choice %q: %v, want ErrWrongStep", kind, err)
			}
			if kind == "" {
				continue
			}
			if _, err := k.start(login, pool.Choice{Kind: kind}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("SignIn by %q: %v, want ErrWrongStep", kind, err)
			}
		}
		if _, err := k.answer(need.Ticket, pool.Code{Value: "12345678"}); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("a code before the choice: %v, want ErrWrongStep", err)
		}
		step, err = k.answer(need.Ticket, pool.Choice{Kind: mfa.KindEmail})
		if code, ok := step.(*pool.NeedCode); err != nil || !ok || code.Ticket != need.Ticket {
			t.Errorf("Choice of email = %v, %v, want NeedCode of the same ticket", step, err)
		}
		step, err = k.answer(need.Ticket, pool.Choice{Kind: mfa.KindPassword})
		if _, ok := step.(*pool.NeedPassword); err != nil || !ok {
			t.Errorf("Choice of a password = %v, %v, want NeedPassword", step, err)
		}
		if _, err := k.respond(need.Ticket, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("a wrong password: %v, want ErrNotAuthorized", err)
		}
		_, err = pool.Finished(k.respond(need.Ticket, right))
		if login != ada && !errors.Is(err, pool.ErrNotAuthorized) || login == ada && err != nil {
			t.Errorf("%s with the password: %v", login, err)
		}
		if _, err = k.respond(need.Ticket, right); login == ada && !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the ticket again: %v, want ErrTicketGone", err)
		}
	}
}

// TestCVE6_CodesToBeginBy: neither another code nor another ticket, nor another process, gives more
// guesses than five a ticket and those of the account, nor more mails than five an hour.
func TestCVE6_CodesToBeginBy(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.Generate())
	keys := func(c *pool.Config) { c.Keys = r }
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		second := k.beside(begun, keys)
		need := k.sent(ada)
		var code string
		for n := range 4 {
			code = k.code(ada, n+2)
			if _, err := k.answer(need.Ticket, pool.Code{Value: other(code)}); !errors.Is(err, pool.ErrBadCode) {
				t.Fatalf("guess %d: %v, want ErrBadCode", n, err)
			}
			need = k.again(need)
		}
		code = k.code(ada, 6)
		if again := k.again(need); again.Delivery.Destination != ada {
			t.Errorf("the step shows that nothing was sent: %+v", again)
		}
		late := second.sent(ada)
		k.delivered()
		if n := len(k.mails(ada, 6)); n != 6 {
			t.Errorf("%d messages, want 6", n)
		}
		if _, err := second.answer(need.Ticket, pool.Code{Value: other(code)}); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("the fifth guess: %v, want ErrBadCode", err)
		}
		if _, err := second.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("a sixth: %v, want ErrTicketGone", err)
		}
		if _, err := second.answer(late.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("at another ticket: %v, want ErrBadCode", err)
		}
	}, begun, keys)
}

// TestCVE16_OneCodeOneSession: of 64 uses of a code at once one signs in.
func TestCVE16_OneCodeOneSession(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		need := k.sent(ada)
		code := k.code(ada, 2)
		var wins int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				_, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: code}))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					wins++
				} else if !errors.Is(err, pool.ErrTicketGone) {
					t.Errorf("a use of the code: %v", err)
				}
			})
		}
		all.Wait()
		if wins != 1 {
			t.Errorf("%d won, want 1", wins)
		}
	}, begun)
}

// TestT1_CodeIsOneFactor: a code begins a sign-in, and what else is due follows; a code to the same
// address does not back it up, and who must show two factors does not begin by one.
func TestT1_CodeIsOneFactor(t *testing.T) {
	t.Parallel()
	k := open(t, begun, func(c *pool.Config) {
		c.Settings.MFA.Kinds = []mfa.Kind{mfa.KindTOTP, mfa.KindEmail, mfa.KindSMS}
	})
	k.confirmed(ada)
	seed := k.enrolled(ada)
	byMail := func(n int) (pool.Step, error) {
		return k.answer(k.sent(ada).Ticket, pool.Code{Value: k.code(ada, n)})
	}
	step, err := byMail(2)
	need, ok := step.(*pool.NeedTOTP)
	if err != nil || !ok {
		t.Fatalf("after the code: %v, %v, want NeedTOTP", step, err)
	}
	if _, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: seed.Code(k.clock.Now())})); err != nil {
		t.Errorf("with both: %v", err)
	}
	k.change(ada, func(u *user.User) { u.Factors = &user.Factors{Email: k.clock.Now()} })
	step, err = byMail(3)
	if need, ok := step.(*pool.NeedPassword); err != nil || !ok {
		t.Errorf("a second code to one address: %v, %v, want NeedPassword", step, err)
	} else if step, err := k.respond(need.Ticket, right); err != nil || step.Kind() != pool.KindCode {
		t.Errorf("with the password: %v, %v, want the step of the second factor", step, err)
	}
}

// Who chose a password can choose another way after all, whoever is there.
func TestOthersOfAPassword(t *testing.T) {
	t.Parallel()
	k := open(t, begun)
	for _, login := range []string{ada, "nobody@example.com"} {
		step, err := k.start(login, pool.Choice{Kind: mfa.KindPassword})
		need, ok := step.(*pool.NeedPassword)
		if err != nil || !ok {
			t.Fatalf("SignIn = %v, %v, want NeedPassword", step, err)
		}
		if slices.Contains(need.Others, mfa.KindPassword) || len(need.Others) == 0 {
			t.Errorf("%s: others are %v", login, need.Others)
		}
		for _, kind := range need.Others {
			if _, err := k.answer(need.Ticket, pool.Choice{Kind: kind}); err != nil {
				t.Errorf("%s: instead by %s: %v", login, kind, err)
			}
		}
	}
}

// A sign-in that begins by what the pool does not offer says where to look.
func TestWaysThatAreNone(t *testing.T) {
	t.Parallel()
	k := open(t)
	for _, with := range []pool.Response{
		pool.Choice{Kind: mfa.KindEmail},
		pool.Choice{Kind: mfa.KindTOTP},
		pool.Choice{Kind: mfa.KindPasskey},
		pool.Choice{Kind: "x"},
		pool.Code{Value: "123456"},
		pool.RecoveryCode{},
		pool.CustomAnswer{},
	} {
		if _, err := k.start(ada, with); !errors.Is(err, pool.ErrWrongStep) || !strings.Contains(err.Error(), "WaysIn") {
			t.Errorf("SignIn by %T %[1]v = %v, want ErrWrongStep that names WaysIn", with, err)
		}
	}
}

// A client that requires two factors offers no code to begin by, and one without the flow no choice.
func TestClientsOfTheFirstFactor(t *testing.T) {
	t.Parallel()
	strict := open(t, begun, apps(pool.Client{ID: "strict", RequireMFA: true}))
	step, err := strict.start(ada, nil)
	if _, ok := step.(*pool.NeedPassword); err != nil || !ok {
		t.Errorf("of a client that requires two: %v, %v, want NeedPassword", step, err)
	}
	if _, err := strict.start(ada, pool.Choice{Kind: mfa.KindEmail}); !errors.Is(err, pool.ErrWrongStep) {
		t.Errorf("a code there: %v, want ErrWrongStep", err)
	}
	old := open(t, begun, apps(pool.Client{ID: "old", Flows: []pool.Flow{pool.FlowPassword}}))
	for _, with := range []pool.Response{nil, pool.Choice{Kind: mfa.KindEmail}} {
		if _, err := old.start(ada, with); !errors.Is(err, pool.ErrFlowNotAllowed) {
			t.Errorf("of a client without the flow: %v, want ErrFlowNotAllowed", err)
		}
	}
}

// barred is what happens to users who may not sign in any more by what was asked of them before.
var barred = map[string]func(*user.User){
	"disabled":            func(u *user.User) { u.Disabled = true },
	"signed out":          func(u *user.User) { u.Epoch++ },
	"reset required":      func(u *user.User) { u.Status = user.ResetRequired },
	"temporary password":  func(u *user.User) { u.Status = user.ForceChangePassword },
	"of another provider": func(u *user.User) { u.Status = user.External },
}

// TestT3_CodesDieWithWhatTheyProve: who may not sign in any more does not by a code of before, and it
// looks like a wrong one.
func TestT3_CodesDieWithWhatTheyProve(t *testing.T) {
	t.Parallel()
	changes := maps.Clone(barred)
	changes["another address"] = func(u *user.User) { u.Logins[0], _ = user.Identify("new@example.com", user.CaseInsensitive) }
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, begun)
			k.confirmed(ada)
			need := k.sent(ada)
			code := k.code(ada, 2)
			k.change(ada, change)
			if _, err := k.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("%v, want ErrBadCode", err)
			}
		})
	}
	k := open(t, begun)
	k.confirmed(phone)
	need := k.sent(phone)
	code := k.code(phone, 2)
	k.clock.advance(3 * time.Minute)
	if _, err := k.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after its time: %v, want ErrTicketGone", err)
	}
}
