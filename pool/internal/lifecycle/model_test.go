package lifecycle_test

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/user"
)

// person is somebody in a pool, or a sign-up that is not confirmed yet, as they should be.
type person struct {
	town     *town
	id       user.ID // "" until the next look at the pool's list
	status   user.Status
	disabled bool
	gone     bool   // erased: nothing of theirs is good for anything
	name     string // chosen user name; "" where people sign in by address
	email    string // "" means none
	proven   bool   // that the address is theirs
	staff    bool   // in the group
	nickname string

	password string
	set      time.Time // when the password was
	salt     string    // at which address the first password was; all later ones have its salt
	made     time.Time

	era      int // what was issued in an earlier one is dead
	guesses  lock
	confirms lock
	resets   lock
	asks     allowance // of codes to new addresses
	pending  *pending  // the address that is to be proven; nil means none
	proofs   lock      // guesses at its code
	formers  []former  // addresses of before, the oldest first
	movedTo  string    // the address that the last change led to
	newest   *ticket   // the one reset that may still be good; nil means none
}

// How long things last: mostly Cognito's times, which are the pool's defaults.
const (
	attemptLife = 24 * time.Hour
	resetLife   = time.Hour
	stepLife    = 3 * time.Minute
	accessLife  = 15 * time.Minute
	refreshLife = 12 * time.Hour // of the settings of every town, like the next two
	browserLife = 36 * time.Hour
	idleLife    = 6 * time.Hour
	grace       = 10 * time.Second
	fresh       = 10 * time.Minute
	week        = 7 * 24 * time.Hour  // in which an address that was replaced can be restored
	restLife    = 30 * 24 * time.Hour // of the user name of somebody who has gone
	temporary   = 7 * 24 * time.Hour
)

// somebody reports whether p is a user: a sign-up owns nothing.
func (p *person) somebody() bool { return p.status != user.Unconfirmed }

// logins returns what p owns, and nobody else in the pool does.
func (p *person) logins() (owned []string) {
	if !p.somebody() {
		return nil
	}
	if p.name != "" {
		owned = append(owned, p.name)
	}
	if p.proven {
		owned = append(owned, p.email)
	}
	return owned
}

// login returns where p is found: what they typed when they signed up, or a login of theirs.
func (p *person) login() string {
	if p.name != "" {
		return p.name
	}
	return p.email
}

// judged reports whether a sign-in at an address with an owner judges the sign-up p too: it hashes
// once, and so only where the two share a salt. They do unless the owner came from another address.
func (p *person) judged(owner *person) bool { return owner == nil || owner.salt == p.salt }

// revoke ends everything that was issued to p.
func (p *person) revoke() { p.era++ }

// erase lets p go, with all that there was of them.
func (p *person) erase() {
	if p.somebody() && p.name != "" {
		p.town.rests[p.name] = rest{p.town.world.now().Add(restLife), nil}
	}
	for login, r := range p.town.rests {
		if r.by == p { // and now nobody takes it back
			p.town.rests[login] = rest{r.until, nil}
		}
	}
	p.gone, p.resets = true, lock{}
	if len(p.formers) > 0 {
		p.town.left = append(p.town.left, p)
	}
	p.town.people = slices.DeleteFunc(p.town.people, func(q *person) bool { return q == p })
	if p.id != "" {
		p.town.world.erased[p.id] = true
	}
}

// sets gives p a password, which ends what was issued before.
func (p *person) sets(password string, now time.Time) {
	p.password, p.set = password, now
	p.revoke()
}

// lock is what guessing at one secret comes to: the fifth failure locks for a second, each later one
// for twice as long up to a quarter of an hour. A quarter of an hour after a lock has ended the
// doubling is forgotten (security.md T5).
type lock struct {
	failures int
	run      int // in a row, whatever was forgotten
	until    time.Time
}

func (l *lock) closed(now time.Time) bool { return l.until.After(now) }

// fail counts a failure. The hundredth in a row locks for good, where the secret is a password.
func (l *lock) fail(now time.Time, password bool) {
	const quarter = 15 * time.Minute
	if !l.until.IsZero() && now.Sub(l.until) >= quarter {
		l.failures = 0
	}
	l.failures, l.run, l.until = l.failures+1, l.run+1, time.Time{}
	if l.failures >= 5 {
		l.until = now.Add(min(quarter, time.Second<<min(l.failures-5, 20)))
	}
	if password && l.run >= 100 {
		l.until = now.Add(100 * 365 * 24 * time.Hour)
	}
}

// allowance is how many messages go to one address in an hour.
type allowance struct {
	sent  int
	since time.Time
}

// open reports whether one more may go.
func (a *allowance) open(now time.Time, most int) bool {
	return a.sent < most || now.Sub(a.since) >= time.Hour
}

// take lets one more go, and reports whether it may.
func (a *allowance) take(now time.Time, most int) bool {
	if !a.open(now, most) {
		return false
	}
	if a.sent == 0 || now.Sub(a.since) >= time.Hour {
		a.sent, a.since = 0, now
	}
	a.sent++
	return true
}
