package token

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/userpool-go/userpool/internal/jose"
)

// Algorithm is how a key signs, by its name in the alg header (RFC 7518, 3.1). Each key has one.
type Algorithm string

// The algorithms. Nearly all that reads tokens knows the first and the last.
const (
	ES256 Algorithm = "ES256" // ECDSA over P-256: small tokens, fast to sign
	EdDSA Algorithm = "EdDSA" // Ed25519 (RFC 8037): smaller keys, no randomness needed to sign
	RS256 Algorithm = "RS256" // RSA, as Cognito signs: the slowest to sign by far, the fastest to check
)

// SigningKey signs tokens. Printing and logging show its id and no more. It is safe for concurrent
// use; [GenerateKey] and [ParseSigningKey] make one.
type SigningKey struct{ key *jose.PrivateKey }

// GenerateKey returns a new key of an algorithm; "" means ES256. An RSA key has 2048 bits, and
// takes a while to find.
func GenerateKey(alg Algorithm) (*SigningKey, error) {
	key, err := jose.Generate(jose.Algorithm(cmp.Or(alg, ES256)))
	if err != nil {
		return nil, fmt.Errorf("token: generate key: %w", err)
	}
	return &SigningKey{key}, nil
}

// ParseSigningKey reads what [SigningKey.Marshal] returned, or the PKCS #8 of a key that was made
// elsewhere: its kind says which algorithm it is for. RSA keys have 2048 to 8192 bits.
func ParseSigningKey(b []byte) (*SigningKey, error) {
	key, err := jose.ParsePrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("token: read signing key: %w", err)
	}
	return &SigningKey{key}, nil
}

// Marshal returns the secret key (PKCS #8). It is sealed before it is stored.
func (k *SigningKey) Marshal() []byte { return k.key.Marshal() }

// KID returns the id of the key: the thumbprint of its public half (RFC 7638).
func (k *SigningKey) KID() string { return k.key.Public().KID() }

// Algorithm returns the one algorithm that the key signs with.
func (k *SigningKey) Algorithm() Algorithm { return Algorithm(k.key.Public().Algorithm()) }

// ErrTooLong means that a token would have more than 8 KiB, which no [Verifier] takes. Claims of no
// fixed length, such as groups, can be left out.
var ErrTooLong = errors.New("token: more than 8 KiB")

// Sign returns c as a signed token, of the typ of its use. It refuses claims that no [Verifier]
// would take, and, with [ErrTooLong], tokens of more than 8 KiB.
func (k *SigningKey) Sign(c Claims) (string, error) {
	payload, err := c.encode()
	if err != nil {
		return "", err
	}
	text, err := k.key.Sign(c.Use.typ(), payload)
	if errors.Is(err, jose.ErrTooLong) {
		return "", ErrTooLong
	}
	return text, err
}

// String returns the id of the key, without the secret.
func (k *SigningKey) String() string { return "token.SigningKey(" + k.KID() + " REDACTED)" }

// GoString is as String.
func (k *SigningKey) GoString() string { return k.String() }

// Format writes String for every verb.
func (k *SigningKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue is as String.
func (k *SigningKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalJSON refuses: [JWKS] is what is published.
func (k *SigningKey) MarshalJSON() ([]byte, error) {
	return nil, errors.New("token: a signing key is not marshalled as JSON; publish its JWKS")
}

// PublicKey checks tokens of one algorithm. Key sets hand it out.
type PublicKey struct{ key jose.PublicKey }

// KeySet finds the public keys of an issuer. Implementations are safe for concurrent use.
type KeySet interface {
	// Key returns the key of an id that a token names, or [ErrNoKey] where the issuer has none
	// such. Any other error means that it could not be found out.
	Key(ctx context.Context, kid string) (PublicKey, error)
}

// ErrNoKey means that an issuer has no key of that id.
var ErrNoKey = errors.New("token: the issuer has no such key")

// JWKS returns the public halves of keys as a JSON Web Key Set (RFC 7517), to be published.
func JWKS(keys ...*SigningKey) []byte {
	public := make([]jose.PublicKey, len(keys))
	for i, k := range keys {
		public[i] = k.key.Public()
	}
	b, err := jose.MarshalSet(public...)
	if err != nil {
		panic(err) // impossible: the keys sign
	}
	return b
}

// KeysOf returns the public halves of keys as a key set.
func KeysOf(keys ...*SigningKey) KeySet {
	set := make(staticKeys, len(keys))
	for _, k := range keys {
		set[k.KID()] = PublicKey{k.key.Public()}
	}
	return set
}

// ParseKeySet reads a published JSON Web Key Set. Keys of other algorithms than those of this
// package, RSA keys of less than 2048 bits and keys that are not for signatures are passed over;
// none that is left, a private key, an id that stands twice, more than 100 keys and more than 256
// KiB are errors.
func ParseKeySet(jwks []byte) (KeySet, error) {
	set, err := parseKeySet(jwks)
	if err != nil {
		return nil, err // not a nil set in an interface
	}
	return set, nil
}

func parseKeySet(jwks []byte) (staticKeys, error) {
	keys, err := jose.ParseSet(jwks)
	if err != nil {
		return nil, fmt.Errorf("token: read key set: %w", err)
	}
	if len(keys) == 0 {
		return nil, errors.New("token: the key set holds no key that tokens are checked with")
	}
	set := make(staticKeys, len(keys))
	for _, k := range keys {
		set[k.KID()] = PublicKey{k}
	}
	return set, nil
}

// staticKeys is a key set that does not change.
type staticKeys map[string]PublicKey

func (s staticKeys) Key(_ context.Context, kid string) (PublicKey, error) {
	if k, ok := s[kid]; ok {
		return k, nil
	}
	return PublicKey{}, ErrNoKey
}
