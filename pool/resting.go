package pool

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// A login that was given up may rest: for so long nobody takes it but who has given it up, so that
// nobody is taken for them (security.md S13). Whether it does stands in a counter of its pseudonym,
// which outlives the user and holds nothing that a reader of the database could read. Every commit
// of the pool keeps to it ([Pool.commit]): whoever takes a login, and however.
const (
	restCounter     = "rest"          // of the pseudonym of a login
	caselessCounter = "rest/caseless" // of the pseudonym of a user name without case
	leftCounter     = "left/"         // and that pseudonym, of the user who has given it up
	goneCounter     = "gone"          // of the pseudonym of a user's id: never to be given again
)

// nameRule is how long a user name rests, addressRule how long an address that can be restored.
// Cognito lets a name be taken at once.
var (
	nameRule    = storage.Rule{Free: 1, Window: 30 * 24 * time.Hour}
	twinRule    = storage.Rule{Free: math.MaxInt32, Window: nameRule.Window} // of names in other letters, too
	addressRule = storage.Rule{Free: 1, Window: restoreLifetime}
	goneRule    = storage.Rule{Free: 1} // without a window: for good
)

// restRule returns for how long a login rests.
func restRule(l user.Login) storage.Rule {
	if l.Kind() == user.KindUsername {
		return nameRule
	}
	return addressRule
}

// leftRule is how long it is known who gave a login up: no longer than it rests after them, or they
// would take it while it rests after somebody who has had it since.
func leftRule(l user.Login) storage.Rule { return storage.Rule{Free: 1000, Window: restRule(l).Window} }

func (p *Pool) restKey(l user.Login) storage.CounterKey {
	return storage.CounterKey{Pool: p.config.ID, Owner: p.state.Load().pseudonym(l), Name: restCounter}
}

// restKeys returns all that tells whether a login rests. A user name does so in letters of any case,
// because case may come to count, or cease to, before its rest is over.
func (p *Pool) restKeys(l user.Login) []storage.CounterKey {
	keys := []storage.CounterKey{p.restKey(l)}
	if name, ok := uncased(l); ok {
		key := p.restKey(name)
		key.Name = caselessCounter
		keys = append(keys, key)
	}
	return keys
}

// uncased returns a user name in the form without case. False means that it is none, or has none.
func uncased(l user.Login) (user.Login, bool) {
	if l.Kind() != user.KindUsername {
		return l, false
	}
	return folded(l, false)
}

func (p *Pool) leftKey(id user.ID, l user.Login) storage.CounterKey {
	if name, ok := uncased(l); ok {
		l = name
	}
	return storage.CounterKey{Pool: p.config.ID, Owner: string(id), Name: leftCounter + p.state.Load().pseudonym(l)}
}

// goneKey names the tombstone of a user. Whoever makes users with ids of their own asks for it.
func (p *Pool) goneKey(id user.ID) storage.CounterKey {
	owner := "subject/" + base64.RawURLEncoding.EncodeToString(p.state.Load().hmac("subject", string(id)))
	return storage.CounterKey{Pool: p.config.ID, Owner: owner, Name: goneCounter}
}

// rest returns the changes that let a login rest which a user gives up.
func (p *Pool) rest(id user.ID, l user.Login, now time.Time) []storage.Change {
	return []storage.Change{
		storage.Count{Key: p.restKey(l), Rule: restRule(l), Now: now},
		storage.Count{Key: p.leftKey(id, l), Rule: leftRule(l), Now: now},
	}
}

// keeping returns the changes that go with those of logins: a login that is taken must not rest, a
// user name that is given up rests, and the id of a user who goes is never given again. What the
// commit itself says of a rest stands.
func (p *Pool) keeping(changes []storage.Change) (more []storage.Change) {
	said, now := map[storage.CounterKey]bool{}, p.now()
	add := func(key storage.CounterKey, c storage.Change) {
		if !said[key] {
			said[key], more = true, append(more, c)
		}
	}
	for _, c := range changes {
		switch c := c.(type) {
		case storage.Count:
			said[c.Key] = true
		case storage.DeleteRecord:
			if counter, ok := c.Record.(*storage.Counter); ok {
				said[counter.Key] = true
			}
		}
	}
	for _, move := range moves(changes) {
		for _, l := range move.taken {
			for _, key := range p.restKeys(l) {
				add(key, storage.Clear{Key: key, Rule: restRule(l), Now: now})
			}
		}
	}
	for _, move := range moves(changes) {
		for _, l := range move.left {
			if p.config.Hooks.MigrateUser != nil {
				add(p.formerKey(l), storage.Count{Key: p.formerKey(l), Rule: formerRule, Now: now})
			}
			if l.Kind() != user.KindUsername {
				continue
			}
			for i, key := range p.restKeys(l) {
				add(key, storage.Count{Key: key, Rule: []storage.Rule{nameRule, twinRule}[i], Now: now})
			}
			if left := p.leftKey(move.user, l); !move.gone {
				add(left, storage.Count{Key: left, Rule: leftRule(l), Now: now})
			}
		}
		if move.gone {
			add(p.goneKey(move.user), storage.Count{Key: p.goneKey(move.user), Rule: goneRule, Now: now})
		}
	}
	return more
}

// asTaken returns changes like those that go with taking logins, for who does not get them and is
// not to see it (security.md T7).
func (p *Pool) asTaken(s *state, now time.Time, logins ...user.Login) (changes []storage.Change) {
	for _, l := range slices.Compact(logins) {
		for _, key := range p.restKeys(l) {
			key.Owner, key.Name = s.stranger(l), key.Name+"/"+string(l.Kind())
			changes = append(changes, storage.Clear{Key: key, Rule: restRule(l), Now: now})
		}
	}
	return changes
}

// move is what a change does to the logins of a user.
type move struct {
	user        user.ID
	taken, left []user.Login
	gone        bool // the user is deleted, and was somebody
}

func moves(changes []storage.Change) (all []move) {
	for _, c := range changes {
		change, ok := storage.UserChangeOf(c)
		if !ok {
			continue
		}
		u := change.User
		m := move{user: u.ID, gone: change.Deleted()}
		was, _ := u.Loaded()
		if m.gone {
			m.left = was.Logins
		} else {
			m.taken, m.left = beyond(u.Logins, was.Logins), beyond(was.Logins, u.Logins)
		}
		all = append(all, m)
	}
	return all
}

// beyond returns the logins of a that are names or addresses and not among b.
func beyond(a, b []user.Login) []user.Login {
	return slices.DeleteFunc(slices.Clone(a), func(l user.Login) bool {
		return l.Namespace != user.Name || slices.ContainsFunc(b, func(other user.Login) bool {
			return other.Namespace == l.Namespace && other.Value == l.Value
		})
	})
}

// back returns the changes with which a commit that a rest refuses may be tried again: those of a
// user who takes back what they have given up themselves. Where there are none the login is as
// taken; what somebody else has given up meanwhile is stale.
func (p *Pool) back(ctx context.Context, changes []storage.Change, refusal error) ([]storage.Change, error) {
	key, full := limit(refusal)
	if !full || key.Name != restCounter && key.Name != caselessCounter && key.Name != goneCounter {
		return nil, refusal
	}
	taken := &storage.ChangeError{Err: &storage.ConflictError{Namespace: user.Name}}
	for _, m := range moves(changes) {
		for _, l := range m.taken {
			rests := p.restKeys(l)
			if !slices.Contains(rests, key) {
				continue
			}
			left := p.leftKey(m.user, l)
			got, err := p.read(ctx, storage.Want{Now: p.now(), Counters: []storage.CounterKey{left}})
			if err != nil {
				return nil, err
			}
			if got.Counters[0].N == 0 {
				return nil, taken
			}
			var back []storage.Change
			for _, key := range append(rests, left) {
				back = append(back, storage.Delete(&storage.Counter{Key: key}))
			}
			return back, nil
		}
	}
	return nil, &storage.ChangeError{Err: fmt.Errorf("%w: %w", storage.ErrStale, refusal)}
}
