package pool

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/user"
)

// SignUpSettings says who may sign up, and what they prove by it.
type SignUpSettings struct {
	// Closed lets nobody sign up by themselves, nor finish a sign-up that was begun before: users
	// are made by [Admin.CreateUser], and sign-ups confirmed by [Admin.ConfirmSignUp].
	Closed bool
	// Verifies are the kinds of address that a sign-up proves, Email and Phone (Cognito's
	// AutoVerifiedAttributes); none means both. One code is sent: where a visitor gives both, to the
	// one that users sign in by or, where that is both or neither, to the phone, as in Cognito. The
	// other address stays unproven and is no login (security.md T7), and a visitor who gives no
	// address of these kinds cannot sign up.
	Verifies []Identifier
	// ByLink proves email addresses by a link in place of a code, as Cognito's CONFIRM_WITH_LINK
	// does. It leads to [Config].ConfirmURL, and is for [Pool.ConfirmLink]. Phone numbers get a
	// code all the same.
	ByLink bool
	// ByAdmin proves nothing: no code is sent, and a sign-up waits for [Admin.ConfirmSignUp], for at
	// most a week (Cognito's pool that verifies nothing automatically). What was sent before is of
	// no use. A user name needs no address beside it then.
	ByAdmin bool
}

// reviewLifetime is for how long a sign-up waits for an administrator.
const reviewLifetime = 7 * 24 * time.Hour

// lifetime returns for how long a sign-up may be confirmed.
func (s SignUpSettings) lifetime() time.Duration {
	if s.ByAdmin {
		return reviewLifetime
	}
	return confirmLifetime
}

// verifies reports whether a sign-up may be by an address of a kind.
func (s SignUpSettings) verifies(k user.Kind) bool {
	return s.ByAdmin || slices.Contains(s.Verifies, Identifier(k))
}

// open refuses to confirm a sign-up by what was sent for it, where the pool lets nobody do so any
// more (security.md S18). Whoever has a ticket hears the same.
func (s SignUpSettings) open() error {
	if s.Closed || s.ByAdmin {
		return ErrNotAuthorized
	}
	return nil
}

func (s SignUpSettings) defaults() SignUpSettings {
	if len(s.Verifies) == 0 {
		s.Verifies = []Identifier{Email, Phone}
	}
	return s
}

// problems returns what is wrong with settings whose defaults are written out, beside what users
// sign in by.
func (s SignUpSettings) problems(by SignInSettings) (ps []string) {
	for i, id := range s.Verifies {
		if id != Email && id != Phone || slices.Contains(s.Verifies[:i], id) {
			ps = append(ps, "a sign-up verifies email and phone, each once")
			break
		}
	}
	if s.ByAdmin && s.ByLink {
		ps = append(ps, "a sign-up is confirmed by link or by an administrator, not both")
	}
	ways := func(id Identifier) bool { // one that is none is told of elsewhere
		return id != Email && id != Phone || s.verifies(user.Kind(id))
	}
	if !s.Closed && !slices.ContainsFunc(by.Identifiers, ways) {
		ps = append(ps, "nobody can sign up: a sign-up verifies no address by which users sign in")
	}
	return ps
}
