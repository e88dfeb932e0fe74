package pool_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/user"
)

// seconds lets kinds be a second factor in a pool of emails and phone numbers.
func seconds(kinds ...mfa.Kind) func(*pool.Config) {
	return func(c *pool.Config) {
		takes(pool.Email, pool.Phone)(c)
		c.Settings.MFA.Kinds = kinds
	}
}

var bySentCodes = seconds(mfa.KindSMS, mfa.KindEmail)

// coded makes login a user who is asked for a code to it, or to a number that is proven beside it.
func (k *kit) coded(login string) {
	k.t.Helper()
	k.confirmed(login)
	k.change(login, func(u *user.User) {
		u.Factors = &user.Factors{SMS: k.clock.Now()}
		if login == ada {
			u.Factors = &user.Factors{Email: k.clock.Now()}
		}
	})
}

// posed signs in with the right password and returns the step that asks for a code.
func (k *kit) posed(login string) *pool.NeedCode {
	k.t.Helper()
	step, err := k.signIn(login, right)
	need, ok := step.(*pool.NeedCode)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedCode", step, err)
	}
	return need
}

func (k *kit) answer(ticket string, with pool.Response) (pool.Step, error) {
	return k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: with})
}

// again asks for another code by the same ticket.
func (k *kit) again(need *pool.NeedCode) *pool.NeedCode {
	k.t.Helper()
	step, err := k.answer(need.Ticket, pool.Choice{Kind: need.By})
	n, ok := step.(*pool.NeedCode)
	if err != nil || !ok {
		k.t.Fatalf("Choice = %v, %v, want NeedCode", step, err)
	}
	return n
}

// other returns a code that is not the right one.
func other(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}

// TestT1_CodeIsAskedFor: who has codes to an address as a second factor gets no session without the one
// that was sent there for this ticket; it is good once (CVE class 4).
func TestT1_CodeIsAskedFor(t *testing.T) {
	t.Parallel()
	for login, want := range map[string]pool.Delivery{
		phone: {Channel: "sms", Destination: "+*********5678"},
		ada:   {Channel: "email", Destination: "a***@e***"},
	} {
		onEach(t, func(t *testing.T, k *kit) {
			k.coded(login)
			need := k.posed(login)
			if need.Delivery != want || string(need.By) != string(want.Channel) || len(need.Others) != 0 {
				t.Errorf("NeedCode = %+v, want %+v", need, want)
			}
			code := k.code(login, 2)
			if len(code) != 6 {
				t.Errorf("code %q, want six digits", code)
			}
			for _, bad := range []string{other(code), code + "0", "000000000", "x"} {
				if _, err := k.answer(need.Ticket, pool.Code{Value: bad}); !errors.Is(err, pool.ErrBadCode) {
					t.Errorf("%q: %v, want ErrBadCode", bad, err)
				}
			}
			if _, err := k.answer(need.Ticket, pool.Password{Value: right}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("a password: %v, want ErrWrongStep", err)
			}
			if _, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: code})); err != nil {
				t.Fatalf("the right code: %v", err)
			}
			if _, err := k.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("a code that was used: %v, want ErrTicketGone", err)
			}
			if next := k.posed(login); next.Ticket != need.Ticket {
				k.code(login, 3)
				if _, err := k.answer(next.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrBadCode) {
					t.Errorf("a code of another ticket: %v, want ErrBadCode", err)
				}
			}
		}, bySentCodes)
	}
}

// TestS3_SecondCodeEnds: a code by SMS is good for ten minutes, though its ticket lives on, and one that
// is sent again takes the place of the one before.
func TestS3_SecondCodeEnds(t *testing.T) {
	t.Parallel()
	k := open(t, bySentCodes, func(c *pool.Config) {
		c.Settings.Clients = []pool.Client{{ID: "app", StepLifetime: 15 * time.Minute}}
	})
	k.coded(phone)
	need := k.posed(phone)
	old := k.code(phone, 2)
	k.again(need)
	code := k.code(phone, 3)
	if old != code {
		if _, err := k.answer(need.Ticket, pool.Code{Value: old}); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("the code before: %v, want ErrBadCode", err)
		}
	}
	k.clock.advance(10 * time.Minute)
	if _, err := k.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("after ten minutes: %v, want ErrBadCode", err)
	}
	k.again(need)
	if _, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: k.code(phone, 4)})); err != nil {
		t.Errorf("a new one: %v", err)
	}
}

// TestCVE6_ResendRefillsNothing: neither another code nor another ticket gives more guesses than five a
// ticket and those of the account, nor more than five messages an hour; in another process neither.
func TestCVE6_ResendRefillsNothing(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.Generate())
	keys := func(c *pool.Config) { c.Keys = r }
	onEach(t, func(t *testing.T, k *kit) {
		k.coded(phone)
		need := k.posed(phone)
		for n := range 4 {
			code := k.code(phone, n+2)
			if _, err := k.answer(need.Ticket, pool.Code{Value: other(code)}); !errors.Is(err, pool.ErrBadCode) {
				t.Fatalf("guess %d: %v, want ErrBadCode", n, err)
			}
			k.again(need)
		}
		code := k.code(phone, 6)
		if again := k.again(need); again.Delivery != (pool.Delivery{}) {
			t.Errorf("a sixth message went to %+v", again.Delivery)
		}
		k.delivered()
		if n := len(k.mails(phone, 6)); n != 6 { // one of them of the sign-up
			t.Errorf("%d messages, want 6", n)
		}
		second := k.beside(keys)
		if _, err := second.answer(need.Ticket, pool.Code{Value: other(code)}); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("the fifth guess: %v, want ErrBadCode", err)
		}
		if _, err := second.answer(need.Ticket, pool.Code{Value: code}); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("a sixth guess: %v, want ErrTicketGone", err)
		}
	}, bySentCodes, keys)
}

// TestT5_TicketsShareGuesses: guesses at codes count against the account, whichever ticket they are at.
func TestT5_TicketsShareGuesses(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.coded(phone)
		need, code := k.posed(phone), k.code(phone, 2)
		for range 4 {
			if _, err := k.answer(need.Ticket, pool.Code{Value: other(code)}); !errors.Is(err, pool.ErrBadCode) {
				t.Fatalf("a wrong code: %v, want ErrBadCode", err)
			}
		}
		need, code = k.posed(phone), k.code(phone, 3)
		for _, guess := range []string{other(code), code} { // the fifth locks
			if _, err := k.answer(need.Ticket, pool.Code{Value: guess}); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("%v, want ErrBadCode", err)
			}
		}
		k.clock.advance(time.Second)
		if _, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: code})); err != nil {
			t.Errorf("after the lock: %v", err)
		}
	}, bySentCodes)
}

// beside opens the pool of k in another process.
func (k *kit) beside(change ...func(*pool.Config)) *kit {
	k.t.Helper()
	other := &kit{t: k.t, store: &counting{Store: k.store.Store}, box: k.box, clock: k.clock}
	c := pool.Config{Sender: k.box, Now: k.clock.Now, InsecureHash: &cheap}
	for _, f := range change {
		f(&c)
	}
	p, err := pool.Open(context.WithValue(k.t.Context(), byChore{}, true), other.store, c)
	if err != nil {
		k.t.Fatalf("Open: %v", err)
	}
	k.t.Cleanup(func() { p.Close(context.Background()) })
	other.Pool = p
	return other
}

// TestS1_OneOfManyAnswersWins: of 64 uses of one code at once one signs in.
func TestS1_OneOfManyAnswersWins(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.coded(phone)
		need := k.posed(phone)
		code := k.code(phone, 2)
		var wins, gone int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 64 {
			all.Go(func() {
				_, err := pool.Finished(k.answer(need.Ticket, pool.Code{Value: code}))
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					wins++
				case errors.Is(err, pool.ErrTicketGone):
					gone++
				default:
					t.Errorf("a use of the code: %v", err)
				}
			})
		}
		all.Wait()
		if wins != 1 || gone != 63 {
			t.Errorf("%d won and %d came too late, want 1 and 63", wins, gone)
		}
	}, bySentCodes)
}

// A code goes to the address that the user has, and to no former one; one that is asked for another kind
// is of no use any more.
func TestSecondCodeFollowsTheUser(t *testing.T) {
	t.Parallel()
	k := open(t, bySentCodes)
	k.confirmed(ada)
	k.change(ada, func(u *user.User) {
		l, _ := user.Identify(phone, user.CaseInsensitive)
		u.Logins = append(u.Logins, l)
		u.Factors = &user.Factors{SMS: k.clock.Now(), Email: k.clock.Now(), Preferred: mfa.KindSMS}
	})
	need := k.posed(ada)
	if need.By != mfa.KindSMS || !slices.Equal(need.Others, []mfa.Kind{mfa.KindEmail}) {
		t.Errorf("NeedCode = %+v, want SMS and email", need)
	}
	bySMS := k.code(phone, 1)
	step, err := k.answer(need.Ticket, pool.Choice{Kind: mfa.KindEmail})
	if n, ok := step.(*pool.NeedCode); err != nil || !ok || n.By != mfa.KindEmail {
		t.Fatalf("Choice = %v, %v, want NeedCode by email", step, err)
	}
	byMail := k.code(ada, 2)
	if _, err := k.answer(need.Ticket, pool.Code{Value: bySMS}); bySMS != byMail && !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("the code by SMS: %v, want ErrBadCode", err)
	}
	for _, kind := range []mfa.Kind{"", mfa.KindTOTP, mfa.KindPassword, "none"} {
		if _, err := k.answer(need.Ticket, pool.Choice{Kind: kind}); !errors.Is(err, pool.ErrWrongStep) {
			t.Errorf("Choice %q: %v, want ErrWrongStep", kind, err)
		}
	}
	k.change(ada, func(u *user.User) { u.Factors.Email = time.Time{} })
	if _, err := k.answer(need.Ticket, pool.Code{Value: byMail}); !errors.Is(err, pool.ErrWrongStep) && !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("of a factor that is gone: %v", err)
	}
}
