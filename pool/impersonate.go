package pool

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// ImpersonationSettings are how administrators act as users.
type ImpersonationSettings struct {
	// InsecureSilent tells users nothing of it. The history does all the same.
	InsecureSilent bool `json:",omitzero"`
}

// ImpersonateInput asks to act as a user.
type ImpersonateInput struct {
	ID user.ID
	// Reason stands in the history: 1 to 256 bytes of printable text, such as the number of a
	// ticket. Name nobody in it: it is not erased with the user.
	Reason string
	// Lifetime is 1 to 30 minutes; 0 means 30. Tokens end with those of the client, and a browser
	// session at the limit of the pool's ([SessionSettings]), if that is earlier.
	Lifetime time.Duration
	Client   string            // that the session is for; "" means the pool's only client
	Browser  bool              // a browser session, and no tokens: see [Caller].Browser
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
}

const maxReason = 256

// Impersonate lets the administrator act as a user, to see what they see (security.md S6). It
// returns tokens whose claim "act" names the administrator ([token.Claims].Actor), or with Browser
// the cookie of a session in whose profile [Profile].Actor does. There is no refresh token, no
// auth_time and no acr: nothing of the user was shown. What is the user's own is refused with
// [ErrForbidden]: credentials, addresses, other sessions, deletion and the like; a program that has
// more of that asks for [token.Requirement].Self, or looks at the actor.
//
// The session is the user's: it is among theirs, they can end it, and so does all that ends theirs.
// It is of no use while the user may do what they might not when it began, as an administrator: they
// may be above whoever acts. Whatever ends all sessions of who acts, where that is a user, ends it too,
// and so does taking them out of what lets them: an access token that is out is refused at
// [Pool.Verifier] after the former, and is good until it expires after the latter. That costs one read
// more at each use of such a session. Staff of the program's own are shut out earlier than it ends by
// [Admin.SignOutEverywhere] of the user.
//
// They are told by mail or else by SMS, unless [ImpersonationSettings] say otherwise. The event, and
// each event of what is done with it, names both. PreTokenGeneration is asked about tokens, and told
// of the actor.
//
// Who is a user themselves must have signed in by two factors: otherwise it is [ErrForbidden]. It
// fails also with [ErrNotFound], with [ErrNotAllowed] where the user is disabled or in another
// status than Confirmed, with [ErrUnknownClient], with a *[ValidationError], and with a *[HookError].
// It costs one read and one commit.
func (a *Admin) Impersonate(ctx context.Context, in ImpersonateInput) (*Done, error) {
	var v validation
	v.impersonation(in)
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	p := a.pool
	h := p.call(hook.Impersonation, Caller{Browser: in.Browser}, in.Metadata)
	h.event.Actor = a.actor.Name
	var done *Done
	err := a.act(ctx, in.ID, impersonateEvent, MayImpersonate, func(f *found) (changes []storage.Change, err error) {
		if f.client, err = f.state.settings.client(in.Client); err != nil {
			return nil, err
		}
		d := a.decide(f)
		if err := unlike(d.Reason()); err != nil {
			return nil, err
		}
		terms := f.state.settings.terms(f.client, h.from)
		terms.Lifetime = min(terms.Lifetime, orElse(in.Lifetime, gate.MaxImpersonation))
		s, err := p.gate.Session(d, terms)
		if err != nil {
			return nil, err
		}
		if done, err = p.handOut(ctx, f.round, &h, f.User, s); err != nil {
			return nil, p.denied(ctx, err, f.now, a.did(impersonateEvent, f.User, ""))
		}
		f.reason = in.Reason
		return append(p.impersonated(f), storage.Put(s), storage.Require(f.User)), nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// decide asks the gate whether the administrator may be the user.
func (a *Admin) decide(f *found) gate.Decision {
	may := f.state.roleOf(f.User)
	by := gate.Actor{
		Name: a.actor.Name, Above: f.by.over(may) == nil, User: a.account != nil, Epoch: f.by.epoch, ACR: f.by.acr,
	}
	return gate.Decide(gate.Request{User: f.User, Purpose: gate.Impersonate, Actor: by, May: uint32(may)}, nil, f.now)
}

// actor reads the user who acts in a session as g's, if one does, for the gate to judge. Who may not do
// so any more is nobody to it.
func (p *Pool) actor(ctx context.Context, g granted, s *token.Session) (gate.Actor, error) {
	id := gate.ActingUser(s)
	if id == "" {
		return gate.Actor{}, nil
	}
	got, err := p.read(ctx, storage.Want{Now: g.now, User: user.ByID(id)})
	if err != nil || got.User == nil {
		return gate.Actor{}, err
	}
	if role := g.state.roleOf(got.User); !role.Has(MayImpersonate) || !g.state.roleOf(g.user).below(role) {
		return gate.Actor{}, nil
	}
	return gate.Actor{Name: string(id), User: true, Epoch: got.User.Epoch}, nil
}

// unlike returns the error for a reason of the gate, nil for none.
func unlike(why gate.Reason) error {
	if why == "" {
		return nil
	}
	if why == gate.NotBelow {
		return ErrForbidden
	}
	if why == gate.WeakActor {
		return fmt.Errorf("%w: who acts as somebody has signed in by two factors", ErrForbidden)
	}
	return fmt.Errorf("%w: nobody acts as somebody who cannot sign in (%s)", ErrNotAllowed, why)
}

// impersonated returns the change that tells the owner of an account that somebody acts as them.
func (p *Pool) impersonated(f *found) []storage.Change {
	to, proven := contact(f.User)
	if !proven || f.state.settings.Impersonation.InsecureSilent {
		return nil
	}
	l := letterTo(to, message.Impersonated, localeOf(f.User, ""), "")
	l.Name = f.Username()
	return []storage.Change{p.notify(f.ID, l, f.now)}
}

// impersonation checks the form of an input.
func (v *validation) impersonation(in ImpersonateInput) {
	unfit := func(r rune) bool { return !unicode.IsPrint(r) }
	if r := in.Reason; r == "" || len(r) > maxReason || !utf8.ValidString(r) || strings.ContainsFunc(r, unfit) {
		v.add("Reason", fmt.Sprintf("must be 1 to %d bytes that can be printed", maxReason))
	}
	if d := in.Lifetime; d != 0 && (d < time.Minute || d > gate.MaxImpersonation) {
		v.add("Lifetime", "must be 1 to 30 minutes, or 0")
	}
}
