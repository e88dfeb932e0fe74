package pool

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/token"
)

// Step is what comes next: [*Done], or something that the visitor must show first. New kinds of step
// will come, so a switch over steps needs a default that refuses.
type Step interface {
	Kind() StepKind
	step()
}

// StepKind names a kind of step in logs and in JSON.
type StepKind string

// The kinds of step.
const (
	KindDone        StepKind = "done"
	KindPassword    StepKind = "password"
	KindConfirm     StepKind = "confirm"
	KindNewPassword StepKind = "new_password"
	KindTOTP        StepKind = "totp"
	KindCode        StepKind = "code"
	KindChoice      StepKind = "choice"
	KindTOTPSetup   StepKind = "totp_setup"
)

// Done ends a sign-in: the session exists, and what is handed out for it is here.
type Done struct {
	// Tokens are those of a sign-in without [Caller].Browser, else zero. There is no refresh token among
	// them where an act was done by an access token alone ([Account]): keep the one that there is.
	Tokens token.Set
	// Cookie is the value of a browser session's cookie, of which nothing is stored: for
	// [Pool.Session]. Zero where there are Tokens. It is a credential: web.Sessions.Start writes
	// it, and nothing else should.
	Cookie token.Secret
	// Expires is when the browser session ends at the latest. Zero where there are Tokens.
	Expires time.Time
	// Remembered says that a second factor was shown on this browser or app, where the pool remembers
	// that ([DeviceSettings]): keep it like Device, and give it back in [Caller].Remembered. It is a
	// credential, beside the password. Mostly empty: keep the one that there is then.
	Remembered string
	// Device says that this browser or app has signed in as this user: keep it there, and give it
	// back in [Caller].Device at the next sign-in. It proves nothing, and is empty after a refresh.
	Device string
	// RecoveryCodes are there where this call made some, as it does with the first factor that a user
	// sets up: show them to be written down. Each is good once in place of a second factor, and none
	// of them can be shown again.
	RecoveryCodes []string
}

// NeedPassword asks for the password: answer with [Password] or, in a sign-in or a step-up, with a
// [Choice] of the other kinds.
type NeedPassword struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
	Others  []mfa.Kind // that it can be answered with instead; nil means none
}

// NeedConfirm asks for the code that was sent to prove the address: answer with [Code]. Where the
// pool sends links instead ([SignUpSettings].ByLink), its ticket is for [LinkInput]. It comes only
// after the right password, so it tells nothing to others.
type NeedConfirm struct {
	Ticket   string // for [RespondInput] or [CodeInput]; "" where an administrator confirms, and there is no code
	Expires  time.Time
	Delivery Delivery
}

// NeedNewPassword asks for a password in place of a temporary one, as Cognito's
// NEW_PASSWORD_REQUIRED does: answer with [NewPassword]. It comes only after the right temporary
// password.
type NeedNewPassword struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
}

// NeedTOTP asks for a code of an authenticator app, as Cognito's SOFTWARE_TOKEN_MFA does: answer with
// [Code], with a [Choice] of the other kinds or, where it is among these, with a [RecoveryCode]. Like
// all steps that ask for a second factor it comes only after the right first one.
//
// Half a minute of codes is good once, be it of another app of the same user, and also the one by which
// an app was set up: after a code that was taken the right answer is the next that the app shows.
type NeedTOTP struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
	Others  []mfa.Kind // that it can be answered with instead
}

// NeedCode asks for a code that was sent, as Cognito's SMS_MFA, EMAIL_OTP and SMS_OTP do: answer with
// [Code], or with a [Choice] of the other kinds; that of By sends another code, which takes the place
// of the one before and leaves the ticket the tries that it has.
type NeedCode struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
	By      mfa.Kind // mfa.KindSMS or mfa.KindEmail
	// Delivery tells where the code went. To begin a sign-in that is the address that was typed, whoever
	// is there, and zero where none of the kind was typed; later it is masked as a***@e*** or
	// +*******5678, and zero where the address has had so many of late that none was sent now.
	Delivery Delivery
	Others   []mfa.Kind // that it can be answered with instead
}

// NeedChoice asks how to go on, as Cognito's SELECT_MFA_TYPE and SELECT_CHALLENGE do: answer with a
// [Choice]. A code of an authenticator app or a recovery code answers it at once, where it is of one of
// the kinds.
type NeedChoice struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
	Kinds   []mfa.Kind
	// Enrol says that the user has no second factor, and has to set up what they choose (Cognito's
	// MFA_SETUP).
	Enrol bool
}

// NeedTOTPSetup asks who has no second factor, and has to, to set up an authenticator app (Cognito's
// MFA_SETUP): answer with the [Code] that the app shows, or with a [Choice] of another kind. A choice of
// the same kind gives another seed. The [Done] that follows has [Done].RecoveryCodes.
type NeedTOTPSetup struct {
	AuthenticatorSetup
	Others []mfa.Kind // that can be set up instead
}

// Delivery tells where a code went, if one did: to the address as it was typed, now or at sign-up.
// It is zero where only a user name was typed and nothing was proven: the address behind it, and
// whether there is one, is nothing to tell strangers (security.md T7).
type Delivery struct {
	Channel     message.Channel
	Destination string
}

// LogValue leaves the tokens out: a logger that marshals what it is given would write them.
func (*Done) LogValue() slog.Value { return slog.StringValue(string(KindDone)) }

// LogValue leaves the ticket out.
func (*NeedPassword) LogValue() slog.Value { return slog.StringValue(string(KindPassword)) }

// LogValue leaves the ticket out.
func (*NeedConfirm) LogValue() slog.Value { return slog.StringValue(string(KindConfirm)) }

// LogValue leaves the ticket out.
func (*NeedNewPassword) LogValue() slog.Value { return slog.StringValue(string(KindNewPassword)) }

// LogValue leaves the ticket out.
func (*NeedTOTP) LogValue() slog.Value { return slog.StringValue(string(KindTOTP)) }

// LogValue leaves the ticket out.
func (*NeedChoice) LogValue() slog.Value { return slog.StringValue(string(KindChoice)) }

// LogValue leaves the ticket out.
func (*NeedCode) LogValue() slog.Value { return slog.StringValue(string(KindCode)) }

// Kind returns [KindCode].
func (*NeedCode) Kind() StepKind { return KindCode }

// LogValue leaves the ticket and the seed out.
func (*NeedTOTPSetup) LogValue() slog.Value { return slog.StringValue(string(KindTOTPSetup)) }

// Kind returns [KindTOTPSetup].
func (*NeedTOTPSetup) Kind() StepKind { return KindTOTPSetup }

// Kind returns [KindTOTP].
func (*NeedTOTP) Kind() StepKind { return KindTOTP }

// Kind returns [KindChoice].
func (*NeedChoice) Kind() StepKind { return KindChoice }

// Kind returns [KindDone].
func (*Done) Kind() StepKind { return KindDone }

// Kind returns [KindPassword].
func (*NeedPassword) Kind() StepKind { return KindPassword }

// Kind returns [KindConfirm].
func (*NeedConfirm) Kind() StepKind { return KindConfirm }

// Kind returns [KindNewPassword].
func (*NeedNewPassword) Kind() StepKind { return KindNewPassword }

func (*Done) step()            {}
func (*NeedPassword) step()    {}
func (*NeedConfirm) step()     {}
func (*NeedNewPassword) step() {}
func (*NeedTOTP) step()        {}
func (*NeedCode) step()        {}
func (*NeedChoice) step()      {}
func (*NeedTOTPSetup) step()   {}

// Finished is for callers who expect tokens: it returns the [Done] that step is, or [ErrUnfinished],
// naming the kind of step, or err if there is one.
//
//	done, err := pool.Finished(p.SignIn(ctx, in))
func Finished(step Step, err error) (*Done, error) {
	if err != nil {
		return nil, err
	}
	if done, ok := step.(*Done); ok && done != nil {
		return done, nil
	}
	if step == nil {
		return nil, ErrUnfinished
	}
	return nil, fmt.Errorf("%w: %s", ErrUnfinished, step.Kind())
}
