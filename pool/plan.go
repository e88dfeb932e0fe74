package pool

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// Plan is what other settings would do to the users that a pool has.
type Plan struct {
	Users    int        // how many there are, open sign-ups aside
	Affected []Affected // by Effect and Name; nil means nobody
	// Twins are the first ten user names that would be one without case, and keep
	// [SignInSettings].CaseSensitive from being taken away.
	Twins []Twin
}

// Affected are the users to whom settings do one thing.
type Affected struct {
	// Effect is one of these; there may be more in later versions.
	//
	//   - "lacks_attribute": has no value of an attribute that becomes required. Signs in as before,
	//     and from the day of the first value cannot take it away again.
	//   - "unfit_attribute": has a value that the attribute could not be given any more. It stays.
	//   - "unknown_attribute": has a value of an attribute that is none any more. It stays, and may
	//     be taken away.
	//   - "loses_login": signs in by a login of a kind that is not taken any more, and has others.
	//   - "locked_out": has no login left to sign in by.
	//   - "twin_names": has a user name that is another's in letters of other case.
	//   - "long_names": has a user name that is too long without case.
	//   - "keeps_password": has a password of one's own that no stricter policy has judged. It stays
	//     good. Name is the month in which it was set, such as "2026-05", in UTC.
	//   - "temporary_password_ends": has a temporary password that is over by now.
	//   - "leaves_group": is in a group that goes.
	//   - "role_changes": is in a group that gives another role.
	//   - "lacks_factor": must have a second factor, and has none. Sets one up at the next sign-in, until
	//     which sessions are over. Name is the client that requires it; "" means that all do.
	//   - "loses_factor": has a second factor that is none any more. Name is its kind.
	//   - "session_ends": has a session that is over: its client goes, or it is older than sessions
	//     may become.
	Effect   string
	Name     string    // of the attribute, kind of login or factor, group, client or month; "" where there is none
	Users    int       // exactly so many
	Examples []user.ID // ten of them
}

// Twin is a user name that several users have in letters of other case.
type Twin struct {
	Name  string    // without case
	Users []user.ID // at most ten
}

// Plan says whom settings would affect if they took the place of those that bind now, and changes
// nothing. What a password is made of nobody knows, so that of a stricter policy, which binds
// those that are chosen from then on, it says only since when the others are there.
//
// It fails with a *[SettingsError] like [Admin.PutSettings], but for twins, and with the error of
// ctx. It looks through all users, a thousand by a read; where sessions may end it reads those of
// each user, and where case is to count no more it looks through all of them twice, or three times,
// and once more for each million. Users who come or change meanwhile may be missed.
func (a *Admin) Plan(ctx context.Context, s Settings) (Plan, error) {
	if err := a.reads(ctx, MayReadSettings|MayReadUsers); err != nil {
		return Plan{}, err
	}
	p, now := a.pool, a.pool.now()
	is := s.defaults()
	if ps := append(is.problems(), p.config.lacks(is)...); len(ps) > 0 {
		return Plan{}, &SettingsError{ps}
	}
	got, err := p.read(ctx, storage.Want{Now: now})
	if err != nil {
		return Plan{}, err
	}
	today, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return Plan{}, err
	}
	w := survey{was: today.settings, is: is, now: now, found: map[effect]*Affected{}}
	if err := w.users(ctx, p); err != nil {
		return Plan{}, err
	}
	if today.naming.CaseSensitive && !is.SignIn.CaseSensitive {
		t, err := p.twins(ctx)
		if err != nil {
			return Plan{}, err
		}
		w.twins(t)
	}
	return w.plan, nil
}

// survey looks for those to whom settings do something.
type survey struct {
	was, is Settings
	now     time.Time
	found   map[effect]*Affected
	plan    Plan
}

// effect is what settings do, and by which of their parts.
type effect struct{ kind, name string }

// users looks at every user of the pool.
func (w *survey) users(ctx context.Context, p *Pool) error {
	rules := []func(*user.User){w.logins, w.passwords, w.groups, func(u *user.User) { w.factors(p, u) }}
	if !slices.Equal(w.was.Attributes, w.is.Attributes) {
		rules = append(rules, w.attributes)
	}
	shorter := w.shorter()
	err := p.eachUser(ctx, func(u *user.User) error {
		if !u.Somebody() {
			return nil
		}
		w.plan.Users++
		for _, look := range rules {
			look(u)
		}
		if !shorter {
			return nil
		}
		return w.sessions(ctx, p, u)
	})
	if err != nil {
		return err
	}
	for _, a := range w.found {
		w.plan.Affected = append(w.plan.Affected, *a)
	}
	w.sort()
	return nil
}

func (w *survey) sort() {
	slices.SortFunc(w.plan.Affected, func(a, b Affected) int {
		return cmp.Or(strings.Compare(a.Effect, b.Effect), strings.Compare(a.Name, b.Name))
	})
}

// note counts a user once for each effect.
func (w *survey) note(u *user.User, kind, name string) {
	a := w.found[effect{kind, name}]
	if a == nil {
		a = &Affected{Effect: kind, Name: name}
		w.found[effect{kind, name}] = a
	}
	a.Users++
	a.Examples = atMost(a.Examples, u.ID)
}

// twins adds what was found of user names.
func (w *survey) twins(t twinned) {
	if w.plan.Twins = t.twins; t.users > 0 {
		a := Affected{Effect: "twin_names", Users: t.users}
		for _, twin := range t.twins {
			for _, id := range twin.Users {
				a.Examples = atMost(a.Examples, id)
			}
		}
		w.plan.Affected = append(w.plan.Affected, a)
	}
	if t.unfit > 0 {
		w.plan.Affected = append(w.plan.Affected, Affected{Effect: "long_names", Users: t.unfit, Examples: t.long})
	}
	w.sort()
}
