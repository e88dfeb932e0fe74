package pool_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// groups gives a pool groups of no precedence.
func groups(names ...string) func(*pool.Config) {
	return func(c *pool.Config) {
		c.Settings = &pool.Settings{}
		for _, name := range names {
			c.Settings.Groups = append(c.Settings.Groups, pool.Group{Name: name})
		}
	}
}

// in makes the user behind a login a member of these groups alone, as an administrator would.
func (k *kit) in(login string, names ...string) {
	k.t.Helper()
	u := k.user(login)
	u.Groups = nil
	for _, name := range names {
		if err := u.Join(name); err != nil {
			k.t.Fatal(err)
		}
	}
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatal(err)
	}
}

// members wants both tokens and both profiles to tell these groups.
func (k *kit) members(what string, tokens, browser *pool.Done, want ...string) {
	k.t.Helper()
	access, id := k.read(tokens)
	k.shown(what+", access token", access.Groups, want...)
	k.shown(what+", ID token", id.Groups, want...)
	account, err := k.Account(k.t.Context(), tokens.Tokens.Access)
	if err != nil {
		k.t.Fatal(err)
	}
	profile, err := account.Get(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	k.shown(what+", account", profile.Groups, want...)
	if _, profile, err = k.Session(k.t.Context(), browser.Cookie); err != nil {
		k.t.Fatal(err)
	}
	k.shown(what+", browser session", profile.Groups, want...)
}

func (k *kit) shown(what string, got []string, want ...string) {
	k.t.Helper()
	if !slices.Equal(got, want) || len(got) == 0 && got != nil {
		k.t.Errorf("%s: groups %q, want %q", what, got, want)
	}
}

// Groups are told by precedence and then by name, and only those that the pool has.
func TestGroupsByPrecedence(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.members("of nobody's", k.done(ada), k.browse(ada))
		k.in(ada, "zeta", "alpha", "last", "first", "tie", "cognito:groups", "Staff", "größe", "unknown")
		k.members("by precedence", k.done(ada), k.browse(ada), "first", "alpha", "tie", "zeta", "last", "Staff", "cognito:groups", "größe")
		k.in(ada, "unknown", "staff", "STAFF", "Staffs", "Staf", "Stаff") // the last with a Cyrillic а
		k.members("look-alikes", k.done(ada), k.browse(ada))
	}, func(c *pool.Config) {
		c.Settings = &pool.Settings{Groups: []pool.Group{
			{Name: "größe"},
			{Name: "Staff"},
			{Name: "cognito:groups"},
			{Name: "last", Precedence: new(1 << 30)},
			{Name: "zeta", Precedence: new(5)},
			{Name: "tie", Precedence: new(5)},
			{Name: "alpha", Precedence: new(5)},
			{Name: "first", Precedence: new(0)},
		}}
	})
}

// Whoever is taken out of a group is out of it at the next request and in the next tokens.
func TestT3_LeavingAGroupBindsAtOnce(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.in(ada, "admin", "staff")
		tokens, browser := k.done(ada), k.browse(ada)
		k.members("before", tokens, browser, "admin", "staff")
		k.in(ada, "staff")
		_, profile, err := k.Session(t.Context(), browser.Cookie)
		if err != nil {
			t.Fatalf("leaving a group ended the session: %v", err)
		}
		k.shown("at the next request", profile.Groups, "staff")
		again, err := k.refresh(tokens)
		if err != nil {
			t.Fatal(err)
		}
		k.members("refreshed", again, browser, "staff")
		k.in(ada)
		if again, err = k.refresh(tokens); err != nil { // the token of before, within the grace
			t.Fatal(err)
		}
		k.members("refreshed by the token of before", again, browser)
	}, groups("admin", "staff"))
}

// A membership that ends between the read and the commit is in no token.
func TestT3_LeavingAGroupWhileTokensAreMade(t *testing.T) {
	t.Parallel()
	var k *kit
	leave := false
	k = open(t, groups("admin"), with(hook.Set{
		PreTokenGeneration: func(_ context.Context, e hook.PreTokenGeneration) (hook.PreTokenGenerationAnswer, error) {
			if leave {
				k.shown("what the hook is told", e.Groups, "admin")
				k.in(ada)
			}
			return hook.PreTokenGenerationAnswer{}, nil
		},
	}))
	k.confirmed(ada)
	for name, make := range map[string]func(*pool.Done) (*pool.Done, error){
		"sign-in": func(*pool.Done) (*pool.Done, error) { return pool.Finished(k.signIn(ada, right)) },
		"refresh": k.refresh,
	} {
		leave = false
		k.in(ada, "admin")
		before := k.done(ada)
		leave = true
		after, err := make(before)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		access, id := k.read(after)
		k.shown(name, slices.Concat(access.Groups, id.Groups))
	}
}

// A group that is taken out of the settings is gone from what is told next, of another process too,
// and one that comes back is there again: memberships stay.
func TestS18_GroupsBindFromTheNextRead(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
	k.confirmed(ada)
	set := func(s *pool.Settings) {
		t.Helper()
		if _, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: s, Now: k.clock.Now}); err != nil {
			t.Fatal(err)
		}
	}
	both := &pool.Settings{Groups: []pool.Group{{Name: "admin", Precedence: new(1)}, {Name: "staff"}}}
	set(both)
	k.in(ada, "admin", "staff")
	tokens, browser := k.done(ada), k.browse(ada)
	k.members("before", tokens, browser, "admin", "staff")
	for _, change := range []struct {
		settings *pool.Settings
		want     []string
	}{
		{&pool.Settings{Groups: []pool.Group{{Name: "staff"}}}, []string{"staff"}},
		{&pool.Settings{Groups: []pool.Group{{Name: "admin"}, {Name: "staff", Precedence: new(7)}}}, []string{"staff", "admin"}},
		{&pool.Settings{}, nil},
		{both, []string{"admin", "staff"}},
	} {
		set(change.settings)
		_, profile, err := k.Session(t.Context(), browser.Cookie)
		if err != nil {
			t.Fatal(err)
		}
		k.shown("at the next request", profile.Groups, change.want...)
		if tokens, err = k.refresh(tokens); err != nil {
			t.Fatal(err)
		}
		k.members("refreshed", tokens, browser, change.want...)
	}
}

// The groups of a hook are those of one token, and are no membership.
func TestHookGroupsAreOfOneToken(t *testing.T) {
	t.Parallel()
	s := &shaping{}
	k := open(t, groups("admin", "staff"), with(hook.Set{PreTokenGeneration: s.hook}))
	k.confirmed(ada)
	k.in(ada, "staff", "unknown")
	s.say(hook.PreTokenGenerationAnswer{Groups: []string{"admin", "elsewhere"}}, nil)
	d := k.done(ada)
	k.shown("what the hook is told", s.events[0].Groups, "staff")
	access, id := k.read(d)
	k.shown("access token", access.Groups, "admin", "elsewhere")
	k.shown("ID token", id.Groups, "admin", "elsewhere")
	account, err := k.Account(t.Context(), d.Tokens.Access)
	if err != nil {
		t.Fatal(err)
	}
	if profile, err := account.Get(t.Context()); err != nil || !slices.Equal(profile.Groups, []string{"staff"}) {
		t.Errorf("account: groups %q, %v, want those of the user", profile.Groups, err)
	}
	s.say(hook.PreTokenGenerationAnswer{Groups: []string{}}, nil)
	if d, err = k.refresh(d); err != nil {
		t.Fatal(err)
	}
	access, id = k.read(d)
	k.shown("taken away by the hook", slices.Concat(access.Groups, id.Groups))
	s.say(hook.PreTokenGenerationAnswer{}, nil)
	if d, err = k.refresh(d); err != nil {
		t.Fatal(err)
	}
	k.members("once the hook says nothing", d, k.browse(ada), "staff")
}

// A token has at most 8 KiB. What does not fit with the groups tells none of them, rather than
// some, and nobody is locked out; the profile tells them all.
func TestTooManyGroupsForAToken(t *testing.T) {
	t.Parallel()
	var long, short []string
	for i := range user.MaxGroups {
		long = append(long, fmt.Sprintf("%03d", i)+strings.Repeat("x", 125))
		short = append(short, fmt.Sprintf("%03d", i)+strings.Repeat("y", 27))
	}
	for name, h := range map[string]hook.Set{"no hook": {}, "a hook": {PreTokenGeneration: (&shaping{}).hook}} {
		log := new(bytes.Buffer)
		k := open(t, groups(slices.Concat(long, short)...), with(h), func(c *pool.Config) {
			c.Logger = slog.New(slog.NewTextHandler(log, nil))
		})
		in := pool.SignUpInput{Username: ada, Password: right, Attributes: user.Attributes{"profile": "https://example.com/" + strings.Repeat("x", 1900), "website": "https://example.com/" + strings.Repeat("x", 1900)}}
		up, err := k.SignUp(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.ConfirmSignUp(t.Context(), pool.CodeInput{Ticket: up.Ticket, Code: k.code(ada, 1)}); err != nil {
			t.Fatal(err)
		}
		k.in(ada, long...)
		log.Reset()
		access, id := k.read(k.done(ada))
		k.shown(name+", 100 of 128 characters", slices.Concat(access.Groups, id.Groups))
		if got := strings.Count(log.String(), "groups left out of a token"); got != 2 || strings.Contains(log.String(), ada) || strings.Contains(log.String(), "xxx") {
			t.Errorf("%s: %d warnings, want one for each token, without a name: %s", name, got, log)
		}
		_, profile, err := k.Session(t.Context(), k.browse(ada).Cookie)
		if err != nil {
			t.Fatal(err)
		}
		k.shown(name+", browser session", profile.Groups, long...)
		k.in(ada, short...)
		access, id = k.read(k.done(ada))
		k.shown(name+", 100 of 30 characters", access.Groups, short...)
		k.shown(name+", 100 of 30 characters and a profile of 4 KB", id.Groups)
	}
}

func TestGroupSettings(t *testing.T) {
	t.Parallel()
	many := make([]pool.Group, 4000)
	for i := range many {
		many[i].Name = fmt.Sprint("group", i)
	}
	for name, tt := range map[string]struct {
		groups   []pool.Group
		problems int
	}{
		"none":                   {nil, 0},
		"all of it":              {[]pool.Group{{Name: "a", Description: strings.Repeat("ß", 2048), Precedence: new(0)}, {Name: "b", Precedence: new(1<<31 - 1)}}, 0},
		"one precedence":         {[]pool.Group{{Name: "a", Precedence: new(1)}, {Name: "b", Precedence: new(1)}}, 0},
		"cases":                  {[]pool.Group{{Name: "admin"}, {Name: "Admin"}, {Name: "admins"}}, 0},
		"look-alikes":            {[]pool.Group{{Name: "admin"}, {Name: "аdmin"}}, 0}, // other letters, which code points tell apart
		"4,000":                  {many, 0},
		"twins":                  {[]pool.Group{{Name: "a"}, {Name: "b"}, {Name: "a"}}, 1},
		"twins, spelt otherwise": {[]pool.Group{{Name: "é"}, {Name: "e\u0301"}}, 1},
		"triplets":               {[]pool.Group{{Name: "a"}, {Name: "a"}, {Name: "a"}}, 2},
		"no name":                {[]pool.Group{{}}, 1},
		"NUL":                    {[]pool.Group{{Name: "admin\x00"}, {Name: "admin"}}, 1},
		"hidden":                 {[]pool.Group{{Name: "ad\u200dmin"}, {Name: "\u202enimda"}, {Name: "admin "}, {Name: "a\nb"}, {Name: "\xff"}}, 5},
		"129 characters":         {[]pool.Group{{Name: strings.Repeat("x", 129)}}, 1},
		"descriptions":           {[]pool.Group{{Name: "a", Description: strings.Repeat("x", 2049)}, {Name: "b", Description: "\xff"}, {Name: "c", Description: "\x00"}}, 3},
		"precedences":            {[]pool.Group{{Name: "a", Precedence: new(-1)}, {Name: "b", Precedence: new(1 << 31)}}, 2},
		"too much":               {slices.Repeat([]pool.Group{{Name: "a", Description: strings.Repeat("x", 2048)}}, 65), 64 + 1},
	} {
		_, err := reopen(t, memory.New(), pool.Config{Settings: &pool.Settings{Groups: tt.groups}})
		e, _ := errors.AsType[*pool.SettingsError](err)
		if tt.problems == 0 && err != nil || tt.problems > 0 && (e == nil || len(e.Problems) != tt.problems) {
			t.Errorf("%s: Open = %.300v, want %d problems", name, err, tt.problems)
		}
	}
}

// What a program does with the value it gave changes nothing.
func TestGroupSettingsAreACopy(t *testing.T) {
	t.Parallel()
	s := &pool.Settings{Groups: []pool.Group{{Name: "a", Precedence: new(2)}, {Name: "b", Precedence: new(1)}}}
	k := open(t, func(c *pool.Config) { c.Settings = s })
	*s.Groups[0].Precedence, s.Groups[1].Name = 0, "root"
	if got := k.Settings().Groups; len(got) != 2 || *got[0].Precedence != 2 || got[1].Name != "b" {
		t.Errorf("Groups = %+v", got)
	}
}
