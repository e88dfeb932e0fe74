package pool

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/user"
)

// ListGroups returns the groups of the pool by precedence, as they are stored now. It costs one
// read.
func (a *Admin) ListGroups(ctx context.Context) ([]Group, error) {
	s, _, err := a.Settings(ctx)
	return s.byPrecedence(), err
}

// CreateGroup adds a group to the settings, without members. It fails with a *[SettingsError] where
// the group is malformed or there is no room for it, with [ErrExists] where there is one of its
// name, with [ErrNotReady] where one of that name was deleted of late and still has members, and
// with [ErrFixedInCode]. It costs two reads and a commit.
func (a *Admin) CreateGroup(ctx context.Context, g Group) error {
	return a.revise(ctx, createGroupEvent, func(r *revision) error {
		if r.groupAt(g.Name) >= 0 {
			return ErrExists
		}
		x, err := a.pool.storedIndex(ctx)
		if err != nil {
			return unavailable(err)
		}
		if slices.Contains(x.Gone, g.Name) { // it would give nothing to anybody until they are out
			return ErrNotReady
		}
		r.Groups, r.reason = append(r.Groups, g.clone()), named(g.Name)
		return nil
	})
}

// UpdateGroup replaces what is said of the group of g's name, all of it. It fails with [ErrNotFound]
// where there is none, with a *[SettingsError], and with [ErrFixedInCode]. It costs a read and a
// commit.
func (a *Admin) UpdateGroup(ctx context.Context, g Group) error {
	return a.revise(ctx, updateGroupEvent, func(r *revision) error {
		i := r.groupAt(g.Name)
		if i < 0 {
			return ErrNotFound
		}
		r.Groups[i], r.reason = g.clone(), named(g.Name)
		return nil
	})
}

// DeleteGroup deletes a group. From then on it gives nothing to anybody: tokens tell of it no more
// from the next refresh on. Its members are taken out in the background, and until they all are,
// there is no other of its name ([ErrNotReady]), so that nobody is in that one by having been in
// this. It fails with [ErrNotFound] and with [ErrFixedInCode]. It costs a few reads and a commit,
// and later one write for each member.
func (a *Admin) DeleteGroup(ctx context.Context, name string) error {
	return a.revise(ctx, deleteGroupEvent, func(r *revision) error {
		i := r.groupAt(name)
		if i < 0 {
			return ErrNotFound
		}
		r.Groups, r.reason = slices.Delete(r.Groups, i, i+1), named(name)
		return nil
	})
}

// groupAt returns where the group of a name stands in the settings, or -1.
func (s Settings) groupAt(name string) int {
	return slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == name })
}

// named returns a group's name for the history, unless it is none.
func named(name string) string {
	if !user.ValidGroup(name) {
		return "malformed"
	}
	return name
}
