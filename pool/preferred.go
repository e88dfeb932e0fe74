package pool

import (
	"slices"

	"github.com/userpool-go/userpool/user"
)

// preferredName is the attribute that holds the user name that somebody prefers (OpenID Connect
// Core, section 5.1).
const preferredName = "preferred_username"

// prefers reports whether users sign in by the name that they prefer.
func (s SignInSettings) prefers() bool { return slices.Contains(s.Identifiers, PreferredUsername) }

// preferredProblems returns what keeps a pool from taking preferred user names.
func (s SignInSettings) preferredProblems(schema user.Schema) (ps []string) {
	if !slices.Contains(s.Identifiers, Username) {
		ps = append(ps, "the identifier preferred_username goes with username")
	}
	for _, a := range schema {
		if a.Name == preferredName && (a.Required || a.Immutable) {
			ps = append(ps, "preferred_username is set after the sign-up where users sign in by it, so it is not required, nor immutable")
		}
	}
	return ps
}

// preferred reads the user name that somebody is to sign in by as well, by their attributes; the
// zero Login means none.
func (v *validation) preferred(s SignInSettings, as user.Attributes) user.Login {
	if as[preferredName] == "" || !s.prefers() {
		return user.Login{}
	}
	l, err := user.Username(as[preferredName], s.folding())
	if err != nil {
		v.add("Attributes."+preferredName, "must be a user name, because users sign in by it")
	}
	return l
}

// unpreferred refuses a preferred user name of who has proven nothing yet: else whoever signs up
// could keep names from others (Cognito).
func (v *validation) unpreferred(s SignInSettings, as user.Attributes) {
	if as[preferredName] != "" && s.prefers() {
		v.add("Attributes."+preferredName, "may be set once the sign-up is confirmed, because users sign in by it")
	}
}

// rename lets the logins of u follow its preferred user name, whose attribute was another before.
// A commit that finds the name taken is [ErrLoginTaken]; a login that changes raises the epoch
// (security.md T3), as [reach] shows.
func (v *validation) rename(s SignInSettings, u *user.User, was string) {
	switch is := u.Attributes[preferredName]; {
	case is == was:
	case !u.Somebody():
		v.unpreferred(s, u.Attributes)
	default:
		u.Prefer(v.preferred(s, u.Attributes))
	}
}

// answersTo reports whether u signs in by a login, as its pool now is: a preferred user name is of
// no use where the pool takes none any more (security.md S18).
func (s SignInSettings) answersTo(u *user.User, l user.Login) bool {
	return s.prefers() || !u.Login(l).Preferred
}
