package pool_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// searches lets a pool list users by some attributes, and take names and addresses as logins.
func searches(names ...string) func(*pool.Config) {
	return func(c *pool.Config) {
		c.Settings = &pool.Settings{Attributes: searchable(names...), Groups: []pool.Group{{Name: "staff"}, {Name: "ops"}}}
		c.Settings.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email}
	}
}

// searchable returns a schema with an attribute "custom:plan", in which some are searchable.
func searchable(names ...string) (s user.Schema) {
	for _, name := range append([]string{"custom:plan"}, names...) {
		a := user.Attribute{Name: name, Searchable: slices.Contains(names, name)}
		if !slices.ContainsFunc(s, func(b user.Attribute) bool { return b.Name == name }) {
			s = append(s, a)
		}
	}
	return s
}

// person makes a user of a name, with attributes given as names and values in turn.
func (k *kit) person(name string, attributes ...string) user.ID {
	k.t.Helper()
	in := pool.CreateUserInput{Username: name, Password: right, Permanent: true, Attributes: user.Attributes{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	in.EmailVerified = in.Attributes["email"] != "" || strings.Contains(name, "@")
	u, err := k.admin().CreateUser(k.t.Context(), in)
	if err != nil {
		k.t.Fatalf("CreateUser(%s): %v", name, err)
	}
	return u.ID
}

// found returns the names of the users whom a query finds, over all its pages.
func (k *kit) found(q pool.UserQuery) (names []string) {
	k.t.Helper()
	for {
		page, err := k.admin().ListUsers(k.t.Context(), q)
		if err != nil {
			k.t.Fatalf("ListUsers(%+v): %v", q, err)
		}
		for _, u := range page.Users {
			names = append(names, u.Username)
		}
		if q.After = page.Next; q.After == "" {
			return names
		}
	}
}

func (k *kit) finds(q pool.UserQuery, want ...string) {
	k.t.Helper()
	for _, limit := range []int{0, 1, 2} {
		q.Limit = limit
		if got := k.found(q); !slices.Equal(got, want) {
			k.t.Errorf("%+v finds %q, want %q", q, got, want)
		}
	}
}

func is(attribute, value string) pool.UserQuery {
	return pool.UserQuery{Filter: pool.Filter{Attribute: attribute, Value: value}}
}

func begins(attribute, value string) pool.UserQuery {
	return pool.UserQuery{Filter: pool.Filter{Attribute: attribute, Value: value, Prefix: true}}
}

func TestListUsersByValue(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		long := strings.Repeat("é", 100)
		k.person("ada", "email", "Ada@Example.com", "name", "Ada Lovelace", "custom:plan", "Gold")
		k.person("adam", "email", "adam@example.com", "name", "adam", "custom:plan", "gold")
		k.person("Bob", "name", "ADA", "custom:plan", "gold plus")
		k.person("eve@example.com", "name", long+"1")
		k.person("zoe", "name", long+"2")
		if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: "new@example.com", Password: right, Attributes: user.Attributes{"name": "Adabelle"}}); err != nil {
			t.Fatal(err)
		}
		k.finds(is("name", "ada"), "Bob")
		k.finds(is("name", "ADA LOVELACE"), "ada")
		k.finds(is("name", "ad"))
		k.finds(begins("name", "ada"), "Bob", "ada", "new@example.com", "adam")
		k.finds(begins("name", "Ada L"), "ada")
		k.finds(is("name", long+"2"), "zoe")
		k.finds(is("name", strings.ToUpper(long)+"1"), "eve@example.com")
		k.finds(is("name", long))
		if got := k.found(begins("name", long)); len(got) != 2 {
			t.Errorf("a long beginning finds %q, want two", got)
		}
		k.finds(begins("name", long+"1"), "eve@example.com")
		k.finds(is("custom:plan", "gold"), "adam")
		k.finds(is("custom:plan", "GOLD"))
		k.finds(begins("custom:plan", "gold"), "adam", "Bob")
		k.finds(begins("custom:plan", ""), "ada", "adam", "Bob")

		k.finds(is("username", "ADA"), "ada")
		k.finds(is("username", "ada@example.com"))
		k.finds(begins("username", "A"), "ada", "adam")
		k.finds(is("email", "ada@example.COM"), "ada")
		k.finds(is("email", "new@example.com")) // nobody signs in by it yet
		k.finds(begins("email", "aDa"), "ada", "adam")
		k.finds(begins("email", "ada@"), "ada")
		k.finds(begins("email", ""), "ada", "adam", "eve@example.com")
		k.finds(begins("email", strings.Repeat("a", 300)))

		no, yes := false, true
		q := begins("name", "ada")
		q.Status = user.Unconfirmed
		k.finds(q, "new@example.com")
		q = begins("email", "ada")
		q.Disabled = &yes
		k.finds(q)
		q.Disabled = &no
		k.finds(q, "ada", "adam")
	}, searches("name", "custom:plan"))
}

// Where the schema declares an address searchable, it is found whether it is proven or not.
func TestListUsersByAnyAddress(t *testing.T) {
	t.Parallel()
	k := open(t, searches("email"))
	k.person("ada", "email", "ada@example.com")
	k.signUp("Adam@example.com")
	k.finds(begins("email", "ADA"), "ada", "Adam@example.com")
	k.finds(is("email", "adam@example.com"), "Adam@example.com")
}

func TestListUsersOfAGroup(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		long := strings.Repeat("x", 128)
		k.put(func(s *pool.Settings) {
			s.SignIn.Identifiers = []pool.Identifier{pool.Username}
			s.Groups = []pool.Group{{Name: "staff"}, {Name: "ops"}, {Name: long}, {Name: long[1:] + "1"}}
		})
		ids := map[string]user.ID{}
		for _, name := range []string{"ada", "bob", "eve"} {
			ids[name] = k.person(name)
		}
		for _, in := range [][2]string{{"ada", "staff"}, {"ada", "ops"}, {"bob", "staff"}, {"eve", long}, {"bob", long[1:] + "1"}} {
			if err := k.admin().AddToGroup(t.Context(), ids[in[0]], in[1]); err != nil {
				t.Fatal(err)
			}
		}
		of := func(group string) []string {
			names := k.found(pool.UserQuery{Group: group})
			slices.Sort(names)
			return names
		}
		for group, want := range map[string]string{
			"staff": "[ada bob]", "ops": "[ada]", long: "[eve]", long[1:] + "1": "[bob]", "none": "[]", "Staff": "[]",
		} {
			if got := fmt.Sprint(of(group)); got != want {
				t.Errorf("in %.20s are %s, want %s", group, got, want)
			}
		}
		q := begins("username", "")
		q.Group = "staff"
		k.finds(q, "ada", "bob")
		if err := k.admin().RemoveFromGroup(t.Context(), ids["ada"], "staff"); err != nil {
			t.Fatal(err)
		}
		k.finds(q, "bob")
		if err := k.admin().DeleteUser(t.Context(), ids["bob"]); err != nil {
			t.Fatal(err)
		}
		if left := of("staff"); left != nil {
			t.Errorf("in staff are %q after all have left", left)
		}
	})
}

// What is typed into a filter is a value and nothing else (CVE class 47).
func TestCVE47_FiltersAreValues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.person("ada", "name", `100% "quoted" \ name`)
		k.person("bob", "name", "bob")
		for _, value := range []string{`" or "1"="1`, "' OR 1=1 --", "%", "_", "*", `\`, "bob%", "b_b", `{"$ne":1}`, "*)(uid=*", "0x626f62", "\U0010ffff"} {
			k.finds(is("name", value))
			k.finds(is("username", value))
			k.finds(begins("name", "bo"+value))
			if err := check(k, pool.UserQuery{Group: value}); err != nil && !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("group %q: %v", value, err)
			}
		}
		k.finds(begins("name", `100% "quoted" \`), "ada")
		for what, q := range map[string]pool.UserQuery{
			"no attribute":           is("", "ada"),
			"an unknown attribute":   is("custom:nothing", "ada"),
			"one not searchable":     is("custom:plan", "gold"),
			"a standard one":         is("given_name", "Ada"),
			"logins not taken":       is("phone_number", "+4915112345678"),
			"the store's own":        is("login", "ada"),
			"the store's groups":     is("group", "staff"),
			"a password":             is("password", "x"),
			"SQL for an attribute":   is("name' OR '1'='1", "ada"),
			"the status":             is("cognito:user_status", "CONFIRMED"),
			"nothing":                is("name", ""),
			"NUL":                    begins("name", "a\x00b"),
			"not UTF-8":              is("name", "\xff"),
			"too long":               is("name", strings.Repeat("a", 2049)),
			"prefix alone":           {Filter: pool.Filter{Prefix: true}},
			"value alone":            {Filter: pool.Filter{Value: "ada"}},
			"a group with a blank":   {Group: "a b"},
			"a group that is long":   {Group: strings.Repeat("a", 200)},
			"a group that is not":    {Group: "\xff"},
			"another group's token":  {Group: "ops", After: next(k, pool.UserQuery{Group: "staff", Limit: 1})},
			"another filter's token": {Filter: begins("name", "b").Filter, After: next(k, begins("name", ""))},
			"equality's token":       {Filter: is("name", "b").Filter, After: next(k, begins("name", "b"))},
		} {
			if err := check(k, q); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", what, err)
			}
		}
	}, searches("name"))
}

func check(k *kit, q pool.UserQuery) error {
	_, err := k.admin().ListUsers(k.t.Context(), q)
	return err
}

// next returns the token of the second page, of one user each; a made-up one where there is none.
func next(k *kit, q pool.UserQuery) string {
	q.Limit = 1
	page, err := k.admin().ListUsers(k.t.Context(), q)
	if err != nil {
		k.t.Fatal(err)
	}
	if page.Next == "" {
		return "none"
	}
	return page.Next
}

func TestCountUsers(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		count := func(want int64) {
			t.Helper()
			if n, err := k.admin().CountUsers(t.Context()); err != nil || n != want {
				t.Errorf("CountUsers = %d, %v, want %d", n, err, want)
			}
		}
		count(0)
		k.signUp("new@example.com")
		count(0)
		id := k.person("ada")
		k.person("bob")
		if err := k.admin().Disable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		count(2)
		if err := k.admin().DeleteUser(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		count(1)
		k.Close(t.Context())
		if _, err := k.admin().CountUsers(t.Context()); !errors.Is(err, pool.ErrClosed) {
			t.Errorf("of a closed pool: %v", err)
		}
	}, searches())
}

// The events of a user come newest first, by pages that are bound to who asks (security.md S16).
func TestS16_EventsOfAUser(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		id, other := k.person("ada"), k.person("bob")
		for range 3 {
			k.clock.advance(1e9)
			k.done("ada")
		}
		k.clock.advance(1e9)
		k.signIn("ada", wrong)
		admin := k.admin()
		var kinds []string
		q := pool.EventQuery{User: id, Limit: 2}
		for {
			page, err := admin.ListEvents(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Events {
				kinds = append(kinds, e.Kind+" "+e.Outcome)
			}
			if q.After = page.Next; q.After == "" {
				break
			}
		}
		want := []string{"sign_in refused", "sign_in success", "sign_in success", "sign_in success", "create_user success"}
		if !slices.Equal(kinds, want) {
			t.Errorf("events %q, want %q", kinds, want)
		}
		first, err := admin.ListEvents(t.Context(), pool.EventQuery{User: id, Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		for what, f := range map[string]func() error{
			"another actor": func() error {
				_, err := k.Admin(pool.Actor{Name: "eve"}).ListEvents(t.Context(), pool.EventQuery{User: id, After: first.Next})
				return err
			},
			"another user": func() error {
				_, err := admin.ListEvents(t.Context(), pool.EventQuery{User: other, After: first.Next})
				return err
			},
			"the program's list": func() error {
				_, err := k.ListEvents(t.Context(), pool.EventQuery{User: id, After: first.Next})
				return err
			},
			"the other order": func() error {
				page, _ := k.ListEvents(t.Context(), pool.EventQuery{User: id, Limit: 1})
				_, err := k.ListEvents(t.Context(), pool.EventQuery{User: id, Newest: true, After: page.Next})
				return err
			},
			"everybody's, newest first": func() error {
				_, err := k.ListEvents(t.Context(), pool.EventQuery{Newest: true})
				return err
			},
		} {
			if err := f(); !errors.Is(err, pool.ErrInvalid) {
				t.Errorf("%s: %v, want ErrInvalid", what, err)
			}
		}
		for _, id := range []user.ID{"", "\xff", user.ID(strings.Repeat("a", 65))} {
			if _, err := admin.ListEvents(t.Context(), pool.EventQuery{User: id}); !errors.Is(err, pool.ErrNotFound) {
				t.Errorf("events of %q: %v, want ErrNotFound", id, err)
			}
		}
	}, searches())
}

// A user stands in the lists in no way but that of the settings, whichever act wrote the user last.
func TestTermsFollowEveryAct(t *testing.T) {
	t.Parallel()
	k := openOn(t, memory.New(), searches("name", "custom:plan"))
	k.confirmed("ada@example.com")
	id := k.user("ada@example.com").ID
	admin := k.admin()
	acts := []func() error{
		func() error {
			return admin.UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"name": "Ada", "custom:plan": "gold"}})
		},
		func() error { return admin.AddToGroup(t.Context(), id, "staff") },
		func() error { return admin.Disable(t.Context(), id) },
		func() error { return admin.Enable(t.Context(), id) },
		func() error {
			return admin.SetPassword(t.Context(), pool.SetPasswordInput{ID: id, Password: another, Permanent: true})
		},
		func() error { return admin.SignOutEverywhere(t.Context(), id) },
		func() error { return k.EraseEvents(t.Context(), id) },
	}
	for i, act := range acts {
		if err := act(); err != nil {
			t.Fatalf("act %d: %v", i, err)
		}
		want := []user.Term{{Name: "custom:plan", Value: "gold"}, {Name: "name", Value: "ada"}}
		if i > 0 {
			want = append(want, user.Term{Name: storage.GroupTerm, Value: "staff"})
		}
		if got := k.user("ada@example.com").Index; !slices.Equal(got, want) {
			t.Errorf("after act %d the terms are %v, want %v", i, got, want)
		}
	}
}
