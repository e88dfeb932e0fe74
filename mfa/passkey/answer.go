package passkey

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"github.com/userpool-go/userpool/mfa"
)

// The most that there may be of things, in bytes. An answer is parsed before anything is judged, ids and
// handles are looked up before, and a user has up to twenty keys (WebAuthn Level 3, 4 and 5.4.3; an RSA
// key of 4,096 bits has 530 bytes).
const (
	maxAnswer = 16 << 10
	maxID     = 1023
	maxHandle = 64
	maxKey    = 1 << 10
)

// parseCreated returns an answer that comes from a page of a relying party.
func parseCreated(rp mfa.RelyingParty, answer []byte) (*protocol.ParsedCredentialCreationData, error) {
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("%w: %d bytes", mfa.ErrPasskey, len(answer))
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, refused(err)
	}
	// What it says of the authenticator's maker was not asked for: the certificates of a visitor are not read.
	o := &parsed.Response.AttestationObject
	o.Format, o.AttStatement, o.SubStatements = string(protocol.AttestationFormatNone), nil, nil
	return parsed, checkPage(rp, parsed.Response.CollectedClientData)
}

// parseGot returns an answer of which nothing is judged yet.
func parseGot(answer []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(answer) > maxAnswer {
		return nil, fmt.Errorf("%w: %d bytes", mfa.ErrPasskey, len(answer))
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, refused(err)
	}
	if id, handle := len(parsed.RawID), len(parsed.Response.UserHandle); id > maxID || handle > maxHandle {
		return nil, fmt.Errorf("%w: an id of %d bytes and a handle of %d", mfa.ErrPasskey, id, handle)
	}
	return parsed, nil
}

// checkPage reports whether the page that asked is of an origin of the relying party, exactly: go-webauthn
// takes one with a path, a user, or in capitals for the same.
func checkPage(rp mfa.RelyingParty, c protocol.CollectedClientData) error {
	if !slices.Contains(rp.Origins, c.Origin) {
		return fmt.Errorf("%w: a page of %.200q asked for it", mfa.ErrPasskey, c.Origin)
	}
	return nil
}

// checkKey reports whether a new passkey can be kept, and proven later: one that cannot would count as a
// factor, and lock its owner out.
func checkKey(id, key []byte) error {
	if len(id) == 0 || len(id) > maxID || len(key) > maxKey {
		return fmt.Errorf("%w: an id of %d bytes and a key of %d", mfa.ErrPasskey, len(id), len(key))
	}
	if _, err := webauthncose.ParsePublicKey(key); err != nil {
		return refused(err)
	}
	return nil
}

// refused says why go-webauthn refuses an answer, with the details that it keeps from its text, at a
// length that fits into logs: much of it is the visitor's.
func refused(err error) error {
	text := err.Error()
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		text = e.Details + ": " + e.DevInfo
	}
	return fmt.Errorf("%w: %.300q", mfa.ErrPasskey, text)
}
