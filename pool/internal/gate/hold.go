package gate

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// holding returns the proofs whose credential the user still has as it was when it was checked, of
// each credential the newest. That of an actor carries the session on that it began, and begins none.
func holding(r Request, proofs []Proof, now time.Time) (held []token.Proof) {
	for _, p := range proofs {
		if p.user != r.User.ID || !holds(r, p.record, now) {
			continue
		}
		same := func(h token.Proof) bool {
			return h.Method == p.record.Method && h.Credential == p.record.Credential && h.Channel == p.record.Channel
		}
		switch i := slices.IndexFunc(held, same); {
		case i < 0:
			held = append(held, p.record)
		case p.record.Time.After(held[i].Time):
			held[i] = p.record
		}
	}
	return held
}

func holds(r Request, p token.Proof, now time.Time) bool {
	u, f := r.User, r.User.Factors
	if f == nil {
		f = new(user.Factors)
	}
	switch p.Method {
	case token.MethodPassword:
		return u.Password != nil && u.Password.Revision == p.Revision
	case token.MethodActor:
		raised := int64(r.May) &^ p.Revision
		same := p.Channel == "" || p.Credential == r.Actor.Name && p.Channel == r.Actor.born()
		return r.Purpose == Refresh && raised == 0 && same
	case token.MethodEmailCode, token.MethodSMSCode, token.MethodCustom, token.MethodFaded:
		return true
	case token.MethodDevice:
		d, ok := u.Device(p.Credential, now)
		return ok && revision(d.Created) == p.Revision
	case token.MethodTOTP:
		app, ok := f.App(p.Credential)
		return ok && revision(app.Created) == p.Revision
	case token.MethodSMS:
		return since(f.SMS, p)
	case token.MethodEmail:
		return since(f.Email, p)
	case token.MethodRecovery:
		return since(f.Recovery.Made, p)
	case token.MethodPasskey, token.MethodVerifiedPasskey:
		return slices.ContainsFunc(f.Passkeys, func(k mfa.Passkey) bool {
			able := k.Verified || p.Method == token.MethodPasskey // a PIN that was set later is no factor
			return able && credential(k) == p.Credential && revision(k.Created) == p.Revision
		})
	}
	return false
}

// since reports whether a proof is of what the user has since then.
func since(made time.Time, p token.Proof) bool { return !made.IsZero() && revision(made) == p.Revision }

// revision tells one credential from another that takes its place: when it was made.
func revision(made time.Time) int64 { return made.UnixMicro() }

// credential names a passkey in a proof.
func credential(k mfa.Passkey) string { return user.PasskeyLogin(k.ID).Value }

// knows reports whether the password was shown.
func knows(proofs []token.Proof) bool {
	return slices.ContainsFunc(proofs, func(p token.Proof) bool { return p.Method == token.MethodPassword })
}

// ActingUser returns the user of the pool who acts in a session as another; "" means that nobody does, or
// the program or its staff, whom no epoch revokes.
func ActingUser(s *token.Session) user.ID {
	for _, p := range s.Proofs {
		if p.Method == token.MethodActor && p.Channel != "" {
			return user.ID(p.Credential)
		}
	}
	return ""
}

// acts reports whether an actor is who stands behind some proofs.
func acts(proofs []token.Proof) bool {
	return slices.ContainsFunc(proofs, func(p token.Proof) bool { return p.Method == token.MethodActor })
}
