package pool

import (
	"net/url"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/mfa"
)

// PasskeySettings say for whom passkeys are made, and where (cognito.md C.4: Cognito's
// WebAuthnConfiguration). The zero value fits a pool whose pages are at its issuer. It matters only
// where [Config].Passkeys is there.
type PasskeySettings struct {
	// RPID is the domain that passkeys are made for, such as example.com: that of the Origins, or one
	// above it. "" means the host of the issuer. Passkeys of one domain are of no use for another, so
	// it stays as it is for as long as there are any.
	RPID string `json:",omitzero"`
	// Origins are the pages and apps that may ask for passkeys, as [mfa.RelyingParty] has them. None
	// means the origin of the issuer. They are compared exactly, and are https but for
	// http://localhost in development.
	Origins []string `json:",omitzero"`
	// Verification is whether authenticators have to verify their user, as Cognito's
	// UserVerification. The zero value is [mfa.VerifyPreferred]. Where a passkey alone is to be two
	// factors it is asked for whatever stands here.
	Verification mfa.Verification `json:",omitzero"`
}

// maxOrigins bounds the origins of a relying party.
const maxOrigins = 20

func (s PasskeySettings) problems() (ps []string) {
	verifications := []mfa.Verification{"", mfa.VerifyPreferred, mfa.VerifyRequired, mfa.VerifyDiscouraged}
	if !slices.Contains(verifications, s.Verification) {
		ps = append(ps, `passkeys: a verification is "preferred", "required" or "discouraged"`)
	}
	if len(s.Origins) > maxOrigins {
		ps = append(ps, "passkeys: there are at most 20 origins")
	}
	return ps
}

// verification is what is asked of an authenticator that has to verify its user, or not.
func (s PasskeySettings) verification(must bool) mfa.Verification {
	if must {
		return mfa.VerifyRequired
	}
	return s.Verification
}

// party returns whom passkeys are made for.
func (c Config) party(s Settings) mfa.RelyingParty {
	rp := mfa.RelyingParty{ID: s.Passkeys.RPID, Name: s.Branding.Name, Origins: s.Passkeys.Origins}
	issuer, err := url.Parse(c.Issuer)
	if err != nil {
		return rp // it was refused at Open
	}
	if rp.ID == "" {
		rp.ID = issuer.Hostname()
	}
	if len(rp.Origins) == 0 {
		rp.Origins = []string{issuer.Scheme + "://" + issuer.Host}
	}
	return rp
}

// passkeyProblems returns what settings ask of passkeys that this process, or a browser, would not do.
func (c Config) passkeyProblems(s Settings) (ps []string) {
	if c.Passkeys == nil {
		if slices.Contains(s.SignIn.First, mfa.KindPasskey) || slices.Contains(s.MFA.Kinds, mfa.KindPasskey) {
			ps = append(ps, "passkeys need Config.Passkeys: passkey.New() of mfa/passkey")
		}
		return ps
	}
	rp := c.party(s)
	production, _ := parseIssuer(c.Issuer)
	for _, origin := range rp.Origins {
		if production && strings.HasPrefix(origin, "http:") {
			ps = append(ps, "passkeys: an https issuer is production, and its origins are https")
		}
	}
	if err := c.Passkeys.Check(rp); err != nil {
		ps = append(ps, "passkeys: set Settings.Passkeys: "+err.Error())
	}
	return ps
}
