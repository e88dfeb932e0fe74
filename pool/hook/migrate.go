package hook

import (
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/user"
)

// MigrateUser is somebody who signs in (Source [Authentication]), or has forgotten their password
// (Source [ForgotPassword]), by a login that nobody has here. Anybody may type any login; somebody
// who has forgotten is asked about again when the code has come back, and only then made a user.
type MigrateUser struct {
	Event
	// Password is as it was typed, for the old system to judge; it is in memory only. At a forgotten
	// password there is none: only whether there is such a user is asked.
	Password password.Secret
}

// MigrateUserAnswer says who it is. The zero answer means nobody, or another password.
//
// What makes no user of the pool is [ErrMalformed]: the login that was typed must be the user's,
// and an address is theirs only where it is vouched for (security.md T7).
type MigrateUserAnswer struct {
	// Found says that there is such a user and, at a sign-in, that the password is theirs.
	Found bool
	// Username is the user name, where an address was typed and the user has a name beside it.
	Username string
	// Attributes are what an administrator may set, an "email" and a "phone_number" among them.
	Attributes user.Attributes
	// EmailVerified and PhoneVerified vouch for an address: that the old system has proven it. Of
	// those that are logins, one that somebody has here stays theirs, and is unproven.
	EmailVerified, PhoneVerified bool
	Groups                       []string // of the pool's settings
	// ResetRequired keeps no password: the user sets a new one with a code, to an address that is
	// vouched for (Cognito's finalUserStatus RESET_REQUIRED). A forgotten one is not kept anyway.
	ResetRequired bool
}
