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
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

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
	k.delivered()
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
