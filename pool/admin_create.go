package pool

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// CreateUserInput asks for a user who has not signed up.
type CreateUserInput struct {
	// Username is a user name, or an address that the user signs in by, for which EmailVerified or
	// PhoneVerified then has to vouch: nobody owns an address that is not proven (security.md T7).
	Username string
	// Attributes are what the schema knows, those that are for administrators to set as well. What
	// it requires may be left out. An address among them is a login only where it is vouched for.
	Attributes                   user.Attributes
	EmailVerified, PhoneVerified bool     // vouch for the address: that it is the user's was proven elsewhere
	Groups                       []string // of [Settings].Groups
	// Password is a temporary one, to be replaced at the first sign-in, or with Permanent the
	// user's own. The zero one means that a temporary one is made, which only the invitation tells.
	Password  password.Secret
	Permanent bool
	// Suppress sends no invitation; none is sent with a permanent password either. An invitation
	// goes by Channel or, where that is "", by email where there is an address and else by SMS.
	Suppress bool
	Channel  message.Channel
	Locale   string            // of the invitation; "" means the attribute "locale"
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
}

// CreateUser makes a user, as Cognito's AdminCreateUser does, who is in status ForceChangePassword,
// and sends an invitation with the user name and a temporary password that is good for
// [password.Policy].TemporaryValidity. With a permanent password the user is Confirmed, and told
// nothing. Open sign-ups at what the user owns can no longer be confirmed.
//
// It fails with a *[ValidationError], with [ErrLoginTaken] where somebody owns one of the logins,
// with a *[HookError], and with a *[LimitError] where the password door or a hook is full. It costs
// one hash, one read and one commit.
func (a *Admin) CreateUser(ctx context.Context, in CreateUserInput) (User, error) {
	p := a.pool
	s := p.state.Load()
	var v validation
	n := v.invitee(s, in)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return User{}, err
	}
	c := choice{value: in.Password, salt: s.salt(n.salted()), trusted: true}
	if c.value.IsZero() {
		c.value, c.asked = s.settings.Passwords.Generate(password.Facts{Words: n.words()}), true
	}
	h := p.call(hook.AdminCreateUser, Caller{}, in.Metadata)
	return again(func() (User, error) { return a.createUser(ctx, in, n, &c, &h) })
}

func (a *Admin) createUser(ctx context.Context, in CreateUserInput, n invitee, c *choice, h *hooked) (User, error) {
	p, now := a.pool, a.pool.now()
	by, err := a.may(ctx, MayWriteUsers)
	if err != nil {
		return User{}, a.refused(ctx, createEvent, nil, err)
	}
	got, err := p.read(ctx, storage.Want{Now: now, User: user.ByLogin(n.login.Value)})
	if err != nil {
		return User{}, err
	}
	s, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return User{}, err
	}
	if s.epoch != n.epoch { // other settings bind by now (security.md S18)
		var v validation
		if n = v.invitee(s, in); v.err() != nil {
			return User{}, v.err()
		}
		if in.Password.IsZero() {
			c.value, c.hash = s.settings.Passwords.Generate(password.Facts{Words: n.words()}), nil
		}
	}
	if got.User != nil && got.User.Somebody() {
		return User{}, ErrLoginTaken
	}
	u := n.user(p.config.ID, s.settings.SignIn, now)
	if err := by.puts(u.Groups, s.roleOf(u)); err != nil {
		return User{}, a.refused(ctx, createEvent, nil, err)
	}
	if err := a.mayCreate(ctx, h, in.Username, n, now); err != nil {
		return User{}, err
	}
	if refusal, err := p.unbreached(ctx, c, now); refusal != nil || err != nil {
		return User{}, cmp.Or(refusal, err)
	}
	if err := p.hashOnce(ctx, c, a.door("")); err != nil {
		return User{}, err
	}
	if err := p.setPassword(u, *c.hash, s.settings.Passwords, now); err != nil {
		return User{}, unavailable(err)
	}
	changes := []storage.Change{storage.Put(u), p.event(now, a.did(createEvent, u, ""))}
	if len(n.groups) > 0 {
		changes = append(changes, s.index.required()...)
	}
	if n.to != (user.Login{}) {
		changes = append(changes, p.invite(s, u, n.to, c.value, in.Locale, in.Metadata, now))
	}
	if err := owned(p.commit(ctx, append(changes, by.still...)...)); err != nil {
		return User{}, err
	}
	return s.shown(u), nil
}

// mayCreate asks PreSignUp, which may refuse; what it vouches for is ignored, as in Cognito.
func (a *Admin) mayCreate(ctx context.Context, h *hooked, login string, n invitee, now time.Time) error {
	f := a.pool.config.Hooks.PreSignUp
	if f == nil {
		return nil
	}
	_, err := once(&h.signUp, func() (hook.PreSignUpAnswer, error) {
		e := h.about(Client{}, login, nil)
		e.Source = hook.AdminCreateUser
		e.Attributes = told(&user.User{Attributes: n.attributes, Logins: []user.Login{n.login}})
		well := func(hook.PreSignUpAnswer) error { return nil }
		return consult(ctx, a.pool, preSignUp, f, hook.PreSignUp{Event: e}, well)
	})
	if err == nil {
		return nil
	}
	return a.pool.denied(ctx, err, now, a.did(createEvent, nil, ""))
}

// invitee is who is to be made a user, once the input was read.
type invitee struct {
	login      user.Login
	attributes user.Attributes // without the login
	addresses  []user.Login    // login among them, where it is one
	vouched    []user.Login    // of addresses
	preferred  user.Login      // or zero
	groups     []string
	status     user.Status
	to         user.Login // the invitation goes there; zero means that there is none
	epoch      int64      // of the settings by which it was read
}

// invitee reads who is to be made a user by the settings of a state.
func (v *validation) invitee(by *state, in CreateUserInput) invitee {
	s, n := by.settings, invitee{attributes: maps.Clone(in.Attributes), epoch: by.epoch}
	vouched := vouching{in.EmailVerified, in.PhoneVerified}
	maps.DeleteFunc(n.attributes, func(_, value string) bool { return value == "" })
	n.login = v.login(s.SignIn, in.Username)
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		address, err := user.Identify(n.attributes[k.Attribute()], user.CaseInsensitive)
		there := err == nil && address.Kind() == k
		if n.login.Kind() == k {
			if n.attributes[k.Attribute()] != "" && (!there || address.Value != n.login.Value) {
				v.add("Attributes."+k.Attribute(), "must be the address that is the user name, or left out")
			}
			delete(n.attributes, k.Attribute())
			address, there = n.login, true
		}
		if there {
			n.addresses = append(n.addresses, address)
		}
		n.vouched = append(n.vouched, v.vouched(k, address, there, n.login.Kind() == k, vouched)...)
	}
	v.attributes(s.Attributes, n.attributes, n.login, user.Admin)
	n.preferred = v.preferred(s.SignIn, n.attributes)
	n.groups = v.groups(by, in.Groups)
	n.status = user.ForceChangePassword
	if in.Permanent {
		n.status = user.Confirmed
	}
	if in.Permanent || !in.Password.IsZero() {
		v.newPassword(s.Passwords, in.Password, n.words()...)
	}
	if !in.Permanent && !in.Suppress {
		n.to = v.invited(s.Limits, n.addresses, in.Channel, in.Password)
	} else if in.Channel != "" {
		v.add("Channel", "must be left out where no invitation is sent")
	}
	slices.SortStableFunc(v.fields, func(a, b FieldError) int { return strings.Compare(a.Field, b.Field) })
	return n
}

// vouching says for which addresses of a user an administrator vouches.
type vouching struct{ email, phone bool }

func (g vouching) of(k user.Kind) bool {
	return k == user.KindEmail && g.email || k == user.KindPhone && g.phone
}

// vouched returns the address of a kind where it is vouched for, as one that is to be a login must
// be.
func (v *validation) vouched(k user.Kind, address user.Login, there, login bool, g vouching) []user.Login {
	field := map[user.Kind]string{user.KindEmail: "EmailVerified", user.KindPhone: "PhoneVerified"}[k]
	switch {
	case g.of(k) && there:
		return []user.Login{address}
	case g.of(k):
		v.add(field, "must be false, because there is no such address to vouch for")
	case login:
		v.add(field, "must be true, because the user signs in by the address: nobody owns one that is not proven")
	}
	return nil
}

// groups checks the names of groups to be in.
func (v *validation) groups(by *state, names []string) []string {
	for _, name := range names {
		if _, there := by.places[name]; !there {
			v.add("Groups", "must be groups of the pool")
			return nil
		}
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if user.CheckGroups(names) != nil {
		v.add("Groups", "must be fewer and shorter: see user.CheckGroups")
	}
	return names
}

// words returns what others know of the user.
func (n invitee) words() []string {
	words := []string{n.login.Display, n.attributes["name"]}
	for _, l := range n.addresses {
		words = append(words, l.Display)
	}
	return words
}

// salted returns the login under whose salt the password is hashed: that of an address, where
// sign-ups may be open under it.
func (n invitee) salted() user.Login {
	if len(n.vouched) > 0 {
		return n.vouched[0]
	}
	return n.login
}

// user returns the new user, who has no password yet.
func (n invitee) user(pool user.PoolID, s SignInSettings, now time.Time) *user.User {
	u := &user.User{
		Pool: pool, ID: user.NewID(), Status: n.status, Epoch: 1, Logins: []user.Login{n.login},
		Attributes: maps.Clone(n.attributes), Groups: n.groups, Created: now, Updated: now,
	}
	for _, l := range n.vouched {
		u.Prove(l, s.kinds()...)
	}
	u.Prefer(n.preferred)
	return u
}
