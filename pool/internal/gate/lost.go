package gate

import (
	"slices"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Recovery is for how long others may be set up in place of factors that are lost, once the hold is
// over.
const Recovery = 7 * 24 * time.Hour

// Held returns from when until when a user may set up other factors in place of those that they have
// said to be lost, and whether they have. It is no earlier than they and their owner were told, and no
// earlier than the hold of today's rules says.
func Held(u *user.User, hold time.Duration) (from, until time.Time, ok bool) {
	if u.Factors == nil || u.Factors.Lost.Asked.IsZero() || u.Factors.Lost.Epoch != u.Epoch || hold <= 0 {
		return from, until, false
	}
	from = u.Factors.Lost.Asked.Add(hold)
	if l := u.Factors.Lost; l.Until.After(from) {
		from = l.Until
	}
	return from, from.Add(Recovery), true
}

// loses reports whether the user may say that they have lost all factors: by the password, where there
// are some, and where no more is asked for than what they had set up.
func (r Request) loses(held []token.Proof) bool {
	return r.Rules.Hold > 0 && r.ACR == "" && r.MaxAge == 0 && r.Risk <= Ask && slices.ContainsFunc(held, func(p token.Proof) bool {
		return p.Method == token.MethodPassword && r.first(p)
	}) && slices.ContainsFunc(r.Has(), func(k mfa.Kind) bool { return k != mfa.KindCustom })
}

// recovers reports whether the hold is over, and not for long.
func (r Request) recovers(now time.Time) bool {
	from, until, ok := Held(r.User, r.Rules.Hold)
	return ok && !now.Before(from) && now.Before(until)
}
