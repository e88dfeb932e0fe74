package pool

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors that a caller can act on. They may be wrapped: compare with errors.Is.
var (
	// ErrNotAuthorized is the one answer to an unknown user, a wrong password, a disabled or locked
	// account, and a token that is not valid. Which it was stands in the pool's events.
	ErrNotAuthorized = errors.New("pool: not authorized")
	// ErrBadCode means the code is not the one that was sent. The ticket may be answered again,
	// five times in all.
	ErrBadCode = errors.New("pool: wrong code")
	// ErrTicketGone means the step was already answered, has expired, or was never given. The
	// visitor must start again; the cases are not told apart on purpose.
	ErrTicketGone = errors.New("pool: step is no longer valid; start again")
	// ErrWrongStep means the answer is of another kind than the step asks for, or that a sign-in to the
	// client does not begin so ([Pool.WaysIn]).
	ErrWrongStep = errors.New("pool: answer does not fit the step")
	// ErrLoginTaken means that somebody else proved the address first, which only who has just
	// proven it is told, or that somebody has chosen the user name, which cannot be hidden.
	ErrLoginTaken = errors.New("pool: login belongs to another user")
	// ErrNeedsProof means that an act on one's own account needs fresh proof of who asks: give the
	// password with the call, or sign in anew ([SessionSettings].Fresh).
	ErrNeedsProof error = needsProof("give the password, or sign in again")
	// ErrNeedsStepUp is an [ErrNeedsProof] that the password alone does not do for: whoever signs in with
	// two factors shows both, by [Account.StepUp] with the MaxAge of [SessionSettings].Fresh.
	ErrNeedsStepUp error = needsProof("the password is not enough: show both factors, by Account.StepUp")
	// ErrNoFactor means that the user has nothing to show of what is asked for, such as a second factor
	// of somebody without one: have them set one up first.
	ErrNoFactor = errors.New("pool: the user has no factor that would do: set one up first")
	// ErrNotFound means that there is no such user, which only an [Admin] is told, and a
	// client that asks for it ([Client].InsecureTellExistence), that the user has
	// no such session, or that a [Directory] has no such pool.
	ErrNotFound = errors.New("pool: not found")
	// ErrExists means that there is, or was, one by that name, which is not given to another.
	ErrExists = errors.New("pool: already exists")
	// ErrNotAllowed means that a user is in no state for what they, or an [Admin], want, or that a pool
	// is protected from being deleted; the text says why. Where it is the status of a user it is a
	// [user.ErrTransition], too.
	ErrNotAllowed = errors.New("pool: not possible with this user or pool")
	// ErrStale means that somebody else has changed the settings since they were read. Read them
	// again, and decide again.
	ErrStale = errors.New("pool: changed meanwhile; read it again")
	// ErrNotReady means that lists do not find all users by an attribute yet that was declared
	// searchable of late, or that a group of this name was deleted and still has members. The pool
	// is at it; try again.
	ErrNotReady = errors.New("pool: not ready yet, try again")
	// ErrFixedInCode means that the settings are those of [Config].Settings. An administrator's change
	// would be undone by the next start of the program.
	ErrFixedInCode = errors.New("pool: the settings are fixed in code: change Config.Settings, or leave it nil")
	// ErrForbidden means that an [Admin] lacks the permission, or that the user is not below them;
	// the text says which.
	ErrForbidden = errors.New("pool: forbidden to this administrator")
	// ErrNetworkBlocked means that the caller's network is one that the pool serves nobody from
	// ([RiskSettings].Block). It says nothing of any account.
	ErrNetworkBlocked = errors.New("pool: this network is blocked")
	// ErrInvalid is the class of *[ValidationError].
	ErrInvalid = errors.New("pool: invalid input")
	// ErrLimited is the class of *[LimitError].
	ErrLimited = errors.New("pool: too many requests")
	// ErrUnavailable means that the store, or a service that may not be passed over
	// ([Config].Breached), did not answer as it should, and that nothing is known to have changed.
	// Try again later.
	ErrUnavailable = errors.New("pool: unavailable, try again")
	// ErrClosed means that the pool was closed, or deleted.
	ErrClosed = errors.New("pool: closed")
	// ErrNoKeyring means that a durable store, or a pool in production, was opened without a
	// keyring. Add to the Config: Keys: ring, with ring from seal.File("userpool.keys").
	ErrNoKeyring = errors.New("pool: a durable store and an https issuer need a keyring: set Config.Keys, " +
		`for instance from seal.File("userpool.keys")`)
	// ErrWrongKeyring means that the keyring is not the one that sealed what the store holds.
	ErrWrongKeyring = errors.New("pool: the keyring cannot open what this pool has sealed; " +
		"give the one it was made with")
	// ErrUnknownClient means that the input names no client of the pool, or none where there are
	// several, or that it does not show a live secret of a confidential one.
	ErrUnknownClient = errors.New("pool: no such app client")
	// ErrFlowNotAllowed means that the client's Flows lack the one that is asked for (RFC 6749, 5.2:
	// unauthorized_client).
	ErrFlowNotAllowed = errors.New("pool: the app client does not allow this flow")
	// ErrSecretLimit means that an app client has two secrets, which is all that it may have.
	ErrSecretLimit = errors.New("pool: the app client has two secrets; delete one first")
	// ErrUnfinished means that a step other than [Done] came where tokens were expected.
	ErrUnfinished = errors.New("pool: sign-in needs another step")
)

// errWayIn is what a sign-in gets that begins by nothing the client offers.
var errWayIn = fmt.Errorf("%w: no sign-in here begins so: see Pool.WaysIn", ErrWrongStep)

// needsProof is an ErrNeedsProof that says which proof would do.
type needsProof string

func (n needsProof) Error() string { return "pool: this needs fresh proof: " + string(n) }

// Is reports whether target is the class of all of them.
func (needsProof) Is(target error) bool { return target == ErrNeedsProof }

// ValidationError lists what is wrong with an input, all of it at once. Its text holds no input but
// names of attributes.
type ValidationError struct{ Fields []FieldError }

// FieldError is one thing that is wrong with an input. Rule, Min and Max say the same as Reason to
// a program that has words of its own.
type FieldError struct {
	Field    string // such as "Username" or "Attributes.name"
	Reason   string
	Rule     string // a [password.Rule] or a [user.AttributeRule]; "" where the value as such is malformed
	Min, Max int64  // bounds of the rule; 0 means none
}

// Error says what is wrong.
func (e *ValidationError) Error() string {
	var b strings.Builder
	b.WriteString(ErrInvalid.Error())
	for i, f := range e.Fields {
		b.WriteString([]string{": ", "; "}[min(i, 1)])
		b.WriteString(f.Field + " " + f.Reason)
	}
	return b.String()
}

// Unwrap returns the class of the error, or what it is about.
func (e *ValidationError) Unwrap() error { return ErrInvalid }

// LimitError means that a budget is used up which says nothing about any account: that of the
// caller's network, of the whole pool (see [LimitSettings]), of the password door, or of a hook that
// runs as often as it may (security.md T6).
type LimitError struct{ Until time.Time }

// Error says what is wrong.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%v until %s", ErrLimited, e.Until.UTC().Format(time.RFC3339))
}

// Unwrap returns the class of the error, or what it is about.
func (e *LimitError) Unwrap() error { return ErrLimited }

// SettingsError lists what is wrong with a Config or its Settings, all of it at once.
type SettingsError struct{ Problems []string }

// Error says what is wrong.
func (e *SettingsError) Error() string { return "pool: settings: " + strings.Join(e.Problems, "; ") }
