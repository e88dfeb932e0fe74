package pool

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/userpool-go/userpool/user"
)

// pseudonym returns a name for the address of a login that only the pool's key can make again
// (security.md T6).
func (s *state) pseudonym(login user.Login) string {
	return base64.RawURLEncoding.EncodeToString(s.hmac("address", login.Value))
}

// network returns the owner of the counters of a caller's network.
func (s *state) network(c Caller) string {
	return "network/" + base64.RawURLEncoding.EncodeToString(s.hmac("network", c.source()))
}

// stranger returns the owner of the counters of a login that nobody has. Logins share 131,072 such
// owners, so that guesses at made-up ones cannot fill the table: a few strangers may lock each other
// out, who cannot get in anyway.
func (s *state) stranger(login user.Login) string {
	return fmt.Sprintf("stranger/%05x", binary.BigEndian.Uint32(s.hmac("stranger", login.Value))>>15)
}

func (s *state) hmac(what, value string) []byte {
	h := hmac.New(sha256.New, s.poolKey)
	io.WriteString(h, what)
	h.Write([]byte{0})
	io.WriteString(h, value)
	return h.Sum(nil)
}
