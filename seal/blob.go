package seal

import (
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// version is the first byte of every blob and MAC. A change of format is another version.
const version = 1

// ErrOpen means that a blob was not sealed by this ring under this label, or has been altered. The
// two are one error: the cipher cannot tell them apart.
var ErrOpen = errors.New("seal: the blob does not open under this label")

// ErrUnknownKey is the class of [UnknownKeyError].
var ErrUnknownKey = errors.New("seal: the keyring lacks the key that sealed this")

// UnknownKeyError means that a blob names a key that the ring does not hold: the ring is another
// one, or the key was dropped before everything was sealed anew. It is an [ErrUnknownKey].
type UnknownKeyError struct {
	ID string // of the missing key
}

// Error names the missing key.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("%v: add key %q to the ring", ErrUnknownKey, e.ID)
}

// Unwrap returns [ErrUnknownKey].
func (e *UnknownKeyError) Unwrap() error { return ErrUnknownKey }

// Label names the one place that a sealed value belongs to. A blob opens only under the label it was
// sealed with, all four parts equal.
type Label struct {
	Pool  string // pool id
	Kind  string // of record: "user", "session"
	Owner string // id of the record
	Field string // within the record
}

// Seal returns plaintext as a blob that only this ring opens, and only under l. Sealing the same
// twice gives two blobs.
func (k *Keyring) Seal(l Label, plaintext []byte) []byte {
	d := k.first()
	size := len(d.header) + chacha20poly1305.NonceSizeX + len(plaintext) + chacha20poly1305.Overhead
	blob := append(make([]byte, 0, size), d.header...)
	nonce := blob[len(blob) : len(blob)+chacha20poly1305.NonceSizeX]
	rand.Read(nonce) // 192 random bits never meet again, however much one key seals
	return d.aead.Seal(blob[:len(blob)+len(nonce)], nonce, plaintext, l.bytes())
}

// Open returns what was sealed under l. The error is [ErrOpen] or a *[UnknownKeyError].
func (k *Keyring) Open(l Label, blob []byte) ([]byte, error) {
	id, rest, ok := split(blob)
	if !ok || len(rest) < chacha20poly1305.NonceSizeX+chacha20poly1305.Overhead {
		return nil, ErrOpen
	}
	d := k.find(id)
	if d == nil {
		return nil, &UnknownKeyError{id}
	}
	nonce, sealed := rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:]
	plaintext, err := d.aead.Open(nil, nonce, sealed, l.bytes())
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// KeyID returns the id of the key that made a blob or a MAC, of this ring or not. It is unproven:
// what the bytes say.
func (k *Keyring) KeyID(blob []byte) (id string, ok bool) {
	id, _, ok = split(blob)
	return id, ok
}

// bytes is the additional data of the cipher: what must be the same when the blob is opened.
func (l Label) bytes() []byte {
	const tag = "userpool seal v1"
	b := make([]byte, 0, 5*8+len(tag)+len(l.Pool)+len(l.Kind)+len(l.Owner)+len(l.Field))
	for _, part := range [...]string{tag, l.Pool, l.Kind, l.Owner, l.Field} {
		b = appendFramed(b, part)
	}
	return b
}

// split returns the key id that a blob or MAC begins with, and what follows it.
func split(blob []byte) (id string, rest []byte, ok bool) {
	if len(blob) < 2 || blob[0] != version {
		return "", nil, false
	}
	n := int(blob[1])
	if len(blob) < 2+n || !validID(string(blob[2:2+n])) {
		return "", nil, false
	}
	return string(blob[2 : 2+n]), blob[2+n:], true
}
