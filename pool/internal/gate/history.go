package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/user"
)

// SetPassword gives u a password that was hashed, and keeps so many of those before it that the
// policy can look at history of them, the new one included. It fails where the present one cannot
// be read.
func (g *Gate) SetPassword(u *user.User, hash password.Hash, history int, now time.Time) error {
	next := user.Password{
		Hash: hash.Bare(), Digest: g.ring.Seal(PasswordLabel(u.Pool, u.ID), hash.Digest),
		Form: user.FormNFC, Set: now,
	}
	old, err := g.hash(u)
	if err != nil {
		return err
	}
	u.Password = u.Password.Replace(next, g.ring.Seal(pastLabel(u), old.Digest), history-1)
	return nil
}

// Used reports whether s is one of the last history passwords of u, the present one included. Each
// that it looks at costs a hash at the door.
func (g *Gate) Used(
	ctx context.Context, from password.From, u *user.User, s password.Secret, history int,
) (bool, error) {
	present, err := g.hash(u)
	if err != nil || present.Digest == nil {
		return false, err
	}
	old := []password.Hash{present}
	for _, p := range u.Password.Past[:min(len(u.Password.Past), history-1)] {
		h, err := password.Parse(p.Hash)
		if err == nil {
			h.Digest, err = g.ring.Open(pastLabel(u), p.Digest)
		}
		if err != nil {
			return false, fmt.Errorf("read past password of user %s: %w", u.ID, err)
		}
		old = append(old, h)
	}
	return g.door.For(from).Used(ctx, old, s)
}

// pastLabel is what the digest of a replaced password is sealed to: it cannot take the place of the
// present one.
func pastLabel(u *user.User) seal.Label {
	return seal.Label{Pool: string(u.Pool), Kind: "user", Owner: string(u.ID), Field: "past password"}
}
