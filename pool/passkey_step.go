package pool

import (
	"encoding/json"
	"log/slog"
	"time"

	"github.com/userpool-go/userpool/mfa"
)

// The kinds of step that passkeys answer.
const (
	KindPasskey      StepKind = "passkey"
	KindPasskeySetup StepKind = "passkey_setup"
)

// NeedPasskey asks for a proof by a passkey, as Cognito's WEB_AUTHN does: answer with
// [PasskeyAssertion]. As the first step of a sign-in it comes to whoever asks, and what it names tells
// nothing of anybody; as a second factor it comes after the right first one.
type NeedPasskey struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
	// Options are for PublicKeyCredential.parseRequestOptionsFromJSON, and that for
	// navigator.credentials.get (WebAuthn Level 3, 5.1.10).
	Options json.RawMessage
	// Others are what it can be answered with instead, by a [Choice]. Nil means none, as where the sign-in
	// was begun by the choice of a passkey: begin another one then.
	Others []mfa.Kind
}

// NeedPasskeySetup asks for a passkey that is to be made: answer with [PasskeyAttestation], within a
// sign-in by [Pool.Respond] and in an account by [Account.ConfirmPasskey].
type NeedPasskeySetup struct {
	Ticket  string
	Expires time.Time
	// Options are for PublicKeyCredential.parseCreationOptionsFromJSON, and that for
	// navigator.credentials.create (WebAuthn Level 3, 5.1.8).
	Options json.RawMessage
	Others  []mfa.Kind // that may be set up instead, by a [Choice]; nil means none
}

// Kind returns [KindPasskey].
func (*NeedPasskey) Kind() StepKind { return KindPasskey }

// Kind returns [KindPasskeySetup].
func (*NeedPasskeySetup) Kind() StepKind { return KindPasskeySetup }

// LogValue leaves the ticket out.
func (*NeedPasskey) LogValue() slog.Value { return slog.StringValue(string(KindPasskey)) }

// LogValue leaves the ticket out.
func (*NeedPasskeySetup) LogValue() slog.Value { return slog.StringValue(string(KindPasskeySetup)) }

func (*NeedPasskey) step()      {}
func (*NeedPasskeySetup) step() {}

// PasskeyAssertion answers with a proof by a passkey.
type PasskeyAssertion struct {
	JSON []byte // what PublicKeyCredential.toJSON gives: at most 16 KiB
}

// PasskeyAttestation answers with a passkey that was made.
type PasskeyAttestation struct {
	JSON []byte // what PublicKeyCredential.toJSON gives: at most 16 KiB
	Name string // as its owner calls it: at most 64 characters; "" means none
}

func (PasskeyAssertion) response()   {}
func (PasskeyAttestation) response() {}

// LogValue leaves the answer out: it tells who uses which passkey.
func (PasskeyAssertion) LogValue() slog.Value { return redacted }

// LogValue leaves the answer out, like that of [PasskeyAssertion].
func (PasskeyAttestation) LogValue() slog.Value { return redacted }

// passkeyJSON checks the form of what a browser has made of options.
func (v *validation) passkeyJSON(answer []byte) {
	if len(answer) > maxResponse || !json.Valid(answer) {
		v.add("With", "must be the JSON of a passkey")
	}
}
