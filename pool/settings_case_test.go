package pool_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// cases are two processes on a pool of user names, whose chores the test runs.
type cases struct {
	t     testing.TB
	nodes []*node
}

// onCases runs a test on stores in memory and in a SQLite file.
func onCases(t *testing.T, sensitive bool, test func(t *testing.T, c *cases)) {
	on := func(t *testing.T, st storage.Store) {
		c := &cases{t, nodes(t, st, 2)}
		c.nodes[0].put(func(s *pool.Settings) {
			s.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email, pool.PreferredUsername}
			s.SignIn.CaseSensitive = sensitive
		})
		c.settle()
		test(t, c)
	}
	t.Run("memory", func(t *testing.T) { t.Parallel(); on(t, memory.New()) })
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		on(t, st)
	})
}

// settle runs the chores of both processes, for long enough that one takes over from the other.
func (c *cases) settle() {
	c.nodes[0].clock.advance(2 * time.Minute)
	for _, n := range c.nodes {
		n.run()
	}
}

// make makes a user of a name, who is confirmed.
func (c *cases) make(n int, name string) (user.ID, error) {
	u, err := c.nodes[n].admin().CreateUser(c.t.Context(), pool.CreateUserInput{Username: name, Password: right, Permanent: true})
	return u.ID, err
}

func (c *cases) made(name string) user.ID {
	c.t.Helper()
	id, err := c.make(0, name)
	if err != nil {
		c.t.Fatalf("CreateUser(%q): %v", name, err)
	}
	return id
}

func (c *cases) sensitive(is bool) error {
	s, v, err := c.nodes[0].admin().Settings(c.t.Context())
	if err != nil {
		return err
	}
	s.SignIn.CaseSensitive = is
	return c.nodes[0].admin().PutSettings(c.t.Context(), s, v)
}

// opens wants a login to be that of a user, "" of nobody, in both processes.
func (c *cases) opens(when, login string, want user.ID) {
	c.t.Helper()
	for i, n := range c.nodes {
		d, err := pool.Finished(n.signIn(login, right))
		got := user.ID("")
		if err == nil {
			got = n.subject(d)
		}
		found, _ := n.admin().FindUser(c.t.Context(), login)
		if got != want || found.ID != want || err != nil && !errors.Is(err, pool.ErrNotAuthorized) {
			c.t.Errorf("%s: %q opens %q (%v) in process %d, and %q is found, want %q", when, login, got, err, i, found.ID, want)
		}
	}
}

// owned returns the names that are stored, by owner, and whether all are of one rule.
func (c *cases) owned() (owners map[string]user.ID, rules map[int]int) {
	c.t.Helper()
	owners, rules = map[string]user.ID{}, map[int]int{}
	q := storage.UserQuery{Order: storage.ByID, Now: c.nodes[0].clock.Now()}
	for {
		page, err := c.nodes[0].store.Store.Users(c.t.Context(), "default", q)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, u := range page.Users {
			for _, l := range u.Logins {
				if other, twice := owners[l.Value]; twice {
					c.t.Errorf("%q is of %s and of %s", l.Value, other, u.ID)
				}
				owners[l.Value] = u.ID
				if l.Kind() == user.KindUsername {
					rules[l.Rule]++
				}
			}
		}
		if q.After = page.Next; q.After == "" {
			return owners, rules
		}
	}
}

// Case can begin to count and cease to, and all along who had a name is found by it, and nobody
// else is.
func TestS20_CaseOfNamesMoves(t *testing.T) {
	t.Parallel()
	onCases(t, true, func(t *testing.T, c *cases) {
		ada, bob, eve := c.made("Ada"), c.made("bob"), c.made("Ｅｖｅ")
		if err := c.nodes[0].prefer("Ada", "Lovelace"); err != nil {
			t.Fatal(err)
		}
		asTyped := func(when string) {
			t.Helper()
			for login, id := range map[string]user.ID{"Ada": ada, "bob": bob, "Eve": eve, "Lovelace": ada} {
				c.opens(when, login, id)
			}
		}
		asTyped("case counts")
		c.opens("case counts", "ada", "")
		if err := c.sensitive(false); err != nil {
			t.Fatal(err)
		}
		asTyped("on the way")
		c.opens("on the way", "ada", "")
		c.settle()
		kim := c.made("Kim")
		asTyped("case does not count")
		c.opens("case does not count", "aDA", ada)
		c.opens("case does not count", "kIM", kim)
		c.opens("case does not count", "LOVELACE", ada)
		if _, rules := c.owned(); len(rules) != 1 || rules[user.UsernameRule] != 5 {
			t.Errorf("rules of the names: %v", rules)
		}
		if _, err := c.make(1, "ADA"); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("ADA is made: %v", err)
		}

		if err := c.sensitive(true); err != nil {
			t.Fatal(err)
		}
		asTyped("on the way back")
		c.opens("on the way back", "aDA", ada)
		zoe, err := c.make(1, "Zoe")
		if err != nil {
			t.Fatal(err)
		}
		c.settle()
		asTyped("case counts again")
		c.opens("case counts again", "ada", ada) // who signed in so goes on
		c.opens("case counts again", "aDA", "")
		c.opens("case counts again", "Zoe", zoe)
		for name, want := range map[string]error{"ADA": nil, "ada": pool.ErrLoginTaken, "zoe": pool.ErrLoginTaken, "ZOE": nil, "Ada": pool.ErrLoginTaken} {
			if _, err := c.make(1, name); !errors.Is(err, want) {
				t.Errorf("%s is made: %v, want %v", name, err, want)
			}
		}
		c.owned()
	})
}

// While names are there that would be one, case does not cease to count; it does once they are not.
func TestS20_TwinsKeepTheirCase(t *testing.T) {
	t.Parallel()
	onCases(t, true, func(t *testing.T, c *cases) {
		upper, lower := c.made("Ada"), c.made("ada")
		long := c.made("İ" + string(make128("x")))
		for range 2 {
			before, _ := c.nodes[0].policy()
			if _, refused := errors.AsType[*pool.SettingsError](c.sensitive(false)); !refused {
				t.Error("twins were made")
			}
			c.settle()
			if after, _ := c.nodes[0].policy(); !after.SignIn.CaseSensitive || !before.SignIn.CaseSensitive {
				t.Error("what was refused is stored")
			}
			c.opens("twins", "Ada", upper)
			c.opens("twins", "ada", lower)
		}
		for _, id := range []user.ID{upper, long} {
			if _, refused := errors.AsType[*pool.SettingsError](c.sensitive(false)); !refused {
				t.Error("twins were made, or a name was lost")
			}
			if err := c.nodes[0].admin().DeleteUser(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.sensitive(false); err != nil {
			t.Fatal(err)
		}
		c.settle()
		c.opens("without twins", "ADA", lower)
	})
}

// make128 fills a name up to 128 characters with its first one.
func make128(s string) []byte {
	var b []byte
	for range 127 {
		b = append(b, s...)
	}
	return b
}

// A twin who comes in the last moment takes nobody's name: both sign in as before, until one of them
// goes. Others do not wait for that, and are nobody's twins.
func TestS20_TwinsOfTheLastMoment(t *testing.T) {
	t.Parallel()
	st := &shaky{Store: memory.New()}
	c := &cases{t, nodes(t, st, 2)}
	c.nodes[0].put(func(s *pool.Settings) {
		s.SignIn = pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}, CaseSensitive: true}
	})
	c.settle()
	upper, bob := c.made("Ada"), c.made("Bob")
	var lower user.ID
	st.fault = func(under storage.Store, ctx context.Context, changes []storage.Change) error {
		st.fault = nil
		lower = c.made("ada")
		return under.Commit(ctx, changes...)
	}
	if err := c.sensitive(false); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		c.nodes[0].clock.advance(2 * time.Minute)
		if err := c.nodes[0].hand.Run(t.Context()); err == nil {
			t.Error("nobody is told that the names wait")
		}
		c.opens("stuck", "Ada", upper)
		c.opens("stuck", "ada", lower)
		for name, want := range map[string]error{"ADA": pool.ErrLoginTaken, "bob": pool.ErrLoginTaken, fmt.Sprint("Kim", i): nil} {
			if _, err := c.make(1, name); !errors.Is(err, want) {
				t.Errorf("%s is made: %v, want %v", name, err, want)
			}
		}
	}
	if err := c.nodes[1].admin().DeleteUser(t.Context(), lower); err != nil {
		t.Fatal(err)
	}
	c.settle()
	c.opens("free", "aDa", upper)
	c.opens("free", "bOB", bob)
}

// A stranger cannot keep case counting by being somebody's twin before the walk is at them, in no
// way in which names are taken; who has an address does not show by it.
func TestS20_NoTwinsOnTheWay(t *testing.T) {
	t.Parallel()
	onCases(t, true, func(t *testing.T, c *cases) {
		upper, bob, n := c.made("Ada"), c.made("bob"), c.nodes[1]
		begun, err := n.signUpAs("aDA", user.Attributes{"email": "eve@example.com"})
		if err != nil {
			t.Fatal(err)
		}
		n.run()
		code := n.code("eve@example.com", 1)
		if err := c.sensitive(false); err != nil {
			t.Fatal(err)
		}
		if _, err := c.make(1, "ada"); !errors.Is(err, pool.ErrUnavailable) {
			t.Errorf("ada is made: %v, want ErrUnavailable", err)
		}
		if err := confirm(n.kit, begun.Ticket, code); !errors.Is(err, pool.ErrUnavailable) {
			t.Errorf("aDA confirms: %v, want ErrUnavailable", err)
		}
		if err := n.prefer("bob", "adA"); !errors.Is(err, pool.ErrUnavailable) {
			t.Errorf("bob prefers adA: %v, want ErrUnavailable", err)
		}
		for _, address := range []string{ada, "new@example.com"} {
			if _, err := n.signUpAs("ada", user.Attributes{"email": address}); !errors.Is(err, pool.ErrUnavailable) {
				t.Errorf("ada signs up: %v, want ErrUnavailable", err)
			}
		}
		c.settle()
		if err := confirm(n.kit, begun.Ticket, code); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("aDA confirms: %v, want ErrLoginTaken", err)
		}
		c.opens("case does not count", "aDa", upper)
		c.opens("case does not count", "BOB", bob)
		if _, err := c.make(1, "ada"); !errors.Is(err, pool.ErrLoginTaken) {
			t.Errorf("ada is made: %v, want ErrLoginTaken", err)
		}
	})
}

// Whoever has read before the walk began and commits after it has ended takes the name by the rules
// of then.
func TestS20_LateCommits(t *testing.T) {
	t.Parallel()
	for _, sensitive := range []bool{true, false} {
		onCases(t, sensitive, func(t *testing.T, c *cases) {
			move := func() {
				if err := c.sensitive(!sensitive); err != nil {
					t.Error(err)
				}
				c.settle()
			}
			n := c.nodes[1]
			up, err := n.signUpAs("Zoe", user.Attributes{"email": ada})
			if err != nil {
				t.Fatal(err)
			}
			n.run()
			code := n.code(ada, 1)
			n.store.meanwhile(move)
			if err := confirm(n.kit, up.Ticket, code); err != nil {
				t.Fatal(err)
			}
			zoe, err := n.admin().FindUser(t.Context(), "Zoe")
			if err != nil {
				t.Fatal(err)
			}
			c.opens("late", "Zoe", zoe.ID)
			if other := map[bool]user.ID{true: zoe.ID, false: ""}[sensitive]; true {
				c.opens("late, in other letters", "zOE", other)
			}
			c.owned()
		})
	}
}

// A walk that stops half-way is gone on with by another process, and one that is called off leaves
// names as they were.
func TestS20_WalksGoOn(t *testing.T) {
	t.Parallel()
	st := &stopping{Store: memory.New()}
	c := &cases{t, nodes(t, st, 2)}
	c.nodes[0].put(func(s *pool.Settings) {
		s.SignIn = pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}, CaseSensitive: true}
	})
	c.settle()
	ids := map[string]user.ID{}
	for i := range 160 {
		name := fmt.Sprintf("User%d", i)
		ids[name] = c.made(name)
	}
	half := func() {
		t.Helper()
		st.left.Store(2)
		if err := c.nodes[0].hand.Run(t.Context()); err == nil {
			t.Fatal("the walk did not stop")
		}
		st.left.Store(1 << 30)
		for name, id := range ids {
			if name == "User0" || name == "User80" || name == "User159" {
				c.opens("half-way", name, id)
			}
		}
	}
	if err := c.sensitive(false); err != nil {
		t.Fatal(err)
	}
	half()
	if err := c.sensitive(true); err != nil { // called off
		t.Fatal(err)
	}
	c.settle()
	c.opens("called off", "user0", "")
	c.opens("called off", "User0", ids["User0"])
	if err := c.sensitive(false); err != nil {
		t.Fatal(err)
	}
	half()
	c.nodes[1].clock.advance(2 * time.Minute)
	c.nodes[1].run()
	c.opens("in the end", "uSER0", ids["User0"])
	c.opens("in the end", "user159", ids["User159"])
	if _, rules := c.owned(); len(rules) != 1 || rules[user.UsernameRule] != len(ids) {
		t.Errorf("rules of the names: %v", rules)
	}
}

// stopping is a store that fails once so many commits of users were made.
type stopping struct {
	storage.Store
	left atomic.Int64
}

func (s *stopping) Commit(ctx context.Context, changes ...storage.Change) error {
	for _, c := range changes {
		put, _ := c.(storage.PutRecord)
		if _, ok := put.Record.(*user.User); ok && s.left.Load() != 0 && s.left.Add(-1) == 0 {
			return errors.New("the disk is full")
		}
	}
	return s.Store.Commit(ctx, changes...)
}

// Names are taken in both processes while case ceases to count and begins to again: nobody is ever
// locked out, and no name is of two.
func TestS20_NamesWhileTheyMove(t *testing.T) {
	t.Parallel()
	onCases(t, true, func(t *testing.T, c *cases) {
		first := c.made("First")
		var all sync.WaitGroup
		stop := make(chan struct{})
		type claim struct {
			name string
			id   user.ID
		}
		claims := make(chan claim, 4096)
		for i := range 4 {
			all.Go(func() {
				for n := 0; n < 150; n++ {
					name := fmt.Sprintf("%s%d", []string{"Name", "nAme", "naMe", "namE"}[i], n)
					id, err := c.make(i%2, name)
					if err == nil {
						claims <- claim{name, id}
					} else if !errors.Is(err, pool.ErrLoginTaken) && !errors.Is(err, pool.ErrUnavailable) {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if _, err := pool.Finished(c.nodes[i%2].signIn("First", right)); err != nil {
						t.Errorf("locked out: %v", err)
						return
					}
				}
			})
		}
		for i := range 12 {
			err := c.sensitive(i%2 == 1)
			if _, refused := errors.AsType[*pool.SettingsError](err); err != nil && !refused && !errors.Is(err, pool.ErrStale) {
				t.Error(err)
			}
			for _, n := range c.nodes {
				n.clock.advance(2 * time.Minute)
				n.hand.Run(t.Context()) // may wait for twins
			}
		}
		close(stop)
		all.Wait()
		close(claims)
		c.owned()
		n := 0
		for cl := range claims {
			if n++; n%10 == 0 {
				c.opens("in the end", cl.name, cl.id)
			}
		}
		c.opens("in the end", "First", first)
	})
}

// A pool of before compares names as its settings said, and can change it like any other.
func TestS20_PoolsOfBefore(t *testing.T) {
	t.Parallel()
	st, r := memory.New(), ring(t, seal.Generate())
	k := openOn(t, st, named, func(c *pool.Config) { c.Settings.SignIn.CaseSensitive, c.Keys = true, r })
	k.confirmedAs("Ada", ada, 1, user.Attributes{"email": ada})
	got, err := st.Read(t.Context(), "default", storage.Want{Now: start, Documents: []storage.DocumentKey{{Kind: "settings", ID: "names"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Commit(t.Context(), storage.Delete(got.Documents[0])); err != nil {
		t.Fatal(err)
	}
	k.done("Ada")
	c := pool.Config{Keys: r, Sender: nothing, InsecureHash: &cheap}
	old, err := reopen(t, st, c)
	if err != nil {
		t.Fatal(err)
	}
	if !old.Settings().SignIn.CaseSensitive {
		t.Error("case does not count any more")
	}
	ns := nodes(t, st, 1, func(c *pool.Config) {
		c.Keys, c.Settings = r, &pool.Settings{SignIn: pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}}}
	})
	if !ns[0].Settings().SignIn.CaseSensitive {
		t.Error("names were looked up before they were stored")
	}
	ns[0].run()
	if d, err := pool.Finished(ns[0].signIn("ADA", right)); err != nil || ns[0].subject(d) != k.user("ada").ID {
		t.Errorf("ADA: %v", err)
	}
}

// A user name that was given up rests however case comes to count meanwhile.
func TestS13_NamesRestWhateverTheirCase(t *testing.T) {
	t.Parallel()
	for _, sensitive := range []bool{true, false} {
		onCases(t, sensitive, func(t *testing.T, c *cases) {
			if err := c.nodes[0].admin().DeleteUser(t.Context(), c.made("Ada")); err != nil {
				t.Fatal(err)
			}
			if err := c.sensitive(!sensitive); err != nil {
				t.Fatal(err)
			}
			c.settle()
			for _, name := range []string{"Ada", "ada", "ADA"} {
				if _, err := c.make(1, name); !errors.Is(err, pool.ErrLoginTaken) {
					t.Errorf("sensitive %v: %s is made: %v, want ErrLoginTaken", !sensitive, name, err)
				}
			}
			c.nodes[0].clock.advance(30 * 24 * time.Hour)
			if _, err := c.make(1, "ADA"); err != nil {
				t.Errorf("after a month: %v", err)
			}
		})
	}
}
