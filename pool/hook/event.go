package hook

import (
	"net/netip"

	"github.com/userpool-go/userpool/user"
)

// Source is the operation that a hook runs in: the second half of Cognito's triggerSource.
type Source string

// The sources.
const (
	SignUp                Source = "SignUp"
	AdminCreateUser       Source = "AdminCreateUser" // by an administrator; also of an invitation that is sent again
	ResendCode            Source = "ResendCode"
	ConfirmSignUp         Source = "ConfirmSignUp"
	ForgotPassword        Source = "ForgotPassword"
	ForgotUsername        Source = "ForgotUsername"        // of its message; Cognito has no such call
	ConfirmForgotPassword Source = "ConfirmForgotPassword" // the reset of a password
	Authentication        Source = "Authentication"
	RefreshTokens         Source = "RefreshTokens"
	NewPasswordChallenge  Source = "NewPasswordChallenge" // of tokens: a temporary password was replaced
	Impersonation         Source = "Impersonation"        // of tokens with which an administrator acts as the user
	UpdateUserAttribute   Source = "UpdateUserAttribute"  // of messages: a new address is to be proven
	ChangePassword        Source = "ChangePassword"       // Cognito has no such source: it gives no new tokens there
)

// Event is what every hook is told. All of it is a copy.
type Event struct {
	// ID names the call of the pool that a hook is part of: it is the same when the hook is run
	// again for it, so that who has seen it need not act again.
	ID     string
	Pool   user.PoolID
	Client string // app client
	Source Source
	User   user.ID // "" before there is one
	// Username is the login as it was typed; in a Post hook, as the user has it.
	Username string
	// Attributes are those of the user as they are when the hook runs, those that a sign-up asks
	// for in PreSignUp, and none where there is no user. An address in them is proven only in a
	// Post hook and in PreTokenGeneration.
	Attributes user.Attributes
	// Actor is the administrator who is about to act as the user (Source [Impersonation]); "" means
	// the user.
	Actor  string
	Caller Caller
	// Metadata is what the visitor's app sent along (Cognito's ClientMetadata): anybody may have
	// put anything there. It is bounded, valid UTF-8, and stored only beside a message or a Post
	// hook that waits for its turn.
	Metadata map[string]string
}

// Caller says who asks. It is empty where a hook runs apart from the call.
type Caller struct {
	IP        netip.Addr
	UserAgent string
	Locale    string // a BCP 47 tag or an Accept-Language header; it may be anything
}
