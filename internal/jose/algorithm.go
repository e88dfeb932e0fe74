package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"slices"
)

// Algorithm is a signature algorithm by its name in the alg header (RFC 7518, 3.1).
type Algorithm string

// The algorithms.
const (
	ES256 Algorithm = "ES256" // ECDSA over P-256 with SHA-256
	EdDSA Algorithm = "EdDSA" // Ed25519 (RFC 8037)
	RS256 Algorithm = "RS256" // RSASSA-PKCS1-v1_5 with SHA-256
)

// Sizes of an RSA modulus in bits: that of new keys, which is the least that RFC 7518 section 3.3
// allows, and the largest, because each check costs its square.
const (
	minRSA = 2048
	maxRSA = 8192
)

// suite is what an algorithm needs. Each key has exactly one algorithm, so that a header can
// choose neither another one nor another kind of key.
type suite struct {
	generate func() (crypto.Signer, error)
	fits     func(crypto.PublicKey) bool // whether a key is valid and of this algorithm
}

var algorithms = map[Algorithm]suite{
	ES256: {
		generate: func() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) },
		fits: func(k crypto.PublicKey) bool {
			p, ok := k.(*ecdsa.PublicKey)
			if !ok || p.Curve != elliptic.P256() {
				return false
			}
			_, err := p.ECDH() // fails for a point that is not on the curve
			return err == nil
		},
	},
	EdDSA: {
		generate: func() (crypto.Signer, error) {
			_, k, err := ed25519.GenerateKey(rand.Reader)
			return k, err
		},
		fits: func(k crypto.PublicKey) bool {
			p, ok := k.(ed25519.PublicKey)
			return ok && len(p) == ed25519.PublicKeySize && !slices.Contains(smallOrder, unsigned(p))
		},
	},
	RS256: {
		generate: func() (crypto.Signer, error) { return rsa.GenerateKey(rand.Reader, minRSA) },
		fits: func(k crypto.PublicKey) bool {
			p, ok := k.(*rsa.PublicKey)
			// FIPS 186-5, A.1.1: small exponents have made forgeries of sloppy checks.
			return ok && p.N != nil && p.N.BitLen() >= minRSA && p.N.BitLen() <= maxRSA && p.N.Bit(0) == 1 &&
				p.E > 1<<16 && p.E%2 == 1
		},
	},
}

// smallOrder are the points of Ed25519 under which anybody can make signatures, without their sign:
// the eight of order 8 or less, and the second spellings of two of them (RFC 8032, 5.1.7 does not
// ask for this; a published key that is one of them is no one's).
var smallOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
	"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
}

// unsigned returns the text of a point without the bit that holds its sign.
func unsigned(p ed25519.PublicKey) string {
	b := slices.Clone(p)
	b[len(b)-1] &= 0x7f
	return hex.EncodeToString(b)
}

// algorithmOf returns the algorithm of a raw key.
func algorithmOf(k crypto.PublicKey) (Algorithm, error) {
	for name, s := range algorithms {
		if s.fits(k) {
			return name, nil
		}
	}
	return "", fmt.Errorf("jose: a key of type %T, or of its curve or size, is not supported", k)
}
