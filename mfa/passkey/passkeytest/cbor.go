package passkeytest

import (
	"crypto/ecdsa"
	"encoding/binary"
)

// es256 is ECDSA on P-256 with SHA-256 (RFC 9053, 2.1).
const es256 = -7

// head returns how an item of CBOR begins (RFC 8949, 3): its kind, and how long it is.
func head(kind byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{kind<<5 | byte(n)}
	case n < 256:
		return []byte{kind<<5 | 24, byte(n)}
	}
	return binary.BigEndian.AppendUint16([]byte{kind<<5 | 25}, uint16(n))
}

// The kinds.
const (
	unsigned = iota
	negative
	byteString
	textString
	_
	mapping
)

func number(n int) []byte {
	if n < 0 {
		return head(negative, -1-n)
	}
	return head(unsigned, n)
}

func bytesOf(b []byte) []byte { return append(head(byteString, len(b)), b...) }
func textOf(s string) []byte  { return append(head(textString, len(s)), s...) }

// cose returns a public key as COSE has it (RFC 9053, 7.1.1).
func cose(k *ecdsa.PublicKey) ([]byte, error) {
	point, err := k.Bytes() // 4, x, y
	if err != nil {
		return nil, err
	}
	b := head(mapping, 5)
	for _, pair := range [][2][]byte{
		{number(1), number(2)}, // it has two coordinates
		{number(3), number(es256)},
		{number(-1), number(1)}, // on P-256
		{number(-2), bytesOf(point[1:33])},
		{number(-3), bytesOf(point[33:])},
	} {
		b = append(append(b, pair[0]...), pair[1]...)
	}
	return b, nil
}

// attestation returns the object of an authenticator that does not say who made it (WebAuthn Level 3,
// 8.7).
func attestation(data []byte) []byte {
	b := head(mapping, 3)
	b = append(append(b, textOf("fmt")...), textOf("none")...)
	b = append(append(b, textOf("attStmt")...), head(mapping, 0)...)
	return append(append(b, textOf("authData")...), bytesOf(data)...)
}
