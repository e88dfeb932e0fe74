package pool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// renaming is a pool whose users sign in by a name, an email address, and the name that they prefer.
var renaming = takes(pool.Username, pool.Email, pool.PreferredUsername)

// prefer sets the preferred user name of the user behind a login.
func (k *kit) prefer(login, name string) error {
	k.t.Helper()
	in := pool.UpdateAttributesInput{ID: k.user(login).ID, Attributes: user.Attributes{"preferred_username": name}}
	return k.admin().UpdateAttributes(k.t.Context(), in)
}

// A preferred user name is a login beside the others, of one namespace with them, and gives way to
// the next one; the chosen name stays.
func TestPreferredUsername(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed("ada")
		k.confirmed("bob")
		for _, tt := range []struct {
			name   string
			want   error
			opens  string // logins of ada, of which one may be in other letters
			closed string
		}{
			{"Lovelace", nil, "ada ada@example.com LOVELACE", "countess"},
			{"bob", pool.ErrLoginTaken, "lovelace", "bob"},
			{"bob@example.com", pool.ErrInvalid, "lovelace", "bob@example.com"},
			{"+4915112345678", pool.ErrInvalid, "lovelace", ""},
			{"lady ada", pool.ErrInvalid, "lovelace", ""},
			{"c0ffee00-0000-4000-8000-000000000000", pool.ErrInvalid, "lovelace", ""},
			{strings.Repeat("a", 129), pool.ErrInvalid, "lovelace", ""},
			{"countess", nil, "ada countess", "lovelace"},
			{"Ada", nil, "ada ada@example.com", "countess"}, // the chosen one is a login already
			{"lovelace", nil, "ada lovelace", "countess"},
			{"", nil, "ada ada@example.com", "lovelace"},
		} {
			if err := k.prefer("ada", tt.name); !errors.Is(err, tt.want) {
				t.Errorf("%.40q = %v, want %v", tt.name, err, tt.want)
			}
			for _, login := range strings.Fields(tt.opens) {
				if d, err := pool.Finished(k.signIn(login, right)); err != nil || k.subject(d) != k.user("ada").ID {
					t.Errorf("after %.40q: sign-in by %q = %v", tt.name, login, err)
				}
			}
			for _, login := range strings.Fields(tt.closed) {
				if d, err := pool.Finished(k.signIn(login, right)); err == nil && k.subject(d) == k.user("ada").ID {
					t.Errorf("after %.40q: ada signs in by %q", tt.name, login)
				}
			}
			if got := k.user("ada").Username(); got != "ada" {
				t.Errorf("after %.40q the user name is %q", tt.name, got)
			}
		}
		if err := k.prefer("bob", "lovelace"); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("a name that was given up = %v, want it to rest", err)
		}
		k.clock.advance(30 * 24 * time.Hour)
		if err := k.prefer("bob", "lovelace"); err != nil {
			t.Errorf("a name that was given up a month ago: %v", err)
		}
	}, renaming)
}

// subject returns whose tokens they are.
func (k *kit) subject(d *pool.Done) user.ID {
	a, err := k.Account(k.t.Context(), d.Tokens.Access)
	if err != nil {
		k.t.Fatal(err)
	}
	profile, err := a.Get(k.t.Context())
	if err != nil {
		k.t.Fatal(err)
	}
	return profile.ID
}

// A login that changes ends what was begun before (security.md T3).
func TestT3_PreferredNameEndsSessions(t *testing.T) {
	t.Parallel()
	k := open(t, renaming)
	k.confirmed("ada")
	for _, name := range []string{"lovelace", "countess", ""} {
		d := k.done("ada")
		if err := k.prefer("ada", name); err != nil {
			t.Fatal(err)
		}
		if _, err := k.refresh(d); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("%q: refresh = %v, want ErrNotAuthorized", name, err)
		}
	}
}

// Who has proven nothing keeps no name from others, beside the one that they chose (security.md T7).
func TestT7_NoPreferredNameBeforeConfirming(t *testing.T) {
	t.Parallel()
	k := open(t, renaming)
	as := user.Attributes{"email": ada, "preferred_username": "lovelace"}
	for _, login := range []string{"ada", ada} {
		if _, err := k.signUpAs(login, as); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("SignUp(%q) = %v, want ErrInvalid", login, err)
		}
	}
	k.signUp("ada")
	if err := k.prefer("ada", "lovelace"); !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("of an open sign-up = %v, want ErrInvalid", err)
	}
	for name, settings := range map[string]func(*pool.Config){
		"no login": named, "no user names": takes(pool.Email),
	} {
		k := open(t, settings)
		if _, err := k.signUpAs(ada, as); err != nil {
			t.Errorf("where it is %s: %v", name, err)
		}
	}
}

// A name is one person's, whichever way they came by it.
func TestPreferredUsernameIsTaken(t *testing.T) {
	t.Parallel()
	k := open(t, renaming)
	k.confirmed("ada")
	open := k.signUp("countess") // not proven yet, and owns nothing
	for _, name := range []string{"countess", "lovelace"} {
		if err := k.prefer("ada", name); err != nil {
			t.Fatal(err)
		}
		if name == "countess" {
			if err := confirm(k, open, k.code("countess@example.com", 1)); !errors.Is(err, pool.ErrLoginTaken) {
				t.Errorf("confirming the name = %v, want ErrLoginTaken", err)
			}
		}
	}
	if _, err := k.signUpAs("LOVELACE", user.Attributes{"email": "eve@example.com"}); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("sign-up by the name = %v, want ErrLoginTaken", err)
	}
	create := func(login, name string) error {
		in := pool.CreateUserInput{Username: login, Suppress: true, Attributes: user.Attributes{"preferred_username": name}}
		_, err := k.admin().CreateUser(t.Context(), in)
		return err
	}
	for _, tt := range []struct {
		login, name string
		want        error
	}{
		{"lovelace", "", pool.ErrLoginTaken},
		{"eve", "Lovelace", pool.ErrLoginTaken},
		{"eve", "eve@example.com", pool.ErrInvalid},
		{"eve", "eve", nil},
		{"mallory", "mal", nil},
		{"mal", "", pool.ErrLoginTaken},
	} {
		if err := create(tt.login, tt.name); !errors.Is(err, tt.want) {
			t.Errorf("CreateUser(%q, %q) = %v, want %v", tt.login, tt.name, err, tt.want)
		}
	}
}

// A pool that takes preferred names no more takes them from the next read on (security.md S18).
func TestS18_PreferredNamesBindFromTheNextRead(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	if p, err := reopen(t, st, pool.Config{Keys: r, Sender: nothing, Settings: settingsOf(renaming)}); err != nil || p.Close(t.Context()) != nil {
		t.Fatal(err)
	}
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r })
	k.confirmed("ada")
	if err := k.prefer("ada", "lovelace"); err != nil {
		t.Fatal(err)
	}
	k.done("lovelace")
	if _, err := reopen(t, st, pool.Config{Keys: r, Sender: k.box, Settings: settingsOf(named)}); err != nil {
		t.Fatal(err)
	}
	k.done("ada")
	if _, err := k.signIn("lovelace", right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("by the preferred name = %v, want ErrNotAuthorized", err)
	}
	before := len(k.box.To(ada))
	k.forgot("lovelace")
	k.forgot("ada")
	k.delivered()
	if n := len(k.box.To(ada)); n != before+1 {
		t.Errorf("%d mails, want that of the chosen name alone", n-before)
	}
}

// Nobody is migrated by a preferred name that answers no more: its owner still has it, so that the
// old system is not asked about it.
func TestS13_MigratedByNoNameOfBefore(t *testing.T) {
	t.Parallel()
	o := knownAs(nil)
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, func(c *pool.Config) { c.Keys = r }, renaming)
	k.confirmed("ada")
	if err := k.prefer("ada", "lovelace"); err != nil {
		t.Fatal(err)
	}
	k = openOn(t, st, func(c *pool.Config) { c.Keys = r }, named, with(hook.Set{MigrateUser: o.migrate}))
	if _, err := k.signIn("lovelace", weak); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("by the name of before = %v, want ErrNotAuthorized", err)
	}
	if err := k.reset(k.forgot("lovelace"), "12345678", another); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("a code = %v, want ErrBadCode", err)
	}
	if n := o.asked.Load(); n != 0 {
		t.Errorf("asked %d times", n)
	}
	k.done("ada")
}

// settingsOf returns the settings that a change of a config makes.
func settingsOf(change func(*pool.Config)) *pool.Settings {
	var c pool.Config
	change(&c)
	return c.Settings
}

func TestPreferredUsernameSettings(t *testing.T) {
	t.Parallel()
	attribute := func(a user.Attribute) func(*pool.Config) {
		return func(c *pool.Config) { renaming(c); c.Settings.Attributes = user.Schema{a} }
	}
	for name, tt := range map[string]struct {
		change func(*pool.Config)
		want   string
	}{
		"alone":      {takes(pool.PreferredUsername), "goes with username"},
		"with email": {takes(pool.Email, pool.PreferredUsername), "goes with username"},
		"twice":      {takes(pool.Username, pool.PreferredUsername, pool.PreferredUsername), "each once"},
		"required":   {attribute(user.Attribute{Name: "preferred_username", Required: true}), "not required"},
		"immutable":  {attribute(user.Attribute{Name: "preferred_username", Immutable: true}), "nor immutable"},
	} {
		_, err := pool.Open(t.Context(), memory.New(), pool.Config{Sender: nothing, Settings: settingsOf(tt.change)})
		if wrong, ok := errors.AsType[*pool.SettingsError](err); !ok || !strings.Contains(fmt.Sprint(wrong), tt.want) {
			t.Errorf("%s = %v, want %q", name, err, tt.want)
		}
	}
}
