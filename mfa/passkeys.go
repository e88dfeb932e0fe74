package mfa

import (
	"errors"
	"time"
)

// ErrPasskey means that what a browser answered proves nothing: another challenge, origin or relying
// party, a signature of another key, a user who was not verified where that was asked for. It says no
// more to visitors; the text is for the operator.
var ErrPasskey = errors.New("mfa: the passkey proves nothing")

// Passkey is a credential of WebAuthn, as we keep it. Only its public half is here: nothing of it is
// secret, but the id tells who uses it.
type Passkey struct {
	ID         []byte // 1 to 1023 bytes, as the authenticator chose it
	PublicKey  []byte // a COSE key
	Model      []byte // the AAGUID: 16 bytes that name the kind of authenticator; zeros for none
	Transports []string
	Verified   bool   // the user was verified (by PIN or biometrics) when it was made
	Syncable   bool   // it may be backed up, which never changes
	Synced     bool   // it was, when it was used last
	Count      uint32 // of signatures; 0 for those that do not count
	Name       string // as its owner calls it
	Created    time.Time
}

// Verification is whether the authenticator has to verify the user, by PIN or biometrics. A passkey
// that did, when it was made and when it is used, is two factors, any other is one (security.md T2).
type Verification string

// The verifications (WebAuthn Level 3, 5.8.6). The zero value is VerifyPreferred.
const (
	VerifyPreferred   Verification = "preferred"
	VerifyRequired    Verification = "required"
	VerifyDiscouraged Verification = "discouraged"
)

// RelyingParty is who passkeys are made for: they work nowhere else.
type RelyingParty struct {
	ID   string // a domain, such as example.com; passkeys of it work at all below it
	Name string // as authenticators show it; "" means ID
	// Origins are where pages may ask for them, such as https://id.example.com, and the apps for Android
	// that may, such as android:apk-key-hash: and a digest. They are compared exactly. Apps for iOS have
	// the origin of their domain.
	Origins []string
}

// PasskeyUser is who a passkey is made for.
type PasskeyUser struct {
	Handle   []byte // random, 64 bytes, and not the user's id (security.md S13)
	Name     string // what they sign in by
	Display  string // what they are called; "" means Name
	Passkeys []Passkey
}

// Assertion is what a passkey has proven.
type Assertion struct {
	Verified bool   // the user was verified, this time and when it was made: two factors
	Count    uint32 // to be stored, where it is higher than what is
	Synced   bool   // to be stored
	Cloned   bool   // its count did not grow: there may be a second one (WebAuthn Level 3, 6.1.1)
}

// Passkeys are the ceremonies of WebAuthn: mfa/passkey has them. What they return as options goes to
// the browser, to PublicKeyCredential.parseCreationOptionsFromJSON or parseRequestOptionsFromJSON; what
// they return as state is kept for one answer, where the visitor cannot change it; and an answer is the
// JSON that PublicKeyCredential.toJSON gives. Errors of answers are [ErrPasskey].
type Passkeys interface {
	// Check reports whether passkeys can be made for a relying party.
	Check(RelyingParty) error
	// Create asks for a new passkey of a user, on an authenticator that has none of theirs.
	Create(RelyingParty, PasskeyUser, Verification) (options, state []byte, err error)
	// Created judges the answer. It does not know which ids are taken: a passkey with the id of another, whoever
	// has that, is not to be stored (WebAuthn Level 3, 7.1).
	Created(rp RelyingParty, state, answer []byte) (Passkey, error)
	// Get asks for a proof by one of some passkeys, or by any where there are none: the browser then
	// lets people choose, and nobody needs to say who they are.
	Get(RelyingParty, []Passkey, Verification) (options, state []byte, err error)
	// Named returns which passkey an answer claims to be by, and whose. Nothing is judged yet. The
	// handle may be nil where Get was given passkeys.
	Named(answer []byte) (id, handle []byte, err error)
	// Got judges the answer by the passkey that it names, whose owner has the handle.
	Got(rp RelyingParty, state, answer []byte, p Passkey, handle []byte) (Assertion, error)
}
