package user

import (
	"bytes"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
)

// Factors are what a user can show beside a password. The zero Factors are none. What moves at every
// use, such as the last step of an app, stands in watermarks and not here: a sign-in does not write
// the user (security.md T1).
type Factors struct {
	Apps     []App
	Passkeys []mfa.Passkey
	// SMS and Email tell since when codes to the user's phone number or email address are a second
	// factor; zero means that they are not.
	SMS, Email time.Time
	// PasskeySecond asks for a passkey after a password. Without it passkeys are a way in, and after a
	// password stand in for another second factor.
	PasskeySecond bool
	Preferred     mfa.Kind // the second factor that is asked for first; "" means none
	Recovery      Recovery
	Lost          Lost
	Devices       []Device
	// Handle is what authenticators call the user: 64 random bytes, not the id (security.md S13). Nil
	// until the first passkey.
	Handle []byte
}

// App is an authenticator app that has shown a code.
type App struct {
	ID      string // random, never used again
	Name    string // as its owner calls it
	Seed    []byte // sealed
	Created time.Time
}

// Recovery is a set of recovery codes. The zero Recovery is none.
type Recovery struct {
	Codes [][]byte // keyed digests of those that are left
	Made  time.Time
}

// Lost says that somebody who knows the password has none of the factors any more, as they say, and
// asks to set up others. The zero Lost says nothing.
type Lost struct {
	ID    string // of the ticket by whose link the owner ends it
	Asked time.Time
	Until time.Time // the least that the owner has to end it
	Epoch int64     // of the user, when it was asked: of another it is over
}

// Device is a browser or app on which the user is not asked for a second factor again. Its token is
// of no use without this record.
type Device struct {
	ID      string // random, never used again
	Name    string // as its owner calls it
	Agent   string // the user agent that it had
	Epoch   int64  // of the user, when it was remembered: of another it is forgotten
	Created time.Time
	Expires time.Time
}

// The most that a user has of each.
const (
	MaxApps     = 5
	MaxPasskeys = 20 // Cognito's
	MaxDevices  = 20
)

// App returns the app of an id.
func (f *Factors) App(id string) (App, bool) {
	if f == nil {
		return App{}, false
	}
	i := slices.IndexFunc(f.Apps, func(a App) bool { return a.ID == id })
	if i < 0 {
		return App{}, false
	}
	return f.Apps[i], true
}

// Passkey returns the passkey of a credential id.
func (f *Factors) Passkey(id []byte) (mfa.Passkey, bool) {
	if f == nil {
		return mfa.Passkey{}, false
	}
	i := slices.IndexFunc(f.Passkeys, func(p mfa.Passkey) bool { return bytes.Equal(p.ID, id) })
	if i < 0 {
		return mfa.Passkey{}, false
	}
	return f.Passkeys[i], true
}

// Device returns the remembered device of an id, where it is not forgotten: by its end, or because
// the user's epoch is another.
func (u *User) Device(id string, now time.Time) (Device, bool) {
	if u.Factors == nil || id == "" {
		return Device{}, false
	}
	for _, d := range u.Factors.Devices {
		if d.ID == id && d.Epoch == u.Epoch && now.Before(d.Expires) {
			return d, true
		}
	}
	return Device{}, false
}

// Has lists the second factors that the user has set up, whatever the pool allows: those that are
// asked for once they are there. Recovery codes and passkeys that are only a way in are not among
// them.
func (f *Factors) Has() (kinds []mfa.Kind) {
	if f == nil {
		return nil
	}
	for _, k := range []struct {
		kind mfa.Kind
		has  bool
	}{
		{mfa.KindPasskey, f.PasskeySecond && len(f.Passkeys) > 0},
		{mfa.KindTOTP, len(f.Apps) > 0},
		{mfa.KindSMS, !f.SMS.IsZero()},
		{mfa.KindEmail, !f.Email.IsZero()},
	} {
		if k.has {
			kinds = append(kinds, k.kind)
		}
	}
	return kinds
}

// empty reports whether f says nothing.
func (f *Factors) empty() bool {
	return f == nil || f.size() == 0 && f.SMS.IsZero() && f.Email.IsZero() && !f.PasskeySecond && f.Recovery.Made.IsZero() &&
		f.Lost == (Lost{})
}

func (f *Factors) size() int {
	if f == nil {
		return 0
	}
	n := len(f.Preferred) + len(f.Handle) + len(f.Lost.ID)
	for _, a := range f.Apps {
		n += item + len(a.ID) + len(a.Name) + len(a.Seed)
	}
	for _, p := range f.Passkeys {
		n += item + len(p.ID) + len(p.PublicKey) + len(p.Model) + len(p.Name) + sizeOf(p.Transports)
	}
	for _, c := range f.Recovery.Codes {
		n += item + len(c)
	}
	for _, d := range f.Devices {
		n += item + len(d.ID) + len(d.Name) + len(d.Agent)
	}
	return n
}

// Clone returns a deep copy of f; nil where it says nothing.
func (f *Factors) Clone() *Factors {
	if f.empty() {
		return nil
	}
	c := *f
	c.Apps, c.Passkeys, c.Devices = slices.Clone(f.Apps), slices.Clone(f.Passkeys), slices.Clone(f.Devices)
	for i := range c.Apps {
		c.Apps[i].Seed = bytes.Clone(c.Apps[i].Seed)
	}
	for i, p := range c.Passkeys {
		p.ID, p.PublicKey, p.Model = bytes.Clone(p.ID), bytes.Clone(p.PublicKey), bytes.Clone(p.Model)
		p.Transports = slices.Clone(p.Transports)
		c.Passkeys[i] = p
	}
	c.Recovery.Codes = slices.Clone(f.Recovery.Codes)
	for i := range c.Recovery.Codes {
		c.Recovery.Codes[i] = bytes.Clone(c.Recovery.Codes[i])
	}
	c.Handle = bytes.Clone(f.Handle)
	return &c
}
