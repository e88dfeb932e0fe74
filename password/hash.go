package password

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Argon2id is the scheme of our own hashes (RFC 9106).
const Argon2id = "argon2id"

// MaxLength is how many code points a password may have. More is refused rather than cut off: what
// was cut off would not be needed to sign in.
const MaxLength = 256

// Refusals of a password before any work was done on it.
var (
	ErrTooLong = errors.New("password: longer than 256 characters")
	ErrInvalid = errors.New("password: empty, or not valid UTF-8")
)

// ErrHash means that a stored hash is malformed, or asks for more work than is ever done.
var ErrHash = errors.New("password: not a hash that can be judged")

// Params say how much work a hash is.
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8  // lanes
}

// Default returns the work of our own hashes: Argon2id with 19 MiB, 2 passes, 1 lane (OWASP Password
// Storage Cheat Sheet).
func Default() Params { return Params{Memory: 19 << 10, Time: 2, Threads: 1} }

// Hash is a hashed password. The zero Hash matches nothing.
type Hash struct {
	Scheme string
	Params Params
	Salt   []byte
	Digest []byte // nil where it is kept elsewhere
}

// Form says which bytes of a typed password were hashed. The values are those of the user record.
type Form string

// The forms: ours, Unicode normalization form C, in which the same letters are the same bytes
// whatever keyboard they were typed on; and the bytes as they came, which other systems hashed.
const (
	FormNFC Form = "nfc"
	FormRaw Form = "raw"
)

// Hash hashes a password in [FormNFC] under a new salt. The error is [ErrTooLong], [ErrInvalid], or
// [ErrHash] where p is beyond the limits of [Parse].
func (p Params) Hash(s Secret) (Hash, error) {
	typed, err := text(s)
	if err != nil {
		return Hash{}, err
	}
	h := Hash{Scheme: Argon2id, Params: p, Salt: make([]byte, 16), Digest: make([]byte, 32)}
	if err := h.check(); err != nil {
		return Hash{}, err
	}
	rand.Read(h.Salt) // never fails: crypto/rand
	h.Digest = h.run(norm.NFC.String(typed))
	return h, nil
}

// Verify reports whether s is the password that h was made of. A hash beyond the limits of [Parse]
// and a password that [Params.Hash] refuses match nothing, without work. A password in [FormRaw]
// whose NFC differs is tried in both, since the keyboard may not be the one it was chosen on.
func (h Hash) Verify(s Secret, form Form) bool {
	ok, _ := h.verify(s, form)
	return ok
}

// verify also tells how many hashes it computed.
func (h Hash) verify(s Secret, form Form) (ok bool, runs uint64) {
	typed, err := text(s)
	if err != nil || h.check() != nil || h.Digest == nil {
		return false, 0
	}
	nfc := norm.NFC.String(typed)
	if form == FormRaw {
		if h.matches(typed) {
			return true, 1
		}
		if typed == nfc {
			return false, 1
		}
		return h.matches(nfc), 2
	}
	return h.matches(nfc), 1
}

// NeedsRehash reports whether h should be replaced, at the next right password, by one made with p.
func (h Hash) NeedsRehash(p Params) bool {
	return h.Scheme != Argon2id || h.Params != p || len(h.Salt) < 16 || len(h.Digest) < 32
}

// LogValue leaves the digest out: it is what an offline guess needs.
func (h Hash) LogValue() slog.Value { return slog.StringValue(h.Bare()) }

func (h Hash) matches(typed string) bool {
	return subtle.ConstantTimeCompare(h.run(typed), h.Digest) == 1
}

func (h Hash) run(typed string) []byte {
	p := h.Params
	return argon2.IDKey([]byte(typed), h.Salt, p.Time, p.Memory, p.Threads, uint32(len(h.Digest)))
}

// The limits of what is hashed (security.md T9). An import with m=4 GiB would make each guess at it
// an attack on the machine. Below the lower ones Argon2 is not defined, or no salt or digest is
// left.
const (
	maxMemory  = 256 << 10 // KiB
	maxTime    = 10
	maxThreads = 16
	minSalt    = 8
	minDigest  = 16
	maxBytes   = 64 // of salt and digest each
)

// check judges a hash when it is read and again before it is computed: a Hash is a plain struct.
func (h Hash) check() error {
	if h.Scheme != Argon2id {
		return fmt.Errorf("%w: scheme %.20q is not known", ErrHash, h.Scheme)
	}
	if err := h.Params.check(); err != nil {
		return err
	}
	switch {
	case len(h.Salt) < minSalt || len(h.Salt) > maxBytes:
		return fmt.Errorf("%w: the salt has %d bytes, not %d to %d", ErrHash, len(h.Salt), minSalt, maxBytes)
	case h.Digest != nil && (len(h.Digest) < minDigest || len(h.Digest) > maxBytes):
		return fmt.Errorf("%w: the digest has %d bytes, not %d to %d", ErrHash, len(h.Digest), minDigest, maxBytes)
	}
	return nil
}

func (p Params) check() error {
	switch {
	case p.Time < 1 || p.Time > maxTime:
		return fmt.Errorf("%w: t=%d is not 1 to %d", ErrHash, p.Time, maxTime)
	case p.Threads < 1 || p.Threads > maxThreads:
		return fmt.Errorf("%w: p=%d is not 1 to %d", ErrHash, p.Threads, maxThreads)
	case p.Memory < 8*uint32(p.Threads) || p.Memory > maxMemory:
		return fmt.Errorf("%w: m=%d is not %d to %d", ErrHash, p.Memory, 8*uint32(p.Threads), maxMemory)
	}
	return nil
}

// text returns a password that may be hashed. It looks at the length first, so that a megabyte costs
// what a letter does.
func text(s Secret) (string, error) {
	typed := s.Reveal()
	switch {
	case len(typed) > MaxLength*utf8.UTFMax:
		return "", ErrTooLong
	case typed == "" || !utf8.ValidString(typed):
		return "", ErrInvalid
	case utf8.RuneCountInString(typed) > MaxLength:
		return "", ErrTooLong
	}
	return typed, nil
}
