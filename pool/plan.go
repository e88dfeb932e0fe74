package pool

import "github.com/userpool-go/userpool/user"

// Twin is a user name that several users have in letters of other case.
type Twin struct {
	Name  string    // without case
	Users []user.ID // at most ten
}
