package pool

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// mint ends at the gate: it stores the session, clears the run of failures of what was proven, and
// hands out the tokens. Of a device that is new the owner is told.
func (p *Pool) mint(ctx context.Context, v attained) (Step, error) {
	v = p.found(v)
	s, err := p.gate.Session(v.decided, v.terms())
	if err != nil {
		return nil, err
	}
	also := slices.Clip(v.also)
	if v.at.Key.Name != "" {
		also = append(also, storage.Clear{Key: v.at.Key, Rule: rule(v.at.Key), Now: v.now})
	}
	o := occurrence{who: v.user, from: v.h.from, Kind: v.minted(), Outcome: succeeded, Client: v.client.ID}
	if err := p.unlocked(ctx, v.h, o, v.now, also); err != nil {
		return nil, err
	}
	done, err := p.handOut(ctx, v.round, v.h, v.user, s)
	if err != nil {
		return nil, p.withheld(ctx, v.round, v.h, preTokenGeneration, err, o, also...)
	}
	var remembered string
	also, remembered = p.remember(v, also)
	changes := append(append(also, p.ended(v)...), storage.Put(s), p.event(v.now, o))
	if v.signsIn() {
		changes = append(changes, p.afterwards(postAuthentication, hook.Authentication, v.h, v.client.ID, v.user, v.now)...)
	}
	changes = append(changes, p.newDevice(v)...)
	err = p.clearing(ctx, v, changes)
	// Somebody else's failures may have come first, and right does not show.
	if _, locked := limit(err); locked && !errors.Is(err, storage.ErrStale) {
		return nil, p.unjudged(ctx, o, accountLocked, errLocked)
	}
	if err != nil {
		return nil, err
	}
	done.Device, done.Remembered, done.RecoveryCodes = p.knownFrom(v), remembered, v.codes
	return done, nil
}

// signsIn reports whether a session comes of a sign-in, rather than of one that there was.
func (v attained) signsIn() bool {
	s := v.h.event.Source
	return s != hook.ChangePassword && s != hook.RefreshTokens
}

// knownFrom returns the known-device token of where a session was minted. A step-up keeps one known and
// makes none so: the owner would not be told, and whoever had stolen a session would be no stranger at
// the sign-ins that follow.
func (p *Pool) knownFrom(v attained) string {
	had := p.device(v.h.from, v.now)
	if v.replaces != nil && !had.knows(v.user) {
		return ""
	}
	return p.deviceToken(device{
		User: v.user.ID, Epoch: v.user.Epoch, ID: rand.Text(), Expires: v.now.Add(deviceLifetime),
		Networks: had.surroundings(v.user, v.h.from),
	})
}

// clearing commits a session that also clears the counters of what was proven before for it. That was
// judged and counted then: where somebody else's failures have locked one since, it stays as it is.
func (p *Pool) clearing(ctx context.Context, v attained, changes []storage.Change) error {
	earlier := make([]storage.CounterKey, 0, len(v.earlier))
	for _, name := range v.earlier {
		if name != v.at.Key.Name {
			earlier = append(earlier, storage.CounterKey{Pool: p.config.ID, Owner: string(v.user.ID), Name: name})
		}
	}
	for {
		all := slices.Clip(changes)
		for _, key := range earlier {
			all = append(all, storage.Clear{Key: key, Rule: rule(key), Now: v.now})
		}
		err := overMail(p.commit(ctx, all...))
		key, locked := limit(err)
		i := slices.Index(earlier, key)
		if !locked || i < 0 {
			return err
		}
		earlier = slices.Delete(earlier, i, i+1)
	}
}

// handOut returns what is handed out for a new session: the cookie of a browser's, or tokens.
func (p *Pool) handOut(ctx context.Context, r round, h *hooked, u *user.User, s *token.Session) (*Done, error) {
	if h.from.Browser {
		return &Done{Cookie: p.cookie(s), Expires: s.Expires}, nil
	}
	set, err := p.tokens(ctx, r, h, u, s)
	return &Done{Tokens: set}, err
}

// tokens returns what a client is handed for a session. The error may be a hook's.
func (p *Pool) tokens(ctx context.Context, r round, h *hooked, u *user.User, s *token.Session) (token.Set, error) {
	as, err := p.shaped(ctx, r, h, u)
	if err != nil {
		return token.Set{}, err
	}
	access, err := p.sign(ctx, r.state, p.claims(r, token.Access, u, s), as)
	if err != nil {
		return token.Set{}, err
	}
	id, err := p.sign(ctx, r.state, p.claims(r, token.ID, u, s), as)
	if err != nil {
		return token.Set{}, err
	}
	set := token.Set{
		Access: token.NewSecret(access), ID: token.NewSecret(id), Lifetime: lifetime(s, r.client.Tokens.Access, r.now),
	}
	if refreshes := r.client.allows(FlowRefresh) == nil; !refreshes || s.Kind == token.Impersonation {
		return set, nil
	}
	family, err := p.gate.Family(s)
	if err != nil {
		return token.Set{}, unavailable(fmt.Errorf("open session: %w", err))
	}
	set.Refresh = token.FormatRefresh(family, s.Pool, s.User, s.ID, s.Client, s.Generation)
	return set, nil
}

// unlocked is stillOpen before PreTokenGeneration, which takes its time for what was right alone.
func (p *Pool) unlocked(ctx context.Context, h *hooked, o occurrence, now time.Time, wouldBe []storage.Change) error {
	if p.config.Hooks.PreTokenGeneration == nil || h.from.Browser || h.tokens.asked {
		return nil
	}
	return p.stillOpen(ctx, now, o, wouldBe...)
}

// withheld lets it leave that a hook gives no tokens though all was proven, or no challenge where one
// is due. It tells that what was proven was right, so it is counted like a step that is due
// (security.md T5): against the network, and by each counter that would have been cleared.
func (p *Pool) withheld(
	ctx context.Context, r round, h *hooked, by string, err error, o occurrence, wouldBe ...storage.Change,
) error {
	d, denied := errors.AsType[denial](err)
	_, limited := errors.AsType[*LimitError](err)
	switch gone := ctx.Err(); {
	case gone != nil && errors.Is(err, gone): // who waits and hangs up has seen it, too
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
	case !denied && !limited:
		return err // which says nothing of what was proven
	}
	if denied {
		by = d.Hook
	}
	o.Outcome, o.Reason = refused, hookReason(by)
	source := p.sourceKey(r.state, h.from, failures)
	counted := []storage.Change{p.event(r.now, o)}
	for _, c := range wouldBe {
		if clear, ok := c.(storage.Clear); ok {
			counted = append(counted, storage.Count{Key: clear.Key, Rule: clear.Rule, Now: r.now})
		}
	}
	commit := p.commit(ctx, append(slices.Clip(counted), storage.Count{Key: source, Rule: sourceRule, Now: r.now})...)
	if l, full := errors.AsType[*storage.LimitError](commit); full && l.Key == source {
		if commit = p.commit(ctx, counted...); commit == nil {
			commit = &LimitError{Until: l.Until}
		}
	}
	switch _, locked := limit(commit); {
	case locked: // without a verdict
		return p.unjudged(ctx, o, accountLocked, errLocked)
	case commit != nil:
		return commit
	}
	return err
}
