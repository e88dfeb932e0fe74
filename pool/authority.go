package pool

import (
	"cmp"
	"context"
	"fmt"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Only returns the same administrator with no more than a role: for a program that has staff of its
// own, and decides by itself what each of them may do. No role makes more of one, and what Only has
// returned is the program no longer: it acts only on users who are below the role ([Group].May),
// also where that is [MayEverything].
//
//	desk := p.Admin(pool.Actor{Name: "helpdesk/" + clerk}).Only(pool.MayReadUsers | pool.MayWriteUsers)
func (a *Admin) Only(role Role) *Admin {
	b := *a
	b.role, b.bounded = a.role&role, true
	return &b
}

// Admin returns the administrator that the signed-in user is: one who may do what the groups give
// that they are in ([Group].May), which for most is nothing. The Actor is the user's id. Like the
// account it holds no authority: each call reads the session, the user and the groups anew, and what
// it commits is committed only as long as all of it stands, so that who is signed out, disabled or
// taken out of a group has acted for the last time. That read is beside those that the call costs.
//
// Each call fails also with [ErrNotAuthorized]: sign in again.
func (a *Account) Admin() *Admin {
	actor := Actor{cmp.Or(a.claims.Actor, a.claims.Subject)} // who acts as one may do nothing, which is told of them
	return &Admin{pool: a.pool, actor: actor, account: a, role: MayEverything, bounded: true}
}

// Role returns what the administrator may do now, for a console that shows no more than that. It
// fails with [ErrNotAuthorized] where a user's session is over, and costs one read for a user, none
// for the program.
func (a *Admin) Role(ctx context.Context) (Role, error) {
	by, err := a.authority(ctx)
	return by.role, err
}

// authority is what an administrator may do, as of one read.
type authority struct {
	role  Role
	above bool             // everybody: the program itself
	acr   string           // of a user's session
	epoch int64            // of a user
	still []storage.Change // that it stands, for the commit of what it was for
}

// authority reads what the administrator may do now.
func (a *Admin) authority(ctx context.Context) (authority, error) {
	by := authority{role: a.role, above: !a.bounded}
	if a.account == nil {
		return by, nil
	}
	g, err := a.account.read(ctx)
	if err != nil {
		return authority{}, err
	}
	if g.session.Kind == token.Impersonation { // who acts as an administrator is none
		return authority{}, nil
	}
	by.acr, by.epoch = token.ACR(g.session.Proofs, g.now), g.user.Epoch
	by.role &= g.state.roleOf(g.user)
	by.still = []storage.Change{storage.Require(g.session), storage.Require(g.user)}
	return by, nil
}

// may returns the authority of an administrator who has a permission. All that an Admin does asks
// it first, once its input was found well-formed, and before it reads anything else.
func (a *Admin) may(ctx context.Context, need Role) (authority, error) {
	var v validation
	v.actor(a.actor)
	if err := v.err(); err != nil {
		return authority{}, err
	}
	by, err := a.authority(ctx)
	if err != nil {
		return by, err
	}
	return by, by.lets(need)
}

// reads is may for what changes nothing. That it was refused is told all the same: it is how somebody
// looks around.
func (a *Admin) reads(ctx context.Context, need Role) error {
	_, err := a.may(ctx, need)
	return a.refused(ctx, readEvent, nil, err)
}

// lets fails where a permission is lacking.
func (by authority) lets(need Role) error {
	if by.role.Has(need) {
		return nil
	}
	return fmt.Errorf("%w: it takes %v", ErrForbidden, need&^by.role)
}

// over fails where a role is not below the administrator's. Nobody acts on their like, themselves
// among them, or makes one: who could would set the password of who may more, or raise a friend and
// be raised in turn (CVE class 45).
func (by authority) over(r Role) error {
	if by.above || r.below(by.role) {
		return nil
	}
	return fmt.Errorf("%w: whom an act is about may do as much, or something else (%v)", ErrForbidden, r)
}

// puts fails where the administrator may not make somebody who is in groups, which give a role.
func (by authority) puts(groups []string, r Role) error {
	if len(groups) > 0 {
		if err := by.lets(MaySetGroups); err != nil {
			return err
		}
	}
	return by.over(r)
}

// gives fails where the administrator may not change what groups give.
func (by authority) gives(was, is map[string]Role) error {
	for _, roles := range []map[string]Role{was, is} {
		for name := range roles {
			if was[name] == is[name] {
				continue
			}
			if err := by.over(roles[name]); err != nil {
				return fmt.Errorf("group %q: %w", name, err)
			}
		}
	}
	return nil
}

// roleOf returns what u may do as an administrator: what one of their groups gives.
func (s *state) roleOf(u *user.User) (r Role) {
	for _, name := range u.Groups {
		r |= s.roles[name]
	}
	return r
}
