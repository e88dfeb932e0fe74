package pool

import (
	"cmp"
	"slices"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// NoticeSettings are what the owners of accounts are told of, by email and, but for a new device and
// wrong passwords, where there is no proven address by SMS. The zero value tells all.
//
// A device is new where [Caller].Device is none of the user's since their password was set. Of new
// ones the owner is told five times a day, and not within an hour of the sign-up; of other changes
// as often in an hour as codes are sent there.
type NoticeSettings struct {
	// InsecureSilent are kinds that are not sent, each once: message.NewDevice, FactorAdded,
	// FactorRemoved, RecoveryCodesMade, RecoveryCodeUsed, PasskeyCopied, PasswordChanged, AddressesChanged
	// and SignInAttempts. A theft that one of them would tell is not seen. What carries a link that
	// undoes a change goes out all the same. Nil means none.
	InsecureSilent []message.Kind `json:",omitzero"`
}

// optional are the notices that a pool can do without.
var optional = []message.Kind{
	message.NewDevice, message.FactorAdded, message.FactorRemoved, message.RecoveryCodesMade,
	message.RecoveryCodeUsed, message.PasskeyCopied, message.PasswordChanged, message.AddressesChanged, message.SignInAttempts,
}

func (s NoticeSettings) problems() []string {
	for i, k := range s.InsecureSilent {
		if !slices.Contains(optional, k) || slices.Contains(s.InsecureSilent[:i], k) {
			return []string{"notices: silent are kinds of message that tell of a change without a link, each once"}
		}
	}
	return nil
}

// silent reports whether the pool does without a kind of message.
func (s NoticeSettings) silent(k message.Kind) bool { return slices.Contains(s.InsecureSilent, k) }

// news is what was done to the factors of an account.
type news struct {
	kind   message.Kind   // FactorAdded, FactorRemoved, RecoveryCodesMade, RecoveryCodeUsed or PasskeyCopied
	factor message.Factor // of the first two
}

// tell returns the changes that tell the owner of an account, by mail or else by SMS, what a commit
// does to its factors:
//
//	changes = append(changes, p.tell(g.user, g.told, s.from, g.now, news{message.FactorAdded, message.Passkey})...)
//
// It belongs into each commit that adds, removes or doubts a factor, or makes or uses recovery codes, once
// with all of its news, and not beside [Pool.replaced] or tellOthers: they count at the same counter.
// That is told, as granted, answered and found have read it; beyond five mails or three SMS an hour
// nothing more is said, because the owner was told as often. U is the user as read, or a thief who
// brings an address of their own would be told. The zero Caller is for what administrators do. The
// commit's error goes through overMail.
func (p *Pool) tell(u *user.User, told storage.Counter, from Caller, now time.Time, all ...news) (changes []storage.Change) {
	to, proven := contact(u)
	rule := mailing(to)
	if !proven || !rule.Locked(told, now).IsZero() {
		return nil
	}
	for _, n := range all {
		if p.state.Load().settings.Notices.silent(n.kind) {
			continue
		}
		l := noticeTo(u, to, n.kind, from, now)
		l.Occasion.Factor = n.factor
		changes = append(changes, p.notify(u.ID, l, now))
	}
	if len(changes) == 0 {
		return nil
	}
	return append(changes, storage.Count{Key: told.Key, Rule: rule, Now: now})
}

// deviceRule is how often in a day the owner of an account is told of new devices: who keeps no cookies
// has one each time.
var deviceRule = storage.Rule{Free: 5, Window: 24 * time.Hour}

// settling is how old an account is before its owner is told of new devices: the first ones are
// their own.
const settling = time.Hour

// newDevice returns the changes that tell the owner of an account that somebody signs in to it from a
// browser or app which has not done so, or not since the password was set (security.md T6). It goes by
// email alone: each sign-in of a program that keeps no known-device tokens would cost an SMS.
func (p *Pool) newDevice(v attained) []storage.Change {
	u, now := v.user, v.now
	to, proven := u.Address(user.KindEmail)
	switch {
	case v.first, v.devices.Key.Owner != string(u.ID), !proven, now.Sub(u.Created) < settling,
		p.state.Load().settings.Notices.silent(message.NewDevice), !deviceRule.Locked(v.devices, now).IsZero():
		return nil
	}
	notice := p.notify(u.ID, noticeTo(u, to, message.NewDevice, v.h.from, now), now)
	return []storage.Change{notice, storage.Count{Key: v.devices.Key, Rule: deviceRule, Now: now}}
}

// noticeTo returns a letter that tells a user what was done, by whom. It is in their language where
// they have said which: whoever did it may be a stranger, and must not choose one that they do not
// read.
func noticeTo(u *user.User, to user.Login, kind message.Kind, from Caller, now time.Time) letter {
	l := letterTo(to, kind, cmp.Or(Caller{Locale: u.Attributes["locale"]}.locale(), from.locale()), "")
	l.Name = u.Username()
	l.Occasion = message.Occasion{At: now, Network: from.network(), Agent: from.agent()}
	return l
}
