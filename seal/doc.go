// Package seal keeps secrets unreadable at rest: a ring of keys that seals values for the one place
// they belong to, and makes message authentication codes under keys derived per purpose.
//
//	ring, err := seal.File("/var/lib/app/keys") // made on first use; keep it apart from the database
//	...
//	place := seal.Label{Pool: "main", Kind: "user", Owner: id, Field: "totp"}
//	blob := ring.Seal(place, seed)
//	seed, err = ring.Open(place, blob)
//
// The first key of a ring seals, all of them open, so a key is rotated by putting a new one in front
// and, once everything is sealed anew, dropping the old one. Every blob and every MAC names its key.
//
// A blob is
//
//	1 | length of key id | key id | nonce (24 bytes) | XChaCha20-Poly1305 ciphertext and tag
//
// and opens only under the [Label] it was sealed with: someone who can write to the database but has
// no key cannot move a secret of one user to another, nor to another field or pool. A MAC is
//
//	1 | length of key id | key id | HMAC-SHA256 (32 bytes)
//
// Sub-keys come from HKDF-SHA256 (RFC 5869), one for sealing and one for each purpose of a MAC. They
// are derived once and kept, so a call costs the primitive and no more.
package seal
