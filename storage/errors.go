package storage

import (
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/user"
)

// Errors of a Store. The first four come inside a *[ChangeError], the others alone; all may be
// wrapped: compare with errors.Is.
var (
	// ErrStale means the record has moved or gone since it was read, or exists where it must not.
	// Read and decide again, a bounded number of times.
	ErrStale = errors.New("storage: record is stale; read it again")
	// ErrConflict is the class of *[ConflictError].
	ErrConflict = errors.New("storage: already taken")
	// ErrLimited is the class of *[LimitError].
	ErrLimited = errors.New("storage: counter is at its limit")
	// ErrReferenced means a foreign key of the app's own tables refuses the delete.
	ErrReferenced = errors.New("storage: still referenced by the app's own rows")

	// ErrInvalid means the arguments break the contract: too large, too many, two changes of one
	// target, another pool's key. Repeating the call cannot help.
	ErrInvalid = errors.New("storage: invalid argument")
	// ErrNoPool means the pool does not exist or was deleted.
	ErrNoPool = errors.New("storage: no such pool")
	// ErrRetry means nothing was written, for a passing reason. Send the same again.
	ErrRetry = errors.New("storage: nothing was written, try again")
	// ErrUnknown means the answer was lost: the commit was applied whole or not at all. Read the
	// record of one Put and compare its stamp, and commit a [Require] of it before it counts as done:
	// a primary may show what no replica has.
	ErrUnknown = errors.New("storage: outcome unknown; read to find out")
	// ErrNotReady means the list's index is still being filled.
	ErrNotReady = errors.New("storage: index is not ready")
	// ErrClosed means the store was closed.
	ErrClosed = errors.New("storage: closed")
)

// ChangeError tells which change of a commit was refused, and why. Where several would be, it names
// one.
type ChangeError struct {
	Index int // into the changes as they were given
	Err   error
}

// Error says what is wrong.
func (e *ChangeError) Error() string { return fmt.Sprintf("change %d: %v", e.Index, e.Err) }

// Unwrap returns the class of the error, or what it is about.
func (e *ChangeError) Unwrap() error { return e.Err }

// ConflictError means another record owns the login, or the issuer or client id of a pool. Its text
// does not hold the value, which is personal.
type ConflictError struct {
	Namespace user.Namespace // [Issuer] or [Client] for a pool's
	Value     string
}

// The namespaces of a *[ConflictError] about a pool.
const (
	Issuer user.Namespace = "issuer"
	Client user.Namespace = "client"
)

// Error says what is wrong.
func (e *ConflictError) Error() string {
	return "storage: already taken: a value in " + string(e.Namespace)
}

// Unwrap returns the class of the error, or what it is about.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// LimitError means a counter refuses until a time. Nothing was counted.
type LimitError struct {
	Key   CounterKey
	Until time.Time // [Forever] where only Delete opens it again
}

// Error says what is wrong.
func (e *LimitError) Error() string {
	return fmt.Sprintf("storage: counter %q is at its limit until %s", e.Key.Name, e.Until.Format(time.RFC3339))
}

// Unwrap returns the class of the error, or what it is about.
func (e *LimitError) Unwrap() error { return ErrLimited }
