package pool_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// A pool of phone numbers: the code goes by SMS, proves the number, and lifts nothing.
func TestT2_PhoneCodeLiftsNothing(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: phone, Password: right})
		if err != nil || up.Delivery != (pool.Delivery{Channel: message.SMS, Destination: phone}) {
			t.Fatalf("SignUp = %+v, %v", up.Delivery, err)
		}
		if m := k.mails(phone, 1)[0]; m.Channel != message.SMS || m.HTML != "" {
			t.Errorf("the code went by %s", m.Channel)
		}
		step, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: k.code(phone, 1)})
		need, ok := step.(*pool.NeedPassword)
		if !ok {
			t.Fatalf("ConfirmSignUp = %T, %v, want NeedPassword: a code alone opens nothing", step, err)
		}
		if _, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Password{Value: right}})); err != nil {
			t.Fatal(err)
		}
		c, p := k.says(phone)
		if c.Email != "" || c.EmailVerified != nil || c.PhoneNumber != phone || !*c.PhoneVerified || c.Username != phone {
			t.Errorf("claims = %+v", c)
		}
		if c.ACR != token.AAL1 || fmt.Sprint(c.AMR) != "[pwd]" || p.Phone != phone || !p.PhoneVerified || p.Email != "" {
			t.Errorf("acr %q, amr %q, profile %+v", c.ACR, c.AMR, p)
		}
	}, takes(pool.Phone))
}

// A code by SMS is good for ten minutes, whatever its ticket is; a new one can be had with it.
func TestS3_CodeBySMSIsShortLived(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Phone))
	ticket := k.signUp(phone)
	old := k.code(phone, 1)
	k.clock.advance(10 * time.Minute)
	if err := confirm(k, ticket, old); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("after ten minutes = %v, want ErrBadCode", err)
	}
	res, err := k.ResendCode(t.Context(), pool.ResendInput{Ticket: ticket})
	if err != nil {
		t.Fatal(err)
	}
	code := k.code(phone, 2)
	k.clock.advance(10*time.Minute - time.Second)
	if err := confirm(k, res.Ticket, code); err != nil {
		t.Errorf("just within ten minutes: %v", err)
	}
	reset := k.forgot(phone)
	long := k.code(phone, 3)
	k.clock.advance(10 * time.Minute)
	if err := k.reset(reset, long, another); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a reset after ten minutes = %v, want ErrBadCode", err)
	}
}

// Messages by SMS cost money, so fewer go to one number, and to the numbers that one network asks
// for.
func TestT6_TextsAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Phone))
	for i := range 6 {
		k.signUp(phone)
		if ms := k.mails(phone, min(i+1, 3)); len(ms) > 3 {
			t.Errorf("%d messages to one number in an hour, want 3", len(ms))
		}
	}
	for i := range 30 - 6 {
		k.signUp(fmt.Sprintf("+49151000000%02d", i))
	}
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "+4915199999999", Password: right}); !errors.Is(err, pool.ErrLimited) {
		t.Errorf("the 31st of a network = %v, want ErrLimited", err)
	}
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: phone}); !errors.Is(err, pool.ErrLimited) {
		t.Errorf("a reset after that = %v, want ErrLimited", err)
	}
	if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "+4915199999999", Password: right, Caller: from(7)}); err != nil {
		t.Errorf("another network: %v", err)
	}
}

// A network has messages sent by SMS to no more numbers by user names than by the numbers; which
// names have one it does not see.
func TestT6_TextsByNameAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Username))
	number := func(i int) string { return fmt.Sprintf("+49151000000%02d", i) }
	for i := range 32 {
		in := pool.SignUpInput{Username: fmt.Sprintf("name%d", i), Password: right, Attributes: user.Attributes{"phone_number": number(i)}, Caller: from(i)}
		up, err := k.SignUp(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if err := confirm(k, up.Ticket, k.code(number(i), 1)); err != nil {
			t.Fatal(err)
		}
	}
	k.confirmedAs("ada", ada, 1, user.Attributes{"email": ada})
	for i := range 30 {
		k.forgot(fmt.Sprintf("name%d", i))
		k.mails(number(i), 2)
	}
	seen := map[string]string{}
	for _, name := range []string{"name30", "name31", "ada", "nobody"} {
		k.store.reset()
		k.forgot(name)
		reads, commits := k.store.counted()
		seen[fmt.Sprint(reads, kinds(commits))] += name + " "
	}
	if len(seen) != 1 {
		t.Errorf("beyond the budget they differ: %v", seen)
	}
	k.mails(ada, 2) // which goes by email, after the others
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: "name29", Caller: from(7)}); err != nil {
		t.Errorf("another network: %v", err)
	}
	k.delivered()
	for i := 30; i < 32; i++ {
		if ms := k.box.To(number(i)); len(ms) != 1 {
			t.Errorf("%d messages to %s, want that of the sign-up", len(ms), number(i))
		}
	}
}

// Whoever is paid for messages to their own number does not get them by setting passwords.
func TestT6_NoticesBySMSAreBounded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(phone)
		d, old := k.done(phone), right
		for i := range 6 {
			a, err := k.Account(t.Context(), d.Tokens.Access)
			if err != nil {
				t.Fatal(err)
			}
			next := password.New(fmt.Sprintf("a new passphrase, number %d", i))
			if d, err = pool.Finished(a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: old, New: next})); err != nil {
				t.Fatalf("change %d: %v", i, err)
			}
			old = next
		}
		ticket := k.forgot(phone)
		if err := k.reset(ticket, k.code(phone, 1+3+1), right); err != nil {
			t.Fatal(err)
		}
		k.clock.advance(time.Hour)
		k.forgot(phone) // what was put out before is sent before
		if ms := k.mails(phone, 1+3+2); len(ms) != 6 {
			t.Errorf("%d messages, want 3 notices among 6", len(ms))
		}
		a, err := k.Account(t.Context(), k.done(phone).Tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}); err != nil {
			t.Fatal(err)
		}
		if m := k.mails(phone, 7)[6]; m.Kind != message.PasswordChanged {
			t.Errorf("an hour later the owner got %s", m.Kind)
		}
	}, takes(pool.Phone))
}

// The messages that go to an address because attempts at names sign in are counted by the address.
func TestT6_NamesShareTheMailsOfAnAddress(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	for i := range 4 {
		name := fmt.Sprintf("name%d", i)
		if _, err := k.signUpAs(name, user.Attributes{"email": ada}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if step, err := k.signIn(name, right); err != nil {
				t.Fatalf("SignIn(%q) = %T, %v", name, step, err)
			}
		}
	}
	k.delivered()
	if ms := k.mails(ada, 5); len(ms) != 5 {
		t.Errorf("%d mails to one address in an hour, want 5", len(ms))
	}
}
