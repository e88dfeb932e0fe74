package password

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// maxPHC bounds what [Parse] looks at.
const maxPHC = 512

var phcBase64 = base64.RawStdEncoding.Strict()

// Parse reads a hash in the PHC string format:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<digest>
//
// The last part may be absent, where the digest is kept elsewhere. Only the canonical spelling is
// read, so that [Hash.String] gives the same text again. The error is an [ErrHash]; limits are 256
// MiB, 10 passes, 16 lanes, and 64 bytes each of salt and digest.
//
// See https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md.
func Parse(phc string) (Hash, error) {
	if len(phc) > maxPHC {
		return Hash{}, fmt.Errorf("%w: longer than %d bytes", ErrHash, maxPHC)
	}
	parts := strings.Split(phc, "$")
	if len(parts) < 5 || len(parts) > 6 || parts[0] != "" || parts[2] != "v=19" {
		return Hash{}, fmt.Errorf("%w: not $scheme$v=19$parameters$salt$digest", ErrHash)
	}
	params, ok := parseParams(parts[3])
	if !ok {
		return Hash{}, fmt.Errorf("%w: parameters are not m=,t=,p= in plain decimals", ErrHash)
	}
	h := Hash{Scheme: parts[1], Params: params}
	var err error
	if h.Salt, err = phcBase64.DecodeString(noBreaks(parts[4])); err != nil {
		return Hash{}, fmt.Errorf("%w: the salt is not base64 without padding", ErrHash)
	}
	if len(parts) == 6 {
		if h.Digest, err = phcBase64.DecodeString(noBreaks(parts[5])); err != nil {
			return Hash{}, fmt.Errorf("%w: the digest is not base64 without padding", ErrHash)
		}
	}
	if err := h.check(); err != nil {
		return Hash{}, err
	}
	return h, nil
}

// String returns h whole in the PHC string format, the digest too where it has one.
func (h Hash) String() string {
	if h.Digest == nil {
		return h.Bare()
	}
	return h.Bare() + "$" + phcBase64.EncodeToString(h.Digest)
}

// Bare returns h in the PHC string format without its digest.
func (h Hash) Bare() string {
	p := h.Params
	return fmt.Sprintf("$%s$v=19$m=%d,t=%d,p=%d$%s", h.Scheme, p.Memory, p.Time, p.Threads, phcBase64.EncodeToString(h.Salt))
}

func parseParams(s string) (p Params, ok bool) {
	fields := strings.Split(s, ",")
	if len(fields) != 3 {
		return p, false
	}
	m, mOK := parseNumber(fields[0], "m=", 32)
	t, tOK := parseNumber(fields[1], "t=", 32)
	l, lOK := parseNumber(fields[2], "p=", 8)
	return Params{Memory: uint32(m), Time: uint32(t), Threads: uint8(l)}, mOK && tOK && lOK
}

// parseNumber reads name and a decimal of at most so many bits, without sign or leading zeros.
func parseNumber(s, name string, bits int) (n uint64, ok bool) {
	digits, found := strings.CutPrefix(s, name)
	n, err := strconv.ParseUint(digits, 10, bits)
	return n, found && err == nil && strconv.FormatUint(n, 10) == digits
}

// noBreaks spoils what has line breaks in it: the decoder would skip them.
func noBreaks(s string) string {
	if strings.ContainsAny(s, "\r\n") {
		return "!"
	}
	return s
}
