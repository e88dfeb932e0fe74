package record

import (
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/user"
)

// statuses are how a status is stored: by its place.
var statuses = []user.Status{user.Unconfirmed, user.Confirmed, user.ForceChangePassword, user.ResetRequired, user.External}

// Status returns how a status is stored.
func Status(s user.Status) int { return slices.Index(statuses, s) }

// DecodeStatus sets the status of u that [Status] wrote.
func DecodeStatus(u *user.User, n int) error {
	if n < 0 || n >= len(statuses) {
		return fmt.Errorf("user %s has a status that this version does not know: %d", u.ID, n)
	}
	u.Status = statuses[n]
	return nil
}

// Diff is what changes for a user in the tables beside that of users.
type Diff struct {
	Lost, Gained     []user.Login
	Dropped, Indexed []user.Term
	Left, Tries      *user.Attempt
}

// DiffUser compares a user with what it was loaded as, which its stamp proves to be what is stored.
func DiffUser(u *user.User, was user.Loaded) (d Diff) {
	d.Lost, d.Gained = without(was.Logins, u.Logins, sameLogin), without(u.Logins, was.Logins, sameLogin)
	sameTerm := func(a, b user.Term) bool { return a == b }
	d.Dropped, d.Indexed = without(was.Index, u.Index, sameTerm), without(u.Index, was.Index, sameTerm)
	if a, b := was.Attempt, u.Attempt; a == nil || b == nil || !sameLogin(a.Login, b.Login) {
		d.Left = a
		if b != nil {
			d.Tries = &user.Attempt{Login: b.Login, Expires: b.Expires}
		}
	}
	return d
}

func sameLogin(a, b user.Login) bool { return a.Namespace == b.Namespace && a.Value == b.Value }

// without returns those of a list that another has not.
func without[T any](list, other []T, same func(a, b T) bool) (out []T) {
	for _, a := range list {
		if !slices.ContainsFunc(other, func(b T) bool { return same(a, b) }) {
			out = append(out, a)
		}
	}
	return out
}
