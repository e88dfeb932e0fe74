package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
)

// MAC returns an HMAC-SHA256 over the parts, in their order, behind the id of the key that made it:
// the ring's first. Each purpose has a key of its own, so a code for one use is none for another; it
// is a constant of the program, never input, because the key of each is kept.
//
// What leaves the database can be guessed against only with the key: this is how short codes are
// stored (security.md T4).
func (k *Keyring) MAC(purpose string, parts ...[]byte) []byte {
	d := k.first()
	return append(d.header[:len(d.header):len(d.header)], d.sum(purpose, parts)...)
}

// VerifyMAC reports whether mac was made by [Keyring.MAC] over the same purpose and parts, by any
// key of the ring. It compares in constant time.
func (k *Keyring) VerifyMAC(mac []byte, purpose string, parts ...[]byte) bool {
	id, sum, ok := split(mac)
	if !ok {
		return false
	}
	d := k.find(id)
	return d != nil && hmac.Equal(sum, d.sum(purpose, parts))
}

func (d *derived) sum(purpose string, parts [][]byte) []byte {
	h := hmac.New(sha256.New, d.macKey(purpose))
	var frame []byte
	for _, part := range parts {
		frame = appendFramed(frame[:0], part)
		h.Write(frame)
	}
	return h.Sum(nil)
}

func (d *derived) macKey(purpose string) []byte {
	if key, ok := d.macs.Load(purpose); ok {
		return key.([]byte)
	}
	key, err := hkdf.Key(sha256.New, d.secret[:], nil, "userpool mac v1 "+purpose, sha256.Size)
	if err != nil { // impossible: only an output of over 8 KiB or a FIPS-rejected key length fails
		panic(fmt.Sprintf("seal: derive a MAC key: %v", err))
	}
	got, _ := d.macs.LoadOrStore(purpose, key)
	return got.([]byte)
}
