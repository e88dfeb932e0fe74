package gate

import (
	"context"
	"errors"
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

// Holds reports whether p proves anything.
func (p Proof) Holds() bool { return p.user != "" }

// Passwords judges a typed password against the owner's of an address and against that of an
// unproven attempt at it, either of whom may be nobody. It hashes exactly once whoever there is, so
// that its work does not tell (security.md S19): whoever sets a password at an address takes the
// salt that is there, see [Gate.Salted]. An attempt with another salt than the owner's is not
// judged. It waits at the door on behalf of from for as long as ctx lives, and fails only where it
// could not judge. A wrong password gives a proof that does not hold.
func (g *Gate) Passwords(
	ctx context.Context, from password.From, owner, attempt *user.User, typed password.Secret, now time.Time,
) (ownerProof, attemptProof Proof, err error) {
	owned, err := g.hash(owner)
	if err != nil {
		return Proof{}, Proof{}, err
	}
	tried, err := g.hash(attempt)
	if err != nil {
		return Proof{}, Proof{}, err
	}
	like := g.decoy
	for _, h := range []password.Hash{tried, owned} {
		if h.Digest != nil {
			like = h
		}
	}
	got, err := g.door.For(from).Repeat(ctx, like, typed)
	if errors.Is(err, password.ErrTooLong) || errors.Is(err, password.ErrInvalid) {
		return Proof{}, Proof{}, nil // no password is like that: a wrong one (security.md T9)
	}
	if err != nil {
		return Proof{}, Proof{}, err
	}
	if got.Equal(owned) {
		ownerProof = knew(owner, now)
	}
	if got.Equal(tried) {
		attemptProof = knew(attempt, now)
	}
	return ownerProof, attemptProof, nil
}

func knew(u *user.User, now time.Time) Proof {
	return Proof{u.ID, token.Proof{Method: token.MethodPassword, Revision: u.Password.Revision, Time: now}}
}

// Migrated returns the proof of the password that a user who is being made has got just now, from a
// visitor of whom the program's own function has said in this call that it is theirs (security.md
// S8). Without a password it holds nothing.
func Migrated(u *user.User, now time.Time) Proof {
	if u.Password == nil || u.Version != 0 {
		return Proof{}
	}
	return knew(u, now)
}

// Custom returns the proof of challenges of the program's own that the holder of a ticket has met: its
// functions have said so in this call (security.md S8). It is one proof, however many they were. A
// ticket that is not the user's gives a proof that does not hold.
func Custom(t *storage.Ticket, u *user.User, now time.Time) Proof {
	if t.User != u.ID || t.Epoch != u.Epoch {
		return Proof{}
	}
	return Proof{u.ID, token.Proof{Method: token.MethodCustom, Time: now}}
}

// hash returns a user's password hash, its digest unsealed; the zero Hash, which matches nothing,
// means that there is none.
func (g *Gate) hash(u *user.User) (password.Hash, error) {
	if u == nil || u.Password == nil {
		return password.Hash{}, nil
	}
	h, err := password.Parse(u.Password.Hash)
	if err != nil {
		return h, fmt.Errorf("read password of user %s: %w", u.ID, err)
	}
	h.Digest, err = g.ring.Open(PasswordLabel(u.Pool, u.ID), u.Password.Digest)
	if err != nil {
		return password.Hash{}, fmt.Errorf("open password of user %s: %w", u.ID, err)
	}
	return h, nil
}

// Salted hashes a password that is to be set, as that of the first of the given users who has one
// was hashed, or else as fresh says: under its salt, or a new one where it has none. So an owner
// and the attempts at one address share salt and parameters, and so do the passwords that one user
// has after another; nobody else does. A sign-in brings older parameters up to date, at an address
// without an open sign-up.
func (g *Gate) Salted(
	ctx context.Context, from password.From, fresh password.Hash, s password.Secret, like ...*user.User,
) (password.Hash, error) {
	for _, u := range like {
		if u == nil || u.Password == nil {
			continue
		}
		if h, err := password.Parse(u.Password.Hash); err == nil && h.Scheme == password.Argon2id {
			return g.door.For(from).Repeat(ctx, h, s)
		}
	}
	if fresh.Salt != nil {
		return g.door.For(from).Repeat(ctx, fresh, s)
	}
	return g.door.For(from).Hash(ctx, fresh.Params, s)
}

// PasswordLabel is what a password digest is sealed to.
func PasswordLabel(pool user.PoolID, id user.ID) seal.Label {
	return seal.Label{Pool: string(pool), Kind: "user", Owner: string(id), Field: "password"}
}

// EmailCode judges the code that was sent for a ticket. Channel is the pseudonym of the address
// that it was sent to. A ticket without a code is judged with the same work, and fails; the proof of
// one that is nobody's holds for nobody.
func (g *Gate) EmailCode(t *storage.Ticket, channel, code string, now time.Time) (Proof, bool) {
	return g.sent(token.MethodEmailCode, t, channel, code, now)
}

// SMSCode is [Gate.EmailCode] for a code that was sent to a phone number.
func (g *Gate) SMSCode(t *storage.Ticket, channel, code string, now time.Time) (Proof, bool) {
	return g.sent(token.MethodSMSCode, t, channel, code, now)
}

func (g *Gate) sent(by token.Method, t *storage.Ticket, channel, code string, now time.Time) (Proof, bool) {
	if !g.ring.VerifyMAC(t.Code, CodePurpose, CodeParts(t, channel, code)...) {
		return Proof{}, false
	}
	return Proof{t.User, token.Proof{Method: by, Channel: channel, Time: now}}, true
}

// CodePurpose separates the MACs of codes from all others.
const CodePurpose = "code"

// CodeParts is what the MAC of a code covers (security.md T4): with the code of a link, which opens
// its ticket alone, all that decides what the ticket is good for.
func CodeParts(t *storage.Ticket, channel, code string) [][]byte {
	return [][]byte{
		[]byte(t.Pool), []byte(t.Purpose), []byte(t.User), []byte(t.Client), []byte(t.ID), t.State,
		[]byte(channel), []byte(code),
		fmt.Appendf(nil, "%d %d", t.Epoch, t.Expires.UnixMicro()),
	}
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

// Chosen returns what the holder of proofs has shown once they have set a new password: the proofs
// that held for the user as it was, that of the old password being one of the new, which they know.
// Whoever has not shown the old password has no proof of the new one.
func Chosen(was, is *user.User, now time.Time, shown ...Proof) []Proof {
	if is.ID != was.ID || is.Password == nil {
		return nil
	}
	held := holding(Request{User: was, Purpose: SignIn}, shown, now)
	for i, r := range held {
		if r.Method == token.MethodPassword {
			held[i].Revision = is.Password.Revision
		}
	}
	return Carried(is.ID, held)
}
