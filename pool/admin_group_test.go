package pool_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
)

// Groups are made, changed and deleted by name, each act in the history with its name; a call that
// fails changes nothing.
func TestAdminGroups(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		admin := k.admin()
		listed := func(want ...string) {
			t.Helper()
			groups, err := admin.ListGroups(t.Context())
			var names []string
			for _, g := range groups {
				names = append(names, g.Name)
			}
			if err != nil || !slices.Equal(names, want) {
				t.Errorf("ListGroups = %q, %v, want %q", names, err, want)
			}
		}
		listed()
		for _, g := range []pool.Group{{Name: "staff", Description: "Us."}, {Name: "ops", Precedence: new(7)}, {Name: "Staff"}} {
			if err := admin.CreateGroup(t.Context(), g); err != nil {
				t.Fatal(err)
			}
		}
		listed("ops", "Staff", "staff")
		for what, c := range map[string]struct {
			err  error
			want error
		}{
			"made twice":            {admin.CreateGroup(t.Context(), pool.Group{Name: "staff"}), pool.ErrExists},
			"changed, not there":    {admin.UpdateGroup(t.Context(), pool.Group{Name: "none"}), pool.ErrNotFound},
			"changed, without name": {admin.UpdateGroup(t.Context(), pool.Group{}), pool.ErrNotFound},
			"deleted, not there":    {admin.DeleteGroup(t.Context(), "STAFF"), pool.ErrNotFound},
			"deleted, hostile":      {admin.DeleteGroup(t.Context(), "\xff\x00"), pool.ErrNotFound},
			"by nobody":             {k.Admin(pool.Actor{}).CreateGroup(t.Context(), pool.Group{Name: "a"}), pool.ErrInvalid},
		} {
			if !errors.Is(c.err, c.want) {
				t.Errorf("%s: %v, want %v", what, c.err, c.want)
			}
		}
		for what, g := range map[string]pool.Group{
			"no name":            {},
			"a blank":            {Name: "a b"},
			"a long name":        {Name: strings.Repeat("a", 129)},
			"not UTF-8":          {Name: "\xff"},
			"a long description": {Name: "a", Description: strings.Repeat("a", 2049)},
			"precedence below 0": {Name: "a", Precedence: new(-1)},
			"a precedence of 33": {Name: "a", Precedence: new(1 << 31)},
			"no such permission": {Name: "a", May: 1 << 30},
		} {
			err := admin.CreateGroup(t.Context(), g)
			if _, ok := errors.AsType[*pool.SettingsError](err); !ok {
				t.Errorf("%s: %v, want a *SettingsError", what, err)
			}
		}
		listed("ops", "Staff", "staff")
		if err := admin.UpdateGroup(t.Context(), pool.Group{Name: "staff", Precedence: new(1)}); err != nil {
			t.Fatal(err)
		}
		groups, err := admin.ListGroups(t.Context())
		if err != nil || groups[0].Name != "staff" || groups[0].Description != "" {
			t.Errorf("after the change: %+v, %v", groups, err)
		}
		if err := admin.DeleteGroup(t.Context(), "staff"); err != nil {
			t.Fatal(err)
		}
		listed("ops", "Staff")
		page, err := k.ListEvents(t.Context(), pool.EventQuery{})
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, e := range page.Events {
			told = append(told, e.Kind+" "+e.Reason+" by "+e.Actor)
		}
		want := []string{
			"create_group staff by root", "create_group ops by root", "create_group Staff by root",
			"update_group staff by root", "delete_group staff by root",
		}
		slices.Sort(want) // made in one moment of the clock
		slices.Sort(told)
		if !slices.Equal(told, want) {
			t.Errorf("the history tells %q, want %q", told, want)
		}
	})
}

func TestGroupsInCodeAreFixed(t *testing.T) {
	t.Parallel()
	k := open(t, groups("staff"))
	admin := k.admin()
	for what, err := range map[string]error{
		"create": admin.CreateGroup(t.Context(), pool.Group{Name: "ops"}),
		"update": admin.UpdateGroup(t.Context(), pool.Group{Name: "staff"}),
		"delete": admin.DeleteGroup(t.Context(), "staff"),
	} {
		if !errors.Is(err, pool.ErrFixedInCode) {
			t.Errorf("%s: %v, want ErrFixedInCode", what, err)
		}
	}
}
