package pool

import (
	"cmp"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// warningRule is how often the owner of an account is told that strangers have locked it.
var warningRule = storage.Rule{Free: 1, Window: 24 * time.Hour}

// warn returns the changes that tell an owner that strangers are locking the account, if this
// failure does and they were not told within a day. Where nobody owns it, the same is written and
// dropped unsent (security.md T6, T7). It goes by email alone: a message by SMS would let strangers
// spend the pool's money. Failures from a known device are not strangers'.
func (p *Pool) warn(r reading, c Caller) []storage.Change {
	now := r.now
	_, until := failure(r.counter, now)
	if until.IsZero() || r.known || !warningRule.Locked(r.warned, now).IsZero() {
		return nil
	}
	l := letter{Kind: message.SignInAttempts, Locale: c.locale(), Void: true}
	if u := r.owner(); u != nil {
		to, proven := u.Address(user.KindEmail)
		l.To, l.Locale, l.Void = to.Display, cmp.Or(u.Attributes["locale"], l.Locale), !proven
	}
	notice := p.notify(user.ID(r.counter.Key.Owner), l, now)
	return []storage.Change{notice, storage.Count{Key: r.warned.Key, Rule: warningRule, Now: now}}
}
