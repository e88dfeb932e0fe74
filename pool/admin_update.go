package pool

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// UpdateAttributesInput changes what is said of a user.
type UpdateAttributesInput struct {
	ID user.ID
	// Attributes are those that change, an empty value for one that goes. An address is given as
	// "email" or "phone_number", whether it is a login or not.
	Attributes user.Attributes
	// EmailVerified and PhoneVerified vouch for the address that the user has then. One that is new
	// and not vouched for is unproven, and no login.
	EmailVerified, PhoneVerified bool
}

// UpdateAttributes changes attributes of a user, those that are for administrators to set as well.
// An address that changes is no login any more, and the one in its place is where it is vouched
// for: in the same commit, after which all sessions, tickets and codes are over. So they are where
// any address that the user had goes: what was sent there may be in other hands. The last login of a
// user stays, or is replaced. A proven address that goes is told, by a message to it,
// and so is the second factor that goes with it.
//
// It fails with [ErrNotFound], with a *[ValidationError], with [ErrLoginTaken], and with
// [ErrNotAllowed] for an address of a sign-up that is not confirmed. It costs one read and one
// commit.
func (a *Admin) UpdateAttributes(ctx context.Context, in UpdateAttributesInput) error {
	var v validation
	if v.profile(in.Attributes); v.err() != nil { // before it is worth a read
		return v.err()
	}
	return a.act(ctx, in.ID, updateEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		was := f.User
		f.User = was.Clone()
		if err := f.update(in); err != nil {
			return nil, err
		}
		if f.moved(was) {
			if err := f.by.lets(MaySetCredentials); err != nil {
				return nil, err
			}
		}
		dropUnreached(f.User)
		f.Updated = f.now
		changes := a.pool.left(was, f.User, f.now)
		changes = append(changes, a.pool.tell(was, f.told, Caller{}, f.now, removed(was.Factors, f.Factors)...)...)
		if f.gone(was) || !slices.Equal(reach(was), reach(f.User)) {
			changes = append(changes, a.pool.voided(f.User, f.now))
		}
		return append(changes, storage.Put(f.User)), nil
	})
}

// moved reports whether an address is another than it was, or proven and was not.
func (f *found) moved(was *user.User) bool {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		old, oldProven := was.Address(k)
		is, proven := f.Address(k)
		if old != is || proven != oldProven {
			return true
		}
	}
	return false
}

// gone reports whether an address that the user had, proven or not, is theirs no more.
func (f *found) gone(was *user.User) bool {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		old, _ := was.Address(k)
		if is, _ := f.Address(k); old != (user.Login{}) && is.Value != old.Value {
			return true
		}
	}
	return false
}

// left returns the changes that tell the proven addresses which a user has no more that it is so:
// whoever takes an account over by its address would else be seen by nobody (security.md S5).
func (p *Pool) left(was, is *user.User, now time.Time) (changes []storage.Change) {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		old, proven := was.Address(k)
		if next, _ := is.Address(k); !proven || next.Value == old.Value {
			continue
		}
		l := letterTo(old, message.AddressRemoved, localeOf(is, ""), "")
		l.Name = was.Username()
		changes = append(changes, p.notify(is.ID, l, now))
	}
	return changes
}

// reach returns what u signs in by, and what is proven to be theirs.
func reach(u *user.User) []user.Login {
	all := slices.Clone(u.Logins)
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		if l, proven := u.Address(k); proven {
			all = append(all, l)
		}
	}
	return all
}

// update gives the user the attributes of an input, addresses last.
func (f *found) update(in UpdateAttributesInput) error {
	var v validation
	was := told(f.User)
	is := maps.Clone(was)
	for name, value := range in.Attributes {
		if is[name] = value; value == "" {
			delete(is, name)
		}
	}
	v.unfit(f.state.settings.Attributes.CheckChange(was, is, user.Admin), "")
	v.profile(plain(is))
	if err := v.err(); err != nil {
		return err
	}
	f.Attributes = with(f.Attributes, plain(in.Attributes))
	v.rename(f.state.settings.SignIn, f.User, was[preferredName])
	vouched := vouching{in.EmailVerified, in.PhoneVerified}
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		moved := is[k.Attribute()] != was[k.Attribute()]
		if f.Attempt != nil && (moved || vouched.of(k)) {
			return errUnproven
		}
		f.move(&v, k, is[k.Attribute()], moved, vouched)
	}
	if f.Somebody() && !f.Named() {
		v.add("Attributes", "must leave a login: vouch for the address that is to be one")
	}
	return v.err()
}

// move changes the address of a kind, and proves it where it is vouched for.
func (f *found) move(v *validation, k user.Kind, typed string, moved bool, g vouching) {
	to, err := user.Identify(typed, user.CaseInsensitive)
	if old, _ := f.Address(k); moved && old.Value != to.Value {
		withdraw(f.User, k)
		if typed != "" {
			f.Attributes[k.Attribute()] = typed
		}
	}
	for _, l := range v.vouched(k, to, err == nil && to.Kind() == k, false, g) {
		f.Prove(l, f.state.settings.SignIn.kinds()...)
	}
}
