package pooltest

import (
	"errors"
	"fmt"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// PersonOption says how a [Person] differs from one who is signed in. Several go together.
type PersonOption func(*order)

// order is what a person is to be.
type order struct {
	attributes                                          user.Attributes
	groups                                              []string
	verified                                            []string
	unconfirmed, disabled, temporary, locked, signedOut bool
	app, passkey                                        bool
}

// Attribute gives the person an attribute at sign-up.
func Attribute(name, value string) PersonOption {
	return func(o *order) {
		if o.attributes == nil {
			o.attributes = user.Attributes{}
		}
		o.attributes[name] = value
	}
}

// InGroup makes the person a member of a group of the pool's before the sign-in, as an
// administrator does, so that the tokens tell it. The settings must have the group.
func InGroup(name string) PersonOption {
	return func(o *order) { o.groups = append(o.groups, name) }
}

// Verified gives the person an email address or a phone number that is proven, beside the one of the
// sign-up, as an administrator does before the sign-in. It is of the kind that the sign-up left out.
func Verified(address string) PersonOption {
	return func(o *order) { o.verified = append(o.verified, address) }
}

// Unconfirmed leaves it at the sign-up: the code is in the mail, and there are no tokens. It does
// not go together with Disabled, InGroup, Passkey, TemporaryPassword, SignedOut, TOTP and Verified.
func Unconfirmed() PersonOption { return func(o *order) { o.unconfirmed = true } }

// Disabled disables the person after the sign-in, as an administrator does. The tokens are still
// held.
func Disabled() PersonOption { return func(o *order) { o.disabled = true } }

// TemporaryPassword makes [Password] a temporary one after the sign-in, as an administrator does:
// it signs in to a pool.NeedNewPassword for 7 days, or as the policy says. The tokens are still
// held, and the session is over.
func TemporaryPassword() PersonOption { return func(o *order) { o.temporary = true } }

// Locked has a stranger guess the person's password until it is locked, which takes five guesses
// and lasts until the clock has moved by a second. What the person holds stays good: a lock is on
// guessing.
func Locked() PersonOption { return func(o *order) { o.locked = true } }

// SignedOut signs the person out after the sign-in, as [Person.SignOut] does. The tokens are still
// held.
func SignedOut() PersonOption { return func(o *order) { o.signedOut = true } }

// guesses is how many wrong passwords lock (security.md T5).
const guesses = 5

func (p *Person) lock() {
	p.kit.t.Helper()
	in := pool.SignInInput{
		Client: p.client.ID, ClientSecret: p.kit.secret(p.client),
		Username: p.Login, With: pool.Password{Value: password.New("not the password")},
		Caller: pool.Caller{IP: p.kit.address()}, // a stranger's
	}
	for range guesses {
		if _, err := p.kit.SignIn(p.kit.t.Context(), in); !errors.Is(err, pool.ErrNotAuthorized) {
			p.fatal("guess the password", err)
		}
	}
}

// join makes the person a member of groups, which ends no session.
func (p *Person) join(groups []string) {
	p.kit.t.Helper()
	ctx := p.kit.t.Context()
	for _, name := range groups {
		if err := p.kit.admin().AddToGroup(ctx, p.id, name); err != nil {
			p.fatal(fmt.Sprintf("join a group (pool.Settings.Groups has no %q?)", name), err)
		}
	}
}

// reach gives the person another address.
func (p *Person) reach(address string) {
	p.kit.t.Helper()
	l, err := user.Identify(address, user.CaseSensitive)
	if err != nil {
		p.fatal("another address", err)
	}
	was, _ := user.Identify(p.Address, user.CaseSensitive) // it took the code of the sign-up
	if l.Kind() == user.KindUsername || l.Kind() == was.Kind() {
		p.kit.t.Fatalf("pooltest: %s: another address must be of another kind than %s", p.Login, p.Address)
	}
	in := pool.UpdateAttributesInput{ID: p.id, Attributes: user.Attributes{l.Kind().Attribute(): address}}
	in.EmailVerified, in.PhoneVerified = l.Kind() == user.KindEmail, l.Kind() == user.KindPhone
	if err := p.kit.admin().UpdateAttributes(p.kit.t.Context(), in); err != nil {
		p.fatal("another address", err)
	}
}

func (p *Person) disable() {
	p.kit.t.Helper()
	if err := p.kit.admin().Disable(p.kit.t.Context(), p.id); err != nil {
		p.fatal("disable", err)
	}
}

// expose makes the password one that an administrator knows, too, and ends all sessions. It is
// written as it is, because to set the same password again is what a policy may refuse, and its
// owner is told.
func (p *Person) expose() {
	p.kit.t.Helper()
	ctx, now := p.kit.t.Context(), p.kit.Clock.Now()
	got, err := p.kit.store.Read(ctx, p.kit.ID(), storage.Want{Now: now, User: user.ByID(p.id)})
	if err != nil || got.User == nil {
		p.fatal("read the user to make the password temporary", err)
	}
	u := got.User
	u.Status, u.Password.Set, u.Updated = user.ForceChangePassword, now, now
	u.Password.Revision++
	if err := p.kit.store.Commit(ctx, storage.Put(u)); err != nil {
		p.fatal("make the password temporary", err)
	}
	if err := p.kit.admin().SignOutEverywhere(ctx, p.id); err != nil {
		p.fatal("sign out everywhere", err)
	}
}
