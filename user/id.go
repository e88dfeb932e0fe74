package user

import (
	"crypto/rand"
	"fmt"
)

// NewID returns a random UUID, version 4 (RFC 9562).
func NewID() ID {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return ID(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
