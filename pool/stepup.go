package pool

import (
	"context"
	"time"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
)

// StepUpInput asks who is signed in for a stronger or a newer sign-in (RFC 9470). What a
// *[token.StepUpError] says goes here as it is.
type StepUpInput struct {
	ACR string // [token.AAL1] or [token.AAL2]; "" means any
	// MaxAge is how long ago all of it may have been shown; 0 means any time, and less than a person
	// takes to answer means all of it anew.
	MaxAge   time.Duration
	Metadata map[string]string // for hooks: at most 32 entries of 4 KiB in all
	Caller   Caller            `json:"-"`
}

// stepUp is what a step-up asks for, from its first step to its last.
type stepUp struct {
	ACR    string    `json:"acr,omitempty"`
	Since  time.Time `json:"since,omitzero"`   // what was shown before does not count
	Acting string    `json:"acting,omitempty"` // the session that it takes the place of; "" means that it is a sign-in
}

// asks returns a request of the gate for what is asked for.
func (s stepUp) asks(r gate.Request, now time.Time) gate.Request {
	r.ACR = s.ACR
	if !s.Since.IsZero() {
		r.MaxAge = max(now.Sub(s.Since), 1) // 0 would be any age
	}
	return r
}

// StepUp asks for as much more as the session lacks, and takes its place: what it has proven that is
// strong and new enough counts, the rest is asked for by the steps of a sign-in, which [Pool.Respond]
// takes. In the end there is a new session with a cookie or tokens of its own, and in the same commit
// the acting one is over (security.md T2): whoever has stolen it is left with nothing. It ends when the
// one before would have. It makes no device known ([Caller].Device), of which a sign-in tells.
//
// A browser session that lacks nothing is replaced at once. By an access token all is asked for anew
// then: whoever has stolen one must not get a refresh token for it, which lasts a month.
//
// A step-up never lowers: a session of two factors is made new by two. It is met by proofs that meet all
// that is asked for together, and by no other method: a new password makes no second factor of last
// month new (CVE class 43). A remembered device stands in for nothing.
//
// It fails with [ErrNoFactor] where the user has nothing to show that would do, with [ErrForbidden] for
// an administrator who acts as the user, with a *[ValidationError], with a *[HookError] and, where it
// begins with a challenge of the program's own, with a *[LimitError] of the caller's network. It costs one
// read and one commit, and a commit more with such a challenge; each answer costs what one of a sign-in
// does, and a read.
func (a *Account) StepUp(ctx context.Context, in StepUpInput) (Step, error) {
	var v validation
	if in.ACR != "" && in.ACR != token.AAL1 && in.ACR != token.AAL2 {
		v.add("ACR", `must be "aal1", "aal2" or empty`)
	}
	if in.MaxAge < 0 {
		v.add("MaxAge", "must not be negative")
	}
	v.metadata(in.Metadata)
	if err := v.err(); err != nil {
		return nil, err
	}
	in.Caller.Browser = a.browser
	h := a.pool.call(hook.RefreshTokens, in.Caller, in.Metadata)
	return again(func() (Step, error) { return a.stepUp(ctx, in, &h) })
}

func (a *Account) stepUp(ctx context.Context, in StepUpInput, h *hooked) (Step, error) {
	p := a.pool
	g, err := a.readWith(ctx, in.Caller, storage.Want{})
	if err != nil {
		return nil, err
	}
	if err := a.inPerson(ctx, g, stepUpEvent, in.Caller); err != nil {
		return nil, err
	}
	asked := g.stepUp(in)
	decide := func() gate.Decision {
		return gate.Decide(asked.asks(p.request(g.round, g.user), g.now), gate.Carried(g.user.ID, g.session.Proofs), g.now)
	}
	d := decide()
	if d.Outcome() == gate.Mint && !a.browser {
		asked.Since = g.now
		d = decide()
	}
	v := attained{round: g.round, h: h, user: g.user, decided: d, stepUp: asked, also: []storage.Change{storage.Require(g.user)}}
	if d.Outcome() == gate.Mint {
		v.replaces = g.session
		return p.mint(ctx, v)
	}
	if !asked.Since.IsZero() { // what counts is to count still when the answer comes
		asked.Since = earlier(asked.Since.Add(g.client.StepLifetime), g.now)
		d = decide()
	}
	switch {
	case d.Outcome() == gate.Step:
	case d.Reason() == gate.NoFactor:
		return nil, ErrNoFactor
	default:
		return nil, ErrNotAuthorized
	}
	o := occurrence{who: g.user, from: in.Caller, Kind: stepUpEvent, Outcome: stepped, Client: g.client.ID}
	v.decided, v.stepUp, v.finished = d, asked, true
	v.also = append(v.also, storage.Require(g.session), p.event(g.now, o))
	return p.advance(ctx, v)
}

// stepUp returns what an input asks for, and no less than the session has shown already. What is too
// old to be of a level is asked for anew.
func (g granted) stepUp(in StepUpInput) stepUp {
	s := stepUp{ACR: in.ACR, Acting: g.session.ID}
	age := in.MaxAge
	if token.ACR(g.session.Proofs, g.now) == token.AAL2 {
		s.ACR = token.AAL2
	}
	if s.ACR == token.AAL2 && (age == 0 || age > token.AAL2Age) {
		age = token.AAL2Age
	}
	if age > 0 {
		s.Since = g.now.Add(-age)
	}
	for _, p := range g.session.Proofs {
		if p.Method == token.MethodFaded && s.ACR == token.AAL2 && p.Time.After(s.Since) {
			s.Since = p.Time
		}
	}
	return s
}

// acting reads the session that a ticket steps up. Where it is over, so is the step-up: a stolen ticket
// outlives no sign-out, and nobody else answers it, as a step by which a sign-in begins may be.
func (p *Pool) acting(ctx context.Context, a answered) (*token.Session, error) {
	if a.user == nil {
		return nil, ErrTicketGone
	}
	key := storage.SessionKey{User: a.user.ID, ID: a.Acting}
	got, err := p.read(ctx, storage.Want{Now: a.now, Session: key})
	if err != nil {
		return nil, err
	}
	lives, err := granted{round: a.round, user: a.user}.lives(ctx, p, got.Session)
	if err != nil {
		return nil, err
	}
	if !lives {
		return nil, ErrTicketGone
	}
	return got.Session, nil
}

// minted is the event of a session that is made.
func (v attained) minted() string {
	if v.replaces != nil {
		return stepUpEvent
	}
	return signInEvent
}

// terms are what the session is to be like. A step-up moves no limit: it is no sign-in by all that one
// takes.
func (v attained) terms() gate.Terms {
	t := v.state.settings.terms(v.client, v.h.from)
	if v.replaces != nil {
		t.Lifetime = min(t.Lifetime, v.replaces.Expires.Sub(v.now))
	}
	return t
}

// ended returns the changes that end the session which a step-up takes the place of.
func (p *Pool) ended(v attained) []storage.Change {
	if v.replaces == nil {
		return nil
	}
	return p.end(granted{round: v.round, session: v.replaces, user: v.user})
}
