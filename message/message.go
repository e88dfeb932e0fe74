// Package message is what a pool writes to people: which messages there are, their words, and how
// they leave the house.
//
// The words are built in, or a [Template] of the pool's [Settings]:
//
//	words := message.Settings{Templates: []message.Template{{
//		Kind: message.ResetPassword, Locale: "fr", Subject: "Nouveau mot de passe", Text: "Votre code : {####}",
//	}}}
//
// A pool renders a message and puts it, sealed, beside the change that caused it; a chore then
// hands it to a [Sender]. So a dead mail server never holds up a sign-up, and a message is sent at
// least once. Senders are message/smtp for a mail server, message/sms for texts through a provider,
// message/mailbox for tests, [Log] for a terminal, and any function through [SenderFunc], such as
// one that gives each message to whom it suits:
//
//	route := message.SenderFunc(func(ctx context.Context, m message.Message) error {
//		if m.Channel == message.SMS {
//			return text.Send(ctx, m)
//		}
//		return mail.Send(ctx, m)
//	})
package message

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Channel is the way by which a message reaches its person.
type Channel string

// The channels.
const (
	Email Channel = "email" // to addresses such as ada@example.com
	SMS   Channel = "sms"   // to phone numbers in E.164, such as +4915112345678
)

// Kind is the occasion of a message. It chooses the words.
type Kind string

// The kinds of message.
const (
	// ConfirmSignUp carries the code that proves an address (security.md T7).
	ConfirmSignUp Kind = "confirm_sign_up"
	// ConfirmSignUpLink carries a link in place of that code, as Cognito's EmailMessageByLink does.
	// It goes by email only.
	ConfirmSignUpLink Kind = "confirm_sign_up_link"
	// AlreadyRegistered tells the owner of an address that somebody tried to sign up with it. It
	// carries no code and no link: who caused it must gain nothing by it.
	AlreadyRegistered Kind = "already_registered"
	// ResetPassword carries the code with which a new password is set (security.md S3).
	ResetPassword Kind = "reset_password"
	// PasswordChanged tells the owner of an account that its password was set, so that a theft is
	// seen.
	PasswordChanged Kind = "password_changed"
	// SignInAttempts tells the owner of an account, once a day, that strangers' wrong passwords
	// have locked it for a while (security.md T6).
	SignInAttempts Kind = "sign_in_attempts"
	// Invitation tells somebody that an administrator made them a user: the name to sign in by, and
	// as the code a temporary password.
	Invitation Kind = "invitation"
	// ConfirmAddress carries the code that proves an address which somebody wants for an account
	// that they have (security.md S5).
	ConfirmAddress Kind = "confirm_address"
	// AddressReplaced tells an address, or a phone, that an account has another one in its place,
	// and carries the link that undoes it.
	AddressReplaced Kind = "address_replaced"
	// AddressAdded tells the owner of an account that it has an address more, and carries the link
	// that undoes it.
	AddressAdded Kind = "address_added"
	// AddressesChanged tells the owner of an account that it has another address or user name.
	AddressesChanged Kind = "addresses_changed"
	// ForgotUsername tells the owner of an address by what name they sign in.
	ForgotUsername Kind = "forgot_username"
	// AccountDeleted is the last message to the owner of an account.
	AccountDeleted Kind = "account_deleted"
	// AddressRemoved tells a proven address, or a phone, that an administrator has taken it from an
	// account. There is no link that undoes it: who is helped against a thief would lose to them.
	AddressRemoved Kind = "address_removed"
	// Impersonated tells the owner of an account that an administrator has begun to act as them
	// (security.md S6).
	Impersonated Kind = "impersonated"
	// NewDevice tells the owner of an account that somebody has signed in to it from a browser or app
	// that the pool does not know as theirs (security.md T6).
	NewDevice Kind = "new_device"
	// FactorAdded tells the owner of an account that it has a way to sign in more: [Data].Factor.
	FactorAdded Kind = "factor_added"
	// FactorRemoved tells the owner of an account that it has a way to sign in less.
	FactorRemoved Kind = "factor_removed"
	// RecoveryCodesMade tells the owner of an account that its recovery codes were made anew.
	RecoveryCodesMade Kind = "recovery_codes_made"
	// RecoveryCodeUsed tells the owner of an account that somebody has used up one of its recovery
	// codes.
	RecoveryCodeUsed Kind = "recovery_code_used"
	// PasskeyCopied tells the owner of an account that a passkey of theirs was refused that has counted
	// backwards: there may be a copy of it (WebAuthn Level 3, 6.1.1).
	PasskeyCopied Kind = "passkey_copied"
	// FactorsLost tells the owner of an account that somebody who knows the password says that they have
	// lost all second factors, and will set up others once a wait is over (security.md S4). It carries
	// the link that ends that.
	FactorsLost Kind = "factors_lost"
	// FactorsReplaced tells the owner of an account that this has come to pass.
	FactorsReplaced Kind = "factors_replaced"
	// SignInCode carries the code with which somebody signs in without a password (security.md S3).
	SignInCode Kind = "sign_in_code"
	// FactorCode carries the code of a second factor, as a sign-in asks for it or as it is set up.
	FactorCode Kind = "factor_code"
)

// Message is one message to one person, ready to be sent.
//
// Subject, Text and HTML may carry codes and links. They, and the address, are left out of
// everything that formats or logs a Message; marshalling one to JSON keeps them, and is for sealing
// it.
type Message struct {
	ID      string // the same in every attempt to send, so that a receiver can tell a repeat
	Pool    string // pool id, for senders that serve several pools
	Channel Channel
	Kind    Kind
	To      string // one bare address, without a display name; for SMS a number in E.164
	Locale  string // BCP 47 language tag of the words; "" means that their template tells none
	Subject string // one line; "" for SMS
	Text    string // plain text; every message has it
	HTML    string // the same as HTML; "" means none, as always for SMS
}

// String names the message without its address and words: it carries codes.
func (m Message) String() string {
	return fmt.Sprintf("message %q: %s by %s", m.ID, m.Kind, m.Channel)
}

// GoString is [Message.String], so that %#v shows no more than %v does.
func (m Message) GoString() string { return m.String() }

// LogValue names the message without its address and words: logs outlive the erasure of a person.
func (m Message) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", m.ID),
		slog.String("pool", m.Pool),
		slog.String("channel", string(m.Channel)),
		slog.String("kind", string(m.Kind)),
	)
}

// Sender hands messages over to what delivers them. It is called by several goroutines at once.
//
// Send returns nil once the message is accepted, and gives up when ctx ends. An error that wraps
// [ErrRefused] is final; after any other the same message, with the same ID, is sent again later.
// Since an acceptance can be lost on its way back, a message may arrive twice. The text of an error
// is logged: it holds neither the address nor the words of the message.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// SenderFunc is a function that is a [Sender].
type SenderFunc func(ctx context.Context, m Message) error

// Send calls f.
func (f SenderFunc) Send(ctx context.Context, m Message) error { return f(ctx, m) }

// ErrRefused means that this message will never be delivered, such as to an address that does not
// exist. It is dropped rather than sent again.
var ErrRefused = errors.New("message: refused for good, sending it again is of no use")

// Undelivered is implemented by a [Sender] that delivers nothing, such as [Log] and a mailbox. A
// pool with an https issuer refuses one whose method says so: its people would wait for their codes
// in vain, and the codes would lie where nobody guards them.
type Undelivered interface{ Undelivered() bool }

// Log returns a [Sender] for development: it writes every message, address and words and codes
// included, to l at Info, so that who runs a program on their own machine can read the code in the
// terminal. It is [Undelivered]. A nil l writes nothing.
func Log(l *slog.Logger) Sender {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return logged{l}
}

type logged struct{ to *slog.Logger }

// Undelivered reports that nothing is delivered.
func (logged) Undelivered() bool { return true }

// Send writes m.
func (l logged) Send(ctx context.Context, m Message) error {
	l.to.InfoContext(ctx, "message for development, not sent",
		"to", m.To, "message", m, "subject", m.Subject, "text", m.Text)
	return nil
}
