package gate

import (
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/token"
)

// What a proof may be: the beginning of a sign-in, a second factor, or either.
var (
	firsts = map[token.Method]bool{
		token.MethodPassword: true, token.MethodEmailCode: true, token.MethodSMSCode: true,
		token.MethodPasskey: true, token.MethodVerifiedPasskey: true, token.MethodCustom: true,
	}
	seconds = map[token.Method]bool{
		token.MethodTOTP: true, token.MethodSMS: true, token.MethodEmail: true, token.MethodRecovery: true,
		token.MethodPasskey: true, token.MethodVerifiedPasskey: true, token.MethodCustom: true,
	}
	passkeys   = []token.Method{token.MethodPasskey, token.MethodVerifiedPasskey}
	candidates = map[mfa.Kind][]token.Method{
		mfa.KindTOTP: {token.MethodTOTP}, mfa.KindSMS: {token.MethodSMS}, mfa.KindEmail: {token.MethodEmail},
		mfa.KindPassword: {token.MethodPassword}, mfa.KindRecovery: {token.MethodRecovery}, mfa.KindPasskey: passkeys, mfa.KindCustom: {token.MethodCustom},
	}
	beginnings = map[mfa.Kind][]token.Method{
		mfa.KindPassword: {token.MethodPassword}, mfa.KindSMS: {token.MethodSMSCode},
		mfa.KindEmail: {token.MethodEmailCode}, mfa.KindPasskey: passkeys, mfa.KindCustom: {token.MethodCustom},
	}
)

// Kinds returns the kinds that proofs are of, in their order.
func Kinds(proofs []token.Proof) (kinds []mfa.Kind) {
	for _, p := range proofs {
		if k := kindOf(p.Method); k != "" {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// kindOf returns the kind that a method is of: a code to an address is of one kind whatever it is for,
// so that neither backs up the other.
func kindOf(m token.Method) mfa.Kind {
	switch m {
	case token.MethodPassword:
		return mfa.KindPassword
	case token.MethodEmailCode, token.MethodEmail:
		return mfa.KindEmail
	case token.MethodSMSCode, token.MethodSMS:
		return mfa.KindSMS
	case token.MethodTOTP:
		return mfa.KindTOTP
	case token.MethodRecovery:
		return mfa.KindRecovery
	case token.MethodPasskey, token.MethodVerifiedPasskey:
		return mfa.KindPasskey
	case token.MethodCustom:
		return mfa.KindCustom
	case token.MethodActor, token.MethodDevice, token.MethodFaded:
	}
	return ""
}
