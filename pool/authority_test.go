package pool_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// ranks are a group for each permission, which gives it, one that gives all, and one that gives
// none.
func ranks() []pool.Group {
	all := []pool.Group{{Name: "customers"}, {Name: "owners", May: pool.MayEverything}}
	for p := pool.Role(1); p < pool.MayEverything; p <<= 1 {
		all = append(all, pool.Group{Name: p.String(), May: p})
	}
	return all
}

// ranked lets a pool have those groups, and take any login.
func ranked(c *pool.Config) {
	takes(pool.Username, pool.Email)(c)
	c.Settings.Groups = ranks()
}

// groupsOf returns the groups that give a role together.
func groupsOf(r pool.Role) (names []string) {
	for _, g := range ranks()[2:] {
		if r.Has(g.May) {
			names = append(names, g.Name)
		}
	}
	return names
}

// roleOf returns what some groups give together.
func roleOf(names []string) (r pool.Role) {
	for _, g := range ranks() {
		if slices.Contains(names, g.Name) {
			r |= g.May
		}
	}
	return r
}

// member makes a user of a role.
func (k *kit) member(login string, r pool.Role) user.ID {
	k.t.Helper()
	in := pool.CreateUserInput{Username: login, Password: right, Permanent: true, Groups: groupsOf(r)}
	if strings.Contains(login, "@") {
		in.EmailVerified = true
	}
	u, err := k.admin().CreateUser(k.t.Context(), in)
	if err != nil {
		k.t.Fatalf("CreateUser(%s): %v", login, err)
	}
	return u.ID
}

// staff returns the administrator that a new user of a role is, who has signed in.
func (k *kit) staff(login string, r pool.Role) *pool.Admin {
	k.t.Helper()
	k.member(login, r)
	return k.account(k.done(login)).Admin()
}

// asks says what each method of an administrator asks for, and whether it acts on a user, who must
// be below. One that is missing here fails TestCVE45_EveryActAsks.
var asks = map[string]struct {
	need pool.Role
	acts bool
	call func(ctx context.Context, a *pool.Admin, id user.ID) error
}{
	"Only": {}, "Role": {}, // of the administrator alone
	"GetUser": {pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		_, err := a.GetUser(ctx, id)
		return err
	}},
	"FindUser": {pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.FindUser(ctx, ada)
		return err
	}},
	"Settings": {pool.MayReadSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, _, err := a.Settings(ctx)
		return err
	}},
	"PutSettings": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		return a.PutSettings(ctx, pool.Settings{}, "")
	}},
	"CreateClient": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.CreateClient(ctx, pool.Client{})
		return err
	}},
	"UpdateClient": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.UpdateClient(ctx, "default", func(c *pool.Client) { c.Name = "App" })
		return err
	}},
	"DeleteClient": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		return a.DeleteClient(ctx, "default")
	}},
	"AddClientSecret": {pool.MaySetClientSecrets, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.AddClientSecret(ctx, pool.AddClientSecretInput{})
		return err
	}},
	"ListClientSecrets": {pool.MayReadSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.ListClientSecrets(ctx, "")
		return err
	}},
	"DeleteClientSecret": {pool.MaySetClientSecrets, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		return a.DeleteClientSecret(ctx, "", "x")
	}},
	"Plan": {pool.MayReadSettings | pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.Plan(ctx, pool.Settings{})
		return err
	}},
	"ListUsers": {pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.ListUsers(ctx, pool.UserQuery{})
		return err
	}},
	"CountUsers": {pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.CountUsers(ctx)
		return err
	}},
	"ListEvents": {pool.MayReadEvents, false, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		_, err := a.ListEvents(ctx, pool.EventQuery{User: id})
		return err
	}},
	"ListGroups": {pool.MayReadSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.ListGroups(ctx)
		return err
	}},
	"CreateGroup": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		return a.CreateGroup(ctx, pool.Group{Name: "new"})
	}},
	"UpdateGroup": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		return a.UpdateGroup(ctx, pool.Group{Name: "customers"})
	}},
	"DeleteGroup": {pool.MayWriteSettings, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		return a.DeleteGroup(ctx, "customers")
	}},
	"CreateUser": {pool.MayWriteUsers, false, func(ctx context.Context, a *pool.Admin, _ user.ID) error {
		_, err := a.CreateUser(ctx, pool.CreateUserInput{Username: "new", Suppress: true})
		return err
	}},
	"ResendInvitation": {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return a.ResendInvitation(ctx, pool.ResendInvitationInput{ID: id})
	}},
	"ConfirmSignUp": {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return a.ConfirmSignUp(ctx, pool.ConfirmUserInput{ID: id})
	}},
	"UpdateAttributes": {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return a.UpdateAttributes(ctx, pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"name": "Eve"}})
	}},
	"SetPassword": {pool.MaySetCredentials, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return a.SetPassword(ctx, pool.SetPasswordInput{ID: id, Password: another, Permanent: true})
	}},
	"ResetPassword": {pool.MaySetCredentials, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		_, err := a.ResetPassword(ctx, pool.RequireResetInput{ID: id})
		return err
	}},
	"Factors":      {pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, id user.ID) error { return second(a.Factors(ctx, id)) }},
	"ResetFactors": {pool.MaySetCredentials, true, func(ctx context.Context, a *pool.Admin, id user.ID) error { return a.ResetFactors(ctx, id) }},
	"RememberedDevices": {pool.MayReadUsers, false, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return second(a.RememberedDevices(ctx, id))
	}},
	"ForgetDevice":      {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error { return a.ForgetDevice(ctx, id, "device") }},
	"Disable":           {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error { return a.Disable(ctx, id) }},
	"Enable":            {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error { return a.Enable(ctx, id) }},
	"SignOutEverywhere": {pool.MayWriteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error { return a.SignOutEverywhere(ctx, id) }},
	"DeleteUser":        {pool.MayDeleteUsers, true, func(ctx context.Context, a *pool.Admin, id user.ID) error { return a.DeleteUser(ctx, id) }},
	"Impersonate": {pool.MayImpersonate, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return second(a.Impersonate(ctx, pool.ImpersonateInput{ID: id, Reason: "why not"}))
	}},
	"AddToGroup": {pool.MaySetGroups, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return a.AddToGroup(ctx, id, "customers")
	}},
	"RemoveFromGroup": {pool.MaySetGroups, true, func(ctx context.Context, a *pool.Admin, id user.ID) error {
		return a.RemoveFromGroup(ctx, id, "customers")
	}},
}

// Every method asks for the permission that it names, and acts on nobody of the same role, or of
// more: neither for who is signed in nor for whom the program holds down.
func TestCVE45_EveryActAsks(t *testing.T) {
	t.Parallel()
	admin := reflect.TypeFor[*pool.Admin]()
	for i := range admin.NumMethod() {
		name := admin.Method(i).Name
		row, ok := asks[name]
		if !ok {
			t.Errorf("Admin.%s has no row in asks: which permission does it ask for?", name)
		}
		if row.call == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := open(t, ranked)
			plain, peer, owner := k.member(ada, 0), k.member("peer", row.need), k.member("owner", pool.MayEverything)
			lacks := pool.MayEverything &^ row.need
			for face, a := range map[string]func(pool.Role) *pool.Admin{
				"the program's staff": k.admin().Only,
				"a user":              func(r pool.Role) *pool.Admin { return k.staff(fmt.Sprintf("staff%d", r), r) },
			} {
				k.store.reset()
				less, just := a(lacks), a(row.need)
				_, made := k.store.counted()
				if err := row.call(t.Context(), less, plain); !errors.Is(err, pool.ErrForbidden) || !strings.Contains(err.Error(), row.need.String()) {
					t.Errorf("%s without %v = %v, want ErrForbidden", face, row.need, err)
				}
				for who, id := range map[string]user.ID{"a peer": peer, "an owner": owner} {
					if err := row.call(t.Context(), just, id); errors.Is(err, pool.ErrForbidden) != row.acts {
						t.Errorf("%s to %s = %v, want it forbidden: %v", face, who, err, row.acts)
					}
				}
				if _, commits := k.store.counted(); row.acts && len(commits) != len(made) {
					t.Errorf("%s: %d commits by what was forbidden", face, len(commits)-len(made))
				}
				weak := row.need == pool.MayImpersonate && face == "a user" // who has signed in by one factor
				if err := row.call(t.Context(), just, plain); errors.Is(err, pool.ErrForbidden) && !weak {
					t.Errorf("%s with %v alone = %v", face, row.need, err)
				}
			}
			if err := row.call(t.Context(), k.admin(), owner); errors.Is(err, pool.ErrForbidden) {
				t.Errorf("the program itself = %v", err)
			}
			if err := row.call(t.Context(), k.admin().Only(0), plain); !errors.Is(err, pool.ErrForbidden) {
				t.Errorf("with no role = %v, want ErrForbidden", err)
			}
		})
	}
}

// Nobody gives what they lack, by whatever way, to themselves or to others.
func TestCVE45_NobodyGivesWhatTheyLack(t *testing.T) {
	t.Parallel()
	k := open(t, ranked)
	const desk = pool.MayReadUsers | pool.MayWriteUsers | pool.MaySetGroups
	clerk := k.staff("clerk", desk)
	self, err := clerk.FindUser(t.Context(), "clerk")
	if err != nil {
		t.Fatal(err)
	}
	id, bob, ctx := k.member(ada, 0), k.invited("bob@example.com"), t.Context()
	if err := clerk.AddToGroup(ctx, id, "read_users"); err != nil {
		t.Fatalf("a group of less than one's own = %v", err)
	}
	create := func(a *pool.Admin, groups ...string) error {
		_, err := a.CreateUser(ctx, pool.CreateUserInput{Username: "friend", Suppress: true, Groups: groups})
		return err
	}
	for name, do := range map[string]func() error{
		"more, to a user":           func() error { return clerk.AddToGroup(ctx, id, "owners") },
		"something else":            func() error { return clerk.AddToGroup(ctx, id, "delete_users") },
		"more, to oneself":          func() error { return clerk.AddToGroup(ctx, self.ID, "owners") },
		"less, to oneself":          func() error { return clerk.AddToGroup(ctx, self.ID, "read_users") },
		"nothing, to oneself":       func() error { return clerk.AddToGroup(ctx, self.ID, "customers") },
		"away from oneself":         func() error { return clerk.RemoveFromGroup(ctx, self.ID, "read_users") },
		"more, to somebody new":     func() error { return create(clerk, "owners") },
		"one's own, to new":         func() error { return create(clerk, groupsOf(desk)...) },
		"more, beside less":         func() error { return create(clerk, "read_users", "delete_users") },
		"groups without permission": func() error { return create(clerk.Only(pool.MayWriteUsers|pool.MayReadUsers), "customers") },
		"an address without permission": func() error {
			return clerk.UpdateAttributes(ctx, pool.UpdateAttributesInput{ID: id, Attributes: user.Attributes{"email": "eve@example.com"}, EmailVerified: true})
		},
		"a temporary password without permission": func() error {
			return clerk.ResendInvitation(ctx, pool.ResendInvitationInput{ID: bob, Password: another})
		},
		"all that one lacks, held down": func() error { return clerk.Only(pool.MayEverything).DeleteUser(ctx, id) },
	} {
		before, _ := k.admin().ListUsers(ctx, pool.UserQuery{})
		err := do()
		after, _ := k.admin().ListUsers(ctx, pool.UserQuery{})
		if !errors.Is(err, pool.ErrForbidden) || fmt.Sprint(before.Users) != fmt.Sprint(after.Users) {
			t.Errorf("%s = %v, want ErrForbidden, and nothing changed", name, err)
		}
	}
	if err := create(clerk, "read_users", "customers"); err != nil {
		t.Errorf("less, to somebody new = %v", err)
	}
	// By the last that makes a peer of them, step by step.
	for _, name := range []string{"write_users", "set_groups"} {
		err = errors.Join(err, clerk.AddToGroup(ctx, id, name))
	}
	if !errors.Is(err, pool.ErrForbidden) {
		t.Errorf("a peer made in three steps = %v, want ErrForbidden at the last", err)
	}
}

// An administrator who is a user acts as long as they are one, and no longer.
func TestCVE45_AuthorityIsReadAnew(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		id := k.member(ada, 0)
		for name, end := range map[string]struct {
			do   func(id user.ID) error
			want error
		}{
			"out of the group": {func(id user.ID) error { return k.admin().RemoveFromGroup(t.Context(), id, "write_users") }, pool.ErrForbidden},
			"disabled":         {func(id user.ID) error { return k.admin().Disable(t.Context(), id) }, pool.ErrNotAuthorized},
			"signed out":       {func(id user.ID) error { return k.admin().SignOutEverywhere(t.Context(), id) }, pool.ErrNotAuthorized},
			"deleted":          {func(id user.ID) error { return k.admin().DeleteUser(t.Context(), id) }, pool.ErrNotAuthorized},
			"a new password": {func(id user.ID) error {
				return k.admin().SetPassword(t.Context(), pool.SetPasswordInput{ID: id, Password: another})
			}, pool.ErrNotAuthorized},
		} {
			for when, act := range map[string]func(a *pool.Admin, end func()) error{
				"before":    func(a *pool.Admin, end func()) error { end(); return a.Disable(t.Context(), id) },
				"meanwhile": func(a *pool.Admin, end func()) error { k.store.meanwhile(end); return a.Disable(t.Context(), id) },
				"creating": func(a *pool.Admin, end func()) error {
					k.store.meanwhile(end)
					_, err := a.CreateUser(t.Context(), pool.CreateUserInput{Username: "new", Suppress: true})
					return err
				},
			} {
				login := strings.ReplaceAll(name+when, " ", "-")
				a := k.staff(login, pool.MayReadUsers|pool.MayWriteUsers)
				staff := k.user(login).ID
				err := act(a, func() {
					if err := end.do(staff); err != nil {
						t.Error(err)
					}
				})
				if !errors.Is(err, end.want) || k.user("new") != nil {
					t.Errorf("%s, %s = %v, want %v", name, when, err, end.want)
				}
				if u, err := k.admin().GetUser(t.Context(), id); err != nil || u.Disabled {
					t.Errorf("%s, %s: it was done all the same", name, when)
				}
				if role, err := a.Role(t.Context()); end.want == pool.ErrForbidden && (err != nil || role != pool.MayReadUsers) ||
					end.want == pool.ErrNotAuthorized && !errors.Is(err, end.want) {
					t.Errorf("%s: Role = %v, %v", name, role, err)
				}
			}
		}
	}, ranked)
}

// What is forbidden stands in the history, with who wanted it, gathered by the minute.
func TestCVE45_WhatIsForbiddenIsTold(t *testing.T) {
	t.Parallel()
	k := open(t, ranked)
	clerk := k.staff("clerk", pool.MayWriteUsers)
	owner := k.member("owner", pool.MayEverything)
	for range 3 {
		if err := clerk.Disable(t.Context(), owner); !errors.Is(err, pool.ErrForbidden) {
			t.Fatal(err)
		}
	}
	k.clock.advance(2 * time.Minute)
	waitFor(t, func() bool { _, n := k.told("role"); return n >= 3 })
	events, _ := k.told("role")
	if e := events[0]; len(events) != 1 || e.Kind != "disable_user" || e.User != owner || e.Outcome != "refused" || e.Actor != string(k.user("clerk").ID) {
		t.Errorf("told %+v", events)
	}
}

// So does what was forbidden to read.
func TestCVE45_ForbiddenReadsAreTold(t *testing.T) {
	t.Parallel()
	k := open(t, ranked)
	id := k.member(ada, 0)
	a, wanted := k.account(k.done(ada)).Admin(), 0
	for name, row := range asks {
		if row.call == nil {
			continue
		}
		wanted++
		if err := row.call(t.Context(), a, id); !errors.Is(err, pool.ErrForbidden) {
			t.Errorf("%s = %v, want ErrForbidden", name, err)
		}
	}
	k.clock.advance(2 * time.Minute)
	waitFor(t, func() bool { _, n := k.told("role"); return n >= wanted })
	if events, n := k.told("role"); n != wanted || slices.ContainsFunc(events, func(e pool.Event) bool { return e.Actor != string(id) }) {
		t.Errorf("%d of %d are told: %+v", n, wanted, events)
	}
}

// Whatever administrators of whatever roles do, in whatever order: who was changed was below who did
// it, and is.
func TestCVE45_NobodyIsRaisedAboveTheActor(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			k, r := open(t, ranked), rand.New(rand.NewPCG(seed, 45))
			any := func() pool.Role { return pool.Role(r.Uint32()|r.Uint32()) & pool.MayEverything }
			var logins []string
			for i := range 6 {
				logins = append(logins, fmt.Sprintf("user%d", i))
				k.member(logins[i], any())
			}
			done := 0
			for step := range 150 {
				actor := logins[r.IntN(len(logins))]
				who := k.user(actor)
				if who == nil {
					continue
				}
				if err := k.admin().Enable(t.Context(), who.ID); err != nil {
					t.Fatal(err)
				}
				account := k.account(k.done(actor))
				before := k.everybody()
				target := before[r.IntN(len(before))].ID
				group := ranks()[r.IntN(len(ranks()))].Name
				a, what, err := account.Admin(), r.IntN(7), error(nil)
				switch what {
				case 0, 1:
					err = a.AddToGroup(t.Context(), target, group)
				case 2:
					err = a.RemoveFromGroup(t.Context(), target, group)
				case 3:
					_, err = a.CreateUser(t.Context(), pool.CreateUserInput{Username: fmt.Sprintf("new%d", step), Suppress: true, Groups: []string{group}})
				case 4:
					err = a.Disable(t.Context(), target)
				case 5:
					err = a.DeleteUser(t.Context(), target)
				case 6:
					err = a.UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: target, Attributes: user.Attributes{"name": fmt.Sprint(step)}})
				}
				if err == nil {
					done++
				}
				most := roleOf(who.Groups)
				for _, u := range changed(before, k.everybody()) {
					if role := roleOf(u.Groups); !most.Has(role) || role == most {
						t.Fatalf("step %d, act %d: %v changed somebody of %v", step, what, most, role)
					}
				}
			}
			if done < 5 {
				t.Errorf("only %d of the acts were done", done)
			}
		})
	}
}

// everybody returns all users.
func (k *kit) everybody() []pool.User {
	k.t.Helper()
	page, err := k.admin().ListUsers(k.t.Context(), pool.UserQuery{})
	if err != nil {
		k.t.Fatal(err)
	}
	return page.Users
}

// changed returns those users who are not as they were, both as they were and as they are.
func changed(before, after []pool.User) (us []pool.User) {
	as := func(us []pool.User) map[user.ID]pool.User {
		byID := map[user.ID]pool.User{}
		for _, u := range us {
			byID[u.ID] = u
		}
		return byID
	}
	old, now := as(before), as(after)
	for id, u := range old {
		if fmt.Sprint(u) != fmt.Sprint(now[id]) {
			us = append(us, u)
		}
	}
	for id, u := range now {
		if fmt.Sprint(u) != fmt.Sprint(old[id]) {
			us = append(us, u)
		}
	}
	return us
}

// Who may write settings makes no group that gives what they lack, and takes nothing from one.
func TestCVE45_SettingsRaiseNobody(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.put(func(s *pool.Settings) {
		s.SignIn.Identifiers, s.Groups = []pool.Identifier{pool.Username}, ranks()
	})
	editor := k.staff("editor", pool.MayReadSettings|pool.MayWriteSettings)
	group := func(s *pool.Settings, name string) *pool.Group {
		return &s.Groups[slices.IndexFunc(s.Groups, func(g pool.Group) bool { return g.Name == name })]
	}
	for name, tt := range map[string]struct {
		change    func(s *pool.Settings)
		forbidden bool
	}{
		"one's own group gives more":     {func(s *pool.Settings) { group(s, "read_settings").May |= pool.MayDeleteUsers }, true},
		"a group gives as much":          {func(s *pool.Settings) { group(s, "customers").May = pool.MayReadSettings | pool.MayWriteSettings }, true},
		"a new one gives all":            {func(s *pool.Settings) { s.Groups = append(s.Groups, pool.Group{Name: "x", May: pool.MayEverything}) }, true},
		"owners give nothing":            {func(s *pool.Settings) { group(s, "owners").May = 0 }, true},
		"owners go":                      {func(s *pool.Settings) { s.Groups = slices.Delete(s.Groups, 1, 2) }, true},
		"owners are named anew":          {func(s *pool.Settings) { group(s, "owners").Name = "kings" }, true},
		"a group gives less than one":    {func(s *pool.Settings) { group(s, "customers").May = pool.MayReadSettings }, false},
		"a group that gives nothing":     {func(s *pool.Settings) { s.Groups = append(s.Groups, pool.Group{Name: "y"}) }, false},
		"what owners are is said better": {func(s *pool.Settings) { group(s, "owners").Description = "all of it" }, false},
		"something else":                 {func(s *pool.Settings) { s.Branding.Name = "Shop" }, false},
	} {
		s, v, err := editor.Settings(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		tt.change(&s)
		if err := editor.PutSettings(t.Context(), s, v); errors.Is(err, pool.ErrForbidden) != tt.forbidden || !tt.forbidden && err != nil {
			t.Errorf("%s = %v, want it forbidden: %v", name, err, tt.forbidden)
		}
		if _, now := k.policy(); (now == v) != tt.forbidden {
			t.Errorf("%s: the settings changed: %v", name, now != v)
		}
	}
}
