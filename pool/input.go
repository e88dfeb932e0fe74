package pool

import (
	"log/slog"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Response is an answer to a step, or the first proof of a sign-in: [Password], [Code],
// [NewPassword], [Choice], [RecoveryCode], [CustomAnswer], [PasskeyAssertion] or [PasskeyAttestation].
type Response interface{ response() }

// Password answers with a password.
type Password struct{ Value password.Secret }

// Code answers with a code that was sent, or that an authenticator app shows.
type Code struct{ Value string }

// NewPassword answers with the password that is to take the place of a temporary one.
type NewPassword struct{ Value password.Secret }

// Choice answers with the kind of factor that is to be asked for: one of [NeedChoice].Kinds, or of the
// Others of a step that asks for a kind already. Chosen again, a code is sent again. One ticket lets its
// holder choose twenty times: then it is [ErrTicketGone], and what was chosen last can be answered still.
type Choice struct{ Kind mfa.Kind }

// RecoveryCode answers with one of the codes that were written down. It is good once.
type RecoveryCode struct{ Value string }

func (Password) response()     {}
func (Code) response()         {}
func (NewPassword) response()  {}
func (Choice) response()       {}
func (RecoveryCode) response() {}

// SignUpInput asks for a new user. Metadata, here and in the other inputs, is Cognito's
// ClientMetadata: it is handed to hooks and to nobody else.
type SignUpInput struct {
	Client       string          // "" means the pool's only client
	ClientSecret password.Secret `json:"-"` // of a confidential client; zero for a public one
	// Username is the address to be proven, or a user name that is chosen. Beside a chosen one,
	// Attributes hold an "email" or "phone_number" to be proven: the one that users of the pool
	// sign in by or, where that is both or neither, the phone number.
	Username string
	Password password.Secret
	// Attributes are what [Settings].Attributes allows a visitor to say. An empty value is as none.
	Attributes user.Attributes
	Metadata   map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller     Caller            `json:"-"`
}

// SignUpResult is the same whether or not the address was taken, and never names the user
// (security.md T7).
type SignUpResult struct {
	Ticket   string // for [CodeInput]; "" where Confirmed, and where an administrator confirms
	Delivery Delivery
	// Confirmed says that the PreSignUp hook vouched for the visitor, so that there is nothing to
	// confirm: sign in.
	Confirmed bool
}

// CodeInput brings a code that was sent.
type CodeInput struct {
	ClientSecret password.Secret `json:"-"` // of the confidential client that began it; zero for a public one
	Ticket       string
	Code         string
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// LinkInput brings a link that was sent.
type LinkInput struct {
	Link         string            // the value of its query parameter "link"
	ClientSecret password.Secret   `json:"-"` // of the confidential client that began it; zero for a public one
	Ticket       string            // of the sign-up, where this browser or app has it; "" means that it has none
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// ResendInput asks for a new code of a sign-up.
type ResendInput struct {
	ClientSecret password.Secret `json:"-"` // of the confidential client that began it; zero for a public one
	Ticket       string
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// SignInInput asks for a session.
type SignInInput struct {
	Client       string          // "" means the pool's only client
	ClientSecret password.Secret `json:"-"` // of a confidential client; zero for a public one
	// Username is any login of the user. It may be "" with the [Choice] of a passkey, which names them.
	Username string
	With     Response          // [Password] or [Choice]; nil asks what there is to choose
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// RespondInput answers a step.
type RespondInput struct {
	ClientSecret password.Secret `json:"-"` // of the confidential client that began it; zero for a public one
	Ticket       string
	With         Response
	// Remember asks, with the answer that ends a sign-in by two factors, that this device be remembered,
	// where the pool leaves that to the user ([RememberByChoice]).
	Remember bool
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// ForgotPasswordInput asks for a code with which to set a new password.
type ForgotPasswordInput struct {
	Client       string            // "" means the pool's only client
	ClientSecret password.Secret   `json:"-"` // of a confidential client; zero for a public one
	Username     string            // any login of the user
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// ForgotUsernameInput asks for the user name of an account.
type ForgotUsernameInput struct {
	Client       string            // "" means the pool's only client
	ClientSecret password.Secret   `json:"-"` // of a confidential client; zero for a public one
	Address      string            // an email address or phone number by which users sign in
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// ForgotPasswordResult is the same whether or not there is such a user.
type ForgotPasswordResult struct {
	Ticket   string // for [ResetPasswordInput]
	Delivery Delivery
}

// ResetPasswordInput sets a new password with a code that was sent.
type ResetPasswordInput struct {
	ClientSecret password.Secret `json:"-"` // of the confidential client that began it; zero for a public one
	Ticket       string
	Code         string
	Password     password.Secret
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// ChangePasswordInput sets a new password with the old one.
type ChangePasswordInput struct {
	Old, New password.Secret
	Caller   Caller `json:"-"`
}

// RefreshInput asks for new tokens of a session.
type RefreshInput struct {
	Client       string          // "" means the pool's only client
	ClientSecret password.Secret `json:"-"` // of a confidential client; zero for a public one
	Token        token.Secret
	Metadata     map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller       Caller            `json:"-"`
}

// SignOutInput ends the session of a refresh token.
type SignOutInput struct {
	Client       string          // "" means the pool's only client
	ClientSecret password.Secret `json:"-"` // of a confidential client; zero for a public one
	Token        token.Secret
	Caller       Caller `json:"-"`
}

// redacted stands in a log for what carries a ticket or a code.
var redacted = slog.StringValue("REDACTED")

// LogValue leaves everything out: a logger that marshals what it is given would write the ticket.
func (SignUpResult) LogValue() slog.Value { return redacted }

// LogValue leaves everything out, like that of [SignUpResult].
func (ForgotPasswordResult) LogValue() slog.Value { return redacted }

// LogValue leaves everything out, like that of [SignUpResult].
func (CodeInput) LogValue() slog.Value { return redacted }

// LogValue leaves everything out, like that of [SignUpResult].
func (LinkInput) LogValue() slog.Value { return redacted }

// LogValue leaves everything out, like that of [SignUpResult].
func (RespondInput) LogValue() slog.Value { return redacted }

// LogValue leaves everything out, like that of [SignUpResult].
func (ResendInput) LogValue() slog.Value { return redacted }

// LogValue leaves everything out, like that of [SignUpResult].
func (ResetPasswordInput) LogValue() slog.Value { return redacted }

// LogValue leaves the code out.
func (Code) LogValue() slog.Value { return redacted }

// LogValue leaves the code out.
func (RecoveryCode) LogValue() slog.Value { return redacted }
