package jose

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
)

// PublicKey checks signatures of one algorithm. The zero PublicKey checks none.
type PublicKey struct {
	kid string
	alg Algorithm
	key crypto.PublicKey // raw: a jwk.Key would be converted at each use
}

// KID returns the key id.
func (k PublicKey) KID() string { return k.kid }

// Algorithm returns the one algorithm that the key is for.
func (k PublicKey) Algorithm() Algorithm { return k.alg }

// Equal reports whether two keys are the same in id, algorithm and bits.
func (k PublicKey) Equal(other PublicKey) bool {
	key, ok := k.key.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.kid == other.kid && k.alg == other.alg && key.Equal(other.key)
}

// PrivateKey signs with one algorithm. It is safe for concurrent use.
type PrivateKey struct {
	public PublicKey
	signer crypto.Signer
}

// Generate returns a new key. Its id is its thumbprint (RFC 7638).
func Generate(alg Algorithm) (*PrivateKey, error) {
	s, ok := algorithms[alg]
	if !ok {
		return nil, fmt.Errorf("jose: algorithm %.20q is not supported", alg)
	}
	signer, err := s.generate()
	if err != nil {
		return nil, fmt.Errorf("jose: generate key: %w", err)
	}
	return newPrivateKey(signer)
}

// ParsePrivateKey reads what [PrivateKey.Marshal] returned.
func ParsePrivateKey(der []byte) (*PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("jose: not a private key in PKCS #8") // the cause may quote the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("jose: a key of type %T does not sign", key)
	}
	return newPrivateKey(signer)
}

func newPrivateKey(signer crypto.Signer) (*PrivateKey, error) {
	alg, err := algorithmOf(signer.Public())
	if err != nil {
		return nil, err
	}
	kid, err := thumbprint(signer.Public())
	if err != nil {
		return nil, fmt.Errorf("jose: thumbprint: %w", err)
	}
	return &PrivateKey{PublicKey{kid, alg, signer.Public()}, signer}, nil
}

// Marshal returns the secret key as PKCS #8 (RFC 5958) in DER.
func (k *PrivateKey) Marshal() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(k.signer)
	if err != nil {
		panic(err) // impossible: newPrivateKey has seen the key
	}
	return der
}

// Public returns the half that checks.
func (k *PrivateKey) Public() PublicKey { return k.public }

// ErrTooLong means that a message would have more than [MaxSize] bytes.
var ErrTooLong = errors.New("jose: too long a message")

// Sign returns payload, a JSON object, as a compact JWS of that typ. What [Parse] would refuse for
// its size is [ErrTooLong].
func (k *PrivateKey) Sign(typ string, payload []byte) (string, error) {
	header, err := json.Marshal(header{string(k.public.alg), k.public.kid, typ})
	if err != nil {
		return "", fmt.Errorf("jose: header: %w", err)
	}
	size := b64.EncodedLen(len(header)) + 1 + b64.EncodedLen(len(payload)) + 1 + maxSignature
	text := b64.AppendEncode(make([]byte, 0, size), header)
	text = append(text, '.')
	text = b64.AppendEncode(text, payload)
	signature, err := sign(k.public.alg, k.signer, text)
	if err != nil {
		return "", fmt.Errorf("jose: sign: %w", err)
	}
	text = append(text, '.')
	text = b64.AppendEncode(text, signature)
	if len(text) > MaxSize {
		return "", fmt.Errorf("%w: %d bytes, at most %d", ErrTooLong, len(text), MaxSize)
	}
	return string(text), nil
}
