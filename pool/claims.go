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
// session's proofs now, and its time is that of the oldest that this rests on: a refresh moves neither (security.md
// T2).
func (p *Pool) claims(r round, use token.Use, u *user.User, s *token.Session) token.Claims {
	c := token.Claims{
		Issuer: p.config.Issuer, Subject: string(u.ID), ClientID: r.client.ID, Use: use,
		JTI: rand.Text(), Session: s.ID, Epoch: s.Epoch,
		Username: u.Username(), Groups: r.state.groupsOf(u), Actor: s.Actor(), IssuedAt: r.now,
		AMR: token.AMR(s.Proofs, r.now), ACR: token.ACR(s.Proofs, r.now),
	}
	if s.Kind != token.Impersonation { // for which the user has shown nothing
		c.AuthTime = authTime(s, r.now)
	}
	switch use {
	case token.Access:
		c.ExpiresAt, c.Scope = r.now.Add(lifetime(s, r.client.Tokens.Access, r.now)), []string{accountScope}
	case token.ID:
		c.ExpiresAt, c.Attributes = r.now.Add(lifetime(s, r.client.Tokens.ID, r.now)), u.Attributes
		c.Name = u.Attributes["name"]
		if l, proven := u.Address(user.KindEmail); l.Display != "" {
			c.Email, c.EmailVerified = l.Display, new(proven)
		}
		if l, proven := u.Address(user.KindPhone); l.Display != "" {
			c.PhoneNumber, c.PhoneVerified = l.Display, new(proven)
		}
		r.client.withhold(&c)
	}
	return c
}

// lifetime returns how long a token of a session is good that would be for d: one of an actor ends
// with the session, because nothing else shows that it has ended (security.md S6).
func lifetime(s *token.Session, d time.Duration, now time.Time) time.Duration {
	if s.Kind == token.Impersonation {
		return min(d, s.Expires.Sub(now))
	}
	return d
}

// authTime returns when the user was last present for what the session stands on; of one of an actor,
// when it began.
func authTime(s *token.Session, now time.Time) time.Time {
	if t := token.AuthTime(s.Proofs, now); !t.IsZero() {
		return t
	}
	return s.Created
}

// liveKeys are the pool's public keys as of the newest state that this process knows.
type liveKeys struct{ p *Pool }

// Key returns the public key of an id, or [token.ErrNoKey].
func (l liveKeys) Key(ctx context.Context, kid string) (token.PublicKey, error) {
	return l.p.today().keys.Key(ctx, kid)
}
