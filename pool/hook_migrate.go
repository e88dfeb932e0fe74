package pool

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// formerCounter marks, for good, a login that somebody here has given up: the old system may still
// know them by it, and whoever was deleted must not come back. A user name is marked in letters of
// any case, for when case does not count any more.
const formerCounter = "former" // of the pseudonym of a login

var formerRule = storage.Rule{Free: math.MaxInt32}

func (p *Pool) formerKey(l user.Login) storage.CounterKey {
	if name, ok := uncased(l); ok {
		l = name
	}
	return storage.CounterKey{Pool: p.config.ID, Owner: p.state.Load().pseudonym(l), Name: formerCounter}
}

// arrival is who comes over from an old system, before anything of them is stored.
type arrival struct {
	invitee
	reset bool // without the password
}

// arrives asks MigrateUser about a login that nobody has or had here, once for all rounds of a call.
// The error is that of ctx: a hook that denies, is full or says what it may not knows nobody, with
// the work of nobody (security.md T6).
func (p *Pool) arrives(
	ctx context.Context, r reading, login user.Login, h *hooked, asks hook.MigrateUser,
) (*arrival, error) {
	f := p.config.Hooks.MigrateUser
	if f == nil || r.owner() != nil || r.resting || r.left {
		return nil, nil
	}
	said, err := once(&h.migrate, func() (hook.MigrateUserAnswer, error) {
		well := func(a hook.MigrateUserAnswer) error { _, err := r.state.arrival(a, login); return err }
		return consult(ctx, p, migrateUser, f, asks, well)
	})
	if gone := ctx.Err(); gone != nil && errors.Is(err, gone) {
		return nil, err
	}
	if _, denied := errors.AsType[denial](err); err != nil && !denied { // who denies was told of
		p.config.Logger.WarnContext(ctx, "hook not asked", "pool", p.config.ID, "hook", migrateUser, "error", err)
	}
	if err == nil && said.Found {
		if a, wrong := r.state.arrival(said, login); wrong == nil { // else by settings that bind meanwhile
			a.strip(login, h.conflicts)
			return a, nil
		}
	}
	return nil, nil
}

// arrival reads an answer to MigrateUser.
func (s *state) arrival(said hook.MigrateUserAnswer, login user.Login) (*arrival, error) {
	if !said.Found {
		return nil, nil
	}
	in := CreateUserInput{
		Username: login.Display, Attributes: maps.Clone(said.Attributes), Groups: said.Groups,
		EmailVerified: said.EmailVerified, PhoneVerified: said.PhoneVerified, Suppress: true,
	}
	preferred := s.settings.SignIn.prefers() && in.Attributes[preferredName] != ""
	if own := login.Kind().Attribute(); said.Username != "" && (own != "" || preferred) {
		in.Username = said.Username
		if own != "" && in.Attributes[own] == "" {
			in.Attributes = with(in.Attributes, user.Attributes{own: login.Display})
		}
	}
	var v validation
	a := &arrival{v.invitee(s, in), said.ResetRequired}
	if err := v.err(); err != nil {
		return nil, err
	}
	if made := a.user("", s.settings.SignIn, time.Time{}); made.Login(login) == (user.Login{}) {
		return nil, fmt.Errorf("the login that was typed must be the user's")
	}
	return a, nil
}

// strip leaves whoever arrives less than all logins: another than the one that was typed is
// somebody's here, and stays theirs (security.md T7). First go the addresses, which stay unproven,
// then the names.
func (a *arrival) strip(login user.Login, conflicts int) {
	if conflicts > 0 {
		a.vouched = slices.DeleteFunc(a.vouched, func(l user.Login) bool { return l.Value != login.Value })
	}
	if conflicts > 1 {
		a.login, a.preferred = login, user.Login{}
		delete(a.attributes, login.Kind().Attribute())
	}
}

// migrated returns the user that somebody becomes who arrives, without a password yet, and the event.
func (p *Pool) migrated(r reading, a *arrival, by user.Event, from Caller) (*user.User, storage.Change) {
	u := a.user(p.config.ID, r.state.settings.SignIn, r.now)
	u.Status, _ = user.Next("", by) // which makes users
	u.EventKey = newEventKey()
	o := occurrence{who: u, from: from, Kind: migrateEvent, Outcome: succeeded, Client: r.client.ID}
	return u, p.event(r.now, o)
}

// migrate makes a user of who arrives with the right password, and signs them in by it: the old
// system has judged it, and it is ours from here on. It is hashed once, as a wrong one is.
func (p *Pool) migrate(
	ctx context.Context, r reading, login user.Login, a *arrival, j *judgement, o occurrence,
) (Step, error) {
	if j.arrival.hash == nil {
		j.arrival = choice{value: j.typed.Value, by: o.from, salt: r.state.salt(a.salted())}
	}
	err := p.hashOnce(ctx, &j.arrival, p.from(o.from, login.Value, false), r.attempt)
	unfit := errors.Is(err, password.ErrTooLong) || errors.Is(err, password.ErrInvalid) // for ours
	if err != nil && !unfit {
		return nil, p.full(ctx, o, err)
	}
	if a.reset || unfit {
		u, event := p.migrated(r, a, user.Import, o.from)
		o.who, o.Reason = u, string(gate.ResetRequired)
		return nil, arrived(p.wrong(ctx, r.guess(), ErrNotAuthorized, o, storage.Put(u), event), &j.hooked)
	}
	u, event := p.migrated(r, a, user.Welcome, o.from)
	if err := p.setPassword(u, *j.arrival.hash, r.state.settings.Passwords, r.now); err != nil {
		return nil, unavailable(err)
	}
	d := gate.Decide(p.request(r.round, u), []gate.Proof{gate.Migrated(u, r.now)}, r.now)
	if d.Outcome() == gate.Refuse { // and stays where they are, for another time
		o.Reason = string(d.Reason())
		return nil, p.wrong(ctx, r.guess(), ErrNotAuthorized, o)
	}
	step, err := p.advance(ctx, attained{
		round: r.round, h: &j.hooked, user: u, decided: d, occurred: signInEvent,
		at: r.counter, source: r.source.Key, also: []storage.Change{storage.Put(u), event}, warned: p.warn(r, o.from),
	})
	return step, arrived(err, &j.hooked)
}

// awaited returns where a code goes to somebody who has forgotten the password of the old system.
// They become ours once it comes back: else whoever types their login would take the password from
// them that they have there, and what is written would tell that they have one (security.md S19).
func (s *state) awaited(a *arrival, login user.Login) forgetful {
	u := a.user("", s.settings.SignIn, time.Time{})
	to, ok := s.settings.recoversAt(u, login)
	if !ok {
		return forgetful{user: &user.User{}, to: login, reason: noAddress}
	}
	return forgetful{user: &user.User{}, name: u.Username(), to: to, arrives: login.Display}
}

// returns makes a user, without a password yet, of who has forgotten the one of the old system and
// has brought the code back. The old system is asked again, about the same address. Nil means nobody.
func (p *Pool) returns(
	ctx context.Context, a *answered, ask *asking, h *hooked,
) (*user.User, []storage.Change, error) {
	var v validation
	login := v.login(a.state.settings.SignIn, a.Arrives)
	if len(v.fields) > 0 {
		return nil, nil, nil // users sign in by no such login any more
	}
	r, err := p.readLogin(ctx, login, ask, counters{of: requestMark, mail: resetMail, source: requests})
	if err != nil || a.Request != r.counter.N {
		return nil, nil, err
	}
	asks := hook.MigrateUser{Event: h.about(r.client, a.Arrives, nil)}
	asks.Source = hook.ForgotPassword
	who, err := p.arrives(ctx, r, login, h, asks)
	if err != nil || who == nil {
		return nil, nil, err
	}
	u, event := p.migrated(r, who, user.Import, a.from)
	if to, _ := r.state.settings.recoversAt(u, login); r.state.pseudonym(to) != a.Channel {
		return nil, nil, nil
	}
	a.password.Key.Owner, a.told.Key.Owner = string(u.ID), string(u.ID)
	return u, []storage.Change{event}, nil
}

// arrived turns a commit that found a login taken into another round: somebody else was first with
// the one that was typed, or another login of who arrives is somebody's.
func arrived(err error, h *hooked) error {
	if !errors.Is(err, storage.ErrConflict) {
		return err
	}
	h.conflicts++
	return fmt.Errorf("%w: %w", storage.ErrStale, err)
}
