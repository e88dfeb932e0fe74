package lifecycle_test

import (
	"time"

	"github.com/userpool-go/userpool/token"
)

// kind says what a ticket is for.
type kind string

const (
	confirming  kind = "confirm a sign-up"
	byPassword  kind = "give the password"
	replacing   kind = "replace the temporary password"
	resetting   kind = "reset the password"
	byLinkAlone kind = "give the password beside a link"
)

// ticket is what was handed out for a step.
type ticket struct {
	kind    kind
	text    string
	of      *person // nil means nobody
	login   string  // for which a reset was asked
	era     int
	until   time.Time
	code    string // that was sent for it, or the link; "" means that none was
	tries   int    // that were wrong
	used    bool
	shown   bool      // the password was, so that a right code signs in
	since   time.Time // the oldest proof that it carries was given
	browser bool
	taken   bool    // the address had an owner: there is nothing to confirm
	beside  *ticket // that the link was sent for
	resets  *lock   // guesses at the code of a reset
}

// good reports whether t can be answered, rightly or not.
func (t *ticket) good(now time.Time) bool {
	if t.beside != nil {
		return t.beside.good(now) && !t.of.somebody()
	}
	return !t.used && now.Before(t.until) && t.tries < 5 && t.owned()
}

// owned reports whether t is still its owner's.
func (t *ticket) owned() bool { return t.of != nil && !t.of.gone && t.era == t.of.era }

// session is what a sign-in gave.
type session struct {
	of      *person
	era     int
	since   time.Time // the oldest proof of the sign-in was given
	ends    time.Time
	over    bool
	cookie  token.Secret // of a browser; zero where there are tokens
	used    time.Time    // when a use of the cookie was noted
	refresh []token.Secret
	rotated time.Time
	access  []access // the newest last
	unheld  bool     // the answer was lost that handed it out
}

// access is an access token.
type access struct {
	token token.Secret
	until time.Time
	era   int
}

func (s *session) browser() bool { return !s.cookie.IsZero() }

// handed notes that nobody was told the secrets of s.
func (s *session) handed(browser bool) {
	s.unheld = true
	if browser {
		s.cookie = token.NewSecret("unheld")
	}
}

// alive reports whether s opens anything at all.
func (s *session) alive(now time.Time) bool {
	if s.over || s.of.gone || s.era != s.of.era || !now.Before(s.ends) {
		return false
	}
	return !s.browser() || now.Before(s.used.Add(idleLife))
}

// hands adds what a refresh gave.
func (s *session) hands(set token.Set, now time.Time) {
	s.refresh, s.rotated = append(s.refresh, set.Refresh), now
	s.access = append(s.access, access{set.Access, now.Add(accessLife), s.era})
}

// uses notes that a browser was seen, which is stored once in a twelfth of the idle limit.
func (s *session) uses(now time.Time) {
	if now.Sub(s.used) >= idleLife/12 {
		s.used = now
	}
}
