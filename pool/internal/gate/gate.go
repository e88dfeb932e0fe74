// Package gate is where a sign-in is decided and the only place where a session is made
// (security.md T1). A [Proof] cannot be had but by a verifier of this package, or from a record that
// one was written to; a session cannot be had but by a [Decision] to mint.
//
//	proof, _, err := g.Passwords(ctx, from, u, nil, secret, now)
//	d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, []gate.Proof{proof}, now)
//	switch d.Outcome() {
//	case gate.Mint:
//		s, err := g.Session(d, gate.Terms{Client: "web", Lifetime: 30 * 24 * time.Hour})
//	case gate.Step:
//		next := d.Next()
//	case gate.Refuse:
//		reason := d.Reason()
//	}
package gate

import (
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Purpose is what a session is wanted for.
type Purpose int

// The purposes.
const (
	SignIn  Purpose = iota + 1
	Refresh         // of a session that exists: the same rules, over its stored proofs
)

// Outcome is what a decision says.
type Outcome int

// The outcomes. The zero Outcome is no decision, and nothing is minted for it.
const (
	Mint Outcome = iota + 1
	Step
	Refuse
)

// Next is the step that a [Step] asks for.
type Next int

// The steps.
const (
	Confirm     Next = iota + 1 // the address is not proven yet
	Password                    // nothing known was proven yet
	NewPassword                 // a temporary one was shown
)

// Reason says why a decision refuses. It goes to the event log, never to the visitor.
type Reason string

// The reasons.
const (
	NoUser        Reason = "no_user"
	Disabled      Reason = "disabled"
	NoProof       Reason = "no_proof"
	ResetRequired Reason = "reset_required"
	ChangeForced  Reason = "force_change_password"
	Expired       Reason = "temporary_password_expired"
	NotByPassword Reason = "not_by_password"
	NoStatus      Reason = "no_status" // one that this version does not know
)

// Request is what a decision is about: who, as read, and for what.
type Request struct {
	User    *user.User // nil for nobody
	Purpose Purpose
	// Policy says for how long a temporary password is good. The zero Policy's is Cognito's 7 days.
	Policy password.Policy
}

// Decision is the answer of [Decide]. The zero Decision mints nothing.
type Decision struct {
	outcome Outcome
	next    Next
	reason  Reason
	user    *user.User
	proofs  []token.Proof
	now     time.Time
}

// Outcome returns what d says.
func (d Decision) Outcome() Outcome { return d.outcome }

// Next returns the step that a [Step] asks for.
func (d Decision) Next() Next { return d.next }

// Reason returns why a [Refuse] refuses.
func (d Decision) Reason() Reason { return d.reason }

// Proofs returns the proofs that still hold, to be carried by a ticket or a session.
func (d Decision) Proofs() []token.Proof { return d.proofs }

// Decide judges proofs by the user's state as it is now. It is pure. A proof of a credential that
// has changed or gone since is dropped (security.md T1).
func Decide(r Request, proofs []Proof, now time.Time) Decision {
	refuse := func(why Reason) Decision { return Decision{outcome: Refuse, reason: why} }
	if r.User == nil {
		return refuse(NoUser)
	}
	held := holding(r.User, proofs)
	if len(held) == 0 {
		return refuse(NoProof)
	}
	if r.User.Disabled {
		return refuse(Disabled)
	}
	d := Decision{user: r.User, proofs: held, now: now}
	switch r.User.Status {
	case user.Confirmed:
		if knows(held) {
			d.outcome = Mint
			return d
		}
		if r.Purpose == Refresh {
			return refuse(NoProof)
		}
		d.outcome, d.next = Step, Password
		return d
	case user.Unconfirmed:
		if r.Purpose != SignIn || !knows(held) {
			return refuse(NoProof)
		}
		d.outcome, d.next = Step, Confirm
		return d
	case user.External:
		return refuse(NotByPassword)
	case user.ResetRequired: // it ends only by a reset
		return refuse(ResetRequired)
	case user.ForceChangePassword:
		if r.Purpose != SignIn || !knows(held) {
			return refuse(ChangeForced)
		}
		if !now.Before(r.Policy.Expires(r.User.Password.Set)) {
			return refuse(Expired)
		}
		d.outcome, d.next = Step, NewPassword
		return d
	}
	return refuse(NoStatus)
}

// holding returns the proofs whose credential the user still has as it was when it was checked.
func holding(u *user.User, proofs []Proof) []token.Proof {
	var held []token.Proof
	for _, p := range proofs {
		switch p.record.Method {
		case token.MethodPassword:
			if u.Password != nil && p.user == u.ID && u.Password.Revision == p.record.Revision {
				held = append(held, p.record)
			}
		case token.MethodEmailCode, token.MethodSMSCode:
			if p.user == u.ID {
				held = append(held, p.record)
			}
		}
	}
	return held
}

// knows reports whether something that only the user knows was proven. A code proves an
// address, and alone opens nothing.
func knows(proofs []token.Proof) bool {
	for _, p := range proofs {
		if p.Method == token.MethodPassword {
			return true
		}
	}
	return false
}
