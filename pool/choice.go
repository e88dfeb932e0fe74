package pool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// choice is a password that somebody wants to have. What is costly about it is done once, in the
// first round that needs it.
type choice struct {
	value password.Secret
	by    Caller
	// trusted says that it is an administrator's, which no network is charged for.
	trusted bool
	salt    []byte // where there is no password to take it from; nil means a random one

	compared int64 // with the passwords of a user, as of this revision; 0 means not yet
	used     bool
	asked    bool // whether it was found in a breach
	breached error
	hash     *password.Hash
}

// choose returns u, as read, with the password that they chose. A refusal is what the policy has
// against it. It tells that what was shown before was right, and so leaves only once it is counted
// (security.md T5).
func (p *Pool) choose(
	ctx context.Context, from password.From, policy password.Policy, c *choice, u *user.User, now time.Time,
) (next *user.User, refusal, err error) {
	if refusal, err = p.mayTake(ctx, from, policy, c, u); refusal != nil || err != nil {
		return nil, refusal, err
	}
	if refusal, err = p.unbreached(ctx, c, now); refusal != nil || err != nil {
		return nil, refusal, err
	}
	if err := p.hashOnce(ctx, c, from, u); err != nil {
		return nil, nil, err
	}
	next = u.Clone()
	if err := p.setPassword(next, *c.hash, policy, now); err != nil {
		return nil, nil, unavailable(err)
	}
	return next, nil, nil
}

// unchosen lets it leave that a choice could not be judged, because the password door is full or
// the visitor has gone. It tells that what was shown before was right, and so is counted like a
// refusal (security.md T5).
func (p *Pool) unchosen(ctx context.Context, g guess, err error, o occurrence) error {
	_, limited := errors.AsType[*LimitError](err)
	switch gone := ctx.Err(); {
	case gone != nil && errors.Is(err, gone): // who waits and hangs up has seen it, too
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
		defer cancel()
	case !limited:
		return err // which says nothing of what was shown
	}
	o.Reason = doorFull
	return p.wrong(ctx, g, err, o)
}

// mayTake judges a new password of u, whose login, name and passwords are known only once u was
// read.
func (p *Pool) mayTake(
	ctx context.Context, from password.From, policy password.Policy, c *choice, u *user.User,
) (refusal, err error) {
	var v validation
	v.newPassword(policy, c.value, known(u)...)
	if policy.History > 0 && v.err() == nil {
		if err := p.compareOnce(ctx, from, c, u, policy.History); err != nil {
			return nil, err
		}
		if c.used {
			v.broken(password.Violation{Rule: password.RuleHistory})
		}
	}
	return v.err(), nil
}

// compareOnce compares a choice with the last passwords of u, unless an earlier round has.
func (p *Pool) compareOnce(
	ctx context.Context, from password.From, c *choice, u *user.User, history int,
) (err error) {
	if u.Password == nil || c.compared == u.Password.Revision {
		return nil
	}
	if c.used, err = p.gate.Used(ctx, from, u, c.value, history); err != nil {
		return p.busy(err)
	}
	c.compared = u.Password.Revision
	return nil
}

// unbreached asks whether a choice was found in a breach, where the pool has somebody to ask. The
// question is counted against the caller's network, in a commit of its own, before it is put: who
// hangs up, or finds the password door full, has asked all the same, so that nobody makes us ask
// without end. A refusal depends on the password and the network, and on no account.
func (p *Pool) unbreached(ctx context.Context, c *choice, now time.Time) (refusal, err error) {
	if p.config.Breached == nil || c.asked {
		return c.breached, nil
	}
	if !c.trusted {
		network := p.sourceKey(p.state.Load(), c.by, requests)
		err = p.commit(ctx, storage.Count{Key: network, Rule: requestRule, Now: now})
	}
	if l, full := errors.AsType[*storage.LimitError](err); full {
		return &LimitError{Until: l.Until}, nil
	}
	if err != nil {
		return nil, err
	}
	var v validation
	switch err := p.config.Breached.Check(ctx, c.value); {
	case errors.Is(err, password.ErrUnavailable): // its cause is for the operator, and was told there
		c.breached = fmt.Errorf("%w: %w", ErrUnavailable, password.ErrUnavailable)
	case ctx.Err() != nil:
		return nil, err
	default:
		v.refused(err)
		c.breached = v.err()
	}
	c.asked = true
	return c.breached, nil
}

// known returns what others know of u.
func known(u *user.User) []string {
	words := []string{called(u), u.Attributes["name"], u.Attributes[preferredName]}
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		l, _ := u.Address(k)
		words = append(words, l.Display)
	}
	return words
}

// hashOnce hashes a password that is to be set, unless an earlier round has.
func (p *Pool) hashOnce(ctx context.Context, c *choice, from password.From, like ...*user.User) error {
	if c.hash != nil {
		return nil
	}
	h, err := p.gate.Salted(ctx, from, p.fresh(c.salt), c.value, like...)
	if err != nil {
		return p.busy(err)
	}
	c.hash = &h
	return nil
}

// fresh returns how a password is hashed that takes after no other; a nil salt means a random one.
func (p *Pool) fresh(salt []byte) password.Hash {
	return password.Hash{Scheme: password.Argon2id, Params: p.config.hashing(), Salt: salt}
}

// setPassword gives u a new password. The epoch ends whatever was made before (security.md T3).
func (p *Pool) setPassword(u *user.User, hash password.Hash, policy password.Policy, now time.Time) error {
	if u.EventKey == nil {
		u.EventKey = newEventKey()
	}
	if u.Version != 0 { // not a sign-up that is being made
		u.Epoch++
	}
	u.Updated = now
	return p.gate.SetPassword(u, hash, policy.History, now)
}

// replaced returns the changes that tell verifiers and the owner that a password was set. Told is
// the counter of such notices: without one, whoever is paid for messages to their phone would
// change it all day long.
func (p *Pool) replaced(u *user.User, told storage.Counter, now time.Time, locale string) []storage.Change {
	to, proven := contact(u)
	notice := letterTo(to, message.PasswordChanged, locale, "")
	full := !mailing(to).Locked(told, now).IsZero()
	notice.Name, notice.Void = u.Username(), !proven || full
	changes := []storage.Change{p.revokeAll(u, now), p.notify(u.ID, notice, now)}
	if full {
		return changes
	}
	return append(changes, storage.Count{Key: told.Key, Rule: mailing(to), Now: now})
}
