package gate

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// App judges a code of any authenticator app of the user. Last is the last step that was accepted of
// any of them, and step the one to be stored in its place: a code is good once (security.md S17). A
// wrong code gives a proof that does not hold, after the same work for each app.
func (g *Gate) App(u *user.User, code string, now time.Time, last int64) (p Proof, step int64, err error) {
	if u.Factors == nil {
		return Proof{}, 0, nil
	}
	for _, a := range u.Factors.Apps {
		key, err := g.ring.Open(SeedLabel(u.Pool, u.ID, a.ID), a.Seed)
		if err != nil {
			return Proof{}, 0, err
		}
		seed, err := mfa.ParseSeed(key)
		if err != nil {
			return Proof{}, 0, err
		}
		if at, ok := seed.Accept(code, now, last); ok && at > step { // two apps may have one seed
			p, step = Proof{u.ID, token.Proof{
				Method: token.MethodTOTP, Credential: a.ID, Revision: revision(a.Created), Time: now,
			}}, at
		}
	}
	return p, step, nil
}

// SeedLabel is what the seed of an app is sealed to.
func SeedLabel(pool user.PoolID, id user.ID, app string) seal.Label {
	return seal.Label{Pool: string(pool), Kind: "user", Owner: string(id), Field: "app " + app}
}

// SecondCode judges the code that was sent for a ticket to an address that the user has enrolled as a
// second factor. Channel is the pseudonym of the address.
func (g *Gate) SecondCode(t *storage.Ticket, u *user.User, kind mfa.Kind, channel, code string, now time.Time) Proof {
	by, since := token.MethodSMS, time.Time{}
	if kind == mfa.KindEmail {
		by = token.MethodEmail
	}
	if u.Factors != nil && by == token.MethodSMS {
		since = u.Factors.SMS
	} else if u.Factors != nil {
		since = u.Factors.Email
	}
	p, ok := g.sent(by, t, channel, code, now)
	if !ok || since.IsZero() || p.user != u.ID {
		return Proof{}
	}
	p.record.Revision = revision(since)
	return p
}

// RecoveryCodes gives u a new set of recovery codes in place of the one before, and returns them: they
// are shown once and stored as keyed digests.
func (g *Gate) RecoveryCodes(u *user.User, now time.Time) []string {
	codes := mfa.NewRecoveryCodes()
	if u.Factors == nil {
		u.Factors = new(user.Factors)
	}
	u.Factors.Recovery = user.Recovery{Made: now}
	for _, c := range codes {
		plain, _ := mfa.RecoveryCode(c)
		digest := g.ring.MAC(recoveryPurpose, recoveryParts(u, plain)...)
		u.Factors.Recovery.Codes = append(u.Factors.Recovery.Codes, digest)
	}
	return codes
}

// Remade returns what the holder of proofs has shown once the user has another set of recovery codes: a
// code of the set before is good for it as one of the new, or who signed in by one could make no new
// ones. Other proofs are as they were, and not among them.
func Remade(was, is *user.User, now time.Time, shown ...Proof) (proofs []Proof) {
	if is.ID != was.ID || is.Factors == nil || is.Factors.Recovery.Made.IsZero() {
		return nil
	}
	for _, r := range holding(Request{User: was, Purpose: Refresh}, shown, now) {
		if r.Method == token.MethodRecovery {
			r.Revision = revision(is.Factors.Recovery.Made)
			proofs = append(proofs, Proof{is.ID, r})
		}
	}
	return proofs
}

const recoveryPurpose = "recovery code"

func recoveryParts(u *user.User, code string) [][]byte {
	made, _ := u.Factors.Recovery.Made.UTC().MarshalText()
	return [][]byte{[]byte(u.Pool), []byte(u.ID), made, []byte(code)}
}

// RecoveryCode judges a recovery code, and returns the user without it: to put that is to use the code,
// of any number of uses at once one is not stale. It looks at all codes whichever matches.
func (g *Gate) RecoveryCode(u *user.User, typed string, now time.Time) (p Proof, without *user.User) {
	plain, ok := mfa.RecoveryCode(typed)
	if !ok || u.Factors == nil {
		return Proof{}, nil
	}
	found := -1
	for i, digest := range u.Factors.Recovery.Codes {
		if g.ring.VerifyMAC(digest, recoveryPurpose, recoveryParts(u, plain)...) {
			found = i
		}
	}
	if found < 0 {
		return Proof{}, nil
	}
	without = u.Clone()
	without.Factors.Recovery.Codes = slices.Delete(without.Factors.Recovery.Codes, found, found+1)
	without.Updated = now
	return Proof{u.ID, token.Proof{
		Method: token.MethodRecovery, Revision: revision(u.Factors.Recovery.Made), Time: now,
	}}, without
}

// Passkey judges an answer by one of the passkeys of the user, to the challenge that state holds. Count
// is the watermark of its signatures: what stands with the passkey is of when it was made. It fails
// with [mfa.ErrPasskey].
func (g *Gate) Passkey(
	by mfa.Passkeys, rp mfa.RelyingParty, state, answer []byte, u *user.User, count uint32, now time.Time,
) (p Proof, used mfa.Passkey, a mfa.Assertion, err error) {
	id, _, err := by.Named(answer)
	if err != nil {
		return Proof{}, used, a, err
	}
	used, ok := u.Factors.Passkey(id)
	if !ok {
		return Proof{}, used, a, mfa.ErrPasskey
	}
	used.Count = max(used.Count, count)
	if a, err = by.Got(rp, state, answer, used, u.Factors.Handle); err != nil {
		return Proof{}, used, a, err
	}
	method := token.MethodPasskey
	if a.Verified {
		method = token.MethodVerifiedPasskey
	}
	return Proof{u.ID, token.Proof{
		Method: method, Credential: credential(used), Revision: revision(used.Created), Time: now,
	}}, used, a, nil
}

// NewPasskey judges a passkey that was made for the user as state says, and returns the user who has
// it. Whoever makes one could sign by it, so that it is a proof as good as its use: nobody but them
// says which one it is. It fails with [mfa.ErrPasskey].
func (g *Gate) NewPasskey(
	by mfa.Passkeys, rp mfa.RelyingParty, state, answer []byte, u *user.User, name string, now time.Time,
) (p Proof, with *user.User, err error) {
	k, err := by.Created(rp, state, answer)
	if err != nil {
		return Proof{}, nil, err
	}
	k.Name, k.Created = name, now
	with = u.Clone()
	if with.Factors == nil {
		with.Factors = new(user.Factors)
	}
	with.Factors.Passkeys = append(with.Factors.Passkeys, k)
	with.Logins = append(with.Logins, user.PasskeyLogin(k.ID))
	with.Updated = now
	method := token.MethodPasskey
	if k.Verified {
		method = token.MethodVerifiedPasskey
	}
	return Proof{u.ID, token.Proof{Method: method, Credential: credential(k), Revision: revision(now), Time: now}}, with, nil
}

// remembered is what the token of a remembered device says.
type remembered struct {
	User   user.ID `json:"user"`
	Device string  `json:"device"`
}

func deviceLabel(pool user.PoolID) seal.Label {
	return seal.Label{Pool: string(pool), Kind: "device", Field: "remembered"}
}

// DeviceToken returns what a remembered device of the user holds. Without the record of the device it
// is of no use.
func (g *Gate) DeviceToken(u *user.User, device string) []byte {
	text, _ := json.Marshal(remembered{u.ID, device}) // texts cannot fail
	return g.ring.Seal(deviceLabel(u.Pool), text)
}

// Device judges the token of a remembered device. One that is none, or is forgotten, gives a proof that
// does not hold.
func (g *Gate) Device(u *user.User, held []byte, now time.Time) Proof {
	text, err := g.ring.Open(deviceLabel(u.Pool), held)
	var r remembered
	if err != nil || json.Unmarshal(text, &r) != nil || r.User != u.ID {
		return Proof{}
	}
	d, ok := u.Device(r.Device, now)
	if !ok {
		return Proof{}
	}
	return Proof{u.ID, token.Proof{Method: token.MethodDevice, Credential: d.ID, Revision: revision(d.Created), Time: now}}
}
