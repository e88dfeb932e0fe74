package password

import (
	"bytes"
	"context"
	"crypto/subtle"
	"fmt"

	"golang.org/x/text/unicode/norm"
)

// Repeat hashes s as h was hashed: under its scheme, parameters and salt, in the form FormNFC. It
// is for those who compare one typed password with several hashes that share a salt, at the price
// of one, see [Hash.Equal]. H needs no digest. It waits and fails as [Hasher.Hash] does, and with
// [ErrHash] for an h beyond the ceilings.
func (d *Hasher) Repeat(ctx context.Context, h Hash, s Secret) (Hash, error) {
	typed, err := text(s)
	if err != nil {
		return Hash{}, err
	}
	if h.Digest == nil {
		h.Digest = make([]byte, 32)
	}
	if err := h.check(); err != nil {
		return Hash{}, fmt.Errorf("repeat: %w", err)
	}
	leave, err := d.enter(ctx, h.Params)
	if err != nil {
		return Hash{}, err
	}
	defer leave()
	d.door.count.Add(1)
	h.Salt = bytes.Clone(h.Salt)
	h.Digest = h.run(norm.NFC.String(typed))
	return h, nil
}

// Equal reports whether two hashes are of one password under one salt. It takes the same time
// wherever the digests differ.
func (h Hash) Equal(other Hash) bool {
	return h.SameSalt(other) && len(h.Digest) > 0 && subtle.ConstantTimeCompare(h.Digest, other.Digest) == 1
}

// SameSalt reports whether two hashes were made alike but for the password, so that hashing once
// judges both.
func (h Hash) SameSalt(other Hash) bool {
	return h.Scheme == other.Scheme && h.Params == other.Params && bytes.Equal(h.Salt, other.Salt)
}
