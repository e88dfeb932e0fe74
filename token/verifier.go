package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/internal/jose"
)

// What is wrong with a token. Texts of errors are for the operator: a stranger is told no more than
// which of the three it is.
var (
	ErrInvalid = errors.New("token: invalid")           // not a token of this issuer, for this client, of this use
	ErrExpired = errors.New("token: expired")           // it was good, and is over
	ErrRevoked = errors.New("token: session was ended") // it would be good, but for Config.Revoked
)

// Config says what a [Verifier] takes. ClientIDs, Use and Keys are required: a check that is left
// out because nothing was configured is a check that an attacker passes.
type Config struct {
	ClientIDs []string         // clients whose tokens are taken
	Use       Use              // Access or ID
	Keys      KeySet           // the issuer's
	Now       func() time.Time // nil means time.Now
	// Revoked reports whether the session of a token has ended. Nil means never: a verifier beside
	// its pool knows (pool.Verifier), one that stands alone takes an access token until it expires.
	Revoked func(Claims) bool
}

// Verifier checks tokens of one issuer. It is safe for concurrent use; [NewVerifier] makes one.
type Verifier struct {
	issuer string
	config Config
}

// NewVerifier returns a verifier of an issuer's tokens. It refuses to be built without an issuer,
// clients, a use or keys (security.md S7), and reports all that is missing together.
func NewVerifier(issuer string, c Config) (*Verifier, error) {
	var problems []error
	if issuer == "" {
		problems = append(problems, errors.New("token: a verifier needs an issuer"))
	}
	if len(c.ClientIDs) == 0 || slices.Contains(c.ClientIDs, "") {
		problems = append(problems, errors.New("token: Config.ClientIDs needs the ids of the clients whose tokens are taken"))
	}
	if c.Use.typ() == "" {
		problems = append(problems, errors.New("token: Config.Use is neither Access nor ID"))
	}
	if c.Keys == nil {
		problems = append(problems, errors.New("token: Config.Keys needs the issuer's keys"))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c.ClientIDs = slices.Clone(c.ClientIDs)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Verifier{issuer, c}, nil
}

// Verify returns what a token says, if its signature, issuer, audience, client, use and times are
// right. Its clock gives no leeway (security.md S14): a token is over at its exp, and one from the
// future is none.
//
// The error is [ErrInvalid], [ErrExpired] or [ErrRevoked]; or another where the key set could not be
// asked, after which the token is as unknown as before. A token is only called expired or revoked
// when everything else about it is right.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	m, err := jose.Parse(token, v.config.Use.typ())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	key, err := v.config.Keys.Key(ctx, m.KID())
	if errors.Is(err, ErrNoKey) {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err != nil {
		return nil, fmt.Errorf("token: find key: %w", err)
	}
	payload, err := m.Verify(key.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	c, err := decode(payload)
	if err != nil {
		return nil, err
	}
	if err := v.judge(c); err != nil {
		return nil, err
	}
	return c, nil
}

func (v *Verifier) judge(c *Claims) error {
	now := v.config.Now()
	switch {
	case c.Issuer != v.issuer:
		return invalid("issuer %.80q", c.Issuer)
	case c.Use != v.config.Use:
		return invalid("it is an %s token", c.Use)
	case !slices.Contains(v.config.ClientIDs, c.ClientID):
		return invalid("client %.80q", c.ClientID)
	case !slices.ContainsFunc(c.Audience, v.addressed):
		return invalid("audience %.80q", c.Audience)
	case now.Before(c.IssuedAt):
		return invalid("issued in the future")
	case !c.ExpiresAt.After(c.IssuedAt):
		return invalid("expires before it is issued")
	case !now.Before(c.ExpiresAt):
		return ErrExpired
	case v.config.Revoked != nil && v.config.Revoked(*c):
		return ErrRevoked
	}
	return nil
}

// addressed reports whether an audience means this verifier: one of its clients or, for access
// tokens, the issuer whose API it guards.
func (v *Verifier) addressed(audience string) bool {
	return v.config.Use == Access && audience == v.issuer || slices.Contains(v.config.ClientIDs, audience)
}
