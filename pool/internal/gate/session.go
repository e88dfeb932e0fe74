package gate

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// ErrNotDecided means that a session was asked for without a decision to mint one.
var ErrNotDecided = errors.New("gate: no decision to mint")

// Terms are what the settings say about a session.
type Terms struct {
	Client   string
	Browser  bool          // a session of a browser, and not of tokens
	Idle     time.Duration // how long it may go unused; 0 means for ever
	Lifetime time.Duration // until the absolute end
}

// MaxImpersonation is how long an actor may be the user.
const MaxImpersonation = 30 * time.Minute

// Session makes the session that d decided to mint: one of a browser, or a grant of the client,
// with a refresh family of its own (security.md T2, T4). That of an actor has none and is short
// (S6). It is not stored yet.
func (g *Gate) Session(d Decision, t Terms) (*token.Session, error) {
	if d.outcome != Mint {
		return nil, ErrNotDecided
	}
	s := &token.Session{
		ID: rand.Text(), Pool: string(d.user.Pool), User: string(d.user.ID), Epoch: d.user.Epoch,
		Kind: token.Grant, Client: t.Client, Proofs: d.proofs,
		Created: d.now, LastUsed: d.now, Idle: t.Idle, Expires: d.now.Add(t.Lifetime),
	}
	s.Device = d.device()
	if acts(d.proofs) {
		s.Kind, s.Expires = token.Impersonation, d.now.Add(min(t.Lifetime, MaxImpersonation))
		return s, nil
	}
	if t.Browser {
		s.Kind = token.Browser
		return s, nil
	}
	s.Generation, s.Rotated = 1, d.now
	var family [32]byte
	rand.Read(family[:]) // never fails: crypto/rand
	s.Key = g.ring.Seal(familyLabel(d.user.Pool, s.ID), family[:])
	return s, nil
}

// Renewed returns a session that is stored already as it goes on by d: of the user's epoch as it is by
// now, and by the proofs that hold. Its end and its refresh tokens stay as they are.
func (*Gate) Renewed(s *token.Session, d Decision) (*token.Session, error) {
	if d.outcome != Mint || s.Version == 0 || s.User != string(d.user.ID) || s.Pool != string(d.user.Pool) || acts(d.proofs) {
		return nil, ErrNotDecided
	}
	next := s.Clone()
	next.Epoch, next.Proofs, next.Device, next.LastUsed = d.user.Epoch, d.proofs, d.device(), d.now
	return next, nil
}

// device returns the remembered device that a session rests on; "" means none.
func (d Decision) device() (id string) {
	for _, p := range d.proofs {
		if p.Method == token.MethodDevice {
			id = p.Credential
		}
	}
	return id
}

// Family returns the key of a session's refresh tokens.
func (g *Gate) Family(s *token.Session) ([]byte, error) {
	return g.ring.Open(familyLabel(user.PoolID(s.Pool), s.ID), s.Key)
}

func familyLabel(pool user.PoolID, session string) seal.Label {
	return seal.Label{Pool: string(pool), Kind: "session", Owner: session, Field: "family"}
}
