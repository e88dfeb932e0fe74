package user

import (
	"errors"
	"fmt"
)

// ErrTransition means that an event cannot happen to a user in this status.
var ErrTransition = errors.New("user: not possible in this status")

// Event is something that happens to a user and may change their status.
type Event string

// Events that make a user: the status before is "".
const (
	SignUp   Event = "sign_up"  // by themselves, not confirmed yet
	Welcome  Event = "welcome"  // usable at once: a hook confirms, a hash or passwordless user is imported or created
	Invite   Event = "invite"   // by an administrator, with a temporary password
	Import   Event = "import"   // without a password that could be used
	Federate Event = "federate" // at the first sign-in through an outside provider
)

// Events of a user that exists. Disabling and enabling are none: they leave the status as it is.
const (
	Confirm           Event = "confirm"         // the sign-up, by a code or an administrator
	AnswerNewPassword Event = "new_password"    // chosen in place of a temporary one
	Reinvite          Event = "reinvite"        // with a new temporary password
	Forget            Event = "forgot_password" // a code to reset the password is asked for
	Reset             Event = "reset_password"  // the code came back with a new password
	ChangePassword    Event = "change_password" // by the user who is signed in
	RequireReset      Event = "require_reset"   // by an administrator, or as the password is no longer good enough
	SetPassword       Event = "set_password"    // by an administrator, for good
	SetTemporary      Event = "set_temporary"   // by an administrator, to be changed at the next sign-in
)

// transitions lists what is possible: Cognito's table of statuses (cognito.md B.2). What is not here
// is not.
var transitions = map[Event]map[Status]Status{
	SignUp:   {"": Unconfirmed},
	Welcome:  {"": Confirmed},
	Invite:   {"": ForceChangePassword},
	Import:   {"": ResetRequired},
	Federate: {"": External},

	Confirm:           {Unconfirmed: Confirmed},
	AnswerNewPassword: {ForceChangePassword: Confirmed},
	Reinvite:          {ForceChangePassword: ForceChangePassword},
	// Asking changes nothing: otherwise anyone could shut anyone out.
	//
	// Who was invited proves by the code what the invitation would prove: the address. Cognito
	// refuses it, and leaves them out once the temporary password has lapsed.
	Forget:         {Confirmed: Confirmed, ResetRequired: ResetRequired, ForceChangePassword: ForceChangePassword},
	Reset:          {Confirmed: Confirmed, ResetRequired: Confirmed, ForceChangePassword: Confirmed},
	ChangePassword: {Confirmed: Confirmed},
	RequireReset:   {Confirmed: ResetRequired, ResetRequired: ResetRequired},
	SetPassword: {
		Unconfirmed: Confirmed, Confirmed: Confirmed, ForceChangePassword: Confirmed,
		ResetRequired: Confirmed, External: Confirmed,
	},
	SetTemporary: {
		Unconfirmed: ForceChangePassword, Confirmed: ForceChangePassword, ForceChangePassword: ForceChangePassword,
		ResetRequired: ForceChangePassword, External: ForceChangePassword,
	},
}

// Next returns the status of a user after an event. Before the events that make a user the status is
// "". The error is an [ErrTransition], and names both: it is for the operator.
//
// It says nothing about logins: who leaves [Unconfirmed] by an administrator's word has proven no
// address (security.md T7), and owns the login of the attempt only if the commit takes it.
func Next(s Status, e Event) (Status, error) {
	next, ok := transitions[e][s]
	if !ok {
		return "", fmt.Errorf("%w: %q of a user who is %q", ErrTransition, e, s)
	}
	return next, nil
}
