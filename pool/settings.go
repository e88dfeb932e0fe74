package pool

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/user"
)

// Settings is a pool's policy: plain values, the same on every node, changeable later. Zero values
// are safe defaults.
type Settings struct {
	SignIn SignInSettings
	SignUp SignUpSettings
	// MFA is about second factors. The zero value asks for one of those who have set one up.
	MFA MFASettings `json:",omitzero"`
	// Devices are remembered, on which no second factor is asked for. The zero value remembers none.
	Devices DeviceSettings `json:",omitzero"`
	// Passkeys are for whom passkeys are made. The zero value is the issuer.
	Passkeys PasskeySettings `json:",omitzero"`
	// Recovery is the way back for who has forgotten their password.
	Recovery RecoverySettings
	// Attributes is what users may say of themselves. The zero schema is OpenID Connect's standard
	// claims, none of them required.
	Attributes user.Schema
	// Passwords is what new passwords must keep. The zero policy is NIST's: 8 characters and more,
	// none of those that everybody uses, none made of the login.
	Passwords password.Policy
	// Messages are words of the pool's own, by kind and locale. Zero means the built-in ones.
	Messages message.Settings
	// Branding is the name, logo and colour that pages and messages carry.
	Branding Branding
	Keys     KeySettings
	Sessions SessionSettings
	Limits   LimitSettings
	Events   EventSettings
	// Risk is from where the pool serves nobody, and what it does about sign-ins out of the ordinary.
	Risk RiskSettings `json:",omitzero"`
	// Notices are what the owners of accounts are told of.
	Notices NoticeSettings `json:",omitzero"`
	// Impersonation is how administrators act as users.
	Impersonation ImpersonationSettings
	// Groups are what users may be in. Groups that a user is in and the settings lack give nothing.
	Groups  []Group
	Clients []Client // none means one public first-party client named "default"
	// DeletionProtection keeps the pool from being deleted until it is taken away, as in Cognito.
	DeletionProtection bool `json:",omitzero"`
	// Tags are for operators, to find and to count pools by. They do nothing: at most 50, with keys
	// of 1 to 128 characters and values of at most 256.
	Tags map[string]string `json:",omitzero"`
}

// defaults returns s with every default written out.
func (s Settings) defaults() Settings {
	if len(s.SignIn.Identifiers) == 0 {
		s.SignIn.Identifiers = []Identifier{Email}
	}
	s.Keys, s.Sessions, s.Limits = s.Keys.defaults(), s.Sessions.defaults(), s.Limits.defaults()
	s.Devices = s.Devices.defaults()
	s.SignUp, s.Events, s.Risk = s.SignUp.defaults(), s.Events.defaults(), s.Risk.defaults()
	s.Groups = slices.Clone(s.Groups)
	for i, g := range s.Groups {
		s.Groups[i] = g.clone()
	}
	s.Clients = s.clientDefaults()
	return s
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// problems returns all that is wrong with settings whose defaults are written out.
func (s Settings) problems() (ps []string) {
	for _, p := range s.Messages.Problems() {
		ps = append(ps, "messages: "+p)
	}
	for _, p := range s.Passwords.Problems() {
		ps = append(ps, "passwords: "+p)
	}
	ps = append(ps, s.Branding.problems()...)
	ps = append(ps, s.Keys.problems()...)
	ps = append(ps, s.Sessions.problems()...)
	ps = append(ps, s.Devices.problems()...)
	ps = append(ps, s.Limits.problems()...)
	ps = append(ps, s.Events.problems()...)
	ps = append(ps, s.Risk.problems()...)
	ps = append(ps, s.SignIn.problems(s.Attributes)...)
	ps = append(ps, s.SignUp.problems(s.SignIn)...)
	ps = append(ps, s.factorProblems()...)
	ps = append(ps, s.Passkeys.problems()...)
	ps = append(ps, s.Recovery.problems()...)
	ps = append(ps, s.Notices.problems()...)
	ps = append(ps, s.groupProblems()...)
	for _, p := range s.Attributes.Problems() {
		ps = append(ps, "attributes: "+p)
	}
	ps = append(ps, s.tagProblems()...)
	ps = append(ps, s.sizeProblems()...)
	ps = append(ps, s.clientProblems()...)
	return ps
}
