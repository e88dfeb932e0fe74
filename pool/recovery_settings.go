package pool

import (
	"slices"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/user"
)

// RecoverySettings say how somebody who has forgotten their password gets a new one (Cognito's
// AccountRecoverySetting). Recovery proves an address and no more: it signs nobody in, and takes
// the place of no other factor (security.md S4).
type RecoverySettings struct {
	// By are the kinds of address, Email and Phone, to which codes go, in the order of their
	// priority: a code goes to the first that the account has proven, whatever login was typed. None
	// means both, and that a code goes to the address that was typed or, for a user name, to the
	// email address and else the phone. An address to which codes are the account's second factor is
	// passed over.
	By []Identifier
	// ByAdmin sends no codes, and takes none that were sent before: only [Admin.SetPassword] helps
	// (Cognito's admin_only).
	ByAdmin bool
}

// recoversAt returns where a code goes that somebody asks for by a login of u. False means nowhere, as for
// nobody.
func (s Settings) recoversAt(u *user.User, typed user.Login) (user.Login, bool) {
	by := s.Recovery.By
	if typed.Kind() == user.KindUsername || len(by) > 0 && typed.Kind() != user.Kind(by[0]) {
		return s.recoveryContact(u)
	}
	to, ok := reached(u, typed)
	return to, ok && !s.backs(u, to.Kind()) // nor elsewhere: the answer names what was typed
}

// backs reports whether codes to a kind of address are a second factor of u. Such an address recovers
// nothing: whoever has it alone would have both factors (Cognito does the same).
func (s Settings) backs(u *user.User, k user.Kind) bool {
	if u == nil {
		return false
	}
	by := map[user.Kind]mfa.Kind{user.KindPhone: mfa.KindSMS, user.KindEmail: mfa.KindEmail}[k]
	return slices.Contains(u.Factors.Has(), by) && slices.Contains(s.MFA.seconds(), by)
}

// recoveryContact returns where codes to u go. False means nowhere.
func (s Settings) recoveryContact(u *user.User) (user.Login, bool) {
	by := s.Recovery.By
	if len(by) == 0 && !s.Recovery.ByAdmin {
		by = []Identifier{Email, Phone}
	}
	for _, id := range by {
		if l, proven := u.Address(user.Kind(id)); proven && !s.backs(u, user.Kind(id)) {
			return l, true
		}
	}
	return user.Login{}, false
}

// elsewhere reports whether a code may go to another address than the one that was typed. Then the
// answer does not say where (security.md T7), and it is bounded as if it went by SMS.
func (s RecoverySettings) elsewhere(typed user.Login) bool {
	return typed.Kind() == user.KindUsername || len(s.By) > 0 && typed.Kind() != user.Kind(s.By[0])
}

// takes reports whether codes go by email, or with sms by phone.
func (s RecoverySettings) takes(sms bool) bool {
	by := Email
	if sms {
		by = Phone
	}
	return len(s.By) == 0 || slices.Contains(s.By, by)
}

// open refuses everybody alike where nobody recovers by themselves.
func (s RecoverySettings) open() error {
	if s.ByAdmin {
		return ErrNotAuthorized
	}
	return nil
}

// problems returns what is wrong with the settings.
func (s RecoverySettings) problems() (ps []string) {
	for i, id := range s.By {
		if id != Email && id != Phone || slices.Contains(s.By[:i], id) {
			ps = append(ps, "recovery is by email and phone, each once")
			break
		}
	}
	if s.ByAdmin && len(s.By) > 0 {
		ps = append(ps, "recovery is by administrators alone or by addresses, not both")
	}
	return ps
}
