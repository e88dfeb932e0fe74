package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

const (
	cancelURL = "https://shop.example.com/not-me"
	ada2      = "ada.lovelace@example.org"
	phone2    = "+4915187654321"
)

// restores lets addresses be changed: a change can be undone.
func restores(c *pool.Config) { c.CancelURL = cancelURL }

// change asks for another address of a user who is signed in.
func (k *kit) ask(d *pool.Done, to string) {
	k.t.Helper()
	if _, err := k.account(d).ChangeAddress(k.t.Context(), pool.ChangeAddressInput{To: to}); err != nil {
		k.t.Fatalf("ChangeAddress(%q): %v", to, err)
	}
}

// prove confirms an address by a code.
func (k *kit) prove(d *pool.Done, code string, by message.Channel) (*pool.Done, error) {
	k.t.Helper()
	a, err := k.Account(k.t.Context(), d.Tokens.Access)
	if err != nil {
		return nil, err
	}
	return pool.Finished(a.ConfirmAddress(k.t.Context(), pool.ConfirmAddressInput{Channel: by, Code: code}))
}

// changed gives a user another address, to which n messages have come with the code.
func (k *kit) changed(d *pool.Done, to string, n int) *pool.Done {
	k.t.Helper()
	k.ask(d, to)
	by := message.Email
	if strings.HasPrefix(to, "+") {
		by = message.SMS
	}
	next, err := k.prove(d, k.code(to, n), by)
	if err != nil {
		k.t.Fatalf("ConfirmAddress(%q): %v", to, err)
	}
	return goesOn(d, next)
}

// undo returns what the n-th message to an address carries in its link.
func (k *kit) undo(to string, n int) string {
	k.t.Helper()
	text := k.mails(to, n)[n-1].Text
	_, link, ok := strings.Cut(text, cancelURL+"?link=")
	if !ok {
		k.t.Fatalf("message %d to %s has no link: %q", n, to, text)
	}
	return link[:min(64, len(link))]
}

func (k *kit) cancel(link string) error {
	return k.CancelChange(k.t.Context(), pool.CancelInput{Link: link, Caller: home})
}

// A new address stands beside the live one until it is proven, and then takes its place in one
// commit: sessions end, the old address is told and does not sign in any more.
func TestS5_PendingStandsBesideTheLiveOne(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		id := k.user(ada).ID
		other, d := k.done(ada), k.done(ada)
		k.clock.advance(5 * time.Minute)
		k.ask(d, ada2)
		if p, _ := k.account(d).Get(t.Context()); p.Email != ada || !p.EmailVerified {
			t.Errorf("while it is pending the address is %q, %v", p.Email, p.EmailVerified)
		}
		if _, err := k.signIn(ada, right); err != nil {
			t.Errorf("sign-in by the live one: %v", err)
		}
		if _, err := k.signIn(ada2, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-in by the pending one = %v", err)
		}
		code := k.code(ada2, 1)
		for _, bad := range []string{"12345678", "0", code + "1", k.code(ada, 1)} {
			if _, err := k.prove(d, bad, message.Email); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("code %q = %v, want ErrBadCode", bad, err)
			}
		}
		if _, err := k.prove(d, code, message.SMS); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("as that of a phone = %v, want ErrTicketGone", err)
		}
		if _, err := k.prove(other, code, message.Email); err != nil { // another session of the same user may
			t.Fatal(err)
		}
		if u := k.user(ada2); u == nil || u.ID != id || k.user(ada) != nil {
			t.Errorf("user = %+v, want the new address in place of the old", u)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("sign-in by the old one = %v", err)
		}
		if _, err := k.signIn(ada2, right); err != nil {
			t.Errorf("sign-in by the new one: %v", err)
		}
		if ms := k.mails(ada, 2); ms[1].Kind != message.AddressReplaced || strings.Contains(ms[1].Text, ada2) {
			t.Errorf("the old address got %s: %q", ms[1].Kind, ms[1].Text)
		}
		if _, err := k.prove(d, code, message.Email); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the code again = %v, want the session over", err)
		}
	}, restores)
}

// Nothing of before the change is good after it: sessions, tickets and codes end; the one that acted
// goes on for as long as it was good, with the refresh token that it had (CVE class 14).
func TestCVE14_ChangedAddressEndsSessions(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	stolen, browser := k.done(ada), k.browse(ada)
	ticket := k.forgot(ada)
	code := k.code(ada, 2)
	d := k.done(ada)
	signedIn := k.clock.Now()
	k.clock.advance(3 * time.Minute)
	next := k.changed(d, ada2, 1)
	if _, err := k.refresh(stolen); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("stolen session = %v, want it ended", err)
	}
	if err := k.reads(d); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("the acting access token = %v, want it over", err)
	}
	if err := k.visit(browser); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("browser = %v, want it ended", err)
	}
	if err := k.reset(ticket, code, another); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a code to the old address = %v, want ErrBadCode", err)
	}
	v, err := k.Verifier()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(t.Context(), stolen.Tokens.Access.Reveal()); !errors.Is(err, token.ErrRevoked) {
		t.Errorf("access token of before = %v, want ErrRevoked", err)
	}
	all, err := k.account(next).Sessions(t.Context())
	if err != nil || len(all) != 1 || !all[0].SignedIn.Equal(signedIn) || !all[0].Expires.Equal(signedIn.Add(month)) {
		t.Errorf("Sessions = %+v, %v, want the acting one as it was", all, err)
	}
}

// A new request, a resend, use, and whatever raises the epoch each kill the code before.
func TestCVE13_PendingCodesDie(t *testing.T) {
	t.Parallel()
	for name, kill := range map[string]func(k *kit, d *pool.Done) *pool.Done{
		"another address": func(k *kit, d *pool.Done) *pool.Done { k.ask(d, "third@example.com"); return d },
		"the same again":  func(k *kit, d *pool.Done) *pool.Done { k.ask(d, ada2); return d },
		"a resend": func(k *kit, d *pool.Done) *pool.Done {
			if _, err := k.account(d).ResendAddressCode(k.t.Context(), pool.AddressCodeInput{Channel: message.Email}); err != nil {
				k.t.Fatal(err)
			}
			return d
		},
		"a new password": func(k *kit, d *pool.Done) *pool.Done {
			next, err := pool.Finished(k.account(d).ChangePassword(k.t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
			if err != nil {
				k.t.Fatal(err)
			}
			return next
		},
		"a day": func(k *kit, d *pool.Done) *pool.Done { k.clock.advance(24 * time.Hour); return k.done(ada) },
	} {
		k := open(t, restores)
		k.confirmed(ada)
		d := k.done(ada)
		k.ask(d, ada2)
		code := k.code(ada2, 1)
		d = kill(k, d)
		if _, err := k.prove(d, code, message.Email); !errors.Is(err, pool.ErrBadCode) && !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("after %s the code = %v, want it dead", name, err)
		}
		if p, _ := k.account(d).Get(t.Context()); p.Email != ada {
			t.Errorf("after %s the address is %q", name, p.Email)
		}
	}
}

// Of any number that confirm at once, one does.
func TestCVE16_ParallelAddressCodesHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		k.ask(d, ada2)
		code, a := k.code(ada2, 1), k.account(d)
		errs := make([]error, 64)
		together(len(errs), func(n int) {
			_, errs[n] = a.ConfirmAddress(t.Context(), pool.ConfirmAddressInput{Channel: message.Email, Code: code, Caller: from(n)})
		})
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, pool.ErrNotAuthorized) && !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrBadCode) && !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("= %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d won, want one", won)
		}
	}, restores)
}

// Wrong codes use up the ticket, and the account's budget of them outlives new codes.
func TestT5_AddressCodesAreCounted(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	d := k.done(ada)
	k.ask(d, ada2)
	code := k.code(ada2, 1)
	for range 5 {
		if _, err := k.prove(d, "00000000", message.Email); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("= %v", err)
		}
	}
	if _, err := k.prove(d, code, message.Email); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("the right code after five = %v, want ErrTicketGone", err)
	}
	k.ask(d, ada2)
	if _, err := k.prove(d, k.code(ada2, 2), message.Email); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a new code while locked = %v, want the account still locked", err)
	}
	k.clock.advance(2 * time.Second)
	if _, err := k.prove(d, k.code(ada2, 2), message.Email); err != nil {
		t.Errorf("after the lock = %v", err)
	}
}

// Whether an address is somebody's, an attempt's, resting or free: the answer, the reads, the
// commits and the kinds of change are alike, until it is proven.
func TestT7_ChangeToATakenAddressDoesNotTell(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]func(*pool.Config){
		"by email": {restores}, "by phone": {restores, takes(pool.Phone)},
	} {
		to, own := ada2, ada
		if name == "by phone" {
			to, own = phone2, phone
		}
		want := ""
		for _, state := range []string{"absent", "attempt", "confirmed", "disabled", "reset required", "external"} {
			k := open(t, settings...)
			states[state](k, to)
			k.confirmed(own)
			k.clock.advance(2 * time.Hour)
			d := k.done(own)
			a := k.account(d)
			k.store.reset()
			out, err := a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: to})
			got := fmt.Sprint(out, err)
			out, err = a.ResendAddressCode(t.Context(), pool.AddressCodeInput{Channel: out.Channel})
			got += fmt.Sprint(out, err)
			_, err = k.prove(d, "00000000", out.Channel)
			reads, commits := k.store.counted()
			got += fmt.Sprint(err, reads, kinds(commits))
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s, %s:\n%s\nwant as at a free one:\n%s", name, state, got, want)
			}
		}
	}
}

// The owner of the address is told, and gets no code to be talked out of; nobody can confirm it.
func TestT7_OwnerOfTheNewAddressIsTold(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	k.confirmed("eve@example.com")
	d := k.done("eve@example.com")
	k.ask(d, "Ada@Example.com")
	ms := k.mails(ada, 2)
	if ms[1].Kind != message.AlreadyRegistered || ms[1].To != ada {
		t.Errorf("the owner got %s at %q", ms[1].Kind, ms[1].To)
	}
	for n := range 5 {
		if _, err := k.prove(d, fmt.Sprintf("%08d", n), message.Email); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("= %v", err)
		}
	}
}

// Who proves an address first has it: only whoever proves it too is told, and of two at once one
// wins.
func TestT7_TakenMeanwhile(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.done(ada)
		k.ask(d, ada2)
		code := k.code(ada2, 1)
		ticket := k.signUp(ada2)
		if err := confirm(k, ticket, k.code(ada2, 2)); err != nil {
			t.Fatal(err)
		}
		if _, err := k.prove(d, code, message.Email); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("= %v, want ErrLoginTaken", err)
		}
		if _, err := k.refresh(d); err != nil {
			t.Errorf("the session of who was refused: %v", err)
		}
		k.confirmed("eve@example.com")
		eve := k.done("eve@example.com")
		third := "third@example.com"
		k.ask(d, third)
		mine := k.code(third, 1)
		k.ask(eve, third)
		theirs := k.code(third, 2)
		errs := make([]error, 2)
		together(2, func(n int) {
			if n == 0 {
				_, errs[n] = k.prove(d, mine, message.Email)
			} else {
				_, errs[n] = k.prove(eve, theirs, message.Email)
			}
		})
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), pool.ErrLoginTaken) {
			t.Errorf("at once = %v, want one winner", errs)
		}
	}, restores)
}

// What cannot be changed is refused at the door, or before a password is judged.
func TestChangeAddressRefuses(t *testing.T) {
	t.Parallel()
	k := open(t, restores, func(c *pool.Config) {
		c.Settings = &pool.Settings{Attributes: user.Schema{{Name: "phone_number", AdminOnly: true}}}
	})
	a := k.account(k.signedIn())
	for to, want := range map[string]error{
		"": pool.ErrInvalid, "ada": pool.ErrInvalid, "a@b": pool.ErrInvalid, "+49": pool.ErrInvalid, "a@b.example\r\nBcc: c@d.example": pool.ErrInvalid,
		ada: pool.ErrInvalid, "ADA@example.com": pool.ErrInvalid, phone: pool.ErrInvalid, strings.Repeat("a", 1<<20): pool.ErrInvalid,
	} {
		if _, err := a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: to, With: pool.Password{Value: wrong}}); !errors.Is(err, want) {
			t.Errorf("%.40q = %v, want %v", to, err, want)
		}
	}
	for _, by := range []message.Channel{"", "pigeon"} {
		if _, err := a.ResendAddressCode(t.Context(), pool.AddressCodeInput{Channel: by}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("resend by %q = %v", by, err)
		}
	}
	for _, by := range []message.Channel{message.Email, message.SMS} {
		if _, err := a.ResendAddressCode(t.Context(), pool.AddressCodeInput{Channel: by}); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("resend by %q of nothing = %v", by, err)
		}
	}
	k = open(t, restores, apps(pool.Client{ID: "app", Write: []string{"name"}}))
	a = k.account(k.signedIn())
	for _, to := range []string{ada2, phone} {
		if _, err := a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: to}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("through an app that may not set it, %s = %v, want ErrInvalid", to, err)
		}
	}
	k = open(t)
	a = k.account(k.signedIn())
	if _, err := a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: ada2}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("without a CancelURL = %v, want ErrNotAllowed: nobody could undo it", err)
	}
	if _, err := a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: phone}); err != nil {
		t.Errorf("a first number = %v, want it: nothing gives way", err)
	}
}

// A first address of a kind is told to the other proven one, without a link where none leads anywhere.
func TestS5_FirstPhoneIsTold(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	d := k.changed(k.done(ada), phone, 1)
	if p, err := k.account(d).Get(t.Context()); err != nil || p.Phone != phone || !p.PhoneVerified {
		t.Errorf("Get = %+v, %v", p, err)
	}
	if ms := k.mails(ada, 2); ms[1].Kind != message.AddressesChanged {
		t.Errorf("the mailbox got %s", ms[1].Kind)
	}
	if _, err := k.signIn(phone, right); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("sign-in by it = %v: the pool takes no numbers", err)
	}
}

// An account asks for five codes an hour, a phone gets three, and a code by SMS is good for ten
// minutes.
func TestT6_CodesToNewAddressesAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	d := k.done(ada)
	a := k.account(d)
	for n := range 5 {
		k.ask(d, fmt.Sprintf("+491511234567%d", n))
	}
	_, err := a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: phone})
	if l, ok := errors.AsType[*pool.LimitError](err); !ok || !l.Until.Equal(k.clock.Now().Add(time.Hour)) {
		t.Errorf("the sixth = %v, want a LimitError for an hour", err)
	}
	if _, err := a.ResendAddressCode(t.Context(), pool.AddressCodeInput{Channel: message.SMS}); !errors.Is(err, pool.ErrLimited) {
		t.Errorf("a resend = %v, want the same limit", err)
	}
	k.clock.advance(time.Hour)
	d = k.done(ada)
	for n := range 3 {
		k.ask(d, phone)
		k.code(phone, n+1)
	}
	k.ask(d, phone)
	k.ask(d, ada2)
	k.delivered()
	if ms := k.mails(phone, 3); len(ms) != 3 {
		t.Errorf("%d messages to one phone, want three", len(ms))
	}
	if _, err := k.prove(d, k.code(phone, 3), message.SMS); err != nil {
		t.Errorf("the last code that was sent = %v, want it good: what sends nothing voids nothing", err)
	}
	k.clock.advance(time.Hour)
	d = k.done(ada)
	k.ask(d, phone2)
	code := k.code(phone2, 1)
	k.clock.advance(10 * time.Minute)
	if _, err := k.prove(k.done(ada), code, message.SMS); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a code by SMS after ten minutes = %v, want ErrBadCode", err)
	}
}
