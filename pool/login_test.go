package pool_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var named = takes(pool.Username, pool.Email)

// signUpAs signs a user name up, with what it brings.
func (k *kit) signUpAs(name string, as user.Attributes) (pool.SignUpResult, error) {
	return k.SignUp(k.t.Context(), pool.SignUpInput{Username: name, Password: right, Attributes: as})
}

// confirmedAs makes a user of a user name whose code goes to an address.
func (k *kit) confirmedAs(name, to string, n int, as user.Attributes) {
	k.t.Helper()
	up, err := k.signUpAs(name, as)
	if err != nil {
		k.t.Fatalf("SignUp(%q): %v", name, err)
	}
	if up.Delivery.Destination != to {
		k.t.Fatalf("SignUp(%q) sends the code to %q, want %q", name, up.Delivery.Destination, to)
	}
	if err := confirm(k, up.Ticket, k.code(to, n)); err != nil {
		k.t.Fatalf("ConfirmSignUp(%q): %v", name, err)
	}
}

// says returns what the ID token of a sign-in says, and the profile.
func (k *kit) says(login string) (token.Claims, pool.Profile) {
	k.t.Helper()
	done := k.done(login)
	keys, err := token.ParseKeySet(k.JWKS())
	if err != nil {
		k.t.Fatal(err)
	}
	v, err := token.NewVerifier(k.Issuer(), token.Config{ClientIDs: []string{"default"}, Use: token.ID, Keys: keys, Now: k.clock.Now})
	if err != nil {
		k.t.Fatal(err)
	}
	claims, err := v.Verify(k.t.Context(), done.Tokens.ID.Reveal())
	if err != nil {
		k.t.Fatal(err)
	}
	a, err := k.Account(k.t.Context(), done.Tokens.Access)
	if err != nil {
		k.t.Fatal(err)
	}
	profile, err := a.Get(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return *claims, profile
}

func TestSignInByAnyLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmedAs("Ada", "Ada@Example.com", 1, user.Attributes{"email": "Ada@Example.com", "phone_number": phone})
		for _, login := range []string{"Ada", "ada", "ADA", "Ａｄａ", ada, "ADA@example.COM"} {
			c, p := k.says(login)
			if c.Username != "Ada" || c.Email != "Ada@Example.com" || !*c.EmailVerified || c.PhoneNumber != phone || *c.PhoneVerified {
				t.Errorf("%s: claims = %+v", login, c)
			}
			if p.Username != "Ada" || p.Email != c.Email || !p.EmailVerified || p.Phone != phone || p.PhoneVerified || len(p.Attributes) > 0 {
				t.Errorf("%s: profile = %+v", login, p)
			}
			if c.ACR != token.AAL1 || fmt.Sprint(c.AMR) != "[pwd]" {
				t.Errorf("%s: acr %q, amr %q", login, c.ACR, c.AMR)
			}
		}
		for _, login := range []string{"adа", "eve", "eve@example.com"} { // the first ends in a Cyrillic а
			if _, err := k.signIn(login, right); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("SignIn(%q) = %v, want ErrNotAuthorized", login, err)
			}
		}
	}, named)
}

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

// Each user's logins are guessed at with one budget.
func TestT5_LoginsShareOneCounter(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.confirmed("ada")
	for i := range 5 {
		k.signIn([]string{"ada", ada, "ADA", "Ada@Example.com", "ａｄａ"}[i], wrong)
	}
	for _, login := range []string{"ada", ada} {
		if _, err := k.signIn(login, right); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("SignIn(%q) after five wrong ones = %v, want a lock", login, err)
		}
	}
}

// An address whose kind is no login is an attribute: proven, and shared by whoever proves it.
func TestT7_AddressThatIsNoLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmedAs("ada", ada, 1, user.Attributes{"email": ada, "custom:team": "engines"})
		k.confirmedAs("eve", ada, 2, user.Attributes{"email": ada})
		c, p := k.says("ada")
		if c.Email != ada || !*c.EmailVerified || p.Email != ada || !p.EmailVerified || c.Attributes["custom:team"] != "engines" || len(p.Attributes) != 1 {
			t.Errorf("claims %+v, profile %+v", c, p)
		}
		if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("SignIn by an address = %v, want ErrInvalid", err)
		}
		if u := k.user(ada); u != nil {
			t.Errorf("the address is a login of %s", u.ID)
		}
	}, takes(pool.Username), func(c *pool.Config) { c.Settings.Attributes = user.Schema{{Name: "custom:team"}} })
}

// A code to reset a password goes to a proven address only, and the answer does not say where.
func TestT7_ResetByUserName(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		// The phone number is proven, as where both kinds are alike; the email address is another's.
		k.confirmedAs("eve", phone, 1, user.Attributes{"email": ada, "phone_number": phone})
		for _, name := range []string{"eve", "nobody"} {
			res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: name})
			if err != nil || res.Delivery != (pool.Delivery{}) || res.Ticket == "" {
				t.Errorf("ForgotPassword(%q) = %+v, %v, want no delivery", name, res.Delivery, err)
			}
		}
		res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: "EVE"})
		if err != nil {
			t.Fatal(err)
		}
		if err := k.reset(res.Ticket, k.code(phone, 3), another); err != nil {
			t.Fatal(err)
		}
		if m := k.mails(phone, 4)[3]; m.Kind != message.PasswordChanged || m.Channel != message.SMS {
			t.Errorf("the notice is %v", m)
		}
		if ms := k.box.To(ada); len(ms) != 0 {
			t.Errorf("an address that nobody has proven got %v", ms)
		}
		if _, err := pool.Finished(k.signIn("eve", another)); err != nil {
			t.Error(err)
		}
	}, takes(pool.Username))
}

// Where a proven email address and a proven phone number are both to be had, the typed one is used.
func TestResetGoesToTheTypedAddress(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Phone, pool.Email, pool.Username))
	k.confirmedAs("ada", phone, 1, user.Attributes{"phone_number": phone, "email": ada})
	u := k.user("ada")
	u.Logins = append(u.Logins, user.Login{Namespace: user.Name, Value: ada, Display: ada, Rule: 1})
	if err := k.store.Store.Commit(t.Context(), storage.Put(u)); err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct{ typed, to string }{{phone, phone}, {ada, ada}, {"ada", ada}} {
		before := len(k.box.To(tt.to))
		k.forgot(tt.typed)
		if m := k.mails(tt.to, before+1)[before]; m.Kind != message.ResetPassword {
			t.Errorf("%d: %s got %s", i, tt.to, m.Kind)
		}
	}
}

func TestT7_TakenNameIsCounted(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.confirmed("ada")
	k.store.reset()
	for i := range 100 - 1 { // the sign-up was the first
		if _, err := k.signUpAs("ADA", user.Attributes{"email": "eve@example.com"}); !errors.Is(err, pool.ErrLoginTaken) {
			t.Fatalf("%d: SignUp at a taken name = %v, want ErrLoginTaken", i, err)
		}
	}
	if n := kinds(k.store.commits)["PutRecord*user.User"]; n != 0 {
		t.Errorf("%d attempts stored", n)
	}
	if _, err := k.signUpAs("ADA", user.Attributes{"email": "eve@example.com"}); !errors.Is(err, pool.ErrLimited) {
		t.Errorf("beyond the network's budget = %v, want ErrLimited", err)
	}
	if ms := k.box.To("eve@example.com"); len(ms) != 0 {
		t.Errorf("%d mails for names that were refused", len(ms))
	}
}

// A free name with an address that somebody owns: the same in all that a visitor sees, now and at
// sign-in.
func TestS19_FreeNameAtATakenAddress(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.confirmed(ada)
	seen := map[string]string{}
	for name, to := range map[string]string{"bob": "bob@example.com", "eve": ada} {
		k.store.reset()
		before := k.Hashes()
		up, err := k.signUpAs(name, user.Attributes{"email": to})
		if err != nil {
			t.Fatal(err)
		}
		reads, commits := k.store.counted()
		seen[to] = fmt.Sprintln(len(up.Ticket), up.Delivery.Destination == to, k.Hashes()-before, reads, kinds(commits), confirm(k, up.Ticket, "00000"))
		for _, pw := range []password.Secret{wrong, right} {
			k.store.reset()
			before := k.Hashes()
			step, err := k.signIn(name, pw)
			reads, commits := k.store.counted()
			seen[to] += fmt.Sprintf("%T %v %d %d %v\n", step, err, k.Hashes()-before, reads, kinds(commits))
			if need, ok := step.(*pool.NeedConfirm); ok {
				seen[to] += fmt.Sprintln(need.Delivery.Destination == to, confirm(k, need.Ticket, "00000"))
			}
		}
	}
	if seen[ada] != seen["bob@example.com"] {
		t.Errorf("taken:\n%s\nfree:\n%s", seen[ada], seen["bob@example.com"])
	}
	if ms := k.mails(ada, 2); ms[1].Kind != message.AlreadyRegistered {
		t.Errorf("the owner got %s, want %s", ms[1].Kind, message.AlreadyRegistered)
	}
}

// Who is sent the code of a sign-up at an address of theirs, and gives it away, loses nothing.
func TestT7_NameAtATakenAddressConfirmsNothing(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.confirmed(ada)
	if _, err := k.signUpAs("eve", user.Attributes{"email": ada}); err != nil {
		t.Fatal(err)
	}
	k.mails(ada, 2)
	step, err := k.signIn("eve", right)
	need, ok := step.(*pool.NeedConfirm)
	if !ok {
		t.Fatalf("SignIn = %T, %v", step, err)
	}
	if err := confirm(k, need.Ticket, k.code(ada, 3)); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("confirm = %v, want ErrLoginTaken", err)
	}
	if u := k.user("eve"); u.Somebody() {
		t.Error("the name is taken although the address is another's")
	}
}

// Who signed up with a name that somebody else confirmed does not see whether the addresses are one
// as well.
func TestS19_TakenNameHidesItsAddress(t *testing.T) {
	t.Parallel()
	for _, owners := range []string{ada, "lovelace@example.com"} {
		k := open(t, named)
		up, err := k.signUpAs("ada", user.Attributes{"email": owners})
		if err != nil {
			t.Fatal(err)
		}
		code := k.code(owners, 1)
		k.chosen = "ada"
		if _, err := k.newcomer(ada); err != nil {
			t.Fatal(err)
		}
		if err := confirm(k, up.Ticket, code); err != nil {
			t.Fatal(err)
		}
		if step, err := k.signIn("ada", another); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("the name is of %s: %T, %v, want ErrNotAuthorized", owners, step, err)
		}
		k.done("ada")
	}
}

// Somebody who signed up at an address does not see at sign-in that it was proven through a user
// name.
func TestS19_AddressProvenByAName(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	up, err := k.signUpAs("ada", user.Attributes{"email": ada}) // found at the name
	if err != nil {
		t.Fatal(err)
	}
	code := k.code(ada, 1)
	if _, err := k.newcomer(ada); err != nil { // found at the address
		t.Fatal(err)
	}
	tell := func() string {
		step, err := k.signIn(ada, another)
		return fmt.Sprintf("%T %v", step, err)
	}
	before := tell()
	if err := confirm(k, up.Ticket, code); err != nil {
		t.Fatal(err)
	}
	if after := tell(); after != before || !strings.Contains(after, "NeedConfirm") {
		t.Errorf("the attempt at the address sees %q, and saw %q before", after, before)
	}
	k.done("ada")
	k.done(ada)
}

// Of any number who confirm one name, or one address, one wins.
func TestS1_ParallelConfirmsOfOneLogin(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		type entry struct{ ticket, code string }
		var names, addresses []entry
		for i := range 3 { // as many attempts as a name has
			to := fmt.Sprintf("a%d@example.com", i)
			up, err := k.signUpAs("ada", user.Attributes{"email": to})
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, entry{up.Ticket, k.code(to, 1)})
		}
		for i := range 64 {
			up, err := k.signUpAs(fmt.Sprintf("name%d", i), user.Attributes{"email": "one@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			addresses = append(addresses, entry{up.Ticket, k.code("one@example.com", i+1)})
			k.clock.advance(13 * time.Minute) // below five an hour
		}
		for what, entries := range map[string][]entry{"name": names, "address": addresses} {
			var won, lost atomic.Int32
			var all sync.WaitGroup
			for i := range 64 {
				e := entries[i%len(entries)]
				all.Go(func() {
					switch err := confirm(k, e.ticket, e.code); {
					case err == nil:
						won.Add(1)
					case errors.Is(err, pool.ErrLoginTaken) || errors.Is(err, pool.ErrTicketGone) || errors.Is(err, pool.ErrWrongStep):
						lost.Add(1)
					default:
						t.Errorf("one %s: %v", what, err)
					}
				})
			}
			all.Wait()
			if won.Load() != 1 || lost.Load() != 63 {
				t.Errorf("one %s: %d won and %d lost", what, won.Load(), lost.Load())
			}
		}
	}, named)
}

// What is of a kind that the pool does not take, or of none, is refused at each door, and nothing
// is written.
func TestLoginsOfOtherKinds(t *testing.T) {
	t.Parallel()
	mega := strings.Repeat("a", 1<<20)
	junk := []string{"", " ", "\x00", "ada\x00", "\xff", mega, mega + "@example.com", "+" + strings.Repeat("1", 1<<20), "＋4915112345678", "ada＠example.com", "+49 151 12345678", "+0049151123", "00000000-0000-4000-8000-000000000001"}
	for _, tt := range []struct {
		ids  []pool.Identifier
		bad  []string
		want string
	}{
		{nil, []string{"ada", phone}, "must be an email address"},
		{[]pool.Identifier{pool.Phone}, []string{"ada", ada, "4915112345678"}, "must be a phone number such as +4915112345678"},
		{[]pool.Identifier{pool.Username}, []string{ada, phone}, "must be a user name"},
		{[]pool.Identifier{pool.Email, pool.Username}, []string{phone}, "must be an email address or a user name"},
	} {
		k := open(t, takes(tt.ids...))
		k.store.reset()
		for _, typed := range append(tt.bad, junk...) {
			_, signIn := k.signIn(typed, right)
			_, signUp := k.signUpAs(typed, nil)
			_, forgot := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: typed})
			for door, err := range map[string]error{"SignIn": signIn, "SignUp": signUp, "ForgotPassword": forgot} {
				v, ok := errors.AsType[*pool.ValidationError](err)
				if !ok || v.Fields[0] != (pool.FieldError{Field: "Username", Reason: tt.want}) && door != "SignUp" {
					t.Errorf("%v: %s(%.40q) = %.200v, want %q", tt.ids, door, typed, err, tt.want)
				}
			}
		}
		if _, commits := k.store.counted(); len(commits) > 0 {
			t.Errorf("%v: %d commits", tt.ids, len(commits))
		}
	}
}

func TestCaseSensitiveNames(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, named, func(c *pool.Config) { c.Settings.SignIn.CaseSensitive, c.Keys = true, r })
	k.confirmedAs("Ada", ada, 1, user.Attributes{"email": ada})
	k.confirmedAs("ada", "a@example.com", 1, user.Attributes{"email": "a@example.com"})
	k.done("Ada")
	if k.user("Ada").ID == k.user("ada").ID {
		t.Error("two names that differ in case are one")
	}
	_, err := reopen(t, st, pool.Config{Keys: r, Settings: &pool.Settings{}})
	if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
		t.Errorf("Open with another case = %v, want a *SettingsError", err)
	}
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
	k.mails(number(29), 3)
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
	k.signUpAs("bob", user.Attributes{"email": "bob@example.com"})
	k.mails("bob@example.com", 1)
	if ms := k.mails(ada, 5); len(ms) != 5 {
		t.Errorf("%d mails to one address in an hour, want 5", len(ms))
	}
}

// A hash that is replaced at a sign-in by name is not replaced while somebody has an open sign-up
// at the address, who would see it.
func TestS19_RehashByNameDoesNotTell(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, named, func(c *pool.Config) { c.Keys = r })
	k.confirmed("ada")
	if _, err := k.newcomer(ada); err != nil {
		t.Fatal(err)
	}
	newer := cheap
	newer.Time++
	k2 := openOn(t, st, named, func(c *pool.Config) { c.Keys, c.InsecureHash = r, &newer })
	old := k2.user("ada").Password.Hash
	k2.done("ada")
	if got := k2.user("ada").Password.Hash; got != old {
		t.Errorf("the hash was replaced: %s", got)
	}
	if step, err := k2.signIn(ada, another); err != nil {
		t.Errorf("the attempt at the address: %T, %v", step, err)
	}
	k2.clock.advance(25 * time.Hour) // the attempt is over
	k2.done("ada")
	if got := k2.user("ada").Password.Hash; got == old {
		t.Error("the hash was not replaced")
	}
}

func TestUsernameNeedsAnAddress(t *testing.T) {
	t.Parallel()
	k := open(t, named)
	k.store.reset()
	for _, as := range []user.Attributes{
		nil,
		{"email": ""},
		{"name": "Ada"},
		{"email": "ada"},
		{"email": phone},
		{"phone_number": ada},
		{"phone_number": "0151 1234"},
		{"email": strings.Repeat("a", 1<<20) + "@example.com"},
		{"email": ada, "email_verified": "true"},
		{"email": ada, "phone_number_verified": "true"},
	} {
		if _, err := k.signUpAs("ada", as); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("SignUp with %.60v = %v, want ErrInvalid", as, err)
		}
	}
	if _, commits := k.store.counted(); len(commits) > 0 {
		t.Errorf("%d commits", len(commits))
	}
}

// Whom the program vouches for gets the name that was chosen, and of the addresses those that are
// vouched for.
func TestT7_VouchedForByName(t *testing.T) {
	t.Parallel()
	for what, tt := range map[string]struct {
		said  hook.PreSignUpAnswer
		email string
		want  string // the user's logins and attributes
	}{
		"nothing proven":             {hook.PreSignUpAnswer{Confirm: true}, "eve@example.com", "eve | email phone_number"},
		"another's, not vouched for": {hook.PreSignUpAnswer{Confirm: true}, ada, "eve | email phone_number"},
		"a free address":             {hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, "eve@example.com", "eve eve@example.com | phone_number"},
		"another's":                  {hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true}, ada, "nobody"},
		"both":                       {hook.PreSignUpAnswer{Confirm: true, VerifyEmail: true, VerifyPhone: true}, "eve@example.com", "eve eve@example.com | phone_number phone_number_verified"},
		"the other":                  {hook.PreSignUpAnswer{Confirm: true, VerifyPhone: true}, "eve@example.com", "eve | email phone_number phone_number_verified"},
	} {
		k := open(t, named, with(hook.Set{PreSignUp: func(_ context.Context, e hook.PreSignUp) (hook.PreSignUpAnswer, error) {
			if e.Username == "eve" {
				return tt.said, nil
			}
			return hook.PreSignUpAnswer{}, nil
		}}))
		k.confirmed("ada")
		res, err := k.signUpAs("eve", user.Attributes{"email": tt.email, "phone_number": phone})
		if err != nil || !res.Confirmed {
			t.Errorf("%s: SignUp = %+v, %v", what, res, err)
		}
		got := "nobody"
		if u := k.user("eve"); u != nil && u.Somebody() {
			got = ""
			for _, l := range u.Logins {
				got += l.Value + " "
			}
			got += "| " + strings.Join(slices.Sorted(maps.Keys(u.Attributes)), " ")
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", what, got, tt.want)
		}
		if _, err := k.signUpAs("ada", user.Attributes{"email": "x@example.com"}); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("%s: a taken name = %v, want ErrLoginTaken", what, err)
		}
	}
}

// Of many who are vouched for under one name at once, one gets it, and the others are told.
func TestT7_VouchedForOneNameAtOnce(t *testing.T) {
	t.Parallel()
	k := open(t, named, with(hook.Set{PreSignUp: vouch}))
	var all sync.WaitGroup
	var joined atomic.Int32
	for i := range 16 {
		all.Go(func() {
			switch res, err := k.signUpAs("ada", user.Attributes{"email": fmt.Sprintf("a%d@example.com", i)}); {
			case err == nil && res.Confirmed:
				joined.Add(1)
			case !errors.Is(err, pool.ErrLoginTaken):
				t.Errorf("SignUp = %v, want ErrLoginTaken", err)
			}
		})
	}
	all.Wait()
	if joined.Load() != 1 {
		t.Errorf("%d got the name", joined.Load())
	}
}

// A kind of login that is taken no more is refused from the next read on, also by a process that
// has not heard of it yet.
func TestS18_IdentifiersBindFromTheNextRead(t *testing.T) {
	t.Parallel()
	for door, knock := range map[string]func(*kit) error{
		"SignUp": func(k *kit) error { return second(k.newcomer("eve@example.com")) },
		"SignIn": func(k *kit) error { return second(k.signIn(ada, right)) },
		"ForgotPassword": func(k *kit) error {
			return second(k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada}))
		},
	} {
		st, r := memory.New(), ring(t, seal.Generate())
		k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
		k.confirmed(ada)
		settings := pool.Settings{SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Phone}}}
		if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: &settings}); err != nil {
			t.Fatal(err)
		}
		if err := knock(k); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("%s = %v, want ErrInvalid", door, err)
		}
	}
}
