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
	"strconv"
	"time"

	"github.com/userpool-go/userpool/mfa"
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
	// Impersonate lets an actor be the user for a while (security.md S6). Nothing is proven but who
	// the actor is.
	Impersonate
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
	First                       // nothing was proven yet by which a sign-in begins
	NewPassword                 // a temporary one was shown
	Second                      // another factor is due
	Enrol                       // another factor is due, and there is none: one is set up first
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
	Risky         Reason = "risk"
	NoFactor      Reason = "no_factor"  // by which what was asked for could be proven
	FactorDue     Reason = "factor_due" // of a session whose proofs do not do any more
	NotBelow      Reason = "not_below"  // the actor, by role
	WeakActor     Reason = "weak_actor" // who has not signed in by two factors
)

// Request is what a decision is about: who, as read, and for what.
type Request struct {
	User    *user.User // nil for nobody
	Purpose Purpose
	// Policy says for how long a temporary password is good. The zero Policy's is Cognito's 7 days.
	Policy password.Policy
	Rules  Rules
	Risk   Risk
	// Lost says that the user cannot show any of their second factors, as they say.
	Lost bool
	// ACR is the level that is asked for, such as [token.AAL2]; "" means whichever there is. MaxAge is
	// how old the proofs may be that the answer goes by; 0 means of any age (a step-up, RFC 9470).
	ACR    string
	MaxAge time.Duration
	// Actor is who wants to act as the user, and at a [Refresh] the user who does ([ActingUser]), as they
	// are now: the zero Actor where they may not any more.
	Actor Actor
	// May are the bits of what the user may do as an administrator. An actor is not the user any
	// more once there is one that was not there when it began: whom the actor was above may be
	// above the actor by now (security.md S6).
	May uint32
}

// Actor is who wants to act as a user.
type Actor struct {
	Name  string
	Above bool   // by role: the user is below
	User  bool   // of the pool, rather than the program or its staff
	Epoch int64  // of a user
	ACR   string // of a user's session
}

// born is what the proof of an actor says of when it began: a user's epoch, nothing of anybody else.
func (a Actor) born() string {
	if !a.User {
		return ""
	}
	return strconv.FormatInt(a.Epoch, 10)
}

// Decision is the answer of [Decide]. The zero Decision mints nothing.
type Decision struct {
	outcome Outcome
	next    Next
	reason  Reason
	kinds   []mfa.Kind
	verify  bool
	lost    bool
	user    *user.User
	proofs  []token.Proof
	now     time.Time
}

// Outcome returns what d says.
func (d Decision) Outcome() Outcome { return d.outcome }

// Next returns the step that a [Step] asks for.
func (d Decision) Next() Next { return d.next }

// Kinds returns what a [First], [Second] or [Enrol] can be answered with, what the user prefers first.
func (d Decision) Kinds() []mfa.Kind { return d.kinds }

// Verify reports whether a passkey that answers the step has to verify its user.
func (d Decision) Verify() bool { return d.verify }

// Lost reports whether the user may answer a [Second] by saying that they have lost all of their
// factors, and of an [Enrol] that it is for others in place of those.
func (d Decision) Lost() bool { return d.lost }

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
	held := holding(r, proofs, now)
	if r.Purpose == Impersonate {
		switch a := r.Actor; {
		case a.Name == "" || !a.Above:
			return refuse(NotBelow)
		case a.User && a.ACR != token.AAL2:
			return refuse(WeakActor)
		}
		held = []token.Proof{{
			Method: token.MethodActor, Credential: r.Actor.Name, Revision: int64(r.May), Channel: r.Actor.born(), Time: now,
		}}
	}
	if len(held) == 0 {
		return refuse(NoProof)
	}
	if r.User.Disabled {
		return refuse(Disabled)
	}
	d := Decision{user: r.User, proofs: held, now: now}
	switch r.User.Status {
	case user.Confirmed:
		if acts(held) {
			d.outcome = Mint
			return d
		}
		return r.factors(d)
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
		if r.hopeless() { // or the step would tell that the password was right
			return refuse(Risky)
		}
		d.outcome, d.next = Step, NewPassword
		return d
	}
	return refuse(NoStatus)
}
