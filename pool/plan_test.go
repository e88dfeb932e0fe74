package pool_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// peopled is a pool with users of many kinds, whose settings are stored.
func peopled(k *kit) {
	k.put(func(s *pool.Settings) {
		s.SignIn.Identifiers = []pool.Identifier{pool.Username, pool.Email, pool.PreferredUsername}
		s.Attributes = user.Schema{{Name: "custom:age", Type: user.TypeNumber}, {Name: "custom:team"}}
		s.Groups = []pool.Group{{Name: "staff"}, {Name: "owners", May: pool.MayReadUsers}}
		s.Clients = []pool.Client{{ID: "web"}, {ID: "app"}}
	})
	for _, in := range []pool.CreateUserInput{
		{Username: "ada", Permanent: true, Attributes: user.Attributes{"name": "Ada", "custom:age": "36", "preferred_username": "lovelace"}},
		{Username: "bob", Permanent: true, Attributes: user.Attributes{"email": "bob@example.com", "custom:team": "blue"}, EmailVerified: true, Groups: []string{"staff"}},
		{Username: "eve@example.com", EmailVerified: true, Permanent: true, Attributes: user.Attributes{"custom:age": "200"}, Groups: []string{"owners", "staff"}},
		{Username: "kim@example.com", EmailVerified: true, Suppress: true}, // of a temporary password
	} {
		in.Password = right
		if _, err := k.admin().CreateUser(k.t.Context(), in); err != nil {
			k.t.Fatal(err)
		}
	}
	if _, err := k.SignUp(k.t.Context(), pool.SignUpInput{Client: "web", Username: "new@example.com", Password: right}); err != nil {
		k.t.Fatal(err)
	}
	for login, client := range map[string]string{"ada": "web", "bob": "app"} {
		in := pool.SignInInput{Client: client, Username: login, With: pool.Password{Value: right}}
		if _, err := pool.Finished(k.SignIn(k.t.Context(), in)); err != nil {
			k.t.Fatal(err)
		}
	}
	in := pool.SignInInput{Client: "app", Username: "eve@example.com", With: pool.Password{Value: right}, Caller: pool.Caller{Browser: true}}
	if _, err := pool.Finished(k.SignIn(k.t.Context(), in)); err != nil {
		k.t.Fatal(err)
	}
}

// plan says what settings would do, as "effect name: users".
func (k *kit) plan(change func(*pool.Settings)) (said []string) {
	k.t.Helper()
	s, v := k.policy()
	change(&s)
	plan, err := k.admin().Plan(k.t.Context(), s)
	if err != nil {
		k.t.Fatalf("Plan: %v", err)
	}
	for _, a := range plan.Affected {
		text := a.Effect
		if a.Name != "" {
			text += " " + a.Name
		}
		said = append(said, fmt.Sprintf("%s: %d", text, a.Users))
		if len(a.Examples) != min(a.Users, 10) {
			k.t.Errorf("%s: %d examples", text, len(a.Examples))
		}
	}
	if _, now := k.policy(); now != v {
		k.t.Error("a plan has changed the settings")
	}
	return said
}

func TestPlan(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		peopled(k)
		k.clock.advance(3 * time.Hour)
		for name, tt := range map[string]struct {
			change func(*pool.Settings)
			want   []string
		}{
			"nothing":              {func(*pool.Settings) {}, nil},
			"what binds newcomers": {func(s *pool.Settings) { s.SignUp.Closed, s.Passwords.History = true, 12 }, nil},
			"longer passwords":     {func(s *pool.Settings) { s.Passwords.MinLength = 12 }, []string{"keeps_password 2026-05: 3"}},
			"digits in passwords":  {func(s *pool.Settings) { s.Passwords.RequireNumbers = true }, []string{"keeps_password 2026-05: 3"}},
			"laxer passwords":      {func(s *pool.Settings) { s.Passwords.MinLength, s.Passwords.InsecureAllowCommon = 6, true }, nil},
			"a required attribute": {func(s *pool.Settings) {
				s.Attributes = append(s.Attributes, user.Attribute{Name: "name", Required: true})
			}, []string{"lacks_attribute name: 3"}},
			"a required address": {func(s *pool.Settings) {
				s.Attributes = append(s.Attributes, user.Attribute{Name: "email", Required: true})
			}, []string{"lacks_attribute email: 1"}},
			"bounds":                   {func(s *pool.Settings) { s.Attributes[0].Max = 150 }, []string{"unfit_attribute custom:age: 1"}},
			"another type":             {func(s *pool.Settings) { s.Attributes[1].Type = user.TypeBoolean }, []string{"unfit_attribute custom:team: 1"}},
			"an attribute that goes":   {func(s *pool.Settings) { s.Attributes = s.Attributes[1:] }, []string{"unknown_attribute custom:age: 2"}},
			"no names":                 {func(s *pool.Settings) { s.SignIn.Identifiers = []pool.Identifier{pool.Email} }, []string{"locked_out: 1", "loses_login username: 1"}},
			"no addresses":             {func(s *pool.Settings) { s.SignIn.Identifiers = []pool.Identifier{pool.Username} }, []string{"locked_out: 2", "loses_login email: 1", "loses_login preferred_username: 1"}},
			"another kind":             {func(s *pool.Settings) { s.SignIn.Identifiers = []pool.Identifier{pool.Phone} }, []string{"locked_out: 4"}},
			"a kind more":              {func(s *pool.Settings) { s.SignIn.Identifiers = append(s.SignIn.Identifiers, pool.Phone) }, nil},
			"a group that goes":        {func(s *pool.Settings) { s.Groups = s.Groups[1:] }, []string{"leaves_group staff: 2"}},
			"another role":             {func(s *pool.Settings) { s.Groups[1].May = 0 }, []string{"role_changes owners: 1"}},
			"a client that goes":       {func(s *pool.Settings) { s.Clients = s.Clients[:1] }, []string{"session_ends app: 2"}},
			"shorter tokens":           {func(s *pool.Settings) { s.Clients[0].Tokens.Refresh = 2 * time.Hour }, []string{"session_ends web: 1"}},
			"shorter ones for all":     {func(s *pool.Settings) { s.Clients[0].Tokens.Refresh = 4 * time.Hour }, nil},
			"shorter browser sessions": {func(s *pool.Settings) { s.Sessions.Idle = time.Hour }, []string{"session_ends app: 1"}},
			"shorter invitations":      {func(s *pool.Settings) { s.Passwords.TemporaryValidity = time.Hour }, []string{"temporary_password_ends: 1"}},
			"several": {func(s *pool.Settings) { s.Groups, s.Attributes = nil, nil }, []string{
				"leaves_group owners: 1", "leaves_group staff: 2", "unknown_attribute custom:age: 2", "unknown_attribute custom:team: 1",
			}},
		} {
			if got := k.plan(tt.change); !slices.Equal(got, tt.want) {
				t.Errorf("%s: %q, want %q", name, got, tt.want)
			}
		}
	})
}

// What would be one name without case is told, by name and user.
func TestPlanOfTwins(t *testing.T) {
	t.Parallel()
	onCases(t, true, func(t *testing.T, c *cases) {
		k := c.nodes[1]
		want := []pool.Twin{{Name: "ada", Users: []user.ID{c.made("Ada"), c.made("ADA"), c.made("ada")}}}
		c.made("bob")
		long := c.made("İ" + string(make128("x")))
		s, _ := k.policy()
		s.SignIn.CaseSensitive = false
		plan, err := k.admin().Plan(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want[0].Users)
		if !reflect.DeepEqual(plan.Twins, want) || plan.Users != 5 || len(plan.Affected) != 2 {
			t.Fatalf("Plan = %+v, want %+v", plan, want)
		}
		if a := plan.Affected[0]; a.Effect != "long_names" || a.Users != 1 || a.Examples[0] != long {
			t.Errorf("Affected = %+v", a)
		}
		if a := plan.Affected[1]; a.Effect != "twin_names" || a.Users != 3 || !slices.Equal(a.Examples, want[0].Users) {
			t.Errorf("Affected = %+v", a)
		}
	})
}

// Beyond ten examples there are only numbers, which are exact.
func TestPlanCountsAll(t *testing.T) {
	t.Parallel()
	c := &cases{t, nodes(t, memory.New(), 1)}
	k := c.nodes[0]
	k.put(func(s *pool.Settings) {
		s.SignIn = pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}, CaseSensitive: true}
	})
	c.settle()
	const n = 1100 // more than a page
	for i := range n {
		c.made(fmt.Sprint("a", i))
		if i < 25 {
			c.made(fmt.Sprint("A", i))
		}
	}
	s, _ := k.policy()
	s.SignIn.CaseSensitive, s.Attributes = false, user.Schema{{Name: "name", Required: true}}
	plan, err := k.admin().Plan(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if plan.Users != n+25 || len(plan.Affected) != 2 || len(plan.Twins) != 10 ||
		plan.Affected[0].Users != n+25 || plan.Affected[1].Users != 50 || len(plan.Affected[0].Examples) != 10 {
		t.Errorf("Plan = %+v", plan)
	}
}

// A plan fails with what keeps it from telling the truth.
func TestPlanFails(t *testing.T) {
	t.Parallel()
	st := &listing{Store: memory.New()}
	k := openOn(t, st, func(c *pool.Config) { c.Settings = &pool.Settings{} })
	if _, err := k.admin().Plan(t.Context(), pool.Settings{}); err != nil {
		t.Errorf("of settings in code: %v", err)
	}
	_, err := k.admin().Plan(t.Context(), pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}, Clients: []pool.Client{{ID: "a b"}}})
	if e, ok := errors.AsType[*pool.SettingsError](err); !ok || len(e.Problems) != 2 {
		t.Errorf("of bad settings: %v", err)
	}
	ctx, stop := context.WithCancel(t.Context())
	st.before = stop
	if _, err := k.admin().Plan(ctx, pool.Settings{}); !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	st.fail = storage.ErrRetry
	if _, err := k.admin().Plan(t.Context(), pool.Settings{}); !errors.Is(err, pool.ErrUnavailable) {
		t.Errorf("without the store: %v", err)
	}
	k.Close(t.Context())
	if _, err := k.admin().Plan(t.Context(), pool.Settings{}); !errors.Is(err, pool.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// listing is a store whose lists of users may fail.
type listing struct {
	storage.Store
	before func()
	fail   error
}

func (l *listing) Users(ctx context.Context, p user.PoolID, q storage.UserQuery) (storage.UserPage, error) {
	if l.before != nil {
		l.before()
	}
	if l.fail != nil {
		return storage.UserPage{}, l.fail
	}
	return l.Store.Users(ctx, p, q)
}
