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
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// weak is a password that no policy of ours would take.
var weak = password.New("pw1")

// oldSystem is where users come from. Said is its answer about whoever signs in with weak.
type oldSystem struct {
	said  hook.MigrateUserAnswer
	err   error
	asked atomic.Int32
	last  atomic.Pointer[hook.MigrateUser]
	first func(context.Context) // what happens before it answers
}

func (o *oldSystem) migrate(ctx context.Context, e hook.MigrateUser) (hook.MigrateUserAnswer, error) {
	o.asked.Add(1)
	o.last.Store(&e)
	if o.first != nil {
		o.first(ctx)
	}
	if e.Source == hook.Authentication && e.Password.Reveal() != weak.Reveal() {
		return hook.MigrateUserAnswer{}, o.err
	}
	return o.said, o.err
}

// from opens a pool that asks an old system.
func (o *oldSystem) open(t *testing.T, change ...func(*pool.Config)) *kit {
	return open(t, append(change, with(hook.Set{MigrateUser: o.migrate}))...)
}

// knownAs is an old system in which a user has a proven email address.
func knownAs(as user.Attributes) *oldSystem {
	return &oldSystem{said: hook.MigrateUserAnswer{Found: true, Attributes: as, EmailVerified: true}}
}

// Whoever the old system knows signs in with the password that they have there, and is ours from
// then on: the old system is asked no more, and no rule of ours was asked of the password.
func TestMigration(t *testing.T) {
	t.Parallel()
	o := knownAs(user.Attributes{"name": "Ada", "phone_number": phone})
	k := o.open(t)
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Fatalf("another password = %v", err)
	}
	d, err := pool.Finished(k.signIn("ADA@example.com", weak))
	if err != nil {
		t.Fatal(err)
	}
	u := k.user(ada)
	if u.Status != user.Confirmed || u.Password == nil || u.Password.Form != user.FormNFC || k.subject(d) != u.ID {
		t.Errorf("user = %+v", u)
	}
	if got := k.shape(ada); got != ada+" | name phone_number" {
		t.Errorf("the user has %s", got)
	}
	es := k.events(pool.EventQuery{User: u.ID})
	if len(es) != 2 || es[0].Kind+es[1].Kind != "migrate_usersign_in" && es[0].Kind+es[1].Kind != "sign_inmigrate_user" {
		t.Errorf("events = %+v", es)
	}
	for _, pw := range []password.Secret{weak, right} {
		_, _ = k.signIn(ada, pw)
	}
	if n := o.asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
	e := o.last.Load()
	if e.Source != hook.Authentication || e.Username != "ADA@example.com" || e.User != "" || e.ID == "" {
		t.Errorf("the hook is told %+v", e.Event)
	}
	if s := fmt.Sprintf("%v %+v %#v", *e, *e, *e); strings.Contains(s, "pw1") {
		t.Errorf("the password prints: %s", s)
	}
}

// What the old system may say, by what was typed.
func TestMigrationAnswers(t *testing.T) {
	t.Parallel()
	as := func(more ...string) user.Attributes {
		m := user.Attributes{}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	yes := func(f func(*hook.MigrateUserAnswer)) hook.MigrateUserAnswer {
		a := hook.MigrateUserAnswer{Found: true, EmailVerified: true, Attributes: as("email", ada)}
		f(&a)
		return a
	}
	for name, tt := range map[string]struct {
		typed string
		said  hook.MigrateUserAnswer
		want  string // "" means that it is a wrong password
	}{
		"an address":                {ada, yes(func(*hook.MigrateUserAnswer) {}), ada + " | "},
		"an address without saying": {ada, yes(func(a *hook.MigrateUserAnswer) { a.Attributes = nil }), ada + " | "},
		"with a name":               {ada, yes(func(a *hook.MigrateUserAnswer) { a.Username = "Ada" }), "ada " + ada + " | "},
		"by the name":               {"ada", yes(func(*hook.MigrateUserAnswer) {}), "ada " + ada + " | "},
		"by the name, unproven":     {"ada", yes(func(a *hook.MigrateUserAnswer) { a.EmailVerified = false }), "ada | email"},
		"by the name alone":         {"ada", hook.MigrateUserAnswer{Found: true}, "ada | "},
		"by a preferred name":       {"lovelace", yes(func(a *hook.MigrateUserAnswer) { a.Username, a.Attributes["preferred_username"] = "ada", "Lovelace" }), "ada " + ada + " lovelace | preferred_username"},
		"in a group":                {ada, yes(func(a *hook.MigrateUserAnswer) { a.Groups = []string{"staff"} }), ada + " | "},

		"nobody":                  {ada, hook.MigrateUserAnswer{}, ""},
		"not found, but told of":  {ada, yes(func(a *hook.MigrateUserAnswer) { a.Found = false }), ""},
		"an unproven address":     {ada, yes(func(a *hook.MigrateUserAnswer) { a.EmailVerified = false }), ""},
		"another address":         {ada, yes(func(a *hook.MigrateUserAnswer) { a.Attributes["email"] = "eve@example.com" }), ""},
		"another beside a name":   {ada, yes(func(a *hook.MigrateUserAnswer) { a.Username, a.Attributes["email"] = "ada", "eve@example.com" }), ""},
		"no number":               {ada, yes(func(a *hook.MigrateUserAnswer) { a.PhoneVerified = true }), ""},
		"an address for a name":   {ada, yes(func(a *hook.MigrateUserAnswer) { a.Username = "eve@example.com" }), ""},
		"no name":                 {ada, yes(func(a *hook.MigrateUserAnswer) { a.Username = "a b" }), ""},
		"unknown attribute":       {ada, yes(func(a *hook.MigrateUserAnswer) { a.Attributes["custom:x"] = "y" }), ""},
		"reserved attribute":      {ada, yes(func(a *hook.MigrateUserAnswer) { a.Attributes["email_verified"] = "true" }), ""},
		"too much":                {ada, yes(func(a *hook.MigrateUserAnswer) { a.Attributes["name"] = strings.Repeat("a", 1<<20) }), ""},
		"not UTF-8":               {ada, yes(func(a *hook.MigrateUserAnswer) { a.Attributes["name"] = "\xff" }), ""},
		"unknown group":           {ada, yes(func(a *hook.MigrateUserAnswer) { a.Groups = []string{"admins"} }), ""},
		"another preferred name":  {"lovelace", yes(func(a *hook.MigrateUserAnswer) { a.Username, a.Attributes["preferred_username"] = "ada", "countess" }), ""},
		"who has to set another":  {ada, yes(func(a *hook.MigrateUserAnswer) { a.ResetRequired = true }), ""},
		"who has, and no address": {"ada", hook.MigrateUserAnswer{Found: true, ResetRequired: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &oldSystem{said: tt.said}
			k := o.open(t, renaming, func(c *pool.Config) { c.Settings.Groups = []pool.Group{{Name: "staff"}} })
			_, err := pool.Finished(k.signIn(tt.typed, weak))
			if tt.want == "" {
				u := k.user(tt.typed)
				if made := u != nil; !errors.Is(err, pool.ErrNotAuthorized) || made != tt.said.ResetRequired {
					t.Errorf("= %v, and a user %v", err, made)
				}
				if u != nil && (u.Status != user.ResetRequired || u.Password != nil) {
					t.Errorf("status = %s, password %v", u.Status, u.Password)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := k.shape(tt.typed); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if groups := k.user(tt.typed).Groups; len(groups) != len(tt.said.Groups) {
				t.Errorf("groups = %v", groups)
			}
		})
	}
}

// Whoever the old system does not know, or fails to tell of, is as nobody: the same answer after the
// same hashes, reads and commits (security.md S8, S19).
func TestS19_MigrationDoesNotTell(t *testing.T) {
	t.Parallel()
	want := ""
	for _, tt := range []struct {
		name string
		o    *oldSystem
	}{
		{"without a hook", nil},
		{"nobody", &oldSystem{}},
		{"another password", knownAs(nil)},
		{"denied", &oldSystem{err: errStaff}},
		{"malformed", &oldSystem{said: hook.MigrateUserAnswer{Found: true}}},
		{"panics", &oldSystem{first: func(context.Context) { panic("at the old system") }}},
		{"ours", knownAs(nil)},
		{"ours, disabled", knownAs(nil)},
	} {
		k := open(t)
		if tt.o != nil {
			k = tt.o.open(t)
		}
		typed := wrong
		if tt.name == "malformed" {
			typed = weak
		}
		if strings.HasPrefix(tt.name, "ours") {
			k.confirmed(ada)
			if tt.name != "ours" {
				k.disable(ada)
			}
		}
		k.store.reset()
		before := k.Hashes()
		got := ""
		for range 7 { // into the lock
			step, err := k.signIn(ada, typed)
			got += fmt.Sprintln(step, err)
		}
		reads, commits := k.store.counted()
		got += fmt.Sprint(reads, k.Hashes()-before, kinds(commits))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, want)
		}
		if asks := tt.o != nil && !strings.HasPrefix(tt.name, "ours"); tt.o != nil && tt.o.asked.Load() != map[bool]int32{true: 5}[asks] {
			t.Errorf("%s: asked %d times: it is asked about five guesses at nobody, and not while they are locked", tt.name, tt.o.asked.Load())
		}
	}
}

// An old system that hangs, or is asked too much, is as one that knows nobody, and a visitor who
// hangs up is counted (security.md S8, T5).
func TestS8_MigrationIsBounded(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	o := knownAs(nil)
	o.first = func(context.Context) { <-release }
	k := o.open(t)
	var all sync.WaitGroup
	for n := range hook.Parallel {
		all.Go(func() { _, _ = k.signInFrom(from(n), fmt.Sprintf("user%d@example.com", n), weak) })
	}
	waitFor(t, func() bool { return o.asked.Load() == hook.Parallel })
	if _, err := k.signInFrom(from(999), ada, weak); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("beside what hangs = %v, want ErrNotAuthorized", err)
	}
	close(release)
	all.Wait()

	for range 4 {
		ctx, hangUp := context.WithCancel(t.Context())
		o.first = func(context.Context) { hangUp() }
		in := pool.SignInInput{Username: ada, With: pool.Password{Value: weak}}
		if _, err := k.SignIn(ctx, in); !errors.Is(err, context.Canceled) {
			t.Fatalf("hung up = %v", err)
		}
	}
	o.first = nil
	if _, err := k.signIn(ada, weak); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("after five guesses = %v, want it locked", err)
	}
	if k.user(ada) != nil {
		t.Error("a user was made")
	}
	k.clock.advance(2 * time.Second)
	if _, err := pool.Finished(k.signIn(ada, weak)); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// Of any number at once one user is made, whom all are.
func TestS8_ParallelMigrationsMakeOneUser(t *testing.T) {
	t.Parallel()
	o := knownAs(user.Attributes{"name": "Ada"})
	onEach(t, func(t *testing.T, k *kit) {
		var mu sync.Mutex
		var all sync.WaitGroup
		seen := map[user.ID]int{}
		for n := range 16 {
			all.Go(func() {
				d, err := pool.Finished(k.signInFrom(from(n), ada, weak))
				if err != nil {
					t.Errorf("SignIn = %v", err)
					return
				}
				id := k.subject(d)
				mu.Lock()
				defer mu.Unlock()
				seen[id]++
			})
		}
		all.Wait()
		if len(seen) != 1 {
			t.Errorf("they are %v", seen)
		}
	}, with(hook.Set{MigrateUser: o.migrate}))
}

// Open sign-ups at what a migrated user owns are over, and what others own stays theirs: the old
// system's word moves no address (security.md T7).
func TestT7_MigratedOwner(t *testing.T) {
	t.Parallel()
	o := knownAs(user.Attributes{"email": ada})
	k := o.open(t, named)
	ticket := k.signUp(ada) // with right, by somebody who reads that mailbox later
	code := k.code(ada, 1)
	d, err := pool.Finished(k.signIn(ada, weak))
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, ticket, code); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("the sign-up of before = %v, want ErrLoginTaken", err)
	}
	if step, err := k.signIn(ada, right); err == nil {
		if _, ok := step.(*pool.NeedConfirm); !ok {
			t.Errorf("its password = %T", step)
		}
	}
	if again, err := pool.Finished(k.signIn(ada, weak)); err != nil || k.subject(again) != k.subject(d) {
		t.Errorf("the owner = %v", err)
	}
	// Somebody else there says that the address is theirs as well.
	if _, err := pool.Finished(k.signIn("eve", weak)); err != nil {
		t.Fatal(err)
	}
	if got := k.shape("eve"); got != "eve | email" {
		t.Errorf("eve has %s, want an address that is unproven", got)
	}
	// And that she is called like somebody here.
	k.confirmed("bob")
	o.said.Username, o.said.Attributes = "bob", nil
	if _, err := pool.Finished(k.signIn("carol@example.com", weak)); err != nil {
		t.Fatal(err)
	}
	if got := k.shape("carol@example.com"); got != "carol@example.com | " {
		t.Errorf("carol has %s", got)
	}
}

// Whoever was here once does not come back from the old system, by no login that they had.
func TestS13_MigratedOnce(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(k *kit) error{
		"deleted": func(k *kit) error { return k.admin().DeleteUser(k.t.Context(), k.user(ada).ID) },
		"moved": func(k *kit) error {
			in := pool.UpdateAttributesInput{ID: k.user(ada).ID, Attributes: user.Attributes{"email": "lovelace@example.com"}, EmailVerified: true}
			return k.admin().UpdateAttributes(k.t.Context(), in)
		},
	} {
		for _, native := range []bool{false, true} {
			o := knownAs(user.Attributes{"email": ada})
			k := o.open(t, named)
			if native {
				k.confirmed(ada)
			} else if _, err := pool.Finished(k.signIn(ada, weak)); err != nil {
				t.Fatal(err)
			}
			if err := leave(k); err != nil {
				t.Fatal(err)
			}
			asked := o.asked.Load()
			for _, wait := range []time.Duration{time.Second, 365 * 24 * time.Hour} {
				k.clock.advance(wait)
				if _, err := k.signIn(ada, weak); !errors.Is(err, pool.ErrNotAuthorized) {
					t.Errorf("%s, native %v: after %v = %v, want ErrNotAuthorized", name, native, wait, err)
				}
				k.forgot(ada)
			}
			if n := o.asked.Load() - asked; n != 0 {
				t.Errorf("%s, native %v: asked %d times", name, native, n)
			}
		}
	}
}

// Nor do they where case counts no more, or begins to.
func TestS13_MigratedOnceInAnyCase(t *testing.T) {
	t.Parallel()
	for _, sensitive := range []bool{true, false} {
		o := knownAs(user.Attributes{"email": ada})
		c := &cases{t, nodes(t, memory.New(), 1, func(c *pool.Config) { c.Hooks.MigrateUser = o.migrate })}
		n := c.nodes[0]
		n.put(func(s *pool.Settings) {
			s.SignIn.Identifiers, s.SignIn.CaseSensitive = []pool.Identifier{pool.Username}, sensitive
		})
		c.settle()
		if err := n.admin().DeleteUser(t.Context(), c.made("Ada")); err != nil {
			t.Fatal(err)
		}
		if err := c.sensitive(!sensitive); err != nil {
			t.Fatal(err)
		}
		c.settle()
		n.clock.advance(365 * 24 * time.Hour)
		for _, name := range []string{"Ada", "ada", "ADA"} {
			if _, err := n.signIn(name, weak); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("sensitive %v: %s = %v, want ErrNotAuthorized", !sensitive, name, err)
			}
		}
		if n := o.asked.Load(); n != 0 {
			t.Errorf("asked %d times", n)
		}
	}
}

// Whoever has forgotten the password of the old system sets one here, by a code to an address that
// is vouched for; where there is none, nobody is made.
func TestMigrationForgotten(t *testing.T) {
	t.Parallel()
	for typed, tt := range map[string]struct {
		said hook.MigrateUserAnswer
		made bool
	}{
		ada:    {hook.MigrateUserAnswer{Found: true, EmailVerified: true}, true},
		"ada":  {hook.MigrateUserAnswer{Found: true, EmailVerified: true, Attributes: user.Attributes{"email": ada}}, true},
		"bob":  {hook.MigrateUserAnswer{Found: true, Attributes: user.Attributes{"email": ada}}, false},
		"eve":  {hook.MigrateUserAnswer{}, false},
		"adam": {hook.MigrateUserAnswer{Found: true, EmailVerified: true}, false}, // malformed
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			o := &oldSystem{said: tt.said}
			k := o.open(t, named)
			res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: typed})
			if err != nil || len(res.Ticket) == 0 {
				t.Fatal(err)
			}
			if e := o.last.Load(); e.Source != hook.ForgotPassword || !e.Password.IsZero() {
				t.Errorf("the hook is told %+v", e)
			}
			if k.user(typed) != nil {
				t.Error("a user is made before the code came back")
			}
			if !tt.made {
				if err := k.reset(res.Ticket, "12345678", another); !errors.Is(err, pool.ErrBadCode) {
					t.Errorf("a code = %v", err)
				}
				k.delivered()
				if n := len(k.box.All()); n > 0 {
					t.Errorf("%d messages", n)
				}
				return
			}
			if m := k.mails(ada, 1)[0]; m.Kind != message.ResetPassword {
				t.Errorf("got %s", m.Kind)
			}
			if err := k.reset(res.Ticket, flipDigit(k.code(ada, 1)), another); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("a wrong code = %v", err)
			}
			if err := k.reset(res.Ticket, k.code(ada, 1), another); err != nil {
				t.Fatal(err)
			}
			if _, err := k.signIn(typed, weak); !errors.Is(err, pool.ErrNotAuthorized) {
				t.Errorf("the old password = %v", err)
			}
			if _, err := pool.Finished(k.signIn(typed, another)); err != nil {
				t.Error(err)
			}
			if err := k.reset(res.Ticket, k.code(ada, 1), right); !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("the code once more = %v", err)
			}
			if n := o.asked.Load(); n != 2 {
				t.Errorf("asked %d times, want when it was forgotten and when the code came", n)
			}
		})
	}
}

// Whoever types another's login keeps nobody out: the password of the old system is good until a
// code has come back, and then no code of before is (security.md T6).
func TestT6_ForgottenByStrangers(t *testing.T) {
	t.Parallel()
	k := knownAs(nil).open(t)
	ticket := k.forgot(ada)
	code := k.code(ada, 1)
	d, err := pool.Finished(k.signIn(ada, weak))
	if err != nil {
		t.Fatalf("the owner = %v", err)
	}
	if err := k.reset(ticket, code, another); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("the code of before = %v, want ErrBadCode", err)
	}
	if _, err := k.refresh(d); err != nil {
		t.Errorf("the owner's session = %v", err)
	}
	if _, err := pool.Finished(k.signIn(ada, weak)); err != nil {
		t.Errorf("the owner, again = %v", err)
	}
}

// A code makes nobody whom the old system does not know any more, or knows at another address, nor
// where a newer one was asked for; and it is guessed at as any is, however many tickets there are.
func TestT5_CodesOfArrivalsAreBound(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		then func(k *kit, o *oldSystem)
		want error
	}{
		"known no more":      {func(_ *kit, o *oldSystem) { o.said = hook.MigrateUserAnswer{} }, pool.ErrBadCode},
		"denied":             {func(_ *kit, o *oldSystem) { o.err = errStaff }, pool.ErrBadCode},
		"at another address": {func(_ *kit, o *oldSystem) { o.said.Attributes = user.Attributes{"email": "eve@example.com"} }, pool.ErrBadCode},
		"unproven by now":    {func(_ *kit, o *oldSystem) { o.said.EmailVerified = false }, pool.ErrBadCode},
		"a newer one":        {func(k *kit, _ *oldSystem) { k.clock.advance(time.Second); k.forgot("ada") }, pool.ErrBadCode},
		"somebody signed up": {func(k *kit, _ *oldSystem) { k.signUpAs("ada", user.Attributes{"email": "eve@example.com"}) }, nil},
		"the name was taken": {func(k *kit, _ *oldSystem) { k.made("ada", false, false) }, pool.ErrBadCode},
		"sign-up was begun":  {func(k *kit, _ *oldSystem) { k.signUp(ada) }, nil},
		"an hour later":      {func(k *kit, _ *oldSystem) { k.clock.advance(time.Hour) }, pool.ErrTicketGone},
		"the name is taken at once": {func(k *kit, _ *oldSystem) {
			k.store.meanwhile(func() { k.made("ada", false, false) })
		}, pool.ErrBadCode},
		"the address is taken at once": {func(k *kit, _ *oldSystem) {
			k.store.meanwhile(func() { k.made("bob", true, false) })
		}, pool.ErrBadCode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := knownAs(user.Attributes{"email": ada})
			k := o.open(t, named)
			ticket := k.forgot("ada")
			code := k.code(ada, 1)
			tt.then(k, o)
			if err := k.reset(ticket, code, another); !errors.Is(err, tt.want) {
				t.Fatalf("= %v, want %v", err, tt.want)
			}
			if _, err := pool.Finished(k.signIn("ada", another)); (err == nil) != (tt.want == nil) {
				t.Errorf("signed in = %v", err)
			}
		})
	}
	k := knownAs(nil).open(t)
	for n := range 2 {
		k.clock.advance(time.Second)
		ticket := k.forgot(ada)
		code := k.code(ada, n+1)
		for range 3 - n {
			if err := k.reset(ticket, flipDigit(code), another); !errors.Is(err, pool.ErrBadCode) {
				t.Errorf("a wrong code = %v", err)
			}
		}
		if n == 0 {
			continue
		}
		if err := k.reset(ticket, code, another); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("the right one after five guesses = %v, want it locked", err)
		}
		k.clock.advance(2 * time.Second)
		if err := k.reset(ticket, code, another); err != nil {
			t.Errorf("after the lock = %v", err)
		}
	}
}

// Whoever asks for a code sees nothing of whether the old system knows somebody.
func TestS19_ForgottenByTheOldSystemDoesNotTell(t *testing.T) {
	t.Parallel()
	want := ""
	for _, o := range []*oldSystem{{}, knownAs(nil), {err: errStaff}, {said: hook.MigrateUserAnswer{Found: true}}} {
		k := o.open(t)
		k.store.reset()
		res, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: ada})
		got := fmt.Sprintln(len(res.Ticket), res.Delivery, err)
		for range 7 {
			got += fmt.Sprintln(k.reset(res.Ticket, "12345678", another))
		}
		reads, commits := k.store.counted()
		got += fmt.Sprint(reads, k.Hashes(), kinds(commits))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%+v, %v:\n%s\nwant\n%s", o.said, o.err, got, want)
		}
	}
}

// Tokens that are withheld make nobody ours, and what PreAuthentication denies is not asked about.
func TestMigrationBesideOtherHooks(t *testing.T) {
	t.Parallel()
	o := knownAs(nil)
	var tries, gives error
	k := open(t, with(hook.Set{
		MigrateUser:       o.migrate,
		PreAuthentication: func(context.Context, hook.PreAuthentication) error { return tries },
		PreTokenGeneration: func(context.Context, hook.PreTokenGeneration) (hook.PreTokenGenerationAnswer, error) {
			return hook.PreTokenGenerationAnswer{}, gives
		},
	}))
	tries = errStaff
	_, err := k.signIn(ada, weak)
	denies(t, err, "PreAuthentication", errStaff)
	if n := o.asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	tries, gives = nil, errStaff
	_, err = k.signIn(ada, weak)
	denies(t, err, "PreTokenGeneration", errStaff)
	if k.user(ada) != nil {
		t.Error("a user was made")
	}
	gives = nil
	k.staleOnce()
	asked := o.asked.Load()
	if _, err := pool.Finished(k.signIn(ada, weak)); err != nil || o.asked.Load() != asked+1 {
		t.Errorf("at last = %v after being asked %d times", err, o.asked.Load()-asked)
	}
}

// A password that ours could not be has to be set anew.
func TestMigrationOfAnOverlongPassword(t *testing.T) {
	t.Parallel()
	long := password.New(strings.Repeat("a", 257))
	k := open(t, with(hook.Set{MigrateUser: func(context.Context, hook.MigrateUser) (hook.MigrateUserAnswer, error) {
		return hook.MigrateUserAnswer{Found: true, EmailVerified: true}, nil
	}}))
	if _, err := k.signIn(ada, long); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("SignIn = %v", err)
	}
	if u := k.user(ada); u == nil || u.Status != user.ResetRequired {
		t.Errorf("user = %+v", u)
	}
}
