package gate

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Rules are what settings say about the ways in of a user through a client.
type Rules struct {
	Firsts  []mfa.Kind      // by which a sign-in begins; nil means by a password
	Seconds []mfa.Kind      // that may be a second factor
	Require mfa.Requirement // the strictest of the pool's, the client's and the groups'
	Devices bool            // a remembered device stands in for a second factor
	Hold    time.Duration   // until who has lost all factors may set up others; 0 means never
	// Unjudged are kinds that this process cannot judge. They are never asked for, and due all the same
	// of who has set them up: a process that lacks something is no way around it.
	Unjudged []mfa.Kind
}

// Offered returns those of some kinds that can be asked for.
func (r Rules) Offered(kinds []mfa.Kind) []mfa.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k mfa.Kind) bool { return slices.Contains(r.Unjudged, k) })
}

// Risk is what is made of the circumstances of a sign-in.
type Risk int

// The risks. The zero Risk is none.
const (
	Ask   Risk = iota + 1 // for a second factor, of whoever has one
	Must                  // show a second factor: who has none is refused
	Block                 // refuse
)

// hopeless reports whether no sign-in of the user ends well at the risk, whatever is shown.
func (r Request) hopeless() bool { return r.Risk == Block || r.Risk == Must && len(r.Has()) == 0 }

// factors judges by what was shown, of a user who may sign in.
func (r Request) factors(d Decision) Decision {
	held := d.proofs
	if r.MaxAge > 0 { // what is older says nothing of who sits there now
		held = slices.DeleteFunc(slices.Clone(held), func(p token.Proof) bool { return d.now.Sub(p.Time) >= r.MaxAge })
	}
	standing := slices.DeleteFunc(slices.Clone(held), func(p token.Proof) bool { return !r.counts(p) })
	if r.Risk == Block {
		return Decision{outcome: Refuse, reason: Risky}
	}
	if r.satisfied(standing, d.now) {
		d.outcome, d.proofs = Mint, standing
		return d
	}
	if r.Purpose != SignIn {
		return Decision{outcome: Refuse, reason: FactorDue}
	}
	d.outcome, d.next = Step, First
	if len(held) > 0 { // or what is too old goes on with the step: it says who is asked
		d.proofs = held
	}
	begun, has := slices.ContainsFunc(standing, r.first), r.Has()
	if d.lost = r.loses(standing); d.lost && r.Lost && r.recovers(d.now) {
		d.next, d.kinds = Enrol, r.reach(standing, r.settable(), d.now)
	}
	if begun && len(d.kinds) == 0 {
		d.next, d.kinds = Second, r.reach(standing, append(slices.Clip(has), mfa.KindPassword), d.now)
	}
	if len(d.kinds) == 0 {
		d.next, d.kinds = First, r.begin(standing, begun, d.now)
	}
	if len(d.kinds) == 0 && begun && r.enrols() {
		d.next, d.kinds = Enrol, r.reach(standing, r.settable(), d.now)
	}
	if len(d.kinds) == 0 {
		return Decision{outcome: Refuse, reason: NoFactor}
	}
	d.lost = d.lost && d.next != First
	d.verify = !r.enough(standing, token.MethodPasskey, d.now)
	if d.next == First {
		d.verify = !r.leads(standing, begun, token.MethodPasskey, d.now)
	}
	return d
}

// satisfied reports whether proofs are all that is asked for.
func (r Request) satisfied(held []token.Proof, now time.Time) bool {
	if r.ACR == token.AAL2 && token.ACR(held, now) != token.AAL2 {
		return false
	}
	if r.due(held) {
		return r.twice(held)
	}
	return slices.ContainsFunc(held, r.opens)
}

// due reports whether a second factor is. A remembered device stands in for it where nothing else
// asks.
func (r Request) due(held []token.Proof) bool {
	asked := r.Risk == Must || r.Risk == Ask && len(r.Has()) > 0
	device := r.Rules.Devices && r.ACR == "" && r.MaxAge == 0 && slices.ContainsFunc(held, func(p token.Proof) bool {
		return p.Method == token.MethodDevice
	})
	switch {
	case asked:
		return true
	case device || r.Rules.Require == mfa.Off:
		return false
	case r.Rules.Require == mfa.Required:
		return true
	}
	return slices.ContainsFunc(r.User.Factors.Has(), r.stands)
}

// twice reports whether proofs are two that are independent: a factor never backs up itself, so they
// differ in kind, and a code to an address is of one kind whatever it is for.
func (r Request) twice(held []token.Proof) bool {
	for _, first := range held {
		if !r.opens(first) {
			continue
		}
		if first.Method == token.MethodVerifiedPasskey {
			return true
		}
		for _, second := range held {
			if kindOf(first.Method) != kindOf(second.Method) && r.second(second) {
				return true
			}
		}
	}
	return false
}

// first reports whether a sign-in may begin by a proof.
func (r Request) first(p token.Proof) bool { return firsts[p.Method] && r.begins(kindOf(p.Method)) }

// opens reports whether a proof is the first of what is enough. What everybody must show, something
// known is part of: neither a code to an address nor a key that anybody can press will do.
func (r Request) opens(p token.Proof) bool {
	known := p.Method == token.MethodPassword || p.Method == token.MethodVerifiedPasskey
	return r.first(p) && (known || r.Rules.Require != mfa.Required)
}

// second reports whether a proof is of a second factor.
func (r Request) second(p token.Proof) bool { return seconds[p.Method] && r.stands(kindOf(p.Method)) }

// counts reports whether the rules have any use for a proof. The level of a session goes down where a
// kind is taken out of them.
func (r Request) counts(p token.Proof) bool {
	return r.first(p) || r.second(p) || p.Method == token.MethodDevice && r.Rules.Devices || p.Method == token.MethodFaded
}

func (r Request) begins(k mfa.Kind) bool {
	if r.Rules.Firsts == nil {
		return k == mfa.KindPassword
	}
	return slices.Contains(r.Rules.Firsts, k)
}

// stands reports whether a kind may be a second factor. Apps and recovery codes that are there stand
// though the pool lets no more be set up, as apps do in Cognito: without them a password would do.
func (r Request) stands(k mfa.Kind) bool {
	return k == mfa.KindTOTP || k == mfa.KindRecovery || slices.Contains(r.Rules.Seconds, k)
}

// Has returns the second factors that the user can show, the preferred one first.
func (r Request) Has() (kinds []mfa.Kind) {
	f := r.User.Factors
	if f == nil {
		f = new(user.Factors)
	}
	all := f.Has()
	if !f.PasskeySecond && len(f.Passkeys) > 0 {
		all = append(all, mfa.KindPasskey)
	}
	if slices.Contains(r.Rules.Seconds, mfa.KindCustom) {
		all = append(all, mfa.KindCustom)
	}
	if len(f.Recovery.Codes) > 0 {
		all = append(all, mfa.KindRecovery)
	}
	for _, k := range all {
		switch {
		case !r.stands(k) && (k != mfa.KindPasskey || !r.begins(k)): // as one that verifies, it is both
		case k == f.Preferred:
			kinds = slices.Insert(kinds, 0, k)
		default:
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// enrols reports whether the user sets up a factor within the sign-in: who has none, where everybody
// must, and in no other case, or a stolen password would do.
func (r Request) enrols() bool {
	return r.Rules.Require == mfa.Required && r.ACR == "" && r.Risk <= Ask && len(r.Has()) == 0
}

// settable returns the second factors that the user can set up: codes go to proven addresses alone, and
// what the program asks is there for everybody.
func (r Request) settable() []mfa.Kind {
	return slices.DeleteFunc(slices.Clone(r.Rules.Seconds), func(k mfa.Kind) bool {
		return k == mfa.KindCustom || (k == mfa.KindSMS || k == mfa.KindEmail) && !r.owns(k)
	})
}

// reach returns the kinds by one of which proofs would be all that is asked for.
func (r Request) reach(held []token.Proof, kinds []mfa.Kind, now time.Time) (reached []mfa.Kind) {
	for _, k := range r.Rules.Offered(kinds) {
		enough := func(m token.Method) bool { return r.enough(held, m, now) }
		if slices.ContainsFunc(candidates[k], enough) && (k != mfa.KindPassword || r.owns(k)) {
			reached = append(reached, k)
		}
	}
	return reached
}

// enough reports whether proofs are, with one more by a method.
func (r Request) enough(held []token.Proof, by token.Method, now time.Time) bool {
	p := token.Proof{Method: by, Time: now}
	return r.counts(p) && r.possible(by) && r.satisfied(append(slices.Clip(held), p), now)
}

// possible reports whether the user can show a proof by a method: a passkey verifies its user where it
// did as it was made.
func (r Request) possible(m token.Method) bool {
	if m != token.MethodVerifiedPasskey || r.User.Factors == nil || len(r.User.Factors.Passkeys) == 0 {
		return true
	}
	return slices.ContainsFunc(r.User.Factors.Passkeys, func(k mfa.Passkey) bool { return k.Verified })
}

// begin returns the kinds by which a sign-in may begin, and that lead somewhere.
func (r Request) begin(held []token.Proof, begun bool, now time.Time) (kinds []mfa.Kind) {
	ways := r.Rules.Firsts
	if ways == nil {
		ways = []mfa.Kind{mfa.KindPassword}
	}
	for _, k := range r.Rules.Offered(ways) {
		shown := slices.ContainsFunc(held, func(p token.Proof) bool { return kindOf(p.Method) == k })
		leads := func(m token.Method) bool { return r.leads(held, begun, m, now) }
		if !shown && r.owns(k) && slices.ContainsFunc(beginnings[k], leads) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// leads reports whether a sign-in that goes on with a proof by a method can come to its end. One that
// has begun already goes on by what opens alone.
func (r Request) leads(held []token.Proof, begun bool, by token.Method, now time.Time) bool {
	p := token.Proof{Method: by, Time: now}
	if !r.possible(by) || begun && !r.opens(p) {
		return false
	}
	then := append(slices.Clip(held), p)
	return r.satisfied(then, now) || len(r.reach(then, r.Has(), now)) > 0 ||
		r.enrols() && len(r.reach(then, r.settable(), now)) > 0
}

// owns reports whether the user can begin by a kind.
func (r Request) owns(k mfa.Kind) bool {
	u := r.User
	switch k {
	case mfa.KindPassword:
		return u.Password != nil
	case mfa.KindEmail:
		_, proven := u.Address(user.KindEmail)
		return proven
	case mfa.KindSMS:
		_, proven := u.Address(user.KindPhone)
		return proven
	case mfa.KindPasskey:
		return u.Factors != nil && len(u.Factors.Passkeys) > 0
	case mfa.KindCustom:
		return true
	case mfa.KindTOTP, mfa.KindRecovery:
	}
	return false
}
