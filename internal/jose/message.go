package jose

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// MaxSize is the longest message that is read or made, in bytes.
const MaxSize = 8 << 10

const (
	maxKID       = 256
	maxSignature = 342 // bytes of text that Sign sets aside; of RSA keys above 2048 bits it has more
)

// b64 reads one spelling of each value: no padding, no spare bits. It would still skip line breaks,
// so Parse refuses those.
var b64 = base64.RawURLEncoding.Strict()

// ErrMalformed means that a message is not in the one form that is read.
var ErrMalformed = errors.New("jose: malformed message")

// ErrSignature means that a message was not signed by the key.
var ErrSignature = errors.New("jose: the signature does not match")

// header is the protected header. Its members are written in this order.
type header struct {
	Alg string `json:"alg"`
	KID string `json:"kid"`
	Typ string `json:"typ"`
}

// Message is a compact JWS whose form has been checked and whose signature has not.
type Message struct {
	header    header
	signed    string // what the signature covers
	payload   []byte
	signature []byte
}

// Parse reads a compact JWS of the given typ. The error is an [ErrMalformed].
func Parse(text, typ string) (*Message, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, MaxSize)
	}
	if strings.Count(text, ".") != 2 || strings.ContainsAny(text, "\r\n") {
		return nil, fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	dot := strings.LastIndexByte(text, '.')
	m := &Message{signed: text[:dot]}
	head, body, _ := strings.Cut(m.signed, ".")
	raw, err := b64.DecodeString(head)
	if err != nil {
		return nil, fmt.Errorf("%w: the header is not base64url", ErrMalformed)
	}
	if m.payload, err = b64.DecodeString(body); err != nil || len(m.payload) == 0 {
		return nil, fmt.Errorf("%w: the payload is empty or not base64url", ErrMalformed)
	}
	if m.signature, err = b64.DecodeString(text[dot+1:]); err != nil || len(m.signature) == 0 {
		return nil, fmt.Errorf("%w: the signature is empty or not base64url", ErrMalformed)
	}
	if m.header, err = parseHeader(raw); err != nil {
		return nil, err
	}
	if m.header.Typ != typ {
		return nil, fmt.Errorf("%w: typ is %.40q, not %q", ErrMalformed, m.header.Typ, typ)
	}
	return m, nil
}

// parseHeader allows three members. All others say how the message wants to be checked (crit, b64,
// zip, jku, jwk, x5u, x5c), which is not for it to say.
func parseHeader(raw []byte) (h header, err error) {
	members, err := Object(raw)
	if err != nil {
		return h, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	if len(members) != 3 {
		return h, fmt.Errorf("%w: the header has other members than alg, kid, typ", ErrMalformed)
	}
	for name, to := range map[string]*string{"alg": &h.Alg, "kid": &h.KID, "typ": &h.Typ} {
		var ok bool
		if *to, ok = Text(members[name]); !ok || *to == "" {
			return h, fmt.Errorf("%w: header %s is not a text", ErrMalformed, name)
		}
	}
	if len(h.KID) > maxKID {
		return h, fmt.Errorf("%w: kid of more than %d bytes", ErrMalformed, maxKID)
	}
	return h, nil
}

// KID returns the id of the key that the message says it was signed with.
func (m *Message) KID() string { return m.header.KID }

// Verify returns the payload if k signed the message, with k's algorithm. The error is an
// [ErrSignature].
func (m *Message) Verify(k PublicKey) ([]byte, error) {
	if k.key == nil || m.header.Alg != string(k.alg) || m.header.KID != k.kid {
		return nil, fmt.Errorf("%w: the key is %s %.40q, the message says %.20q %.40q", ErrSignature, k.alg, k.kid, m.header.Alg, m.header.KID)
	}
	if err := verify(k.alg, k.key, []byte(m.signed), m.signature); err != nil {
		return nil, ErrSignature
	}
	return m.payload, nil
}
