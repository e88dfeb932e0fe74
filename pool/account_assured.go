package pool

import (
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/token"
)

// Assured tells whether the user has signed in strongly enough and lately enough for what a program
// is about to do: by at least acr, where "" asks for nothing, and no longer than maxAge ago, where 0
// asks for nothing. The rule is that of [token.Requirement]. It is judged by the access token, or by
// the session as [Pool.Session] read it, and reads nothing itself.
//
// It fails with a *[token.StepUpError] where another sign-in of the same user would do, and with
// [ErrForbidden] where none would: an administrator who acts as the user has shown nothing of the
// user's, and an acr that is none of ours, or a negative age, nobody meets.
func (a *Account) Assured(acr string, maxAge time.Duration) error {
	err := token.Requirement{ACR: acr, MaxAge: maxAge}.Check(&a.claims, a.pool.now())
	if errors.Is(err, token.ErrForbidden) {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return err
}
