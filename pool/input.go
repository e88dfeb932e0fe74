package pool

import (
	"net/netip"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Caller says who asks, as the program that calls knows it: never take it from a request's body.
type Caller struct {
	IP        netip.Addr
	UserAgent string
	Locale    string // of messages; "" means English
}

// Response is an answer to a step, or the first proof of a sign-in: [Password] or [Code].
type Response interface{ response() }

// Password answers with a password.
type Password struct{ Value password.Secret }

// Code answers with a code that was sent.
type Code struct{ Value string }

func (Password) response() {}
func (Code) response()     {}

// SignUpInput asks for a new user.
type SignUpInput struct {
	Client     string // "" means the pool's only client
	Username   string // an email address
	Password   password.Secret
	Attributes user.Attributes
	Caller     Caller `json:"-"`
}

// SignUpResult is the same whether or not the address was taken, and never names the user (security.md T7).
type SignUpResult struct {
	Ticket   string // for [CodeInput]
	Delivery Delivery
}

// CodeInput brings a code that was sent.
type CodeInput struct {
	Ticket string
	Code   string
	Caller Caller `json:"-"`
}

// SignInInput asks for a session.
type SignInInput struct {
	Client   string   // "" means the pool's only client
	Username string   // an email address
	With     Response // the first proof
	Caller   Caller   `json:"-"`
}

// RespondInput answers a step.
type RespondInput struct {
	Ticket string
	With   Response
	Caller Caller `json:"-"`
}

// RefreshInput asks for new tokens of a session.
type RefreshInput struct {
	Client string // "" means the pool's only client
	Token  token.Secret
	Caller Caller `json:"-"`
}

// SignOutInput ends the session of a refresh token.
type SignOutInput struct {
	Client string // "" means the pool's only client
	Token  token.Secret
	Caller Caller `json:"-"`
}
