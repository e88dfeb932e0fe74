package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

// ErrRefresh means that a text is not a refresh token. It says nothing about a token that is one.
var ErrRefresh = errors.New("token: not a refresh token")

const (
	refreshPrefix = "v1."
	maxRefresh    = 1 << 10 // bytes of text
	maxPart       = 255     // bytes of a user's or session's id
	familyKeySize = 32
)

var refreshBase64 = base64.RawURLEncoding.Strict()

// Refresh is a refresh token as it was presented (security.md T4). Nothing of it is proven before
// Verify.
//
// A token is the text "v1." and, in base64url,
//
//	length of user id | user id | length of session id | session id | generation (8 bytes) | MAC
//
// where the MAC is HMAC-SHA256 under the session's family key over pool, user, session, client and
// generation, each behind its length. So a database holds nothing that could be presented, and the
// same generation is the same token whenever it is made: the answer to a retry is the answer that
// was lost.
type Refresh struct {
	User       string // id
	Session    string // id
	Generation int64  // never negative

	mac Secret // is half of a bearer secret, so it is not printed with the rest
}

// FormatRefresh returns the refresh token of a session at a generation. FamilyKey is the session's,
// 32 random bytes. Another key size, a negative generation, and empty ids or ids of more than 255
// bytes give the zero Secret, which nothing takes.
func FormatRefresh(familyKey []byte, pool, user, session, client string, generation int64) Secret {
	r := Refresh{User: user, Session: session, Generation: generation}
	if len(familyKey) != familyKeySize || generation < 0 || !isPart(user) || !isPart(session) {
		return Secret{}
	}
	b := append([]byte{byte(len(user))}, user...)
	b = append(append(b, byte(len(session))), session...)
	b = binary.BigEndian.AppendUint64(b, uint64(generation))
	b = append(b, r.sum(familyKey, pool, client)...)
	return NewSecret(refreshPrefix + refreshBase64.EncodeToString(b))
}

// ParseRefresh reads a presented text. There is one spelling of each token; anything else, and more
// than 1 KiB, is [ErrRefresh].
func ParseRefresh(text string) (Refresh, error) {
	body, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok || len(text) > maxRefresh || strings.ContainsAny(body, "\r\n") { // the decoder skips line breaks
		return Refresh{}, ErrRefresh
	}
	b, err := refreshBase64.DecodeString(body)
	if err != nil {
		return Refresh{}, ErrRefresh
	}
	var r Refresh
	var userOK, sessionOK bool
	r.User, b, userOK = cutPart(b)
	r.Session, b, sessionOK = cutPart(b)
	if !userOK || !sessionOK || len(b) != 8+sha256.Size {
		return Refresh{}, ErrRefresh
	}
	r.Generation = int64(binary.BigEndian.Uint64(b))
	if r.Generation < 0 {
		return Refresh{}, ErrRefresh
	}
	r.mac = NewSecret(string(b[8:]))
	return r, nil
}

// Verify reports whether the token was made with this family key, in this pool, for this client. It
// compares in constant time. What the generation is worth is for [Judge] to say, afterwards: a
// stranger who knows a session's id must not be able to end it.
func (r Refresh) Verify(familyKey []byte, pool, client string) bool {
	if len(familyKey) != familyKeySize {
		return false
	}
	return hmac.Equal(r.sum(familyKey, pool, client), []byte(r.mac.Reveal()))
}

func (r Refresh) sum(familyKey []byte, pool, client string) []byte {
	h := hmac.New(sha256.New, familyKey)
	var b []byte
	for _, part := range [...]string{"userpool refresh v1", pool, r.User, r.Session, client} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	h.Write(binary.BigEndian.AppendUint64(b, uint64(r.Generation)))
	return h.Sum(nil)
}

func isPart(s string) bool { return s != "" && len(s) <= maxPart }

// cutPart returns the text that b begins with, behind a byte of length, and what follows.
func cutPart(b []byte) (part string, rest []byte, ok bool) {
	if len(b) == 0 || b[0] == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
