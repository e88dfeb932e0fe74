package pool

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// accountScope lets a token be used to read and change one's own account (security.md S12).
const accountScope = "account"

// claims returns what a token of a session says. How strong the sign-in was is computed from the
// session's proofs now, and its time is that of the oldest: a refresh moves neither (security.md
// T2).
func (p *Pool) claims(st *state, use token.Use, client Client, u *user.User, s *token.Session, now time.Time) token.Claims {
	c := token.Claims{
		Issuer: p.config.Issuer, Subject: string(u.ID), ClientID: client.ID, Use: use,
		JTI: rand.Text(), Session: s.ID, Epoch: s.Epoch,
		Username: u.Username(), Groups: st.groupsOf(u), AuthTime: authTime(s), IssuedAt: now, AMR: token.AMR(s.Proofs), ACR: token.ACR(s.Proofs, now),
	}
	switch use {
	case token.Access:
		c.ExpiresAt, c.Scope = now.Add(client.Tokens.Access), []string{accountScope}
	case token.ID:
		c.ExpiresAt, c.Attributes = now.Add(client.Tokens.ID), u.Attributes
		c.Name = u.Attributes["name"]
		if l, proven := u.Address(user.KindEmail); l.Display != "" {
			c.Email, c.EmailVerified = l.Display, new(proven)
		}
		if l, proven := u.Address(user.KindPhone); l.Display != "" {
			c.PhoneNumber, c.PhoneVerified = l.Display, new(proven)
		}
	}
	return c
}

// authTime returns the time of the oldest proof.
func authTime(s *token.Session) time.Time {
	oldest := s.Created
	for _, p := range s.Proofs {
		if p.Time.Before(oldest) {
			oldest = p.Time
		}
	}
	return oldest
}

// liveKeys are the pool's public keys as of the newest state that this process knows.
type liveKeys struct{ p *Pool }

// Key returns the public key of an id, or [token.ErrNoKey].
func (l liveKeys) Key(ctx context.Context, kid string) (token.PublicKey, error) {
	return l.p.today().keys.Key(ctx, kid)
}
