package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/storage"
)

// guessRule bounds guessing at one authenticator (security.md T5): the fifth failure locks for a
// second, each later one for twice as long up to 15 minutes, the hundredth in a row for good.
var guessRule = storage.Rule{Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: 15 * time.Minute, Ceiling: 100}

// codeRule is the same for codes, without a ceiling: strangers can cause codes to be sent and guess
// at them, and must not be able to close the way back for good.
var codeRule = storage.Rule{Free: guessRule.Free, Base: guessRule.Base, Max: guessRule.Max, Decay: guessRule.Decay}

// rule returns the rule of a counter of guesses.
func rule(key storage.CounterKey) storage.Rule {
	if ofCode(key) {
		return codeRule
	}
	return guessRule
}

// ofCode reports whether a counter is of guesses at codes.
func ofCode(key storage.CounterKey) bool { return strings.HasPrefix(key.Name, "code:") }

// sourceRule bounds wrong answers from one network, whatever accounts they are at (security.md T6).
// Only wrong ones count, and a right one resets nothing.
var sourceRule = storage.Rule{Free: 100, Window: 15 * time.Minute}

// guess is one at a secret of an account. A wrong one counts twice: at a counter of the account, and
// at that of the caller's network.
type guess struct {
	at     storage.Counter // as read
	source storage.CounterKey
	now    time.Time
}

// wrong lets a verdict of "no" leave only in the commit that counts it (security.md T5), against the
// account and against the network. Where a counter of the account locked meanwhile none leaves.
func (p *Pool) wrong(ctx context.Context, g guess, verdict error, o occurrence, also ...storage.Change) error {
	count, until := failure(g.at, g.now)
	counted := append([]storage.Change{count, p.event(g.now, o.locking(until))}, also...)
	everywhere := append(slices.Clip(counted), storage.Count{Key: g.source, Rule: sourceRule, Now: g.now})
	err := overMail(p.commit(ctx, everywhere...))
	if errors.Is(err, storage.ErrStale) {
		return err
	}
	if l, full := errors.AsType[*storage.LimitError](err); full && l.Key == g.source {
		return p.pastNetwork(ctx, g, l.Until, o, counted...)
	} else if full {
		return p.unjudged(ctx, o, accountLocked, whileLocked(g.at))
	} else if err == nil {
		return verdict
	}
	return err
}

// pastNetwork counts a guess from a network that has had enough by now, against the account alone:
// else whoever has used up a network would have guesses there for nothing. No verdict leaves.
func (p *Pool) pastNetwork(
	ctx context.Context, g guess, until time.Time, o occurrence, counted ...storage.Change,
) error {
	err := overMail(p.commit(ctx, counted...))
	if err == nil {
		return &LimitError{Until: until}
	}
	if _, locked := limit(err); !locked || errors.Is(err, storage.ErrStale) {
		return err
	}
	return p.unjudged(ctx, o, accountLocked, whileLocked(g.at))
}

// stillOpen refuses where a counter that a success would clear has locked since it was read. It
// stands before what is done for a right answer alone and takes time: whoever waits for that would
// learn of more guesses than are counted (security.md T5).
func (p *Pool) stillOpen(ctx context.Context, now time.Time, o occurrence, wouldBe ...storage.Change) error {
	want := storage.Want{Now: now}
	var rules []storage.Rule
	for _, c := range wouldBe {
		if clear, ok := c.(storage.Clear); ok {
			want.Counters, rules = append(want.Counters, clear.Key), append(rules, clear.Rule)
		}
	}
	got, err := p.read(ctx, want)
	if err != nil {
		return err
	}
	for n, c := range got.Counters {
		if !rules[n].Locked(c, now).IsZero() {
			return p.unjudged(ctx, o, accountLocked, errLocked)
		}
	}
	return nil
}

// counted commits a right answer to which another step is due. The verdict leaves by it, so it is
// counted; the session that ends this clears it (security.md T5). Warned tells the owner of failures.
func (p *Pool) counted(ctx context.Context, g guess, warned []storage.Change, o occurrence, changes ...storage.Change) error {
	count, until := failure(g.at, g.now)
	changes = append(append(changes, warned...), count, p.event(g.now, o.locking(until)),
		storage.Count{Key: g.source, Rule: sourceRule, Now: g.now})
	err := overMail(p.commit(ctx, changes...))
	if l, full := errors.AsType[*storage.LimitError](err); full && l.Key == g.source {
		o.Outcome, o.Reason = refused, networkFull // and costs what a wrong one does
		return p.pastNetwork(ctx, g, l.Until, o, append(warned, count, p.event(g.now, o.locking(until)))...)
	} else if full && l.Key == g.at.Key {
		return p.unjudged(ctx, o, accountLocked, whileLocked(g.at))
	}
	return err
}

// failure returns the change that counts a wrong answer, and until when it locks, by the counter as
// it was read; zero means that it does not. Where others count meanwhile, and it comes to something
// else, the commit is stale: so of any number of guesses at once one says that it locked.
func failure(c storage.Counter, now time.Time) (count storage.Count, until time.Time) {
	count = storage.Count{Key: c.Key, Rule: rule(c.Key), Now: now, Expect: storage.StaysOpen}
	next, refused := count.Rule.Count(c, now)
	if refused.IsZero() && !next.Until.IsZero() {
		count.Expect, until = storage.Locks, next.Until
	}
	if c.Key.Name == resetCounter || c.Key.Name == signInCounter { // where the code is nobody's, its counter was not read
		count.Expect = storage.Either
	}
	return count, until
}

// locking returns an occurrence that tells until when it locks.
func (o occurrence) locking(until time.Time) occurrence {
	if !until.IsZero() {
		o.Until = until.UnixMicro()
	}
	return o
}

// whileLocked is what whoever guesses hears while a counter is locked: what a wrong answer hears,
// whatever theirs was (security.md T6).
func whileLocked(guesses storage.Counter) error {
	if strings.HasPrefix(guesses.Key.Name, passwordCounter) || guesses.Key.Name == passkeyCounter {
		return ErrNotAuthorized
	}
	return ErrBadCode
}

// errLocked is ErrNotAuthorized for who was right, where guessing was locked meanwhile.
var errLocked = fmt.Errorf("%w", ErrNotAuthorized)
