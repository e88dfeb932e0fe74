package pool_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// A new address is a login where it is vouched for, and what was is none any more; sessions end
// with it.
func TestT7_AdminMovesAddresses(t *testing.T) {
	t.Parallel()
	const next = "Ida@example.com"
	said := func(pairs ...string) user.Attributes {
		as := user.Attributes{}
		for i := 0; i < len(pairs); i += 2 {
			as[pairs[i]] = pairs[i+1]
		}
		return as
	}
	for name, tt := range map[string]struct {
		in     pool.UpdateAttributesInput
		logins string // "" means that it is refused
		proven string
		ends   bool // sessions
	}{
		"a name":               {pool.UpdateAttributesInput{Attributes: said("name", "Ada")}, "ada " + ada, ada, false},
		"the same address":     {pool.UpdateAttributesInput{Attributes: said("email", "ADA@example.com")}, "ada " + ada, ada, false},
		"the same, vouched":    {pool.UpdateAttributesInput{Attributes: said("email", ada), EmailVerified: true}, "ada " + ada, ada, false},
		"nothing, vouched":     {pool.UpdateAttributesInput{EmailVerified: true}, "ada " + ada, ada, false},
		"unvouched":            {pool.UpdateAttributesInput{Attributes: said("email", next)}, "ada", "", true},
		"vouched":              {pool.UpdateAttributesInput{Attributes: said("email", next), EmailVerified: true}, "ada " + next, next, true},
		"removed":              {pool.UpdateAttributesInput{Attributes: said("email", "")}, "ada", "", true},
		"removed and vouched":  {pool.UpdateAttributesInput{Attributes: said("email", ""), EmailVerified: true}, "", "", false},
		"a number, unvouched":  {pool.UpdateAttributesInput{Attributes: said("phone_number", phone)}, "ada " + ada, ada, false},
		"a number, vouched":    {pool.UpdateAttributesInput{Attributes: said("phone_number", phone), PhoneVerified: true}, "ada " + ada + " " + phone, ada, true},
		"no number, vouched":   {pool.UpdateAttributesInput{PhoneVerified: true}, "", "", false},
		"somebody's address":   {pool.UpdateAttributesInput{Attributes: said("email", "bob@example.com"), EmailVerified: true}, "", "", false},
		"somebody's, unproven": {pool.UpdateAttributesInput{Attributes: said("email", "bob@example.com")}, "ada", "", true},
		"verified by a word":   {pool.UpdateAttributesInput{Attributes: said("email_verified", "true")}, "", "", false},
		"no address":           {pool.UpdateAttributesInput{Attributes: said("email", "ada")}, "", "", false},
		"unknown":              {pool.UpdateAttributesInput{Attributes: said("custom:plan", "pro")}, "", "", false},
		"another user":         {pool.UpdateAttributesInput{Attributes: said("sub", "x")}, "", "", false},
		"too much":             {pool.UpdateAttributesInput{Attributes: said("name", strings.Repeat("x", 5000))}, "", "", false},
		"too much together":    {pool.UpdateAttributesInput{Attributes: said("name", strings.Repeat("x", 2000), "nickname", strings.Repeat("y", 2000), "given_name", strings.Repeat("z", 100))}, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, func(t *testing.T, k *kit) {
				k.confirmed("bob@example.com")
				made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{
					Username: "ada", Attributes: said("email", ada, "nickname", "Countess"), EmailVerified: true, Password: right, Permanent: true,
				})
				if err != nil {
					t.Fatal(err)
				}
				d := k.done("ada")
				in := tt.in // of this store: the other is tried at the same time
				in.ID = made.ID
				err = k.admin().UpdateAttributes(t.Context(), in)
				got, _ := k.admin().GetUser(t.Context(), made.ID)
				if tt.logins == "" {
					if !errors.Is(err, pool.ErrInvalid) && !errors.Is(err, pool.ErrLoginTaken) || fmt.Sprint(got) != fmt.Sprint(made) {
						t.Errorf("= %v, and then %+v, want a refusal that changes nothing", err, got)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var logins []string
				for _, l := range k.user("ada").Logins {
					logins = append(logins, l.Display)
				}
				if strings.Join(logins, " ") != tt.logins || got.EmailVerified != (tt.proven != "") || tt.proven != "" && got.Email != tt.proven {
					t.Errorf("owns %q, and is %+v; want %q", logins, got, tt.logins)
				}
				if got.Attributes["nickname"] != "Countess" || got.Attributes["email_verified"] != "" {
					t.Errorf("attributes %v", got.Attributes)
				}
				if _, err := k.refresh(d); errors.Is(err, pool.ErrNotAuthorized) != tt.ends {
					t.Errorf("refresh = %v, want that sessions end: %v", err, tt.ends)
				}
				if _, err := k.signIn(next, right); (err == nil) != strings.Contains(tt.logins, next) {
					t.Errorf("sign-in by the new address = %v", err)
				}
			}, takes(pool.Username, pool.Email, pool.Phone))
		})
	}
}

// Nobody is left without a login, and an attempt keeps the address that it is to prove.
func TestAdminLeavesALogin(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.signUp("bob@example.com")
	for name, tt := range map[string]struct {
		login string
		in    pool.UpdateAttributesInput
		want  error
	}{
		"the only one changes":        {ada, pool.UpdateAttributesInput{Attributes: user.Attributes{"email": "x@example.com"}}, pool.ErrInvalid},
		"the only one goes":           {ada, pool.UpdateAttributesInput{Attributes: user.Attributes{"email": ""}}, pool.ErrInvalid},
		"of a sign-up changes":        {"bob@example.com", pool.UpdateAttributesInput{Attributes: user.Attributes{"email": "x@example.com"}}, pool.ErrNotAllowed},
		"of a sign-up is vouched for": {"bob@example.com", pool.UpdateAttributesInput{EmailVerified: true}, pool.ErrNotAllowed},
		"a sign-up's name":            {"bob@example.com", pool.UpdateAttributesInput{Attributes: user.Attributes{"name": "Bob"}}, nil},
	} {
		tt.in.ID = k.user(tt.login).ID
		if err := k.admin().UpdateAttributes(t.Context(), tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s = %v, want %v", name, err, tt.want)
		}
	}
	if err := k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: k.user(ada).ID, Attributes: user.Attributes{"email": "ida@example.com"}, EmailVerified: true}); err != nil {
		t.Fatal(err)
	}
	k.done("ida@example.com")
	if u := k.user(ada); u != nil {
		t.Errorf("the old address still finds %+v", u)
	}
}

// Two who move to one address at once: one has it, and the other nothing.
func TestAdminsMoveToOneAddress(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		var wait sync.WaitGroup
		errs := make([]error, 2)
		for i, login := range []string{ada, "bob@example.com"} {
			id := k.invited(login)
			wait.Go(func() {
				errs[i] = k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"email": "one@example.com"}, EmailVerified: true})
			})
		}
		wait.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), pool.ErrLoginTaken) {
			t.Errorf("= %v", errs)
		}
	})
}

// A proven address that goes is told that it did, and nobody else is; what was sent to any address
// that goes, proven or not, is of no use any more.
func TestS5_AddressThatGoesIsTold(t *testing.T) {
	t.Parallel()
	said := func(name, value string) user.Attributes { return user.Attributes{name: value} }
	for name, tt := range map[string]struct {
		proven bool // the email address of before
		change user.Attributes
		vouch  bool
		told   string // the address that is told; "" means none
		ends   bool
	}{
		"moves":                 {true, said("email", "next@example.com"), true, ada, true},
		"moves, unvouched":      {true, said("email", "next@example.com"), false, ada, true},
		"goes":                  {true, said("email", ""), false, ada, true},
		"in other letters":      {true, said("email", "ADA@example.com"), false, "", false},
		"the number moves":      {true, said("phone_number", "+4915187654321"), false, phone, true},
		"the name changes":      {true, said("name", "Ida"), false, "", false},
		"unproven, moves":       {false, said("email", "next@example.com"), false, "", true},
		"unproven, goes":        {false, said("email", ""), false, "", true},
		"unproven, vouched for": {false, nil, true, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, takes(pool.Username, pool.Email, pool.Phone))
			made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{
				Username: "ada", Attributes: user.Attributes{"email": ada, "phone_number": phone},
				EmailVerified: tt.proven, PhoneVerified: true, Password: right, Permanent: true,
			})
			if err != nil {
				t.Fatal(err)
			}
			d := k.done("ada")
			in := pool.UpdateAttributesInput{ID: made.ID, Attributes: tt.change, EmailVerified: tt.vouch}
			k.store.keepMail(true)
			if err := k.admin().UpdateAttributes(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			due, err := k.store.Due(t.Context(), nil, -1, k.clock.Now().Add(time.Hour), 10)
			if err != nil || (len(due) == 1) != (tt.told != "") || len(due) > 1 {
				t.Fatalf("%d messages, %v", len(due), err)
			}
			k.store.keepMail(false)
			if tt.told != "" {
				k.clock.advance(time.Minute)
				if m := k.mails(tt.told, 1)[0]; m.Kind != message.AddressRemoved || strings.Contains(m.Text, "next@") {
					t.Errorf("told %+v", m)
				}
			}
			if _, err := k.refresh(d); errors.Is(err, pool.ErrNotAuthorized) != tt.ends {
				t.Errorf("refresh = %v, want that sessions end: %v", err, tt.ends)
			}
		})
	}
}

// An invitation that waits dies when the address that it waits for goes, though nobody had proven
// it: it would hand the account to a stranger.
func TestS5_InvitationToAnAddressThatGoes(t *testing.T) {
	t.Parallel()
	var k *kit
	var down atomic.Bool
	down.Store(true)
	tried := make(chan struct{}, 100)
	k = open(t, takes(pool.Username, pool.Email), func(c *pool.Config) {
		c.Sender = message.SenderFunc(func(ctx context.Context, m message.Message) error {
			if down.Load() {
				tried <- struct{}{}
				return errors.New("down")
			}
			return k.box.Send(ctx, m)
		})
	})
	made, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{Username: "ada", Attributes: user.Attributes{"email": "ado@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	<-tried
	if err := k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: made.ID, Attributes: user.Attributes{"email": ada}}); err != nil {
		t.Fatal(err)
	}
	down.Store(false)
	waitFor(t, func() bool {
		due, err := k.store.Due(t.Context(), nil, -1, k.clock.Now().Add(time.Hour), 10)
		if len(due) > 0 && due[0].Due.After(k.clock.Now()) { // no oftener, or leases run out meanwhile
			k.clock.advance(due[0].Due.Sub(k.clock.Now()))
		}
		return err == nil && len(due) == 0
	})
	if ms := k.box.To("ado@example.com"); len(ms) > 0 {
		t.Errorf("a stranger has got %+v", ms)
	}
}
