package token

import (
	"slices"
	"time"
)

// SessionKind tells what a session is for (security.md T2).
type SessionKind string

// The kinds of session.
const (
	Browser       SessionKind = "browser"       // the cookie of a browser; grants live under it
	Grant         SessionKind = "grant"         // the tokens of one client
	Impersonation SessionKind = "impersonation" // an administrator acting as the user
)

// Session is the record behind everything that says "signed in" (security.md T2). It is found by
// pool, user and id together. How strong a sign-in was is not stored: it is computed from Proofs
// whenever it is asked.
type Session struct {
	ID      string
	Pool    string
	User    string
	Version int64 // the stamp under which it was read; 0 means not stored yet

	Epoch  int64 // the user's at birth; another epoch of the user ends the session
	Kind   SessionKind
	Parent string // session id of the browser session above; "" means none
	Client string
	Proofs []Proof

	Created  time.Time
	LastUsed time.Time
	Idle     time.Duration // the session ends this long after LastUsed; 0 means no such limit
	Expires  time.Time     // absolute end

	Confirmation string // DPoP key thumbprint (RFC 9449); "" means a bearer session
	Device       string // remembered device; "" means none

	Key        []byte    // sealed refresh family key (security.md T4)
	Generation int64     // of the refresh token that is valid now
	Rotated    time.Time // when Generation last moved
}

// Proof is one thing that was shown at a sign-in: by which method, with which credential, when.
type Proof struct {
	Method     Method
	Credential string // id of the credential within the user; "" where a method has only one
	Revision   int64  // of the credential when it was checked; see [MethodActor]
	Channel    string // address a code was sent to, as a keyed pseudonym; "" means none; see [MethodActor]
	Time       time.Time
}

// Method is a way of proving who one is.
type Method string

// The methods. A password is known; an app, an enrolled phone, a recovery code and a passkey are had;
// a passkey that verified its user is both (security.md T2).
const (
	MethodPassword Method = "password"
	// MethodEmailCode and MethodSMSCode prove that an address is one's own, at a sign-up, a reset or as
	// a way in. They went where whoever signed up said, to no factor that was enrolled before.
	MethodEmailCode Method = "email_code"
	MethodSMSCode   Method = "sms_code"
	// MethodTOTP is an authenticator app, MethodSMS and MethodEmail are codes to what was enrolled as a
	// second factor. The last is no authenticator by NIST, and adds no assurance.
	MethodTOTP     Method = "totp"
	MethodSMS      Method = "sms"
	MethodEmail    Method = "email"
	MethodRecovery Method = "recovery_code"
	MethodPasskey  Method = "passkey"
	// MethodVerifiedPasskey is a passkey that verified its user, by PIN or biometrics: two factors.
	MethodVerifiedPasskey Method = "passkey_verified"
	// MethodCustom is what the program itself asked: it adds no assurance that we know of.
	MethodCustom Method = "custom"
	// MethodDevice is a remembered device, which Credential names: it stands in for a second factor that
	// was shown on it before, and proves nothing.
	MethodDevice Method = "device"
	// MethodFaded proves nothing: it notes when a session had lain idle for too long. What was proven
	// before carries AAL2 no more.
	MethodFaded Method = "faded"
	// MethodActor says that an administrator, whom Credential names, acts as the user. The user has
	// shown nothing, so it gives no assurance and no auth_time (security.md S6). Revision is what the
	// user might do as an administrator then, in bits, and Channel the epoch of an administrator who is a
	// user of the pool: what revokes their sessions ends this one.
	MethodActor Method = "actor"
)

// Actor returns who acts as the user, in a session of kind [Impersonation]; "" means the user.
// That of no session is "".
func (s *Session) Actor() string {
	if s == nil {
		return ""
	}
	for _, p := range s.Proofs {
		if p.Method == MethodActor {
			return p.Credential
		}
	}
	return ""
}

// Ends returns when s is over: its absolute end, or its idle limit after the last use.
func (s *Session) Ends() time.Time {
	if s.Idle > 0 {
		if idle := s.LastUsed.Add(s.Idle); idle.Before(s.Expires) {
			return idle
		}
	}
	return s.Expires
}

// Clone returns a deep copy of s.
func (s *Session) Clone() *Session {
	if s == nil {
		return nil
	}
	c := *s
	c.Proofs = slices.Clone(s.Proofs)
	c.Key = slices.Clone(s.Key)
	return &c
}
