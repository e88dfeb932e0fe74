package token

import (
	"context"
	"crypto/sha256"
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

// MaxLeeway is the most that Config.Leeway may be.
const MaxLeeway = 60 * time.Second

// Config says what a [Verifier] takes. ClientIDs, Use and Keys are required: a check that is left
// out because nothing was configured is a check that an attacker passes.
type Config struct {
	ClientIDs []string         // clients whose tokens are taken
	Use       Use              // Access or ID
	Keys      KeySet           // the issuer's
	Now       func() time.Time // nil means time.Now
	// Leeway is how far the issuer's clock may be from ours: a token is taken so much before it was
	// issued and after it has expired. 0 to MaxLeeway; 0 is right for an issuer on the same machine.
	Leeway time.Duration
	// Early is how far the clock of an issuer of several processes, of which we are one, may be ahead of
	// ours: a token is taken so much before it was issued, and still none after it has expired. 0 to
	// MaxLeeway; a Leeway that is longer counts.
	Early time.Duration
	// Revoked reports whether the session of a token has ended. Nil means never: a verifier beside
	// its pool knows (pool.Verifier); one that stands alone honours a revoked token until it
	// expires, so the life of access tokens is how long a revocation takes there.
	Revoked func(Claims) bool
	// Seen is of how many tokens the check of the signature is remembered, which is nearly all that
	// a check costs. Everything else about them is judged each time. 0 means 4096, some 4 MB of
	// tokens of the usual size and at most 40; a negative one means none.
	Seen int
}

// Verifier checks tokens of one issuer. It is safe for concurrent use; [NewVerifier] makes one.
type Verifier struct {
	issuer string
	config Config
	seen   *seen
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
	if c.Leeway < 0 || c.Leeway > MaxLeeway {
		problems = append(problems, fmt.Errorf("token: Config.Leeway is not between 0 and %v", MaxLeeway))
	}
	if c.Early < 0 || c.Early > MaxLeeway {
		problems = append(problems, fmt.Errorf("token: Config.Early is not between 0 and %v", MaxLeeway))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	c.ClientIDs = slices.Clone(c.ClientIDs)
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Verifier{issuer, c, newSeen(c.Seen)}, nil
}

// Verify returns what a token says, if its signature, issuer, audience, client, use and times are
// right. Its clock gives no leeway unless it is told to (security.md S14): a token is over at its
// exp, and one from the future is none.
//
// The error is [ErrInvalid], [ErrExpired] or [ErrRevoked]; or another where the key set could not be
// asked, after which the token is as unknown as before. A token is only called expired or revoked
// when everything else about it is right.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > jose.MaxSize {
		return nil, invalid("more than %d bytes", jose.MaxSize)
	}
	id := sha256.Sum256([]byte(token))
	if s, ok := v.seen.get(id); ok {
		key, err := v.key(ctx, s.key.KID())
		if err != nil {
			return nil, err
		}
		if key.Equal(s.key) { // or it was replaced, and the token is new to the other one
			c := s.claims.clone()
			if err := v.judge(c); err != nil {
				return nil, err
			}
			return c, nil
		}
	}
	s, err := v.check(ctx, token)
	if err != nil {
		return nil, err
	}
	c := s.claims.clone() // Config.Revoked and the caller may change theirs
	if err := v.judge(c); err != nil {
		return nil, err
	}
	v.seen.put(id, s)
	return c, nil
}

// check returns what a token says and the key that signed it.
func (v *Verifier) check(ctx context.Context, token string) (s sighting, err error) {
	m, err := jose.Parse(token, v.config.Use.typ())
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if s.key, err = v.key(ctx, m.KID()); err != nil {
		return s, err
	}
	payload, err := m.Verify(s.key)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	s.claims, err = decode(payload)
	return s, err
}

func (v *Verifier) key(ctx context.Context, kid string) (jose.PublicKey, error) {
	k, err := v.config.Keys.Key(ctx, kid)
	if errors.Is(err, ErrNoKey) {
		return k.key, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if err != nil {
		return k.key, fmt.Errorf("token: find key: %w", err)
	}
	return k.key, nil
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
	case now.Add(max(v.config.Leeway, v.config.Early)).Before(c.IssuedAt):
		return invalid("issued in the future")
	case !c.ExpiresAt.After(c.IssuedAt):
		return invalid("expires before it is issued")
	case !now.Add(-v.config.Leeway).Before(c.ExpiresAt):
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
