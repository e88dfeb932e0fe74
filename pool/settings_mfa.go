package pool

import (
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/user"
)

// MFASettings are about second factors (cognito.md A.4, G.4). They bind every sign-in and every refresh
// from when they are stored: a session that does not meet them any more is over.
type MFASettings struct {
	// Require says of whom a second factor is asked; the zero value is [mfa.Optional]: of those who have
	// set one up. With [mfa.Required] who has none sets one up as they sign in. A group or a client may
	// require it of some ([Group].RequireMFA, [Client].RequireMFA), whatever stands here.
	Require mfa.Requirement `json:",omitzero"`
	// Kinds may be set up as a second factor: [mfa.KindTOTP], [mfa.KindPasskey], [mfa.KindSMS],
	// [mfa.KindEmail] and [mfa.KindCustom]. Nil means apps and, where [Config].Passkeys is there,
	// passkeys; an empty list none. Custom is a challenge of the program's own and needs its hooks
	// ([hook.Set].CreateChallenge). Nobody sets it up: whoever must have a second factor has it, and
	// so does whoever has set up another. Codes by SMS and email, and passkeys, are no second factor any
	// more once they are taken out; apps and recovery codes that users have set up stand (as apps do in
	// Cognito).
	//
	// An email address is no authenticator (NIST SP 800-63B-4, 3.1.3.1), and of what the program asks
	// we know nothing: codes by email and custom challenges meet the pool's rule, and never lift a
	// sign-in to aal2.
	Kinds []mfa.Kind `json:",omitzero"`
	// RecoveryHold lets users who have lost all of their second factors set up another after that time,
	// with the password and a wait alone: see [LostFactors]. 0 means that only an administrator helps
	// ([Admin.ResetFactors]); else 72 hours to 30 days. It needs a [Config].CancelURL.
	//
	// With it a stolen password is enough for a thief who waits, wherever the owner sees none of the
	// messages that go to every proven address. Without it users depend on somebody who knows them.
	RecoveryHold time.Duration `json:",omitzero"`
}

var (
	firstKinds  = []mfa.Kind{mfa.KindPassword, mfa.KindEmail, mfa.KindSMS, mfa.KindPasskey, mfa.KindCustom}
	secondKinds = []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey, mfa.KindSMS, mfa.KindEmail, mfa.KindCustom}
)

// firsts returns the ways in which a sign-in may begin.
func (s SignInSettings) firsts() []mfa.Kind {
	if s.First == nil {
		return []mfa.Kind{mfa.KindPassword, mfa.KindPasskey}
	}
	return s.First
}

// seconds returns the kinds of second factor.
func (s MFASettings) seconds() []mfa.Kind {
	if s.Kinds == nil {
		return []mfa.Kind{mfa.KindTOTP, mfa.KindPasskey}
	}
	return s.Kinds
}

func (s Settings) factorProblems() (ps []string) {
	if !s.MFA.Require.Valid() {
		ps = append(ps, fmt.Sprintf(`mfa: requirement %.40q is not "", "required" or "off"`, s.MFA.Require))
	}
	if h := s.MFA.RecoveryHold; h != 0 && (h < minHold || h > maxHold) {
		ps = append(ps, fmt.Sprintf("mfa: a recovery hold of %v is not 0, or 72 hours to 30 days", h))
	}
	ps = append(ps, kindProblems("sign-in: way in", s.SignIn.First, firstKinds)...)
	ps = append(ps, kindProblems("mfa: kind", s.MFA.Kinds, secondKinds)...)
	if s.SignIn.First != nil && len(s.SignIn.First) == 0 {
		ps = append(ps, "sign-in: there is no way in")
	}
	if ways, kinds := s.SignIn.firsts(), s.MFA.seconds(); len(ways) == 1 && ways[0] != mfa.KindPasskey && slices.Equal(ways, kinds) {
		ps = append(ps, fmt.Sprintf("mfa: sign-ins begin by %s, and it is the only kind: a factor does not back up itself", ways[0]))
	}
	of, required := s.requiresMFA()
	if required && len(s.MFA.seconds()) == 0 {
		ps = append(ps, "mfa: it is required"+of+", and there is no kind of it")
	}
	if required && !slices.ContainsFunc(s.SignIn.firsts(), beginsRequired) {
		ps = append(ps, "mfa: it is required"+of+", and sign-ins begin neither by a password nor by a passkey: the rest is no factor then")
	}
	return ps
}

// requiresMFA reports whether a second factor is required of anybody, and of whom; "" means everybody.
func (s Settings) requiresMFA() (of string, required bool) {
	if s.MFA.Require == mfa.Required {
		return "", true
	}
	if i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.RequireMFA }); i >= 0 {
		return fmt.Sprintf(" of group %.40q", s.Groups[i].Name), true
	}
	if i := slices.IndexFunc(s.Clients, func(c Client) bool { return c.RequireMFA }); i >= 0 {
		return fmt.Sprintf(" by client %.40q", s.Clients[i].ID), true
	}
	return "", false
}

// beginsRequired reports whether a sign-in with two factors may begin by a kind.
func beginsRequired(k mfa.Kind) bool { return k == mfa.KindPassword || k == mfa.KindPasskey }

func kindProblems(what string, kinds, of []mfa.Kind) (ps []string) {
	for i, k := range kinds {
		if !slices.Contains(of, k) || slices.Contains(kinds[:i], k) {
			ps = append(ps, fmt.Sprintf("%s %.40q: there are %v, each once", what, k, of))
		}
	}
	return ps
}

// rules are what today's settings say about the ways in of a user through a client.
func (p *Pool) rules(s *state, u *user.User, c Client) gate.Rules {
	r := gate.Rules{Firsts: s.settings.SignIn.firsts(), Seconds: s.settings.MFA.seconds()}
	r.Require, r.Devices = s.settings.MFA.Require, s.settings.Devices.Remember != RememberNever
	r.Hold = s.settings.MFA.RecoveryHold
	if p.config.Passkeys == nil {
		r.Unjudged = []mfa.Kind{mfa.KindPasskey}
	}
	if c.RequireMFA || u != nil && slices.ContainsFunc(s.settings.Groups, func(g Group) bool {
		return g.RequireMFA && slices.Contains(u.Groups, g.Name)
	}) {
		r.Require = mfa.Required
	}
	return r
}

// request asks the gate about a sign-in of a user.
func (p *Pool) request(r round, u *user.User) gate.Request {
	return gate.Request{
		User: u, Purpose: gate.SignIn, Policy: r.state.settings.Passwords, Rules: p.rules(r.state, u, r.client), Risk: r.risk,
	}
}
