//go:build !jwx

package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
)

// ES256 on the standard library alone, with the same functions as jwx.go.

const p256Size = 32

// sign returns the signature over text: r and s, 32 bytes each (RFC 7518, 3.4).
func sign(_ Algorithm, key crypto.Signer, text []byte) ([]byte, error) {
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T does not sign with ES256", key)
	}
	sum := sha256.Sum256(text)
	r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
	if err != nil {
		return nil, err
	}
	signature := make([]byte, 2*p256Size)
	r.FillBytes(signature[:p256Size])
	s.FillBytes(signature[p256Size:])
	return signature, nil
}

// verify fails unless key signed text.
func verify(_ Algorithm, key crypto.PublicKey, text, signature []byte) error {
	public, ok := key.(*ecdsa.PublicKey)
	if !ok || len(signature) != 2*p256Size {
		return errors.New("not an ES256 signature")
	}
	r, s := new(big.Int).SetBytes(signature[:p256Size]), new(big.Int).SetBytes(signature[p256Size:])
	sum := sha256.Sum256(text)
	if !ecdsa.Verify(public, sum[:], r, s) {
		return errors.New("the ES256 signature does not match")
	}
	return nil
}

// webKey is a JSON Web Key of a P-256 key. Its first four members, in this order, are what a
// thumbprint covers.
type webKey struct {
	Curve     string `json:"crv"`
	Type      string `json:"kty"`
	X         string `json:"x"`
	Y         string `json:"y"`
	Algorithm string `json:"alg,omitempty"`
	KID       string `json:"kid,omitempty"`
	Use       string `json:"use,omitempty"`
}

func newWebKey(k crypto.PublicKey) (webKey, error) {
	public, ok := k.(*ecdsa.PublicKey)
	if !ok {
		return webKey{}, fmt.Errorf("a %T is no P-256 key", k)
	}
	point, err := public.Bytes() // 4, x, y
	if err != nil {
		return webKey{}, err
	}
	x, y := point[1:1+p256Size], point[1+p256Size:]
	return webKey{Curve: "P-256", Type: "EC", X: b64.EncodeToString(x), Y: b64.EncodeToString(y)}, nil
}

// thumbprint returns the key id of a public key: its SHA-256 thumbprint (RFC 7638).
func thumbprint(k crypto.PublicKey) (string, error) {
	w, err := newWebKey(k)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(w)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:]), err
}

// encodeKey returns k as a JSON Web Key.
func encodeKey(k PublicKey) (json.RawMessage, error) {
	w, err := newWebKey(k.key)
	if err != nil {
		return nil, err
	}
	w.Algorithm, w.KID, w.Use = string(k.alg), k.kid, "sig"
	return json.Marshal(w)
}

// decodeKey reads a JSON Web Key.
func decodeKey(b []byte) (decoded, error) {
	var w webKey
	if err := json.Unmarshal(b, &w); err != nil {
		return decoded{}, err
	}
	x, errX := b64.DecodeString(w.X)
	y, errY := b64.DecodeString(w.Y)
	if w.Type != "EC" || w.Curve != "P-256" || errX != nil || errY != nil || len(x) != p256Size || len(y) != p256Size {
		return decoded{}, errors.New("not a P-256 key")
	}
	point := append(append([]byte{4}, x...), y...)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point) // fails off the curve
	return decoded{kid: w.KID, use: w.Use, alg: w.Algorithm, key: key}, err
}
