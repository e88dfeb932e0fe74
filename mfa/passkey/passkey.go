// Package passkey has the ceremonies of passkeys (WebAuthn Level 3), for a pool whose program imports it:
//
//	c := pool.Config{Passkeys: passkey.New()}
//
// They are made for the pages of the issuer, port included, or of [pool.PasskeySettings]. While you
// develop these are at http://localhost, which the issuer names, and not at 127.0.0.1, which is no domain:
//
//	c := pool.Config{Passkeys: passkey.New(), Issuer: "http://localhost:8080"}
//
// Who does not import it does not link what it needs. Answers are judged by go-webauthn, of which
// nothing shows here. Attestation is neither asked for nor read: it says who made an authenticator, and
// costs people their privacy. In tests package passkeytest is the authenticator; its example walks through
// the ceremonies.
//
// [pool.PasskeySettings]: https://pkg.go.dev/github.com/userpool-go/userpool/pool#PasskeySettings
package passkey

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/userpool-go/userpool/mfa"
)

// timeout is for how long a browser waits for the user. Whoever keeps the state of a ceremony lets it
// expire.
const timeout = 5 * time.Minute

// algorithms that passkeys may sign by, the best first: those that every authenticator has one of.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// ceremonies is an [mfa.Passkeys]. It has no state.
type ceremonies struct{}

// New returns the ceremonies. They are safe for concurrent use.
func New() mfa.Passkeys { return ceremonies{} }

// state is what is kept of a ceremony until it is answered.
type state struct {
	Ceremony  protocol.CeremonyType `json:"ceremony"` // an answer to one kind is none to the other
	Challenge []byte                `json:"challenge"`
	Handle    []byte                `json:"handle,omitempty"` // of who a passkey is made for
	Verify    mfa.Verification      `json:"verify"`
	// Allowed are digests of the ids that were asked for, nil for any: twenty ids of 1,023 bytes would
	// not fit into what a ticket remembers.
	Allowed [][]byte `json:"allowed,omitempty"`
}

// owner is a user as go-webauthn asks for one.
type owner struct {
	mfa.PasskeyUser
	credentials []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return o.Handle }
func (o owner) WebAuthnName() string                       { return o.Name }
func (o owner) WebAuthnDisplayName() string                { return o.Display }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.credentials }

// Check implements [mfa.Passkeys].
func (ceremonies) Check(rp mfa.RelyingParty) error {
	if len(rp.Origins) == 0 {
		return errors.New("passkey: a relying party has an origin at least")
	}
	for _, o := range rp.Origins {
		if err := checkOrigin(rp.ID, o); err != nil {
			return err
		}
	}
	_, err := party(rp)
	return err
}

func party(rp mfa.RelyingParty) (*webauthn.WebAuthn, error) {
	once := webauthn.TimeoutConfig{Timeout: timeout, TimeoutUVD: timeout}
	w, err := webauthn.New(&webauthn.Config{
		RPID: rp.ID, RPDisplayName: cmp.Or(rp.Name, rp.ID), RPOrigins: rp.Origins,
		AttestationPreference: protocol.PreferNoAttestation,
		Timeouts:              webauthn.TimeoutsConfig{Login: once, Registration: once},
		// Password managers answer what nobody asked for: it says nothing to us (WebAuthn Level 3, 7.1).
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: relying party %q: %w", rp.ID, err)
	}
	return w, nil
}

// Create implements [mfa.Passkeys].
func (ceremonies) Create(rp mfa.RelyingParty, u mfa.PasskeyUser, v mfa.Verification) (options, kept []byte, err error) {
	w, verify, err := begin(rp, v)
	if err != nil {
		return nil, nil, err
	}
	u.Display = cmp.Or(u.Display, u.Name)
	creation, _, err := w.BeginRegistration(owner{PasskeyUser: u},
		webauthn.WithCredentialParameters(algorithms),
		webauthn.WithExclusions(descriptors(u.Passkeys)),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: verify,
		}))
	if err != nil {
		return nil, nil, fmt.Errorf("passkey: create: %w", err)
	}
	s := state{
		Ceremony: protocol.CreateCeremony, Challenge: creation.Response.Challenge,
		Handle: u.Handle, Verify: mfa.Verification(verify),
	}
	return encode(creation.Response, s)
}

// Created implements [mfa.Passkeys].
func (ceremonies) Created(rp mfa.RelyingParty, kept, answer []byte) (mfa.Passkey, error) {
	w, s, err := resume(rp, kept, protocol.CreateCeremony)
	if err != nil {
		return mfa.Passkey{}, err
	}
	parsed, err := parseCreated(rp, answer)
	if err != nil {
		return mfa.Passkey{}, err
	}
	session := s.session(rp)
	session.UserID, session.CredParams = s.Handle, algorithms
	c, err := w.CreateCredential(owner{PasskeyUser: mfa.PasskeyUser{Handle: s.Handle}}, session, parsed)
	if err != nil {
		return mfa.Passkey{}, refused(err)
	}
	if err := checkKey(c.ID, c.PublicKey); err != nil {
		return mfa.Passkey{}, err
	}
	p := mfa.Passkey{
		ID: c.ID, PublicKey: c.PublicKey, Model: c.Authenticator.AAGUID, Count: c.Authenticator.SignCount,
		Verified: c.Flags.UserVerified, Syncable: c.Flags.BackupEligible, Synced: c.Flags.BackupState,
	}
	for _, t := range c.Transport {
		if slices.Contains(transports, t) && !slices.Contains(p.Transports, string(t)) {
			p.Transports = append(p.Transports, string(t))
		}
	}
	return p, nil
}

// transports are those that may be named: whatever else a browser says is not kept.
var transports = []protocol.AuthenticatorTransport{
	protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal,
}

// Get implements [mfa.Passkeys].
func (ceremonies) Get(rp mfa.RelyingParty, of []mfa.Passkey, v mfa.Verification) (options, kept []byte, err error) {
	w, verify, err := begin(rp, v)
	if err != nil {
		return nil, nil, err
	}
	asked := []webauthn.LoginOption{webauthn.WithUserVerification(verify)}
	s := state{Ceremony: protocol.AssertCeremony, Verify: mfa.Verification(verify)}
	if len(of) > 0 {
		asked = append(asked, webauthn.WithAllowedCredentials(descriptors(of)))
		for _, p := range of {
			digest := sha256.Sum256(p.ID)
			s.Allowed = append(s.Allowed, digest[:])
		}
	}
	assertion, _, err := w.BeginDiscoverableLogin(asked...)
	if err != nil {
		return nil, nil, fmt.Errorf("passkey: get: %w", err)
	}
	s.Challenge = assertion.Response.Challenge
	return encode(assertion.Response, s)
}

// Named implements [mfa.Passkeys].
func (ceremonies) Named(answer []byte) (id, handle []byte, err error) {
	parsed, err := parseGot(answer)
	if err != nil {
		return nil, nil, err
	}
	return parsed.RawID, parsed.Response.UserHandle, nil
}

// Got implements [mfa.Passkeys].
func (ceremonies) Got(rp mfa.RelyingParty, kept, answer []byte, p mfa.Passkey, handle []byte) (mfa.Assertion, error) {
	w, s, err := resume(rp, kept, protocol.AssertCeremony)
	if err != nil {
		return mfa.Assertion{}, err
	}
	parsed, err := parseGot(answer)
	if err != nil {
		return mfa.Assertion{}, err
	}
	if err := s.askedFor(rp, parsed, p); err != nil {
		return mfa.Assertion{}, err
	}
	session := s.session(rp)
	session.UserID, session.AllowedCredentialIDs = handle, [][]byte{p.ID}
	c, err := w.ValidateLogin(owner{mfa.PasskeyUser{Handle: handle}, []webauthn.Credential{credential(p)}}, session, parsed)
	if err != nil {
		return mfa.Assertion{}, refused(err)
	}
	flags := parsed.Response.AuthenticatorData.Flags
	return mfa.Assertion{
		// A PIN that a security key has got since may be a thief's (WebAuthn Level 3, 7.2, on uvInitialized).
		Verified: flags.HasUserVerified() && p.Verified, Synced: flags.HasBackupState(),
		Count: parsed.Response.AuthenticatorData.Counter, Cloned: c.Authenticator.CloneWarning,
	}, nil
}

// askedFor reports whether an answer by a passkey is one to what was asked, as far as its signature does
// not say.
func (s state) askedFor(rp mfa.RelyingParty, parsed *protocol.ParsedCredentialAssertionData, p mfa.Passkey) error {
	digest := sha256.Sum256(p.ID)
	is := func(allowed []byte) bool { return bytes.Equal(allowed, digest[:]) }
	switch {
	case len(s.Allowed) > 0 && !slices.ContainsFunc(s.Allowed, is):
		return fmt.Errorf("%w: it was not asked for", mfa.ErrPasskey)
	case len(s.Allowed) == 0 && len(parsed.Response.UserHandle) == 0:
		return fmt.Errorf("%w: it does not say whose it is", mfa.ErrPasskey)
	case s.Verify == mfa.VerifyRequired && !p.Verified:
		return fmt.Errorf("%w: it was made without verifying its user, and is one factor for ever", mfa.ErrPasskey)
	}
	return checkPage(rp, parsed.Response.CollectedClientData)
}

// encode returns the options for the browser and the state to keep.
func encode(options any, s state) (opts, kept []byte, err error) {
	if opts, err = json.Marshal(options); err != nil {
		return nil, nil, fmt.Errorf("passkey: %w", err)
	}
	if kept, err = json.Marshal(s); err != nil {
		return nil, nil, fmt.Errorf("passkey: %w", err)
	}
	return opts, kept, nil
}

// begin returns what begins a ceremony, and how browsers call the verification.
func begin(rp mfa.RelyingParty, v mfa.Verification) (*webauthn.WebAuthn, protocol.UserVerificationRequirement, error) {
	v = cmp.Or(v, mfa.VerifyPreferred)
	switch v {
	case mfa.VerifyPreferred, mfa.VerifyRequired, mfa.VerifyDiscouraged:
	default: // browsers take a word that they do not know for no wish
		return nil, "", fmt.Errorf("passkey: %q is no verification", v)
	}
	w, err := party(rp)
	return w, protocol.UserVerificationRequirement(v), err
}

// resume returns what judges the answer to a ceremony of a kind, by what was kept of it.
func resume(rp mfa.RelyingParty, kept []byte, kind protocol.CeremonyType) (*webauthn.WebAuthn, state, error) {
	var s state
	if err := json.Unmarshal(kept, &s); err != nil {
		return nil, s, fmt.Errorf("passkey: read what was kept of a ceremony: %w", err)
	}
	if s.Ceremony != kind {
		return nil, s, fmt.Errorf("passkey: what was kept is of the ceremony %q, not %q", s.Ceremony, kind)
	}
	w, err := party(rp)
	return w, s, err
}

func (s state) session(rp mfa.RelyingParty) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: protocol.URLEncodedBase64(s.Challenge).String(), RelyingPartyID: rp.ID,
		UserVerification: protocol.UserVerificationRequirement(s.Verify),
	}
}

func descriptors(of []mfa.Passkey) []protocol.CredentialDescriptor {
	list := make([]protocol.CredentialDescriptor, len(of))
	for i, p := range of {
		list[i] = protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: p.ID}
		for _, t := range p.Transports {
			list[i].Transport = append(list[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return list
}

func credential(p mfa.Passkey) webauthn.Credential {
	return webauthn.Credential{
		ID: p.ID, PublicKey: p.PublicKey,
		Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: p.Verified, BackupEligible: p.Syncable, BackupState: p.Synced},
		Authenticator: webauthn.Authenticator{AAGUID: p.Model, SignCount: p.Count},
	}
}
