package token

import (
	"slices"
	"time"
)

// AAL1 is the acr of a sign-in by one factor (NIST SP 800-63B-4, 2.1).
const AAL1 = "aal1"

// aal1Age is how long a proof carries AAL1 (NIST SP 800-63B-4, 2.1.3).
const aal1Age = 30 * 24 * time.Hour

// ACR returns how strong proofs are at now, or "" where none of them is young enough any more. It
// is computed whenever a token is made and never stored, so that it goes down when a credential
// goes (security.md T2). A code proves an address, by email and by SMS alike, and lifts nothing
// above AAL1.
func ACR(proofs []Proof, now time.Time) string {
	for _, p := range proofs {
		known := p.Method == MethodPassword || p.Method == MethodEmailCode || p.Method == MethodSMSCode
		if known && now.Sub(p.Time) < aal1Age {
			return AAL1
		}
	}
	return ""
}

// AMR returns the methods of proofs by their registered names (RFC 8176), sorted, each once. A code
// to an address has none: "otp" stands for a device that makes codes and "sms" for a phone that was
// enrolled, and someone who asks for a second factor would take it for one.
func AMR(proofs []Proof) []string {
	var names []string
	for _, p := range proofs {
		if p.Method == MethodPassword {
			names = append(names, "pwd")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
