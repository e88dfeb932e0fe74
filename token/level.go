package token

import (
	"slices"
	"time"
)

// The levels of a sign-in, in acr (NIST SP 800-63B-4, 2.1 and 2.2): by one factor, and by two of
// different kinds, something known and something had.
const (
	AAL1 = "aal1"
	AAL2 = "aal2"
)

// AAL2Age is for how long a proof carries [AAL2] at the most (NIST SP 800-63B-4, 2.2.3), and aal1Age for
// how long any level (2.1.3).
const (
	AAL2Age = 24 * time.Hour
	aal1Age = 30 * 24 * time.Hour
)

// ACR returns how strong proofs are at now, or "" where none of them is young enough any more. It
// is computed whenever a token is made and never stored, so that it goes down when a credential
// goes (security.md T2). A code that proves an address lifts nothing above AAL1, and neither does
// one by email, ever.
//
// [AAL2] fades with the age of its proofs ([AAL2Age]), and by what [MethodFaded] notes: that nobody was
// there for an hour, say (2.2.3).
func ACR(proofs []Proof, now time.Time) string {
	level, _ := rests(proofs, now)
	return level
}

// AuthTime returns when whoever signed in was last present for the level that their proofs have: the
// time of the oldest that it rests on (security.md T2). Without a level it is that of the oldest of
// all; the zero time means that nothing was proven.
func AuthTime(proofs []Proof, now time.Time) time.Time {
	_, on := rests(proofs, now)
	if on == nil {
		on = slices.DeleteFunc(slices.Clone(proofs), func(p Proof) bool {
			return slices.Contains([]Method{MethodDevice, MethodActor, MethodFaded}, p.Method)
		})
	}
	var oldest time.Time
	for _, p := range on {
		if oldest.IsZero() || p.Time.Before(oldest) {
			oldest = p.Time
		}
	}
	return oldest
}

// rests returns the level of proofs, and those that it rests on: of each kind the newest.
func rests(proofs []Proof, now time.Time) (level string, on []Proof) {
	var faded time.Time
	for _, p := range proofs {
		if p.Method == MethodFaded && p.Time.After(faded) {
			faded = p.Time
		}
	}
	young := func(age time.Duration, of func(Method) bool) (newest []Proof) {
		for _, p := range proofs {
			gone := age == AAL2Age && p.Time.Before(faded)
			if of(p.Method) && !gone && now.Sub(p.Time) < age && (newest == nil || p.Time.After(newest[0].Time)) {
				newest = []Proof{p}
			}
		}
		return newest
	}
	if both := young(AAL2Age, func(m Method) bool { return m == MethodVerifiedPasskey }); both != nil {
		return AAL2, both
	}
	knows, has := young(AAL2Age, Method.known), young(AAL2Age, Method.had)
	if knows != nil && has != nil {
		return AAL2, append(knows, has...)
	}
	// A factor goes before a code to an address, which makes no old password fresh (CVE class 43).
	for _, of := range []func(Method) bool{Method.factor, Method.counts} {
		if one := young(aal1Age, of); one != nil {
			return AAL1, one
		}
	}
	return "", nil
}

func (m Method) known() bool { return m == MethodPassword }

func (m Method) had() bool {
	return slices.Contains([]Method{MethodTOTP, MethodSMS, MethodRecovery, MethodPasskey}, m)
}

func (m Method) factor() bool { return m.known() || m.had() || m == MethodVerifiedPasskey }

// counts reports whether a method carries a level at all.
func (m Method) counts() bool {
	return m.factor() || slices.Contains([]Method{MethodEmailCode, MethodSMSCode, MethodEmail, MethodCustom}, m)
}

// AMR returns the methods of proofs that are young enough for any level at now, by their registered names
// (RFC 8176), sorted, each once: "mfa" stands beside them for as long as [ACR] is [AAL2], so that who asks
// for it lets in nobody whom others who ask for that would not (security.md T2). A code that proves an
// address has no name: "otp" stands for a device that makes codes and "sms" for a phone that was
// enrolled, and someone who asks for a second factor would take it for one.
func AMR(proofs []Proof, now time.Time) []string {
	var names []string
	for _, p := range proofs {
		if now.Sub(p.Time) < aal1Age {
			names = append(names, registered[p.Method]...)
		}
	}
	if ACR(proofs, now) == AAL2 {
		names = append(names, "mfa")
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// registered are the names of RFC 8176, 2: a passkey is a key whose proof of possession is "pop", and
// "user" says that presence was tested; one that verified its user was unlocked by a PIN or biometrics,
// and does not say by which.
var registered = map[Method][]string{
	MethodPassword:        {"pwd"},
	MethodTOTP:            {"otp"},
	MethodSMS:             {"sms"},
	MethodRecovery:        {"otp"},
	MethodPasskey:         {"pop", "user"},
	MethodVerifiedPasskey: {"pop", "user"},
}
