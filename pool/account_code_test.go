package pool_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// withCodes sets codes to ada's address up in the session of d, which becomes the one after it.
func (k *kit) withCodes(d *pool.Done) {
	k.t.Helper()
	own := k.account(d)
	need, err := own.AddCodes(k.t.Context(), pool.AddCodesInput{By: mfa.KindEmail, With: pool.Password{Value: right}})
	if err != nil || need.Delivery.Destination != "a***@e***" {
		k.t.Fatalf("AddCodes = %+v, %v", need, err)
	}
	in := pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: need.Ticket, Code: k.factorCode(ada)}
	next, err := pool.Finished(own.ConfirmCodes(k.t.Context(), in))
	if err != nil {
		k.t.Fatalf("ConfirmCodes: %v", err)
	}
	*d = *goesOn(d, next)
}

// factorCode waits for the code of a second factor, and returns it.
func (k *kit) factorCode(to string) string {
	k.t.Helper()
	k.delivered() // or it is the one before
	waitFor(k.t, func() bool {
		ms := k.box.To(to)
		return len(ms) > 0 && ms[len(ms)-1].Kind == message.FactorCode
	})
	return k.box.Code(to)
}

// TestT1_AddCodes: codes to a proven address become a second factor once one has come back; sign-ins
// ask for one from then on, and the session goes on. Without them what is of before is over (security.md
// T3).
func TestT1_AddCodes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		done := k.done(ada)
		need, err := k.account(done).AddCodes(t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
		if err != nil {
			t.Fatal(err)
		}
		code := k.factorCode(ada)
		in := pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: need.Ticket, Code: other(code)}
		if _, err := k.account(done).ConfirmCodes(t.Context(), in); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("a wrong code: %v, want ErrBadCode", err)
		}
		in.Code = code
		next, err := pool.Finished(k.account(done).ConfirmCodes(t.Context(), in))
		if err != nil || len(next.RecoveryCodes) != 10 {
			t.Fatalf("ConfirmCodes = %+v, %v", next, err)
		}
		own := k.account(next)
		done, err = k.refresh(done)
		if err != nil {
			t.Fatalf("refresh after the set-up: %v", err)
		}
		step, err := k.signIn(ada, right)
		if err != nil || step.Kind() != pool.KindChoice && step.Kind() != pool.KindCode {
			t.Errorf("SignIn = %v, %v, want a second factor", step, err)
		}
		if _, err := own.RemoveCodes(t.Context(), pool.RemoveCodesInput{By: mfa.KindSMS}); !errors.Is(err, pool.ErrNotFound) {
			t.Errorf("RemoveCodes of none: %v, want ErrNotFound", err)
		}
		if _, err := own.RemoveCodes(t.Context(), pool.RemoveCodesInput{By: "x"}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("RemoveCodes of nothing: %v, want ErrInvalid", err)
		}
		if _, err := pool.Finished(own.RemoveCodes(t.Context(), pool.RemoveCodesInput{By: mfa.KindEmail})); err != nil {
			t.Fatalf("RemoveCodes: %v", err)
		}
		if err := k.reads(done); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("an access token of before: %v, want ErrNotAuthorized", err)
		}
		k.done(ada)
	}, seconds(mfa.KindEmail, mfa.KindSMS))
}

// Codes that are a second factor are not set up again: their date would move, and with it what sessions
// have shown by them. Of two that are begun at once the first counts.
func TestT1_CodesAreSetUpOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		first, err := k.account(d).AddCodes(t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
		if err != nil {
			t.Fatal(err)
		}
		code := k.factorCode(ada)
		k.clock.advance(time.Minute)
		k.withCodes(d)
		since := k.user(ada).Factors.Email
		k.clock.advance(time.Minute)
		own := k.account(d)
		for _, with := range []pool.Response{nil, pool.Password{Value: right}, pool.Password{Value: wrong}} {
			if step, err := own.AddCodes(t.Context(), pool.AddCodesInput{By: mfa.KindEmail, With: with}); !errors.Is(err, pool.ErrNotAllowed) {
				t.Errorf("AddCodes with %v = %v, %v, want ErrNotAllowed", with, step, err)
			}
		}
		in := pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: first.Ticket, Code: code}
		if step, err := own.ConfirmCodes(t.Context(), in); !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("ConfirmCodes of what was begun before = %v, %v, want ErrNotAllowed", step, err)
		}
		if got := k.user(ada).Factors.Email; !got.Equal(since) {
			t.Errorf("codes are a factor since %v, was %v", got, since)
		}
	}, bySentCodes)
}

// What is not offered, or goes nowhere, is not set up.
func TestAddCodesNeedsAnAddress(t *testing.T) {
	t.Parallel()
	k := open(t, seconds(mfa.KindSMS))
	k.confirmed(ada)
	own, err := k.Account(t.Context(), k.done(ada).Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	for by, want := range map[mfa.Kind]error{
		mfa.KindSMS: pool.ErrNotAllowed, mfa.KindEmail: pool.ErrNotAllowed, mfa.KindTOTP: pool.ErrInvalid, "": pool.ErrInvalid,
	} {
		if _, err := own.AddCodes(t.Context(), pool.AddCodesInput{By: by}); !errors.Is(err, want) {
			t.Errorf("AddCodes by %q: %v, want %v", by, err, want)
		}
		in := pool.ConfirmCodesInput{By: by, Ticket: "x", Code: "123456"}
		if _, err := own.ConfirmCodes(t.Context(), in); err == nil {
			t.Errorf("ConfirmCodes by %q: nil", by)
		}
	}
}

// What somebody is told to set up they can: codes to an address that is proven, and to no other.
func TestFactors_KindsThatCanBeSetUp(t *testing.T) {
	t.Parallel()
	k := open(t, seconds(mfa.KindSMS, mfa.KindTOTP, mfa.KindEmail), restores)
	k.confirmed(ada)
	d := k.done(ada)
	kinds := func(want ...mfa.Kind) {
		t.Helper()
		own, err := k.account(d).Factors(t.Context())
		if err != nil || !slices.Equal(own.Kinds, want) {
			t.Errorf("the user may set up %v, %v, want %v", own.Kinds, err, want)
		}
		seen, err := k.admin().Factors(t.Context(), k.user(ada).ID)
		if err != nil || !slices.Equal(seen.Kinds, want) {
			t.Errorf("an administrator sees %v, %v, want %v", seen.Kinds, err, want)
		}
	}
	kinds(mfa.KindTOTP, mfa.KindEmail)
	k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"phone_number": phone} })
	kinds(mfa.KindTOTP, mfa.KindEmail) // it is not proven
	d = k.changed(d, phone, 1)
	kinds(mfa.KindSMS, mfa.KindTOTP, mfa.KindEmail)
}

// TestS4_AFactorRecoversNothing: a code to an address that is a second factor sets no password, and the
// answer is that of anybody.
func TestS4_AFactorRecoversNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.put(func(s *pool.Settings) { s.MFA.Kinds = []mfa.Kind{mfa.KindEmail} })
	k.confirmed(ada)
	early := k.forgot(ada)
	code := k.code(ada, 2)
	k.change(ada, func(u *user.User) { u.Factors = &user.Factors{Email: k.clock.Now()} })
	if err := k.reset(early, code, another); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a code of before: %v, want ErrBadCode", err)
	}
	res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada})
	if err != nil || res.Ticket == "" || res.Delivery.Destination != ada {
		t.Errorf("ForgotPassword = %+v, %v, want the answer of anybody", res, err)
	}
	k.delivered()
	if n := len(k.mails(ada, 2)); n != 2 {
		t.Errorf("%d mails, want none more than 2", n)
	}
	// It is a factor no more where the pool takes the kind out.
	k.put(func(s *pool.Settings) { s.MFA.Kinds = []mfa.Kind{mfa.KindTOTP} })
	ticket := k.forgot(ada)
	if err := k.reset(ticket, k.code(ada, 3), another); err != nil {
		t.Errorf("by an address that is no factor: %v", err)
	}
}

// TestS5_AFactorsAddressStays: the address of a second factor is not taken away before the factor is;
// where an administrator takes it, the factor goes with it.
func TestS5_AFactorsAddressStays(t *testing.T) {
	t.Parallel()
	k := open(t, bySentCodes)
	k.confirmed(ada)
	done := k.done(ada)
	k.withCodes(done)
	own := k.account(done)
	if _, err := own.RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.Email}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("RemoveAddress: %v, want ErrNotAllowed", err)
	}
	in := pool.UpdateAttributesInput{
		ID: k.user(ada).ID, Attributes: user.Attributes{"email": "", "phone_number": phone}, PhoneVerified: true,
	}
	if err := k.admin().UpdateAttributes(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	if f := k.user(phone).Factors; len(f.Has()) != 0 {
		t.Errorf("factors %v are left without an address", f.Has())
	}
}

// TestT1_CodesAreSetUpBeforeTheSession: who must have a second factor sets codes up to the address that
// they have proven, within the sign-in, and to no other.
func TestT1_CodesAreSetUpBeforeTheSession(t *testing.T) {
	t.Parallel()
	for login, by := range map[string]mfa.Kind{ada: mfa.KindEmail, phone: mfa.KindSMS} {
		onEach(t, func(t *testing.T, k *kit) {
			k.confirmed(login)
			need := k.posed(login)
			if need.By != by || len(need.Others) != 0 {
				t.Errorf("NeedCode = %+v, want one by %s", need, by)
			}
			unproven := mfa.KindSMS
			if by == unproven {
				unproven = mfa.KindEmail
			}
			if _, err := k.answer(need.Ticket, pool.Choice{Kind: unproven}); !errors.Is(err, pool.ErrWrongStep) {
				t.Errorf("Choice of %s: %v, want ErrWrongStep", unproven, err)
			}
			first := k.code(login, 2)
			k.again(need)
			code := k.code(login, 3)
			if _, err := k.respondCode(need.Ticket, first); first != code && !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("the code before: %v, want ErrBadCode", err)
			}
			if _, err := k.respondCode(need.Ticket, other(code)); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("a wrong code: %v, want ErrBadCode", err)
			}
			if f := k.user(login).Factors; f != nil {
				t.Errorf("codes count before one has come back: %+v", f)
			}
			done, err := pool.Finished(k.respondCode(need.Ticket, code))
			if err != nil || len(done.RecoveryCodes) != mfa.RecoveryCodes {
				t.Fatalf("the right code: %+v, %v", done, err)
			}
			if _, err := k.refresh(done); err != nil {
				t.Errorf("refresh: %v", err)
			}
			if _, err := k.respondCode(need.Ticket, code); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("the code again: %v, want ErrTicketGone", err)
			}
			if step, err := k.signIn(login, right); err != nil || step.Kind() == pool.KindDone {
				t.Errorf("the next sign-in = %v, %v, want a second factor", step, err)
			}
		}, bySentCodes, required)
	}
}
