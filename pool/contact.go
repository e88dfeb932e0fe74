package pool

import (
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// contact returns where messages to a user go: the proven email address or, where there is none,
// the proven phone number. False means that nothing is proven, and then nothing is sent.
func contact(u *user.User) (user.Login, bool) {
	for _, k := range []user.Kind{user.KindEmail, user.KindPhone} {
		if l, proven := u.Address(k); proven {
			return l, true
		}
	}
	return user.Login{}, false
}

// reached returns where a code goes that somebody asks for by a login of u: to the address that was
// typed or, for a user name, to the contact. False means nowhere, as for nobody.
func reached(u *user.User, typed user.Login) (user.Login, bool) {
	if typed.Kind() == user.KindUsername {
		return contact(u)
	}
	own := u.Login(typed)
	return own, own != (user.Login{})
}

// sentBy returns the kind of address that a code went to.
func sentBy(sms bool) user.Kind {
	if sms {
		return user.KindPhone
	}
	return user.KindEmail
}

// channel returns the way to an address.
func channel(to user.Login) message.Channel {
	if to.Kind() == user.KindPhone {
		return message.SMS
	}
	return message.Email
}

// delivery tells where a code went, to somebody who knows the address. At a user name whether there
// is an address, and of which kind, is not told (security.md T7).
func delivery(to user.Login) Delivery {
	if to.Kind() == user.KindUsername {
		return Delivery{}
	}
	return Delivery{channel(to), to.Display}
}

// smsLifetime is how long a code by SMS is good (security.md S3): numbers change hands, and phones
// show messages on their locks.
const smsLifetime = 10 * time.Minute

// sentTo returns what a ticket carries about a code that goes to an address.
func (s *state) sentTo(to user.Login, now time.Time) carried {
	c := carried{Channel: s.pseudonym(to)}
	if channel(to) == message.SMS {
		c.SMS, c.Until = true, now.Add(smsLifetime)
	}
	return c
}

// salt returns the salt of the first password at an address, where nobody has one to share. It is
// the same for all who sign up there, by whatever login, so that one hash judges them: whoever
// signed up at an address could see otherwise, at sign-in, that somebody else has proven it.
func (s *state) salt(address user.Login) []byte { return s.hmac("salt", address.Value)[:16] }

// smsRule is how many messages go out for a phone number, and for a user name behind which one may
// be: fewer than mails, because each costs money, and some who ask for them are paid for it (SMS
// pumping).
var smsRule = storage.Rule{Free: 3, Window: time.Hour}

// mailing returns how many messages strangers can cause at a login.
func mailing(l user.Login) storage.Rule {
	if l.Kind() == user.KindEmail {
		return mailRule
	}
	return smsRule
}

// smsRequestRule bounds at how many phone numbers one network has messages sent, for the same
// reason.
var smsRequestRule = storage.Rule{Free: 30, Window: time.Hour}

// countTexts returns the change that counts a request of a network, as far as its counter is known,
// for what may go out by SMS and does not show whether it does: by a user name, by another address
// than the code may go to, or by a right password. Beyond what a network may ask of phone numbers
// nothing goes out by SMS for it, which the answer does not show either.
func (p *Pool) countTexts(asked *unread, key storage.CounterKey, now time.Time) (full bool, count []storage.Change) {
	if !smsRequestRule.Locked(asked.at(key), now).IsZero() {
		return true, nil
	}
	return false, []storage.Change{storage.Count{Key: key, Rule: smsRequestRule, Now: now}}
}

// requested returns the counter of a network, and its rule, for what costs a message to a login.
func requested(l user.Login) (counter string, rule storage.Rule) {
	if l.Kind() == user.KindPhone {
		return smsRequests, smsRequestRule
	}
	return requests, requestRule
}

// unread is a counter that a commit adds to before it was read, because only what the same read
// finds says which one it is.
type unread struct{ storage.Counter }

// at returns the counter of a key, as far as it is known.
func (c *unread) at(key storage.CounterKey) storage.Counter {
	c.Key = key
	return c.Counter
}

// learn notes for the next round which counter of codes a commit found full. The rules of all have the
// same window, and none allows more than this one.
func (h *hooked) learn(err error, now time.Time) {
	h.codes.learn(err, mailRule, now)
	h.named.learn(err, smsRequestRule, now)
}

// learn notes for the next round that a commit found the counter full.
func (c *unread) learn(err error, rule storage.Rule, now time.Time) {
	if key, full := limit(err); full && key == c.Key {
		c.N, c.Start = int64(rule.Free), now
	}
}
