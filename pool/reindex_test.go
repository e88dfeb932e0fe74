package pool_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/storage/sqlite"
	"github.com/userpool-go/userpool/user"
)

// onNodes runs a test on two processes whose chores it runs itself, on either store.
func onNodes(t *testing.T, test func(t *testing.T, a, b *node)) {
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		ns := nodes(t, memory.New(), 2)
		test(t, ns[0], ns[1])
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "userpool.db"), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		ns := nodes(t, st, 2)
		test(t, ns[0], ns[1])
	})
}

// names lets users sign in by names, as stored settings say.
func names(s *pool.Settings) {
	s.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email}
	s.Attributes = searchable()
}

// declare lets lists go by attributes.
func (k *kit) declare(names ...string) {
	k.t.Helper()
	k.put(func(s *pool.Settings) { s.Attributes = searchable(names...) })
}

func (k *kit) notReady(q pool.UserQuery) {
	k.t.Helper()
	if err := check(k, q); !errors.Is(err, pool.ErrNotReady) {
		k.t.Errorf("%+v: %v, want ErrNotReady", q, err)
	}
}

// What is declared searchable is found once all users have been walked over, and not by halves
// before; what is not any more is not found from then on, and is gone from the users a little later.
func TestDeclaredSearchable(t *testing.T) {
	t.Parallel()
	onNodes(t, func(t *testing.T, a, b *node) {
		a.put(names)
		for n := range 40 {
			a.person(fmt.Sprintf("user%02d", n), "custom:plan", []string{"gold", "lead"}[n%2], "name", "Ada")
		}
		if err := check(a.kit, is("custom:plan", "gold")); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("before it is declared: %v, want ErrInvalid", err)
		}
		a.declare("custom:plan")
		a.notReady(is("custom:plan", "gold"))
		b.clock.advance(time.Second)
		b.run()
		for _, k := range []*node{a, b} {
			k.clock.advance(2 * time.Minute)
			k.run()
			if got := k.found(is("custom:plan", "gold")); len(got) != 20 {
				t.Errorf("it finds %d, want 20", len(got))
			}
		}
		a.declare("custom:plan", "name")
		a.notReady(is("name", "ada"))
		a.finds(is("custom:plan", "none")) // goes on meanwhile
		a.run()
		if got := a.found(begins("name", "a")); len(got) != 40 {
			t.Errorf("the name finds %d, want 40", len(got))
		}
		a.declare("name")
		if err := check(a.kit, is("custom:plan", "gold")); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("after it is declared no more: %v, want ErrInvalid", err)
		}
		if err := check(b.kit, is("custom:plan", "gold")); !errors.Is(err, pool.ErrNotReady) {
			t.Errorf("in a process that has not heard: %v, want ErrNotReady", err)
		}
		a.run()
		if got, want := a.user("user00").Index, []user.Term{{Name: "name", Value: "ada"}}; !slices.Equal(got, want) {
			t.Errorf("a user has the terms %v, want %v", got, want)
		}
		a.declare("custom:plan", "name")
		a.notReady(is("custom:plan", "gold"))
		a.run()
		if got := a.found(is("custom:plan", "lead")); len(got) != 20 {
			t.Errorf("declared again it finds %d, want 20", len(got))
		}
	})
}

// Whoever writes a user by what they read before an attribute was declared searchable, and comes
// after the walk over all users, leaves nobody behind.
func TestLateWritersAreFound(t *testing.T) {
	t.Parallel()
	late := map[string]func(k *node) error{
		"a change": func(k *node) error {
			return k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{
				ID: k.user("ada").ID, Attributes: user.Attributes{"custom:plan": "gold"},
			})
		},
		"a new user": func(k *node) error {
			_, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{
				Username: "late", Password: right, Permanent: true, Attributes: user.Attributes{"custom:plan": "gold"},
			})
			return err
		},
		"a sign-up": func(k *node) error {
			_, err := k.SignUp(t.Context(), pool.SignUpInput{
				Username: "late@example.com", Password: right, Attributes: user.Attributes{"custom:plan": "gold"},
			})
			return err
		},
	}
	for name, write := range late {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onNodes(t, func(t *testing.T, a, b *node) {
				a.put(names)
				a.person("ada")
				b.clock.advance(time.Second)
				b.run()
				b.store.meanwhile(func() {
					a.declare("custom:plan")
					a.clock.advance(2 * time.Minute)
					a.run()
					a.finds(is("custom:plan", "gold")) // ready, and nobody there yet
				})
				if err := write(b); err != nil {
					t.Fatal(err)
				}
				if got := a.found(is("custom:plan", "gold")); len(got) != 1 {
					t.Errorf("the index finds %q, want the one who came late", got)
				}
			})
		})
	}
}

// The walk goes on where it, or another process, has stopped: in the middle of many users who were
// made at once, and beside others who write them.
func TestWalkIsResumed(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 2)
	a, b := ns[0], ns[1]
	a.put(names)
	const all = 1300 // more than two pages
	for from := 0; from < all; from += 100 {
		var changes []storage.Change
		for n := from; n < from+100; n++ {
			changes = append(changes, storage.Put(&user.User{
				Pool: "default", ID: user.NewID(), Status: user.Confirmed, Epoch: 1, Created: start.Add(time.Duration(n/600) * time.Second),
				Attributes: user.Attributes{"custom:plan": "gold"},
				Logins:     []user.Login{{Namespace: user.Name, Value: fmt.Sprintf("user%04d", n)}},
			}))
		}
		if err := a.store.Store.Commit(t.Context(), changes...); err != nil {
			t.Fatal(err)
		}
	}
	a.declare("custom:plan")
	commits := 0
	var count func()
	count = func() {
		if commits++; commits < 10 {
			a.store.meanwhile(count)
			return
		}
		a.store.instead(errors.New("the disk is full"))
	}
	a.store.meanwhile(count)
	if err := a.hand.Run(t.Context()); err == nil {
		t.Fatal("the walk did not fail")
	}
	a.store.instead(nil)
	a.notReady(is("custom:plan", "gold"))
	b.clock.advance(2 * time.Minute) // the lease of who has failed
	b.store.meanwhile(func() {
		if err := b.admin().Disable(t.Context(), b.user("user0900").ID); err != nil {
			t.Error(err)
		}
	})
	b.run()
	if got := len(b.found(is("custom:plan", "gold"))); got != all {
		t.Errorf("it finds %d, want %d", got, all)
	}
	if !b.user("user0900").Disabled {
		t.Error("the walk has undone what was written meanwhile")
	}
}

// A pool of before there was an index has one after the next start, and lists go by it only then.
func TestPoolWithoutIndex(t *testing.T) {
	t.Parallel()
	st := memory.New()
	r := ring(t, seal.Generate())
	same := func(c *pool.Config) { c.Keys = r }
	k := nodes(t, st, 1, searches("name"), same)[0]
	id := k.person("ada", "name", "Ada")
	if err := k.admin().AddToGroup(t.Context(), id, "staff"); err != nil {
		t.Fatal(err)
	}
	docs, err := st.Documents(t.Context(), "default", storage.DocumentQuery{Kind: "index"})
	if err != nil || len(docs.Documents) != 1 {
		t.Fatal(docs, err)
	}
	u := k.user("ada")
	u.Index = nil
	if err := st.Commit(t.Context(), storage.Delete(docs.Documents[0]), storage.Put(u)); err != nil {
		t.Fatal(err)
	}
	n := nodes(t, st, 1, searches("name"), same)[0]
	n.notReady(pool.UserQuery{Group: "staff"})
	n.notReady(is("name", "ada"))
	n.run()
	n.finds(pool.UserQuery{Group: "staff"}, "ada")
	n.finds(is("name", "ada"), "ada")
}

// A group that is made in the place of one that was deleted has none of its members, whatever way
// it was deleted and made, and gives nothing before all of them are out (CVE class 45).
func TestCVE45_DeletedGroupsComeBackEmpty(t *testing.T) {
	t.Parallel()
	const role = pool.MayReadUsers
	ways := map[string]struct{ drop, make func(k *kit) error }{
		"as groups": {
			func(k *kit) error { return k.admin().DeleteGroup(t.Context(), "staff") },
			func(k *kit) error { return k.admin().CreateGroup(t.Context(), pool.Group{Name: "staff", May: role}) },
		},
		"as settings": {
			func(k *kit) error { k.put(func(s *pool.Settings) { s.Groups = nil }); return nil },
			func(k *kit) error {
				k.put(func(s *pool.Settings) { s.Groups = []pool.Group{{Name: "staff", May: role}} })
				return nil
			},
		},
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onNodes(t, func(t *testing.T, a, b *node) {
				a.put(names)
				if err := way.make(a.kit); err != nil {
					t.Fatal(err)
				}
				id := a.person("ada")
				if err := a.admin().AddToGroup(t.Context(), id, "staff"); err != nil {
					t.Fatal(err)
				}
				ada := a.account(a.done("ada")).Admin()
				has := func(when string, want pool.Role, groups ...string) {
					t.Helper()
					u, err := a.admin().GetUser(t.Context(), id)
					if err != nil || !slices.Equal(u.Groups, groups) {
						t.Errorf("%s she is in %q, %v, want %q", when, u.Groups, err, groups)
					}
					if r, err := ada.Role(t.Context()); err != nil || r != want {
						t.Errorf("%s she may do %v, %v, want %v", when, r, err, want)
					}
				}
				has("at first", role, "staff")
				if err := way.drop(a.kit); err != nil {
					t.Fatal(err)
				}
				has("without the group", 0)
				err := way.make(b.kit)
				if name == "as groups" && !errors.Is(err, pool.ErrNotReady) {
					t.Errorf("the group is made again at once: %v, want ErrNotReady", err)
				}
				has("with members of the one before", 0)
				if err := a.admin().AddToGroup(t.Context(), id, "staff"); !errors.Is(err, pool.ErrInvalid) {
					t.Errorf("joining it before it is empty: %v, want ErrInvalid", err)
				}
				b.clock.advance(2 * time.Minute)
				b.run()
				if err := way.make(a.kit); err != nil && name == "as groups" {
					t.Errorf("the group is made again: %v", err)
				}
				has("in the new one", 0)
				if got := b.user("ada").Groups; got != nil {
					t.Errorf("she is stored as a member of %q", got)
				}
				if err := a.admin().AddToGroup(t.Context(), id, "staff"); err != nil {
					t.Fatal(err)
				}
				has("put in again", role, "staff")
			})
		})
	}
}

// Whoever is about to join a group while it is deleted does not, and is not a member of the next one
// of its name.
func TestCVE45_NobodyJoinsADeletedGroup(t *testing.T) {
	t.Parallel()
	joins := map[string]func(k *node) error{
		"added": func(k *node) error { return k.admin().AddToGroup(t.Context(), k.user("ada").ID, "staff") },
		"made in it": func(k *node) error {
			_, err := k.admin().CreateUser(t.Context(), pool.CreateUserInput{
				Username: "late", Password: password.New("an own long passphrase"), Permanent: true, Groups: []string{"staff"},
			})
			return err
		},
	}
	for name, join := range joins {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onNodes(t, func(t *testing.T, a, b *node) {
				a.put(names)
				if err := a.admin().CreateGroup(t.Context(), pool.Group{Name: "staff"}); err != nil {
					t.Fatal(err)
				}
				a.person("ada")
				b.clock.advance(time.Second)
				b.run()
				b.store.meanwhile(func() {
					if err := a.admin().DeleteGroup(t.Context(), "staff"); err != nil {
						t.Error(err)
					}
					a.clock.advance(2 * time.Minute)
					a.run()
				})
				if err := join(b); !errors.Is(err, pool.ErrInvalid) {
					t.Errorf("joining = %v, want ErrInvalid", err)
				}
				if err := a.admin().CreateGroup(t.Context(), pool.Group{Name: "staff"}); err != nil {
					t.Fatal(err)
				}
				if got := a.found(pool.UserQuery{Group: "staff"}); got != nil {
					t.Errorf("the new group has %q", got)
				}
				if got := a.user("ada").Groups; got != nil {
					t.Errorf("ada is in %q", got)
				}
			})
		})
	}
}
