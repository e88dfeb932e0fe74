package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// The link that went to the old address restores it for 7 days, without a sign-in: all sessions end,
// and the password, which whoever did it knew, is of no use; the owner sets another.
func TestS5_CancelLinkRestoresTheAddress(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		id := k.user(ada).ID
		thief := k.changed(k.done(ada), ada2, 1)
		link := k.undo(ada, 2)
		k.clock.advance(7*24*time.Hour - time.Second)
		if err := k.cancel(link); err != nil {
			t.Fatal(err)
		}
		if e := k.last(id); e.Kind != "cancel_address_change" {
			t.Errorf("event = %+v", e)
		}
		if u := k.user(ada); u == nil || u.ID != id || k.user(ada2) != nil {
			t.Errorf("user = %+v, want the old address back", u)
		}
		if _, err := k.refresh(thief); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the thief's session = %v, want it ended", err)
		}
		for _, login := range []string{ada, ada2} {
			if _, err := k.signIn(login, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("the password at %s = %v, want it of no use", login, err)
			}
		}
		if ms := k.mails(ada2, 2); ms[1].Kind != message.AddressesChanged {
			t.Errorf("the address that went got %s", ms[1].Kind)
		}
		ticket := k.forgot(ada)
		if err := k.reset(ticket, k.code(ada, 3), another); err != nil {
			t.Fatal(err)
		}
		if _, err := k.signIn(ada, another); err != nil {
			t.Errorf("with a new password: %v", err)
		}
		for range 2 {
			if err := k.cancel(link); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("the link again = %v, want ErrTicketGone", err)
			}
		}
	}, restores)
}

// What is no link, is over, or is another's restores nothing, and tells nothing.
func TestS5_DeadCancelLinks(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	k.confirmed("eve@example.com")
	d := k.changed(k.done(ada), ada2, 1)
	k.changed(k.done("eve@example.com"), "eve2@example.com", 1)
	link, theirs := k.undo(ada, 2), k.undo("eve@example.com", 2)
	ticket := k.signUp("bob@example.com")
	for name, bad := range map[string]string{
		"none": "", "short": link[:63], "long": link + "A", "flipped id": flip(link, 3), "flipped secret": flip(link, 40),
		"a ticket": ticket, "another's id": theirs[:22] + link[22:], "another's secret": link[:22] + theirs[22:],
		"line break": link[:32] + "\n" + link[33:], "a session": d.Tokens.Refresh.Reveal()[:64],
	} {
		if err := k.cancel(bad); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("%s = %v, want ErrTicketGone", name, err)
		}
	}
	if _, err := k.refresh(d); err != nil {
		t.Errorf("after all that: %v", err)
	}
	k.clock.advance(7 * 24 * time.Hour)
	if err := k.cancel(link); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after 7 days = %v, want ErrTicketGone", err)
	}
}

// The link outlives what a thief can do to end it: a new password, signing out everywhere, further
// changes; and the links that these got for addresses of their own are of no use after it.
func TestS5_CancelLinkOutlivesTheThief(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	d := k.changed(k.done(ada), ada2, 1)
	link := k.undo(ada, 2)
	d = k.changed(d, "thief@example.com", 1)
	second := k.undo(ada2, 2)
	d, err := pool.Finished(k.account(d).ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
	if err != nil {
		t.Fatal(err)
	}
	d = k.changed(d, "thief2@example.com", 1)
	third := k.undo("thief@example.com", 3)
	if err := k.account(d).SignOutEverywhere(t.Context(), home); err != nil {
		t.Fatal(err)
	}
	if err := k.cancel(link); err != nil {
		t.Fatal(err)
	}
	for n, dead := range []string{link, second, third} {
		if err := k.cancel(dead); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("link %d after it = %v, want ErrTicketGone", n, err)
		}
	}
	if k.user(ada) == nil {
		t.Error("the first address is not back")
	}
}

// A newer link undoes what came after it, and leaves the older one good.
func TestS5_CancelLinksAreAStack(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	d := k.changed(k.done(ada), ada2, 1)
	k.changed(d, "third@example.com", 1)
	if err := k.cancel(k.undo(ada2, 2)); err != nil || k.user(ada2) == nil {
		t.Errorf("the newer = %v, want its address back", err)
	}
	if err := k.cancel(k.undo(ada, 2)); err != nil || k.user(ada) == nil {
		t.Errorf("then the older = %v, want its address back", err)
	}
}

// The link is good, too, where the address was not replaced at once: a thief removes it first and
// then adds another, as often as they like.
func TestS5_RemovedAndAddedIsUndone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed("ada")
		d, own := k.done("ada"), addressOf("ada")
		for n := range 2 {
			next, err := pool.Finished(k.account(d).RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.Email}))
			if err != nil {
				t.Fatal(err)
			}
			d = k.changed(next, fmt.Sprintf("thief%d@example.com", n), 1)
		}
		if err := k.cancel(k.undo("thief0@example.com", 2)); err != nil {
			t.Errorf("the newer link = %v", err)
		}
		if err := k.cancel(k.undo(own, 2)); err != nil || k.user(own) == nil {
			t.Errorf("the owner's link = %v, want the address back", err)
		}
		if u := k.user("thief1@example.com"); u != nil {
			t.Errorf("%s still owns the thief's address", u.ID)
		}
	}, restores, takes(pool.Username, pool.Email))
}

// Whoever changes the address of an account and deletes it does not do so unheard.
func TestS5_FormerAddressesHearOfTheDeletion(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.changed(k.done(ada), ada2, 1)
		if err := k.account(d).Delete(t.Context(), pool.DeleteInput{}); err != nil {
			t.Fatal(err)
		}
		k.delivered()
		for _, to := range []string{ada, ada2} {
			told := slices.ContainsFunc(k.box.To(to), func(m message.Message) bool { return m.Kind == message.AccountDeleted })
			if !told {
				t.Errorf("%s is not told of the deletion", to)
			}
		}
	}, restores)
}

// A first address of its kind is undone with a link, too, which the other one gets: a thief who adds
// a phone would else recover by it whatever the owner restores.
func TestS5_AddedAddressIsUndone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.changed(k.done(ada), phone, 1)
		d = k.changed(d, ada2, 1)
		if _, err := pool.Finished(k.account(d).RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.Email})); err != nil {
			t.Fatal(err)
		}
		added, replaced := k.undo(ada, 2), k.undo(ada, 3)
		if err := k.cancel(added); !errors.Is(err, pool.ErrNotAllowed) {
			t.Errorf("all that there is = %v, want ErrNotAllowed", err)
		}
		for _, link := range []string{replaced, added} {
			if err := k.cancel(link); err != nil {
				t.Errorf("a link = %v", err)
			}
			if err := k.cancel(link); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("again = %v, want ErrTicketGone", err)
			}
		}
		if u := k.user(ada); u == nil || len(u.Logins) != 1 || u.Status != user.ResetRequired {
			t.Errorf("the owner has %+v, want nothing but the address", u)
		}
		if err := k.cancel(k.undo(ada2, 2)); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("the thief's link = %v, want ErrTicketGone", err)
		}
		forgot, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada, Caller: home})
		if err != nil {
			t.Fatal(err)
		}
		in := pool.ResetPasswordInput{Ticket: forgot.Ticket, Code: k.code(ada, 4), Password: another, Caller: home}
		if _, err := k.ResetPassword(t.Context(), in); err != nil {
			t.Errorf("the owner's recovery = %v", err)
		}
	}, restores, takes(pool.Email, pool.Phone), func(c *pool.Config) {
		c.Settings.Recovery.By = []pool.Identifier{pool.Phone, pool.Email}
	})
}

// While the link is good nobody else takes the address, by whatever way; its user may.
func TestS5_FormerAddressIsKept(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("eve@example.com")
		k.changed(k.done(ada), ada2, 1)
		eve := k.done("eve@example.com")
		ticket := k.signUp(ada)
		if err := confirm(k, ticket, k.code(ada, 3)); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("a sign-up = %v, want ErrLoginTaken", err)
		}
		k.ask(eve, ada)
		if _, err := k.prove(eve, k.code(ada, 4), message.Email); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("another's change = %v, want ErrLoginTaken", err)
		}
		if _, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true, Suppress: true}); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("an administrator = %v, want ErrLoginTaken", err)
		}
		k.clock.advance(time.Hour)
		if _, err := k.signIn(ada2, right); err != nil {
			t.Fatal(err)
		}
		d := k.changed(k.done(ada2), ada, 5)
		if k.user(ada) == nil {
			t.Error("who gave it up cannot have it back")
		}
		k.changed(d, ada2, 5) // whose rest they may end, too, behind notices of two new devices
		k.mails(ada, 6)
		k.clock.advance(7 * 24 * time.Hour)
		k.store.Sweep(t.Context(), k.clock.Now(), 1000)
		if err := confirm(k, k.signUp(ada), k.code(ada, 7)); err != nil {
			t.Errorf("after 7 days = %v, want it free", err)
		}
	}, restores)
}

// Of any number that use a link at once, one restores.
func TestCVE16_ParallelCancelsHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		d := k.changed(k.done(ada), ada2, 1)
		link := k.undo(ada, 2)
		a := k.account(d)
		errs := make([]error, 64)
		together(len(errs), func(n int) {
			if n%8 == 7 { // the thief goes on meanwhile
				_, errs[n] = a.ChangeAddress(t.Context(), pool.ChangeAddressInput{To: fmt.Sprintf("thief%d@example.com", n)})
				return
			}
			errs[n] = k.cancel(link)
		})
		won := 0
		for n, err := range errs {
			switch {
			case n%8 == 7:
			case err == nil:
				won++
			case !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrUnavailable):
				t.Errorf("= %v", err)
			}
		}
		if won != 1 || k.user(ada) == nil {
			t.Errorf("%d won, want one", won)
		}
	}, restores)
}

// The number that is replaced gets the link by SMS, where there is nothing else.
func TestS5_CancelLinkBySMS(t *testing.T) {
	t.Parallel()
	k := open(t, restores, takes(pool.Phone))
	k.confirmed(phone)
	k.changed(k.done(phone), phone2, 1)
	if ms := k.mails(phone, 2); ms[1].Channel != message.SMS || ms[1].Kind != message.AddressReplaced {
		t.Fatalf("it got %s by %s", ms[1].Kind, ms[1].Channel)
	}
	if err := k.cancel(k.undo(phone, 2)); err != nil || k.user(phone) == nil {
		t.Errorf("= %v, want the number back", err)
	}
}

// Eight addresses of a kind in a week, and no more: the oldest, which is the owner's, never gives way
// to a newer one.
func TestS5_TheOwnersLinkIsNotPushedOut(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	d := k.done(ada)
	for n := range 8 {
		if n == 4 {
			k.clock.advance(time.Hour)
			d = k.done(fmt.Sprintf("thief%d@example.com", n-1))
		}
		d = k.changed(d, fmt.Sprintf("thief%d@example.com", n), 1)
	}
	_, err := k.account(d).ChangeAddress(t.Context(), pool.ChangeAddressInput{To: "thief9@example.com"})
	if l, ok := errors.AsType[*pool.LimitError](err); !ok || !l.Until.Equal(start.Add(7*24*time.Hour)) {
		t.Errorf("the ninth = %v, want a LimitError until the first is over", err)
	}
	if err := k.cancel(k.undo(ada, 2)); err != nil || k.user(ada) == nil {
		t.Errorf("the owner's link = %v", err)
	}
}

// Links lead where the program says, and a mistake there is found when the pool is opened (CVE class
// 18).
func TestCVE18_CancelLinksLeadWhereTheProgramSays(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"shop.example.com", "ftp://a.example", "http://shop.example.com/x", "https://a.example/#x", "https://u@a.example", "javascript:alert(1)", "https://a.example/ x"} {
		_, err := pool.Open(t.Context(), open(t).store.Store, pool.Config{ID: "other", CancelURL: bad})
		if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
			t.Errorf("%q = %v, want a SettingsError", bad, err)
		}
	}
	k := open(t, func(c *pool.Config) { c.CancelURL = "http://127.0.0.1:8080/not-me?lang=de" })
	k.confirmed(ada)
	k.changed(k.done(ada), ada2, 1)
	ms := k.mails(ada, 2)
	if !strings.Contains(ms[1].Text, "http://127.0.0.1:8080/not-me?lang=de&link=") || strings.Count(ms[1].Text, "http") != 1 {
		t.Errorf("the mail leads elsewhere: %q", ms[1].Text)
	}
}

// An address is taken away like one that gives way to another; what one signs in by alone stays.
func TestRemoveAddress(t *testing.T) {
	t.Parallel()
	k := open(t, restores, takes(pool.Email, pool.Phone))
	k.confirmed(ada)
	d := k.done(ada)
	if _, err := k.account(d).RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.Email}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("the only login = %v, want ErrNotAllowed", err)
	}
	if _, err := k.account(d).RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.SMS}); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("none = %v, want ErrInvalid", err)
	}
	d = k.changed(d, phone, 1)
	next, err := pool.Finished(k.account(d).RemoveAddress(t.Context(), pool.RemoveAddressInput{Channel: message.Email}))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := k.account(next).Get(t.Context()); err != nil || p.Email != "" || p.Phone != phone {
		t.Errorf("Get = %+v, %v", p, err)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("sign-in by what was removed = %v", err)
	}
	if err := k.cancel(k.undo(ada, 3)); err != nil || k.user(ada) == nil {
		t.Errorf("the link = %v, want it back", err)
	}
}

// A preferred user name is changed with fresh proof; the one before rests, and is the user's alone to
// take back.
func TestS13_ChangedNamesRest(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed("ada")
		k.confirmed("bob")
		change := func(who, to string) error {
			_, err := k.account(k.done(who)).ChangeUsername(t.Context(), pool.ChangeUsernameInput{Username: to})
			return err
		}
		for _, tt := range []struct {
			who, to string
			want    error
		}{
			{"ada", "lovelace", nil},
			{"ada", "countess", nil},
			{"bob", "lovelace", pool.ErrLoginTaken},
			{"bob", "ada", pool.ErrLoginTaken},
			{"bob", "countess", pool.ErrLoginTaken},
			{"bob", "a@b.example", pool.ErrInvalid},
			{"ada", "lovelace", nil},
			{"bob", "countess", pool.ErrLoginTaken},
			{"ada", "", nil},
			{"bob", "lovelace", pool.ErrLoginTaken},
		} {
			if err := change(tt.who, tt.to); !errors.Is(err, tt.want) {
				t.Errorf("%s to %q = %v, want %v", tt.who, tt.to, err, tt.want)
			}
		}
		k.clock.advance(month)
		if err := change("bob", "lovelace"); err != nil {
			t.Errorf("a month later = %v", err)
		}
		d := k.done("ada")
		if err := k.account(d).UpdateAttributes(t.Context(), pool.ChangeAttributesInput{Attributes: user.Attributes{"preferred_username": "x"}}); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("as an attribute = %v, want ErrInvalid", err)
		}
	}, renaming)
	k := open(t)
	if _, err := k.account(k.signedIn()).ChangeUsername(t.Context(), pool.ChangeUsernameInput{Username: "x"}); !errors.Is(err, pool.ErrNotAllowed) {
		t.Errorf("where nobody signs in by it = %v, want ErrNotAllowed", err)
	}
}

// Who once had an address takes back what rests after themselves, and not what rests after somebody
// who has had it since: else these could not restore it.
func TestS5_AddressRestsForWhoHadItLast(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	k.changed(k.done(ada), ada2, 1)
	k.mails(ada, 2)
	k.clock.advance(8 * 24 * time.Hour)
	if err := confirm(k, k.signUp(ada), k.code(ada, 3)); err != nil { // somebody else, by now
		t.Fatal(err)
	}
	k.changed(k.done(ada), "eve@example.com", 1)
	link := k.undo(ada, 4)
	if _, err := k.store.Sweep(t.Context(), k.clock.Now(), 1000); err != nil {
		t.Fatal(err)
	}
	first := k.done(ada2)
	k.ask(first, ada)
	if _, err := k.prove(first, k.code(ada, 5), message.Email); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("who had it first takes it: %v, want ErrLoginTaken", err)
	}
	if err := k.cancel(link); err != nil {
		t.Errorf("who had it last restores it: %v", err)
	}
}

// What an administrator changes is not undone by links of before: neither by the owner's nor by those
// that a thief got.
func TestS5_AdministratorsEndCancelLinks(t *testing.T) {
	t.Parallel()
	k := open(t, restores)
	k.confirmed(ada)
	d := k.changed(k.done(ada), ada2, 1)
	k.changed(d, "thief@example.com", 1)
	links := []string{k.undo(ada, 2), k.undo(ada2, 2)}
	in := pool.UpdateAttributesInput{ID: k.user("thief@example.com").ID, Attributes: user.Attributes{"email": ada}, EmailVerified: true}
	if err := k.admin().UpdateAttributes(t.Context(), in); err != nil {
		t.Fatalf("the user's own address back, by an administrator: %v", err)
	}
	for _, link := range links {
		if err := k.cancel(link); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("a link of before = %v, want ErrTicketGone", err)
		}
	}
	k.changed(k.done(ada), "new@example.com", 1)
	if err := k.cancel(links[0]); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after the next change a link of before = %v, want ErrTicketGone", err)
	}
}

// What has expired and was not erased yet does not stand in the way of what comes in its place.
func TestAddressesAfterWhatHasExpired(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.ask(k.done(ada), ada2)
		k.mails(ada2, 1)
		k.clock.advance(25 * time.Hour)
		k.changed(k.done(ada), ada2, 2)
		k.mails(ada, 2)
		k.clock.advance(8 * 24 * time.Hour)
		k.changed(k.done(ada2), "third@example.com", 1)
	}, restores)
}
