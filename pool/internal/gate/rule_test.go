package gate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// The proofs that ada can show, each of what it is of. Each is of now but for those of the name.
var shown = map[string]token.Proof{
	"password":     {Method: token.MethodPassword, Revision: 1},
	"old password": {Method: token.MethodPassword, Revision: 1, Time: now.Add(-time.Hour)},
	"email code":   {Method: token.MethodEmailCode, Channel: "e"},
	"SMS code":     {Method: token.MethodSMSCode, Channel: "p"},
	"app":          {Method: token.MethodTOTP, Credential: "a", Revision: now.UnixMicro()},
	"old app":      {Method: token.MethodTOTP, Credential: "a", Revision: now.UnixMicro(), Time: now.Add(-time.Hour)},
	"SMS":          {Method: token.MethodSMS, Channel: "p", Revision: now.UnixMicro()},
	"email":        {Method: token.MethodEmail, Channel: "e", Revision: now.UnixMicro()},
	"recovery":     {Method: token.MethodRecovery, Revision: now.UnixMicro()},
	"passkey":      {Method: token.MethodPasskey, Credential: user.PasskeyLogin([]byte{1}).Value, Revision: now.UnixMicro()},
	"verified":     {Method: token.MethodVerifiedPasskey, Credential: user.PasskeyLogin([]byte{1}).Value, Revision: now.UnixMicro()},
	"custom":       {Method: token.MethodCustom},
	"device":       {Method: token.MethodDevice, Credential: "d", Revision: now.UnixMicro()},
	// Nothing is proven by what follows.
	"replaced app":      {Method: token.MethodTOTP, Credential: "a", Revision: now.UnixMicro() - 1},
	"replaced password": {Method: token.MethodPassword},
	"removed passkey":   {Method: token.MethodVerifiedPasskey, Credential: "gone", Revision: now.UnixMicro()},
	"forgotten device":  {Method: token.MethodDevice, Credential: "f", Revision: now.UnixMicro()},
}

var nothing = []string{"replaced app", "replaced password", "removed passkey", "forgotten device"}

// by is the proof that answers where a kind is asked for, at the beginning and after it.
var byFirst = map[mfa.Kind]string{
	mfa.KindPassword: "password", mfa.KindEmail: "email code", mfa.KindSMS: "SMS code", mfa.KindPasskey: "passkey", mfa.KindCustom: "custom",
}

var bySecond = map[mfa.Kind]string{
	mfa.KindTOTP: "app", mfa.KindSMS: "SMS", mfa.KindEmail: "email", mfa.KindPasskey: "passkey", mfa.KindRecovery: "recovery",
	mfa.KindCustom: "custom", mfa.KindPassword: "password",
}

// kinds tells of what kind a proof is.
var kinds = map[token.Method]string{
	token.MethodPassword: "password", token.MethodEmailCode: "email", token.MethodEmail: "email",
	token.MethodSMSCode: "phone", token.MethodSMS: "phone", token.MethodTOTP: "app", token.MethodRecovery: "recovery",
	token.MethodPasskey: "passkey", token.MethodVerifiedPasskey: "passkey", token.MethodCustom: "custom",
}

// person returns ada with some of the factors.
func person(has ...string) *user.User {
	u := &user.User{
		ID: "ada", Pool: "p", Epoch: 1, Status: user.Confirmed,
		Attributes: user.Attributes{"email": "ada@example.com", "email_verified": "true", "phone_number": "+14155550100", "phone_number_verified": "true"},
		Factors:    &user.Factors{Devices: []user.Device{{ID: "d", Epoch: 1, Created: now, Expires: now.Add(time.Hour)}, {ID: "f", Created: now, Expires: now.Add(time.Hour)}}},
	}
	f := u.Factors
	for _, h := range has {
		switch h {
		case "password":
			u.Password = &user.Password{Revision: 1}
		case "app":
			f.Apps = []user.App{{ID: "a", Created: now}}
		case "passkey":
			f.Passkeys = []mfa.Passkey{{ID: []byte{1}, Created: now, Verified: true}}
		case "key": // without a PIN
			f.Passkeys = []mfa.Passkey{{ID: []byte{1}, Created: now}}
		case "second":
			f.PasskeySecond = true
		case "SMS":
			f.SMS = now
		case "email":
			f.Email = now
		case "recovery":
			f.Recovery = user.Recovery{Made: now, Codes: [][]byte{{1}}}
		}
	}
	return u
}

var people = [][]string{
	{"password"},
	{"password", "app"},
	{"password", "app", "recovery"},
	{"password", "passkey"},
	{"password", "passkey", "second"},
	{"password", "SMS"},
	{"password", "email"},
	{"password", "SMS", "email", "app", "passkey", "recovery"},
	{"password", "recovery"},
	nil,
	{"passkey"},
	{"app"},
	{"passkey", "app", "second", "recovery"},
	{"key", "password", "second"},
	{"key", "app"},
}

// situation is a question to the gate.
type situation struct {
	has    []string
	r      gate.Request
	proofs []string
}

func (s situation) String() string {
	return fmt.Sprintf("who has %q shows %q; rules %+v, purpose %d, risk %d, acr %q, max age %v", s.has, s.proofs, s.r.Rules, s.r.Purpose, s.r.Risk, s.r.ACR, s.r.MaxAge)
}

// tokens returns what is shown as proofs.
func (s situation) tokens() (proofs []token.Proof) {
	for _, name := range s.proofs {
		p := shown[name]
		if p.Time.IsZero() {
			p.Time = now
		}
		proofs = append(proofs, p)
	}
	return proofs
}

func (s situation) decide(more ...string) gate.Decision {
	s.proofs = append(slices.Clip(s.proofs), more...)
	return gate.Decide(s.r, gate.Carried("ada", s.tokens()), now)
}

func (s situation) shows(name string) bool { return slices.Contains(s.proofs, name) }

// real are the proofs that are of something ada has now, and young enough.
func (s situation) real() (names []string) {
	for _, name := range s.proofs {
		of := map[string]string{
			"password": "password", "old password": "password", "app": "app", "old app": "app", "SMS": "SMS", "email": "email",
			"recovery": "recovery", "verified": "passkey", "email code": "-", "SMS code": "-", "custom": "-", "device": "-",
		}[name]
		old := s.r.MaxAge > 0 && !shown[name].Time.IsZero() && now.Sub(shown[name].Time) >= s.r.MaxAge
		if name == "passkey" && slices.ContainsFunc(s.has, func(h string) bool { return h == "key" || h == "passkey" }) {
			of = "-"
		}
		if !old && (of == "-" || slices.Contains(s.has, of)) {
			names = append(names, name)
		}
	}
	return names
}

// kindsOf are the kinds of what is really shown.
func (s situation) kindsOf() map[string]bool {
	all := map[string]bool{}
	for _, name := range s.real() {
		if k := kinds[shown[name].Method]; k != "" {
			all[k] = true
		}
	}
	return all
}

// asked tells whether the user has set up a factor that the rules let stand.
func (s situation) asked() bool {
	f := s.r.User.Factors
	stands := func(k mfa.Kind) bool { return slices.Contains(s.r.Rules.Seconds, k) }
	return len(f.Apps) > 0 || !f.SMS.IsZero() && stands(mfa.KindSMS) || !f.Email.IsZero() && stands(mfa.KindEmail) ||
		f.PasskeySecond && len(f.Passkeys) > 0 && stands(mfa.KindPasskey)
}

// The invariants, each as a sentence that holds of every decision.
var invariants = map[string]func(s situation, d gate.Decision) bool{
	"without a proof of something the user has there is no session": func(s situation, d gate.Decision) bool {
		return d.Outcome() != gate.Mint || len(s.kindsOf()) > 0
	},
	"a session takes something by which a sign-in may begin": func(s situation, d gate.Decision) bool {
		return d.Outcome() != gate.Mint || slices.ContainsFunc(s.real(), func(name string) bool {
			for k, by := range byFirst {
				begins := slices.Contains(s.r.Rules.Firsts, k) || s.r.Rules.Firsts == nil && k == mfa.KindPassword
				if begins && (by == name || k == mfa.KindPasskey && name == "verified" || k == mfa.KindPassword && name == "old password") {
					return true
				}
			}
			return false
		})
	},
	"required means the password and something had, or a passkey that verified; codes to addresses are no beginning": func(s situation, d gate.Decision) bool {
		if d.Outcome() != gate.Mint || s.r.Rules.Require != mfa.Required || s.standsIn() {
			return true
		}
		k := s.kindsOf()
		return slices.Contains(s.real(), "verified") || k["password"] && len(k) > 1
	},
	"who has set up a factor shows two kinds of proof, or a passkey that verified": func(s situation, d gate.Decision) bool {
		if d.Outcome() != gate.Mint || s.r.Rules.Require == mfa.Off || s.standsIn() || !s.asked() {
			return true
		}
		return slices.Contains(s.real(), "verified") || len(s.kindsOf()) > 1
	},
	"a code to an address never backs up another to it": func(s situation, d gate.Decision) bool {
		k := s.kindsOf()
		due := s.r.Rules.Require == mfa.Required || s.r.Rules.Require == mfa.Optional && s.asked()
		return d.Outcome() != gate.Mint || !due || s.standsIn() || len(k) != 1 || slices.Contains(s.real(), "verified")
	},
	"a recovery code alone is nothing": func(s situation, d gate.Decision) bool {
		k := s.kindsOf()
		return d.Outcome() != gate.Mint || len(k) != 1 || !k["recovery"]
	},
	"a device stands in for something had, and never for something known": func(s situation, d gate.Decision) bool {
		required := s.r.Rules.Require == mfa.Required && s.standsIn()
		return d.Outcome() != gate.Mint || !required || s.kindsOf()["password"] || slices.Contains(s.real(), "verified")
	},
	"what is blocked gets nothing, and no step": func(s situation, d gate.Decision) bool {
		return s.r.Risk != gate.Block || d.Outcome() == gate.Refuse
	},
	"where the risk demands a factor there are two, whatever the rules are": func(s situation, d gate.Decision) bool {
		return d.Outcome() != gate.Mint || s.r.Risk != gate.Must || slices.Contains(s.real(), "verified") || len(s.kindsOf()) > 1
	},
	"a level that is asked for is reached": func(s situation, d gate.Decision) bool {
		return d.Outcome() != gate.Mint || s.r.ACR == "" || token.ACR(d.Proofs(), now) == s.r.ACR
	},
	"an age that is asked for is kept": func(s situation, d gate.Decision) bool {
		return d.Outcome() != gate.Mint || s.r.MaxAge == 0 || now.Sub(token.AuthTime(d.Proofs(), now)) < s.r.MaxAge
	},
	"a refresh takes no step": func(s situation, d gate.Decision) bool {
		return s.r.Purpose == gate.SignIn || d.Outcome() != gate.Step
	},
	"a refresh is given exactly where a sign-in by the same proofs would be": func(s situation, d gate.Decision) bool {
		s.r.Purpose = gate.SignIn + gate.Refresh - s.r.Purpose
		return (s.decide().Outcome() == gate.Mint) == (d.Outcome() == gate.Mint)
	},
	"the order of proofs is nothing": func(s situation, d gate.Decision) bool {
		slices.Reverse(s.proofs)
		back := s.decide()
		slices.Reverse(s.proofs)
		return back.Outcome() == d.Outcome() && back.Next() == d.Next() && slices.Equal(back.Kinds(), d.Kinds())
	},
	"a proof of nothing changes nothing": func(s situation, d gate.Decision) bool {
		if len(s.proofs) == 0 {
			return true
		}
		return !slices.ContainsFunc(nothing, func(name string) bool {
			more := s.decide(name)
			return more.Outcome() != d.Outcome() || more.Next() != d.Next() || !slices.Equal(more.Kinds(), d.Kinds())
		})
	},
	"to show more never costs a session": func(s situation, d gate.Decision) bool {
		if d.Outcome() != gate.Mint {
			return true
		}
		for name := range shown {
			if s.decide(name).Outcome() != gate.Mint {
				return false
			}
		}
		return true
	},
	"a second factor that is offered is enough, and no other that the user has would be": func(s situation, d gate.Decision) bool {
		if d.Next() != gate.Second {
			return true
		}
		for kind, by := range bySecond {
			if kind == mfa.KindPasskey && d.Verify() {
				by = "verified"
			}
			if kind == mfa.KindCustom && slices.Contains(s.r.Rules.Firsts, kind) && !slices.Contains(d.Kinds(), kind) {
				continue // it would be another beginning
			}
			if (s.decide(by).Outcome() == gate.Mint) != slices.Contains(d.Kinds(), kind) {
				return false
			}
		}
		return len(d.Kinds()) > 0
	},
	"who has a factor sets up none on the way in, but after the hold": func(s situation, d gate.Decision) bool {
		return d.Next() != gate.Enrol || !s.hasSecond() || s.waited()
	},
	"what the program asks is set up by nobody": func(_ situation, d gate.Decision) bool {
		return d.Next() != gate.Enrol || !slices.Contains(d.Kinds(), mfa.KindCustom)
	},
	"to have lost all factors is no proof": func(s situation, d gate.Decision) bool {
		s.r.Lost = !s.r.Lost
		return (s.decide().Outcome() == gate.Mint) == (d.Outcome() == gate.Mint)
	},
	"who may say that all is lost has shown the password, and is asked for no more than they had": func(s situation, d gate.Decision) bool {
		return !d.Lost() || s.r.Rules.Hold > 0 && s.byPassword() && s.r.Purpose == gate.SignIn && s.hasSecond() && (d.Next() == gate.Second || s.waited())
	},
	"what goes on with a step asks for the same again": func(s situation, d gate.Decision) bool {
		if d.Outcome() != gate.Step {
			return true
		}
		again := gate.Decide(s.r, gate.Carried("ada", d.Proofs()), now)
		return again.Outcome() == gate.Step && again.Next() == d.Next() && slices.Equal(again.Kinds(), d.Kinds())
	},
	"every way that is offered ends in a session": func(s situation, d gate.Decision) bool { return s.ends(3) },
}

// byPassword reports whether the password was shown, and nothing more is asked for than a sign-in.
func (s situation) byPassword() bool {
	shows := s.shows("password") || s.shows("old password")
	return shows && slices.Contains(s.has, "password") && s.r.ACR == "" && s.r.MaxAge == 0 && s.r.Risk <= gate.Ask
}

// waited reports whether ada has said that all factors are lost, and the hold is over.
func (s situation) waited() bool {
	l, hold := s.r.User.Factors.Lost, s.r.Rules.Hold
	if !s.r.Lost || hold == 0 || l.Asked.IsZero() || l.Epoch != s.r.User.Epoch || !s.byPassword() {
		return false
	}
	from := l.Asked.Add(hold)
	if l.Until.After(from) {
		from = l.Until
	}
	return !now.Before(from) && now.Before(from.Add(7*24*time.Hour))
}

// standsIn reports whether a remembered device does for a second factor.
func (s situation) standsIn() bool {
	return s.r.Rules.Devices && s.shows("device") && s.r.Risk != gate.Must && s.r.ACR == "" && s.r.MaxAge == 0 &&
		(s.r.Risk != gate.Ask || !s.hasSecond())
}

// hasSecond reports whether the user can show a second factor that the rules know.
func (s situation) hasSecond() bool {
	f, rules := s.r.User.Factors, s.r.Rules
	passkeys := slices.Contains(rules.Seconds, mfa.KindPasskey) || slices.Contains(rules.Firsts, mfa.KindPasskey)
	return s.asked() || len(f.Recovery.Codes) > 0 || passkeys && len(f.Passkeys) > 0 || slices.Contains(rules.Seconds, mfa.KindCustom)
}

// ends follows every kind that is offered.
func (s situation) ends(steps int) bool {
	d := s.decide()
	if d.Outcome() != gate.Step {
		return true
	}
	for _, k := range d.Kinds() {
		next := s
		by := bySecond[k]
		switch d.Next() {
		case gate.First:
			by = byFirst[k]
		case gate.Confirm, gate.NewPassword, gate.Second:
		case gate.Enrol:
			if d.Lost() { // all others go
				next.has = slices.DeleteFunc(slices.Clone(s.has), func(h string) bool { return h != "password" })
			}
			next.has = append(slices.Clip(next.has), map[mfa.Kind]string{
				mfa.KindTOTP: "app", mfa.KindPasskey: "passkey", mfa.KindSMS: "SMS", mfa.KindEmail: "email",
			}[k])
			next.r.User = person(next.has...)
		}
		if k == mfa.KindPasskey && d.Verify() {
			by = "verified"
		}
		next.proofs = append(slices.Clip(s.proofs), by)
		after := next.decide()
		if after.Outcome() == gate.Refuse || after.Outcome() == gate.Step && (steps == 1 || !next.ends(steps-1)) {
			return false
		}
	}
	return len(d.Kinds()) > 0
}

// TestT1_EveryPolicyFactorsAndProofs asks the gate about every policy, every set of factors and every
// set of up to two proofs, and follows every step that comes of it to its end.
func TestT1_EveryPolicyFactorsAndProofs(t *testing.T) {
	t.Parallel()
	pw, pk, email, sms, totp, custom := mfa.KindPassword, mfa.KindPasskey, mfa.KindEmail, mfa.KindSMS, mfa.KindTOTP, mfa.KindCustom
	for _, firsts := range [][]mfa.Kind{nil, {pw, pk}, {email, pw}, {email, sms}, {pk}, {pw, email, sms, pk, custom}} {
		for _, seconds := range [][]mfa.Kind{nil, {totp, pk}, {sms, email}, {totp, pk, sms, email, custom}} {
			t.Run(fmt.Sprint(firsts, seconds), func(t *testing.T) {
				t.Parallel()
				for _, require := range []mfa.Requirement{mfa.Off, mfa.Optional, mfa.Required} {
					rules := gate.Rules{Firsts: firsts, Seconds: seconds, Require: require, Devices: true}
					for i, has := range people {
						everySituation(t, i+len(firsts)+len(seconds), rules, has, person(has...), false)
					}
				}
			})
		}
	}
}

func everySituation(t *testing.T, part int, rules gate.Rules, has []string, u *user.User, lost bool) {
	names := slices.Sorted(func(yield func(string) bool) {
		for name := range shown {
			if !slices.Contains(nothing, name) && !yield(name) {
				return
			}
		}
	})
	for _, r := range []gate.Request{
		{Purpose: gate.SignIn},
		{Purpose: gate.Refresh},
		{Purpose: gate.SignIn, Risk: gate.Ask},
		{Purpose: gate.SignIn, Risk: gate.Must},
		{Purpose: gate.SignIn, Risk: gate.Block},
		{Purpose: gate.SignIn, ACR: token.AAL2},
		{Purpose: gate.SignIn, MaxAge: time.Minute},
		{Purpose: gate.SignIn, ACR: token.AAL2, MaxAge: time.Minute},
	} {
		r.Rules, r.User, r.Lost = rules, u, lost
		for i, a := range names {
			for j, b := range append([]string{""}, names[i+1:]...) {
				if j > 0 && (i+j+part)%12 != 0 { // each pair with one in twelve of the policies
					continue
				}
				s := situation{has, r, []string{a}}
				if b != "" {
					s.proofs = append(s.proofs, b)
				}
				d := s.decide()
				for name, holds := range invariants {
					if !holds(s, d) {
						t.Fatalf("%s:\n%v:\noutcome %d, next %d, kinds %v, reason %q", name, s, d.Outcome(), d.Next(), d.Kinds(), d.Reason())
					}
				}
			}
		}
	}
}

// TestT1_WhatCannotBeJudgedIsDue: a process that cannot judge passkeys lets nobody in whom another one
// would not, keeps the sessions that those have made, and asks nobody for one.
func TestT1_WhatCannotBeJudgedIsDue(t *testing.T) {
	t.Parallel()
	pw, pk, email, totp := mfa.KindPassword, mfa.KindPasskey, mfa.KindEmail, mfa.KindTOTP
	for _, rules := range []gate.Rules{
		{Firsts: []mfa.Kind{pw, pk}, Seconds: []mfa.Kind{totp, pk}},
		{Firsts: []mfa.Kind{pw, pk, email}, Seconds: []mfa.Kind{pk}, Require: mfa.Required, Devices: true},
		{Firsts: []mfa.Kind{pw}, Seconds: []mfa.Kind{totp, pk}, Devices: true},
		{Firsts: []mfa.Kind{pk}, Seconds: []mfa.Kind{totp, email}, Require: mfa.Off},
	} {
		for _, has := range people {
			for name := range shown {
				for _, purpose := range []gate.Purpose{gate.SignIn, gate.Refresh} {
					s := situation{has, gate.Request{User: person(has...), Purpose: purpose, Rules: rules}, []string{name}}
					sees := s.decide()
					s.r.Rules.Unjudged = []mfa.Kind{pk}
					d := s.decide()
					if (d.Outcome() == gate.Mint) != (sees.Outcome() == gate.Mint) {
						t.Errorf("%v: outcome %d, and %d where passkeys are judged", s, d.Outcome(), sees.Outcome())
					}
					if slices.Contains(d.Kinds(), pk) || d.Next() == gate.Enrol && sees.Next() != gate.Enrol {
						t.Errorf("%v: next %d by %v", s, d.Next(), d.Kinds())
					}
				}
			}
		}
	}
}

// Codes are set up at proven addresses alone: what nobody can answer is not asked for, and where there is
// nothing else the sign-in is over.
func TestT1_CodesAreSetUpAtProvenAddresses(t *testing.T) {
	t.Parallel()
	all := []mfa.Kind{mfa.KindTOTP, mfa.KindSMS, mfa.KindEmail}
	for _, tc := range []struct {
		proven string // by spaces
		lets   []mfa.Kind
		want   []mfa.Kind
	}{
		{"email phone_number", all, all},
		{"phone_number", all, all[:2]},
		{"email", all, []mfa.Kind{mfa.KindTOTP, mfa.KindEmail}},
		{"", all, all[:1]},
		{"", all[1:], nil},
		{"email", all[1:2], nil},
	} {
		u := person("password")
		for _, name := range []string{"email", "phone_number"} {
			u.Attributes[name+"_verified"] = fmt.Sprint(slices.Contains(strings.Fields(tc.proven), name))
		}
		r := gate.Request{Purpose: gate.SignIn, User: u, Rules: gate.Rules{Seconds: tc.lets, Require: mfa.Required}}
		d := situation{[]string{"password"}, r, []string{"password"}}.decide()
		if enrols := d.Next() == gate.Enrol; enrols != (tc.want != nil) || !slices.Equal(d.Kinds(), tc.want) {
			t.Errorf("proven %q, of %v: next %d by %v, want %v", tc.proven, tc.lets, d.Next(), d.Kinds(), tc.want)
		}
		if tc.want == nil && d.Outcome() != gate.Refuse {
			t.Errorf("proven %q, of %v: outcome %d, want a refusal", tc.proven, tc.lets, d.Outcome())
		}
	}
}
