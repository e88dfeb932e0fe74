package pool

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// texts bounds the messages by SMS of a pool, whatever asked for them. Each costs money, and who
// rents numbers by the thousand is paid a share of it: so they have codes sent there, from thousands
// of networks (SMS pumping).
//
// A text is counted as it is about to leave, and dropped where there have been enough. Visitors have
// their answer by then, so that nothing they see depends on a number that was looked up for them
// (security.md T7).
type texts struct {
	*Pool
	mu        sync.Mutex
	countries map[storage.CounterKey]*share
}

// numberRule is how many texts one number gets: more than any one way to ask for them allows.
var numberRule = storage.Rule{Free: 10, Window: textWindow}

const textWindow = time.Hour

// Texts to numbers that somebody typed are counted apart from those to numbers that were looked up
// in an account, which has proven them: who pumps sign-ups keeps nobody from signing in, and who
// fills a budget by numbers that they type does not learn by it which country a user name's is of.
const (
	typedNumber = "typed:"
	foundNumber = "found:"
)

// What goes to a number that somebody typed, unless the letter says otherwise, and what
// administrators cause.
var (
	toTyped = []message.Kind{
		message.ConfirmSignUp, message.AlreadyRegistered, message.ConfirmAddress, message.ResetPassword, message.ForgotUsername,
		message.SignInCode,
	}
	byAdmins = []message.Kind{message.Invitation, message.AddressRemoved, message.Impersonated}
	// toOwners must arrive, or who fills a budget keeps a theft from its victim. There are few of them.
	toOwners = []message.Kind{message.FactorsLost, message.FactorsReplaced}
)

// counted returns among which texts a letter is counted; "" means that it is not. Of those that are
// typed the dropped ones are counted, too: else what else arrives would tell who has an account.
func (l letter) counted() string {
	switch {
	case !l.SMS || l.Trusted || l.Over || slices.Contains(byAdmins, l.Kind), slices.Contains(toOwners, l.Kind):
		return ""
	case slices.Contains(toTyped, l.Kind) && !l.Found:
		return typedNumber
	case l.Void:
		return ""
	}
	return foundNumber
}

// Why a text was dropped. It stands in the event.
const (
	numberFull  = "sms_number"
	rangeFull   = "sms_range"
	countryFull = "sms_country"
	notServed   = "sms_not_served"
)

// mayLeave reports whether a letter may be sent, and counts it at its first try. Where the store
// fails it is tried again, uncounted then: nobody can cause that.
func (t *texts) mayLeave(ctx context.Context, m *storage.Outgoing, l letter) (bool, error) {
	if !l.SMS {
		return true, nil
	}
	if _, err := user.Phone(l.To); err != nil {
		return false, fmt.Errorf("%w: %w", message.ErrRefused, err)
	}
	limits := t.state.Load().settings.Limits
	if !limits.serves(l.To) {
		return false, t.dropped(ctx, notServed)
	}
	name := l.counted()
	if name == "" || m.Tries > 0 {
		return true, nil
	}
	number, block := t.key(name+"number", l.To), t.key(name+"range", rangeOf(l.To))
	now := t.now()
	err := t.commit(ctx, storage.Count{Key: number, Rule: numberRule, Now: now},
		storage.Count{Key: block, Rule: storage.Rule{Free: limits.rangeTexts(), Window: textWindow}, Now: now})
	if key, full := limit(err); full && key == number {
		return false, t.dropped(ctx, numberFull)
	} else if full {
		return false, t.dropped(ctx, rangeFull)
	} else if err != nil {
		return false, err
	}
	err = t.country(name+"country", callingCode(l.To)).take(ctx, limits.texts())
	if _, full := errors.AsType[*LimitError](err); full {
		return false, t.dropped(ctx, countryFull)
	}
	return err == nil, err
}

// dropped tells the operator.
func (t *texts) dropped(ctx context.Context, reason string) error {
	return t.unjudged(ctx, occurrence{Kind: textEvent, Outcome: refused}, reason, nil)
}

func (t *texts) key(name, of string) storage.CounterKey {
	owner := "sms/" + base64.RawURLEncoding.EncodeToString(t.state.Load().hmac("sms", of))
	return storage.CounterKey{Pool: t.config.ID, Owner: owner, Name: "sms:" + name}
}

// country returns the budget of a country. Its counter is leased in slices: one that each text adds
// to would be a row that all of them wait for (storage.md A4).
func (t *texts) country(name, code string) *share {
	key := t.key(name, code)
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.countries[key]
	if s == nil {
		if t.countries == nil {
			t.countries = map[storage.CounterKey]*share{}
		}
		s = &share{Pool: t.Pool, key: key, window: textWindow}
		t.countries[key] = s
	}
	return s
}

// rangeOf returns the block of ten thousand numbers that one is of, which is what networks are
// given, and rent out.
func rangeOf(number string) string { return number[:len(number)-4] }

// twoDigits are the calling codes of two digits (ITU-T E.164). Those of 1 and 7 have one, and all
// others three.
var twoDigits = [100]bool{
	20: true, 27: true, 30: true, 31: true, 32: true, 33: true, 34: true, 36: true, 39: true,
	40: true, 41: true, 43: true, 44: true, 45: true, 46: true, 47: true, 48: true, 49: true,
	51: true, 52: true, 53: true, 54: true, 55: true, 56: true, 57: true, 58: true,
	60: true, 61: true, 62: true, 63: true, 64: true, 65: true, 66: true,
	81: true, 82: true, 84: true, 86: true,
	90: true, 91: true, 92: true, 93: true, 94: true, 95: true, 98: true,
}

// callingCode returns the calling code with which a number in E.164 begins, as in "+49"; "" means
// that s is too short for one.
func callingCode(s string) string {
	switch {
	case len(s) > 1 && (s[1] == '1' || s[1] == '7'):
		return s[:2]
	case len(s) > 2 && twoDigits[(s[1]-'0')*10+s[2]-'0']:
		return s[:3]
	case len(s) > 3:
		return s[:4]
	}
	return ""
}

// served refuses a number that no text goes to, as early as it is typed.
func (v *validation) served(l LimitSettings, to user.Login, field string) {
	if to.Kind() == user.KindPhone && !l.serves(to.Value) {
		v.add(field, "must be a phone number of a country to which messages are sent")
	}
}
