package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Proof is something shown, by whom, checked against which revision of which credential. Its fields
// are unexported, so that only a verifier of this package makes one.
type Proof struct {
	user   user.ID
	record token.Proof
}

// Gate checks proofs and makes sessions for one pool.
type Gate struct {
	ring  *seal.Keyring
	door  *password.Hasher
	decoy password.Hash
}

// New returns a gate. Decoy is the hash that unknown users are judged against, so that they cost
// what known ones do (security.md S19); no password matches it.
func New(ring *seal.Keyring, door *password.Hasher, decoy password.Hash) *Gate {
	return &Gate{ring, door, decoy}
}

// Password judges a typed password against u's, or against the decoy where u is nobody or has none.
// It hashes exactly once, waits at the door on behalf of from for as long as ctx lives, and fails only where it could
// not judge.
func (g *Gate) Password(ctx context.Context, from password.From, u *user.User, typed password.Secret, now time.Time) (p Proof, ok bool, err error) {
	door := g.door.For(from)
	if u == nil || u.Password == nil {
		_, err := door.Verify(ctx, g.decoy, typed, password.FormNFC)
		return Proof{}, false, err
	}
	h, err := g.hash(u)
	if err != nil {
		return Proof{}, false, err
	}
	ok, err = door.Verify(ctx, h, typed, password.Form(u.Password.Form))
	if err != nil || !ok {
		return Proof{}, false, err
	}
	return Proof{u.ID, token.Proof{Method: token.MethodPassword, Revision: u.Password.Revision, Time: now}}, true, nil
}

// hash returns a user's password hash, its digest unsealed.
func (g *Gate) hash(u *user.User) (password.Hash, error) {
	h, err := password.Parse(u.Password.Hash)
	if err != nil {
		return h, fmt.Errorf("read password of user %s: %w", u.ID, err)
	}
	h.Digest, err = g.ring.Open(PasswordLabel(u.Pool, u.ID), u.Password.Digest)
	if err != nil {
		return h, fmt.Errorf("open password of user %s: %w", u.ID, err)
	}
	return h, nil
}

// PasswordLabel is what a password digest is sealed to.
func PasswordLabel(pool user.PoolID, id user.ID) seal.Label {
	return seal.Label{Pool: string(pool), Kind: "user", Owner: string(id), Field: "password"}
}

// EmailCode judges the code that was sent for a ticket. Channel is the pseudonym of the address that
// it was sent to. A ticket without a code, and one of nobody, are judged with the same work, and fail.
func (g *Gate) EmailCode(t *storage.Ticket, channel, code string, now time.Time) (Proof, bool) {
	if !g.ring.VerifyMAC(t.Code, CodePurpose, CodeParts(t, channel, code)...) || t.User == "" {
		return Proof{}, false
	}
	return Proof{t.User, token.Proof{Method: token.MethodEmailCode, Channel: channel, Time: now}}, true
}

// CodePurpose separates the MACs of codes from all others.
const CodePurpose = "code"

// CodeParts is what the MAC of a code covers (security.md T4).
func CodeParts(t *storage.Ticket, channel, code string) [][]byte {
	return [][]byte{[]byte(t.Pool), []byte(t.Purpose), []byte(t.User), []byte(t.ID), []byte(channel), []byte(code)}
}

// Carried returns the proofs that a ticket or a session of the user carries. They are judged again
// like fresh ones.
func Carried(id user.ID, records []token.Proof) []Proof {
	proofs := make([]Proof, len(records))
	for i, r := range records {
		proofs[i] = Proof{id, r}
	}
	return proofs
}

// Chosen returns the proof of somebody who has shown the old password and has just set a new one:
// they know it. A proof that does not hold for the user as it was gives the zero Proof, which holds
// for nobody.
func Chosen(shown Proof, was, is *user.User) Proof {
	if len(holding(was, []Proof{shown})) == 0 || shown.record.Method != token.MethodPassword || is.ID != was.ID || is.Password == nil {
		return Proof{}
	}
	shown.record.Revision = is.Password.Revision
	return shown
}
