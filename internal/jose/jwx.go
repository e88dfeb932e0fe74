package jose

import (
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/lestrrat-go/jwx/v2/jwa"
	"github.com/lestrrat-go/jwx/v2/jwk"
	"github.com/lestrrat-go/jwx/v2/jws"
)

// What jwx does here. It gets raw keys, because it would convert a jwk.Key at each use.

type signature struct {
	signer   jws.Signer
	verifier jws.Verifier
}

var signatures = map[Algorithm]signature{
	ES256: {must(jws.NewSigner(jwa.ES256)), must(jws.NewVerifier(jwa.ES256))},
	EdDSA: {must(jws.NewSigner(jwa.EdDSA)), must(jws.NewVerifier(jwa.EdDSA))},
	RS256: {must(jws.NewSigner(jwa.RS256)), must(jws.NewVerifier(jwa.RS256))},
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // jwx lacks an algorithm it was built with
	}
	return v
}

// sign returns the signature over text, in the form of RFC 7518.
func sign(alg Algorithm, key crypto.Signer, text []byte) ([]byte, error) {
	return signatures[alg].signer.Sign(text, key)
}

// verify fails unless key signed text.
func verify(alg Algorithm, key crypto.PublicKey, text, signature []byte) error {
	return signatures[alg].verifier.Verify(text, signature, key)
}

// thumbprint returns the key id of a public key: its SHA-256 thumbprint (RFC 7638).
func thumbprint(k crypto.PublicKey) (string, error) {
	key, err := jwk.FromRaw(k)
	if err != nil {
		return "", err
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}

// encodeKey returns k as a JSON Web Key.
func encodeKey(k PublicKey) (json.RawMessage, error) {
	key, err := jwk.FromRaw(k.key)
	if err != nil {
		return nil, err
	}
	err = errors.Join(key.Set(jwk.KeyIDKey, k.kid), key.Set(jwk.AlgorithmKey, string(k.alg)), key.Set(jwk.KeyUsageKey, "sig"))
	if err != nil {
		return nil, err
	}
	return json.Marshal(key)
}

// decodeKey reads a JSON Web Key.
func decodeKey(b []byte) (decoded, error) {
	key, err := jwk.ParseKey(b)
	if err != nil {
		return decoded{}, err
	}
	d := decoded{kid: key.KeyID(), use: key.KeyUsage(), alg: key.Algorithm().String()}
	for _, op := range key.KeyOps() {
		d.ops = append(d.ops, string(op))
	}
	return d, key.Raw(&d.key)
}
