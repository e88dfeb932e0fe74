package pool

import (
	"cmp"
	"crypto/rand"
	"log/slog"
	"net/url"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/user"
)

// AuthenticatorSetup is what an authenticator app (TOTP, RFC 6238) is given to be set up: show the
// picture of [AuthenticatorSetup.QR], beside the seed as text for those who type it. It counts for
// nothing until the app has shown a code, and neither picture nor seed can be had again.
type AuthenticatorSetup struct {
	Ticket  string    // for [RespondInput], or for [ConfirmAuthenticatorInput] on one's own account
	Expires time.Time // when the ticket does
	Seed    mfa.Seed  // its Text is what people type
	Issuer  string    // as the app shows it: [Branding].Name, or else the host of the issuer
	Account string    // as the app shows it: the user name, or else the first login
}

// URI returns what apps read from the picture ("otpauth://totp/..."). It holds the seed.
func (s AuthenticatorSetup) URI() string { return s.Seed.URI(s.Issuer, s.Account) }

// QR returns the picture that apps scan.
func (s AuthenticatorSetup) QR() (mfa.Picture, error) { return mfa.QR(s.URI()) }

// LogValue leaves everything out: the ticket and the seed are secrets.
func (AuthenticatorSetup) LogValue() slog.Value { return redacted }

// setUpLifetime is how long a visitor has to set up a factor: to find the phone, and the app for it.
// A client whose steps live longer gives as long ([Client].StepLifetime).
const setUpLifetime = 10 * time.Minute

// setsUp returns what an app is to be set up by, to go with a ticket, and its seed as the ticket
// carries it: sealed to the ticket, so that it is nothing in another.
func (p *Pool) setsUp(r round, u *user.User, ticket string) (s AuthenticatorSetup, sealed []byte) {
	s = AuthenticatorSetup{Seed: mfa.NewSeed(), Account: u.Username(), Issuer: r.state.settings.Branding.Name}
	if issuer, err := url.Parse(p.config.Issuer); err == nil {
		s.Issuer = cmp.Or(s.Issuer, issuer.Hostname())
	}
	return s, p.config.Keys.Seal(p.pendingLabel(ticket), s.Seed.Bytes())
}

func (p *Pool) pendingLabel(ticket string) seal.Label {
	return seal.Label{Pool: string(p.config.ID), Kind: "ticket", Owner: ticket, Field: "secret"}
}

// newAuthenticator returns the user with the app whose seed a ticket carries, where the code is one
// that it shows, the proof of that, and the step of the code. A code counts though one of another app
// of the user was used within the same 30 seconds: nobody but who was given the seed has it.
func (p *Pool) newAuthenticator(
	u *user.User, ticket string, sealed []byte, name, code string, now time.Time,
) (next *user.User, proof gate.Proof, step int64, err error) {
	seed, err := p.config.Keys.Open(p.pendingLabel(ticket), sealed)
	if err != nil {
		return nil, proof, 0, unavailable(err)
	}
	app := user.App{ID: rand.Text(), Name: name, Created: now}
	app.Seed = p.config.Keys.Seal(gate.SeedLabel(u.Pool, u.ID, app.ID), seed)
	next = u.Clone()
	next.Updated = now
	if next.Factors == nil {
		next.Factors = new(user.Factors)
	}
	next.Factors.Apps = append(next.Factors.Apps, app)
	alone := next.Clone()
	alone.Factors.Apps = []user.App{app}
	proof, step, err = p.gate.App(alone, code, now, 0)
	if err != nil {
		return nil, proof, 0, unavailable(err)
	}
	return next, proof, step, nil
}
