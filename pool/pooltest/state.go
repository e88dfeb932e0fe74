package pooltest

import (
	"errors"
	"slices"
	"time"

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
	unconfirmed, disabled, temporary, locked, signedOut bool
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

// Unconfirmed leaves it at the sign-up: the code is in the mail, and there are no tokens. It does
// not go together with Disabled, InGroup, TemporaryPassword and SignedOut.
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
		Client: p.kit.client, Username: p.Login, With: pool.Password{Value: password.New("not the password")},
		Caller: pool.Caller{IP: p.kit.address()}, // a stranger's
	}
	for range guesses {
		if _, err := p.kit.SignIn(p.kit.t.Context(), in); !errors.Is(err, pool.ErrNotAuthorized) {
			p.fatal("guess the password", err)
		}
	}
}

// write does to the user what an administrator's call would, and ends all sessions.
func (p *Person) write(what string, change func(u *user.User, now time.Time)) {
	p.kit.t.Helper()
	u, now := p.user(what, user.ByID(p.id)), p.kit.Clock.Now()
	change(u, now)
	u.Epoch++
	u.Updated = now
	err := p.kit.store.Commit(p.kit.t.Context(), storage.Put(u), storage.Put(&storage.Revocation{
		Pool: p.kit.id, ID: string(u.ID) + "/" + what, User: u.ID, Epoch: u.Epoch, Expires: now.Add(longestAccess),
	}))
	if err != nil {
		p.fatal(what, err)
	}
	run(p.kit.t, p.kit.Clock.hand) // lets the pool's verifiers know
}

// user reads the user, to do what is said.
func (p *Person) user(to string, key user.Key) *user.User {
	p.kit.t.Helper()
	got, err := p.kit.store.Read(p.kit.t.Context(), p.kit.id, storage.Want{Now: p.kit.Clock.Now(), User: key})
	if err != nil || got.User == nil {
		p.fatal("read the user to "+to, err)
	}
	return got.User
}

// join makes the person a member of groups, which ends no session.
func (p *Person) join(groups []string) {
	p.kit.t.Helper()
	settings, c := p.kit.Settings(), user.CaseInsensitive
	if settings.SignIn.CaseSensitive {
		c = user.CaseSensitive
	}
	login, err := user.Identify(p.Login, c)
	if err != nil {
		p.fatal("join groups", err)
	}
	u := p.user("join groups", user.ByLogin(login.Value))
	for _, name := range groups {
		if !slices.ContainsFunc(settings.Groups, func(g pool.Group) bool { return g.Name == name }) {
			p.kit.t.Fatalf("pooltest: %s: pool.Settings.Groups has no %q", p.Login, name)
		}
		if err := u.Join(name); err != nil {
			p.fatal("join a group", err)
		}
	}
	u.Updated = p.kit.Clock.Now()
	if err := p.kit.store.Commit(p.kit.t.Context(), storage.Put(u)); err != nil {
		p.fatal("join groups", err)
	}
}

func disable(u *user.User, _ time.Time) { u.Disabled = true }

// expose makes the password one that an administrator knows, too.
func expose(u *user.User, now time.Time) {
	u.Status, u.Password.Set = user.ForceChangePassword, now
	u.Password.Revision++
}

// longestAccess is how long an access token can live.
const longestAccess = 24 * time.Hour
