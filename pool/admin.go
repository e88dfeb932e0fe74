package pool

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Admin is what an administrator may do with a pool and its users. That of [Pool.Admin] is the
// program itself: it may do all of it, as with Cognito's calls of that name, and who may have it is
// the program's to decide. That of [Account.Admin] is a user, who may do what their groups give
// ([Group].May); [Admin.Only] makes one for staff that the pool does not know.
//
// An administrator who is not the program acts only on users who are below them, before and after
// the act: who may do some of what the administrator may, and nothing else. So nobody resets the
// password of one who may do more, deletes their like, or gives what they lack; and to change one's
// own account is not for here. Reading is bound by the permission alone. What is refused is
// [ErrForbidden], stands in the events, and changes nothing.
//
// Administrators are trusted to name users, so they are told plainly what is so: [ErrNotFound],
// [ErrLoginTaken], [ErrNotAllowed]. No budget bounds them but the password door's.
//
// Each act is one commit with its event, which names the [Actor]. What ends the use of a credential
// raises the user's epoch, so that sessions, tickets and codes of before are over at once
// (security.md T3).
type Admin struct {
	pool    *Pool
	actor   Actor
	account *Account // of a user, whose groups decide; nil for the program and its staff
	role    Role     // at most
	bounded bool     // not the program itself, which is above everybody
}

// Actor says who acts through an [Admin].
type Actor struct {
	// Name stands in the pool's history: 1 to 128 bytes of printable text. Name a person by user id
	// rather than by address, because a history outlives the person; what runs by itself names
	// itself, such as "nightly import".
	Name string
}

const (
	maxActor  = 128
	maxUserID = 64 // a user's is a UUID, of 36
)

// Admin returns the administrator's face of the pool for the program itself, which may do
// everything to everybody. The actor is what it says of itself, and is believed. A malformed one is
// a *[ValidationError] of each call.
func (p *Pool) Admin(actor Actor) *Admin { return &Admin{pool: p, actor: actor, role: MayEverything} }

// User is a user as administrators see them.
type User struct {
	Profile
	Status   user.Status
	Disabled bool
	Updated  time.Time
	// Expires is when a sign-up that is not confirmed is gone, or a temporary password of no use.
	// Zero in any other status.
	Expires time.Time
}

// GetUser returns a user, or a sign-up that is not confirmed yet, by id. It costs one read.
func (a *Admin) GetUser(ctx context.Context, id user.ID) (User, error) {
	if !validID(id) {
		return User{}, ErrNotFound
	}
	return a.get(ctx, user.ByID(id))
}

// FindUser returns who owns a login of any kind that the pool takes or, where nobody does, the
// newest sign-up there that is not confirmed yet. It fails also with a *[ValidationError]. It costs
// one read.
func (a *Admin) FindUser(ctx context.Context, login string) (User, error) {
	for {
		var v validation
		s := a.pool.state.Load()
		l := v.login(s.settings.SignIn, login)
		if err := v.err(); err != nil {
			return User{}, err
		}
		u, err := a.get(ctx, user.ByLogin(l.Value))
		if !errors.Is(err, ErrNotFound) || a.pool.state.Load().naming == s.naming {
			return u, err
		} // names are compared otherwise by now
	}
}

func (a *Admin) get(ctx context.Context, key user.Key) (User, error) {
	if err := a.reads(ctx, MayReadUsers); err != nil {
		return User{}, err
	}
	f, err := a.find(ctx, key)
	if err != nil {
		return User{}, err
	}
	return f.state.shown(f.User), nil
}

// shown returns a user as administrators see them.
func (s *state) shown(u *user.User) User {
	out := User{
		Profile: granted{round: round{state: s}, user: u}.profile(),
		Status:  u.Status, Disabled: u.Disabled, Updated: u.Updated,
	}
	switch {
	case u.Attempt != nil:
		said := told(u)
		out.Username, out.Email, out.Phone = called(u), said["email"], said["phone_number"]
		out.Expires = u.Attempt.Expires
	case u.Status == user.ForceChangePassword && u.Password != nil:
		out.Expires = s.settings.Passwords.Expires(u.Password.Set)
	}
	return out
}

// found is a user as an act found them, with what it reads beside.
type found struct {
	*user.User
	round
	guesses storage.Counter // at the password
	told    storage.Counter // of notices that it was set
	resets  storage.Counter // a watermark: when a reset was last asked for
	by      authority
	reason  string // of the event
}

func (a *Admin) find(ctx context.Context, key user.Key) (f found, err error) {
	p := a.pool
	f.now = p.now()
	got, err := p.read(ctx, storage.Want{Now: f.now, User: key, Counters: []storage.CounterKey{
		{Pool: p.config.ID, Name: passwordCounter},
		{Pool: p.config.ID, Name: changeMail},
		{Pool: p.config.ID, Name: requestMark},
	}})
	if err != nil {
		return f, err
	}
	if got.User == nil {
		return f, ErrNotFound
	}
	f.User, f.guesses, f.told, f.resets = got.User, got.Counters[0], got.Counters[1], got.Counters[2]
	f.state, err = p.current(ctx, got.PoolEpoch)
	return f, err
}

// act reads a user whom the administrator may do something to, lets do say what becomes of them,
// and commits it with the event; again where somebody else was first.
func (a *Admin) act(
	ctx context.Context, id user.ID, kind string, need Role, do func(f *found) ([]storage.Change, error),
) error {
	if !validID(id) {
		return ErrNotFound
	}
	_, err := again(func() (struct{}, error) { return struct{}{}, a.actOnce(ctx, id, kind, need, do) })
	return err
}

func (a *Admin) actOnce(
	ctx context.Context, id user.ID, kind string, need Role, do func(f *found) ([]storage.Change, error),
) error {
	by, err := a.may(ctx, need)
	if err != nil {
		return a.refused(ctx, kind, &user.User{ID: id}, err)
	}
	f, err := a.find(ctx, user.ByID(id))
	if err != nil {
		return err
	}
	f.by = by
	if err := by.over(f.state.roleOf(f.User)); err != nil {
		return a.refused(ctx, kind, f.User, err)
	}
	changes, err := do(&f)
	if err == nil {
		err = by.over(f.state.roleOf(f.User)) // as they would be then
	}
	if err != nil {
		return a.refused(ctx, kind, f.User, err)
	}
	changes = append(changes, a.pool.event(f.now, a.did(kind, f.User, f.reason)))
	return owned(a.pool.commit(ctx, append(changes, by.still...)...))
}

// refused lets the history tell what was forbidden to an administrator, and returns err.
func (a *Admin) refused(ctx context.Context, kind string, u *user.User, err error) error {
	if errors.Is(err, ErrForbidden) {
		return a.pool.unjudged(ctx, a.did(kind, u, ""), forbidden, err)
	}
	return err
}

// did returns what an act was.
func (a *Admin) did(kind string, u *user.User, reason string) occurrence {
	return occurrence{who: u, Kind: kind, Outcome: succeeded, Reason: reason, Actor: a.actor.Name}
}

// owned turns what refuses a commit into the errors that administrators know.
func owned(err error) error {
	if errors.Is(err, storage.ErrConflict) {
		return ErrLoginTaken
	}
	return overMail(err)
}

// next returns the status of u after an event.
func next(u *user.User, e user.Event) (user.Status, error) {
	s, err := user.Next(u.Status, e)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	return s, nil
}

// voided ends what was made for u before (security.md T3).
func (p *Pool) voided(u *user.User, now time.Time) storage.Change {
	u.Epoch++
	u.Updated = now
	return p.revokeAll(u, now)
}

// door says for whom the password door hashes.
func (a *Admin) door(account user.ID) password.From {
	return password.From{Pool: string(a.pool.config.ID), Source: "admin/" + a.actor.Name, Account: string(account)}
}

// validID reports whether an id may be a user's. What is none is nobody's.
func validID(id user.ID) bool {
	text := string(id)
	return text != "" && len(text) <= maxUserID && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// actor checks who acts.
func (v *validation) actor(a Actor) {
	unfit := func(r rune) bool { return !unicode.IsPrint(r) }
	if a.Name == "" || len(a.Name) > maxActor || !utf8.ValidString(a.Name) || strings.ContainsFunc(a.Name, unfit) {
		v.add("Actor", fmt.Sprintf("must have a name of 1 to %d bytes that can be printed", maxActor))
	}
}
