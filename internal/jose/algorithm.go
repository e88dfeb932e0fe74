package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
)

// Algorithm is a signature algorithm by its name in the alg header (RFC 7518, 3.1).
type Algorithm string

// ES256 is ECDSA over P-256 with SHA-256.
const ES256 Algorithm = "ES256"

// suite is what an algorithm needs. Each key has exactly one algorithm, so that a header can
// choose neither another one nor another kind of key.
type suite struct {
	generate func() (crypto.Signer, error)
	fits     func(crypto.PublicKey) bool // whether a key is valid and of this algorithm
}

var algorithms = map[Algorithm]suite{ES256: {
	generate: func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
	fits: func(k crypto.PublicKey) bool {
		p, ok := k.(*ecdsa.PublicKey)
		if !ok || p.Curve != elliptic.P256() {
			return false
		}
		_, err := p.ECDH() // fails for a point that is not on the curve
		return err == nil
	},
}}

// algorithmOf returns the algorithm of a raw key.
func algorithmOf(k crypto.PublicKey) (Algorithm, error) {
	for name, s := range algorithms {
		if s.fits(k) {
			return name, nil
		}
	}
	return "", fmt.Errorf("jose: a key of type %T, or of its curve or size, is not supported", k)
}
