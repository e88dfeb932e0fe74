package seal

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// Keyring is an ordered set of keys: the first seals and signs, all open and verify. It is safe for
// concurrent use and shows no secret when printed.
//
// Only [New] and [File] make one. A nil or zero Keyring holds no key, so it opens and verifies
// nothing; Seal and MAC panic on it, since what they returned would look like a protected value.
type Keyring struct {
	keys []*derived
}

// derived is what is made of one key.
type derived struct {
	id     string
	header []byte // version, id length, id: how every blob and MAC begins
	aead   cipher.AEAD
	secret *[32]byte // a pointer: with %s fmt follows one, and this is the second
	macs   sync.Map  // purpose to sub-key, a []byte
}

// New returns a ring of these keys. It refuses an empty ring, bad ids, an all-zero secret, and ids
// or secrets that stand twice, and reports all problems together.
func New(keys ...Key) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("seal: a keyring needs at least one key; use Generate or File")
	}
	var problems []error
	ids, secrets := map[string]bool{}, map[[32]byte]bool{}
	for _, k := range keys {
		switch err := k.check(); {
		case err != nil:
			problems = append(problems, err)
		case ids[k.ID]:
			problems = append(problems, fmt.Errorf("seal: key id %q stands twice", k.ID))
		case secrets[k.Secret]:
			problems = append(problems, fmt.Errorf("seal: key %q has the secret of another key", k.ID))
		}
		ids[k.ID], secrets[k.Secret] = true, true
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	ring := &Keyring{}
	for _, k := range keys {
		d, err := derive(k)
		if err != nil {
			return nil, err
		}
		ring.keys = append(ring.keys, d)
	}
	return ring, nil
}

// String returns the ids of the ring, without secrets.
func (k *Keyring) String() string {
	s := "seal.Keyring("
	if k != nil {
		for _, d := range k.keys {
			s += d.id + " "
		}
	}
	return s + "REDACTED)"
}

// GoString is as String.
func (k *Keyring) GoString() string { return k.String() }

// Format writes String for every verb.
func (k *Keyring) Format(f fmt.State, _ rune) { fmt.Fprint(f, k.String()) }

// LogValue is as String.
func (k *Keyring) LogValue() slog.Value { return slog.StringValue(k.String()) }

func (k *Keyring) find(id string) *derived {
	if k == nil {
		return nil
	}
	for _, d := range k.keys { // a ring has a handful
		if d.id == id {
			return d
		}
	}
	return nil
}

func (k *Keyring) first() *derived {
	if k == nil || len(k.keys) == 0 {
		panic("seal: the keyring holds no key; make it with seal.New or seal.File")
	}
	return k.keys[0]
}

func derive(k Key) (*derived, error) {
	sub, err := hkdf.Key(sha256.New, k.Secret[:], nil, "userpool seal v1", chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("seal: derive from key %q: %w", k.ID, err)
	}
	aead, err := chacha20poly1305.NewX(sub)
	if err != nil {
		return nil, fmt.Errorf("seal: key %q: %w", k.ID, err)
	}
	header := append([]byte{version, byte(len(k.ID))}, k.ID...)
	return &derived{id: k.ID, header: header, aead: aead, secret: &k.Secret}, nil
}

// appendFramed appends s behind its length, so that no two lists of parts read the same:
// ("ab", "c") and ("a", "bc") are different bytes.
func appendFramed[T string | []byte](b []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(s))), s...)
}
