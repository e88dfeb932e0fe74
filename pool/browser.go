package pool

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// SessionSettings are the limits of browser sessions. Those of sessions that are tokens are the
// client's ([TokenSettings]). A limit that is lowered binds the sessions that there are, too; one
// that is raised does not.
type SessionSettings struct {
	// Idle is how long a browser may ask for nothing: 5 min to Absolute; 0 means 24 h, or Absolute
	// where that is less. A use is noted once in a twelfth of it, so a session may end so much
	// earlier. Sessions that are tokens have no such limit.
	Idle time.Duration
	// StrongIdle is how long a session may lie idle and still be of two factors ([token.AAL2]), which
	// fades in any case a day after these were shown: 5 min to 24 h; 0 means 1 h, NIST's longest (SP
	// 800-63B-4, 2.2.3). The session goes on, as one of one factor. Of one that is tokens a refresh is a
	// use, and nothing else.
	StrongIdle time.Duration `json:",omitzero"`
	// Absolute is when the visitor must sign in again, however busy: 5 min to 400 days, beyond which
	// browsers keep no cookie; 0 means 30 days, NIST's longest for one factor (SP 800-63B-4, 2.1.3).
	Absolute time.Duration
	// Fresh is for how long after the sign-in sensitive acts on one's own account ask for no other
	// proof: a change of address, the end of other sessions, deletion, export. It holds for sessions
	// that are tokens, too; a refresh does not move the time of the sign-in. 1 min to 24 h, the
	// longest that NIST lets any sign-in stand for (SP 800-63B-4, 2.2.3); 0 means 10 min.
	Fresh time.Duration
}

// uses is how often within the idle limit a use is noted: what lies between is read, and not
// written.
const uses = 12

func (s SessionSettings) defaults() SessionSettings {
	s.Absolute = orElse(s.Absolute, 30*24*time.Hour)
	s.Idle = orElse(s.Idle, min(24*time.Hour, s.Absolute))
	s.Fresh = orElse(s.Fresh, 10*time.Minute)
	return s
}

// strongIdle is StrongIdle or its default, which is not stored: a process of the version before reads
// the settings, too.
func (s SessionSettings) strongIdle() time.Duration { return orElse(s.StrongIdle, time.Hour) }

func (s SessionSettings) problems() (ps []string) {
	const least, day = 5 * time.Minute, 24 * time.Hour
	if s.Absolute < least || s.Absolute > 400*day {
		ps = append(ps, fmt.Sprintf("sessions: absolute limit %v is not within %v and %v", s.Absolute, least, 400*day))
	}
	if s.Idle < least || s.Idle > s.Absolute {
		const text = "sessions: idle limit %v is not within %v and the absolute one, %v"
		ps = append(ps, fmt.Sprintf(text, s.Idle, least, s.Absolute))
	}
	if d := s.strongIdle(); d < least || d > day {
		ps = append(ps, fmt.Sprintf("sessions: idle limit of two factors %v is not within %v and %v", d, least, day))
	}
	if s.Fresh < time.Minute || s.Fresh > day {
		ps = append(ps, fmt.Sprintf("sessions: fresh for %v is not within %v and %v", s.Fresh, time.Minute, day))
	}
	return ps
}

// over reports whether a browser session is past a limit, its own or one that was lowered since
// (security.md S18).
func (s SessionSettings) over(b *token.Session, now time.Time) bool {
	return !now.Before(b.Ends()) || !now.Before(b.Created.Add(s.Absolute)) || !now.Before(b.LastUsed.Add(s.Idle))
}

// Session returns the account of a browser session by the value of its cookie ([Done].Cookie), with
// the profile as of the same read. It is how a surface learns at each request who asks: signing
// out, a new password, disabling the user and all else that ends sessions count at once, and
// today's settings and status decide, not those of the sign-in (security.md T3).
//
// It fails with [ErrNotAuthorized]: sign in again. It costs one read, and a commit once in a
// twelfth of the idle limit ([SessionSettings]), of one of two factors once in five minutes, which does
// not fail it. A forged value is refused without a read.
func (p *Pool) Session(ctx context.Context, cookie token.Secret) (*Account, Profile, error) {
	c, ok := p.parseCookie(cookie.Reveal())
	if !ok {
		return nil, Profile{}, ErrNotAuthorized
	}
	a := &Account{p, token.Claims{Subject: c.user, Session: c.session, Epoch: c.epoch}, true}
	g, err := a.read(ctx)
	if err != nil {
		return nil, Profile{}, err
	}
	a.claims.Actor = g.session.Actor()
	a.claims.ACR = token.ACR(g.session.Proofs, g.now)
	if a.claims.Actor == "" { // for whom the user has shown nothing
		a.claims.AuthTime = authTime(g.session, g.now)
	}
	p.used(ctx, g)
	return a, g.profile(), nil
}

// used notes that a browser session was used, now and then.
func (p *Pool) used(ctx context.Context, g granted) {
	idle := min(g.session.Idle, g.state.settings.Sessions.Idle)
	if strong := token.ACR(g.session.Proofs, g.now) == token.AAL2; strong {
		idle = min(idle, g.state.settings.Sessions.strongIdle())
	}
	if g.now.Sub(g.session.LastUsed) < idle/uses {
		return
	}
	next := g.session.Clone()
	next.LastUsed = g.now
	// Stale: another request has noted it, or ended the session, which this does not bring back.
	if err := p.commit(ctx, storage.Put(next)); err != nil && !errors.Is(err, storage.ErrStale) {
		p.config.Logger.WarnContext(ctx, "use of a session not noted",
			"pool", p.config.ID, "user", g.user.ID, "error", err)
	}
}

// terms are what a session of a caller is to be like.
func (s Settings) terms(c Client, from Caller) gate.Terms {
	if from.Browser {
		return gate.Terms{Client: c.ID, Browser: true, Idle: s.Sessions.Idle, Lifetime: s.Sessions.Absolute}
	}
	return gate.Terms{Client: c.ID, Lifetime: c.Tokens.Refresh}
}

// errOtherSurface is for a ticket that a browser holds and something else answers, or the other way
// round.
var errOtherSurface = fmt.Errorf(
	"%w: what a browser began it ends, and nothing else does (Caller.Browser)", ErrWrongStep)

// A cookie is the names of a browser session, and proof that this pool gave them: nothing of it is
// stored, and nothing that is stored opens anything (security.md T2).
const (
	cookiePrefix  = "v1."
	cookiePurpose = "browser session"
	maxCookie     = 1 << 10 // bytes: a browser sends what anybody made it keep
)

// cookie is what a cookie says.
type cookie struct {
	user, session string
	epoch         int64
}

// cookie returns the value of a browser session's cookie.
func (p *Pool) cookie(s *token.Session) token.Secret {
	c := cookie{s.User, s.ID, s.Epoch}
	b := c.names()
	b = append(b, p.config.Keys.MAC(cookiePurpose, []byte(p.config.ID), b)...)
	return token.NewSecret(cookiePrefix + base64.RawURLEncoding.EncodeToString(b))
}

// names returns what the MAC is of: both ids behind their lengths, and the epoch.
func (c cookie) names() []byte {
	b := append([]byte{byte(len(c.user))}, c.user...)
	b = append(append(b, byte(len(c.session))), c.session...)
	return binary.BigEndian.AppendUint64(b, uint64(c.epoch))
}

// parseCookie reads a cookie that this pool made, in the one spelling that it has.
func (p *Pool) parseCookie(text string) (c cookie, ok bool) {
	if len(text) < len(cookiePrefix) || text[:len(cookiePrefix)] != cookiePrefix {
		return c, false
	}
	b, ok := decode(text[len(cookiePrefix):], maxCookie)
	if !ok {
		return c, false
	}
	rest := b
	for _, id := range []*string{&c.user, &c.session} {
		if len(rest) == 0 || len(rest) <= int(rest[0]) {
			return c, false
		}
		*id, rest = string(rest[1:1+int(rest[0])]), rest[1+int(rest[0]):]
	}
	if len(rest) < 8 {
		return c, false
	}
	c.epoch = int64(binary.BigEndian.Uint64(rest))
	names, mac := b[:len(b)-len(rest)+8], rest[8:]
	return c, p.config.Keys.VerifyMAC(mac, cookiePurpose, []byte(p.config.ID), names)
}

// profile returns what users may see of themselves, as far as the client is shown it.
func (g granted) profile() Profile {
	u := g.user
	email, emailProven := u.Address(user.KindEmail)
	phone, phoneProven := u.Address(user.KindPhone)
	return g.client.redact(Profile{
		ID: u.ID, Username: u.Username(),
		Email: email.Display, EmailVerified: emailProven, Phone: phone.Display, PhoneVerified: phoneProven,
		Attributes: plain(u.Attributes), Groups: g.state.groupsOf(u), Created: u.Created, Actor: g.session.Actor(),
	})
}
