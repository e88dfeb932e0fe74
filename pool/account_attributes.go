package pool

import (
	"context"
	"maps"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ChangeAttributesInput changes what users say of themselves.
type ChangeAttributesInput struct {
	// Attributes are those that change, an empty value for one that goes.
	Attributes user.Attributes
	Caller     Caller `json:"-"`
}

// UpdateAttributes changes attributes of one's own that [Settings].Attributes and [Client].Write leave to users, as
// Cognito's UpdateUserAttributes and DeleteUserAttributes do: not those that are immutable, for
// administrators or out of bounds, and none goes that is required. An address, and a user name that
// one signs in by, may be among them as it stands alone. Where nothing changes nothing is written.
//
// It fails with a *[ValidationError]. It costs one read and one commit.
func (a *Account) UpdateAttributes(ctx context.Context, in ChangeAttributesInput) error {
	var v validation
	if v.profile(in.Attributes); v.err() != nil { // before it is worth a read
		return v.err()
	}
	_, err := again(func() (struct{}, error) {
		g, err := a.readWith(ctx, in.Caller, storage.Want{})
		if err != nil {
			return struct{}{}, err
		}
		next, err := g.updated(in.Attributes)
		if err != nil || maps.Equal(next.Attributes, g.user.Attributes) {
			return struct{}{}, err
		}
		next.Updated = g.now
		o := occurrence{
			who: next, from: in.Caller, Kind: updateEvent, Outcome: succeeded, Client: g.client.ID,
			Actor: g.session.Actor(),
		}
		return struct{}{}, owned(a.pool.commit(ctx, storage.Put(next), a.pool.event(g.now, o)))
	})
	return err
}

// updated returns the user with changes of attributes that users may make.
func (g granted) updated(changes user.Attributes) (*user.User, error) {
	var v validation
	was := told(g.user)
	is := with(was, changes)
	for name, value := range changes {
		if !g.client.reads(name) { // a guess at what the app is not shown is a change, right or wrong
			was[name] = value + "\x00"
		}
	}
	for _, name := range []string{"email", "phone_number", preferredName} {
		login := name != preferredName || g.state.settings.SignIn.prefers()
		if login && is[name] != was[name] {
			v.add("Attributes."+name, "stays as it is: it proves or names an account, and is changed apart")
			is[name] = was[name]
		}
	}
	moved := maps.Clone(changes)
	maps.DeleteFunc(moved, func(name, value string) bool { return value == was[name] })
	v.writable(g.client, moved, "")
	v.unfit(g.state.settings.Attributes.CheckChange(was, is, user.Visitor), "")
	v.profile(plain(is))
	if err := v.err(); err != nil {
		return nil, err
	}
	next := g.user.Clone()
	next.Attributes = with(next.Attributes, plain(changes))
	return next, nil
}

// with returns attributes with changes to them, an empty value for one that goes.
func with(was, changes user.Attributes) user.Attributes {
	is := user.Attributes{}
	maps.Copy(is, was)
	maps.Copy(is, changes)
	maps.DeleteFunc(is, func(_, value string) bool { return value == "" })
	return is
}
