package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// The counters of T5, by name. Their owner is a user, a ticket, or a pseudonym.
const (
	passwordCounter = "password"
	confirmCounter  = "code:confirm_sign_up"
	resetCounter    = "code:reset_password"
	warnings        = "mail:sign_in_attempts"
	requestMark     = "requests:reset_password" // a watermark: when a reset was last asked for
	signUpMail      = "mail:sign_up"
	resetMail       = "mail:reset_password"
	changeMail      = "mail:password_changed"
	failures        = "failures"       // of a network
	requests        = "requests"       // of a network: for what costs mails and rows
	smsRequests     = "requests:sms"   // of a network: for what costs messages by SMS
	namedRequests   = "requests:named" // of a network: by user names, behind which a phone number may be
)

// guessRule bounds guessing at one authenticator (security.md T5): the fifth failure locks for a
// second, each later one for twice as long up to 15 minutes, the hundredth in a row for good.
var guessRule = storage.Rule{Free: 5, Base: time.Second, Max: 15 * time.Minute, Decay: 15 * time.Minute, Ceiling: 100}

// sourceRule bounds wrong answers from one network, whatever accounts they are at (security.md T6).
// Only wrong ones count, and a right one resets nothing.
var sourceRule = storage.Rule{Free: 100, Window: 15 * time.Minute}

// codeRule is the same for codes, without a ceiling: strangers can cause codes to be sent and guess
// at them, and must not be able to close the way back for good.
var codeRule = storage.Rule{Free: guessRule.Free, Base: guessRule.Base, Max: guessRule.Max, Decay: guessRule.Decay}

// rule returns the rule of a counter of guesses.
func rule(key storage.CounterKey) storage.Rule {
	if key.Name == confirmCounter || key.Name == resetCounter {
		return codeRule
	}
	return guessRule
}

// whileLocked is what whoever guesses hears while a counter is locked: what a wrong answer hears,
// whatever theirs was (security.md T6).
func whileLocked(guesses storage.Counter) error {
	if guesses.Key.Name == confirmCounter || guesses.Key.Name == resetCounter {
		return ErrBadCode
	}
	return ErrNotAuthorized
}

// errLocked is ErrNotAuthorized for who was right, where guessing was locked meanwhile.
var errLocked = fmt.Errorf("%w", ErrNotAuthorized)

// requestRule bounds how many sign-ups and codes one network asks for (security.md T6).
var requestRule = storage.Rule{Free: 100, Window: 15 * time.Minute}

// reading is what one read of a login gave: the owner or the newest attempt, a counter or watermark
// of theirs, the counters of mails to the address and of the caller's network, and the state that is
// to be judged by.
type reading struct {
	user    *user.User
	attempt *user.User // the newest live one at the address, who may be the user; none at a taken user name
	// counter is the owner's, or where there is none a stranger's, so that both look alike: one of
	// an attempt would begin anew with each sign-up, and tell that nobody owns the address. Guesses
	// from a known device of the owner have one of their own.
	counter storage.Counter
	mail    storage.Counter
	source  storage.Counter
	warned  storage.Counter // of warnings to the owner; read for guesses only
	known   bool            // the caller has a known device of the user
	state   *state
}

// readLogin reads who is behind a login, with the counters of the given names, in one round trip.
func (p *Pool) readLogin(ctx context.Context, login user.Login, c Caller, counter, mail, source string, now time.Time) (reading, error) {
	s := p.state.Load() // its pool key is the same in every state
	counters := []storage.CounterKey{
		{Pool: p.config.ID, Name: counter},
		{Pool: p.config.ID, Owner: s.stranger(login), Name: counter},
		{Pool: p.config.ID, Owner: s.pseudonym(login), Name: mail},
		p.sourceKey(s, c, source),
	}
	d := p.device(c, now)
	if source == failures {
		counters = append(counters,
			storage.CounterKey{Pool: p.config.ID, Name: warnings},
			storage.CounterKey{Pool: p.config.ID, Owner: s.stranger(login), Name: warnings},
			storage.CounterKey{Pool: p.config.ID, Owner: string(d.User), Name: d.counter()})
	}
	got, err := p.read(ctx, storage.Want{
		Now: now, User: user.ByLogin(login.Value), Attempt: user.ByLogin(login.Value), Counters: counters,
	})
	if err != nil {
		return reading{}, err
	}
	fresh, err := p.current(ctx, got.PoolEpoch)
	if err != nil {
		return reading{}, err
	}
	r := reading{
		user: got.User, attempt: got.Attempt, counter: got.Counters[0],
		mail: got.Counters[2], source: got.Counters[3], state: fresh, known: d.knows(got.User),
	}
	if r.owner() == nil {
		r.counter = got.Counters[1]
	}
	if login.Kind() == user.KindUsername && r.owner() != nil {
		r.attempt = nil // that the name is taken shows; that the address of an attempt is its owner's must not
	}
	if source != failures {
		return r, nil
	}
	switch r.warned = got.Counters[4]; {
	case r.owner() == nil:
		r.warned = got.Counters[5]
	case r.known:
		r.counter = got.Counters[6]
	}
	return r, nil
}

// owner returns who owns the address, or nil.
func (r reading) owner() *user.User {
	if r.user == nil || !r.user.Somebody() {
		return nil
	}
	return r.user
}

// sourceKey names a counter of a caller's network: its failures, or its requests.
func (p *Pool) sourceKey(s *state, c Caller, name string) storage.CounterKey {
	return storage.CounterKey{Pool: p.config.ID, Owner: s.network(c), Name: name}
}

// overBudget refuses a caller whose network has used up what a rule allows it.
func overBudget(source storage.Counter, rule storage.Rule, now time.Time) error {
	if until := rule.Locked(source, now); !until.IsZero() {
		return &LimitError{Until: until}
	}
	return nil
}
